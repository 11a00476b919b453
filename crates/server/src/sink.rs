//! Where frames go: the way from the core to one socket.
//!
//! The core itself tries the write of a frame, without waiting and without a copy: the frame's bytes are shared by all
//! clients that get it. What the socket does not take is kept here as a slice of the same bytes, and the connection's
//! task is woken to finish it; from then on frames are refused, and the hub keeps what it wanted to say, until the task
//! reports that the socket takes bytes again.
//!
//! ```text
//!   core ── send ──▶ socket                     (nearly always)
//!   core ── send ──▶ rest of the frame ── task ──▶ socket ──▶ "writable" to the core
//! ```
//!
//! Frames of the driver's own (pong, close) go only between the hub's frames: that is why a lock, and not a message,
//! joins the two threads that write to one socket. Nobody holds it while waiting.

use std::borrow::Cow;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use crate::socket::Socket;
use bytes::{Buf, Bytes};
use crosstie_wire::frame;

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The socket has all of it, or the connection is at its end and the frame means nothing any more.
    Whole,
    /// The socket has the first bytes, the rest follows; it takes nothing else until it is writable again.
    Begun,
    /// Not a byte of it was taken.
    Refused,
}

/// Why the connection's task was woken by its sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The core was refused and wants to hear that the socket takes bytes again.
    Writable,
    /// The hub wants the connection to end.
    Close {
        /// Code for the peer.
        code: u16,
        /// Reason for the peer.
        reason: &'static str,
    },
    /// The socket is broken.
    Broken,
}

/// The socket of one connection, shared by the core, which writes, and the connection's task, which reads.
#[derive(Debug)]
pub(crate) struct Sink {
    socket: Socket,
    out: Mutex<Out>,
}

#[derive(Debug, Default)]
struct Out {
    /// What is left of the frame that was begun.
    rest: Bytes,
    /// The newest pong that could not be begun.
    pong: Bytes,
    /// The socket was full; the task waits until it is writable.
    is_stuck: bool,
    /// The core has been refused since.
    core_waits: bool,
    close: Option<(u16, &'static str)>,
    /// A close frame was sent: nothing may follow it.
    is_ended: bool,
    is_broken: bool,
    task: Option<Waker>,
    /// Where we are the client: how the frames are masked.
    masks: Option<MaskKeys>,
}

/// Keys for the masks of one connection's frames. The masks keep caches on the way from taking a payload for a request; what
/// is sent is chosen by nobody who could profit from guessing the next one, so a small generator will do.
#[derive(Debug)]
pub(crate) struct MaskKeys {
    state: u64,
}

impl MaskKeys {
    /// Keys that begin at a random place.
    ///
    /// # Errors
    ///
    /// The system has no randomness.
    pub(crate) fn random() -> io::Result<MaskKeys> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
        let state = u64::from_ne_bytes(seed);
        Ok(MaskKeys { state })
    }

    /// The next key, by SplitMix64.
    fn next(&mut self) -> [u8; 4] {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed >> 32) as u32).to_ne_bytes()
    }
}

impl Out {
    /// The frame as this side of the connection has to send it.
    fn masked<'a>(&mut self, frame: &'a Bytes) -> Cow<'a, Bytes> {
        match &mut self.masks {
            None => Cow::Borrowed(frame),
            Some(keys) => Cow::Owned(Bytes::from(frame::mask_frame(frame, keys.next()))),
        }
    }
}

impl Sink {
    /// The sink of a socket. `masks` is there where we are the client: then every frame is masked.
    pub(crate) fn new(socket: Socket, masks: Option<MaskKeys>) -> Sink {
        let out = Out {
            // A handshake of TLS may have left something that the system did not take yet.
            is_stuck: socket.wants_write(),
            masks,
            ..Out::default()
        };
        Sink {
            socket,
            out: Mutex::new(out),
        }
    }

    /// The socket, to read from it.
    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Tries to write a frame of the hub. Never waits.
    pub(crate) fn send(&self, frame: &Bytes) -> Sent {
        let mut out = self.lock();
        let sent = self.begin(&mut out, frame);
        if sent != Sent::Whole {
            out.core_waits = true;
        }
        sent
    }

    /// The same for a frame that is nobody else's and is not kept: what the socket does not take of it is copied.
    pub(crate) fn send_own(&self, frame: &[u8]) -> Sent {
        let mut out = self.lock();
        if out.masks.is_some() {
            drop(out);
            return self.send(&Bytes::copy_from_slice(frame));
        }
        let sent = self.begin_with(&mut out, frame, |taken| Bytes::copy_from_slice(&frame[taken..]));
        if sent != Sent::Whole {
            out.core_waits = true;
        }
        sent
    }

    /// Tells the connection's task to end the connection.
    pub(crate) fn order_close(&self, code: u16, reason: &'static str) {
        let mut out = self.lock();
        out.close.get_or_insert((code, reason));
        wake(&mut out);
    }

    /// Answers a ping between two frames of the hub. While the socket is full only the newest answer is kept: a peer
    /// that sends pings and does not read gets no queue.
    pub(crate) fn pong(&self, payload: &[u8]) {
        let pong = Bytes::from(frame::pong_frame(payload));
        let mut out = self.lock();
        if self.begin(&mut out, &pong) == Sent::Refused {
            out.pong = pong;
        }
    }

    /// Sends the close frame as soon as the frame that was begun is whole; nothing follows it.
    pub(crate) fn poll_end(&self, cx: &mut Context<'_>, close: &Bytes) -> Poll<()> {
        let mut out = self.lock();
        if !out.is_ended {
            out.pong = Bytes::new();
            ready!(self.poll_unstick(&mut out, cx));
            if self.begin(&mut out, close) == Sent::Refused {
                out.rest = out.masked(close).into_owned();
            }
            out.is_ended = true;
        }
        self.poll_unstick(&mut out, cx)
    }

    /// Finishes what was begun, and tells what else the task has to do.
    pub(crate) fn poll_wake(&self, cx: &mut Context<'_>) -> Poll<Wake> {
        let mut out = self.lock();
        let is_known = (out.task.as_ref()).is_some_and(|task| task.will_wake(cx.waker()));
        if !is_known {
            out.task = Some(cx.waker().clone());
        }
        // A close order goes before the rest: its own time limit covers a peer that reads nothing.
        if let Some((code, reason)) = out.close.take() {
            return Poll::Ready(Wake::Close { code, reason });
        }
        ready!(self.poll_unstick(&mut out, cx));
        match (out.is_broken, std::mem::take(&mut out.core_waits)) {
            (true, _) => Poll::Ready(Wake::Broken),
            (false, true) => Poll::Ready(Wake::Writable),
            (false, false) => Poll::Pending,
        }
    }

    /// Ready when the socket is not stuck: the rest and the pong are out.
    fn poll_unstick(&self, out: &mut Out, cx: &mut Context<'_>) -> Poll<()> {
        while out.is_stuck && !out.is_broken {
            match ready!(self.socket.poll_write_ready(cx)) {
                Ok(()) => self.write_rest(out),
                Err(_) => out.is_broken = true,
            }
        }
        Poll::Ready(())
    }

    fn write_rest(&self, out: &mut Out) {
        while !out.is_broken {
            if out.rest.is_empty() && !out.pong.is_empty() {
                let pong = std::mem::take(&mut out.pong);
                out.rest = out.masked(&pong).into_owned();
            }
            if out.rest.is_empty() {
                match self.socket.try_flush() {
                    Ok(is_out) => out.is_stuck = !is_out,
                    Err(_) => out.is_broken = true,
                }
                return;
            }
            match self.socket.try_write(&out.rest) {
                Ok(0) => out.is_broken = true,
                Ok(taken) => out.rest.advance(taken),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => out.is_broken = true,
            }
        }
    }

    fn begin(&self, out: &mut Out, frame: &Bytes) -> Sent {
        if out.masks.is_some() && !out.is_ended && !out.is_broken && !out.is_stuck {
            let masked = out.masked(frame).into_owned();
            return self.begin_with(out, &masked, |taken| masked.slice(taken..));
        }
        self.begin_with(out, frame, |taken| frame.slice(taken..))
    }

    /// Writes a frame; `rest` gives what is left of it when the socket has taken so many bytes.
    fn begin_with(&self, out: &mut Out, frame: &[u8], rest: impl FnOnce(usize) -> Bytes) -> Sent {
        if out.is_ended || out.is_broken {
            return Sent::Whole;
        }
        if out.is_stuck {
            return Sent::Refused;
        }
        let sent = match self.socket.try_write(frame) {
            Ok(taken) if taken == frame.len() && !self.socket.wants_write() => return Sent::Whole,
            Ok(0) => Sent::Refused,
            Ok(taken) => {
                out.rest = rest(taken);
                Sent::Begun
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Sent::Refused,
            Err(_) => {
                out.is_broken = true;
                wake(out);
                return Sent::Whole;
            }
        };
        out.is_stuck = true;
        wake(out);
        sent
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        // What is behind the lock is whole after every statement, so a panic elsewhere spoils nothing.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(out: &mut Out) {
    if let Some(task) = out.task.take() {
        task.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::Arc;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpSocket, TcpStream};

    /// A sink and its peer, with buffers so small that they are soon full.
    async fn pair() -> (Arc<Sink>, TcpStream) {
        let listener = TcpSocket::new_v4().unwrap();
        listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        listener.set_recv_buffer_size(4_096).unwrap();
        let listener = listener.listen(1).unwrap();
        let ours = TcpSocket::new_v4().unwrap();
        ours.set_send_buffer_size(4_096).unwrap();
        let ours = ours.connect(listener.local_addr().unwrap()).await.unwrap();
        let (peer, _) = listener.accept().await.unwrap();
        (Arc::new(Sink::new(Socket::Plain(ours), None)), peer)
    }

    /// Sends until the socket is full; gives all that was begun.
    fn fill(sink: &Sink) -> Vec<u8> {
        let mut begun = Vec::new();
        for number in 0_u32.. {
            let frame = Bytes::from(number.to_le_bytes().repeat(16_384));
            let sent = sink.send(&frame);
            if sent != Sent::Refused {
                begun.extend_from_slice(&frame);
            }
            if sent != Sent::Whole {
                break;
            }
        }
        begun
    }

    async fn read_all(mut peer: TcpStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        peer.read_to_end(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn a_frame_that_was_begun_is_finished_before_anything_else_and_the_core_hears_of_it() {
        let (sink, peer) = pair().await;
        let mut expected = fill(&sink);
        let further = Bytes::from_static(b"further");
        assert_eq!(sink.send(&further), Sent::Refused);
        sink.pong(b"older");
        sink.pong(b"newest");

        let reader = tokio::spawn(read_all(peer));
        assert_eq!(poll_fn(|cx| sink.poll_wake(cx)).await, Wake::Writable);
        assert_eq!(sink.send(&further), Sent::Whole);
        drop(sink);
        expected.extend(frame::pong_frame(b"newest"));
        expected.extend_from_slice(&further);
        assert!(reader.await.unwrap() == expected);
    }

    #[tokio::test]
    async fn a_close_waits_for_the_begun_frame_and_nothing_follows_it() {
        let (sink, peer) = pair().await;
        let mut expected = fill(&sink);
        sink.order_close(1001, "bye");
        let close = Wake::Close {
            code: 1001,
            reason: "bye",
        };
        assert_eq!(poll_fn(|cx| sink.poll_wake(cx)).await, close);

        let reader = tokio::spawn(read_all(peer));
        let close = Bytes::from(frame::close_frame(1001, "bye"));
        poll_fn(|cx| sink.poll_end(cx, &close)).await;
        assert_eq!(sink.send(&Bytes::from_static(b"too late")), Sent::Whole);
        sink.pong(b"too late");
        drop(sink);
        expected.extend_from_slice(&close);
        assert!(reader.await.unwrap() == expected);
    }

    #[tokio::test]
    async fn a_peer_that_has_gone_breaks_the_sink_and_takes_what_comes_as_sent() {
        let (sink, peer) = pair().await;
        fill(&sink);
        drop(peer);
        assert_eq!(poll_fn(|cx| sink.poll_wake(cx)).await, Wake::Broken);
        assert_eq!(sink.send(&Bytes::from_static(b"for nobody")), Sent::Whole);
    }
}
