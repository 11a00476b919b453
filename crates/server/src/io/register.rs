//! Registers of 16 bits and words of N of 32.
//!
//! A register is read as a signed number, as every PLC reads an `INT`: 0xFFFF is -1. A word is written by its low 16 bits where
//! these say all of it, signed or unsigned: -32,768 to 65,535, so that a device whose registers are unsigned can be told
//! 40,000. What lies beyond is written as the nearest of these.

/// What a register says.
pub(crate) fn from_register(register: u16) -> i32 {
    i32::from(register as i16)
}

/// The register that a word becomes.
pub(crate) fn to_register(word: i32) -> u16 {
    word.clamp(i32::from(i16::MIN), i32::from(u16::MAX)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_signed_and_words_saturate() {
        let read = [(0, 0), (1, 1), (0x7FFF, 32_767), (0x8000, -32_768), (0xFFFF, -1)];
        for (register, word) in read {
            assert_eq!(from_register(register), word);
            assert_eq!(to_register(word), register, "what was read is written as it was");
        }
        let written = [
            (32_768, 0x8000),
            (40_000, 40_000),
            (65_535, 0xFFFF),
            (65_536, 0xFFFF),
            (i32::MAX, 0xFFFF),
            (-32_769, 0x8000),
            (i32::MIN, 0x8000),
        ];
        for (word, register) in written {
            assert_eq!(to_register(word), register, "{word}");
        }
    }
}
