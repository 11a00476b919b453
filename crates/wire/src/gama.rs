//! The GAMA server protocol, from the side of its client (GA-1 to GA-12).
//!
//! ```text
//!   command ──▶ write_load, write_control, write_expression, write_ask ──▶ payload bytes
//!   frame text ──▶ decode ──▶ ServerMessage ──▶ its elements are whole frames for headsets already
//! ```
//!
//! Every text that goes into GAML passes [`gaml::write_string`].

mod decode;
mod encode;
pub mod gaml;

pub use decode::decode;
pub use encode::{Control, write_ask, write_control, write_expression, write_load};

use crate::frame::Frame;

/// What a GAMA server says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServerMessage {
    /// `ConnectionSuccessful`: GAMA takes commands; its name for this socket (GA-1).
    Greeting(String),
    /// `SimulationStatus` (GA-5).
    Status {
        /// The state as GAMA spells it.
        status: String,
        /// The experiment that it is about; `"0"` from GAMA with a window.
        exp_id: Option<String>,
    },
    /// The answer to a command (GA-4).
    Answer(Answer),
    /// `SimulationOutput` for players (GA-7).
    World(World),
    /// `SimulationOutput` with an object: a line of the console (GA-7).
    Console(String),
    /// An error that no command of ours has to answer for (GA-8).
    Error(ErrorMessage),
    /// Something for the log view: the kind and the text (GA-8).
    Note {
        /// The type of the message.
        kind: String,
        /// What it says.
        text: String,
    },
}

/// An answer to a command.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What became of it.
    pub outcome: Outcome,
    /// Which command it answers; `None` where the message does not say.
    pub command: Option<Echoed>,
    /// `content`: the text itself where it is one, else its JSON text.
    pub content: String,
    /// Top-level `contents`, which go to players like a world (GA-7).
    pub world: Option<World>,
    /// The whole message where it is an error.
    pub error: Option<ErrorMessage>,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `CommandExecutedSuccessfully`.
    Executed,
    /// `UnableToExecuteRequest`.
    Unable,
    /// `MalformedRequest`.
    Malformed,
}

/// The command as it travels back with its answer: its fields may stand in any order (GA-4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Echoed {
    /// Its type.
    pub kind: String,
    /// `expr` of an expression.
    pub expr: Option<String>,
    /// `action` of an ask.
    pub action: Option<String>,
    /// `exp_id`, where it is a text.
    pub exp_id: Option<String>,
    /// The number that we have added, where we add one.
    pub api_id: Option<u64>,
}

/// An error as GAMA says it (GA-8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorMessage {
    /// The type of the message.
    pub kind: String,
    /// The whole message, JSON text as it was received (SI-14).
    pub text: String,
    /// What it says, for people.
    pub words: String,
}

/// What a simulation shows its players at one moment.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// In their order.
    pub elements: Vec<Element>,
    /// Elements that name no players and were left out (GA-7).
    pub skipped: usize,
    /// Why the text could not be read to its end; the elements before that are there.
    pub problem: Option<String>,
}

/// One piece for some players.
#[derive(Clone, Debug)]
pub struct Element {
    /// The players that it is for.
    pub ids: Vec<Box<str>>,
    /// A whole `json_output` frame with the contents as they came (SI-38).
    pub frame: Frame,
    /// A number that pieces of the same kind share: what the app does with a piece is decided by its first key.
    pub kind: u64,
}
