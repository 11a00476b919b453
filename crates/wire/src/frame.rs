//! WebSocket frames, as a server writes them.
//!
//! A server never masks, so header and payload together are one string of bytes that can be shared by every client that gets
//! the same values. This module writes exactly that and knows nothing of connections or of reading frames. Where we are the
//! client, [`mask_frame`] makes of such a frame the one that may go to a server.
//!
//! ```text
//! byte 0   FIN and opcode      0x81 text, 0x82 binary, 0x88 close, 0x89 ping, 0x8A pong
//! byte 1   payload length      0…125, or 126: two more bytes, or 127: eight more bytes, big-endian; plus 0x80: a mask follows
//! ```

/// The longest header of an unmasked frame, in bytes.
pub const HEADER_LEN_MAX: usize = 10;

/// The longest payload of a close, ping or pong frame, in bytes (RFC 6455, 5.5).
pub const CONTROL_PAYLOAD_LEN_MAX: usize = 125;

const FIN_TEXT: u8 = 0x81;
const FIN_BINARY: u8 = 0x82;
const FIN_CLOSE: u8 = 0x88;
const FIN_PING: u8 = 0x89;
const FIN_PONG: u8 = 0x8A;
/// Set in byte 1: four bytes of mask stand behind the length.
const MASKED: u8 = 0x80;

/// The header of one frame: 2, 4 or 10 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    bytes: [u8; HEADER_LEN_MAX],
    len: usize,
}

impl FrameHeader {
    /// The bytes that go before the payload.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn new(fin_and_opcode: u8, payload_len: usize) -> FrameHeader {
        let mut bytes = [0; HEADER_LEN_MAX];
        bytes[0] = fin_and_opcode;
        let len = match payload_len {
            0..=125 => {
                bytes[1] = payload_len as u8;
                2
            }
            126..=0xFFFF => {
                bytes[1] = 126;
                bytes[2..4].copy_from_slice(&(payload_len as u16).to_be_bytes());
                4
            }
            _ => {
                bytes[1] = 127;
                bytes[2..10].copy_from_slice(&(payload_len as u64).to_be_bytes());
                10
            }
        };
        FrameHeader { bytes, len }
    }
}

/// The header of a whole text frame whose payload has `payload_len` bytes.
pub fn text_frame(payload_len: usize) -> FrameHeader {
    FrameHeader::new(FIN_TEXT, payload_len)
}

/// The header of a whole binary frame whose payload has `payload_len` bytes.
pub fn binary_frame(payload_len: usize) -> FrameHeader {
    FrameHeader::new(FIN_BINARY, payload_len)
}

/// A close frame.
///
/// `code` is a status code of RFC 6455, 7.4; 1005, 1006 and 1015 are for the local side only and must not be given. A reason
/// longer than 123 bytes is cut at the last character that fits.
pub fn close_frame(code: u16, reason: &str) -> Vec<u8> {
    let reason = &reason[..reason.floor_char_boundary(CONTROL_PAYLOAD_LEN_MAX - 2)];
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    control_frame(FIN_CLOSE, &payload)
}

/// A ping frame. What is longer than 125 bytes is cut, because a control frame cannot carry more.
pub fn ping_frame(payload: &[u8]) -> Vec<u8> {
    control_frame(FIN_PING, payload)
}

/// A pong frame; the answer to a ping carries the payload of that ping. What is longer than 125 bytes is cut.
pub fn pong_frame(payload: &[u8]) -> Vec<u8> {
    control_frame(FIN_PONG, payload)
}

fn control_frame(fin_and_opcode: u8, payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(CONTROL_PAYLOAD_LEN_MAX)];
    let mut frame = FrameHeader::new(fin_and_opcode, payload.len()).as_bytes().to_vec();
    frame.extend_from_slice(payload);
    frame
}

/// The frame as a client has to send it: with the mask in its header, and the payload masked with `key` (RFC 6455, 5.3).
///
/// `frame` is one whole frame without a mask, such as this module writes. What is too short for its own header comes back as
/// it is.
pub fn mask_frame(frame: &[u8], key: [u8; 4]) -> Vec<u8> {
    let header_len = match frame {
        [_, 127, ..] => 10,
        [_, 126, ..] => 4,
        _ => 2,
    };
    let Some((header, payload)) = frame.split_at_checked(header_len) else {
        return frame.to_vec();
    };
    let mut masked = Vec::with_capacity(frame.len() + key.len());
    masked.extend_from_slice(header);
    masked[1] |= MASKED;
    masked.extend_from_slice(&key);
    let start = masked.len();
    masked.extend_from_slice(payload);
    let mut words = masked[start..].chunks_exact_mut(4);
    for word in &mut words {
        // Four bytes at a time in a form that the compiler can widen.
        word.iter_mut().zip(key).for_each(|(byte, mask)| *byte ^= mask);
    }
    let rest = words.into_remainder().iter_mut();
    rest.zip(key).for_each(|(byte, mask)| *byte ^= mask);
    masked
}

/// Builds a text frame in place: the payload is appended behind room for the longest header, and the header is written
/// against the payload's front when its length is known. The payload is never moved.
///
/// ```
/// let mut builder = crosstie_wire::frame::FrameBuilder::with_capacity(64);
/// builder.buffer().extend_from_slice(b"{}");
/// let frame = builder.finish();
/// assert_eq!(frame.as_bytes(), b"\x81\x02{}");
/// ```
#[derive(Debug)]
pub struct FrameBuilder {
    buffer: Vec<u8>,
}

impl FrameBuilder {
    /// An empty payload.
    pub fn new() -> FrameBuilder {
        FrameBuilder::with_capacity(0)
    }

    /// An empty payload with room for `payload_len` bytes.
    pub fn with_capacity(payload_len: usize) -> FrameBuilder {
        FrameBuilder::reuse(Vec::with_capacity(HEADER_LEN_MAX + payload_len))
    }

    /// An empty payload in a vector that is used again; what stood in it is forgotten.
    pub fn reuse(mut buffer: Vec<u8>) -> FrameBuilder {
        buffer.clear();
        buffer.resize(HEADER_LEN_MAX, 0);
        FrameBuilder { buffer }
    }

    /// The vector to append the payload to. Its first [`HEADER_LEN_MAX`] bytes are the room of the header: they must stay.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// How many bytes of payload there are so far.
    pub fn payload_len(&self) -> usize {
        self.buffer.len() - HEADER_LEN_MAX
    }

    /// Writes the header before the payload.
    ///
    /// # Panics
    ///
    /// When the caller has shortened the buffer into the room of the header.
    pub fn finish(mut self) -> Frame {
        assert!(
            self.buffer.len() >= HEADER_LEN_MAX,
            "the room of the header must stay in the buffer"
        );
        let header = text_frame(self.buffer.len() - HEADER_LEN_MAX);
        let start = HEADER_LEN_MAX - header.len;
        self.buffer[start..HEADER_LEN_MAX].copy_from_slice(header.as_bytes());
        Frame {
            buffer: self.buffer,
            start,
        }
    }
}

impl Default for FrameBuilder {
    fn default() -> FrameBuilder {
        FrameBuilder::new()
    }
}

/// A finished frame: the bytes of `buffer` from `start` on are header and payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Up to eight bytes that mean nothing, then the frame.
    pub buffer: Vec<u8>,
    /// Where the frame begins in `buffer`.
    pub start: usize,
}

impl Frame {
    /// Header and payload.
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_grows_with_the_length_of_the_payload() {
        let check = |payload_len: usize, header: &[u8]| {
            assert_eq!(text_frame(payload_len).as_bytes(), header, "{payload_len}");
        };
        check(0, &[0x81, 0]);
        check(125, &[0x81, 125]);
        check(126, &[0x81, 126, 0, 126]);
        check(65_535, &[0x81, 126, 0xFF, 0xFF]);
        check(65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_binary_frame_differs_from_a_text_frame_in_its_first_byte() {
        assert_eq!(binary_frame(2704).as_bytes(), [0x82, 126, 0x0A, 0x90]);
        assert_eq!(text_frame(2704).as_bytes(), [0x81, 126, 0x0A, 0x90]);
    }

    #[test]
    fn a_built_frame_is_header_and_payload_and_the_payload_is_not_moved() {
        for payload_len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload: Vec<u8> = (0..payload_len).map(|index| index as u8).collect();
            let mut builder = FrameBuilder::with_capacity(payload_len);
            builder.buffer().extend_from_slice(&payload);
            assert_eq!(builder.payload_len(), payload_len);
            let payload_address = builder.buffer()[HEADER_LEN_MAX..].as_ptr();

            let frame = builder.finish();
            let header = text_frame(payload_len);
            assert_eq!(frame.as_bytes(), [header.as_bytes(), payload.as_slice()].concat());
            assert_eq!(frame.buffer[HEADER_LEN_MAX..].as_ptr(), payload_address);
        }
    }

    #[test]
    fn a_used_vector_starts_empty() {
        let mut builder = FrameBuilder::reuse(vec![7; 300]);
        assert_eq!(builder.payload_len(), 0);
        builder.buffer().push(b'x');
        assert_eq!(builder.finish().as_bytes(), [0x81, 1, b'x']);
        assert_eq!(FrameBuilder::default().finish().as_bytes(), [0x81, 0]);
    }

    #[test]
    fn control_frames_carry_at_most_125_bytes() {
        assert_eq!(close_frame(1000, "bye"), [&[0x88, 5, 0x03, 0xE8][..], b"bye"].concat());
        assert_eq!(ping_frame(b""), [0x89, 0]);
        assert_eq!(pong_frame(b"42"), [0x8A, 2, b'4', b'2']);
        for (given, kept) in [(124, 124), (125, 125), (126, 125), (70_000, 125)] {
            assert_eq!(ping_frame(&vec![1; given]).len(), 2 + kept);
        }
    }

    #[test]
    fn the_masked_hello_of_the_standard() {
        let masked = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58];
        assert_eq!(mask_frame(b"\x81\x05Hello", [0x37, 0xFA, 0x21, 0x3D]), masked);
        assert_eq!(mask_frame(&[0x81], [1; 4]), [0x81]);
        assert_eq!(mask_frame(&[0x81, 127, 0], [1; 4]), [0x81, 127, 0]);
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let frame = close_frame(1009, &"ü".repeat(100));
        assert_eq!(frame[..2], [0x88, 124]);
        assert_eq!(std::str::from_utf8(&frame[4..]).unwrap(), "ü".repeat(61));
    }
}
