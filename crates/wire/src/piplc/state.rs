//! The states of an engine, as words and as a byte.

use super::dialect::Dialect;

/// What an engine does.
///
/// On the wire a word (`"Running"`, in dialect 0.1 `"running"`) or byte 12 of a snapshot (PL-4, PL-22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineState {
    /// No scan runs; outputs are in their safe state. Byte 0.
    Stopped,
    /// Scans run. Byte 1.
    Running,
    /// No scan runs; outputs are kept. Byte 2.
    Paused,
    /// A scan is begun and waits between two rungs. Byte 3.
    Stepping,
    /// A program went wrong; outputs are in their safe state. Byte 4.
    Fault,
}

impl EngineState {
    /// All states, in the order of their bytes.
    pub const ALL: [EngineState; 5] = [
        EngineState::Stopped,
        EngineState::Running,
        EngineState::Paused,
        EngineState::Stepping,
        EngineState::Fault,
    ];

    /// The word for it.
    pub const fn word(self, dialect: Dialect) -> &'static str {
        match (dialect, self) {
            (Dialect::V02, EngineState::Stopped) => "Stopped",
            (Dialect::V02, EngineState::Running) => "Running",
            (Dialect::V02, EngineState::Paused) => "Paused",
            (Dialect::V02, EngineState::Stepping) => "Stepping",
            (Dialect::V02, EngineState::Fault) => "Fault",
            (Dialect::V01, EngineState::Stopped) => "stopped",
            (Dialect::V01, EngineState::Running) => "running",
            (Dialect::V01, EngineState::Paused) => "paused",
            (Dialect::V01, EngineState::Stepping) => "stepping",
            (Dialect::V01, EngineState::Fault) => "fault",
        }
    }

    /// The state of a word, upper and lower case alike (PL-4). `None` for a word that is no state.
    pub fn of_word(word: &str) -> Option<EngineState> {
        EngineState::ALL
            .into_iter()
            .find(|state| state.word(Dialect::V02).eq_ignore_ascii_case(word))
    }

    /// The byte for it, 0…4.
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The state of a byte. `None` for a byte that is no state.
    pub fn of_byte(byte: u8) -> Option<EngineState> {
        EngineState::ALL.get(usize::from(byte)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pl4_states_have_their_words_and_any_case_is_read() {
        for state in EngineState::ALL {
            for word in [state.word(Dialect::V02), state.word(Dialect::V01)] {
                assert_eq!(EngineState::of_word(word), Some(state));
                assert_eq!(EngineState::of_word(&word.to_uppercase()), Some(state));
            }
        }
        for word in ["", "run", "stopped ", "faulted"] {
            assert_eq!(EngineState::of_word(word), None, "{word:?}");
        }
    }

    #[test]
    fn pl22_states_have_their_bytes() {
        for (byte, state) in EngineState::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(state.byte()), byte);
            assert_eq!(EngineState::of_byte(byte as u8), Some(state));
        }
        assert_eq!(EngineState::of_byte(5), None);
        assert_eq!(EngineState::of_byte(255), None);
    }
}
