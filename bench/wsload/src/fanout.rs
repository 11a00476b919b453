//! One writer, N readers, the same bytes to every reader. Works with any relay: WebSocket, MQTT, NATS.

use crate::net::{Ctl, Handler};
use crate::stats::{self, now_ns, Hist, Meter};
use crate::ws::{self, Op};
use crate::{die, merge, secs, Args};
use memchr::memmem;
use serde_json::{json, Value};

pub const MARK: &[u8] = b"\"lg_seq\":";
pub const SEQ0: u64 = 1_000_000_000;
const RING: usize = 1 << 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Proto {
    Ws,
    Mqtt,
    Nats,
}

/// The 10-digit sequence number after the marker; white space before it is allowed.
pub fn seq_at(p: &[u8]) -> Option<u64> {
    let p = &p[p.iter().take_while(|b| **b == b' ').count()..];
    let mut v = 0u64;
    let mut n = 0;
    for b in p {
        if !b.is_ascii_digit() {
            break;
        }
        v = v * 10 + (b - b'0') as u64;
        n += 1;
    }
    (n == 10).then_some(v)
}

struct Fan {
    proto: Proto,
    stream: bool,
    n: usize,
    writer: usize,
    window: usize,
    tpl: Vec<u8>,
    patch: usize,
    next: u64,
    sent_at: Vec<u64>,
    left: Vec<u32>,
    last: Vec<u64>,
    tails: Vec<Vec<u8>>,
    completed: u64,
    credit: usize,
    ready: usize,
    running: bool,
    rate_sent: u64,
    delivered: u64,
    sent: u64,
    disorder: u64,
    stalls: u64,
    last_done: (u64, u64),
    hist: Hist,
    slip: Hist,
    due: u64,
    period: u64,
}

fn mqtt_len(out: &mut Vec<u8>, mut n: usize) {
    loop {
        let b = (n & 127) as u8;
        n >>= 7;
        out.push(if n > 0 { b | 128 } else { b });
        if n == 0 {
            return;
        }
    }
}

impl Fan {
    fn send_next(&mut self, c: &mut Ctl) {
        let seq = self.next;
        self.next += 1;
        let digits = seq.to_string();
        self.tpl[self.patch..self.patch + 10].copy_from_slice(digits.as_bytes());
        let k = seq as usize % RING;
        self.left[k] = self.n as u32;
        self.sent += 1;
        self.sent_at[k] = now_ns();
        c.send(
            self.writer,
            if self.proto == Proto::Ws { Op::Text } else { Op::Binary },
            &self.tpl,
        );
    }

    fn got(&mut self, reader: usize, seq: u64, now: u64) {
        if seq < SEQ0 || seq >= self.next {
            return;
        }
        if seq <= self.last[reader] {
            self.disorder += 1;
        }
        self.last[reader] = seq;
        self.delivered += 1;
        let k = seq as usize % RING;
        self.hist.add(now.saturating_sub(self.sent_at[k]));
        if self.left[k] > 0 {
            self.left[k] -= 1;
            if self.left[k] == 0 {
                self.completed += 1;
                self.credit += 1;
            }
        }
    }
}

impl Handler for Fan {
    fn msg(&mut self, c: &mut Ctl, id: usize, _op: Op, p: &[u8], now: u64) {
        if !self.running {
            match self.proto {
                Proto::Ws => {}
                Proto::Mqtt => {
                    if p[0] == 0x20 && id != self.writer {
                        c.send(id, Op::Binary, &[0x82, 6, 0, 1, 0, 1, b't', 0]);
                    } else if p[0] == 0x20 || p[0] == 0x90 {
                        self.ready += 1;
                    }
                }
                Proto::Nats => {
                    if memmem::find(p, b"PONG").is_some() {
                        self.ready += 1;
                    }
                }
            }
            c.stop = self.ready == self.n + 1;
            return;
        }
        if id == self.writer {
            return;
        }
        let reader = id;
        if !self.stream {
            let head = &p[..p.len().min(256)];
            if let Some(i) = memmem::find(head, MARK) {
                if let Some(s) = seq_at(&head[i + MARK.len()..]) {
                    self.got(reader, s, now);
                }
            }
            return;
        }
        let mut tail = std::mem::take(&mut self.tails[reader]);
        let keep = MARK.len() + 10;
        let whole: &[u8] = if tail.is_empty() {
            p
        } else {
            tail.extend_from_slice(p);
            &tail
        };
        let mut end = 0;
        for i in memmem::find_iter(whole, MARK) {
            let j = i + MARK.len();
            if j + 10 <= whole.len() {
                if let Some(s) = seq_at(&whole[j..j + 10]) {
                    self.got(reader, s, now);
                }
                end = j + 10;
            }
        }
        let from = end.max(whole.len().saturating_sub(keep));
        let rest = whole[from..].to_vec();
        self.tails[reader] = rest;
    }

    fn tick(&mut self, c: &mut Ctl, k: u64, now: u64) {
        if !self.running {
            return;
        }
        if self.window > 0 {
            if self.last_done.0 != self.completed {
                self.last_done = (self.completed, now);
            } else if now - self.last_done.1 > 1_000_000_000 {
                self.stalls += 1;
                self.credit = self.window;
                self.last_done.1 = now;
            }
            return;
        }
        for _ in 0..k {
            self.slip.add(now.saturating_sub(self.due));
            self.due += self.period;
            self.rate_sent += 1;
            self.send_next(c);
        }
    }

    fn idle(&mut self, c: &mut Ctl, _now: u64) {
        if self.running && self.window > 0 {
            while self.credit > 0 {
                self.credit -= 1;
                self.send_next(c);
            }
        }
    }
}

pub fn run(a: &Args) -> Value {
    let url = a.url();
    let n: usize = a.num("n", 100);
    let size: usize = a.num("size", 100);
    let rate: f64 = a.num("rate", 0.0);
    let window: usize = if rate > 0.0 { 0 } else { a.num("window", 16) };
    let proto = match a.opt("proto").unwrap_or("ws") {
        "ws" => Proto::Ws,
        "mqtt" => Proto::Mqtt,
        "nats" => Proto::Nats,
        p => die(&format!("--proto {p}: ws, mqtt or nats")),
    };
    let pids = a.pids();
    let base = stats::mem(&pids);

    let mut body = format!("{{\"type\":\"data\",\"signals\":{{\"lg_seq\":{SEQ0},\"p\":\"").into_bytes();
    let end = b"\"}}";
    body.resize(size.max(body.len() + end.len()) - end.len(), b'x');
    body.extend_from_slice(end);
    let mut tpl = Vec::new();
    match proto {
        Proto::Ws => tpl = body,
        Proto::Mqtt => {
            tpl.push(0x30);
            mqtt_len(&mut tpl, 3 + body.len());
            tpl.extend_from_slice(&[0, 1, b't']);
            tpl.extend_from_slice(&body);
        }
        Proto::Nats => {
            tpl.extend_from_slice(format!("PUB t {}\r\n", body.len()).as_bytes());
            tpl.extend_from_slice(&body);
            tpl.extend_from_slice(b"\r\n");
        }
    }
    let patch = memmem::find(&tpl, MARK).unwrap() + MARK.len();

    let mut h = Fan {
        proto,
        stream: !url.ws || proto == Proto::Nats,
        n,
        writer: n,
        window,
        tpl,
        patch,
        next: SEQ0,
        sent_at: vec![0; RING],
        left: vec![0; RING],
        last: vec![0; n],
        tails: vec![Vec::new(); n],
        completed: 0,
        credit: 0,
        ready: 0,
        running: false,
        rate_sent: 0,
        delivered: 0,
        sent: 0,
        disorder: 0,
        stalls: 0,
        last_done: (0, now_ns()),
        hist: Hist::default(),
        slip: Hist::default(),
        due: 0,
        period: 0,
    };
    let mut c = Ctl::new().unwrap_or_else(|e| die(&e.to_string()));
    let sub = a
        .opt("subproto")
        .or(if proto == Proto::Mqtt { Some("mqtt") } else { None });
    let mut early = Vec::new();
    for i in 0..=n {
        let (s, data) = ws::connect(&url, a.src(i), sub).unwrap_or_else(|e| die(&format!("connection {i}: {e}")));
        let id = c.add(s, true, !url.ws).unwrap_or_else(|e| die(&e.to_string()));
        early.push((id, data));
        match proto {
            Proto::Ws => {
                let f = if i < n { a.opt("first") } else { a.opt("writer-first") };
                if let Some(f) = f {
                    c.send(id, Op::Text, f.as_bytes());
                }
            }
            Proto::Mqtt => {
                let cid = format!("lg{i}");
                let mut p = vec![0x10];
                mqtt_len(&mut p, 12 + cid.len());
                p.extend_from_slice(&[0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0]);
                p.extend_from_slice(&(cid.len() as u16).to_be_bytes());
                p.extend_from_slice(cid.as_bytes());
                c.send(id, Op::Binary, &p);
            }
            Proto::Nats => {
                let mut p = String::from("CONNECT {\"verbose\":false,\"pedantic\":false}\r\n");
                if i < n {
                    p.push_str("SUB t 1\r\n");
                }
                p.push_str("PING\r\n");
                c.send(id, Op::Binary, p.as_bytes());
            }
        }
    }
    for (id, d) in early {
        c.feed(id, d, &mut h);
    }
    let wait = if proto == Proto::Ws { 0.2 } else { 10.0 };
    let _ = c.run(now_ns() + secs(wait), &mut h);
    if proto != Proto::Ws && h.ready != n + 1 {
        die(&format!("{} of {} sessions were ready; {:?}", h.ready, n + 1, c.errors));
    }

    h.running = true;
    if window > 0 {
        c.set_timer(100_000_000);
        h.last_done = (0, now_ns());
        for _ in 0..window {
            h.send_next(&mut c);
        }
    } else {
        h.period = (1e9 / rate) as u64;
        h.due = now_ns() + h.period;
        c.set_timer(h.period);
    }
    let _ = c.run(now_ns() + secs(a.num("warm", 0.3)), &mut h);
    h.hist.clear();
    h.slip.clear();
    (h.delivered, h.sent, h.disorder, h.stalls) = (0, 0, 0, 0);
    let bytes0: u64 = c.conns.iter().map(|x| x.bytes_in).sum();
    let m = Meter::start(&pids);
    let _ = c.run(now_ns() + secs(a.num("secs", 1.0)), &mut h);
    let dt = m.seconds();
    let meter = m.json(h.delivered, n, Some(base));
    let bytes = c.conns.iter().map(|x| x.bytes_in).sum::<u64>() - bytes0;
    merge(
        json!({
            "mode":"fanout","proto":format!("{proto:?}"),"n":n,"size":size,"rate":rate,"window":window,
            "sent":h.sent,"delivered":h.delivered,"delivered_per_s":(h.delivered as f64/dt).round(),
            "mb_per_s":(bytes as f64/dt/1e4).round()/100.0,
            "delivered_of_sent":((h.delivered as f64/(h.sent.max(1) as f64*n as f64))*1e4).round()/1e4,
            "disorder":h.disorder,"stalls":h.stalls,"closed":c.closed,"errors":c.errors,
            "latency_us":h.hist.json_us(),"send_slip_us":h.slip.json_us(),
            "failed": h.delivered==0 || c.closed>0,
        }),
        meter,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn seq() {
        assert_eq!(seq_at(b"1000000042,"), Some(1_000_000_042));
        assert_eq!(seq_at(b" 1000000042}"), Some(1_000_000_042));
        assert_eq!(seq_at(b"12,"), None);
    }
    #[test]
    fn mqtt_lengths() {
        let mut v = Vec::new();
        mqtt_len(&mut v, 321);
        assert_eq!(v, [193, 2]);
    }
}
