//! realvirtual v2: one writer sends `data` messages with S signals, N readers receive what the hub makes of them.
//!
//! The hub may forward, coalesce over a cycle, filter by subscription and re-encode. Latency is from the writer's
//! send of a sequence number to the arrival of a message that carries it; the sequence number is itself a signal
//! (`lg_seq`, a 32-bit int), so it survives any re-encoding. Every other signal changes each time it is sent.

use crate::fanout::{seq_at, MARK, SEQ0};
use crate::net::{Ctl, Handler};
use crate::stats::{self, now_ns, Hist, Meter};
use crate::ws::{self, Op};
use crate::{die, merge, secs, Args};
use memchr::memmem;
use serde_json::{json, Map, Value};
use std::collections::HashMap;

const RING: usize = 1 << 16;

pub fn name(i: usize) -> String {
    format!("lg_Cell{:02}.Unit{:03}.Signal{:05}", i / 200 % 100, i / 10 % 1000, i)
}

fn kind(i: usize) -> &'static str {
    match i % 20 {
        0..=9 => "Bool",
        10..=13 => "Int",
        14..=18 => "Float",
        _ => "Text",
    }
}

/// Value of signal `i` in phase `ph`; consecutive phases always differ.
fn value(i: usize, ph: usize) -> Value {
    match kind(i) {
        "Bool" => json!((i + ph).is_multiple_of(2)),
        "Int" => json!((i * 7 % 30011) as i64 + if ph.is_multiple_of(2) { 0 } else { 1 } - 15000),
        "Float" => {
            json!(((i * 37 % 4001) as f64 - 2000.0) * 0.25 + if ph.is_multiple_of(2) { 0.0 } else { 0.125 })
        }
        _ => json!(if ph.is_multiple_of(2) {
            "Running"
        } else {
            "Stopped \"A\" \u{e9}"
        }),
    }
}

struct Rv {
    n: usize,
    writer: usize,
    tpls: Vec<(Vec<u8>, usize)>,
    per_msg: usize,
    next: u64,
    sent_at: Vec<u64>,
    last: Vec<u64>,
    seen: Vec<u64>,
    catalogue: Vec<u8>,
    running: bool,
    sending: bool,
    updates: u64,
    messages: u64,
    snapshots: u64,
    carried: u64,
    disorder: u64,
    unparsed: u64,
    sent: u64,
    hist: Hist,
    slip: Hist,
    due: u64,
    period: u64,
    verify: Vec<HashMap<String, Value>>,
    foreign: u64,
    allowed: Vec<Option<std::collections::HashSet<String>>>,
}

impl Rv {
    fn send_next(&mut self, c: &mut Ctl) {
        let seq = self.next;
        self.next += 1;
        let k = (seq - SEQ0) as usize % self.tpls.len();
        let (t, at) = &mut self.tpls[k];
        t[*at..*at + 10].copy_from_slice(seq.to_string().as_bytes());
        self.sent += 1;
        self.sent_at[seq as usize % RING] = now_ns();
        c.send(self.writer, Op::Text, t);
    }
}

impl Handler for Rv {
    fn msg(&mut self, c: &mut Ctl, id: usize, op: Op, p: &[u8], now: u64) {
        if op != Op::Text {
            self.unparsed += 1;
            return;
        }
        let head = &p[..p.len().min(64)];
        if memmem::find(head, b"\"import_request\"").is_some() {
            let cat = std::mem::take(&mut self.catalogue);
            c.send(id, Op::Text, &cat);
            self.catalogue = cat;
            return;
        }
        if id == self.writer {
            return;
        }
        let snap = memmem::find(head, b"\"snapshot\"").is_some();
        let data = snap
            || memmem::find(head, b"\"data\"").is_some()
            || memmem::find(p, b"\"type\":\"data\"").is_some()
            || memmem::find(p, b"\"type\": \"data\"").is_some();
        if !data {
            return;
        }
        if id < self.verify.len() {
            match serde_json::from_slice::<Value>(p) {
                Ok(v) => match v.get("signals").and_then(|s| s.as_object()) {
                    Some(s) => {
                        for (k, x) in s {
                            if let Some(al) = &self.allowed[id] {
                                if !al.contains(k) {
                                    self.foreign += 1;
                                }
                            }
                            self.verify[id].insert(k.clone(), x.clone());
                        }
                    }
                    None => self.unparsed += 1,
                },
                Err(_) => self.unparsed += 1,
            }
        }
        if snap {
            self.snapshots += 1;
            return;
        }
        if !self.running {
            return;
        }
        self.messages += 1;
        self.updates += memmem::find_iter(p, b"\"lg_").count() as u64;
        if let Some(i) = memmem::find(p, MARK) {
            if let Some(s) = seq_at(&p[i + MARK.len()..]) {
                if s >= SEQ0 && s < self.next {
                    if s <= self.last[id] {
                        self.disorder += 1;
                    }
                    self.last[id] = s;
                    self.seen[id] += 1;
                    self.carried += 1;
                    self.hist.add(now.saturating_sub(self.sent_at[s as usize % RING]));
                }
            }
        }
    }

    fn tick(&mut self, c: &mut Ctl, k: u64, now: u64) {
        if !self.sending {
            return;
        }
        for _ in 0..k {
            self.slip.add(now.saturating_sub(self.due));
            self.due += self.period;
            self.send_next(c);
        }
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => (x - y).abs() <= 1e-6 * x.abs().max(1.0),
        _ => a == b,
    }
}

pub fn run(a: &Args) -> Value {
    let url = a.url();
    let (n, s): (usize, usize) = (a.num("n", 10), a.num("signals", 1000));
    let rate: f64 = a.num("rate", 100.0);
    let change: f64 = a.num("change", 1.0);
    let sub: f64 = a.num("subscribe", 0.0);
    let verify: usize = a.num("verify", 1usize).min(n);
    let pids = a.pids();

    // Message templates: windows of the signal set, twice, so that a signal's value differs from its last one.
    let per = ((s as f64 * change).round() as usize).clamp(1, s.max(1));
    let wins = s.div_ceil(per);
    let mut tpls = Vec::new();
    for ph in 0..2 {
        for w in 0..wins {
            let mut t = format!("{{\"type\":\"data\",\"version\":2,\"signals\":{{\"lg_seq\":{SEQ0}");
            for i in (w * per)..((w + 1) * per).min(s) {
                t.push_str(&format!(",{}:{}", json!(name(i)), value(i, ph)));
            }
            t.push_str("}}");
            let at = memmem::find(t.as_bytes(), MARK).unwrap() + MARK.len();
            tpls.push((t.into_bytes(), at));
        }
    }
    let (mut vals, mut types) = (Map::new(), Map::new());
    vals.insert("lg_seq".into(), json!(0));
    types.insert("lg_seq".into(), json!("PLCOutputInt"));
    for i in 0..s {
        vals.insert(name(i), value(i, 1));
        types.insert(name(i), json!(format!("PLCOutput{}", kind(i))));
    }
    let catalogue = json!({"type":"import_answer","version":2,"signals":vals,"signalTypes":types})
        .to_string()
        .into_bytes();

    let base = stats::mem(&pids);
    let mut c = Ctl::new().unwrap_or_else(|e| die(&e.to_string()));
    let mut h = Rv {
        n,
        writer: n,
        per_msg: per + 1,
        tpls,
        next: SEQ0,
        sent_at: vec![0; RING],
        last: vec![0; n],
        seen: vec![0; n],
        catalogue,
        running: false,
        sending: false,
        updates: 0,
        messages: 0,
        snapshots: 0,
        carried: 0,
        disorder: 0,
        unparsed: 0,
        sent: 0,
        hist: Hist::default(),
        slip: Hist::default(),
        due: 0,
        period: (1e9 / rate) as u64,
        verify: vec![HashMap::new(); verify],
        foreign: 0,
        allowed: vec![None; verify],
    };
    let mut early = Vec::new();
    for i in 0..=n {
        let (st, d) = ws::connect(&url, a.src(i), None).unwrap_or_else(|e| die(&format!("connection {i}: {e}")));
        let id = c.add(st, true, false).unwrap_or_else(|e| die(&e.to_string()));
        early.push((id, d));
        let who = if i == n {
            "lg-writer".to_string()
        } else {
            format!("lg-reader-{i}")
        };
        c.send(
            id,
            Op::Text,
            json!({"type":"init","version":2,"name":who}).to_string().as_bytes(),
        );
    }
    for (id, d) in early {
        c.feed(id, d, &mut h);
    }
    let _ = c.run(now_ns() + secs(0.2), &mut h);
    if !a.flag("no-declare") {
        let cat = h.catalogue.clone();
        c.send(n, Op::Text, &cat);
        let _ = c.run(now_ns() + secs(0.3), &mut h);
    }
    if sub > 0.0 {
        let k = ((s as f64 * sub) as usize).max(1).min(s);
        for i in 0..n {
            let from = if n > 1 { i * (s - k) / (n - 1) } else { 0 };
            let mut names: Vec<String> = vec!["lg_seq".into()];
            names.extend((from..from + k).map(name));
            c.send(
                i,
                Op::Text,
                json!({"type":"subscribe","version":2,"subscribe":names})
                    .to_string()
                    .as_bytes(),
            );
            if i < verify {
                h.allowed[i] = Some(names.into_iter().collect());
            }
        }
        let _ = c.run(now_ns() + secs(0.3), &mut h);
    }
    h.running = true;
    h.sending = true;
    h.due = now_ns() + h.period;
    c.set_timer(h.period);
    let _ = c.run(now_ns() + secs(a.num("warm", 0.5)), &mut h);
    h.hist.clear();
    h.slip.clear();
    (h.updates, h.messages, h.carried, h.disorder, h.sent) = (0, 0, 0, 0, 0);
    let m = Meter::start(&pids);
    let _ = c.run(now_ns() + secs(a.num("secs", 2.0)), &mut h);
    let dt = m.seconds();
    let meter = m.json(h.updates, n, Some(base));
    let (sent, updates, messages, carried) = (h.sent, h.updates, h.messages, h.carried);

    // Stop writing, let the hub finish, then the readers must hold the writer's last values.
    h.sending = false;
    c.set_timer(0);
    let _ = c.run(now_ns() + secs(a.num("drain", 0.5)), &mut h);
    let total = h.next - SEQ0;
    let mut want: HashMap<String, Value> = HashMap::new();
    let from = total.saturating_sub(2 * wins as u64);
    for q in from..total {
        let k = q as usize % (2 * wins);
        let (ph, w) = (k / wins, k % wins);
        for i in (w * per)..((w + 1) * per).min(s) {
            want.insert(name(i), value(i, ph));
        }
    }
    want.insert("lg_seq".into(), json!(h.next - 1));
    let mut wrong = 0u64;
    for (r, got) in h.verify.iter().enumerate() {
        for (k, v) in &want {
            if let Some(al) = &h.allowed[r] {
                if !al.contains(k) {
                    continue;
                }
            }
            if !got.get(k).is_some_and(|x| same(x, v)) {
                wrong += 1;
            }
        }
    }
    let behind = h.last.iter().filter(|l| **l != h.next - 1).count();
    merge(
        json!({
            "mode":"rv","n":n,"signals":s,"rate":rate,"change":change,"subscribe":sub,
            "sent_messages":sent,"sent_updates":sent*h.per_msg as u64,
            "received_messages":messages,"delivered_updates":updates,
            "delivered_updates_per_s":(updates as f64/dt).round(),
            "coalesced":(sent*h.n as u64).saturating_sub(carried),
            "snapshots":h.snapshots,"disorder":h.disorder,"unparsed":h.unparsed,"foreign_signals":h.foreign,
            "verified_readers":h.verify.len(),"wrong_final_values":wrong,"readers_behind_at_end":behind,
            "closed":c.closed,"errors":c.errors,
            "latency_us":h.hist.json_us(),"send_slip_us":h.slip.json_us(),
            "failed": updates==0 || wrong>0 || behind>0 || h.foreign>0 || h.unparsed>0 || c.closed>0,
        }),
        meter,
    )
}
