//! What happens at the edges of a lesson: another model is selected while one runs, packages that are written at the moment, two
//! headsets that take the seat from each other, answers that cannot be read.

use crate::fake_gama::Kind;
use crate::gama_site::Site;
use crate::lesson::{Lesson, catalog, model};
use crosstie_hub::Input;
use crosstie_hub::api::classroom::{ClassRow, ClassroomReply, ClassroomRequest, OrderWord};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::settings::ClassroomSettings;
use serde_json::json;
use std::sync::Arc;

fn row(lesson: &mut Lesson) -> ClassRow {
    match lesson.house.ask(Request::Classroom(ClassroomRequest::State)) {
        Reply::Classroom(ClassroomReply::State(row)) => *row,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_that_is_selected_during_a_lesson_is_the_next_ones_and_not_this_ones() {
    let models = vec![model("Flood", (None, Some(2))), model("Fire", (Some(3), Some(6)))];
    let mut lesson = Lesson::of_models(ClassroomSettings::default(), models);
    lesson.gama_arrives();
    lesson.launch();
    let teacher = lesson.monitor();
    lesson.say(
        teacher,
        json!({"type": "get_simulation_by_index", "simulationIndex": 1}),
    );
    for id in ["A", "B", "C"] {
        lesson.headset(id);
    }
    lesson.ms(50);
    let shown = row(&mut lesson);
    assert_eq!(shown.model, Some((0, String::from("Flood"))));
    assert_eq!((shown.minimal_players, shown.maximal_players), (None, Some(2)));
    assert_eq!(lesson.in_game(), ["A", "B"]);
    // When the lesson is over, the next one is that which was selected.
    lesson.say(teacher, json!({"type": "stop_experiment"}));
    lesson.ms(100);
    let shown = row(&mut lesson);
    assert_eq!(shown.model, Some((1, String::from("Fire"))));
    assert_eq!(shown.maximal_players, Some(6));
}

#[test]
fn si55_a_model_that_is_missing_for_a_moment_is_the_active_one_again() {
    let (flood, fire) = (model("Flood", (None, None)), model("Fire", (None, None)));
    let mut lesson = Lesson::of_models(ClassroomSettings::default(), vec![flood.clone(), fire.clone()]);
    let select = ClassroomRequest::Select { model: 1 };
    lesson.house.ask(Request::Classroom(select));
    let read = |lesson: &mut Lesson, models: Vec<_>| {
        lesson.house.give(Input::Packages(Arc::new(catalog(models))));
        row(lesson).model.map(|(_, name)| name)
    };
    assert_eq!(read(&mut lesson, vec![flood.clone()]).as_deref(), Some("Flood"));
    assert_eq!(read(&mut lesson, Vec::new()), None);
    assert_eq!(
        read(&mut lesson, vec![flood.clone(), fire.clone()]).as_deref(),
        Some("Fire")
    );
    // Whoever selects meanwhile has meant it.
    read(&mut lesson, vec![flood.clone()]);
    lesson
        .house
        .ask(Request::Classroom(ClassroomRequest::Select { model: 0 }));
    assert_eq!(read(&mut lesson, vec![flood, fire]).as_deref(), Some("Flood"));
}

#[test]
fn si10_a_monitor_that_comes_before_the_packages_are_read_gets_the_settings_then() {
    let mut lesson = Lesson::of_models(ClassroomSettings::default(), Vec::new());
    let early = lesson.monitor();
    assert_eq!(lesson.texts(early).len(), 1, "the state alone");
    let models = vec![model("Flood", (None, None))];
    let settings = models[0].settings.clone();
    lesson.house.give(Input::Packages(Arc::new(catalog(models.clone()))));
    lesson.ms(60);
    assert!(lesson.texts(early).contains(&settings));
    // Once is enough.
    lesson.house.give(Input::Packages(Arc::new(catalog(models))));
    lesson.ms(60);
    assert!(!lesson.texts(early).contains(&settings));
}

#[test]
fn si31_two_headsets_of_one_machine_that_take_the_seat_from_each_other_are_told_of() {
    let mut lesson = Lesson::new(ClassroomSettings::default());
    let first = lesson.headset_at("Twin", "10.1.0.9:1");
    let second = lesson.headset_at("Twin", "10.1.0.9:2");
    assert_eq!(lesson.closed(first), Some(1000));
    assert!(!lesson.row("Twin").is_doubled, "once is a headset that came back");
    lesson.ms(5_000);
    lesson.headset_at("Twin", "10.1.0.9:3");
    assert_eq!(lesson.closed(second), Some(1000));
    assert!(lesson.row("Twin").is_doubled);
    lesson.ms(61_000);
    lesson.headset_at("Twin", "10.1.0.9:4");
    assert!(!lesson.row("Twin").is_doubled);
}

#[test]
fn ga8_what_cannot_be_read_is_in_the_log_view_and_a_problem_until_the_link_is_made_anew() {
    let mut site = Site::launched(Kind::Gui);
    site.house.say_text(site.gama.conn, String::from("{broken"));
    site.say(json!({"type": "SimulationOutput", "content": "not json"}));
    site.run(5);
    let lines = site.console();
    let words: Vec<&str> = lines
        .iter()
        .filter(|line| line.kind == "unreadable")
        .map(|line| &*line.text)
        .collect();
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(
        words[0].starts_with("a message could not be read: ") && words[1].starts_with("a world could not be read: ")
    );
    assert!(site.problem("gama:unreadable").is_some());
    site.gama.die(&mut site.house);
    site.revive();
    site.run(20);
    assert_eq!(site.problem("gama:unreadable"), None);
}

#[test]
fn an_order_that_was_not_answered_when_the_experiment_ended_is_no_error_later() {
    let mut site = Site::launched(Kind::Gui);
    site.gama.silent.insert("play");
    site.does(OrderWord::Resume);
    site.does(OrderWord::Stop);
    site.run(11_000);
    assert_eq!(site.row().state, "NONE");
    assert_eq!(site.error(), None);
}

#[test]
fn ga10_what_to_do_fits_what_was_not_done() {
    let hint = |site: &mut Site| site.row().error.expect("there is an error").hint;
    let mut site = Site::new(Kind::Gui);
    site.gama.refuses.insert("load", "'m.gaml' does not exist");
    site.does(OrderWord::Launch);
    assert!(hint(&mut site).contains("model's file"));
    let mut site = Site::launched(Kind::Gui);
    site.gama.silent.insert("play");
    site.does(OrderWord::Resume);
    site.run(11_000);
    assert!(hint(&mut site).contains("dialog"));
    let mut site = Site::launched(Kind::Gui);
    site.gama.refuses.insert("create_player", "no such action");
    site.headset("Player_101");
    site.run(50);
    assert!(hint(&mut site).contains("create_player"));
}
