//! What stood in the places of a list at the end of one scan, and its form in bytes.
//!
//! ```text
//!   "XTRM" | version u16 | cells u16 | cells × (region u8, number u8, part u8, 0, mask u32, bits u32) | CRC-32 of all before
//! ```
//!
//! All numbers are little-endian. A cell is named by its region and number, not by where this version has it in its table, so
//! that an image can be read by a version that arranges its table anew.

use super::RetainList;
use crate::address::Region;
use crate::address::{COUNTERS, TIMERS};
use crate::data_table::{Cell, CellPart, CounterSlot, DataTable, TimerSlot, USED_WORDS, WordIndex};

const MAGIC: [u8; 4] = *b"XTRM";
const VERSION: u16 = 1;
const HEADER_LEN: usize = 8;
const CELL_LEN: usize = 12;
const CHECKSUM_LEN: usize = 4;

/// The values of the places of a list, all of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetainImage {
    cells: Box<[Kept]>,
}

/// What is kept of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kept {
    word: WordIndex,
    mask: u32,
    bits: u32,
}

/// Why bytes are no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// They are not what was written: cut off, changed, or something else.
    #[error("the image of the memory is damaged: its checksum does not fit")]
    Damaged,
    /// A newer version has written them.
    #[error("the image of the memory has version {0}, and this Crosstie reads up to {VERSION}")]
    TooNew(u16),
}

impl RetainImage {
    /// An image of zeros with room for everything on a list.
    pub fn blank(list: &RetainList) -> RetainImage {
        let cells = list.words().map(|(word, mask)| Kept { word, mask, bits: 0 });
        RetainImage { cells: cells.collect() }
    }

    /// The part of it that is on a list, too.
    pub fn within(&self, list: &RetainList) -> RetainImage {
        let cells = self.cells.iter().filter_map(|kept| {
            let mask = kept.mask & list.mask(kept.word);
            let bits = kept.bits & mask;
            (mask != 0).then_some(Kept { mask, bits, ..*kept })
        });
        RetainImage { cells: cells.collect() }
    }

    /// What it holds of a word: the bits that are kept, and their values.
    pub fn word(&self, word: WordIndex) -> Option<(u32, u32)> {
        let kept = self.cells.iter().find(|kept| kept.word == word)?;
        Some((kept.mask, kept.bits))
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Its form in bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_LEN + self.cells.len() * CELL_LEN + CHECKSUM_LEN);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        // A table has fewer words than that.
        bytes.extend((self.cells.len() as u16).to_le_bytes());
        for kept in &self.cells {
            let (letter, number, part) = name_of(kept.word);
            bytes.extend([letter, number, part, 0]);
            bytes.extend(kept.mask.to_le_bytes());
            bytes.extend(kept.bits.to_le_bytes());
        }
        bytes.extend(crc32(&bytes).to_le_bytes());
        bytes
    }

    /// Reads its form in bytes.
    ///
    /// # Errors
    ///
    /// See [`ImageError`]; half an image is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<RetainImage, ImageError> {
        let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or(ImageError::Damaged)?;
        if crc32(body) != u32::from_le_bytes(*checksum) {
            return Err(ImageError::Damaged);
        }
        let (header, cells) = body.split_first_chunk::<HEADER_LEN>().ok_or(ImageError::Damaged)?;
        let [m0, m1, m2, m3, v0, v1, n0, n1] = *header;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(ImageError::Damaged);
        }
        let version = u16::from_le_bytes([v0, v1]);
        if version > VERSION {
            return Err(ImageError::TooNew(version));
        }
        let count = usize::from(u16::from_le_bytes([n0, n1]));
        if cells.len() != count * CELL_LEN || count > USED_WORDS {
            return Err(ImageError::Damaged);
        }
        let (cells, _) = cells.as_chunks::<CELL_LEN>();
        let kept = cells.iter().map(|cell| {
            let [letter, number, part, _, m0, m1, m2, m3, b0, b1, b2, b3] = *cell;
            let mask = u32::from_le_bytes([m0, m1, m2, m3]);
            let bits = u32::from_le_bytes([b0, b1, b2, b3]);
            let word = word_of(letter, number, part)?;
            Some(Kept { word, mask, bits })
        });
        let cells: Option<Box<[Kept]>> = kept.collect();
        Ok(RetainImage {
            cells: cells.ok_or(ImageError::Damaged)?,
        })
    }
}

impl DataTable {
    /// Fills an image with what stands in its places: under a force what the program has written, not what the force shows.
    /// Allocates nothing.
    pub fn fill(&self, image: &mut RetainImage) {
        for kept in &mut image.cells {
            kept.bits = self.unforced(kept.word) & kept.mask;
        }
    }

    /// Writes what an image holds; what is forced changes only underneath.
    pub fn restore(&mut self, image: &RetainImage) {
        for kept in &image.cells {
            self.write_bits(kept.word, kept.mask, kept.bits);
        }
    }
}

/// How a word is called in an image.
fn name_of(word: WordIndex) -> (u8, u8, u8) {
    let part_of = |part| match part {
        CellPart::Preset => 0,
        CellPart::Accumulated => 1,
        CellPart::Flags => 2,
        CellPart::Rest => 3,
    };
    match word.cell() {
        // All letters are ASCII.
        Cell::Word { region, word } => (region.letter() as u8, word, 0),
        Cell::Timer { timer, part } => (b'T', timer, part_of(part)),
        Cell::Counter { counter, part } => (b'C', counter, part_of(part)),
    }
}

fn word_of(letter: u8, number: u8, part: u8) -> Option<WordIndex> {
    let index = usize::from(number);
    match (letter, part) {
        (b'T', 0) if index < TIMERS => Some(TimerSlot(number).preset()),
        (b'T', 1) if index < TIMERS => Some(TimerSlot(number).accumulated()),
        (b'T', 2) if index < TIMERS => Some(TimerSlot(number).flags()),
        (b'T', 3) if index < TIMERS => Some(TimerSlot(number).rest()),
        (b'C', 0) if index < COUNTERS => Some(CounterSlot(number).preset()),
        (b'C', 1) if index < COUNTERS => Some(CounterSlot(number).accumulated()),
        (b'C', 2) if index < COUNTERS => Some(CounterSlot(number).flags()),
        (letter, 0) => {
            let kept = [Region::Bits, Region::Integer];
            let region = kept.into_iter().find(|region| region.letter() as u8 == letter)?;
            (index < region.words()).then(|| WordIndex::of(region, number))
        }
        _ => None,
    }
}

/// The CRC-32 of zlib and Ethernet. An image has some kilobytes, so it is counted bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let is_odd = crc & 1 == 1;
            crc = crc >> 1 ^ if is_odd { 0xEDB8_8320 } else { 0 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::data_table::CellValue;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn list(texts: &[&str]) -> RetainList {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        RetainList::read(&texts, |_| None).unwrap()
    }

    /// A table with a number in every word of the list.
    fn table(list: &RetainList) -> DataTable {
        let mut table = DataTable::new();
        for (number, (word, mask)) in (1_u32..).zip(list.words()) {
            table.write_bits(word, mask, number.wrapping_mul(0x0101_0101));
        }
        table
    }

    fn image(table: &DataTable, list: &RetainList) -> RetainImage {
        let mut image = RetainImage::blank(list);
        table.fill(&mut image);
        image
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn pl37_an_image_goes_through_bytes_and_back_into_a_table() {
        let list = list(&["B:*", "N:*", "T:*", "C:*", "B:1/3"]);
        let (before, mut after) = (table(&list), DataTable::new());
        let image = image(&before, &list);
        let read = RetainImage::from_bytes(&image.to_bytes()).unwrap();
        assert_eq!(read, image);
        after.restore(&read);
        assert_eq!(before.words(), after.words());
    }

    #[test]
    fn pl37_another_list_reads_what_both_have() {
        let kept = image(&table(&list(&["N:0-9", "B:3"])), &list(&["N:0-9", "B:3"]));
        let other = list(&["N:8-20", "B:3/1", "C:0"]);
        let mut after = DataTable::new();
        after.write(address("N:20"), CellValue::Word(7)).unwrap();
        after.restore(&kept.within(&other));
        let shown = |text: &str| after.read(address(text)).unwrap();
        assert_ne!(shown("N:8"), CellValue::Word(0));
        assert_eq!(shown("N:7"), CellValue::Word(0));
        assert_eq!(shown("N:20"), CellValue::Word(7));
        assert!(matches!(shown("B:3"), CellValue::Word(0 | 2)));
        assert!(kept.within(&list(&["C:1"])).is_empty());
    }

    #[test]
    fn pl37_an_image_holds_what_stands_under_a_force_and_goes_back_under_it() {
        let list = list(&["N:0", "B:0"]);
        let mut table = DataTable::new();
        table.write(address("N:0"), CellValue::Word(5)).unwrap();
        table.force(address("N:0"), CellValue::Word(99)).unwrap();
        table.force(address("B:0/1"), CellValue::Bit(true)).unwrap();
        let image = image(&table, &list);
        let mut after = DataTable::new();
        after.force(address("N:0"), CellValue::Word(42)).unwrap();
        after.restore(&image);
        assert_eq!(after.read(address("N:0")), Ok(CellValue::Word(42)));
        after.clear_forces();
        assert_eq!(after.read(address("N:0")), Ok(CellValue::Word(5)));
        assert_eq!(after.read(address("B:0/1")), Ok(CellValue::Bit(false)));
    }

    #[test]
    fn pl37_a_damaged_image_is_none() {
        let list = list(&["N:0-9", "T:0"]);
        let whole = image(&table(&list), &list).to_bytes();
        for len in 0..whole.len() {
            assert_eq!(
                RetainImage::from_bytes(&whole[..len]),
                Err(ImageError::Damaged),
                "{len} bytes"
            );
        }
        for at in 0..whole.len() * 8 {
            let mut damaged = whole.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert_eq!(RetainImage::from_bytes(&damaged), Err(ImageError::Damaged), "bit {at}");
        }
        let mut newer = whole[..whole.len() - CHECKSUM_LEN].to_vec();
        newer[4] = 2;
        newer.extend(crc32(&newer).to_le_bytes());
        assert_eq!(RetainImage::from_bytes(&newer), Err(ImageError::TooNew(2)));
        let mut odd = whole[..whole.len() - CHECKSUM_LEN].to_vec();
        odd[HEADER_LEN] = b'I';
        odd.extend(crc32(&odd).to_le_bytes());
        assert_eq!(
            RetainImage::from_bytes(&odd),
            Err(ImageError::Damaged),
            "inputs are never kept"
        );
    }
}
