//! Commands to GAMA (GA-3, GA-12).

use crate::headset::Ask;
use crate::json::{write_string, write_uint};

/// A command that needs nothing but an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Control {
    /// Run.
    Play,
    /// Hold.
    Pause,
    /// End the experiment.
    Stop,
    /// One cycle.
    Step,
    /// One cycle back.
    StepBack,
    /// Load the same experiment anew.
    Reload,
}

impl Control {
    /// The `type` on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Control::Play => "play",
            Control::Pause => "pause",
            Control::Stop => "stop",
            Control::Step => "step",
            Control::StepBack => "stepBack",
            Control::Reload => "reload",
        }
    }
}

/// Writes a `load`.
pub fn write_load(out: &mut Vec<u8>, model: &str, experiment: &str, api_id: Option<u64>) {
    out.extend_from_slice(br#"{"type":"load","model":"#);
    write_string(out, model);
    out.extend_from_slice(br#","experiment":"#);
    write_string(out, experiment);
    end(out, api_id);
}

/// Writes a command for an experiment.
pub fn write_control(out: &mut Vec<u8>, control: Control, exp_id: &str, api_id: Option<u64>) {
    out.extend_from_slice(br#"{"type":"#);
    write_string(out, control.word());
    out.extend_from_slice(br#","exp_id":"#);
    write_string(out, exp_id);
    end(out, api_id);
}

/// Writes an expression. `of_player` adds the `content` that the platform sends with those of headsets (SI-34).
pub fn write_expression(out: &mut Vec<u8>, exp_id: &str, expr: &str, of_player: bool, api_id: Option<u64>) {
    out.extend_from_slice(br#"{"type":"expression","#);
    if of_player {
        out.extend_from_slice(br#""content":"Send an expression","#);
    }
    out.extend_from_slice(br#""exp_id":"#);
    write_string(out, exp_id);
    out.extend_from_slice(br#","expr":"#);
    write_string(out, expr);
    end(out, api_id);
}

/// Writes an ask with all its fields as they came; `exp_id` is added where it is absent (SI-35).
pub fn write_ask(out: &mut Vec<u8>, ask: &Ask, exp_id: &str, api_id: Option<u64>) {
    // The text is an object, so it ends with its bracket.
    let fields = ask.text.strip_suffix('}').unwrap_or(&ask.text);
    out.extend_from_slice(fields.trim_end().as_bytes());
    if !ask.has_exp_id {
        out.extend_from_slice(br#","exp_id":"#);
        write_string(out, exp_id);
    }
    end(out, api_id);
}

fn end(out: &mut Vec<u8>, api_id: Option<u64>) {
    if let Some(api_id) = api_id {
        out.extend_from_slice(br#","api_id":"#);
        write_uint(out, api_id);
    }
    out.push(b'}');
}
