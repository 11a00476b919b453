//! The protocol without sockets: what clients are told for what they say.

use super::*;
use std::path::PathBuf;
use tempfile::TempDir;

struct Bench {
    house: House,
    folder: TempDir,
}

impl Bench {
    fn new(flavour: Flavour, fault: Option<Fault>) -> Bench {
        let recipe = Recipe {
            flavour,
            seed: 1,
            people: 5,
            world_bytes: 0,
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("m.gaml"), "model nothing_that_is_read").unwrap();
        let mut house = House::new(recipe, fault);
        house.connected(1);
        Bench { house, folder }
    }

    fn model(&self) -> PathBuf {
        self.folder.path().join("m.gaml")
    }

    fn send(&mut self, command: Json) -> Vec<Json> {
        texts(&self.house.take(1, &command.to_string()), 1)
    }

    /// The one answer to a command.
    fn answer(&mut self, command: Json) -> Json {
        let answers = self.send(command.clone());
        let mut answers = answers
            .into_iter()
            .filter(|message| message.get("command") == Some(&command));
        let answer = answers.next().unwrap();
        assert_eq!(answers.next(), None);
        answer
    }

    fn load(&mut self) -> Vec<Json> {
        let model = self.model();
        self.send(json!({"type": "load", "model": model, "experiment": "vr_xp"}))
    }

    fn evaluate(&mut self, id: &str, expr: &str) -> Json {
        self.answer(json!({"type": "expression", "exp_id": id, "expr": expr}))
    }

    /// Loads, and waits until it is loaded.
    fn begin(&mut self) {
        self.load();
        self.house.tick(LOAD_MS);
    }

    fn ask(&mut self, action: &str, args: Json) -> Vec<Json> {
        let agent = "simulation[0].unity_linker[0]";
        self.send(json!({"type": "ask", "exp_id": "0", "action": action, "args": args, "agent": agent}))
    }
}

fn texts(outs: &[Out], to: ClientId) -> Vec<Json> {
    let texts = outs.iter().filter_map(|out| match out {
        Out::Text(client, text) | Out::World(client, text) if *client == to => Some(text),
        _ => None,
    });
    texts
        .map(|text| serde_json::from_str(text).unwrap_or(Json::Null))
        .collect()
}

/// Types, with the content where it is a short text.
fn told(messages: &[Json]) -> Vec<String> {
    let told = messages.iter().map(|message| {
        let content = message["content"]
            .as_str()
            .filter(|content| content.len() < 12)
            .unwrap_or("…");
        format!("{} {content}", message["type"].as_str().unwrap())
    });
    told.collect()
}

const CONTROLS: [&str; 5] = ["play", "pause", "step", "reload", "stop"];

#[test]
fn ga1_a_client_is_greeted_by_a_stand_in() {
    let mut bench = Bench::new(Flavour::Gui, None);
    let greeted = texts(&bench.house.connected(7), 7);
    assert_eq!(
        greeted,
        [json!({"type": "ConnectionSuccessful", "content": "practice-7"})]
    );
}

#[test]
fn ga5_a_window_answers_with_the_name_and_tells_its_states() {
    let mut bench = Bench::new(Flavour::Gui, None);
    let loaded = bench.load();
    let words = [
        "CommandExecutedSuccessfully vr_xp",
        "SimulationStatus NOTREADY",
        "SimulationOutput …",
    ];
    assert_eq!(told(&loaded), words);
    assert_eq!(loaded[1]["exp_id"], "0");
    assert!(
        loaded[2]["content"]["message"]
            .as_str()
            .unwrap()
            .contains("practice stand-in")
    );
    assert_eq!(bench.house.tick(LOAD_MS - 1).len(), 0);
    assert_eq!(told(&texts(&bench.house.tick(1), 1)), ["SimulationStatus PAUSED"]);

    let control = |kind: &str| json!({"type": kind, "exp_id": "0"});
    let played = ["SimulationStatus RUNNING", "CommandExecutedSuccessfully "];
    assert_eq!(told(&bench.send(control("play"))), played);
    assert_eq!(told(&bench.send(control("play"))), played[1..], "only changes are told");
    let paused = ["SimulationStatus PAUSED", "CommandExecutedSuccessfully "];
    assert_eq!(told(&bench.send(control("pause"))), paused);
    assert_eq!(told(&bench.send(control("pause"))), paused[1..]);
    let reloaded = ["SimulationStatus NOTREADY", "CommandExecutedSuccessfully "];
    assert_eq!(told(&bench.send(control("reload"))), reloaded);
    bench.house.tick(LOAD_MS);
    let stopped = [
        "SimulationStatus NOTREADY",
        "SimulationStatus NONE",
        "CommandExecutedSuccessfully ",
    ];
    assert_eq!(told(&bench.send(control("stop"))), stopped);
}

#[test]
fn ga6_without_a_window_experiments_are_numbered_and_no_state_is_told() {
    let mut bench = Bench::new(Flavour::Headless, None);
    for number in ["0", "1", "2"] {
        assert_eq!(told(&bench.load())[0], format!("CommandExecutedSuccessfully {number}"));
    }
    let quiet = |messages: Vec<Json>| assert!(messages.iter().all(|message| message["type"] != "SimulationStatus"));
    for kind in CONTROLS {
        let answers = bench.send(json!({"type": kind, "exp_id": "1"}));
        assert_eq!(told(&answers)[0], "CommandExecutedSuccessfully ", "{kind}");
        quiet(answers);
        quiet(texts(&bench.house.tick(1_000), 1));
    }
    assert_eq!(
        bench.evaluate("0", "cycle")["content"],
        "0",
        "each has its own simulation"
    );
    assert_eq!(
        bench.evaluate("1", "cycle")["type"],
        "UnableToExecuteRequest",
        "it was stopped"
    );
}

#[test]
fn ga6_experiments_without_a_window_belong_to_who_loads_them() {
    let mut bench = Bench::new(Flavour::Headless, None);
    bench.load();
    bench.house.connected(2);
    let play = json!({"type": "play", "exp_id": "0"});
    let refused = texts(&bench.house.take(2, &play.to_string()), 2);
    assert_eq!(refused[0]["type"], "UnableToExecuteRequest");
    let by_name = json!({"type": "play", "exp_id": "0", "socket_id": "practice-1"});
    let done = texts(&bench.house.take(2, &by_name.to_string()), 2);
    assert_eq!(done[0]["type"], "CommandExecutedSuccessfully");
    bench.house.left(1);
    assert!(bench.house.experiments.is_empty(), "they end with the client");
}

#[test]
fn ga4_the_command_travels_back_whole() {
    let mut bench = Bench::new(Flavour::Gui, None);
    bench.begin();
    let answer = bench.answer(json!({"type": "play", "exp_id": "0", "api_id": 12, "mine": {"a": [1]}}));
    assert_eq!(answer["command"]["mine"], json!({"a": [1]}));
    assert_eq!(
        answer["command"].as_object().unwrap().keys().next().unwrap(),
        "mine",
        "in another order"
    );
}

#[test]
fn ga4_what_is_no_command_is_malformed_and_what_cannot_be_done_is_refused() {
    let mut bench = Bench::new(Flavour::Gui, None);
    let model = bench.model();
    for text in ["", "null", "[1]", "7", "{broken", "\"load\""] {
        let answers = texts(&bench.house.take(1, text), 1);
        assert_eq!(answers[0]["type"], "MalformedRequest", "{text}");
    }
    let mut refused = |command: Json, kind: &str, words: &str| {
        let answer = bench.answer(command.clone());
        assert_eq!(answer["type"], kind, "{command}");
        assert!(answer["content"].as_str().unwrap().contains(words), "{answer}");
    };
    refused(json!({"no": "type"}), "MalformedRequest", "'type'");
    refused(json!({"type": "dance"}), "MalformedRequest", "'dance'");
    refused(
        json!({"type": "load", "model": model}),
        "MalformedRequest",
        "'experiment'",
    );
    refused(
        json!({"type": "load", "experiment": "e"}),
        "MalformedRequest",
        "'model'",
    );
    let gone = json!({"type": "load", "model": "/no/such.gaml", "experiment": "e"});
    refused(gone, "UnableToExecuteRequest", "does not exist");
    for kind in CONTROLS {
        let unknown = "Unable to find the experiment or simulation";
        refused(json!({"type": kind, "exp_id": "0"}), "UnableToExecuteRequest", unknown);
        refused(json!({"type": kind, "exp_id": "x"}), "UnableToExecuteRequest", unknown);
        refused(json!({"type": kind}), "MalformedRequest", "'exp_id'");
    }
    refused(json!({"type": "exit"}), "UnableToExecuteRequest", "Ctrl+C");
    refused(
        json!({"type": "download", "file": "/etc/passwd"}),
        "UnableToExecuteRequest",
        "files",
    );
    refused(
        json!({"type": "expression", "exp_id": "0"}),
        "MalformedRequest",
        "'expr'",
    );
}

#[test]
fn a_model_that_is_no_gaml_file_is_refused() {
    let mut bench = Bench::new(Flavour::Gui, None);
    let other = bench.folder.path().join("m.txt");
    std::fs::write(&other, "").unwrap();
    let answer = bench.answer(json!({"type": "load", "model": other, "experiment": "e"}));
    assert!(answer["content"].as_str().unwrap().ends_with("is not a gaml file"));
}

#[test]
fn while_it_loads_nothing_else_is_done() {
    let mut bench = Bench::new(Flavour::Gui, None);
    bench.load();
    let answer = bench.evaluate("0", "do create_player(\"A\");");
    assert_eq!(answer["type"], "UnableToExecuteRequest");
    assert!(answer["content"].as_str().unwrap().contains("still loading"));
}

#[test]
fn expressions_give_texts_and_json_where_it_is_asked_for() {
    let mut bench = Bench::new(Flavour::Gui, None);
    bench.begin();
    bench.answer(json!({"type": "step", "exp_id": "0", "nb_step": 100}));
    let mut value = |expr: &str| bench.evaluate("0", expr)["content"].clone();
    assert_eq!(value("cycle"), "100");
    assert_eq!(value("water_level"), "0.400");
    assert_eq!(value("length(people)"), "5");
    assert_eq!(value("gate_closed"), "false");
    assert_eq!(value("do set_gate(true);"), "");
    assert_eq!(value("gate_closed"), "true");
    assert_eq!(value("\"hello\""), "hello");
    let escaped = json!({"type": "expression", "exp_id": "0", "expr": "cycle", "escaped": true});
    assert_eq!(bench.answer(escaped)["content"], 100);
    let refused = bench.evaluate("0", "ask people { do die; }");
    assert_eq!(refused["type"], "UnableToExecuteRequest");
    assert!(
        refused["content"]
            .as_str()
            .unwrap()
            .contains("do create_player(\"ID\");")
    );
    let validated = bench.answer(json!({"type": "validate", "expr": "cycle"}));
    assert_eq!(validated["type"], "CommandExecutedSuccessfully");
    let validated = bench.answer(json!({"type": "validate", "expr": "1 +"}));
    assert_eq!(validated["type"], "UnableToExecuteRequest");
}

#[test]
fn describe_says_that_it_is_a_stand_in() {
    let mut bench = Bench::new(Flavour::Headless, None);
    let model = bench.model();
    bench.load();
    let answer = bench.answer(json!({"type": "describe", "model": model}));
    assert_eq!(answer["content"]["name"], "practice stand-in for GAMA");
    assert_eq!(answer["content"]["experiments"], json!(["vr_xp"]));
}

#[test]
fn steps_go_forth_and_back_within_their_limits() {
    let mut bench = Bench::new(Flavour::Gui, None);
    bench.begin();
    let mut step =
        |kind: &str, count: Json| bench.answer(json!({"type": kind, "exp_id": "0", "nb_step": count}))["type"].clone();
    assert_eq!(step("step", json!("3")), "CommandExecutedSuccessfully");
    assert_eq!(step("stepBack", json!(2)), "CommandExecutedSuccessfully");
    assert_eq!(step("step", json!(0)), "MalformedRequest");
    assert_eq!(step("step", json!(10_001)), "MalformedRequest");
    assert_eq!(step("step", json!("many")), "MalformedRequest");
    assert_eq!(step("stepBack", json!(5)), "CommandExecutedSuccessfully");
    assert_eq!(
        step("stepBack", json!(1)),
        "UnableToExecuteRequest",
        "there is nothing before the beginning"
    );
    assert_eq!(bench.evaluate("0", "cycle")["content"], "0");
}

#[test]
fn ga7_a_player_gets_its_data_then_worlds_and_its_moves_count() {
    let mut bench = Bench::new(Flavour::Gui, None);
    bench.begin();
    assert_eq!(
        bench.evaluate("0", "do create_player(\"A\");")["type"],
        "CommandExecutedSuccessfully"
    );
    assert_eq!(
        bench.evaluate("0", "do create_player(\"A\");")["type"],
        "UnableToExecuteRequest",
        "once"
    );
    let sent = bench.ask("send_init_data", json!("{\"id\":\"A\"}"));
    let contents: Json = serde_json::from_str(sent[0]["content"].as_str().unwrap()).unwrap();
    assert_eq!(contents["contents"][0]["id"], json!(["A"]));
    assert_eq!(contents["contents"][0]["contents"]["precision"], 1_000);
    assert!(contents["contents"][1]["contents"]["properties"].is_array());

    bench.send(json!({"type": "play", "exp_id": "0"}));
    assert_eq!(
        texts(&bench.house.tick(50), 1),
        [Json::Null; 0],
        "it is not ready for worlds"
    );
    let ready = bench.ask("player_ready_to_receive_geometries", json!({"id": "A"}));
    assert_eq!(told(&ready), ["SimulationOutput …", "CommandExecutedSuccessfully "]);
    let world = texts(&bench.house.tick(50), 1);
    let contents: Json = serde_json::from_str(world[0]["content"].as_str().unwrap()).unwrap();
    assert!(contents["contents"][0]["contents"]["pointsLoc"].is_array());

    let gate = json!({"id": "A", "x": "50000", "y": "10000", "z": "0", "angle": "-90"}).to_string();
    bench.ask("move_player_external", json!(gate));
    assert_eq!(bench.evaluate("0", "gate_closed")["content"], "true");
    let at_gate = "length(unity_player where each.at_gate)";
    assert_eq!(bench.evaluate("0", at_gate)["content"], "1");
    let player = &bench.house.experiments[&0].flood.players["A"];
    assert_eq!((player.x, player.y, player.angle), (50_000, 10_000, 270));
    bench.evaluate("0", "do remove_player(\"A\");");
    let refused = bench.ask("move_player_external", json!({"id": "A"}));
    assert_eq!(told(&refused), ["UnableToExecuteRequest …"]);
}

#[test]
fn asks_that_are_none_are_refused() {
    let mut bench = Bench::new(Flavour::Gui, None);
    bench.begin();
    bench.evaluate("0", "do create_player(\"A\");");
    let check = |answers: Vec<Json>, words: &str| {
        assert_eq!(answers[0]["type"], "UnableToExecuteRequest");
        assert!(answers[0]["content"].as_str().unwrap().contains(words), "{answers:?}");
    };
    check(bench.ask("dance", json!({"id": "A"})), "send_init_data");
    check(bench.ask("send_init_data", json!("{broken")), "'args'");
    check(bench.ask("send_init_data", json!(7)), "'args'");
    check(
        bench.ask("send_init_data", json!({"id": "B"})),
        "create_player comes first",
    );
    let other = json!({"type": "ask", "exp_id": "0", "action": "send_init_data", "args": "{}", "agent": "people[0]"});
    check(bench.send(other), "unity_linker[0]");
    let strange = json!({"id": "A", "x": "NaN", "y": "inf", "angle": "1e300"});
    assert_eq!(
        told(&bench.ask("move_player_external", strange)),
        ["CommandExecutedSuccessfully "]
    );
}

#[test]
fn ga8_every_fault_shows_as_it_should() {
    let once = |fault: &str| {
        let mut bench = Bench::new(Flavour::Gui, None);
        bench.begin();
        bench.send(json!({"type": "play", "exp_id": "0"}));
        let outs = bench.house.order(fault);
        assert!(outs.iter().any(|out| matches!(out, Out::Say(_))), "{fault} is said");
        (told(&texts(&outs, 1)), outs.contains(&Out::DropLinks))
    };
    assert_eq!(once("error-dialog").0, ["SimulationErrorDialog …"]);
    assert_eq!(once("runtime-error").0, ["RuntimeError …", "SimulationStatus PAUSED"]);
    assert_eq!(once("simulation-error").0, ["SimulationError …"]);
    assert_eq!(once("status-error").0, ["SimulationStatusError …"]);
    assert_eq!(once("server-error").0, ["GamaServerError …"]);
    assert_eq!(once("bad-world").0, ["SimulationOutput …"; 3]);
    assert_eq!(once("finish").0, ["SimulationStatus FINISHED"]);
    assert_eq!(once("unload").0, ["SimulationStatus NOTREADY", "SimulationStatus NONE"]);
    assert_eq!(once("drop-link"), (vec![], true));
    assert_eq!(once("earthquake"), (vec![], false));
}

#[test]
fn lasting_faults_last_until_they_are_switched_off() {
    let with = |fault: Fault| Bench::new(Flavour::Gui, Some(fault));
    assert_eq!(told(&with(Fault::RefuseLoad).load()), ["UnableToExecuteRequest …"]);
    assert!(with(Fault::SilentLoad).load().is_empty());
    assert_eq!(with(Fault::Malformed).load()[0], Json::Null, "no JSON");
    let mut silent = with(Fault::Silent);
    assert!(silent.send(json!({"type": "play", "exp_id": "0"})).is_empty());
    let off = silent.answer(json!({"type": "expression", "exp_id": "0", "expr": "practice fault off"}));
    assert_eq!(off["type"], "CommandExecutedSuccessfully");

    let mut bench = with(Fault::RefusePlayer);
    bench.begin();
    assert_eq!(
        bench.evaluate("0", "do create_player(\"A\");")["type"],
        "UnableToExecuteRequest"
    );
    bench.house.order("off");
    assert_eq!(
        bench.evaluate("0", "do create_player(\"A\");")["type"],
        "CommandExecutedSuccessfully"
    );
}

#[test]
fn a_fault_from_the_start_that_happens_once_waits_until_something_runs() {
    let mut bench = Bench::new(Flavour::Gui, Some(Fault::ErrorDialog));
    bench.begin();
    let play = json!({"type": "play", "exp_id": "0"});
    assert!(told(&bench.send(play.clone())).contains(&"SimulationErrorDialog …".to_owned()));
    bench.send(json!({"type": "pause", "exp_id": "0"}));
    assert!(
        !told(&bench.send(play)).contains(&"SimulationErrorDialog …".to_owned()),
        "once"
    );
}

#[test]
fn everybody_sees_what_happens_in_a_window() {
    let mut bench = Bench::new(Flavour::Gui, None);
    bench.begin();
    bench.house.connected(2);
    let outs = bench.house.take(1, &json!({"type": "play", "exp_id": "0"}).to_string());
    assert_eq!(told(&texts(&outs, 2)), ["SimulationStatus RUNNING"]);
    bench.house.left(1);
    assert_eq!(bench.house.experiments.len(), 1, "the window stays open");
}
