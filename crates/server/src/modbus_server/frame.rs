//! The seven bytes before each message of Modbus TCP: transaction, protocol, length, unit.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Bytes of a message, its function code among them, as Modbus has it. A longer one ends the connection.
pub(super) const MESSAGE_MAX: usize = 253;

/// Bytes before the message.
pub(super) const HEAD_LEN: usize = 7;

/// The number of Modbus among the protocols that the header could announce; there are no others.
const PROTOCOL: u16 = 0;

/// One frame of a client. Its message lies in the buffer that it was read into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Chosen by the client; the answer bears the same.
    pub(super) transaction: u16,
    /// Who is meant.
    pub(super) unit: u8,
    /// Bytes of the message: 1 to [`MESSAGE_MAX`].
    pub(super) len: usize,
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// The connection has ended.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// These bytes are no Modbus TCP: where the next frame begins is not known any more.
    #[error("no Modbus TCP: protocol {protocol} with a length of {len}, expected 0 with 2 to {}", MESSAGE_MAX + 1)]
    NotModbus {
        /// What stands for the protocol.
        protocol: u16,
        /// Bytes that follow, the unit among them.
        len: u16,
    },
}

/// Reads a frame; its message lies at the beginning of `message` then.
pub(super) async fn read(
    from: &mut (impl AsyncRead + Unpin),
    message: &mut [u8; MESSAGE_MAX],
) -> Result<Head, FrameError> {
    let mut head = [0; HEAD_LEN];
    from.read_exact(&mut head).await?;
    let [t0, t1, p0, p1, l0, l1, unit] = head;
    let (protocol, len) = (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([l0, l1]));
    // The length counts the unit, and a message has its function code at least.
    let message_len = usize::from(len).saturating_sub(1);
    if protocol != PROTOCOL || !(1..=MESSAGE_MAX).contains(&message_len) {
        return Err(FrameError::NotModbus { protocol, len });
    }
    from.read_exact(&mut message[..message_len]).await?;
    Ok(Head {
        transaction: u16::from_be_bytes([t0, t1]),
        unit,
        len: message_len,
    })
}

/// The frame of an answer. The message is at most [`MESSAGE_MAX`] long.
pub(super) fn written(head: Head, message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEAD_LEN + message.len());
    frame.extend(head.transaction.to_be_bytes());
    frame.extend(PROTOCOL.to_be_bytes());
    frame.extend((message.len() as u16 + 1).to_be_bytes());
    frame.push(head.unit);
    frame.extend(message);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(mut bytes: &[u8]) -> Result<(Head, Vec<u8>), FrameError> {
        let mut message = [0; MESSAGE_MAX];
        let head = read(&mut bytes, &mut message).await?;
        Ok((head, message[..head.len].to_vec()))
    }

    #[tokio::test]
    async fn a_frame_is_read_as_it_was_written() {
        let head = Head {
            transaction: 0xA55A,
            unit: 247,
            len: 5,
        };
        let message = vec![3, 0, 0, 0, 1];
        let frame = written(head, &message);
        assert_eq!(frame[..HEAD_LEN], [0xA5, 0x5A, 0, 0, 0, 6, 247]);
        assert_eq!(read_all(&frame).await.unwrap(), (head, message));
    }

    #[tokio::test]
    async fn what_is_no_frame_is_told_from_what_is_not_there_yet() {
        let refused = |error| matches!(error, Err(FrameError::NotModbus { .. }));
        let mut longest = [0; HEAD_LEN + MESSAGE_MAX];
        longest[..6].copy_from_slice(&[0, 1, 0, 0, 0, 254]);
        assert_eq!(read_all(&longest).await.unwrap().0.len, MESSAGE_MAX);
        for head in [
            [0, 1, 0, 0, 0, 0, 1],
            [0, 1, 0, 0, 0, 1, 1],
            [0, 1, 0, 0, 0, 255, 1],
            [0, 1, 0, 0, 1, 0, 1],
            [0, 1, 0, 1, 0, 6, 1],
            *b"GET / H",
        ] {
            assert!(refused(read_all(&head).await), "{head:02x?}");
        }
        for cut in 0..HEAD_LEN + 5 {
            let frame = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1];
            assert!(matches!(read_all(&frame[..cut]).await, Err(FrameError::Io(_))), "{cut}");
        }
    }
}
