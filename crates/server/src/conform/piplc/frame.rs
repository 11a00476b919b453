//! A snapshot frame as it came, read at the offsets of the description (PL-22 to PL-25).
//!
//! The reader shares no table with Crosstie's own encoder, because a mistake that both sides make would not show.

use bytes::Bytes;
use crosstie_wire::piplc::Dialect;

/// Bytes of a snapshot; what follows is left to later versions (PL-25).
pub(super) const LEN: usize = 2704;
/// The first four bytes on the wire.
const MAGIC: [u8; 4] = [0x4D, 0x45, 0x4D, 0x50];

const STATE_AT: usize = 12;
const CONTEXT_AT: usize = 13;
const RESERVED_AT: usize = 14;
const INPUTS_AT: usize = 16;
const OUTPUTS_AT: usize = 48;
const BITS_AT: usize = 80;
const INTEGERS_AT: usize = 336;
const TIMERS_AT: usize = 1360;
const COUNTERS_AT: usize = 1872;
const FORCES_AT: usize = 2384;
/// Words before those of O and of B in the force bitmap (PL-23).
const FORCED_OUTPUTS: usize = 8;
const FORCED_BITS: usize = 16;

/// One frame that is long enough and begins as it must.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    bytes: Bytes,
}

/// A timer or counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) pre: i16,
    pub(super) acc: i16,
    /// As it stands in the frame; the order of a timer's depends on the dialect.
    pub(super) flags: u8,
    /// The three bytes behind it.
    pub(super) rest: [u8; 3],
}

/// Masks of EN, TT and DN in the flags of a timer.
pub(super) fn timer_flags(dialect: Dialect) -> (u8, u8, u8) {
    match dialect {
        Dialect::V02 => (1, 2, 4),
        Dialect::V01 => (4, 2, 1),
    }
}

impl Frame {
    /// Takes a binary frame; the error is what was seen instead of a snapshot.
    pub(super) fn parse(bytes: Bytes) -> Result<Frame, String> {
        if bytes.len() < LEN {
            return Err(format!("a binary frame of {} bytes", bytes.len()));
        }
        match bytes.get(..MAGIC.len()) {
            Some(front) if front == MAGIC => Ok(Frame { bytes }),
            front => Err(format!("a binary frame that begins with {front:02X?}")),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn sequence(&self) -> u32 {
        self.word_at(4)
    }

    pub(super) fn timestamp_ms(&self) -> u32 {
        self.word_at(8)
    }

    pub(super) fn state(&self) -> u8 {
        self.bytes[STATE_AT]
    }

    /// Position of the context in `context.list`.
    pub(super) fn context_index(&self) -> u8 {
        self.bytes[CONTEXT_AT]
    }

    pub(super) fn reserved(&self) -> [u8; 2] {
        [self.bytes[RESERVED_AT], self.bytes[RESERVED_AT + 1]]
    }

    /// A word of I, O, B or N as bits; 0 for another region.
    pub(super) fn word(&self, region: char, word: usize) -> u32 {
        match region {
            'I' => self.word_at(INPUTS_AT + 4 * word),
            'O' => self.word_at(OUTPUTS_AT + 4 * word),
            'B' => self.word_at(BITS_AT + 4 * word),
            'N' => self.word_at(INTEGERS_AT + 4 * word),
            _ => 0,
        }
    }

    /// A bit such as `B:3/1`.
    pub(super) fn bit(&self, address: &str) -> bool {
        let (region, word, bit) = place(address);
        self.word(region, word) >> bit & 1 == 1
    }

    /// An integer.
    pub(super) fn integer(&self, word: usize) -> i32 {
        self.word('N', word) as i32
    }

    pub(super) fn timer(&self, index: usize) -> Slot {
        self.slot_at(TIMERS_AT + 8 * index)
    }

    pub(super) fn counter(&self, index: usize) -> Slot {
        self.slot_at(COUNTERS_AT + 8 * index)
    }

    /// Whether the bitmap says that a bit such as `B:3/1` is forced.
    pub(super) fn is_forced(&self, address: &str) -> bool {
        let (region, word, bit) = place(address);
        let first = match region {
            'O' => FORCED_OUTPUTS,
            'B' => FORCED_BITS,
            _ => 0,
        };
        self.word_at(FORCES_AT + 4 * (first + word)) >> bit & 1 == 1
    }

    /// How many bits are forced.
    pub(super) fn forced_bits(&self) -> u32 {
        let bitmap = self.bytes[FORCES_AT..LEN].iter();
        bitmap.map(|byte| byte.count_ones()).sum()
    }

    fn slot_at(&self, at: usize) -> Slot {
        let pair = |at: usize| i16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]);
        Slot {
            pre: pair(at),
            acc: pair(at + 2),
            flags: self.bytes[at + 4],
            rest: [self.bytes[at + 5], self.bytes[at + 6], self.bytes[at + 7]],
        }
    }

    /// The offsets are those of the table above with words that the checks name, all of them within a frame.
    fn word_at(&self, at: usize) -> u32 {
        u32::from_le_bytes([
            self.bytes[at],
            self.bytes[at + 1],
            self.bytes[at + 2],
            self.bytes[at + 3],
        ])
    }
}

/// Region, word and bit of an address that a check names, such as `B:3/1` or `N:6`.
pub(super) fn place(address: &str) -> (char, usize, usize) {
    let (region, rest) = address.split_once(':').unwrap_or_default();
    let (word, bit) = rest.split_once('/').unwrap_or((rest, "0"));
    let number = |digits: &str| digits.parse().unwrap_or(0);
    (region.chars().next().unwrap_or(' '), number(word), number(bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Vec<u8> {
        let mut bytes = vec![0; LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes
    }

    #[test]
    fn longer_frames_are_taken_and_shorter_ones_and_other_magics_refused() {
        let mut long = frame();
        long.push(0);
        assert!(Frame::parse(long.into()).is_ok());
        assert!(Frame::parse(frame()[..LEN - 1].to_vec().into()).is_err());
        let mut turned = frame();
        turned[..4].reverse();
        assert!(Frame::parse(turned.into()).is_err());
        assert!(Frame::parse(Bytes::new()).is_err());
    }

    #[test]
    fn every_region_is_read_where_the_description_has_it() {
        let mut bytes = frame();
        for (at, byte) in [
            (4, 7),
            (8, 9),
            (12, 2),
            (13, 1),
            (16, 1),
            (79, 0x80),
            (335, 0x80),
            (336, 5),
            (1360, 100),
            (1364, 6),
            (1872, 3),
            (2384, 8),
            (2703, 0x80),
        ] {
            bytes[at] = byte;
        }
        let frame = Frame::parse(bytes.into()).unwrap();
        assert_eq!((frame.sequence(), frame.timestamp_ms()), (7, 9));
        assert_eq!((frame.state(), frame.context_index(), frame.reserved()), (2, 1, [0, 0]));
        for address in ["I:0/0", "O:7/31", "B:63/31"] {
            assert!(frame.bit(address), "{address}");
        }
        assert_eq!(frame.integer(0), 5);
        assert_eq!((frame.timer(0).pre, frame.timer(0).flags), (100, 6));
        assert_eq!(frame.counter(0).pre, 3);
        assert!(frame.is_forced("I:0/3") && frame.is_forced("B:63/31") && !frame.is_forced("O:0/3"));
        assert_eq!(frame.forced_bits(), 2);
    }
}
