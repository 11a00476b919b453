//! The binary frame that shows the memory of one context.
//!
//! | offset | bytes | field, little-endian |
//! |---|---|---|
//! | 0 | 4 | magic `0x504D454D`: on the wire 4D 45 4D 50 |
//! | 4 | 4 | sequence, from 0 at each subscribe |
//! | 8 | 4 | milliseconds since the server started |
//! | 12 | 1 | state of the engine |
//! | 13 | 1 | position of the context in `context.list` |
//! | 14 | 2 | zero |
//! | 16 | 32 | I, 8 × u32 |
//! | 48 | 32 | O, 8 × u32 |
//! | 80 | 256 | B, 64 × u32 |
//! | 336 | 1024 | N, 256 × i32 |
//! | 1360 | 512 | T, 64 × PRE i16, ACC i16, flags u8, three zeros |
//! | 1872 | 512 | C, the same |
//! | 2384 | 320 | forces, 80 × u32: words 0–7 I, 8–15 O, 16–79 B |
//!
//! The body is the same for every client, so it is encoded once for all of them; the header is each client's own.

use super::dialect::Dialect;

/// Bytes before the body.
pub const HEADER_LEN: usize = 16;
/// Bytes of the memory.
pub const BODY_LEN: usize = 2688;
/// Bytes of a snapshot.
pub const SNAPSHOT_LEN: usize = HEADER_LEN + BODY_LEN;
/// The first four bytes, as a little-endian number.
pub const MAGIC: u32 = 0x504D_454D;

/// Bytes of one timer or counter.
const SLOT_LEN: usize = 8;

// The regions fill the body, so that splitting it into them cannot fail.
const _: () = assert!((8 + 8 + 64 + 256 + 80) * size_of::<u32>() + (64 + 64) * SLOT_LEN == BODY_LEN);

/// Bits of [`SlotCells::flags`] of a timer, in the order of the description (PL-22).
pub mod timer_flag {
    /// EN
    pub const ENABLED: u8 = 1;
    /// TT
    pub const TIMING: u8 = 1 << 1;
    /// DN
    pub const DONE: u8 = 1 << 2;
}

/// Bits of [`SlotCells::flags`] of a counter (PL-22).
pub mod counter_flag {
    /// DN
    pub const DONE: u8 = 1;
    /// OV
    pub const OVERFLOW: u8 = 1 << 1;
    /// UN
    pub const UNDERFLOW: u8 = 1 << 2;
    /// CU
    pub const COUNT_UP: u8 = 1 << 3;
    /// CD
    pub const COUNT_DOWN: u8 = 1 << 4;
}

/// The front of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// The number of the snapshot within its stream; starts at 0 and wraps.
    pub sequence: u32,
    /// Milliseconds since the server started; wraps.
    pub timestamp_ms: u32,
    /// The state of the engine, see [`super::EngineState::byte`]; what a foreign server sends is not checked.
    pub state: u8,
    /// The position of the context in `context.list`; 0 from a server of dialect 0.1.
    pub context_index: u8,
}

/// A timer or counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SlotCells {
    /// PRE, of a timer in milliseconds.
    pub pre: i16,
    /// ACC, of a timer in milliseconds.
    pub acc: i16,
    /// Flags, see [`timer_flag`] and [`counter_flag`], whatever the dialect of the frame.
    pub flags: u8,
}

/// The memory of one context, as its program sees it (PL-24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotBody {
    /// I, one bit each.
    pub inputs: [u32; 8],
    /// O, one bit each.
    pub outputs: [u32; 8],
    /// B, one bit each.
    pub bits: [u32; 64],
    /// N.
    pub integers: [i32; 256],
    /// T.
    pub timers: [SlotCells; 64],
    /// C.
    pub counters: [SlotCells; 64],
    /// Which bits are forced: words 0–7 I, 8–15 O, 16–79 B (PL-23).
    pub forces: [u32; 80],
}

impl Default for SnapshotBody {
    /// Everything zero.
    fn default() -> SnapshotBody {
        SnapshotBody {
            inputs: [0; 8],
            outputs: [0; 8],
            bits: [0; 64],
            integers: [0; 256],
            timers: [SlotCells::default(); 64],
            counters: [SlotCells::default(); 64],
            forces: [0; 80],
        }
    }
}

/// A snapshot that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its front.
    pub header: SnapshotHeader,
    /// The memory.
    pub body: SnapshotBody,
}

/// Why a binary frame is no snapshot (PL-25).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// The frame is too short.
    #[error("expected a snapshot of at least {SNAPSHOT_LEN} bytes, got {got}")]
    TooShort {
        /// How many bytes there were.
        got: usize,
    },
    /// The frame begins with something else.
    #[error("expected a snapshot that begins with {MAGIC:#010x}, found {found:#010x}")]
    Magic {
        /// What it begins with, as a little-endian number.
        found: u32,
    },
}

/// The first 16 bytes of a snapshot.
pub fn encode_header(header: &SnapshotHeader) -> [u8; HEADER_LEN] {
    let mut bytes = [0; HEADER_LEN];
    bytes[0..4].copy_from_slice(&MAGIC.to_le_bytes());
    bytes[4..8].copy_from_slice(&header.sequence.to_le_bytes());
    bytes[8..12].copy_from_slice(&header.timestamp_ms.to_le_bytes());
    bytes[12] = header.state;
    bytes[13] = header.context_index;
    bytes
}

/// What follows the header, the same for every client of this dialect.
pub fn encode_body(body: &SnapshotBody, dialect: Dialect) -> [u8; BODY_LEN] {
    let mut bytes = [0; BODY_LEN];
    let mut rest = &mut bytes[..];
    put_words(&mut rest, &body.inputs, u32::to_le_bytes);
    put_words(&mut rest, &body.outputs, u32::to_le_bytes);
    put_words(&mut rest, &body.bits, u32::to_le_bytes);
    put_words(&mut rest, &body.integers, i32::to_le_bytes);
    put_words(&mut rest, &body.timers, |slot| {
        slot_bytes(slot, timer_flags(slot.flags, dialect))
    });
    put_words(&mut rest, &body.counters, |slot| slot_bytes(slot, slot.flags));
    put_words(&mut rest, &body.forces, u32::to_le_bytes);
    bytes
}

/// Appends a snapshot, the payload of one binary frame (PL-22…PL-24).
pub fn write_snapshot(out: &mut Vec<u8>, header: &SnapshotHeader, body: &SnapshotBody, dialect: Dialect) {
    out.reserve(SNAPSHOT_LEN);
    out.extend_from_slice(&encode_header(header));
    out.extend_from_slice(&encode_body(body, dialect));
}

/// Reads a snapshot. What follows byte 2,704 is left to later versions of the protocol (PL-25).
///
/// # Errors
///
/// [`SnapshotError`] when the frame is shorter than a snapshot or begins with another magic.
pub fn read_snapshot(frame: &[u8], dialect: Dialect) -> Result<Snapshot, SnapshotError> {
    let Some((header, frame_rest)) = frame.split_first_chunk::<HEADER_LEN>() else {
        return Err(SnapshotError::TooShort { got: frame.len() });
    };
    let Some(mut rest) = frame_rest.get(..BODY_LEN) else {
        return Err(SnapshotError::TooShort { got: frame.len() });
    };
    let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if number(0) != MAGIC {
        return Err(SnapshotError::Magic { found: number(0) });
    }
    let timer = |bytes| {
        let slot = read_slot(bytes);
        let flags = timer_flags(slot.flags, dialect);
        SlotCells { flags, ..slot }
    };
    // The fields are read in the order in which they stand here, which is that of the frame.
    let body = SnapshotBody {
        inputs: take_words(&mut rest, u32::from_le_bytes),
        outputs: take_words(&mut rest, u32::from_le_bytes),
        bits: take_words(&mut rest, u32::from_le_bytes),
        integers: take_words(&mut rest, i32::from_le_bytes),
        timers: take_words(&mut rest, timer),
        counters: take_words(&mut rest, read_slot),
        forces: take_words(&mut rest, u32::from_le_bytes),
    };
    Ok(Snapshot {
        header: SnapshotHeader {
            sequence: number(4),
            timestamp_ms: number(8),
            state: header[12],
            context_index: header[13],
        },
        body,
    })
}

/// The flags of a timer from the order of the description to that of a dialect, or back: dialect 0.1 has EN and DN in each
/// other's place, so that doing it twice changes nothing.
fn timer_flags(flags: u8, dialect: Dialect) -> u8 {
    use timer_flag::{DONE, ENABLED};
    let swapped = (flags & ENABLED) << 2 | (flags & DONE) >> 2;
    match dialect {
        Dialect::V02 => flags,
        Dialect::V01 => flags & !(ENABLED | DONE) | swapped,
    }
}

fn slot_bytes(slot: SlotCells, flags: u8) -> [u8; SLOT_LEN] {
    let [pre_low, pre_high] = slot.pre.to_le_bytes();
    let [acc_low, acc_high] = slot.acc.to_le_bytes();
    [pre_low, pre_high, acc_low, acc_high, flags, 0, 0, 0]
}

fn read_slot(bytes: [u8; SLOT_LEN]) -> SlotCells {
    SlotCells {
        pre: i16::from_le_bytes([bytes[0], bytes[1]]),
        acc: i16::from_le_bytes([bytes[2], bytes[3]]),
        flags: bytes[4],
    }
}

/// Writes words to the front of `rest` and goes on behind them.
fn put_words<T: Copy, const LEN: usize>(rest: &mut &mut [u8], words: &[T], to_bytes: impl Fn(T) -> [u8; LEN]) {
    let (front, behind) = std::mem::take(rest).split_at_mut(words.len() * LEN);
    for (bytes, &word) in front.chunks_exact_mut(LEN).zip(words) {
        bytes.copy_from_slice(&to_bytes(word));
    }
    *rest = behind;
}

/// Reads words from the front of `rest` and goes on behind them. The regions are together as long as the body.
fn take_words<T, const LEN: usize, const COUNT: usize>(
    rest: &mut &[u8],
    from_bytes: impl Fn([u8; LEN]) -> T,
) -> [T; COUNT] {
    let (front, behind) = rest.split_at(COUNT * LEN);
    *rest = behind;
    std::array::from_fn(|index| {
        let mut bytes = [0; LEN];
        bytes.copy_from_slice(&front[index * LEN..][..LEN]);
        from_bytes(bytes)
    })
}
