//! How values of the ladder floor are kept, which knows of no JSON: programs as their documents, places as people write them.

/// A program by its document.
pub(crate) mod program {
    use crate::plc::Program;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::sync::Arc;

    pub(crate) fn serialize<S: Serializer>(program: &Arc<Program>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&program.document)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Program>, D::Error> {
        let document = String::deserialize(deserializer)?;
        let read = Program::read(&document).map(Arc::new);
        read.map_err(|diagnostics| {
            let first = diagnostics.first().map(ToString::to_string);
            D::Error::custom(format!("a program in it cannot be read: {}", first.unwrap_or_default()))
        })
    }
}

/// A command by its word.
pub(crate) mod command {
    use crosstie_ladder::controller::Command;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::borrow::Cow;

    const WORDS: [(Command, &str); 7] = [
        (Command::Start, "start"),
        (Command::Stop, "stop"),
        (Command::Pause, "pause"),
        (Command::Resume, "resume"),
        (Command::StepScan, "step_scan"),
        (Command::StepRung, "step_rung"),
        (Command::Reset, "reset"),
    ];

    pub(crate) fn serialize<S: Serializer>(command: &Command, serializer: S) -> Result<S::Ok, S::Error> {
        let word = WORDS.iter().find(|(other, _)| other == command);
        serializer.serialize_str(word.map_or("", |(_, word)| *word))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Command, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let command = WORDS.iter().find(|(_, word)| *word == text);
        command
            .map(|(command, _)| *command)
            .ok_or_else(|| D::Error::custom(format!("'{text}' is no command")))
    }
}

/// Places with their values: `["I:0/3", true]`, `["N:7", 12]`.
pub(crate) mod writes {
    use crosstie_ladder::address::Address;
    use crosstie_ladder::data_table::CellValue;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Cell {
        Bit(bool),
        Word(i32),
    }

    pub(crate) fn serialize<S: Serializer>(writes: &[(Address, CellValue)], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(writes.iter().map(|(address, value)| {
            let cell = match value {
                CellValue::Bit(on) => Cell::Bit(*on),
                CellValue::Word(number) => Cell::Word(*number),
            };
            (address.to_string(), cell)
        }))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(Address, CellValue)>, D::Error> {
        let writes = Vec::<(String, Cell)>::deserialize(deserializer)?;
        let write = |(place, cell): (String, Cell)| {
            let address = Address::parse(&place).map_err(|error| D::Error::custom(error.to_string()))?;
            let value = match cell {
                Cell::Bit(on) => CellValue::Bit(on),
                Cell::Word(number) => CellValue::Word(number),
            };
            Ok((address, value))
        };
        writes.into_iter().map(write).collect()
    }
}
