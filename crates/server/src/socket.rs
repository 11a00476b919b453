//! A socket after its WebSocket handshake, with or without TLS: read and written by hand, never waiting.
//!
//! ```text
//!   Stream (asynchronous: handshakes, HTTP) ─▶ Socket (tried by the core and by the connection's task)
//!
//!   core ── try_write ──▶ session: encrypt ──▶ ciphertext, bounded ──▶ TCP
//!   task ◀── try_read ─── session: decrypt ◀──────────────────────── TCP
//! ```
//!
//! The core writes frames to sockets by itself and cannot wait, so the TLS session is driven here and not by a library's
//! stream: what TCP did not take stays in the session, and whoever wrote sees it by [`Socket::wants_write`]. The two threads
//! meet in the session's lock; it is held for the encryption of a few records and never while waiting.

use std::io::{self, BufRead as _, IoSlice, Read, Write};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use rustls::Connection as Session;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// Bytes of ciphertext that a session keeps when TCP is full. A frame of which so much is kept counts as begun, and nothing
/// further is taken until it is out.
const KEPT_LEN_MAX: usize = 32 << 10;

/// Reads of TCP in one attempt that bring no data, only what TLS itself has to say. Then others have their turn.
const EMPTY_READS_MAX: usize = 16;

/// A connected stream for handshakes and HTTP: accepted or dialled, with or without TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    /// Bytes as they are.
    Plain(TcpStream),
    /// TLS, its handshake done.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bytes),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

/// A socket that is tried and never waited for. All methods take `&self`: one thread writes while another reads.
#[derive(Debug)]
pub(crate) enum Socket {
    /// Bytes as they are.
    Plain(TcpStream),
    /// Through a TLS session.
    Tls(Box<TlsSocket>),
}

impl From<Stream> for Socket {
    fn from(stream: Stream) -> Socket {
        let (tcp, session) = match stream {
            Stream::Plain(tcp) => return Socket::Plain(tcp),
            Stream::Tls(stream) => match *stream {
                TlsStream::Client(stream) => {
                    let (tcp, session) = stream.into_inner();
                    (tcp, Session::Client(session))
                }
                TlsStream::Server(stream) => {
                    let (tcp, session) = stream.into_inner();
                    (tcp, Session::Server(session))
                }
            },
        };
        Socket::Tls(Box::new(TlsSocket::new(tcp, session)))
    }
}

impl Socket {
    /// Reads what is there. 0 is the end.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing is there; then [`Socket::poll_read_ready`] tells when to try again.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(tcp) => tcp.try_read(buffer),
            Socket::Tls(tls) => tls.try_read(buffer),
        }
    }

    /// Writes as much as is taken. Of what was taken a part may still be kept: see [`Socket::wants_write`].
    ///
    /// # Errors
    ///
    /// `WouldBlock` when not a byte was taken; then [`Socket::poll_write_ready`] tells when to try again.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(tcp) => tcp.try_write(bytes),
            Socket::Tls(tls) => tls.try_write(bytes),
        }
    }

    /// Bytes that were taken are kept and wait for [`Socket::try_flush`].
    pub(crate) fn wants_write(&self) -> bool {
        match self {
            Socket::Plain(_) => false,
            Socket::Tls(tls) => tls.lock().wants_write(),
        }
    }

    /// Hands what is kept to the system; false when some of it is left.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn try_flush(&self) -> io::Result<bool> {
        match self {
            Socket::Plain(_) => Ok(true),
            Socket::Tls(tls) => tls.flush(&mut tls.lock()),
        }
    }

    /// Ready when an attempt to read is worth it.
    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Plain(tcp) => tcp.poll_read_ready(cx),
            Socket::Tls(tls) if tls.holds_data() => Poll::Ready(Ok(())),
            Socket::Tls(tls) => tls.tcp.poll_read_ready(cx),
        }
    }

    /// Ready when an attempt to write or to flush is worth it.
    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Socket::Plain(tcp) => tcp.poll_write_ready(cx),
            Socket::Tls(tls) => tls.tcp.poll_write_ready(cx),
        }
    }

    /// Says that nothing more will be written. The peer may go on.
    ///
    /// # Errors
    ///
    /// The connection is broken.
    pub(crate) fn shutdown_write(&self) -> io::Result<()> {
        let tcp = match self {
            Socket::Plain(tcp) => tcp,
            Socket::Tls(tls) => {
                tls.say_end(&mut tls.lock());
                &tls.tcp
            }
        };
        socket2::SockRef::from(tcp).shutdown(Shutdown::Write)
    }
}

/// A TLS session over TCP.
#[derive(Debug)]
pub(crate) struct TlsSocket {
    tcp: TcpStream,
    session: Mutex<Session>,
}

impl Drop for TlsSocket {
    /// The peer learns that this was the end and not a cut, if TCP takes the few bytes at once.
    fn drop(&mut self) {
        self.say_end(&mut self.lock());
    }
}

impl TlsSocket {
    fn new(tcp: TcpStream, mut session: Session) -> TlsSocket {
        session.set_buffer_limit(Some(KEPT_LEN_MAX));
        TlsSocket {
            tcp,
            session: Mutex::new(session),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Session> {
        // A session that fails remembers its failure itself.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Data was decrypted and not read, or the end has come and was not seen.
    fn holds_data(&self) -> bool {
        let mut session = self.lock();
        let held = session.reader().fill_buf().map(|_| ());
        held.map_or_else(|error| error.kind() != io::ErrorKind::WouldBlock, |()| true)
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut session = self.lock();
        let mut len = 0;
        let mut empty_reads = 0;
        while len < buffer.len() {
            match session.reader().read(&mut buffer[len..]) {
                Ok(0) => break,
                Ok(more) => {
                    len += more;
                    empty_reads = 0;
                    continue;
                }
                // Peers that leave without the farewell of TLS are normal: the end of a WebSocket is its close frame.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            if empty_reads == EMPTY_READS_MAX {
                return or_would_block(len);
            }
            empty_reads += 1;
            match self.take_in(&mut session) {
                Ok(()) => {}
                Err(_) if len > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(len)
    }

    /// Takes ciphertext from TCP and decrypts the records that are whole.
    fn take_in(&self, session: &mut Session) -> io::Result<()> {
        let read = session.read_tls(&mut &Tcp(&self.tcp));
        // A session that has failed says so again every time, also when data that came before hid it the first time.
        let processed = session.process_new_packets();
        // What TLS itself has to say, an alert for instance, goes out with it; what TCP does not take goes before the next
        // frame. A broken connection shows itself to the next read.
        let _ = self.flush(session);
        processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        read.map(|_| ())
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut session = self.lock();
        let mut taken = 0;
        loop {
            if !self.flush(&mut session)? {
                return or_would_block(taken);
            }
            if taken == bytes.len() {
                return Ok(taken);
            }
            let more = session.writer().write(&bytes[taken..])?;
            if more == 0 && !session.wants_write() {
                return Err(io::ErrorKind::WriteZero.into());
            }
            taken += more;
        }
    }

    fn flush(&self, session: &mut Session) -> io::Result<bool> {
        while session.wants_write() {
            match session.write_tls(&mut &Tcp(&self.tcp)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn say_end(&self, session: &mut Session) {
        session.send_close_notify();
        // Who does not take it has left already.
        let _ = self.flush(session);
    }
}

/// The number of bytes, or that there was nothing to be done.
fn or_would_block(len: usize) -> io::Result<usize> {
    if len > 0 {
        Ok(len)
    } else {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// TCP as the session wants to see it: attempts that never wait.
struct Tcp<'a>(&'a TcpStream);

impl Read for &Tcp<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for &Tcp<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
