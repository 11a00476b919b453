//! Failures that can be had for the asking, so that a classroom can be tried with each of them.

use clap::ValueEnum;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// Every load is refused, as for a model with an error in it
    RefuseLoad,
    /// Every player is refused
    RefusePlayer,
    /// No command is answered
    Silent,
    /// No load is answered, and nothing is loaded
    SilentLoad,
    /// Answers are cut off in their middle
    Malformed,
    /// Every connection is torn, without a word
    DropLink,
    /// An error dialog opens
    ErrorDialog,
    /// An error of the running model
    RuntimeError,
    /// An error of the simulation, as an object
    SimulationError,
    /// An error in the status bar
    StatusError,
    /// An error of the server itself
    ServerError,
    /// A world that cannot be read, and one for a player whom nobody knows
    BadWorld,
    /// The experiment comes to its end
    Finish,
    /// Somebody closes the experiment at GAMA's own window
    Unload,
}

impl Fault {
    /// It stays until it is switched off; the others happen once.
    pub(super) fn is_lasting(self) -> bool {
        matches!(
            self,
            Fault::RefuseLoad | Fault::RefusePlayer | Fault::Silent | Fault::SilentLoad | Fault::Malformed
        )
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    /// All names, for people.
    pub(super) fn names() -> String {
        let names: Vec<String> = Fault::value_variants().iter().map(|fault| fault.name()).collect();
        names.join(", ")
    }
}

/// What may be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Begin(Fault),
    /// Lasting ones end.
    Off,
}

/// Reads the name of a fault, or `off`, with or without the word `fault` before it.
///
/// # Errors
///
/// What is understood, for people.
pub(super) fn parse(text: &str) -> Result<Order, String> {
    let text = text.trim().trim_end_matches(';').trim();
    let name = text.strip_prefix("fault").unwrap_or(text).trim();
    if name == "off" {
        return Ok(Order::Off);
    }
    Fault::from_str(name, false)
        .map(Order::Begin)
        .map_err(|_| format!("no such fault; these are: {}, off", Fault::names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_by_their_names() {
        for fault in Fault::value_variants() {
            assert_eq!(parse(&fault.name()), Ok(Order::Begin(*fault)));
            assert_eq!(parse(&format!(" fault {};", fault.name())), Ok(Order::Begin(*fault)));
        }
        assert_eq!(parse("off"), Ok(Order::Off));
        assert!(
            parse("fault earthquake")
                .unwrap_err()
                .contains("refuse-load, refuse-player")
        );
        assert!(parse("").is_err());
    }
}
