//! The monitor port of a SIMPLE WebPlatform: what its front end asks, and what it is told (SI-10 to SI-23).
//!
//! ```text
//!   frame text ──▶ decode ──▶ Request
//!   state      ──▶ write_json_state, write_selected, write_catalog, write_screen ──▶ payload bytes
//! ```

use crate::error::DecodeError;
use crate::json::{write_name, write_string};
use crate::simple::{demand_text, read_object, unknown_type, whole_number};
use serde_json::Value;

/// What a front end asks for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// `launch_experiment` (SI-18).
    Launch,
    /// `pause_experiment` (SI-19).
    Pause,
    /// `resume_experiment` (SI-19).
    Resume,
    /// `stop_experiment` (SI-20).
    Stop,
    /// `get_simulation_informations` (SI-15).
    Catalog,
    /// `get_simulation_by_index` and `send_simulation`: the index in the flat list of models; `None` where no whole number
    /// stands (SI-16, SI-17).
    Select(Option<u64>),
    /// `add_player_headset`: a player's id or address (SI-21).
    AddPlayer(String),
    /// `remove_player_headset`: a player's id or address (SI-21).
    RemovePlayer(String),
    /// `screen_control`: whatever stands in `display_type`, `None` where the key is absent (SI-22).
    Screen(Option<Value>),
    /// `try_connection` (SI-23).
    TryConnection,
}

/// Reads the text of one frame.
///
/// # Errors
///
/// A [`DecodeError`] for everything that is no request of the port (SI-4).
pub fn decode(text: &str) -> Result<Request, DecodeError> {
    let (name, mut object) = read_object(text)?;
    Ok(match name.as_str() {
        "launch_experiment" => Request::Launch,
        "pause_experiment" => Request::Pause,
        "resume_experiment" => Request::Resume,
        "stop_experiment" => Request::Stop,
        "get_simulation_informations" => Request::Catalog,
        "get_simulation_by_index" => Request::Select(object.get("simulationIndex").and_then(whole_number)),
        "send_simulation" => match object.get("simulation") {
            Some(Value::Object(simulation)) => Request::Select(simulation.get("model_index").and_then(whole_number)),
            _ => return Err(DecodeError::MissingField { field: "simulation" }),
        },
        "add_player_headset" => Request::AddPlayer(demand_text(&mut object, "id")?),
        "remove_player_headset" => Request::RemovePlayer(demand_text(&mut object, "id")?),
        "screen_control" => Request::Screen(object.remove("display_type")),
        "try_connection" => Request::TryConnection,
        other => return Err(unknown_type(other)),
    })
}

/// The `gama` part of a `json_state` (SI-11, SI-13, SI-14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GamaState {
    /// The link is up.
    pub connected: bool,
    /// What GAMA reports: `NONE`, `NOTREADY`, `RUNNING`, `PAUSED`, `FINISHED`, or whatever else it says.
    pub experiment_state: String,
    /// GAMA is not connected, or a command is on its way to its effect.
    pub loading: bool,
    /// JSON text: `""`, the error message of GAMA as it came, or a text.
    pub content_error: String,
    /// Id of the experiment at GAMA.
    pub experiment_id: String,
    /// Its name.
    pub experiment_name: String,
}

/// One player in a `json_state` (SI-11, SI-37).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayerState {
    /// The name that the headset gives itself.
    pub id: String,
    /// JSON text of the interval as the headset has sent it, or `5000`.
    pub ping_interval: String,
    /// It has given a sign of life since the last ping.
    pub is_alive: bool,
    /// Its socket is open.
    pub connected: bool,
    /// GAMA knows it as a player.
    pub in_game: bool,
    /// Local time of its arrival, `HH:MM`.
    pub date_connection: String,
}

/// Writes a `json_state` for monitors; `gama` is `None` in GAMALESS mode (SI-11).
pub fn write_json_state<'a>(
    out: &mut Vec<u8>,
    gama: Option<&GamaState>,
    players: impl IntoIterator<Item = &'a PlayerState>,
) {
    out.extend_from_slice(br#"{"type":"json_state","gama":{"#);
    if let Some(gama) = gama {
        out.extend_from_slice(br#""connected":"#);
        write_bool(out, gama.connected);
        out.extend_from_slice(br#","experiment_state":"#);
        write_string(out, &gama.experiment_state);
        out.extend_from_slice(br#","loading":"#);
        write_bool(out, gama.loading);
        out.extend_from_slice(br#","content_error":"#);
        out.extend_from_slice(gama.content_error.as_bytes());
        out.extend_from_slice(br#","experiment_id":"#);
        write_string(out, &gama.experiment_id);
        out.extend_from_slice(br#","experiment_name":"#);
        write_string(out, &gama.experiment_name);
    }
    out.extend_from_slice(br#"},"player":{"#);
    for (index, player) in players.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_name(out, &player.id);
        out.push(b'{');
        write_player_fields(out, player);
        out.push(b'}');
    }
    out.extend_from_slice(b"}}");
}

/// The fields of a player, in the order of SI-11, without brackets.
pub(crate) fn write_player_fields(out: &mut Vec<u8>, player: &PlayerState) {
    out.extend_from_slice(br#""id":"#);
    write_string(out, &player.id);
    out.extend_from_slice(br#","ping_interval":"#);
    out.extend_from_slice(player.ping_interval.as_bytes());
    for (name, value) in [
        (&br#","is_alive":"#[..], player.is_alive),
        (br#","connected":"#, player.connected),
        (br#","in_game":"#, player.in_game),
    ] {
        out.extend_from_slice(name);
        write_bool(out, value);
    }
    out.extend_from_slice(br#","date_connection":"#);
    write_string(out, &player.date_connection);
}

/// Writes the answer to [`Request::Select`]: the settings object, which is JSON text with `model_index` in it (SI-16).
pub fn write_selected(out: &mut Vec<u8>, settings: &str) {
    out.extend_from_slice(br#"{"type":"get_simulation_by_index","simulation":"#);
    out.extend_from_slice(settings.as_bytes());
    out.push(b'}');
}

/// Writes the answer to [`Request::Catalog`]; `array` is the JSON text of the nested list. `as_text` wraps it into a JSON
/// string, which is what front ends get today (SI-15).
pub fn write_catalog(out: &mut Vec<u8>, array: &str, as_text: bool) {
    if as_text {
        write_string(out, array);
    } else {
        out.extend_from_slice(array.as_bytes());
    }
}

/// Writes a `screen_control`; the key is absent where nothing was given (SI-22).
pub fn write_screen(out: &mut Vec<u8>, display_type: Option<&Value>) {
    out.extend_from_slice(br#"{"type":"screen_control""#);
    if let Some(display_type) = display_type {
        out.extend_from_slice(br#","display_type":"#);
        out.extend_from_slice(display_type.to_string().as_bytes());
    }
    out.push(b'}');
}

fn write_bool(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}
