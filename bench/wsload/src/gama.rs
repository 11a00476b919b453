//! The simulation server's side and the headsets' side of a SIMPLE web platform, around the platform under test.
//!
//! Listens where the platform's outbound client connects, answers its commands, sends `SimulationOutput` with
//! contents per player, and receives what the platform forwards to N headsets (one loopback address each, because
//! the platform keys players by address).

use crate::fanout::{seq_at, MARK, SEQ0};
use crate::net::{Ctl, Handler};
use crate::stats::{self, now_ns, Hist, Meter};
use crate::ws::{self, Op, Url};
use crate::{die, merge, secs, Args};
use memchr::memmem;
use serde_json::{json, Value};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

const RING: usize = 1 << 16;

struct Gama {
    n: usize,
    gama: usize,
    monitor: Option<usize>,
    wire: Vec<u8>,
    patches: Vec<usize>,
    next: u64,
    sent_at: Vec<u64>,
    left: Vec<u32>,
    last: Vec<u64>,
    period: u64,
    due: u64,
    window: usize,
    credit: usize,
    sending: bool,
    outputs: u64,
    delivered: u64,
    foreign: u64,
    disorder: u64,
    states: u64,
    pings: u64,
    commands: u64,
    monitor_msgs: u64,
    hist: Hist,
    slip: Hist,
}

impl Gama {
    fn send_next(&mut self, c: &mut Ctl) {
        let seq = self.next;
        self.next += 1;
        let d = seq.to_string();
        for p in &self.patches {
            self.wire[*p..*p + 10].copy_from_slice(d.as_bytes());
        }
        let k = seq as usize % RING;
        self.left[k] = self.n as u32;
        self.outputs += 1;
        self.sent_at[k] = now_ns();
        c.send_wire(self.gama, &self.wire);
    }
}

impl Handler for Gama {
    fn msg(&mut self, c: &mut Ctl, id: usize, _op: Op, p: &[u8], now: u64) {
        if id == self.gama {
            self.commands += 1;
            let Ok(v) = serde_json::from_slice::<Value>(p) else {
                return;
            };
            let ty = v["type"].as_str().unwrap_or("").to_string();
            let say = |c: &mut Ctl, v: Value| c.send(id, Op::Text, v.to_string().as_bytes());
            let exp = "0";
            say(
                c,
                json!({"type":"CommandExecutedSuccessfully","content":exp,"command":v}),
            );
            let state = match ty.as_str() {
                "load" => "PAUSED",
                "play" => "RUNNING",
                "pause" => "PAUSED",
                "stop" => "NONE",
                _ => return,
            };
            say(c, json!({"type":"SimulationStatus","exp_id":exp,"content":state}));
            if ty == "load" {
                say(c, json!({"type":"SimulationStatus","exp_id":exp,"content":"RUNNING"}));
            }
            return;
        }
        if Some(id) == self.monitor {
            self.monitor_msgs += 1;
            return;
        }
        let head = &p[..p.len().min(64)];
        if let Some(i) = memmem::find(p, MARK) {
            let Some(s) = seq_at(&p[i + MARK.len()..]) else {
                return;
            };
            // Filtering: the message must be for this player.
            if let Some(j) = memmem::find(p, b"\"lg_for\":") {
                let r = &p[j + 9..];
                let r = &r[memchr::memchr(b'"', r).map_or(0, |q| q + 1)..];
                let e = memchr::memchr(b'"', r).unwrap_or(0);
                let who = &r[..e];
                if who != b"*" && who != format!("P{id}").as_bytes() {
                    self.foreign += 1;
                }
            }
            if s < SEQ0 || s >= self.next {
                return;
            }
            self.disorder += (s <= self.last[id]) as u64;
            self.last[id] = s;
            self.delivered += 1;
            let k = s as usize % RING;
            self.hist.add(now.saturating_sub(self.sent_at[k]));
            if self.left[k] > 0 {
                self.left[k] -= 1;
                if self.left[k] == 0 {
                    self.credit += 1;
                }
            }
        } else if memmem::find(head, b"\"ping\"").is_some() {
            self.pings += 1;
            c.send(id, Op::Text, b"{\"type\":\"pong\"}");
        } else if memmem::find(head, b"json_state").is_some() {
            self.states += 1;
        }
    }
    fn tick(&mut self, c: &mut Ctl, k: u64, now: u64) {
        if !self.sending || self.window > 0 {
            return;
        }
        for _ in 0..k {
            self.slip.add(now.saturating_sub(self.due));
            self.due += self.period;
            self.send_next(c);
        }
    }
    fn idle(&mut self, c: &mut Ctl, _now: u64) {
        while self.sending && self.window > 0 && self.credit > 0 {
            self.credit -= 1;
            self.send_next(c);
        }
    }
}

pub fn run(a: &Args) -> Value {
    let url = a.url(); // the headset port of the platform
    let n: usize = a.num("n", 6);
    let size: usize = a.num("size", 2000);
    let rate: f64 = a.num("rate", 0.0);
    let window: usize = if rate > 0.0 { 0 } else { a.num("window", 4) };
    let port: u16 = a.num("gama-port", 1000);
    let pids = a.pids();

    let l = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap_or_else(|e| die(&format!("gama port {port}: {e}")));
    l.set_nonblocking(true).ok();
    let t = Instant::now();
    let (mut gs, early_g) = loop {
        match l.accept() {
            Ok((mut s, _)) => {
                s.set_nonblocking(false).ok();
                s.set_nodelay(true).ok();
                match ws::accept(&mut s) {
                    Ok(d) => break (s, d),
                    Err(e) => eprintln!("gama side: {e}"),
                }
            }
            Err(_) if t.elapsed() < Duration::from_secs(a.num("gama-wait", 20)) => {
                std::thread::sleep(Duration::from_millis(5))
            }
            Err(e) => die(&format!("the platform did not connect to the gama port: {e}")),
        }
    };
    let connect_wait = t.elapsed().as_secs_f64();
    let base = stats::mem(&pids);
    let mut c = Ctl::new().unwrap_or_else(|e| die(&e.to_string()));
    let mut early = Vec::new();
    for i in 0..n {
        let k = i + 1;
        let src = IpAddr::V4(Ipv4Addr::new(127, 77, (k / 250) as u8, (k % 250 + 1) as u8));
        let (s, d) = ws::connect(&url, Some(src), None).unwrap_or_else(|e| die(&format!("headset {i}: {e}")));
        let id = c.add(s, true, false).unwrap_or_else(|e| die(&e.to_string()));
        early.push((id, d));
        c.send(
            id,
            Op::Text,
            json!({"type":"connection","id":format!("P{i}"),"heartbeat":a.num("heartbeat",5000)})
                .to_string()
                .as_bytes(),
        );
    }
    gs.set_read_timeout(None).ok();
    use std::io::Write as _;
    let mut hello = Vec::new();
    ws::encode(
        &mut hello,
        Op::Text,
        json!({"type":"ConnectionSuccessful","content":"0"})
            .to_string()
            .as_bytes(),
        false,
    );
    gs.write_all(&hello).ok();
    let gama = c.add(gs, false, false).unwrap_or_else(|e| die(&e.to_string()));

    // One SimulationOutput frame; the sequence number is patched in place (server frames are not masked).
    let pad = "v".repeat(size.saturating_sub(60));
    let contents: Vec<Value> = if a.flag("shared") {
        let ids: Vec<String> = (0..n).map(|i| format!("P{i}")).collect();
        vec![json!({"id":ids,"contents":{"lg_seq":SEQ0,"lg_for":"*","pad":pad}})]
    } else {
        (0..n)
            .map(|i| json!({"id":[format!("P{i}")],"contents":{"lg_seq":SEQ0,"lg_for":format!("P{i}"),"pad":pad}}))
            .collect()
    };
    let out =
        json!({"type":"SimulationOutput","exp_id":"0","content":json!({"contents":contents}).to_string()}).to_string();
    let mut wire = Vec::new();
    ws::encode(&mut wire, Op::Text, out.as_bytes(), false);
    let digits = SEQ0.to_string();
    let patches: Vec<usize> = memmem::find_iter(&wire, digits.as_bytes()).collect();
    let frame_bytes = wire.len();

    let mut h = Gama {
        n,
        gama,
        monitor: None,
        wire,
        patches,
        next: SEQ0,
        sent_at: vec![0; RING],
        left: vec![0; RING],
        last: vec![0; n],
        period: if rate > 0.0 { (1e9 / rate) as u64 } else { 0 },
        due: 0,
        window,
        credit: 0,
        sending: false,
        outputs: 0,
        delivered: 0,
        foreign: 0,
        disorder: 0,
        states: 0,
        pings: 0,
        commands: 0,
        monitor_msgs: 0,
        hist: Hist::default(),
        slip: Hist::default(),
    };
    if let Some(m) = a.opt("monitor") {
        let mu = Url::parse(m).unwrap_or_else(|e| die(&e));
        let (s, d) = ws::connect(&mu, None, None).unwrap_or_else(|e| die(&format!("monitor: {e}")));
        let id = c.add(s, true, false).unwrap_or_else(|e| die(&e.to_string()));
        h.monitor = Some(id);
        early.push((id, d));
    }
    early.push((gama, early_g));
    for (id, d) in early {
        c.feed(id, d, &mut h);
    }
    let _ = c.run(now_ns() + secs(0.5), &mut h);
    if let (Some(id), true) = (h.monitor, a.flag("launch")) {
        for m in [
            json!({"type":"get_simulation_informations"}),
            json!({"type":"get_simulation_by_index","simulationIndex":a.num("simulation",0)}),
            json!({"type":"launch_experiment"}),
        ] {
            c.send(id, Op::Text, m.to_string().as_bytes());
            let _ = c.run(now_ns() + secs(0.4), &mut h);
        }
        let _ = c.run(now_ns() + secs(1.5), &mut h);
    }
    h.sending = true;
    if window > 0 {
        for _ in 0..window {
            h.send_next(&mut c);
        }
    } else {
        h.due = now_ns() + h.period;
        c.set_timer(h.period);
    }
    let _ = c.run(now_ns() + secs(a.num("warm", 1.0)), &mut h);
    h.hist.clear();
    h.slip.clear();
    (h.outputs, h.delivered, h.disorder) = (0, 0, 0);
    let m = Meter::start(&pids);
    let _ = c.run(now_ns() + secs(a.num("secs", 2.0)), &mut h);
    let dt = m.seconds();
    let meter = m.json(h.delivered, n, Some(base));
    let (outputs, delivered) = (h.outputs, h.delivered);
    h.sending = false;
    c.set_timer(0);
    let _ = c.run(now_ns() + secs(0.5), &mut h);
    let behind = h.last.iter().filter(|l| **l != h.next - 1).count();
    merge(
        json!({
            "mode":"gama","n":n,"size":size,"shared":a.flag("shared"),"rate":rate,"window":window,"gama_connect_s":(connect_wait*1e3).round()/1e3,
            "output_frame_bytes":frame_bytes,"outputs":outputs,"outputs_per_s":(outputs as f64/dt*10.0).round()/10.0,
            "delivered":delivered,"delivered_per_s":(delivered as f64/dt).round(),
            "input_mb_per_s":(outputs as f64*frame_bytes as f64/dt/1e4).round()/100.0,
            "foreign":h.foreign,"disorder":h.disorder,"headsets_behind_at_end":behind,
            "json_states":h.states,"pings":h.pings,"commands":h.commands,"monitor_messages":h.monitor_msgs,
            "latency_us":h.hist.json_us(),"send_slip_us":h.slip.json_us(),
            "closed":c.closed,"errors":c.errors,"failed":delivered==0||h.foreign>0||behind>0||c.closed>0,
        }),
        meter,
    )
}
