//! The walk through the ladder in the manual: every command of the page is typed at the PLC of the tour.

use crate::support::{TestHub, eventually};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const MANUAL: &str = include_str!("../../../../docs/manual/ladder.md");
const TOUR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/tour");

/// The commands of the manual, in their order. The one that starts the tour is done by the test.
fn commands() -> Vec<&'static str> {
    let lines = MANUAL.lines().filter_map(|line| line.strip_prefix("    crosstie "));
    lines.filter(|command| !command.starts_with("run ")).collect()
}

/// The words of a command as a shell splits them.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for sign in command.chars() {
        match sign {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            sign => words.last_mut().expect("there is a first word").push(sign),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The program, told where the hub is, in a folder that has the examples.
fn crosstie(command: &str, hub: &TestHub, folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_crosstie"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CROSSTIE_")) {
        program.env_remove(name);
    }
    program
        .env("NO_COLOR", "1")
        .env("CROSSTIE_AT", format!("http://{}", hub.web()))
        .current_dir(folder)
        .args(words(command));
    program
}

fn run(command: &str, hub: &TestHub, folder: &Path) -> String {
    let Output { status, stdout, stderr } = crosstie(command, hub, folder)
        .output()
        .expect("the program of this package starts");
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "crosstie {command}: {out}\n{err}");
    out.into_owned()
}

/// The first line of a verb that prints until it is interrupted.
fn first_line(command: &str, hub: &TestHub, folder: &Path) -> String {
    let mut child = crosstie(command, hub, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program of this package starts");
    let mut line = String::new();
    let out = child.stdout.take().expect("its output is piped");
    BufReader::new(out).read_line(&mut line).expect("it prints text");
    child.kill().expect("it still runs");
    child.wait().expect("it was started here");
    line
}

fn context(hub: &TestHub) -> Value {
    hub.get("/api/v1/plc/contexts/line")["context"].take()
}

fn is(hub: &TestHub, address: &str, value: bool) -> bool {
    hub.get(&format!("/api/v1/signals/plc/line/{address}"))["value"] == value
}

#[test]
fn every_command_of_the_walk_through_the_ladder_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let tour = folder.path().join("examples/tour");
    fs::create_dir_all(&tour).unwrap();
    let project = tempfile::tempdir().unwrap();
    for file in ["crosstie.toml", "bottling.plcproj", "bottling.scan"] {
        fs::copy(format!("{TOUR}/{file}"), tour.join(file)).unwrap();
        fs::copy(format!("{TOUR}/{file}"), project.path().join(file)).unwrap();
    }
    let hub = TestHub::start_in(project, |config| {
        config.web.address.set_port(0);
        config
            .endpoints
            .iter_mut()
            .for_each(|endpoint| endpoint.address.set_port(0));
        if let Some(piplc) = &mut config.piplc {
            piplc.address.set_port(0);
        }
        if let Some(classroom) = &mut config.classroom {
            classroom.monitor.address.set_port(0);
            classroom.headset.address.set_port(0);
            classroom.gamaless = true;
        }
    })
    .unwrap();
    eventually("the program of the tour runs", || is(&hub, "Run", true));

    let commands = commands();
    assert!(commands.len() > 20, "the walk is here: {commands:?}");
    for command in commands {
        if command.starts_with("plc watch ") {
            let line = first_line(command, &hub, folder.path());
            assert!(line.contains("plc/line/") || line.contains("Run"), "{command}: {line}");
            continue;
        }
        let out = run(command, &hub, folder.path());
        match command {
            "plc write Manual on" => eventually("the program is in manual", || is(&hub, "Automatic", false)),
            "plc forces" => assert!(out.contains("sensor cover is off"), "{out}"),
            "plc release Infeed" => assert_eq!(context(&hub)["forces"], serde_json::json!([])),
            "plc break 12" => eventually("it pauses before rung 12", || {
                let context = context(&hub);
                context["state"] == "Paused" && context["next_rung"] == 12
            }),
            "plc step-rung" => assert_eq!(context(&hub)["next_rung"], 13),
            "plc step" => assert_eq!(context(&hub)["state"], "Paused"),
            "plc resume" => assert_eq!(context(&hub)["state"], "Running"),
            "plc profile --on" => eventually("scans are measured", || {
                hub.get("/api/v1/plc/contexts/line/profile")["scans"] != 0
            }),
            "plc profile --top 5" => assert!(out.starts_with("RUNG") && out.contains("a scan takes"), "{out}"),
            "plc profile --off" => assert_eq!(context(&hub)["profiling"], false),
            "plc stop" => assert_eq!(context(&hub)["state"], "Stopped"),
            "plc scan-test examples/tour" => assert!(out.contains("batch"), "{out}"),
            "plc start" => eventually("it runs again", || is(&hub, "Run", true)),
            _ => {}
        }
    }
    let uploaded = fs::read(folder.path().join("bottling-from-plc.plcproj")).unwrap();
    assert_eq!(uploaded, fs::read(tour.join("bottling.plcproj")).unwrap());
}
