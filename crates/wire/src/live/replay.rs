//! What the live channel and the HTTP API tell of a replay.

use serde::Serialize;

/// How a replay stands. Times are milliseconds of the recording, from its begin.
///
/// Shape: `{"state":"playing","recording":"2026-03-01T09-30-00Z","position_ms":1200,"duration_ms":60000,"speed":10.0,
/// "loop":false,"leads_clock":false,"signals":40,"skipped":[{"name":"plc/line/O:0/3","reason":"…"}],"skipped_count":1,
/// "error":null}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replay<'a> {
    /// `idle`, `playing`, `paused` or `ended`.
    pub state: &'a str,
    /// Name of the recording; `None` while idle.
    pub recording: Option<&'a str>,
    /// Everything up to here has been said.
    pub position_ms: u64,
    /// Length of the recording.
    pub duration_ms: u64,
    /// How many times as fast as it was recorded; 0 for as fast as the hub can.
    pub speed: f64,
    /// It begins anew when it is over.
    #[serde(rename = "loop")]
    pub loops: bool,
    /// The hub's time goes as the replay does.
    pub leads_clock: bool,
    /// Signals that it says, each when the recording does.
    pub signals: usize,
    /// Signals of the recording that it does not say, the first ones.
    pub skipped: Vec<SkippedSignal<'a>>,
    /// All of them.
    pub skipped_count: usize,
    /// What is wrong with the recording; it may play all the same.
    pub error: Option<&'a str>,
}

/// A signal that a replay does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedSignal<'a> {
    /// Its name.
    pub name: &'a str,
    /// Why it is not said.
    pub reason: &'a str,
}

/// The same with its type, as the live channel tells it.
#[derive(Serialize)]
struct Frame<'a> {
    r#type: &'static str,
    #[serde(flatten)]
    replay: &'a Replay<'a>,
}

/// Appends the state as `GET /api/v1/replay` answers it.
pub fn write_replay_state(out: &mut Vec<u8>, replay: &Replay<'_>) {
    write(out, replay);
}

/// Appends `{"type":"replay", the fields of the state}`.
pub fn write_replay(out: &mut Vec<u8>, replay: &Replay<'_>) {
    let r#type = "replay";
    write(out, &Frame { r#type, replay });
}

fn write(out: &mut Vec<u8>, value: &impl Serialize) {
    // A vector takes all bytes, and every key above is a text.
    serde_json::to_writer(out, value).expect("numbers and texts are JSON");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_is_the_state_with_its_type() {
        let replay = Replay {
            state: "playing",
            recording: Some("monday"),
            position_ms: 1_200,
            duration_ms: 60_000,
            speed: 10.0,
            loops: false,
            leads_clock: true,
            signals: 40,
            skipped: vec![SkippedSignal {
                name: "plc/line/O:0/3",
                reason: "the engine of 'line' makes it",
            }],
            skipped_count: 1,
            error: None,
        };
        let (mut state, mut frame) = (Vec::new(), Vec::new());
        write_replay_state(&mut state, &replay);
        write_replay(&mut frame, &replay);
        let state = String::from_utf8(state).unwrap();
        assert_eq!(
            state,
            "{\"state\":\"playing\",\"recording\":\"monday\",\"position_ms\":1200,\"duration_ms\":60000,\"speed\":10.0,\
             \"loop\":false,\"leads_clock\":true,\"signals\":40,\"skipped\":[{\"name\":\"plc/line/O:0/3\",\
             \"reason\":\"the engine of 'line' makes it\"}],\"skipped_count\":1,\"error\":null}"
        );
        let expected = format!("{{\"type\":\"replay\",{}", &state[1..]);
        assert_eq!(String::from_utf8(frame).unwrap(), expected);
    }
}
