//! Transcripts of the existing SIMPLE WebPlatform: every frame of its peers is understood, and every frame of its own is written
//! as it wrote it.
//!
//! `tests/golden/simple/SOURCES.md` says where each file comes from.

use crosstie_wire::gama::{self, Control, Outcome, ServerMessage};
use crosstie_wire::monitor::{GamaState, PlayerState, Request};
use crosstie_wire::{headset, monitor};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::PathBuf;

/// One frame of a transcript.
#[derive(Debug)]
struct Line {
    place: String,
    party: String,
    is_sent: bool,
    text: String,
}

/// All frames of all transcripts.
fn lines() -> Vec<Line> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/simple");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the goldens are readable")
        .map(|entry| entry.expect("the goldens are readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "transcript"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 27);
    let mut lines = Vec::new();
    for file in files {
        let name = file.file_name().expect("it is a file").to_string_lossy().into_owned();
        for (number, line) in fs::read_to_string(&file)
            .expect("the goldens are readable")
            .lines()
            .enumerate()
        {
            let mut words = line.splitn(3, ' ').filter(|word| !word.is_empty());
            let (_, Some(party)) = (words.next(), words.next()) else {
                continue;
            };
            let rest = line.split_once(party).expect("it was found").1.trim_start();
            let (is_sent, text) = match (rest.strip_prefix("->"), rest.strip_prefix("<- ")) {
                (Some(text), _) => (true, text.strip_prefix(' ').unwrap_or(text)),
                (None, Some(text)) => (false, text),
                (None, None) => continue,
            };
            lines.push(Line {
                place: format!("{name}:{}", number + 1),
                party: party.to_owned(),
                is_sent,
                text: text.to_owned(),
            });
        }
    }
    assert!(lines.len() > 450, "only {} frames", lines.len());
    lines
}

fn of_party<'a>(lines: &'a [Line], prefix: &str, is_sent: bool) -> Vec<&'a Line> {
    let fits = |line: &&Line| line.party.starts_with(prefix) && line.is_sent == is_sent;
    lines.iter().filter(fits).collect()
}

fn utf8(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("what is written is UTF-8")
}

/// The test of the long message shows its frame cut.
fn is_cut(line: &Line) -> bool {
    line.text.contains("…(")
}

/// What a monitor of the transcripts sends besides requests.
const NO_REQUESTS: [&str; 7] = [
    r#"{"type":"nonsense"}"#,
    r#"{"notype":1}"#,
    "[]",
    "\"str\"",
    "42",
    r#"{"type":"remove_player_headset"}"#,
    r#"{"type":"add_player_headset"}"#,
];

#[test]
fn every_request_of_the_front_end_and_of_monitors_is_understood() {
    let lines = lines();
    let mut requests = of_party(&lines, "MON", true);
    requests.extend(of_party(&lines, "FRONT", true));
    assert!(requests.len() > 50);
    for line in requests {
        if NO_REQUESTS.contains(&&*line.text) {
            assert!(monitor::decode(&line.text).is_err(), "{}", line.place);
            continue;
        }
        let request = monitor::decode(&line.text).unwrap_or_else(|error| panic!("{}: {error}", line.place));
        let object: Value = serde_json::from_str(&line.text).unwrap();
        let expected = match object["type"].as_str().unwrap() {
            "launch_experiment" => Request::Launch,
            "pause_experiment" => Request::Pause,
            "resume_experiment" => Request::Resume,
            "stop_experiment" => Request::Stop,
            "get_simulation_informations" => Request::Catalog,
            "try_connection" => Request::TryConnection,
            "screen_control" => Request::Screen(object.get("display_type").cloned()),
            "add_player_headset" => Request::AddPlayer(object["id"].as_str().unwrap().to_owned()),
            "remove_player_headset" => Request::RemovePlayer(object["id"].as_str().unwrap().to_owned()),
            "send_simulation" => Request::Select(object["simulation"]["model_index"].as_u64()),
            "get_simulation_by_index" => match &object["simulationIndex"] {
                Value::String(text) => Request::Select(text.parse().ok()),
                index => Request::Select(index.as_u64()),
            },
            other => panic!("{}: {other}", line.place),
        };
        assert_eq!(request, expected, "{}", line.place);
    }
}

#[test]
fn every_message_of_a_headset_is_understood() {
    let lines = lines();
    let messages = of_party(&lines, "HS", true);
    assert!(messages.len() > 25);
    for line in messages {
        if is_cut(line) || line.text == r#"{"type":"expression"}"# {
            assert!(headset::decode(&line.text).is_err(), "{}", line.place);
            continue;
        }
        let message = headset::decode(&line.text).unwrap_or_else(|error| panic!("{}: {error}", line.place));
        if let headset::Message::Ask(ask) = &message {
            assert_eq!(ask.text, line.text, "{}", line.place);
        }
        if let headset::Message::Connection {
            as_sent, heartbeat_ms, ..
        } = &message
        {
            let object: Value = serde_json::from_str(&line.text).unwrap();
            let sent = object.get("heartbeat").map_or(String::from("5000"), Value::to_string);
            assert_eq!(*as_sent, sent, "{}", line.place);
            assert_eq!(heartbeat_ms.to_string(), sent.trim_matches('"'), "{}", line.place);
        }
    }
}

#[test]
fn si4_the_frames_that_end_the_existing_platform_are_refused_with_a_reason() {
    for text in [
        "{oops",
        "null",
        "",
        "[]",
        "7",
        "\"x\"",
        "true",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"what"}"#,
    ] {
        assert!(monitor::decode(text).is_err(), "{text}");
        assert!(headset::decode(text).is_err(), "{text}");
        assert!(gama::decode(text).is_err() || text.contains("what"), "{text}");
    }
    assert!(monitor::decode(r#"{"type":"send_simulation"}"#).is_err());
    assert!(monitor::decode(r#"{"type":"send_simulation","simulation":null}"#).is_err());
    assert!(monitor::decode(r#"{"type":"remove_player_headset"}"#).is_err());
    assert!(headset::decode(r#"{"type":"connection"}"#).is_err());
    assert!(headset::decode(r#"{"type":"connection","id":5}"#).is_err());
    assert!(headset::decode(r#"{"type":"ask"}"#).is_err());
    assert_eq!(headset::decode(r#"{"type":"pong"}"#), Ok(headset::Message::Pong));
}

#[test]
fn si30_the_interval_of_the_heartbeat_is_read_in_every_spelling() {
    for (sent, interval, as_sent) in [
        ("", 5_000, "5000"),
        (r#","heartbeat":0"#, 5_000, "5000"),
        (r#","heartbeat":"0""#, 5_000, "5000"),
        (r#","heartbeat":null"#, 5_000, "5000"),
        (r#","heartbeat":-3"#, 5_000, "5000"),
        (r#","heartbeat":"soon""#, 5_000, "5000"),
        (r#","heartbeat":"5000""#, 5_000, "\"5000\""),
        (r#","heartbeat":" 700 ""#, 700, "\" 700 \""),
        (r#","heartbeat":250.0"#, 250, "250.0"),
        (r#","heartbeat":1e3"#, 1_000, "1000.0"),
        (r#","heartbeat":600001"#, 600_001, "600001"),
    ] {
        let message = headset::decode(&format!(r#"{{"type":"connection","id":"P"{sent}}}"#));
        let expected = headset::Message::Connection {
            id: String::from("P"),
            heartbeat_ms: interval,
            as_sent: as_sent.to_owned(),
        };
        assert_eq!(message, Ok(expected), "{sent}");
    }
}

fn player(fields: &Value) -> PlayerState {
    PlayerState {
        id: fields["id"].as_str().expect("a text").to_owned(),
        ping_interval: fields["ping_interval"].to_string(),
        is_alive: fields["is_alive"].as_bool().expect("a bool"),
        connected: fields["connected"].as_bool().expect("a bool"),
        in_game: fields["in_game"].as_bool().expect("a bool"),
        date_connection: fields["date_connection"].as_str().expect("a text").to_owned(),
    }
}

fn gama_state(fields: &Map<String, Value>) -> Option<GamaState> {
    let text = |name: &str| fields[name].as_str().expect("a text").to_owned();
    (!fields.is_empty()).then(|| GamaState {
        connected: fields["connected"].as_bool().expect("a bool"),
        experiment_state: text("experiment_state"),
        loading: fields["loading"].as_bool().expect("a bool"),
        content_error: fields["content_error"].to_string(),
        experiment_id: text("experiment_id"),
        experiment_name: text("experiment_name"),
    })
}

/// A player without a name: the existing platform lets it in, and we do not (SI-4).
fn has_nameless_player(object: &Value) -> bool {
    object["player"].get("undefined").is_some()
}

#[test]
fn si11_every_frame_for_monitors_is_written_as_the_existing_platform_writes_it() {
    let lines = lines();
    let mut told = of_party(&lines, "MON", false);
    told.extend(lines.iter().filter(|line| line.party == "CLI" && !line.is_sent));
    assert!(told.len() > 250);
    for line in told {
        let object: Value = serde_json::from_str(&line.text).unwrap();
        let written = match (&object, object["type"].as_str()) {
            (Value::String(array), _) => utf8(|out| monitor::write_catalog(out, array, true)),
            (_, Some("json_state")) if object.get("gama").is_some() && !has_nameless_player(&object) => {
                let players: Vec<PlayerState> = object["player"].as_object().unwrap().values().map(player).collect();
                let gama = gama_state(object["gama"].as_object().unwrap());
                utf8(|out| monitor::write_json_state(out, gama.as_ref(), &players))
            }
            (_, Some("get_simulation_by_index")) => {
                let settings = object["simulation"].to_string();
                utf8(|out| monitor::write_selected(out, &settings))
            }
            (_, Some("screen_control")) => utf8(|out| monitor::write_screen(out, object.get("display_type"))),
            _ => continue,
        };
        assert_eq!(written, line.text, "{}", line.place);
    }
}

#[test]
fn si37_every_frame_for_headsets_is_written_as_the_existing_platform_writes_it() {
    let lines = lines();
    let mut kinds = [0; 4];
    for line in of_party(&lines, "HS", false) {
        if is_cut(line) {
            continue;
        }
        let object: Value = serde_json::from_str(&line.text).unwrap();
        let (kind, written) = match object["type"].as_str().unwrap() {
            "json_state" => (0, utf8(|out| headset::write_json_state(out, &player(&object)))),
            "ping" => (1, utf8(headset::write_ping)),
            "pong" => {
                let id = object["id"].to_string();
                (2, utf8(|out| headset::write_pong(out, Some(&id))))
            }
            "json_output" => {
                let frame = headset::output_frame(&object["contents"].to_string());
                (3, String::from_utf8(frame.as_bytes()[2..].to_vec()).unwrap())
            }
            other => panic!("{}: {other}", line.place),
        };
        kinds[kind] += 1;
        assert_eq!(written, line.text, "{}", line.place);
    }
    assert!(kinds.iter().all(|kind| *kind > 1), "{kinds:?}");
}

#[test]
fn ga3_every_command_is_written_as_the_existing_platform_writes_it() {
    let lines = lines();
    let commands = of_party(&lines, "GAMA", false);
    assert!(commands.len() > 30);
    for line in commands {
        let object: Value = serde_json::from_str(&line.text).unwrap();
        let text = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
        let written = utf8(|out| match text("type").as_str() {
            "load" => gama::write_load(out, &text("model"), &text("experiment"), None),
            "play" => gama::write_control(out, Control::Play, &text("exp_id"), None),
            "pause" => gama::write_control(out, Control::Pause, &text("exp_id"), None),
            "stop" => gama::write_control(out, Control::Stop, &text("exp_id"), None),
            "expression" => {
                let is_players = object.get("content").is_some();
                gama::write_expression(out, &text("exp_id"), &text("expr"), is_players, None);
            }
            // The existing platform adds no `exp_id`; the claim does.
            "ask" => {
                let Ok(headset::Message::Ask(ask)) = headset::decode(&line.text) else {
                    panic!("{}", line.place)
                };
                let mut with = Vec::new();
                gama::write_ask(&mut with, &ask, "0", None);
                let expected = line.text.replace(",\"extra\":1}", ",\"extra\":1,\"exp_id\":\"0\"}");
                assert_eq!(String::from_utf8(with).unwrap(), expected);
                out.extend_from_slice(line.text.as_bytes());
            }
            other => panic!("{}: {other}", line.place),
        });
        assert_eq!(written, line.text, "{}", line.place);
    }
}

#[test]
fn every_message_of_gama_is_understood() {
    let lines = lines();
    let (mut statuses, mut answers, mut worlds, mut errors) = (0, 0, 0, 0);
    for line in of_party(&lines, "GAMA", true) {
        if line.text == "{broken" {
            assert!(gama::decode(&line.text).is_err());
            continue;
        }
        let object: Value = serde_json::from_str(&line.text).unwrap();
        match gama::decode(&line.text).unwrap_or_else(|error| panic!("{}: {error}", line.place)) {
            ServerMessage::Greeting(id) => assert_eq!(id, "1234567"),
            ServerMessage::Status { status, exp_id } => {
                statuses += 1;
                assert_eq!(object["content"], status, "{}", line.place);
                assert_eq!(exp_id.as_deref(), Some("0"));
            }
            ServerMessage::Answer(answer) => {
                answers += 1;
                assert_eq!(answer.content, object["content"].as_str().unwrap());
                let command = &object["command"];
                assert_eq!(answer.command.is_some(), command.is_object(), "{}", line.place);
                if let Some(echoed) = &answer.command {
                    assert_eq!(command["type"], echoed.kind);
                    assert_eq!(command.get("expr").and_then(Value::as_str), echoed.expr.as_deref());
                    assert_eq!(command.get("action").and_then(Value::as_str), echoed.action.as_deref());
                }
                assert_eq!(answer.outcome == Outcome::Executed, answer.error.is_none());
            }
            ServerMessage::World(world) => {
                worlds += 1;
                let inner: Option<Value> = serde_json::from_str(object["content"].as_str().unwrap()).ok();
                assert_eq!(inner.is_none(), world.problem.is_some(), "{}", line.place);
            }
            ServerMessage::Console(text) => assert_eq!(text, "console text"),
            ServerMessage::Error(error) => {
                errors += 1;
                assert_eq!(
                    (error.kind.as_str(), error.text.as_str()),
                    ("SimulationError", &*line.text)
                );
            }
            ServerMessage::Note { kind, .. } => assert_eq!(object["type"], kind),
            other => panic!("{}: {other:?}", line.place),
        }
    }
    assert!(statuses > 20 && answers > 30 && worlds > 7 && errors > 1);
}

/// The pieces of a world: names and the text of their frames.
fn pieces(text: &str) -> (Vec<(Vec<String>, String)>, usize, bool) {
    let message = json!({"type": "SimulationOutput", "content": text, "exp_id": "0"}).to_string();
    let Ok(ServerMessage::World(world)) = gama::decode(&message) else {
        panic!("{message}")
    };
    let pieces = world.elements.iter().map(|element| {
        let ids = element.ids.iter().map(|id| id.to_string()).collect();
        let frame = element.frame.as_bytes();
        let start = frame
            .iter()
            .position(|byte| *byte == b'{')
            .expect("the payload is an object");
        (ids, String::from_utf8(frame[start..].to_vec()).expect("it is UTF-8"))
    });
    (pieces.collect(), world.skipped, world.problem.is_some())
}

fn piece(ids: &[&str], contents: &str) -> (Vec<String>, String) {
    let ids = ids.iter().map(|id| (*id).to_owned()).collect();
    (ids, format!("{{\"contents\":{contents},\"type\":\"json_output\"}}"))
}

#[test]
fn si38_the_contents_of_a_world_pass_through_byte_for_byte() {
    let odd = r#"{"z":1.50, "a":[1e3,-0.0,"\u00e9\"\\"],"a":null ,"b":{"$":"✓"}}"#;
    let text =
        format!(r#"{{"x":[{{}}],"contents":[{{"contents":{odd},"id":["P\u0031","Ж"]}},{{"id":[],"contents":null}}]}}"#);
    let (pieces, skipped, failed) = pieces(&text);
    assert_eq!(pieces, [piece(&["P1", "Ж"], odd), piece(&[], "null")]);
    assert_eq!((skipped, failed), (0, false));
}

#[test]
fn ga7_an_element_whose_id_is_no_list_costs_only_itself() {
    let text =
        r#"{"contents":[{"id":"P1","contents":1},{"contents":2},7,null,{"id":["P1",5,null,"P2"],"contents":{"k":3}}]}"#;
    let (read, skipped, failed) = pieces(text);
    assert_eq!(read, [piece(&["P1", "P2"], r#"{"k":3}"#)]);
    assert_eq!((skipped, failed), (4, false));
    for nothing in [
        "{}",
        r#"{"contents":[]}"#,
        r#"{"contents":null}"#,
        r#"{"contents":{"id":["P"]}}"#,
    ] {
        assert_eq!(pieces(nothing), (Vec::new(), 0, false), "{nothing}");
    }
    for unreadable in [
        "not json",
        "[]",
        "",
        "7",
        r#"{"contents":[{"id":["a"],"contents":tru}]}"#,
    ] {
        assert!(pieces(unreadable).2, "{unreadable}");
    }
    let cut = r#"{"contents":[{"id":["a"],"contents":1},{"id":["b"],"conte"#;
    assert_eq!(pieces(cut), (vec![piece(&["a"], "1")], 0, true));
}

#[test]
fn pieces_of_one_kind_share_their_first_key() {
    let kinds = |text: &str| {
        let message = json!({"type": "SimulationOutput", "content": text}).to_string();
        match gama::decode(&message) {
            Ok(ServerMessage::World(world)) => world.elements.iter().map(|element| element.kind).collect::<Vec<u64>>(),
            other => panic!("{other:?}"),
        }
    };
    let text = r#"{"contents":[{"id":[],"contents":{"a":1}},{"id":[],"contents":{ "a":2,"b":3}},{"id":[],"contents":{"b":1}},{"id":[],"contents":5},{"id":[],"contents":null}]}"#;
    let kinds = kinds(text);
    assert_eq!(kinds[0], kinds[1]);
    assert_ne!(kinds[0], kinds[2]);
    assert_eq!(kinds[3], kinds[4]);
    assert_ne!(kinds[0], kinds[3]);
}

#[test]
fn ga3_nothing_in_a_name_can_end_the_text_that_it_stands_in() {
    assert_eq!(
        gama::gaml::create_player("Player_101"),
        r#"do create_player("Player_101");"#
    );
    assert_eq!(
        gama::gaml::remove_player(r#"a"); do die; //"#),
        r#"do remove_player("a\"); do die; //");"#
    );
    assert_eq!(
        gama::gaml::create_player("a\\\nb\u{1}c"),
        r#"do create_player("a\\\nb c");"#
    );
    assert_eq!(
        gama::gaml::with_player("do act($id, other: $id);", r#"P"1"#),
        r#"do act("P\"1", other: "P\"1");"#
    );
}
