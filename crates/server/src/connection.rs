//! One task per socket: reads what a peer sends, and looks after the connection's end.
//!
//! Bytes become frames, frames become messages, messages are decoded here, off the core, and handed in at the door of
//! the core; when the door is full the task stops reading and the peer feels it through TCP. Sending is not done here:
//! the core writes by itself ([`crate::sink`]), and wakes this task only to finish what a full socket did not take.
//!
//! A connection that is idle owns its socket, this task and nothing else: bytes are read into a buffer of the thread
//! that is borrowed only while they are there.

pub(crate) mod frames;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use crosstie_hub::access::{Access, Role};
use crosstie_hub::input::{ClockMinute, Uploaded};
use crosstie_hub::input_log::document_of;
use crosstie_hub::plc::Program;
use crosstie_hub::{ConnId, Face, Input, Unreadable};
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_wire::piplc::ServerMessage;
use crosstie_wire::{DecodeError, frame, gama, headset, live, monitor, piplc, realvirtual};

use crate::core_task::{Door, Event, Gone, Share};
use crate::program_readers;
use crate::sink::{MaskKeys, Sink, Wake};
use crate::socket::Socket;
use frames::{FrameReader, Intake, Message, Side, Violation};

/// Bytes that one read may bring.
const READ_LEN_MAX: usize = 64 << 10;

/// A text longer than this is decoded off the workers that serve the other connections: it takes about a tenth of a
/// millisecond from here on.
const SHORT_TEXT_LEN_MAX: usize = 64 << 10;

/// How long a peer may take to agree to the end of a connection, and to take what it was still to get.
const END_MAX: Duration = Duration::from_secs(2);

/// A close frame without a code, the answer to one.
const CLOSE_WITHOUT_CODE: &[u8] = &[0x88, 0x00];

thread_local! {
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_LEN_MAX].into_boxed_slice());
}

/// A socket whose WebSocket handshake is done.
#[derive(Debug)]
pub(crate) struct Upgraded {
    /// The socket.
    pub(crate) socket: Socket,
    /// What came behind the handshake already.
    pub(crate) early: Bytes,
    /// What it speaks.
    pub(crate) face: Face,
    /// Address and port of the peer.
    pub(crate) address: String,
    /// Path of the request, without its query.
    pub(crate) path: String,
    /// What it may do.
    pub(crate) access: Arc<Access>,
    /// There where we have dialled: we are the client then, and clients mask what they send.
    pub(crate) masks: Option<MaskKeys>,
}

/// Serves one connection until its end.
pub(crate) async fn serve(upgraded: Upgraded, door: Door) {
    let conn = door.new_conn();
    let from = match upgraded.masks {
        Some(_) => Side::Server,
        None => Side::Client,
    };
    let sink = Arc::new(Sink::new(upgraded.socket, upgraded.masks));
    let access = Arc::clone(&upgraded.access);
    let connected = Event::Connected {
        conn,
        face: upgraded.face,
        address: upgraded.address,
        path: upgraded.path,
        access: upgraded.access,
        sink: Arc::clone(&sink),
    };
    door.tell(connected);
    let mut connection = Connection {
        conn,
        face: upgraded.face,
        sink,
        door,
        share: Share::default(),
        reader: FrameReader::new(from, intake_of(upgraded.face)),
        unread: upgraded.early,
        access,
        has_greeted: false,
        uploaded: None,
        is_over: false,
    };
    let Err(end) = connection.read().await;
    // The end needs a timer and more; boxed, it costs an idle connection nothing.
    Box::pin(connection.finish(end)).await;
}

/// What is taken of a peer that speaks this.
const fn intake_of(face: Face) -> &'static Intake {
    match face {
        Face::Engine(_) => &Intake::ENGINE,
        Face::Monitor | Face::Headset => &Intake::SIMPLE,
        Face::Gama => &Intake::GAMA,
        Face::Realvirtual(_) | Face::Link(_) | Face::Live | Face::Piplc => &Intake::USUAL,
    }
}

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The peer said so.
    Peer(Option<u16>),
    /// The hub said so.
    Ordered { code: u16, reason: &'static str },
    /// The peer does what it must not.
    Violation(Violation),
    /// The socket says so.
    Lost(io::ErrorKind),
    /// There is no hub any more.
    Gone,
}

impl From<Violation> for End {
    fn from(violation: Violation) -> End {
        End::Violation(violation)
    }
}

impl From<Gone> for End {
    fn from(_: Gone) -> End {
        End::Gone
    }
}

/// Nothing is left to do for this call; the other case is an error.
enum Never {}

struct Connection {
    conn: ConnId,
    face: Face,
    sink: Arc<Sink>,
    door: Door,
    /// What it may still hand in before the core has to take something.
    share: Share,
    reader: FrameReader,
    /// Bytes that were read and not yet looked at, because the door was full.
    unread: Bytes,
    /// What it may do.
    access: Arc<Access>,
    /// A client of PiPLC's protocol has said hello.
    has_greeted: bool,
    /// The program that an engine has shown last; on the heap, because it is nearly never there.
    uploaded: Option<Box<Uploaded>>,
    /// The hub knows that the connection is at its end.
    is_over: bool,
}

impl Drop for Connection {
    /// A task may be dropped at any moment, or fail; the hub must not believe in a client that is nobody's any more.
    fn drop(&mut self) {
        if !self.is_over {
            let (conn, reason) = (self.conn, String::from("dropped by the hub"));
            self.door.tell(Event::Input(Input::Closed { conn, reason }));
        }
    }
}

/// The local time of the day, for people.
fn local_minute() -> ClockMinute {
    let now = jiff::Zoned::now();
    ClockMinute(now.hour() as u16 * 60 + now.minute() as u16)
}

/// An event for which the door had no room, and its bytes.
type Blocked = (Event, usize);

/// What became of one read.
struct Read {
    /// Bytes that it brought.
    len: usize,
    blocked: Option<Blocked>,
}

impl Connection {
    /// Reads until the connection ends.
    async fn read(&mut self) -> Result<Never, End> {
        let mut blocked = self.take_in_unread()?;
        loop {
            while let Some((event, bytes)) = blocked {
                let mut event = Some(event);
                std::future::poll_fn(|cx| self.door.poll_push(cx, &mut self.share, &mut event, bytes)).await?;
                blocked = self.take_in_unread()?;
            }
            match std::future::poll_fn(|cx| self.poll_next(cx)).await {
                None => {
                    let read = self.read_once()?;
                    blocked = read.blocked;
                    // There is more where this came from, and others wait for this thread too.
                    if read.len == READ_LEN_MAX {
                        tokio::task::yield_now().await;
                    }
                }
                Some(Wake::Writable) => {
                    let writable = Input::Writable { conn: self.conn };
                    self.door.tell(Event::Input(writable));
                }
                Some(Wake::Close { code, reason }) => return Err(End::Ordered { code, reason }),
                Some(Wake::Broken) => return Err(End::Lost(io::ErrorKind::BrokenPipe)),
            }
        }
    }

    /// What to do next: something about the sink, or, with `None`, to read.
    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Wake>> {
        if let Poll::Ready(wake) = self.sink.poll_wake(cx) {
            return Poll::Ready(Some(wake));
        }
        // An error of the socket shows itself to the read that follows.
        let _ = ready!(self.sink.socket().poll_read_ready(cx));
        Poll::Ready(None)
    }

    fn read_once(&mut self) -> Result<Read, End> {
        READ_BUFFER.with_borrow_mut(|buffer| match self.sink.socket().try_read(buffer) {
            Ok(0) => Err(End::Lost(io::ErrorKind::UnexpectedEof)),
            Ok(len) => {
                let mut bytes = &buffer[..len];
                let blocked = self.take_in(&mut bytes)?;
                self.unread = Bytes::copy_from_slice(bytes);
                Ok(Read { len, blocked })
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Read { len: 0, blocked: None }),
            Err(error) => Err(End::Lost(error.kind())),
        })
    }

    fn take_in_unread(&mut self) -> Result<Option<Blocked>, End> {
        let mut unread = std::mem::take(&mut self.unread);
        let mut bytes = &unread[..];
        let blocked = self.take_in(&mut bytes)?;
        let taken = unread.len() - bytes.len();
        unread.advance(taken);
        if !unread.is_empty() {
            self.unread = unread;
        }
        Ok(blocked)
    }

    /// Hands in the messages that are whole and wakes the core once for all of them. When the share of this connection
    /// is used up, what is left stays in `bytes`.
    fn take_in(&mut self, bytes: &mut &[u8]) -> Result<Option<Blocked>, End> {
        let result = self.hand_in(bytes);
        self.door.ring();
        result
    }

    fn hand_in(&mut self, bytes: &mut &[u8]) -> Result<Option<Blocked>, End> {
        while let Some(message) = self.reader.next(bytes)? {
            let (input, size) = match message {
                Message::Text(text) => {
                    let (size, kept) = (text.len(), self.door.keeps_texts().then(|| text.as_str().into()));
                    let input = self.decode(text);
                    if let Some(text) = kept {
                        // A recording takes as much room for it as the message does.
                        let event = Event::Message { input, text };
                        if let Err(event) = self.door.try_push(&mut self.share, event, 2 * size) {
                            return Ok(Some((*event, 2 * size)));
                        }
                        continue;
                    }
                    (input, size)
                }
                Message::Binary(size) => {
                    let why = Unreadable::Binary;
                    (self.unreadable(why, size), 0)
                }
                Message::Front { len, front } => {
                    let snapshot = Input::Snapshot {
                        conn: self.conn,
                        frame: Bytes::from(front),
                        bytes: len as u32,
                    };
                    (snapshot, piplc::SNAPSHOT_LEN)
                }
                Message::Ping(payload) => {
                    self.sink.pong(payload.as_slice());
                    (Input::Seen { conn: self.conn }, 0)
                }
                Message::Pong(payload) => {
                    let sent_at = payload.as_slice().try_into().ok();
                    let pong = Input::Pong {
                        conn: self.conn,
                        sent_at_nanos: sent_at.map(u64::from_le_bytes),
                    };
                    (pong, 0)
                }
                Message::Close(code) => return Err(End::Peer(code)),
            };
            if let Err(event) = self.door.try_push(&mut self.share, Event::Input(input), size) {
                return Ok(Some((*event, size)));
            }
        }
        Ok(None)
    }

    fn decode(&mut self, text: String) -> Input {
        if text.len() > SHORT_TEXT_LEN_MAX {
            tokio::task::block_in_place(|| self.decode_here(text))
        } else {
            self.decode_here(text)
        }
    }

    /// The program of a download, read here: a long one has left the workers of the other connections already. It is not read
    /// for who has not said hello or may not change programs, nor while many others are read: the hub then says so.
    fn program_of(
        &self,
        message: &Result<piplc::Envelope, piplc::RequestError>,
    ) -> Option<Result<Arc<Program>, Vec<Diagnostic>>> {
        let Ok(piplc::Envelope {
            request: piplc::Request::Download { document, .. },
            ..
        }) = message
        else {
            return None;
        };
        if !self.has_greeted || self.access.role < Role::Engineer {
            return None;
        }
        let _permit = program_readers::admit()?;
        Some(Program::read(document).map(Arc::new))
    }

    /// The program in the answer of an engine to an upload. A document is read when it is another one than before, and not
    /// while many others are read: the hub then asks again.
    fn uploaded_by(&mut self, message: &mut Result<ServerMessage, DecodeError>) -> Option<Uploaded> {
        let document = message.as_mut().ok().and_then(document_of)?;
        if let Some(known) = self.uploaded.as_ref().filter(|known| *known.document == *document) {
            return Some(Uploaded::clone(known));
        }
        let _permit = program_readers::admit()?;
        let uploaded = Uploaded::read(&document);
        self.uploaded = Some(Box::new(uploaded.clone()));
        Some(uploaded)
    }

    fn decode_here(&mut self, text: String) -> Input {
        let (conn, size) = (self.conn, text.len());
        // Messages end far below 4 GiB.
        let bytes = size as u32;
        match self.face {
            Face::Live => Input::Live {
                conn,
                request: live::decode(text),
                bytes,
            },
            Face::Piplc => {
                let message = piplc::decode(&text);
                if let Ok(envelope) = &message {
                    self.has_greeted |= matches!(envelope.request, piplc::Request::Hello(_));
                }
                Input::Piplc {
                    conn,
                    program: self.program_of(&message),
                    message,
                    bytes,
                }
            }
            Face::Engine(_) => {
                let mut message = piplc::decode_server(&text);
                Input::Engine {
                    conn,
                    uploaded: self.uploaded_by(&mut message),
                    message,
                    bytes,
                }
            }
            Face::Monitor => Input::Monitor {
                conn,
                request: monitor::decode(&text),
                bytes,
            },
            Face::Headset => Input::Headset {
                conn,
                message: headset::decode(&text),
                clock: local_minute(),
                bytes,
            },
            Face::Gama => Input::Gama {
                conn,
                message: gama::decode(&text).map(Box::new),
                bytes,
            },
            Face::Realvirtual(_) | Face::Link(_) => match realvirtual::decode(text) {
                Ok(message) => Input::Realvirtual { conn, message, bytes },
                Err(error) => self.unreadable(Unreadable::Malformed(error.to_string()), size),
            },
        }
    }

    fn unreadable(&self, why: Unreadable, size: usize) -> Input {
        Input::Unreadable {
            conn: self.conn,
            why,
            bytes: size as u32,
        }
    }

    /// Ends the connection as its end demands. The hub hears of it once, at the earliest moment that is true.
    async fn finish(mut self, end: End) {
        match end {
            End::Peer(code) => {
                let (reason, answer) = match code {
                    Some(code) => (
                        format!("closed by the peer with {code}"),
                        Bytes::from(frame::close_frame(code, "")),
                    ),
                    None => (
                        String::from("closed by the peer"),
                        Bytes::from_static(CLOSE_WITHOUT_CODE),
                    ),
                };
                self.closed(reason);
                self.send_close(&answer).await;
            }
            End::Violation(violation) => {
                self.closed(violation.to_string());
                let close = frame::close_frame(violation.code, violation.reason);
                self.send_close(&Bytes::from(close)).await;
                // What the peer goes on sending cannot be understood any more. It is read all the same: closing a
                // socket with unread bytes would tear the close frame out of the peer's hands.
                if self.sink.socket().shutdown_write().is_ok() {
                    self.within_limit(Self::discard).await;
                }
            }
            End::Ordered { code, reason } => {
                let close = frame::close_frame(code, reason);
                self.send_close(&Bytes::from(close)).await;
                self.within_limit(Self::wait_for_close).await;
                self.closed(format!("closed with {code}: {reason}"));
            }
            End::Lost(kind) => {
                let reason = match kind {
                    io::ErrorKind::UnexpectedEof => String::from("ended without a close"),
                    other => format!("lost: {other}"),
                };
                self.closed(reason);
            }
            End::Gone => self.is_over = true,
        }
    }

    /// Tells the hub.
    fn closed(&mut self, reason: String) {
        let conn = self.conn;
        self.door.tell(Event::Input(Input::Closed { conn, reason }));
        self.is_over = true;
    }

    async fn send_close(&mut self, close: &Bytes) {
        let sent = std::future::poll_fn(|cx| self.sink.poll_end(cx, close));
        // A peer that takes nothing for so long loses its close frame.
        let _ = tokio::time::timeout(END_MAX, sent).await;
    }

    async fn within_limit(&mut self, step: fn(&mut Connection) -> io::Result<bool>) {
        let steps = async {
            while std::future::poll_fn(|cx| self.sink.socket().poll_read_ready(cx))
                .await
                .is_ok()
            {
                match step(self) {
                    Ok(true) => return,
                    // A peer that floods to the end must not keep the thread from the others, nor from the time.
                    Ok(false) => tokio::task::yield_now().await,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        };
        // A peer that neither agrees nor leaves is left.
        let _ = tokio::time::timeout(END_MAX, steps).await;
    }

    /// Reads and forgets; true at the end.
    fn discard(&mut self) -> io::Result<bool> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let len = self.sink.socket().try_read(buffer)?;
            Ok(len == 0)
        })
    }

    /// Reads until the peer's own close frame; true when it is there or nothing more can come.
    fn wait_for_close(&mut self) -> io::Result<bool> {
        READ_BUFFER.with_borrow_mut(|buffer| {
            let len = self.sink.socket().try_read(buffer)?;
            let mut bytes = &buffer[..len];
            loop {
                match self.reader.next(&mut bytes) {
                    Ok(Some(Message::Close(_))) | Err(_) => return Ok(true),
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(len == 0),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn an_idle_connection_owns_little_and_tells_its_end_also_when_it_is_dropped() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, address) = listener.accept().await.unwrap();
        let upgraded = Upgraded {
            socket: Socket::Plain(stream),
            early: Bytes::new(),
            face: Face::Live,
            address: address.to_string(),
            path: String::from("/"),
            access: Access::full("this machine"),
            masks: None,
        };
        let door = Door::new();
        let mut task = Box::pin(serve(upgraded, door.clone()));
        assert!(size_of_val(&*task) < 1_024, "{} bytes", size_of_val(&*task));

        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(task.as_mut().poll(&mut cx).is_pending());
        drop(task);
        let mut events = std::collections::VecDeque::new();
        door.take(None, &mut events);
        assert!(matches!(events[0], Event::Connected { conn: ConnId(1), .. }));
        assert!(matches!(events[1], Event::Input(Input::Closed { conn: ConnId(1), .. })));
    }
}
