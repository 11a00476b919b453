//! Errors of GAMA as monitors, the page and the problems show them (SI-14, GA-8, GA-10).

use super::cut;
use crate::api::classroom::ClassError;
use crate::time::Time;
use crosstie_wire::gama::ErrorMessage;
use crosstie_wire::json::write_string;

/// Bytes of an error message that are passed on as they came; of a longer one the front of its words.
const TEXT_MAX: usize = 16 * 1024;
/// Bytes of its words that people are shown.
const WORDS_MAX: usize = 2 * 1024;

/// What an error is about: its success takes the error away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// The experiment as a whole, or something in it.
    Experiment,
    /// The making of a player.
    Player(Box<str>),
}

/// The last error that no success has cleared yet.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: String,
    /// JSON text of the whole message.
    text: String,
    pub(crate) words: String,
    pub(crate) about: About,
    pub(crate) at: Time,
}

impl Failure {
    /// The failure that a message of GAMA tells.
    pub(crate) fn new(error: ErrorMessage, about: About, at: Time) -> Failure {
        let words = cut(&error.words, WORDS_MAX);
        let text = match error.text.len() <= TEXT_MAX {
            true => error.text,
            false => message(&error.kind, &words),
        };
        Failure {
            kind: cut(&error.kind, WORDS_MAX),
            text,
            words,
            about,
            at,
        }
    }

    /// `content_error` as JSON text: the message as it came, or its words (SI-14).
    pub(crate) fn content(&self, as_text: bool) -> String {
        match as_text {
            false => self.text.clone(),
            true => {
                let mut out = Vec::with_capacity(self.words.len() + 2);
                write_string(&mut out, &self.words);
                String::from_utf8_lossy(&out).into_owned()
            }
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        let is_load = self.text.contains("\"type\":\"load\"") || self.words.contains("'load'");
        match self.kind.as_str() {
            _ if matches!(self.about, About::Player(_)) => {
                "look at the model's create_player, then add the player again"
            }
            "UnableToExecuteRequest" if is_load => {
                "check that the model's file is where GAMA looks for it and that the experiment has this name; then launch again"
            }
            "UnableToExecuteRequest" if self.words.starts_with("GAMA did not answer") => {
                "GAMA is busy, or a dialog is open in its window: look there, then order it again; if it stays so, restart GAMA"
            }
            "UnableToExecuteRequest" => "read what GAMA says, look at its own console, and order it again",
            "MalformedRequest" => {
                "GAMA did not understand a command or an expression: look at what was sent, and at GAMA's version"
            }
            "GamaServerError" => "look at GAMA's own console; restart GAMA if it comes again",
            _ => "the model has failed: look at it in GAMA; stop the experiment and launch it again",
        }
    }

    /// The same for people.
    pub(crate) fn row(&self) -> ClassError {
        ClassError {
            kind: self.kind.clone(),
            text: self.words.clone(),
            hint: self.hint().to_owned(),
            at: self.at,
        }
    }
}

/// The error that stands for an answer that has not come (GA-10).
pub(crate) fn unanswered(words: String) -> ErrorMessage {
    const KIND: &str = "UnableToExecuteRequest";
    ErrorMessage {
        kind: KIND.into(),
        text: message(KIND, &words),
        words,
    }
}

fn message(kind: &str, words: &str) -> String {
    let mut out = Vec::with_capacity(words.len() + 64);
    out.extend_from_slice(br#"{"type":"#);
    write_string(&mut out, kind);
    out.extend_from_slice(br#","content":"#);
    write_string(&mut out, words);
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}
