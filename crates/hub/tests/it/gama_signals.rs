//! `sim/...`: the class as signals, what GAMA is asked for, what is written into it, and orders by signals (GA-13).

use crate::fake_gama::{Kind, word};
use crate::gama_site::{Site, class, ms};
use crate::house::line;
use crosstie_hub::Input;
use crosstie_hub::api::classroom::OrderWord::{Launch, Pause, Resume};
use crosstie_hub::api::replay::{Fit, ReplayRequest};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::replay::Replayed;
use crosstie_hub::settings::{GamaSettings, GamaWatch, GamaWrite, RouteSetting, Settings};
use crosstie_hub::signal::{Kind as Type, Quality, Value};

fn settings() -> GamaSettings {
    let write = |name: &str, kind| GamaWrite {
        name: name.into(),
        expr: format!("{name} <- $value;"),
        kind,
    };
    GamaSettings {
        watches: vec![GamaWatch {
            name: "people".into(),
            expr: "length(people)".into(),
            kind: Type::Int,
            every: ms(500),
        }],
        writes: vec![write("rain", Type::Float), write("sign", Type::Text)],
        ..GamaSettings::default()
    }
}

fn write(site: &mut Site, name: &str, value: Value) -> Reply {
    let reply = site.house.ask(Request::Write {
        name: name.into(),
        value,
    });
    site.run(5);
    reply
}

fn seen(site: &mut Site, name: &str) -> (Value, Quality) {
    let row = site.house.row(name);
    (row.value, row.quality)
}

fn expressions(site: &mut Site, part: &str) -> Vec<String> {
    let heard = std::mem::take(&mut site.gama.heard);
    let exprs = heard.iter().filter(|command| word(command) == "expression");
    let exprs = exprs.filter_map(|command| command["expr"].as_str().map(str::to_owned));
    exprs.filter(|expr| expr.contains(part)).collect()
}

#[test]
fn ga13_the_state_of_the_class_is_signals() {
    let mut site = Site::new(Kind::Gui);
    site.headset("Player/101");
    assert_eq!(seen(&mut site, "sim/connected"), (Value::Bool(true), Quality::Good));
    assert_eq!(
        seen(&mut site, "sim/state"),
        (Value::Text("NONE".into()), Quality::Good)
    );
    assert_eq!(seen(&mut site, "sim/player/Player~1101/connected").0, Value::Bool(true));
    assert_eq!(seen(&mut site, "sim/player/Player~1101/in_game").0, Value::Bool(false));
    site.does(Launch);
    assert_eq!(seen(&mut site, "sim/state").0, Value::Text("PAUSED".into()));
    assert_eq!(seen(&mut site, "sim/players").0, Value::Int(1));
    assert_eq!(seen(&mut site, "sim/player/Player~1101/in_game").0, Value::Bool(true));
    site.say(serde_json::json!({"type": "RuntimeError", "content": "dry"}));
    assert_eq!(seen(&mut site, "sim/error").0, Value::Text("dry".into()));
    site.gama.die(&mut site.house);
    assert_eq!(seen(&mut site, "sim/connected"), (Value::Bool(false), Quality::Good));
    assert_eq!(
        seen(&mut site, "sim/state"),
        (Value::Text("NONE".into()), Quality::GamaUnreachable)
    );
    assert_eq!(
        site.house.row("sim/state").reason.as_deref(),
        Some("the link to GAMA is down")
    );
    assert_eq!(seen(&mut site, "sim/players").0, Value::Int(0));
    let reply = write(&mut site, "sim/state", Value::Text("x".into()));
    assert!(
        matches!(reply, Reply::Refused(_)),
        "only the hub says how the class stands: {reply:?}"
    );
}

#[test]
fn without_an_experiment_a_recording_says_what_is_watched_and_with_one_it_is_a_second_writer() {
    let mut site = Site::with(Kind::Gui, settings());
    let fit = |site: &mut Site, name: &str, kind| {
        let signals = vec![(Box::from(name), kind)];
        match site.house.ask(Request::Replay(ReplayRequest::Fits { signals })) {
            Reply::Replay(mut fits) => fits.remove(0),
            other => panic!("{other:?}"),
        }
    };
    let people = "sim/watch/people";
    assert_eq!(fit(&mut site, people, Type::Int), Fit::Free);
    assert!(matches!(fit(&mut site, "sim/players", Type::Int), Fit::Skipped(_)));
    let said = Replayed {
        name: people.into(),
        value: Value::Int(31),
        quality: Quality::Good,
    };
    site.house.give(Input::Replayed(vec![said]));
    assert_eq!(seen(&mut site, people), (Value::Int(31), Quality::Good));
    site.gama.says.insert("length(people)".into(), "12".into());
    site.does(Launch);
    assert_eq!(seen(&mut site, people), (Value::Int(12), Quality::Good));
    let rival = Fit::Contested(String::from("the experiment of the class"));
    assert_eq!(fit(&mut site, people, Type::Int), rival);
}

#[test]
fn ga13_watches_are_asked_while_there_is_an_experiment_one_question_at_a_time() {
    let mut site = Site::with(Kind::Gui, settings());
    assert_eq!(
        site.house.row("sim/watch/people").quality.word(),
        "good",
        "nothing was asked yet"
    );
    site.gama.says.insert("length(people)".into(), "12".into());
    site.gama.says.insert("cycle".into(), "7".into());
    site.does(Launch);
    assert_eq!(seen(&mut site, "sim/watch/people"), (Value::Int(12), Quality::Good));
    assert_eq!(seen(&mut site, "sim/cycle"), (Value::Int(7), Quality::Good));
    site.gama.heard.clear();
    site.run(2_000);
    assert_eq!(expressions(&mut site, "length").len(), 4);
    site.run(2_000);
    assert_eq!(
        expressions(&mut site, "cycle").len(),
        0,
        "what is paused does not count on"
    );
    site.does(Resume);
    site.gama.heard.clear();
    site.run(3_000);
    assert_eq!(expressions(&mut site, "cycle").len(), 3);
    // An answer that is late is waited for.
    site.gama.silent.insert("expression");
    site.gama.heard.clear();
    site.run(9_000);
    assert_eq!(expressions(&mut site, "length").len(), 1);
    site.run(2_000);
    assert_eq!(
        seen(&mut site, "sim/watch/people"),
        (Value::Int(12), Quality::GamaSilent)
    );
    site.gama.silent.clear();
    site.run(11_000);
    assert_eq!(seen(&mut site, "sim/watch/people"), (Value::Int(12), Quality::Good));
    site.status("NONE");
    assert_eq!(
        seen(&mut site, "sim/watch/people"),
        (Value::Int(12), Quality::NoExperiment)
    );
    site.gama.heard.clear();
    site.run(5_000);
    assert!(site.gama.heard.is_empty());
    site.gama.die(&mut site.house);
    assert_eq!(seen(&mut site, "sim/watch/people").1, Quality::NoExperiment);
}

#[test]
fn ga13_an_answer_that_is_no_value_of_its_kind_is_bad_and_a_problem() {
    let mut site = Site::with(Kind::Gui, settings());
    site.gama.says.insert("length(people)".into(), "many".into());
    site.does(Launch);
    assert_eq!(seen(&mut site, "sim/watch/people").1, Quality::GamaMisfit);
    let problem = site
        .problem("gama:watch:sim/watch/people")
        .expect("a person should know");
    assert_eq!(problem, "GAMA answers 'many' to 'length(people)', which is no int");
    site.gama.says.insert("length(people)".into(), "3".into());
    site.run(600);
    assert_eq!(seen(&mut site, "sim/watch/people"), (Value::Int(3), Quality::Good));
    assert_eq!(site.problem("gama:watch:sim/watch/people"), None);
    // What GAMA refuses is asked again when something may have changed, not all the time.
    site.gama.refuses.insert("expression", "no such species");
    site.run(600);
    site.gama.heard.clear();
    site.run(5_000);
    assert!(expressions(&mut site, "length").is_empty());
    assert_eq!(site.error(), None);
    site.gama.refuses.clear();
    site.does(Resume);
    site.does(Pause);
    assert_eq!(seen(&mut site, "sim/watch/people").1, Quality::Good);
}

#[test]
fn ga13_written_values_go_into_the_experiment_and_into_the_next_one_as_they_are_then() {
    let mut site = Site::with(Kind::Gui, settings());
    write(&mut site, "sim/write/rain", Value::Float(-2.5));
    write(&mut site, "sim/write/rain", Value::Float(-3.0));
    assert!(site.gama.heard.is_empty(), "it waits for an experiment");
    site.does(Launch);
    assert_eq!(
        expressions(&mut site, "<-"),
        ["rain <- (-3.0);"],
        "the newest, and only what was said"
    );
    write(&mut site, "sim/write/sign", Value::Text("a \"b\"\\".into()));
    assert_eq!(expressions(&mut site, "<-"), [r#"sign <- "a \"b\"\\";"#]);
    // While one is not answered the newest waits.
    site.gama.silent.insert("expression");
    for number in 0..50 {
        write(&mut site, "sim/write/rain", Value::Float(f64::from(number)));
    }
    let sent: Vec<_> = site
        .gama
        .heard
        .iter()
        .filter(|command| command["expr"] != "length(people)")
        .cloned()
        .collect();
    assert_eq!(sent.len(), 1);
    site.gama.silent.clear();
    site.gama
        .answer(&mut site.house, "CommandExecutedSuccessfully", "", sent[0].clone());
    site.gama.heard.clear();
    site.run(5);
    assert_eq!(expressions(&mut site, "<-"), ["rain <- 49.0;"]);
    site.gama.die(&mut site.house);
    site.revive();
    site.does(Launch);
    assert_eq!(expressions(&mut site, "<-").len(), 2, "both are told again");
    site.gama.refuses.insert("expression", "no rain");
    write(&mut site, "sim/write/rain", Value::Float(1.0));
    let problem = site.problem("gama:write:sim/write/rain").expect("a person should know");
    assert!(problem.contains("no rain"), "{problem}");
}

#[test]
fn ga13_a_signal_that_becomes_true_is_an_order_and_is_never_kept() {
    let mut site = Site::new(Kind::Gui);
    write(&mut site, "sim/order/launch", Value::Bool(true));
    site.run(20);
    assert_eq!(site.row().state, "PAUSED");
    write(&mut site, "sim/order/resume", Value::Bool(true));
    site.run(20);
    assert_eq!(site.row().state, "RUNNING");
    write(&mut site, "sim/order/resume", Value::Bool(true));
    assert_eq!(site.problem("sim:order:resume"), None, "it has not become true again");
    write(&mut site, "sim/order/resume", Value::Bool(false));
    write(&mut site, "sim/order/resume", Value::Bool(true));
    assert!(
        site.problem("sim:order:resume")
            .expect("refused")
            .contains("only an experiment that is paused")
    );
    write(&mut site, "sim/order/stop", Value::Bool(true));
    site.run(20);
    assert_eq!(site.row().state, "NONE");
    site.gama.die(&mut site.house);
    write(&mut site, "sim/order/launch", Value::Bool(false));
    write(&mut site, "sim/order/launch", Value::Bool(true));
    assert!(
        site.problem("sim:order:launch")
            .expect("refused")
            .contains("not reachable")
    );
    site.revive();
    site.run(1_000);
    assert_eq!(
        site.row().state,
        "NONE",
        "what could not be carried out is not carried out later"
    );
    write(&mut site, "sim/order/launch", Value::Bool(false));
    write(&mut site, "sim/order/launch", Value::Bool(true));
    site.run(20);
    assert_eq!(site.row().state, "PAUSED");
    assert_eq!(site.problem("sim:order:launch"), None);
}

#[test]
fn ga13_a_twin_starts_the_lesson_and_sees_its_state_over_routes() {
    let route = RouteSetting::plain;
    let mut site = Site::of(
        Kind::Gui,
        Settings {
            endpoints: vec![line()],
            routes: vec![
                route("twin/line/Run", "sim/order/launch"),
                route("sim/connected", "twin/line/Lamp"),
            ],
            ..class(settings())
        },
    );
    let twin = site.house.join("twin");
    assert_eq!(site.house.value("Lamp"), Value::Bool(true));
    site.house.write(twin, serde_json::json!({"Run": true}));
    site.run(40);
    assert_eq!(site.row().state, "PAUSED");
    site.house.disconnect(twin);
    site.gama.die(&mut site.house);
    assert_eq!(site.house.value("Lamp"), Value::Bool(false));
}
