//! Bytes of a peer into messages: the one place that knows the WebSocket library's frame codec.
//!
//! The reader owns nothing while nothing is under way: a header that arrived in pieces stands in the reader itself, the
//! payload of a message grows in a vector that leaves with the message. Everything that RFC 6455 demands of the peer is
//! checked here; a violation names the code with which the connection has to be closed.

use std::io::Cursor;

use crosstie_wire::piplc::SNAPSHOT_LEN;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

/// Bytes of one message, in one frame or several, where nothing else is said. One more closes the connection with 1009 (RV-51).
const MESSAGE_LEN_MAX: usize = 16 << 20;

/// The same for monitors and headsets (SI-3).
const SIMPLE_LEN_MAX: usize = 1 << 20;

/// The same for GAMA (GA-11): a world of a large model is one message.
const GAMA_LEN_MAX: usize = 100 << 20;

/// The longest header of a masked frame.
const HEADER_LEN_MAX: usize = 14;

/// The mask that changes nothing.
const NO_MASK: [u8; 4] = [0; 4];

/// Payload memory that is taken before the bytes are there: the length in a header is a claim of the peer.
const RESERVE_MAX: usize = 64 << 10;

/// What a reader takes of its peer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Intake {
    /// Bytes of one message.
    len_max: usize,
    /// What one byte more is answered with.
    too_big: Violation,
    /// What becomes of binary messages.
    binary: BinaryMessages,
}

/// What becomes of binary messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BinaryMessages {
    /// They are counted.
    Counted,
    /// So many bytes of each are kept.
    Front(usize),
    /// They are texts like all others (SI-2); one that is not UTF-8 is counted.
    Text,
}

const fn too_big(reason: &'static str) -> Violation {
    Violation { code: 1009, reason }
}

impl Intake {
    /// Texts.
    pub(crate) const USUAL: Intake = Intake {
        len_max: MESSAGE_LEN_MAX,
        too_big: too_big("message above 16 MiB"),
        binary: BinaryMessages::Counted,
    };
    /// An engine of PiPLC: texts, and snapshots as binary messages.
    pub(crate) const ENGINE: Intake = Intake {
        binary: BinaryMessages::Front(SNAPSHOT_LEN),
        ..Intake::USUAL
    };
    /// Monitors and headsets.
    pub(crate) const SIMPLE: Intake = Intake {
        len_max: SIMPLE_LEN_MAX,
        too_big: too_big("message above 1 MiB"),
        binary: BinaryMessages::Text,
    };
    /// GAMA.
    pub(crate) const GAMA: Intake = Intake {
        len_max: GAMA_LEN_MAX,
        too_big: too_big("message above 100 MiB"),
        binary: BinaryMessages::Counted,
    };
}

/// Something whole that a peer has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// Text, proven to be UTF-8; a binary message too, where such are taken for texts.
    Text(String),
    /// A binary message of so many bytes; nobody wants to know which.
    Binary(usize),
    /// The front of a binary message, for a reader that keeps it, and how long the whole is.
    Front {
        /// Bytes of the whole message.
        len: usize,
        /// As many of them as the reader keeps.
        front: Box<[u8]>,
    },
    /// A ping with its payload.
    Ping(ControlPayload),
    /// A pong with its payload.
    Pong(ControlPayload),
    /// The peer ends the connection, with this code if it gave one.
    Close(Option<u16>),
}

/// What a peer must not do. `code` and `reason` are told to it in the close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Violation {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

const fn protocol(reason: &'static str) -> Violation {
    Violation { code: 1002, reason }
}

const NOT_UTF8: Violation = Violation {
    code: 1007,
    reason: "text is not UTF-8",
};

/// The payload of a control frame: at most 125 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ControlPayload {
    bytes: [u8; 125],
    len: u8,
}

impl ControlPayload {
    const EMPTY: ControlPayload = ControlPayload {
        bytes: [0; 125],
        len: 0,
    };

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::fmt::Debug for ControlPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_slice().fmt(f)
    }
}

/// A side of a connection: clients mask their frames, servers must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A client.
    Client,
    /// A server.
    Server,
}

/// Reads the frames of one peer.
#[derive(Debug)]
pub(crate) struct FrameReader {
    from: Side,
    intake: &'static Intake,
    head: [u8; HEADER_LEN_MAX],
    head_len: usize,
    frame: Option<Begun>,
    message: Option<Kind>,
    /// Payload of the text message so far, or the front of a binary one.
    text: Vec<u8>,
    /// Bytes of the message so far, also of a binary one.
    message_len: usize,
    /// Payload of the control frame so far; on the heap, because it is nearly never there.
    control: Option<Box<ControlPayload>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
    /// A binary message that is taken for a text.
    BinaryText,
}

/// A frame of which the header is read.
#[derive(Clone, Copy, Debug)]
struct Begun {
    opcode: OpCode,
    is_final: bool,
    mask: [u8; 4],
    /// Bytes of the payload that are still to come.
    missing: usize,
}

impl FrameReader {
    /// A reader of what this side sends.
    pub(crate) fn new(from: Side, intake: &'static Intake) -> FrameReader {
        FrameReader {
            from,
            intake,
            head: [0; HEADER_LEN_MAX],
            head_len: 0,
            frame: None,
            message: None,
            text: Vec::new(),
            message_len: 0,
            control: None,
        }
    }

    /// Takes bytes from the front of `bytes` until a message is whole or nothing is left.
    ///
    /// Call it again as long as it gives a message. After a violation or a close nothing may be read any more.
    pub(crate) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Message>, Violation> {
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.header(bytes)? {
                    None => return Ok(None),
                    Some(frame) => frame,
                },
            };
            let part_len = frame.missing.min(bytes.len());
            let (part, after) = bytes.split_at(part_len);
            self.payload(&frame, part);
            *bytes = after;
            let missing = frame.missing - part_len;
            if missing > 0 {
                let mut mask = frame.mask;
                mask.rotate_left(part_len % 4);
                self.frame = Some(Begun { mask, missing, ..frame });
                return Ok(None);
            }
            self.frame = None;
            if let Some(message) = self.finish(&frame)? {
                return Ok(Some(message));
            }
        }
    }

    fn header(&mut self, bytes: &mut &[u8]) -> Result<Option<Begun>, Violation> {
        let known = self.head_len;
        let more = bytes.len().min(HEADER_LEN_MAX - known);
        self.head[known..known + more].copy_from_slice(&bytes[..more]);
        let mut cursor = Cursor::new(&self.head[..known + more]);
        // The codec's one complaint about a header is an opcode that does not exist.
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| protocol("unknown opcode"))?;
        let Some((header, payload_len)) = parsed else {
            self.head_len += more;
            *bytes = &bytes[more..];
            return Ok(None);
        };
        *bytes = &bytes[cursor.position() as usize - known..];
        self.head_len = 0;
        self.begin(&header, payload_len).map(Some)
    }

    fn begin(&mut self, header: &FrameHeader, payload_len: u64) -> Result<Begun, Violation> {
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(protocol("reserved bits set"));
        }
        let mask = match (self.from, header.mask) {
            (Side::Client, Some(mask)) => mask,
            (Side::Server, None) => NO_MASK,
            (Side::Client, None) => return Err(protocol("frame not masked")),
            (Side::Server, Some(_)) => return Err(protocol("frame masked by a server")),
        };
        match (header.opcode, self.message) {
            (OpCode::Control(_), _) if payload_len > 125 || !header.is_final => {
                return Err(protocol("control frame too long or in pieces"));
            }
            (OpCode::Control(_), _) => self.control = Some(Box::new(ControlPayload::EMPTY)),
            (OpCode::Data(Data::Continue), None) => {
                return Err(protocol("continuation of nothing"));
            }
            (OpCode::Data(Data::Continue), Some(_)) => {}
            (OpCode::Data(_), Some(_)) => {
                return Err(protocol("new message within a message"));
            }
            (OpCode::Data(Data::Text), None) => self.message = Some(Kind::Text),
            (OpCode::Data(_), None) => {
                self.message = Some(match self.intake.binary {
                    BinaryMessages::Text => Kind::BinaryText,
                    BinaryMessages::Counted | BinaryMessages::Front(_) => Kind::Binary,
                });
            }
        }
        if let OpCode::Data(_) = header.opcode {
            let room = (self.intake.len_max - self.message_len) as u64;
            if payload_len > room {
                return Err(self.intake.too_big);
            }
            self.message_len += payload_len as usize;
        }
        Ok(Begun {
            opcode: header.opcode,
            is_final: header.is_final,
            mask,
            missing: payload_len as usize,
        })
    }

    fn payload(&mut self, frame: &Begun, part: &[u8]) {
        match (&mut self.control, frame.opcode) {
            (Some(control), OpCode::Control(_)) => {
                let start = usize::from(control.len);
                let room = &mut control.bytes[start..start + part.len()];
                room.copy_from_slice(part);
                unmask(room, frame.mask);
                control.len += part.len() as u8;
            }
            _ if matches!(self.message, Some(Kind::Text | Kind::BinaryText)) => {
                let start = self.text.len();
                if self.text.capacity() - start < part.len() {
                    // At most as much again as there is, and never more than the frame says: a large message is moved a few
                    // times on its way in and ends in a vector of its size.
                    let more = frame.missing.min(start.max(RESERVE_MAX));
                    self.text.reserve_exact(more.max(part.len()));
                }
                self.text.extend_from_slice(part);
                unmask(&mut self.text[start..], frame.mask);
            }
            _ => {
                let start = self.text.len();
                let kept = part.len().min(self.binary_kept().saturating_sub(start));
                self.text.extend_from_slice(&part[..kept]);
                unmask(&mut self.text[start..], frame.mask);
            }
        }
    }

    /// Bytes of a binary message that are kept; mostly none.
    fn binary_kept(&self) -> usize {
        match self.intake.binary {
            BinaryMessages::Front(len) => len,
            BinaryMessages::Counted | BinaryMessages::Text => 0,
        }
    }

    fn finish(&mut self, frame: &Begun) -> Result<Option<Message>, Violation> {
        if let OpCode::Control(control) = frame.opcode {
            let payload = self.control.take();
            let payload = payload.map_or(ControlPayload::EMPTY, |payload| *payload);
            return match control {
                Control::Ping => Ok(Some(Message::Ping(payload))),
                Control::Pong => Ok(Some(Message::Pong(payload))),
                // The codec refuses reserved opcodes, so only a close is left.
                _ => close(payload.as_slice()).map(|code| Some(Message::Close(code))),
            };
        }
        if !frame.is_final {
            return Ok(None);
        }
        let message_len = std::mem::take(&mut self.message_len);
        match self.message.take() {
            Some(Kind::Text) => {
                let text = String::from_utf8(std::mem::take(&mut self.text));
                text.map(|text| Some(Message::Text(text))).map_err(|_| NOT_UTF8)
            }
            Some(Kind::BinaryText) => Ok(Some(match String::from_utf8(std::mem::take(&mut self.text)) {
                Ok(text) => Message::Text(text),
                Err(_) => Message::Binary(message_len),
            })),
            _ => {
                let front = std::mem::take(&mut self.text).into_boxed_slice();
                let len = message_len;
                Ok(Some(match self.binary_kept() {
                    0 => Message::Binary(len),
                    _ => Message::Front { len, front },
                }))
            }
        }
    }
}

/// The code of a close frame's payload.
fn close(payload: &[u8]) -> Result<Option<u16>, Violation> {
    let [high, low, reason @ ..] = payload else {
        return match payload {
            [] => Ok(None),
            _ => Err(protocol("close code of one byte")),
        };
    };
    let code = u16::from_be_bytes([*high, *low]);
    if !CloseCode::from(code).is_allowed() {
        return Err(protocol("close code that may not be sent"));
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(NOT_UTF8),
    }
}

/// Undoes the mask of a payload, eight bytes at a time; `mask` is turned to the first byte.
fn unmask(bytes: &mut [u8], mask: [u8; 4]) {
    if mask == NO_MASK {
        return;
    }
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let word: [u8; 8] = (&*chunk).try_into().expect("chunks_exact_mut gives chunks of eight");
        chunk.copy_from_slice(&(u64::from_ne_bytes(word) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..=125 => bytes.push(0x80 | len as u8),
            len @ 126..=0xFFFF => {
                bytes.push(0x80 | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            len => {
                bytes.push(0x80 | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        bytes.extend(MASK);
        bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(b, m)| b ^ m));
        bytes
    }

    /// All messages in these bytes, given in pieces of `piece_len`.
    fn read(bytes: &[u8], piece_len: usize) -> Result<Vec<Message>, Violation> {
        read_as(&Intake::USUAL, bytes, piece_len)
    }

    fn read_as(intake: &'static Intake, bytes: &[u8], piece_len: usize) -> Result<Vec<Message>, Violation> {
        let mut reader = FrameReader::new(Side::Client, intake);
        let mut messages = Vec::new();
        for mut piece in bytes.chunks(piece_len) {
            while let Some(message) = reader.next(&mut piece)? {
                messages.push(message);
            }
            assert!(piece.is_empty());
        }
        Ok(messages)
    }

    fn check(bytes: &[u8], expected: &[Message]) {
        for piece_len in [1, 2, 3, 7, 64, usize::MAX] {
            let messages = read(bytes, piece_len.min(bytes.len())).unwrap();
            assert_eq!(messages, expected, "in pieces of {piece_len}");
        }
    }

    fn text(text: &str) -> Message {
        Message::Text(text.to_owned())
    }

    #[test]
    fn messages_are_whole_however_their_bytes_are_cut() {
        let long = "x".repeat(70_000);
        let bytes = [
            frame(0x81, b"one"),
            frame(0x81, b""),
            frame(0x82, &[0xFF; 300]),
            frame(0x81, long.as_bytes()),
        ]
        .concat();
        check(&bytes, &[text("one"), text(""), Message::Binary(300), text(&long)]);
    }

    #[test]
    fn a_message_in_pieces_may_have_control_frames_between_them() {
        let bytes = [
            frame(0x01, "gr\u{fc}".as_bytes().split_last().unwrap().1),
            frame(0x89, b"ping"),
            frame(0x00, &["\u{fc}".as_bytes()[1]]),
            frame(0x8A, b""),
            frame(0x80, b"n"),
        ]
        .concat();
        let messages = read(&bytes, bytes.len()).unwrap();
        let [Message::Ping(ping), Message::Pong(pong), last] = &messages[..] else {
            panic!("{messages:?}");
        };
        assert_eq!(ping.as_slice(), b"ping");
        assert_eq!(pong.as_slice(), b"");
        assert_eq!(*last, text("gr\u{fc}n"));
    }

    #[test]
    fn what_a_client_must_not_do_is_answered_with_its_code() {
        let check = |bytes: &[u8], code: u16| {
            for piece_len in [1, bytes.len()] {
                let violation = read(bytes, piece_len).unwrap_err();
                assert_eq!(violation.code, code, "{bytes:02x?}");
            }
        };
        // Not masked.
        check(&[0x81, 0x01, b'a'], 1002);
        // Reserved bits and opcodes.
        for first in [0xC1, 0xA1, 0x91, 0x83, 0x87, 0x8B, 0x8F] {
            check(&frame(first, b""), 1002);
        }
        // Control frames: too long, in pieces.
        check(&frame(0x89, &[0; 126]), 1002);
        check(&frame(0x09, b""), 1002);
        // Continuation rules.
        check(&frame(0x80, b""), 1002);
        check(&[frame(0x01, b""), frame(0x81, b"")].concat(), 1002);
        // Close frames: one byte, codes that may not be sent, reason that is no text.
        check(&frame(0x88, &[3]), 1002);
        for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            check(&frame(0x88, &code.to_be_bytes()), 1002);
        }
        check(&frame(0x88, &[0x03, 0xE8, 0xFF]), 1007);
        // Text that is none.
        check(&frame(0x81, &[0xC3]), 1007);
        check(&[frame(0x01, b"a"), frame(0x80, &[0xED, 0xA0, 0x80])].concat(), 1007);
    }

    #[test]
    fn close_codes_that_may_be_sent_are_told() {
        check(&frame(0x88, b""), &[Message::Close(None)]);
        for code in [1000_u16, 1001, 1003, 1011, 3000, 4999] {
            check(&frame(0x88, &code.to_be_bytes()), &[Message::Close(Some(code))]);
        }
    }

    #[test]
    fn a_message_ends_at_its_limit_also_in_pieces() {
        let claim = |intake: &'static Intake, len: u64| {
            let mut head = vec![0x82, 0xFF];
            head.extend(len.to_be_bytes());
            head.extend(MASK);
            read_as(intake, &head, head.len())
        };
        for (intake, len_max, reason) in [
            (&Intake::USUAL, 16 << 20, "message above 16 MiB"),
            (&Intake::ENGINE, 16 << 20, "message above 16 MiB"),
            (&Intake::SIMPLE, 1 << 20, "message above 1 MiB"),
            (&Intake::GAMA, 100 << 20, "message above 100 MiB"),
        ] {
            let too_big = Violation { code: 1009, reason };
            assert_eq!(claim(intake, len_max), Ok(vec![]));
            assert_eq!(claim(intake, len_max + 1), Err(too_big));
            assert_eq!(claim(intake, u64::MAX), Err(too_big));
        }
        for intake in [&Intake::USUAL, &Intake::SIMPLE] {
            let whole = vec![b'a'; intake.len_max];
            let expected = match intake.binary {
                BinaryMessages::Text => text(&"a".repeat(intake.len_max)),
                _ => Message::Binary(intake.len_max),
            };
            let mut bytes = frame(0x02, &whole);
            bytes.extend(frame(0x80, b""));
            assert!(read_as(intake, &bytes, bytes.len()) == Ok(vec![expected]));
            let mut bytes = frame(0x02, &whole);
            bytes.extend(frame(0x80, b"x"));
            assert!(read_as(intake, &bytes, bytes.len()) == Err(intake.too_big));
        }
    }

    #[test]
    fn binary_messages_of_monitors_and_headsets_are_texts_and_no_reason_to_close() {
        let bytes = [
            frame(0x82, "{\"id\":\"gr\u{fc}n\"}".as_bytes()),
            frame(0x82, &[0xFF, 0xFE]),
            frame(0x02, &[0xC3]),
            frame(0x80, &[0xBC]),
            frame(0x82, b""),
        ]
        .concat();
        let expected = [
            text("{\"id\":\"gr\u{fc}n\"}"),
            Message::Binary(2),
            text("\u{fc}"),
            text(""),
        ];
        for piece_len in [1, 3, bytes.len()] {
            assert_eq!(read_as(&Intake::SIMPLE, &bytes, piece_len).unwrap(), expected);
        }
        let not_utf8 = frame(0x81, &[0xFF]);
        assert_eq!(
            read_as(&Intake::SIMPLE, &not_utf8, not_utf8.len()).unwrap_err().code,
            1007
        );
    }

    #[test]
    fn a_large_message_ends_in_a_vector_of_its_size_and_a_claim_takes_no_memory() {
        let long = "x".repeat(3 << 20);
        let bytes = frame(0x81, long.as_bytes());
        let messages = read_as(&Intake::GAMA, &bytes, 64 << 10).unwrap();
        let [Message::Text(found)] = &messages[..] else {
            panic!("one text was expected");
        };
        assert!(*found == long);
        assert_eq!(found.capacity(), long.len());

        let mut head = vec![0x81, 0xFF];
        head.extend((100_u64 << 20).to_be_bytes());
        head.extend(MASK);
        head.push(0);
        let mut reader = FrameReader::new(Side::Client, &Intake::GAMA);
        assert_eq!(reader.next(&mut &head[..]), Ok(None));
        assert!(reader.text.capacity() <= RESERVE_MAX);
    }

    #[test]
    fn a_server_must_not_mask_and_is_read_as_well() {
        use crosstie_wire::frame::{close_frame, ping_frame, text_frame};
        let long = "x".repeat(70_000);
        let mut bytes = [text_frame(long.len()).as_bytes(), long.as_bytes()].concat();
        bytes.extend(ping_frame(b"1"));
        bytes.extend(close_frame(1001, "bye"));
        for piece_len in [1, 3, bytes.len()] {
            let mut reader = FrameReader::new(Side::Server, &Intake::USUAL);
            let mut messages = Vec::new();
            for mut piece in bytes.chunks(piece_len) {
                while let Some(message) = reader.next(&mut piece).unwrap() {
                    messages.push(message);
                }
            }
            let [Message::Text(found), Message::Ping(_), Message::Close(Some(1001))] = &messages[..] else {
                panic!("{messages:?}");
            };
            assert!(*found == long);
        }
        let masked = frame(0x81, b"a");
        let violation = FrameReader::new(Side::Server, &Intake::USUAL)
            .next(&mut &masked[..])
            .unwrap_err();
        assert_eq!((violation.code, violation.reason), (1002, "frame masked by a server"));
    }

    proptest::proptest! {
        #[test]
        fn a_masked_frame_of_ours_is_read_by_a_server_as_it_was_meant(text: String, key: [u8; 4]) {
            let header = crosstie_wire::frame::text_frame(text.len());
            let plain = [header.as_bytes(), text.as_bytes()].concat();
            let masked = crosstie_wire::frame::mask_frame(&plain, key);
            assert_eq!(read(&masked, masked.len()), Ok(vec![Message::Text(text.clone())]));
            let read = FrameReader::new(Side::Server, &Intake::USUAL).next(&mut &plain[..]);
            assert_eq!(read, Ok(Some(Message::Text(text))));
        }

        #[test]
        fn no_bytes_of_a_peer_break_a_reader(bytes: Vec<u8>, piece_len in 1_usize..9, of_server: bool) {
            let side = if of_server { Side::Server } else { Side::Client };
            let mut reader = FrameReader::new(side, &Intake::USUAL);
            'read: for mut piece in bytes.chunks(piece_len) {
                loop {
                    match reader.next(&mut piece) {
                        Ok(Some(Message::Close(_))) | Err(_) => break 'read,
                        Ok(Some(_)) => {}
                        Ok(None) => break,
                    }
                }
                assert!(piece.is_empty(), "a reader takes what it is given");
            }
            assert!(reader.text.len() <= bytes.len());
        }
    }

    #[test]
    fn nothing_is_kept_between_messages() {
        let mut reader = FrameReader::new(Side::Client, &Intake::USUAL);
        let bytes = [frame(0x81, &[b'a'; 5_000]), frame(0x89, b"x")].concat();
        let mut rest = &bytes[..];
        while reader.next(&mut rest).unwrap().is_some() {}
        assert!(reader.message.is_none() && reader.frame.is_none() && reader.head_len == 0);
        assert_eq!(reader.text.capacity(), 0);
        assert!(reader.control.is_none());
    }
}
