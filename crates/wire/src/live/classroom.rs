//! What the live channel and the HTTP API tell of the classroom: its whole state, and the new lines of GAMA's console.

use super::encode::write_uint_field;
use serde::Serialize;
use serde_json::value::RawValue;

/// The whole class at one moment. Times ending in `_ms` are milliseconds of the hub's clock, unless they are said to be ages.
///
/// Shape: `{"now_ms":1,"mode":"gama","gama":{…},"model":{…},"players":[…],"monitors":1,"screen":null,"orders":["launch"],
/// "counters":{…},"models":3,"catalog_problems":0}`.
#[derive(Debug, Clone, Serialize)]
pub struct ClassState<'a> {
    /// The hub's clock.
    pub now_ms: u64,
    /// `gama` or `gamaless`.
    pub mode: &'a str,
    /// The link to GAMA and its experiment; `None` in GAMALESS mode.
    pub gama: Option<ClassGama<'a>>,
    /// The model that a launch would load.
    pub model: Option<ClassModel<'a>>,
    /// The seats in the order of arrival.
    pub players: Vec<ClassPlayer<'a>>,
    /// Connected monitors.
    pub monitors: usize,
    /// What monitors show: any JSON.
    pub screen: Option<&'a RawValue>,
    /// The orders that can be carried out now, by their words.
    pub orders: Vec<&'a str>,
    /// What passed.
    pub counters: ClassCounts,
    /// Models in the catalog.
    pub models: usize,
    /// Errors and warnings of the catalog.
    pub catalog_problems: usize,
}

/// How the link to GAMA stands, and the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassGama<'a> {
    /// Where GAMA is looked for.
    pub url: &'a str,
    /// `connecting`, `greeting`, `connected` or `waiting`.
    pub link: &'a str,
    /// The same in words, with the reason and what to do.
    pub text: &'a str,
    /// Since when the link stands so.
    pub since_ms: u64,
    /// How long until the next attempt.
    pub retry_in_ms: Option<u64>,
    /// `gui` or `headless`, once that is known.
    pub flavour: Option<&'a str>,
    /// The experiment's state as GAMA spells it.
    pub state: &'a str,
    /// What is waited for, in words.
    pub waits_for: Option<&'a str>,
    /// Id of the experiment.
    pub experiment_id: &'a str,
    /// Name of the experiment.
    pub experiment_name: &'a str,
    /// The last error that no success has cleared yet.
    pub error: Option<ClassError<'a>>,
    /// It is a stand-in for practice.
    pub practice: bool,
}

/// An error of GAMA.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassError<'a> {
    /// The type of GAMA's message.
    pub kind: &'a str,
    /// What it says.
    pub text: &'a str,
    /// What to do.
    pub hint: &'a str,
    /// When it came.
    pub at_ms: u64,
}

/// The active model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassModel<'a> {
    /// Its index in the catalog.
    pub index: usize,
    /// Its name.
    pub name: &'a str,
    /// Players that it needs at least.
    pub minimal_players: Option<u32>,
    /// Players that it takes at most.
    pub maximal_players: Option<u32>,
}

/// One seat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassPlayer<'a> {
    /// The name that the headset gives itself.
    pub id: &'a str,
    /// Address and port of its last connection.
    pub address: &'a str,
    /// Its socket is open.
    pub connected: bool,
    /// GAMA knows it as a player.
    pub in_game: bool,
    /// It has given a sign of life since the last ping.
    pub alive: bool,
    /// Local time of its first arrival, `HH:MM`.
    pub arrived: &'a str,
    /// The interval of its heartbeat.
    pub heartbeat_ms: u64,
    /// Age of its last sign of life.
    pub seen_ms: u64,
    /// Why it is not in the game, in words.
    pub waits_for: Option<&'a str>,
    /// A second headset that says the same name was refused.
    pub doubled: bool,
    /// Pieces of worlds that went to it.
    pub worlds: u64,
    /// Pieces that were dropped because it did not read.
    pub worlds_dropped: u64,
    /// Asks and expressions that went to GAMA.
    pub said: u64,
    /// Asks and expressions that were dropped or refused.
    pub said_dropped: u64,
}

/// What passed in the class since the hub began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ClassCounts {
    /// Worlds that came from GAMA.
    pub worlds: u64,
    /// Pieces of them that went to headsets.
    pub pieces: u64,
    /// Ids that belong to no player.
    pub unknown_ids: u64,
    /// Pieces without a list of ids.
    pub skipped: u64,
    /// Messages of GAMA that could not be read.
    pub unreadable: u64,
}

/// One line of GAMA's console.
///
/// Shape: `{"number":1,"at_ms":1,"level":"error","kind":"SimulationError","text":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassLine<'a> {
    /// Counts up over all lines.
    pub number: u64,
    /// When it came.
    pub at_ms: u64,
    /// `error`, `note`, `console` or `order`.
    pub level: &'a str,
    /// The type of the message.
    pub kind: &'a str,
    /// What it says.
    pub text: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "classroom")]
struct Frame<'a> {
    #[serde(flatten)]
    state: &'a ClassState<'a>,
    console: &'a [ClassLine<'a>],
}

/// Appends the state as `GET /api/v1/classroom` answers it.
pub fn write_class_state(out: &mut Vec<u8>, state: &ClassState<'_>) {
    write(out, state);
}

/// Appends `{"type":"classroom", the fields of the state, "console":[new lines]}`.
pub fn write_classroom(out: &mut Vec<u8>, state: &ClassState<'_>, console: &[ClassLine<'_>]) {
    write(out, &Frame { state, console });
}

/// Appends `{"type":"watching_classroom","id":1,"on":true}`.
pub fn write_watching_classroom(out: &mut Vec<u8>, id: u64, on: bool) {
    out.extend_from_slice(br#"{"type":"watching_classroom""#);
    write_uint_field(out, "id", id);
    out.extend_from_slice(if on { br#","on":true}"# } else { br#","on":false}"# });
}

fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    // A vector takes all bytes, and every key above is a text.
    serde_json::to_writer(out, value).expect("numbers, texts and JSON are JSON");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        serde_json::from_str::<serde_json::Value>(expected).unwrap();
    }

    fn state(screen: &RawValue) -> ClassState<'_> {
        ClassState {
            now_ms: 9_000,
            mode: "gama",
            gama: Some(ClassGama {
                url: "ws://localhost:1000",
                link: "waiting",
                text: "GAMA is \"away\"",
                since_ms: 5_000,
                retry_in_ms: Some(4_000),
                flavour: None,
                state: "NONE",
                waits_for: Some("GAMA"),
                experiment_id: "0",
                experiment_name: "vr_xp",
                error: Some(ClassError {
                    kind: "SimulationError",
                    text: "no\nsuch file",
                    hint: "look",
                    at_ms: 1,
                }),
                practice: false,
            }),
            model: Some(ClassModel {
                index: 0,
                name: "Flood",
                minimal_players: None,
                maximal_players: Some(4),
            }),
            players: vec![ClassPlayer {
                id: "Player_101",
                address: "127.0.0.1:5000",
                connected: true,
                in_game: false,
                alive: true,
                arrived: "09:16",
                heartbeat_ms: 5_000,
                seen_ms: 120,
                waits_for: Some("the experiment is not running"),
                doubled: false,
                worlds: 10,
                worlds_dropped: 1,
                said: 3,
                said_dropped: 2,
            }],
            monitors: 1,
            screen: Some(screen),
            orders: vec!["connect"],
            counters: ClassCounts {
                worlds: 1,
                pieces: 2,
                unknown_ids: 3,
                skipped: 4,
                unreadable: 5,
            },
            models: 3,
            catalog_problems: 1,
        }
    }

    const FIELDS: &str = concat!(
        r#""now_ms":9000,"mode":"gama","gama":{"url":"ws://localhost:1000","link":"waiting","text":"GAMA is \"away\"","#,
        r#""since_ms":5000,"retry_in_ms":4000,"flavour":null,"state":"NONE","waits_for":"GAMA","experiment_id":"0","#,
        r#""experiment_name":"vr_xp","error":{"kind":"SimulationError","text":"no\nsuch file","hint":"look","at_ms":1},"#,
        r#""practice":false},"model":{"index":0,"name":"Flood","minimal_players":null,"maximal_players":4},"#,
        r#""players":[{"id":"Player_101","address":"127.0.0.1:5000","connected":true,"in_game":false,"alive":true,"#,
        r#""arrived":"09:16","heartbeat_ms":5000,"seen_ms":120,"waits_for":"the experiment is not running","doubled":false,"#,
        r#""worlds":10,"worlds_dropped":1,"said":3,"said_dropped":2}],"monitors":1,"screen":{ "b":1, "a":[] },"#,
        r#""orders":["connect"],"counters":{"worlds":1,"pieces":2,"unknown_ids":3,"skipped":4,"unreadable":5},"#,
        r#""models":3,"catalog_problems":1"#
    );

    #[test]
    fn the_state_is_the_same_in_an_answer_and_in_a_frame() {
        let screen = RawValue::from_string(String::from(r#"{ "b":1, "a":[] }"#)).unwrap();
        let state = state(&screen);
        check(|out| write_class_state(out, &state), &format!("{{{FIELDS}}}"));
        let line = ClassLine {
            number: 7,
            at_ms: 8_000,
            level: "console",
            kind: "SimulationOutput",
            text: "day 1",
        };
        check(
            |out| write_classroom(out, &state, &[line]),
            &format!(
                r#"{{"type":"classroom",{FIELDS},"console":[{{"number":7,"at_ms":8000,"level":"console","kind":"SimulationOutput","text":"day 1"}}]}}"#
            ),
        );
    }

    #[test]
    fn a_class_without_gama_and_without_models_is_told_with_nulls() {
        let state = ClassState {
            now_ms: 1,
            mode: "gamaless",
            gama: None,
            model: None,
            players: Vec::new(),
            monitors: 0,
            screen: None,
            orders: Vec::new(),
            counters: ClassCounts::default(),
            models: 0,
            catalog_problems: 0,
        };
        check(
            |out| write_classroom(out, &state, &[]),
            concat!(
                r#"{"type":"classroom","now_ms":1,"mode":"gamaless","gama":null,"model":null,"players":[],"monitors":0,"screen":null,"#,
                r#""orders":[],"counters":{"worlds":0,"pieces":0,"unknown_ids":0,"skipped":0,"unreadable":0},"models":0,"#,
                r#""catalog_problems":0,"console":[]}"#
            ),
        );
        check(
            |out| write_watching_classroom(out, 1, true),
            r#"{"type":"watching_classroom","id":1,"on":true}"#,
        );
        check(
            |out| write_watching_classroom(out, 2, false),
            r#"{"type":"watching_classroom","id":2,"on":false}"#,
        );
    }
}
