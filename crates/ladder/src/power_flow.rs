//! Power flow: which instructions of a program have power behind them, for a picture of the running ladder.
//!
//! It is recorded only while somebody asks for it; otherwise a scan does not know of it.

/// The power behind every instruction in the last scan that ran it.
#[derive(Debug, Clone, Default)]
pub struct PowerFlow {
    bits: Vec<u64>,
}

const WORD_BITS: usize = u64::BITS as usize;

impl PowerFlow {
    /// No power anywhere.
    pub(crate) fn new(instructions: usize) -> PowerFlow {
        PowerFlow {
            bits: vec![0; instructions.div_ceil(WORD_BITS)],
        }
    }

    /// Whether there is power behind an instruction. They are counted from 0 in the order of execution, through all rungs (see
    /// [`crate::program::Program::instructions`]); of a contact with decorators it is the power behind the last of them.
    pub fn is_on(&self, instruction: usize) -> bool {
        let word = self.bits.get(instruction / WORD_BITS);
        word.is_some_and(|word| word >> (instruction % WORD_BITS) & 1 == 1)
    }

    /// The same, 64 instructions to a word, the first in the lowest bit.
    pub fn words(&self) -> &[u64] {
        &self.bits
    }

    pub(crate) fn note(&mut self, instruction: u32, power: bool) {
        let at = instruction as usize;
        if let Some(word) = self.bits.get_mut(at / WORD_BITS) {
            let bit = 1 << (at % WORD_BITS);
            *word = if power { *word | bit } else { *word & !bit };
        }
    }
}
