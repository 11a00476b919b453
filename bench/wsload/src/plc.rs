//! PiPLC: N subscribers take 2704-byte memory snapshots at an interval; how regular are they?

use crate::net::{Ctl, Handler};
use crate::stats::{self, now_ns, Hist, Meter};
use crate::ws::{self, Op};
use crate::{die, merge, secs, Args};
use memchr::memmem;
use serde_json::{json, Value};

const SNAP: usize = 2704;

struct Plc {
    interval_ms: f64,
    last: Vec<(u64, u32, u32)>,
    measuring: bool,
    greeted: usize,
    snaps: u64,
    bad: u64,
    gaps: u64,
    text: u64,
    little: u64,
    dev: Hist,
    gap: Hist,
    srv_dev: Hist,
    replies: Vec<String>,
}

impl Handler for Plc {
    fn msg(&mut self, c: &mut Ctl, id: usize, op: Op, p: &[u8], now: u64) {
        if op == Op::Text {
            self.text += 1;
            let head = &p[..p.len().min(200)];
            if memmem::find(head, b"hello.reply").is_some() {
                self.greeted += 1;
                let iv = self.interval_ms;
                let iv = if iv.fract() == 0.0 { json!(iv as i64) } else { json!(iv) };
                c.send(
                    id,
                    Op::Text,
                    json!({"type":"memory.subscribe","seq":2,"intervalMs":iv})
                        .to_string()
                        .as_bytes(),
                );
            } else if memmem::find(head, b"event.ping").is_some() {
                c.send(id, Op::Text, b"{\"type\":\"pong\"}");
            } else if id == 0 && self.replies.len() < 16 {
                self.replies.push(String::from_utf8_lossy(head).into_owned());
            }
            return;
        }
        let le = p.len() == SNAP && p[..4] == 0x504D_454Du32.to_le_bytes();
        if !(le || p.len() == SNAP && &p[..4] == b"PMEM") {
            self.bad += 1;
            return;
        }
        self.little += le as u64;
        let seq = u32::from_le_bytes(p[4..8].try_into().unwrap());
        let ts = u32::from_le_bytes(p[8..12].try_into().unwrap());
        let (t0, s0, m0) = std::mem::replace(&mut self.last[id], (now, seq, ts));
        if !self.measuring || t0 == 0 {
            return;
        }
        self.snaps += 1;
        self.gaps += (seq.wrapping_sub(s0) != 1) as u64;
        let iv = (self.interval_ms * 1e6) as u64;
        self.gap.add(now - t0);
        self.dev.add((now - t0).abs_diff(iv));
        self.srv_dev.add((ts.wrapping_sub(m0) as u64 * 1_000_000).abs_diff(iv));
    }
    fn tick(&mut self, _: &mut Ctl, _: u64, _: u64) {}
}

pub fn run(a: &Args) -> Value {
    let url = a.url();
    let n: usize = a.num("n", 10);
    let interval: f64 = a.num("interval-ms", 50.0);
    let pids = a.pids();
    let base = stats::mem(&pids);
    let mut c = Ctl::new().unwrap_or_else(|e| die(&e.to_string()));
    let mut h = Plc {
        interval_ms: interval,
        last: vec![(0, 0, 0); n],
        measuring: false,
        greeted: 0,
        snaps: 0,
        bad: 0,
        gaps: 0,
        text: 0,
        little: 0,
        dev: Hist::default(),
        gap: Hist::default(),
        srv_dev: Hist::default(),
        replies: Vec::new(),
    };
    let mut early = Vec::new();
    for i in 0..n {
        let (s, d) = ws::connect(&url, a.src(i), None).unwrap_or_else(|e| die(&format!("connection {i}: {e}")));
        let id = c.add(s, true, false).unwrap_or_else(|e| die(&e.to_string()));
        let hello =
            json!({"type":"hello","seq":1,"protocolVersion":1,"clientName":format!("lg-{i}"),"clientVersion":"0"});
        c.send(id, Op::Text, hello.to_string().as_bytes());
        early.push((id, d));
    }
    for (id, d) in early {
        c.feed(id, d, &mut h);
    }
    let _ = c.run(now_ns() + secs(0.5), &mut h);
    if let Some(f) = a.opt("download") {
        let xml = std::fs::read_to_string(f).unwrap_or_else(|e| die(&format!("{f}: {e}")));
        c.send(
            0,
            Op::Text,
            json!({"type":"program.download","seq":10,"format":"plcproj-xml","data":xml})
                .to_string()
                .as_bytes(),
        );
        let _ = c.run(now_ns() + secs(0.5), &mut h);
    }
    if a.flag("start") {
        c.send(0, Op::Text, b"{\"type\":\"engine.start\",\"seq\":11}");
    }
    let _ = c.run(now_ns() + secs(a.num("warm", 0.5)), &mut h);
    h.measuring = true;
    let m = Meter::start(&pids);
    let _ = c.run(now_ns() + secs(a.num("secs", 3.0)), &mut h);
    let dt = m.seconds();
    let meter = m.json(h.snaps, n, Some(base));
    let want = n as f64 * dt * 1000.0 / interval;
    merge(
        json!({
            "mode":"plc","n":n,"interval_ms":interval,"greeted":h.greeted,
            "snapshots":h.snaps,"snapshots_per_s":(h.snaps as f64/dt).round(),
            "of_nominal":(h.snaps as f64/want*1e4).round()/1e4,
            "sequence_gaps":h.gaps,"bad_frames":h.bad,"magic_little_endian":h.little>0,
            "interval_us":h.gap.json_us(),"deviation_us":h.dev.json_us(),"server_clock_deviation_us":h.srv_dev.json_us(),
            "replies":h.replies,"closed":c.closed,"errors":c.errors,
            "failed":h.snaps==0||h.bad>0||c.closed>0,
        }),
        meter,
    )
}
