//! A socket that speaks HTTP, with a limit to how long an answer may wait in it.
//!
//! Somebody who sends requests and reads no answers would hold its connection for ever, and a port has only so many. The clock
//! runs from when the socket is full for the first time until everything is out; reading a little at a time does not stop it.
//! A socket that becomes a WebSocket leaves this behind: there the hub itself watches who reads.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// The socket and its clock.
#[derive(Debug)]
pub(crate) struct WriteLimit<S> {
    inner: S,
    max: Duration,
    /// Runs while something waits. Boxed, so that a socket that never fills up has none.
    clock: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteLimit<S> {
    /// A socket whose answers may wait for `max`; then it fails with `TimedOut`.
    pub(crate) fn new(inner: S, max: Duration) -> WriteLimit<S> {
        let clock = None;
        WriteLimit { inner, max, clock }
    }

    /// The socket without its clock.
    pub(crate) fn into_inner(self) -> S {
        self.inner
    }

    /// What a write came to, or the end of the time.
    fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() && self.clock.is_none() {
            return written;
        }
        let max = self.max;
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(max)));
        match clock.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => written,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteLimit<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteLimit<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bytes);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// Everything that was to be written has been: the next answer has its own time.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        let flushed = ready!(self.judge(cx, flushed));
        self.clock = None;
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.judge(cx, ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    #[tokio::test]
    async fn an_answer_that_nobody_takes_fails_and_one_that_is_taken_does_not() {
        let (ours, _theirs) = duplex(8);
        let mut socket = WriteLimit::new(ours, Duration::from_millis(1));
        let refused = socket.write_all(&[0; 9]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut);

        let (ours, mut theirs) = duplex(8);
        let mut socket = WriteLimit::new(ours, Duration::from_secs(600));
        let reader = tokio::spawn(async move {
            let mut taken = vec![0; 100];
            theirs.read_exact(&mut taken).await.map(|_| theirs)
        });
        socket.write_all(&[7; 100]).await.unwrap();
        assert!(socket.clock.is_some(), "it was full meanwhile");
        socket.flush().await.unwrap();
        assert!(socket.clock.is_none(), "the next answer has its own time");
        drop(reader.await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn taking_a_little_at_a_time_gains_no_time() {
        let (ours, mut theirs) = duplex(8);
        let mut socket = WriteLimit::new(ours, Duration::from_millis(1));
        let reader = tokio::spawn(async move { while theirs.read_u8().await.is_ok() {} });
        let endless = async { while socket.write_all(&[0; 64]).await.is_ok() {} };
        endless.await;
        drop(socket);
        reader.await.unwrap();
    }
}
