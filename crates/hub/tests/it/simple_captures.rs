//! The transcripts of the existing SIMPLE WebPlatform, played again from the side of its peers: what they hold when the house has
//! come to rest is what they held then, field by field, but for the differences that are listed here and in
//! `docs/compat/simple.md`.
//!
//! ```text
//!   open, close, sent   ─▶ the house, at the pace of the transcript
//!   received            ─▶ compared whenever a peer is about to act: the last state, every other frame in its order
//! ```
//!
//! GAMA says what it said then. Its commands are compared in their order.

use crate::house::{House, Wire};
use crosstie_hub::access::Access;
use crosstie_hub::classroom::catalog::{Catalog, Model};
use crosstie_hub::output::Callee;
use crosstie_hub::settings::{ClassroomSettings, GamaSettings, PlayerKey, Settings};
use crosstie_hub::{ConnId, Face, Input};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How long the house may take to come to rest: longer than a state is held back, shorter than any pause of the transcripts that
/// matters.
const REST: Duration = Duration::from_millis(60);

/// How an answer of GAMA begins.
const EXECUTED: &str = r#"{"type":"CommandExecutedSuccessfully""#;

/// What a transcript tells.
#[derive(Clone, Debug)]
enum Event {
    Opened,
    Sent(String),
    Received(Json),
    /// The platform has closed it.
    ClosedByPlatform,
    /// It went by itself.
    Left,
    /// The platform has ended.
    Ended,
    Note,
}

#[derive(Clone, Debug)]
struct Line {
    number: usize,
    millis: u64,
    party: String,
    event: Event,
}

fn transcript(name: &str) -> Vec<Line> {
    let path = format!(
        "{}/../wire/tests/golden/simple/{name}.transcript",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).expect("the transcripts stand beside the codecs");
    // The clock of the house stands still.
    let text = ["09:14", "09:15", "09:17"]
        .iter()
        .fold(text, |text, time| text.replace(time, "09:16"));
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| read(index + 1, line))
        .collect()
}

fn read(number: usize, line: &str) -> Option<Line> {
    let (time, rest) = line.split_once("ms ")?;
    let (party, rest) = rest.trim_start().split_once(' ').unwrap_or((rest.trim(), ""));
    let rest = rest.trim_start();
    let event = if let Some(text) = rest.strip_prefix("-> ").or(rest.strip_prefix("->")) {
        Event::Sent(text.to_owned())
    } else if let Some(text) = rest.strip_prefix("<- ") {
        Event::Received(serde_json::from_str(text).ok()?)
    } else if rest.starts_with("<open>") || rest.starts_with("<conn>") {
        Event::Opened
    } else if rest.starts_with("<close>") {
        // The existing platform gives the address of the peer as its reason.
        match rest.contains("reason=\"0000") {
            true => Event::ClosedByPlatform,
            false => Event::Left,
        }
    } else if party == "BACKEND" {
        Event::Ended
    } else {
        Event::Note
    };
    Some(Line {
        number,
        millis: time.trim().parse().ok()?,
        party: party.to_owned(),
        event,
    })
}

/// The packages that were there when the transcripts were taken.
fn packages() -> Arc<Catalog> {
    let models = [
        json!({"type": "json_settings", "name": "InArrCat", "splashscreen": "", "model_file_path": "<ROOT>/learning-packages/alpha/q.gaml",
            "experiment_name": "e", "minimal_players": "1", "maximal_players": "1"}),
        json!({"type": "json_settings", "name": "LinkToUnity", "splashscreen": "learning-packages/demo/splashscreen/demoOne.png",
            "model_file_path": "<ROOT>/learning-packages/demo/Models/Demo/Simple Player Game/DemoModelVR.gaml",
            "experiment_name": "vr_xp", "minimal_players": "0", "maximal_players": "4", "selected_monitoring": "gama_screen"}),
        json!({"type": "json_settings", "name": "In A", "splashscreen": "x.png", "model_file_path": "<ROOT>/learning-packages/zed/m/a.gaml",
            "experiment_name": "ea", "minimal_players": "1", "maximal_players": "2"}),
    ];
    let text = |settings: &Json, field: &str| settings[field].as_str().unwrap_or_default().to_owned();
    let model = |(index, settings): (usize, &Json)| {
        let mut selected = settings.clone();
        selected["model_index"] = index.into();
        Model {
            name: text(settings, "name"),
            experiment: text(settings, "experiment_name"),
            file: text(settings, "model_file_path"),
            settings: settings.to_string(),
            selected: selected.to_string(),
            // The existing platform seats as many as come.
            maximal_players: None,
            ..Model::default()
        }
    };
    Arc::new(Catalog {
        models: models.iter().enumerate().map(model).collect(),
        text: CATALOG.into(),
        ..Catalog::default()
    })
}

const CATALOG: &str = r#"[{"type":"json_settings","name":"LinkToUnity","splashscreen":"learning-packages/demo/splashscreen/demoOne.png","model_index":1},{"type":"catalog","name":"Flood scenarios","entries":[{"type":"json_settings","name":"Out B","model_index":3},{"type":"json_settings","name":"Legacy C","model_index":4},{"type":"catalog","name":"Inner","entries":[{"type":"json_settings","name":"In A","splashscreen":"x.png","model_index":2}]}],"splashscreen":"learning-packages/demo/splashscreen/demoOne.png"}]"#;

/// A peer of the transcript in the house.
#[derive(Default)]
struct Party {
    conn: Option<ConnId>,
    /// What it received then, since the last look.
    then: Vec<Json>,
    last_then: Option<Json>,
    last_now: Option<Json>,
    /// The difference that was said last.
    said: Option<(Option<Json>, Option<Json>)>,
}

/// One transcript on its way through the house.
struct Replay<'a> {
    name: &'a str,
    house: House,
    parties: BTreeMap<String, Party>,
    /// Who was closed by the platform, and where that stands.
    sent_away: Vec<(usize, String, ConnId)>,
    gama: Option<ConnId>,
    gama_listens: bool,
    /// GAMA executes what it is told.
    answers: bool,
    /// Commands to GAMA, then and now.
    commands: [Vec<Json>; 2],
    differences: Vec<String>,
    allowed: &'a [Difference],
}

/// A difference that is meant. Where the text of a complaint holds `text`, it is left out.
struct Difference {
    text: &'static str,
    /// Why it is so; the row of `docs/compat/simple.md` says the same to people.
    reason: &'static str,
}

fn address(party: &str) -> String {
    // `HSA2` is the same headset as `HSA` on another socket.
    let device = party.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let last = device
        .bytes()
        .fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 250);
    format!("127.0.0.{last}:40000")
}

impl Replay<'_> {
    fn run(&mut self, lines: &[Line]) {
        let mut now = 0;
        let mut lines: VecDeque<Line> = lines.to_vec().into();
        while let Some(line) = lines.pop_front() {
            self.pass(line.millis.saturating_sub(now));
            now = line.millis;
            if matches!(line.event, Event::Ended) {
                break;
            }
            // The platform ends, and takes its link to GAMA with it.
            let is_end = |next: &Line| matches!(next.event, Event::Ended) && next.millis < line.millis + 5;
            if line.party == "GAMA" && matches!(line.event, Event::Left) && lines.iter().take(6).any(is_end) {
                break;
            }
            self.line(line);
        }
        self.rest();
        self.look("the end");
        for (number, party, conn) in std::mem::take(&mut self.sent_away) {
            let closed = self.house.peers.get(&conn).map(|peer| peer.closed);
            if closed.is_some_and(|code| code != Some(1000)) {
                self.complain(format!(
                    "line {number}: {party} was closed with 1000 then, now {closed:?}"
                ));
            }
        }
        let [then, mut now] = std::mem::take(&mut self.commands);
        // The cycle is a signal of the house (GA-13).
        now.retain(|command| command["expr"] != "cycle");
        if then != now {
            let text = |commands: &[Json]| {
                commands
                    .iter()
                    .map(|command| format!("\n      {command}"))
                    .collect::<String>()
            };
            self.complain(format!("GAMA: then{}\n    now{}", text(&then), text(&now)));
        }
    }

    fn line(&mut self, line: Line) {
        let is_gama = line.party == "GAMA";
        match line.event {
            Event::Opened if is_gama => {
                self.gama_listens = true;
                for _ in 0..700 {
                    if self.gama.is_some() {
                        break;
                    }
                    self.pass(10);
                }
                assert!(self.gama.is_some(), "{}: the house looks for GAMA", self.name);
            }
            Event::Left if is_gama => {
                self.gama_listens = false;
                if let Some(conn) = self.gama.take() {
                    self.house.disconnect(conn);
                }
            }
            // It answers what it is asked now; what it says of its own accord it said then.
            Event::Sent(text) if is_gama && self.answers && text.starts_with(EXECUTED) => {}
            Event::Sent(text) if is_gama => {
                if let Some(conn) = self.gama {
                    self.house.say_text(conn, text);
                }
            }
            Event::Received(command) if is_gama => self.commands[0].push(command),
            Event::Received(message) => {
                let party = self.parties.entry(line.party).or_default();
                party.then.push(message);
            }
            Event::Opened => {
                self.rest();
                let face = match line.party.as_str() {
                    party if party.starts_with("HS") => Face::Headset,
                    "CLI" if self.name.starts_with("s3-headset") => Face::Headset,
                    _ => Face::Monitor,
                };
                let conn = self.house.connect_from(
                    face,
                    Wire::default(),
                    Access::full("this machine"),
                    address(&line.party),
                );
                self.parties.entry(line.party).or_default().conn = Some(conn);
            }
            Event::Sent(text) => {
                self.checkpoint(line.number);
                let conn = self.parties.get(&line.party).and_then(|party| party.conn);
                // A headset that ours has sent away, or that then kept an old socket, is silent now.
                if let Some(conn) =
                    conn.filter(|conn| self.house.peers.get(conn).is_some_and(|peer| peer.closed.is_none()))
                {
                    self.house.say_text(conn, text);
                }
            }
            // The house may send it away a moment later: it waits for GAMA.
            Event::ClosedByPlatform => {
                let conn = self.parties.get(&line.party).and_then(|party| party.conn);
                self.sent_away.extend(conn.map(|conn| (line.number, line.party, conn)));
            }
            Event::Left => {
                self.checkpoint(line.number);
                if let Some(conn) = self.parties.get_mut(&line.party).and_then(|party| party.conn.take()) {
                    self.house.disconnect(conn);
                }
            }
            Event::Note | Event::Ended => self.checkpoint(line.number),
        }
    }

    /// Time passes; GAMA is reached where it listens, and its commands are noted.
    fn pass(&mut self, millis: u64) {
        for _ in 0..=millis {
            for dial in std::mem::take(&mut self.house.gama_dials) {
                match self.gama_listens {
                    true => self.gama = Some(self.house.connect_as(Face::Gama, Wire::default())),
                    false => self.house.give(Input::DialFailed {
                        callee: Callee::Gama,
                        dial,
                        reason: "connection refused".into(),
                    }),
                }
            }
            self.house.run_for(Duration::from_millis(1));
            if let Some(conn) = self.gama {
                for command in std::mem::take(&mut self.house.peer(conn).inbox) {
                    if self.answers {
                        let content = command.get("experiment").cloned().unwrap_or(json!(""));
                        let answer =
                            json!({"type": "CommandExecutedSuccessfully", "content": content, "command": command});
                        self.house.say_text(conn, answer.to_string());
                    }
                    self.commands[1].push(command);
                }
            }
        }
    }

    fn rest(&mut self) {
        self.pass(REST.as_millis() as u64);
    }

    /// A peer is about to act: what came until now is compared.
    fn checkpoint(&mut self, number: usize) {
        self.rest();
        self.look(&format!("line {number}"));
    }

    fn look(&mut self, place: &str) {
        let mut complaints = Vec::new();
        for (name, party) in &mut self.parties {
            let Some(conn) = party.conn else { continue };
            let now = match self.house.peers.get_mut(&conn) {
                Some(peer) => std::mem::take(&mut peer.inbox),
                None => continue,
            };
            let then = std::mem::take(&mut party.then);
            let is_state = |message: &&Json| message["type"] == "json_state";
            let is_heartbeat = |message: &&Json| message["type"] == "ping";
            let last = |messages: &[Json]| messages.iter().rfind(is_state).cloned();
            party.last_then = last(&then).or(party.last_then.take());
            party.last_now = last(&now).or(party.last_now.take());
            let differ = (party.last_then.clone(), party.last_now.clone());
            if differ.0 != differ.1 && party.said.as_ref() != Some(&differ) {
                party.said = Some(differ);
                let (then, now) = (shown(&party.last_then), shown(&party.last_now));
                complaints.push(format!("{place}: {name} held\n      {then}, holds\n      {now}"));
            }
            let others = |messages: Vec<Json>| -> Vec<Json> {
                let others = messages
                    .into_iter()
                    .filter(|message| !is_state(&message) && !is_heartbeat(&message));
                others.collect()
            };
            let (mut then, mut now) = (others(then), others(now));
            // The platform shows its settings to all when one comes; the house to that one (SI-10).
            let is_settings = |message: &Json| message["type"] == "json_settings";
            if !now.iter().any(is_settings) {
                then.retain(|message| !is_settings(message));
            }
            then.dedup();
            // The index is in the seed's answer and not in the platform's (SI-16).
            for message in &mut now {
                if let Some(simulation) = message.get_mut("simulation").and_then(Json::as_object_mut) {
                    simulation.shift_remove("model_index");
                }
            }
            if then != now {
                let list = |messages: &[Json]| messages.iter().map(|one| format!("\n      {one}")).collect::<String>();
                complaints.push(format!("{place}: {name} got{}\n    gets{}", list(&then), list(&now)));
            }
        }
        for complaint in complaints {
            self.complain(complaint);
        }
    }

    fn complain(&mut self, text: String) {
        if !self.allowed.iter().any(|difference| text.contains(difference.text)) {
            self.differences.push(text);
        }
    }
}

fn shown(message: &Option<Json>) -> String {
    message.as_ref().map_or(String::from("nothing"), Json::to_string)
}

fn replayed<'a>(
    name: &'a str,
    change: impl FnOnce(&mut ClassroomSettings),
    greeted: bool,
    allowed: &'a [Difference],
) -> Replay<'a> {
    assert!(allowed.iter().all(|difference| !difference.reason.is_empty()));
    let mut classroom = ClassroomSettings {
        gama: Some(GamaSettings::default()),
        player_key: PlayerKey::Address,
        ..ClassroomSettings::default()
    };
    change(&mut classroom);
    let mut house = House::with(Settings {
        classroom: Some(classroom),
        ..Settings::default()
    });
    house.give(Input::Packages(packages()));
    let mut replay = Replay {
        name,
        house,
        parties: BTreeMap::new(),
        sent_away: Vec::new(),
        gama: None,
        gama_listens: greeted,
        answers: name != "s11-odd-statuses",
        commands: [Vec::new(), Vec::new()],
        differences: Vec::new(),
        allowed,
    };
    replay.pass(2);
    if let Some(conn) = replay.gama {
        replay
            .house
            .say_text(conn, r#"{"type":"ConnectionSuccessful","content":"1234567"}"#.into());
        replay.pass(5);
    }
    replay
}

fn check(name: &str, change: impl FnOnce(&mut ClassroomSettings), greeted: bool, allowed: &[Difference]) {
    check_lines(name, change, greeted, &transcript(name), allowed);
}

fn check_lines(
    name: &str,
    change: impl FnOnce(&mut ClassroomSettings),
    greeted: bool,
    lines: &[Line],
    allowed: &[Difference],
) {
    let mut replay = replayed(name, change, greeted, allowed);
    replay.run(lines);
    assert!(
        replay.differences.is_empty(),
        "{name}: {} differences\n\n{}",
        replay.differences.len(),
        replay.differences.join("\n\n")
    );
}

fn gamaless(classroom: &mut ClassroomSettings) {
    classroom.gama = None;
}

fn as_it_is(_: &mut ClassroomSettings) {}

const ANSWERS_WITHOUT_GAMA: Difference = Difference {
    text: "InArrCat",
    reason: "models can be looked at also without GAMA",
};
const ANSWERS_CATALOG_WITHOUT_GAMA: Difference = Difference {
    text: "LinkToUnity",
    reason: "models can be looked at also without GAMA",
};

#[test]
fn a_class_without_gama_hears_what_it_heard() {
    check(
        "s1-gamaless",
        gamaless,
        false,
        &[ANSWERS_WITHOUT_GAMA, ANSWERS_CATALOG_WITHOUT_GAMA],
    );
    check("s10-idle", gamaless, false, &[ANSWERS_WITHOUT_GAMA]);
}

#[test]
fn a_class_that_waits_for_gama_hears_what_it_heard() {
    let no_index = |text| Difference {
        text,
        reason: "null, 1.5 and nothing are no index (SI-16)",
    };
    let allowed = [no_index("line 21: MON1 got"), no_index("line 24: MON1 got")];
    check("s2-gama-unreachable", as_it_is, false, &allowed);
}

#[test]
fn a_lesson_is_heard_as_it_was_heard() {
    let allowed = [
        Difference {
            text: "after_bad",
            reason: "an element without a list of ids costs only itself (GA-7)",
        },
        Difference {
            text: "other:\\\"Player_101\\\"",
            reason: "every $id is the player's, not the first (SI-34)",
        },
    ];
    check("s4-life-cycle", as_it_is, true, &allowed);
}

#[test]
fn a_lesson_goes_on_with_asks_pauses_errors_and_removals_as_it_went_on() {
    // The platform was started anew in the middle of the first transcript; the second goes on where that one ends.
    let begun = transcript("s4-life-cycle");
    let again = begun
        .iter()
        .position(|line| line.millis == 4_092)
        .expect("it was started anew");
    let mut lines = begun[again..].to_vec();
    let end = lines.last().map_or(0, |line| line.millis);
    lines.extend(transcript("s4b-asks-pauses-removals").into_iter().map(|line| Line {
        millis: line.millis + end,
        number: line.number + 1_000,
        ..line
    }));
    let allowed = [
        Difference {
            text: "holds\n      {\"type\":\"json_state\",\"gama\":{\"connected\":true,\"experiment_state\":\"RUNNING\",\"loading\":false,\"content_error\":{\"type\":\"SimulationError\"",
            reason: "an error stays until an order succeeds: asks of players succeed fifty times a second (SI-14)",
        },
        Difference {
            text: "HSA held",
            reason: "who leaves hears first that it is out of the game (SI-37)",
        },
        Difference {
            text: "HSB4 held",
            reason: "who is sent away hears first that it is out of the game (SI-37)",
        },
        Difference {
            text: "HSB4 got",
            reason: "a socket whose seat was taken over is closed, so it asks no more (SI-31)",
        },
        Difference {
            text: "create_player(\\\"undefined\\\")",
            reason: "who is in the game already is not made a player again (SI-21)",
        },
    ];
    check_lines("s4b-asks-pauses-removals", as_it_is, true, &lines, &allowed);
}

#[test]
fn a_stop_while_nothing_runs_is_heard_as_it_was_heard() {
    let allowed = [
        Difference {
            text: "line 7: MON1 held",
            reason: "nothing runs, so nothing is waited for (SI-20)",
        },
        Difference {
            text: "\"type\":\"stop\"",
            reason: "a stop while nothing runs does not end the next lesson (SI-20)",
        },
    ];
    check("s5-stop-while-none", as_it_is, true, &allowed);
}

#[test]
fn a_headset_that_answers_no_ping_is_treated_as_it_was() {
    check("s6-heartbeat", as_it_is, false, &[]);
}

#[test]
fn gama_comes_late_and_goes_and_monitors_hear_what_they_heard() {
    check("s8-gama-late", as_it_is, false, &[]);
    check("s8b-gama-killed", as_it_is, true, &[]);
    check("s8c-gama-reset", as_it_is, true, &[]);
}

#[test]
fn players_that_leave_for_good_are_forgotten_as_they_were() {
    check(
        "s9-aggressive-disconnect",
        |classroom| classroom.aggressive_disconnect = true,
        true,
        &[],
    );
}

#[test]
fn odd_states_and_answers_of_gama_are_shown_as_they_were() {
    check("s11-odd-statuses", as_it_is, true, &[]);
}

/// The frames after which the existing platform was gone, and those that it hardly survived.
const FRAMES: [&str; 11] = [
    "s3-monitor-malformed-json",
    "s3-monitor-null",
    "s3-monitor-send-simulation-without-simulation",
    "s3-monitor-send-simulation-index-out-of-range",
    "s3-headset-malformed-json",
    "s3-headset-pong-before-connection",
    "s3-headset-ping-before-connection",
    "s3-headset-expression-before-connection",
    "s3-headset-disconnect-properly-before-connection",
    "s3-headset-empty-message",
    "s3-headset-connection-without-id",
];

#[test]
fn si4_a_frame_that_ends_the_existing_platform_costs_the_house_one_line_in_its_log() {
    for name in FRAMES {
        let mut replay = replayed(name, as_it_is, false, &[]);
        let lines = transcript(name);
        let bad = lines
            .iter()
            .position(|line| line.party == "CLI" && matches!(line.event, Event::Sent(_)))
            .expect("the client misbehaves");
        replay.run(&lines[..bad]);
        let (before, client) = (replay.house.log.len(), replay.parties["CLI"].conn);
        replay.run(&lines[bad..=bad]);
        let said = replay.house.log[before..].to_vec();
        assert_eq!(said.len(), 1, "{name}: {said:?}");
        // The same again is counted and not said again.
        replay.run(&lines[bad..=bad]);
        assert_eq!(
            replay.house.log.len(),
            before + 1,
            "{name}: {:?}",
            &replay.house.log[before..]
        );

        let client = client.expect("it is connected");
        assert_eq!(replay.house.peer(client).closed, None, "{name}");
        let watcher = replay
            .parties
            .get("MON1")
            .and_then(|party| party.conn)
            .expect("a monitor watches");
        replay.house.peer(watcher).inbox.clear();
        replay
            .house
            .say_text(watcher, r#"{"type":"get_simulation_informations"}"#.into());
        replay.pass(5);
        assert_eq!(replay.house.peer(watcher).inbox, [json!(CATALOG)], "{name}");
    }
}
