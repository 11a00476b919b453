//! RFC 6455 framing and opening handshake, both sides, without copies for whole frames.

use base64::Engine as _;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Text,
    Binary,
    Ping,
    Pong,
    Close,
    /// Not a WebSocket frame at all: bytes of a plain TCP stream.
    Raw,
}

#[derive(Clone, Debug)]
pub struct Url {
    pub ws: bool,
    pub host: String,
    pub port: u16,
    pub path: String,
}

impl Url {
    /// `ws://host:port/path` or `tcp://host:port`.
    pub fn parse(s: &str) -> Result<Url, String> {
        let (ws, rest) = if let Some(r) = s.strip_prefix("ws://") {
            (true, r)
        } else if let Some(r) = s.strip_prefix("tcp://") {
            (false, r)
        } else {
            return Err(format!("{s}: only ws:// and tcp:// URLs"));
        };
        let (hp, path) = match rest.find('/') {
            Some(i) => (&rest[..i], &rest[i..]),
            None => (rest, "/"),
        };
        let (host, port) = match hp.rfind(':') {
            Some(i) => (&hp[..i], hp[i + 1..].parse().map_err(|_| format!("{s}: bad port"))?),
            None => (hp, 80),
        };
        Ok(Url {
            ws,
            host: host.into(),
            port,
            path: path.into(),
        })
    }
    pub fn addr(&self) -> io::Result<SocketAddr> {
        (self.host.as_str(), self.port)
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::other("no address"))
    }
}

pub fn accept_key(key: &str) -> String {
    let mut h = sha1_smol::Sha1::new();
    h.update(key.as_bytes());
    h.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64::engine::general_purpose::STANDARD.encode(h.digest().bytes())
}

/// Blocking connect and client handshake. Returns the stream and any bytes after the response head.
pub fn connect(url: &Url, src: Option<IpAddr>, subproto: Option<&str>) -> io::Result<(TcpStream, Vec<u8>)> {
    let addr = url.addr()?;
    let sock = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(ip) = src {
        sock.bind(&SocketAddr::new(ip, 0).into())?;
    }
    sock.connect_timeout(&addr.into(), Duration::from_secs(5))?;
    let mut s: TcpStream = sock.into();
    s.set_nodelay(true)?;
    s.set_read_timeout(Some(Duration::from_secs(10)))?;
    if !url.ws {
        return Ok((s, Vec::new()));
    }
    let key = base64::engine::general_purpose::STANDARD.encode(b"wsload-nonce-16b");
    let mut req = format!(
        "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n",
        url.path, url.host, url.port, key
    );
    if let Some(p) = subproto {
        req.push_str(&format!("Sec-WebSocket-Protocol: {p}\r\n"));
    }
    req.push_str("\r\n");
    s.write_all(req.as_bytes())?;
    let mut buf = Vec::with_capacity(1024);
    let mut tmp = [0u8; 4096];
    loop {
        let n = s.read(&mut tmp)?;
        if n == 0 {
            return Err(io::Error::other("closed during handshake"));
        }
        buf.extend_from_slice(&tmp[..n]);
        if let Some(i) = memchr::memmem::find(&buf, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buf[..i]).into_owned();
            if !head.starts_with("HTTP/1.1 101") {
                return Err(io::Error::other(format!(
                    "handshake refused: {}",
                    head.lines().next().unwrap_or("")
                )));
            }
            let want = accept_key(&key);
            let ok = head.lines().any(|l| {
                l.split_once(':')
                    .is_some_and(|(k, v)| k.trim().eq_ignore_ascii_case("sec-websocket-accept") && v.trim() == want)
            });
            if !ok {
                return Err(io::Error::other("wrong Sec-WebSocket-Accept"));
            }
            return Ok((s, buf.split_off(i + 4)));
        }
        if buf.len() > 65536 {
            return Err(io::Error::other("handshake head too long"));
        }
    }
}

/// Server side of the opening handshake on a blocking stream.
pub fn accept(s: &mut TcpStream) -> io::Result<Vec<u8>> {
    s.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut buf = Vec::new();
    let mut tmp = [0u8; 4096];
    let end = loop {
        let n = s.read(&mut tmp)?;
        if n == 0 {
            return Err(io::Error::other("closed during handshake"));
        }
        buf.extend_from_slice(&tmp[..n]);
        if let Some(i) = memchr::memmem::find(&buf, b"\r\n\r\n") {
            break i;
        }
    };
    let head = String::from_utf8_lossy(&buf[..end]).into_owned();
    let key = head
        .lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(k, _)| k.trim().eq_ignore_ascii_case("sec-websocket-key"))
        .map(|(_, v)| v.trim().to_string())
        .ok_or_else(|| io::Error::other("no Sec-WebSocket-Key"))?;
    s.write_all(
        format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n", accept_key(&key))
            .as_bytes(),
    )?;
    Ok(buf.split_off(end + 4))
}

fn xor(data: &mut [u8], key: [u8; 4]) {
    let k = u32::from_ne_bytes(key) as u64;
    let k8 = (k | (k << 32)).to_ne_bytes();
    let mut it = data.chunks_exact_mut(8);
    for c in &mut it {
        for i in 0..8 {
            c[i] ^= k8[i];
        }
    }
    for (i, b) in it.into_remainder().iter_mut().enumerate() {
        *b ^= key[i & 3];
    }
}

/// Append one frame to `out`; `mask` for frames from a client.
pub fn encode(out: &mut Vec<u8>, op: Op, payload: &[u8], mask: bool) {
    let code = match op {
        Op::Text => 1,
        Op::Binary => 2,
        Op::Close => 8,
        Op::Ping => 9,
        Op::Pong => 10,
        Op::Raw => {
            out.extend_from_slice(payload);
            return;
        }
    };
    out.push(0x80 | code);
    let m = if mask { 0x80u8 } else { 0 };
    match payload.len() {
        n @ 0..=125 => out.push(m | n as u8),
        n @ 126..=65535 => {
            out.push(m | 126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(m | 127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    if mask {
        const KEY: [u8; 4] = [0x5a, 0xc3, 0x17, 0xe8];
        out.extend_from_slice(&KEY);
        let at = out.len();
        out.extend_from_slice(payload);
        xor(&mut out[at..], KEY);
    } else {
        out.extend_from_slice(payload);
    }
}

/// Incremental frame parser. Whole frames are handed out in place; only the tail of a read is copied.
#[derive(Default)]
pub struct Parser {
    buf: Vec<u8>,
    frag: Vec<u8>,
    frag_op: u8,
    pub raw: bool,
}

impl Parser {
    pub fn feed(&mut self, data: &mut [u8], mut cb: impl FnMut(Op, &[u8])) -> Result<(), String> {
        if self.raw {
            cb(Op::Raw, data);
            return Ok(());
        }
        if self.buf.is_empty() {
            let used = self.run(data, &mut cb)?;
            if used < data.len() {
                self.buf.extend_from_slice(&data[used..]);
            }
        } else {
            let mut b = std::mem::take(&mut self.buf);
            b.extend_from_slice(data);
            let used = self.run(&mut b, &mut cb)?;
            if used > 0 {
                b.copy_within(used.., 0);
                b.truncate(b.len() - used);
            }
            self.buf = b;
        }
        Ok(())
    }

    fn run(&mut self, b: &mut [u8], cb: &mut impl FnMut(Op, &[u8])) -> Result<usize, String> {
        let mut at = 0;
        loop {
            let r = &mut b[at..];
            if r.len() < 2 {
                return Ok(at);
            }
            let (b0, b1) = (r[0], r[1]);
            if b0 & 0x70 != 0 {
                return Err(format!("reserved bits set: {b0:#x}"));
            }
            let (mut h, len) = match b1 & 0x7f {
                126 if r.len() >= 4 => (4, u16::from_be_bytes([r[2], r[3]]) as usize),
                127 if r.len() >= 10 => (10, u64::from_be_bytes(r[2..10].try_into().unwrap()) as usize),
                126 | 127 => return Ok(at),
                n => (2, n as usize),
            };
            if len > 1 << 30 {
                return Err(format!("frame of {len} bytes"));
            }
            let masked = b1 & 0x80 != 0;
            let key_at = h;
            if masked {
                h += 4;
            }
            if r.len() < h + len {
                return Ok(at);
            }
            if masked {
                let key = r[key_at..key_at + 4].try_into().unwrap();
                xor(&mut r[h..h + len], key);
            }
            let pl = &r[h..h + len];
            let (fin, code) = (b0 & 0x80 != 0, b0 & 0x0f);
            match code {
                0 => {
                    self.frag.extend_from_slice(pl);
                    if fin {
                        let f = std::mem::take(&mut self.frag);
                        cb(if self.frag_op == 1 { Op::Text } else { Op::Binary }, &f);
                    }
                }
                1 | 2 if fin => cb(if code == 1 { Op::Text } else { Op::Binary }, pl),
                1 | 2 => {
                    self.frag_op = code;
                    self.frag.clear();
                    self.frag.extend_from_slice(pl);
                }
                8 => cb(Op::Close, pl),
                9 => cb(Op::Ping, pl),
                10 => cb(Op::Pong, pl),
                c => return Err(format!("unknown opcode {c}")),
            }
            at += h + len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn accept_vector() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
    #[test]
    fn frames_survive_any_split() {
        for mask in [false, true] {
            let msgs: Vec<Vec<u8>> = [0usize, 1, 125, 126, 300, 65535, 65536, 70001]
                .iter()
                .map(|&n| (0..n).map(|i| (i * 7) as u8).collect())
                .collect();
            let mut wire = Vec::new();
            for m in &msgs {
                encode(&mut wire, Op::Binary, m, mask);
            }
            for step in [1usize, 3, 1000, 1 << 20] {
                let mut p = Parser::default();
                let mut got: Vec<Vec<u8>> = Vec::new();
                if step == 1 && wire.len() > 100_000 {
                    // one byte at a time is quadratic on the largest frames: use the small ones
                    let mut w = Vec::new();
                    for m in &msgs[..5] {
                        encode(&mut w, Op::Binary, m, mask);
                    }
                    for c in w.chunks_mut(1) {
                        p.feed(c, |_, x| got.push(x.to_vec())).unwrap();
                    }
                    assert_eq!(got, msgs[..5]);
                    continue;
                }
                let mut w = wire.clone();
                for c in w.chunks_mut(step) {
                    p.feed(c, |_, x| got.push(x.to_vec())).unwrap();
                }
                assert_eq!(got, msgs);
            }
        }
    }
    #[test]
    fn fragments_join() {
        let mut w = vec![0x01, 2, b'a', b'b', 0x89, 0, 0x80, 1, b'c'];
        let mut got = Vec::new();
        Parser::default()
            .feed(&mut w, |o, x| got.push((o, x.to_vec())))
            .unwrap();
        assert_eq!(got, vec![(Op::Ping, vec![]), (Op::Text, b"abc".to_vec())]);
    }
}
