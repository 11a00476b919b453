//! What stand-ins print: each line marked as theirs, because they may share a terminal with a hub.

use std::fmt::Display;
use std::io::Write as _;

/// The console of one stand-in.
#[derive(Clone, Debug)]
pub(super) struct Console {
    name: String,
    quiet: bool,
}

impl Console {
    /// Lines begin with `name`; a quiet console prints nothing.
    pub(super) fn new(name: impl Into<String>, quiet: bool) -> Console {
        let name = name.into();
        Console { name, quiet }
    }

    pub(super) fn say(&self, text: impl Display) {
        if !self.quiet {
            // A console that is gone is no reason to stop playing, and `println!` would panic on it.
            drop(writeln!(std::io::stdout(), "{}: {text}", self.name));
        }
    }
}
