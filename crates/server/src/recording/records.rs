//! The frame of an MCAP file: where its records and chunks are, and what stands in them, as far as a recording needs it.
//!
//! The file may be cut anywhere and may hold anything: every length is checked before it is believed, and nothing here panics or
//! takes more memory than [`CHUNK_BYTES_MAX`] says. The reader of the `mcap` crate promises less for damaged files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of a chunk, packed or not, and of every other record. A larger one is refused.
///
/// The writer closes a chunk when it has a megabyte, so its largest one is that and one more message. The largest message is an
/// input: a frame of at most 16 MB, as a text of JSON, in which a sign of a frame has six bytes at most, `\u0001`. That makes 97 MB
/// and a little around it; samples have less, see `SAMPLES_BYTES_MAX` in the reader.
pub(crate) const CHUNK_BYTES_MAX: u64 = 112 << 20;

const CHUNK_TOO_LARGE: &str = "a chunk of at most 112 MB";

/// How an MCAP file begins and ends.
pub(crate) const MAGIC: [u8; 8] = [0x89, b'M', b'C', b'A', b'P', b'0', b'\r', b'\n'];

/// Opcodes of records.
pub(crate) mod op {
    pub(crate) const CHANNEL: u8 = 0x04;
    pub(crate) const MESSAGE: u8 = 0x05;
    pub(crate) const CHUNK: u8 = 0x06;
    pub(crate) const MESSAGE_INDEX: u8 = 0x07;
    pub(crate) const ATTACHMENT: u8 = 0x09;
    pub(crate) const METADATA: u8 = 0x0C;
    pub(crate) const DATA_END: u8 = 0x0F;
}

/// Bytes before the body of a record: its opcode and its length.
const HEAD_LEN: u64 = 9;

/// Where a record of the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordAt {
    /// Its opcode.
    pub(crate) op: u8,
    /// Where its body begins.
    pub(crate) at: u64,
    /// Bytes of its body.
    pub(crate) len: u64,
}

/// Walks over the records of a file, up to the first that is not whole.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    file: &'a mut File,
    next: u64,
    end: u64,
}

impl<'a> Walk<'a> {
    /// A walk behind the magic; `None` where there is no such.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn begin(file: &'a mut File) -> io::Result<Option<Walk<'a>>> {
        let end = file.seek(SeekFrom::End(0))?;
        let mut magic = [0; MAGIC.len()];
        if end < magic.len() as u64 {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(0))?;
        file.read_exact(&mut magic)?;
        let next = magic.len() as u64;
        Ok((magic == MAGIC).then_some(Walk { file, next, end }))
    }

    /// The next whole record; `None` at the end, and where the file is cut.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn next(&mut self) -> io::Result<Option<RecordAt>> {
        let at = match self.next.checked_add(HEAD_LEN) {
            Some(at) if at <= self.end => at,
            _ => return Ok(None),
        };
        let mut head = [0; HEAD_LEN as usize];
        self.file.seek(SeekFrom::Start(self.next))?;
        self.file.read_exact(&mut head)?;
        let mut cursor = Cursor(&head);
        let (Some(op), Some(len)) = (cursor.u8(), cursor.u64()) else {
            return Ok(None);
        };
        match at.checked_add(len) {
            Some(next) if next <= self.end => self.next = next,
            _ => return Ok(None),
        }
        Ok(Some(RecordAt { op, at, len }))
    }

    /// The first bytes of a record's body.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn first(&mut self, record: RecordAt, many: u64) -> io::Result<Vec<u8>> {
        read_at(self.file, record.at, record.len.min(many))
    }

    /// The magic stands at the end, too.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn is_closed(&mut self) -> io::Result<bool> {
        let at = self.end.saturating_sub(MAGIC.len() as u64);
        Ok(read_at(self.file, at, MAGIC.len() as u64)? == MAGIC)
    }
}

/// So many bytes of a file; the caller has seen that they are there.
pub(crate) fn read_at(file: &mut File, at: u64, len: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    // Bounded by what is there, whatever the length says.
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == len {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Reads values from the front of some bytes. Everything is `None` when there are too few.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    /// So many bytes.
    pub(crate) fn bytes(&mut self, many: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(many)?;
        self.0 = rest;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// One byte.
    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes.
    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A text behind its length.
    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let len = usize::try_from(self.u32()?).ok()?;
        std::str::from_utf8(self.bytes(len)?).ok()
    }

    /// Texts by texts, behind the length of all of them.
    fn texts(&mut self) -> Option<BTreeMap<String, String>> {
        let len = usize::try_from(self.u32()?).ok()?;
        let mut inside = Cursor(self.bytes(len)?);
        let mut texts = BTreeMap::new();
        while !inside.0.is_empty() {
            texts.insert(inside.text()?.to_owned(), inside.text()?.to_owned());
        }
        Some(texts)
    }
}

/// A metadata record: its name and its texts.
pub(crate) fn metadata(body: &[u8]) -> Option<(String, BTreeMap<String, String>)> {
    let mut cursor = Cursor(body);
    Some((cursor.text()?.to_owned(), cursor.texts()?))
}

/// An attachment: its name, and where in the body its content is.
pub(crate) fn attachment(body: &[u8]) -> Option<(String, u64, u64)> {
    let mut cursor = Cursor(body);
    cursor.bytes(16)?;
    let name = cursor.text()?.to_owned();
    cursor.text()?;
    let len = cursor.u64()?;
    Some((name, (body.len() - cursor.0.len()) as u64, len))
}

/// Whether the checksum that stands there fits what stands before it; 0 says that there is none.
pub(crate) fn fits_checksum(body: &[u8], at: usize) -> bool {
    let Some((content, mut rest)) = body.split_at_checked(at).map(|(content, rest)| (content, Cursor(rest))) else {
        return false;
    };
    let mut crc = flate2::Crc::new();
    crc.update(content);
    rest.u32()
        .is_some_and(|checksum| checksum == 0 || checksum == crc.sum())
}

/// Whose a message index is, and whether there are messages in it.
pub(crate) fn message_index(body: &[u8]) -> Option<(u16, bool)> {
    let mut cursor = Cursor(body);
    Some((cursor.u16()?, cursor.u32()? > 0))
}

/// What a chunk says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkHead {
    /// Log time of its first message.
    pub(crate) begins: u64,
    /// Log time of its last message.
    pub(crate) ends: u64,
}

/// The head of a chunk.
pub(crate) fn chunk_head(body: &[u8]) -> Option<ChunkHead> {
    let mut cursor = Cursor(body);
    Some(ChunkHead {
        begins: cursor.u64()?,
        ends: cursor.u64()?,
    })
}

/// The records of a chunk, unpacked.
///
/// # Errors
///
/// What was expected, for people.
pub(crate) fn unpack(body: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut cursor = Cursor(body);
    let head = (|| {
        cursor.bytes(16)?;
        Some((cursor.u64()?, cursor.u32()?, cursor.text()?, cursor.u64()?))
    })();
    let (len, checksum, packing, packed_len) = head.ok_or("a chunk with a whole head")?;
    if len > CHUNK_BYTES_MAX {
        return Err(CHUNK_TOO_LARGE);
    }
    let packed_len = usize::try_from(packed_len).map_err(|_| CHUNK_TOO_LARGE)?;
    let packed = cursor.bytes(packed_len).ok_or("a chunk as long as its head says")?;
    let records = match packing {
        "" => packed.to_vec(),
        // The length is bounded above.
        "zstd" => zstd::bulk::decompress(packed, len as usize).map_err(|_| "a chunk that zstd can unpack")?,
        _ => return Err("a chunk packed with zstd"),
    };
    if records.len() as u64 != len {
        return Err("a chunk as long as its head says");
    }
    let mut crc = flate2::Crc::new();
    crc.update(&records);
    if checksum != 0 && crc.sum() != checksum {
        return Err("a chunk that fits its checksum");
    }
    Ok(records)
}

/// The next record within a chunk; `None` at its end. A record that is not whole is an error.
pub(crate) fn next_inside<'a>(records: &mut Cursor<'a>) -> Option<Result<(u8, &'a [u8]), &'static str>> {
    if records.0.is_empty() {
        return None;
    }
    let record = (|| {
        let (op, len) = (records.u8()?, records.u64()?);
        Some((op, records.bytes(usize::try_from(len).ok()?)?))
    })();
    Some(record.ok_or("records that end with their chunk"))
}

/// A channel: its id and its topic.
pub(crate) fn channel(body: &[u8]) -> Option<(u16, &str)> {
    let mut cursor = Cursor(body);
    let id = cursor.u16()?;
    cursor.u16()?;
    Some((id, cursor.text()?))
}

/// A message: the id of its channel, its log time and its text.
pub(crate) fn message(body: &[u8]) -> Option<(u16, u64, &[u8])> {
    let mut cursor = Cursor(body);
    let channel = cursor.u16()?;
    cursor.u32()?;
    let log_time = cursor.u64()?;
    cursor.u64()?;
    Some((channel, log_time, cursor.0))
}
