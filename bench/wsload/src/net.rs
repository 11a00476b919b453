//! One thread, one epoll set, one shared read buffer: cheap enough to drive a server of its own size.

use crate::stats::now_ns;
use crate::ws::{self, Op, Parser};
use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

pub struct Conn {
    pub stream: TcpStream,
    out: Vec<u8>,
    mask: bool,
    raw: bool,
    pub open: bool,
    pub bytes_in: u64,
}

pub struct Ctl {
    pub conns: Vec<Conn>,
    parsers: Vec<Parser>,
    poll: Poll,
    timer: OwnedFd,
    scratch: Vec<u8>,
    pub stop: bool,
    pub closed: u64,
    pub errors: Vec<String>,
}

pub trait Handler {
    fn msg(&mut self, c: &mut Ctl, id: usize, op: Op, payload: &[u8], now: u64);
    /// Called at each expiry of the timer with the number of periods that elapsed.
    fn tick(&mut self, c: &mut Ctl, expirations: u64, now: u64);
    /// Called once after every batch of readable events.
    fn idle(&mut self, _c: &mut Ctl, _now: u64) {}
}

const TIMER: Token = Token(usize::MAX - 1);

impl Ctl {
    pub fn new() -> io::Result<Ctl> {
        // SAFETY: the call takes no pointers; its result is checked below.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is open, and nothing else owns it.
        let timer = unsafe { OwnedFd::from_raw_fd(fd) };
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut SourceFd(&fd), TIMER, Interest::READABLE)?;
        Ok(Ctl {
            conns: Vec::new(),
            parsers: Vec::new(),
            poll,
            timer,
            scratch: Vec::new(),
            stop: false,
            closed: 0,
            errors: Vec::new(),
        })
    }

    /// Periodic timer; 0 disarms it.
    pub fn set_timer(&mut self, period_ns: u64) {
        let ts = libc::timespec {
            tv_sec: (period_ns / 1_000_000_000) as _,
            tv_nsec: (period_ns % 1_000_000_000) as _,
        };
        let it = libc::itimerspec {
            it_interval: ts,
            it_value: ts,
        };
        // SAFETY: the descriptor lives as long as `self`, and `it` is read during the call only.
        unsafe { libc::timerfd_settime(self.timer.as_raw_fd(), 0, &it, std::ptr::null_mut()) };
    }

    pub fn add(&mut self, s: std::net::TcpStream, client: bool, raw: bool) -> io::Result<usize> {
        s.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(s);
        let id = self.conns.len();
        self.poll
            .registry()
            .register(&mut stream, Token(id), Interest::READABLE | Interest::WRITABLE)?;
        self.conns.push(Conn {
            stream,
            out: Vec::new(),
            mask: client,
            raw,
            open: true,
            bytes_in: 0,
        });
        let mut p = Parser::default();
        p.raw = raw;
        self.parsers.push(p);
        Ok(id)
    }

    pub fn send(&mut self, id: usize, op: Op, payload: &[u8]) {
        let mut s = std::mem::take(&mut self.scratch);
        s.clear();
        let c = &self.conns[id];
        ws::encode(&mut s, if c.raw { Op::Raw } else { op }, payload, c.mask);
        self.send_wire(id, &s);
        self.scratch = s;
    }

    /// Send bytes that are already framed.
    pub fn send_wire(&mut self, id: usize, wire: &[u8]) {
        let c = &mut self.conns[id];
        if !c.open {
            return;
        }
        if !c.out.is_empty() {
            c.out.extend_from_slice(wire);
            return;
        }
        let mut at = 0;
        while at < wire.len() {
            match c.stream.write(&wire[at..]) {
                Ok(n) => at += n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    c.out.extend_from_slice(&wire[at..]);
                    return;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.fail(id, format!("write: {e}"));
                    return;
                }
            }
        }
    }

    fn flush(&mut self, id: usize) {
        let c = &mut self.conns[id];
        while !c.out.is_empty() {
            match c.stream.write(&c.out) {
                Ok(n) => {
                    c.out.drain(..n);
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.fail(id, format!("write: {e}"));
                    return;
                }
            }
        }
    }

    fn fail(&mut self, id: usize, why: String) {
        if self.conns[id].open {
            self.conns[id].open = false;
            self.closed += 1;
            if self.errors.len() < 8 {
                self.errors.push(format!("conn {id}: {why}"));
            }
            let _ = self.poll.registry().deregister(&mut self.conns[id].stream);
        }
    }

    /// Feed bytes that were read together with the handshake response.
    pub fn feed(&mut self, id: usize, mut data: Vec<u8>, h: &mut impl Handler) {
        if !data.is_empty() {
            self.dispatch(id, &mut data, h);
        }
    }

    fn dispatch(&mut self, id: usize, data: &mut [u8], h: &mut impl Handler) {
        let now = now_ns();
        self.conns[id].bytes_in += data.len() as u64;
        let mut p = std::mem::take(&mut self.parsers[id]);
        let mut bye = false;
        let r = p.feed(data, |op, pl| match op {
            Op::Ping => self.send(id, Op::Pong, pl),
            Op::Pong => {}
            Op::Close => bye = true,
            _ => h.msg(self, id, op, pl, now),
        });
        self.parsers[id] = p;
        if let Err(e) = r {
            self.fail(id, e);
        } else if bye {
            self.fail(id, "closed by the server".into());
        }
    }

    /// Run until `until_ns` or until the handler sets `stop`.
    pub fn run(&mut self, until_ns: u64, h: &mut impl Handler) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        let mut buf = vec![0u8; 256 * 1024];
        self.stop = false;
        while !self.stop {
            let now = now_ns();
            if now >= until_ns {
                break;
            }
            let to = Duration::from_nanos((until_ns - now).min(100_000_000));
            match self.poll.poll(&mut events, Some(to)) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                r => r?,
            }
            for ev in events.iter() {
                if ev.token() == TIMER {
                    let mut n = 0u64;
                    // SAFETY: a timer descriptor yields eight bytes, and `n` has room for them.
                    let r = unsafe { libc::read(self.timer.as_raw_fd(), (&mut n as *mut u64).cast(), 8) };
                    if r == 8 && n > 0 {
                        h.tick(self, n, now_ns());
                    }
                    continue;
                }
                let id = ev.token().0;
                if ev.is_readable() {
                    while self.conns[id].open {
                        match self.conns[id].stream.read(&mut buf) {
                            Ok(0) => {
                                self.fail(id, "end of stream".into());
                                break;
                            }
                            Ok(n) => {
                                self.dispatch(id, &mut buf[..n], h);
                                if n < buf.len() {
                                    break;
                                }
                            }
                            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                            Err(e) => {
                                self.fail(id, format!("read: {e}"));
                                break;
                            }
                        }
                    }
                }
                if ev.is_writable() && self.conns[id].open {
                    self.flush(id);
                }
            }
            h.idle(self, now_ns());
        }
        Ok(())
    }
}
