//! What players say on its way to GAMA, what GAMA says, and errors (SI-14, SI-34, SI-35, GA-3, GA-7, GA-8, GA-10).

use crate::fake_gama::Kind;
use crate::gama_site::{Site, class};
use crosstie_hub::ConnId;
use crosstie_hub::api::classroom::OrderWord::{Launch, Pause, Resume, Stop};
use crosstie_hub::api::classroom::{ClassroomReply, ClassroomRequest};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::settings::GamaSettings;
use serde_json::{Value as Json, json};

fn ask(site: &mut Site, headset: ConnId, number: usize) {
    let args = json!({"id": "Player_101", "x": number}).to_string();
    let ask = json!({"type": "ask", "action": "move_player_external", "args": args, "agent": "a"});
    site.house.say(headset, ask);
}

fn sent(site: &mut Site, word: &str) -> Vec<Json> {
    let heard = std::mem::take(&mut site.gama.heard);
    heard
        .into_iter()
        .filter(|command| crate::fake_gama::word(command) == word)
        .collect()
}

#[test]
fn si34_expressions_and_asks_go_on_with_the_experiment_and_the_name_of_the_player() {
    let mut site = Site::launched(Kind::Headless);
    let headset = site.headset("a\"b\\");
    site.gama.heard.clear();
    site.house
        .say(headset, json!({"type": "expression", "expr": "do act($id, $id);"}));
    site.house.say_text(
        headset,
        r#"{"type":"ask","z":1,"action":"go","args":"{}","agent":"a"}"#.into(),
    );
    site.run(5);
    assert_eq!(
        site.gama.heard[0].to_string(),
        r#"{"type":"expression","content":"Send an expression","exp_id":"1","expr":"do act(\"a\\\"b\\\\\", \"a\\\"b\\\\\");"}"#
    );
    assert_eq!(
        site.gama.heard[1].to_string(),
        r#"{"type":"ask","z":1,"action":"go","args":"{}","agent":"a","exp_id":"1"}"#
    );
}

#[test]
fn a_player_has_so_many_asks_at_gama_and_the_newest_of_the_others_wait() {
    let mut site = Site::launched(Kind::Gui);
    let headset = site.headset("Player_101");
    site.gama.heard.clear();
    site.gama.silent.insert("ask");
    for number in 0..100 {
        ask(&mut site, headset, number);
    }
    site.run(5);
    let first = sent(&mut site, "ask");
    assert_eq!(first.len(), 16);
    assert_eq!(site.error(), None, "what is dropped is no error");
    let player = &site.class().players[0];
    assert_eq!((player.said, player.said_dropped), (48, 52));
    // Each answer makes room for one; answers may come in any order.
    site.gama.silent.clear();
    for command in first.into_iter().rev() {
        site.gama
            .answer(&mut site.house, "CommandExecutedSuccessfully", "", command);
    }
    site.run(20);
    let rest = sent(&mut site, "ask");
    let numbers: Vec<String> = rest
        .iter()
        .map(|ask| ask["args"].as_str().unwrap_or("?").to_owned())
        .collect();
    assert_eq!(numbers.len(), 32);
    assert!(
        numbers[0].contains("\"x\":68") && numbers[31].contains("\"x\":99"),
        "{numbers:?}"
    );
}

#[test]
fn asks_that_are_never_answered_are_forgotten_after_their_time_and_are_no_error_of_the_class() {
    let mut site = Site::launched(Kind::Gui);
    let headset = site.headset("Player_101");
    site.gama.silent.insert("ask");
    for number in 0..16 {
        ask(&mut site, headset, number);
    }
    site.run(10_010);
    assert_eq!(site.error(), None);
    assert!(
        site.problem("gama:silent")
            .expect("a person should know")
            .starts_with("16 asks")
    );
    site.gama.silent.clear();
    site.gama.heard.clear();
    ask(&mut site, headset, 99);
    site.run(10);
    assert_eq!(sent(&mut site, "ask").len(), 1);
    assert_eq!(site.problem("gama:silent"), None, "it answers again");
}

#[test]
fn a_gama_that_does_not_read_keeps_asks_waiting_and_gets_the_newest() {
    let mut site = Site::launched(Kind::Gui);
    let headset = site.headset("Player_101");
    site.house.peer(site.gama.conn).reads = false;
    for number in 0..100 {
        ask(&mut site, headset, number);
        site.house.run_for(std::time::Duration::from_millis(2));
    }
    site.gama.heard.clear();
    site.house.read_again(site.gama.conn);
    site.run(30);
    let asks = sent(&mut site, "ask");
    assert!(asks.len() <= 34, "{}", asks.len());
    assert!(asks.last().expect("some").to_string().contains(":99"));
}

#[test]
fn what_players_say_without_an_experiment_goes_nowhere() {
    let mut site = Site::new(Kind::Gui);
    let headset = site.headset("Player_101");
    for state in ["NOTREADY", "NONE"] {
        site.status(state);
        ask(&mut site, headset, 1);
        site.run(5);
    }
    assert!(site.gama.heard.is_empty());
    site.does(Launch);
    assert!(sent(&mut site, "ask").is_empty(), "and is not kept");
}

#[test]
fn what_waits_of_one_experiment_is_not_said_in_the_next() {
    let mut site = Site::launched(Kind::Gui);
    let headset = site.headset("Player_101");
    site.gama.silent.insert("ask");
    for number in 0..40 {
        ask(&mut site, headset, number);
    }
    site.run(5);
    site.status("NONE");
    site.gama.heard.clear();
    site.does(Launch);
    assert!(sent(&mut site, "ask").is_empty());
    site.run(20_000);
    assert_eq!(site.problem("gama:silent"), None, "nobody waits for those answers");
    ask(&mut site, headset, 41);
    site.run(5);
    assert_eq!(sent(&mut site, "ask").len(), 1);
}

#[test]
fn a_player_is_wished_for_once_and_of_what_is_wished_meanwhile_the_last_counts() {
    let mut site = Site::launched(Kind::Gui);
    site.gama.silent.insert("create_player");
    site.headset("Player_101");
    let remove = |site: &mut Site| {
        let request = ClassroomRequest::RemovePlayer {
            id: "Player_101".into(),
        };
        site.house.ask(Request::Classroom(request));
        site.run(5);
    };
    remove(&mut site);
    assert_eq!(site.gama.words(), ["create_player"], "the removal waits for the answer");
    site.run(10_000);
    assert_eq!(site.gama.words(), ["remove_player"]);
    assert_eq!(
        site.error().as_deref(),
        Some("GAMA did not answer 'create_player' for 'Player_101' within 10 s")
    );
    assert!(site.gama.players.is_empty() && site.in_game().is_empty());
}

#[test]
fn a_refused_player_is_an_error_until_it_is_made() {
    let mut site = Site::launched(Kind::Gui);
    site.gama.refuses.insert("create_player", "no linker");
    site.headset("Player_101");
    assert_eq!(site.error().as_deref(), Some("no linker"));
    let player = &site.class().players[0];
    assert!(
        !player.in_game
            && player
                .waits_for
                .as_ref()
                .is_some_and(|words| words.contains("no linker"))
    );
    site.gama.refuses.clear();
    let request = ClassroomRequest::AddPlayer {
        id: "Player_101".into(),
    };
    site.house.ask(Request::Classroom(request));
    site.run(5);
    assert_eq!((site.error(), site.in_game().len()), (None, 1));
}

#[test]
fn ga8_every_kind_of_error_is_shown_as_it_came_until_a_command_succeeds() {
    for kind in [
        "SimulationStatusError",
        "SimulationErrorDialog",
        "SimulationError",
        "RuntimeError",
        "GamaServerError",
        "MalformedRequest",
        "UnableToExecuteRequest",
    ] {
        let mut site = Site::launched(Kind::Gui);
        let monitor = site.monitor();
        let headset = site.headset("Player_101");
        let error = json!({"type": kind, "content": {"message": "dry", "cycle": 3}, "exp_id": "0"});
        site.say(error.clone());
        site.run(60);
        assert_eq!(
            site.told(monitor)["content_error"].to_string(),
            error.to_string(),
            "{kind}"
        );
        assert_eq!(site.problem("gama:error"), Some(format!("{kind}: dry")));
        assert!(
            site.console()
                .iter()
                .any(|line| (line.level, line.text.as_str()) == ("error", "dry"))
        );
        ask(&mut site, headset, 1);
        site.run(60);
        assert!(site.error().is_some(), "an answered ask does not take it away");
        site.does(Resume);
        site.run(60);
        assert_eq!(site.told(monitor)["content_error"], "");
        assert_eq!(site.problem("gama:error"), None);
    }
}

#[test]
fn si14_the_error_is_a_text_where_the_project_wants_it_so_and_never_longer_than_it_may_be() {
    let mut settings = class(GamaSettings::default());
    settings.classroom.as_mut().expect("it has one").error_as_text = true;
    let mut site = Site::of(Kind::Gui, settings);
    let monitor = site.monitor();
    site.say(json!({"type": "RuntimeError", "content": "a \"dry\" river"}));
    site.run(60);
    assert_eq!(site.told(monitor)["content_error"], "a \"dry\" river");
    let mut site = Site::new(Kind::Gui);
    let monitor = site.monitor();
    site.say(json!({"type": "RuntimeError", "content": "é".repeat(100_000)}));
    site.run(60);
    let error = site.told(monitor)["content_error"].clone();
    assert_eq!(error["type"], "RuntimeError");
    assert!(
        error["content"].as_str().is_some_and(|words| words.len() < 3_000),
        "its front is"
    );
}

#[test]
fn ga7_the_console_keeps_the_newest_lines_and_a_repeated_one_once() {
    let mut site = Site::launched(Kind::Gui);
    site.say(json!({"type": "SimulationOutput", "content": {"message": "hello", "color": {}}}));
    site.say(json!({"type": "SimulationDialog", "content": "look"}));
    for _ in 0..50 {
        site.say(json!({"type": "RuntimeError", "content": "again"}));
    }
    let lines = site.console();
    let line = |text: &str| lines.iter().filter(|line| line.text == text).count();
    assert_eq!((line("hello"), line("look"), line("again")), (1, 1, 1));
    assert!(lines.iter().any(|line| line.level == "order" && line.kind == "load"));
    for number in 0..600 {
        site.say(json!({"type": "SimulationDebug", "content": format!("line {number}")}));
    }
    let lines = site.console();
    assert_eq!(lines.len(), 500);
    assert_eq!(lines.last().map(|line| line.text.as_str()), Some("line 599"));
    assert!(lines.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
}

#[test]
fn an_evaluation_is_answered_by_gama_or_with_the_reason() {
    let mut site = Site::launched(Kind::Gui);
    site.gama.says.insert("length(people)".into(), "12".into());
    let evaluate = |expr: &str| Request::Classroom(ClassroomRequest::Evaluate { expr: expr.into() });
    let ticket = site.house.ask_later(evaluate("length(people)"));
    site.run(5);
    let reply = site.house.reply(ticket);
    assert!(
        matches!(&reply, Some(Reply::Classroom(ClassroomReply::Evaluated(text))) if text == "12"),
        "{reply:?}"
    );
    let refused = |reply: Option<Reply>| match reply {
        Some(Reply::Refused(refused)) => refused.to_string(),
        other => panic!("{other:?}"),
    };
    site.gama.refuses.insert("expression", "no such species");
    let ticket = site.house.ask_later(evaluate("x"));
    site.run(5);
    assert_eq!(refused(site.house.reply(ticket)), "GAMA: no such species");
    assert_eq!(site.error(), None, "it is the error of whoever asks");
    site.gama.refuses.clear();
    site.gama.silent.insert("expression");
    let tickets: Vec<_> = (0..9).map(|_| site.house.ask_later(evaluate("y"))).collect();
    site.run(5);
    assert!(refused(site.house.reply(tickets[8])).contains("the limit is 8"));
    site.run(9_980);
    assert!(site.house.reply(tickets[0]).is_none());
    site.run(50);
    assert_eq!(
        refused(site.house.reply(tickets[0])),
        "GAMA did not answer the expression within 10 s"
    );
    let ticket = site.house.ask_later(evaluate("z"));
    site.gama.die(&mut site.house);
    assert!(refused(site.house.reply(ticket)).contains("link to GAMA was lost"));
    let ticket = site.house.ask_later(evaluate("z"));
    assert!(refused(site.house.reply(ticket)).contains("not reachable"));
}

#[test]
fn worlds_come_from_outputs_and_from_answers() {
    let mut site = Site::launched(Kind::Gui);
    let headset = site.headset("Player_101");
    site.house.peer(headset).inbox.clear();
    let piece = json!([{"id": ["Player_101"], "contents": {"precision": 1}}]);
    site.gama.world(&mut site.house, piece.clone());
    site.say(json!({"type": "CommandExecutedSuccessfully", "content": "", "contents": piece}));
    site.run(5);
    let inbox = &site.house.peer(headset).inbox;
    assert_eq!(
        inbox.iter().filter(|message| message["type"] == "json_output").count(),
        2
    );
}

#[test]
fn thirty_players_with_fifty_asks_a_second_are_all_heard() {
    let mut site = Site::launched(Kind::Gui);
    let headsets: Vec<ConnId> = (0..30)
        .map(|number| site.headset(&format!("Player_{number}")))
        .collect();
    site.gama.heard.clear();
    for number in 0..50 {
        for headset in &headsets {
            ask(&mut site, *headset, number);
        }
        site.run(20);
    }
    assert_eq!(sent(&mut site, "ask").len(), 1_500);
    assert!(site.class().players.iter().all(|player| player.said_dropped == 0));
    site.does(Resume);
    site.does(Pause);
    site.does(Stop);
    assert_eq!(site.row().state, "NONE");
}
