//! wsload: load generator and meter for a signal hub. See README.md for the modes.

mod fanout;
mod gama;
mod net;
mod plc;
mod rv;
mod stats;
mod ws;

use serde_json::{json, Value};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

pub struct Args {
    map: HashMap<String, Vec<String>>,
    pub rest: Vec<String>,
}

impl Args {
    fn parse(it: impl Iterator<Item = String>) -> Args {
        let mut map: HashMap<String, Vec<String>> = HashMap::new();
        let mut rest = Vec::new();
        let mut it = it.peekable();
        while let Some(a) = it.next() {
            if a == "--" {
                rest.extend(it);
                break;
            }
            match a.strip_prefix("--") {
                Some(k) => {
                    let v = match it.peek() {
                        Some(v) if !v.starts_with("--") => it.next().unwrap(),
                        _ => "1".to_string(),
                    };
                    map.entry(k.to_string()).or_default().push(v);
                }
                None => die(&format!("unexpected argument {a}")),
            }
        }
        Args { map, rest }
    }
    pub fn opt(&self, k: &str) -> Option<&str> {
        self.map.get(k).and_then(|v| v.last()).map(|s| s.as_str())
    }
    pub fn num<T: std::str::FromStr>(&self, k: &str, default: T) -> T {
        match self.opt(k) {
            None => default,
            Some(s) => s.parse().unwrap_or_else(|_| die(&format!("--{k}: bad value {s}"))),
        }
    }
    pub fn flag(&self, k: &str) -> bool {
        self.map.contains_key(k)
    }
    pub fn pids(&self) -> Vec<i32> {
        self.map
            .get("pid")
            .map(|v| {
                v.iter()
                    .flat_map(|s| s.split(','))
                    .filter_map(|s| s.parse().ok())
                    .collect()
            })
            .unwrap_or_default()
    }
    pub fn url(&self) -> ws::Url {
        ws::Url::parse(self.opt("url").unwrap_or_else(|| die("--url is needed"))).unwrap_or_else(|e| die(&e))
    }
    /// Source address of client `i` when `--src-spread` asks for one loopback address per client.
    pub fn src(&self, i: usize) -> Option<IpAddr> {
        if self.flag("src-spread") {
            let k = i + 1;
            Some(IpAddr::V4(Ipv4Addr::new(127, 77, (k / 250) as u8, (k % 250 + 1) as u8)))
        } else {
            None
        }
    }
}

pub fn die(s: &str) -> ! {
    eprintln!("wsload: {s}");
    std::process::exit(2)
}

pub fn secs(s: f64) -> u64 {
    (s * 1e9) as u64
}

pub fn merge(mut a: Value, b: Value) -> Value {
    if let (Some(x), Value::Object(y)) = (a.as_object_mut(), b) {
        x.extend(y);
    }
    a
}

fn idle(a: &Args) -> Value {
    let (n, url, pids) = (a.num("n", 1000usize), a.url(), a.pids());
    let base = stats::mem(&pids);
    let mut c = net::Ctl::new().unwrap_or_else(|e| die(&e.to_string()));
    let t = Instant::now();
    for i in 0..n {
        let (s, _) =
            ws::connect(&url, a.src(i), a.opt("subproto")).unwrap_or_else(|e| die(&format!("connection {i}: {e}")));
        let id = c.add(s, true, !url.ws).unwrap_or_else(|e| die(&e.to_string()));
        if let Some(f) = a.opt("first") {
            c.send(id, ws::Op::Text, f.replace("{i}", &i.to_string()).as_bytes());
        }
    }
    let connect_s = t.elapsed().as_secs_f64();
    struct Sink;
    impl net::Handler for Sink {
        fn msg(&mut self, _: &mut net::Ctl, _: usize, _: ws::Op, _: &[u8], _: u64) {}
        fn tick(&mut self, _: &mut net::Ctl, _: u64, _: u64) {}
    }
    let _ = c.run(stats::now_ns() + secs(a.num("settle", 1.0)), &mut Sink);
    let m = stats::Meter::start(&pids);
    let _ = c.run(stats::now_ns() + secs(a.num("secs", 1.0)), &mut Sink);
    merge(
        json!({"mode":"idle","n":n,"connects_per_s":(n as f64/connect_s).round(),"base_rss_kb":base.rss_kb,"closed":c.closed}),
        m.json(0, n, Some(base)),
    )
}

/// Start-up time: spawn the command, try the handshake until it succeeds, stop the process by its pid.
fn start(a: &Args) -> Value {
    if a.rest.is_empty() {
        die("start: the command goes after --");
    }
    let (url, reps) = (a.url(), a.num("reps", 7usize));
    let mut ms = Vec::new();
    let mut rss = 0;
    for _ in 0..reps {
        let t = Instant::now();
        let mut ch = std::process::Command::new(&a.rest[0])
            .args(&a.rest[1..])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap_or_else(|e| die(&format!("{}: {e}", a.rest[0])));
        loop {
            if ws::connect(&url, None, None).is_ok() {
                break;
            }
            if t.elapsed() > Duration::from_secs(30) {
                let _ = ch.kill();
                die("no handshake within 30 s");
            }
            std::thread::sleep(Duration::from_micros(300));
        }
        ms.push(t.elapsed().as_secs_f64() * 1e3);
        rss = stats::mem(&[ch.id() as i32]).rss_kb;
        let _ = ch.kill();
        let _ = ch.wait();
        std::thread::sleep(Duration::from_millis(a.num("pause-ms", 100)));
    }
    ms.sort_by(|x, y| x.total_cmp(y));
    let r = |x: f64| (x * 100.0).round() / 100.0;
    json!({"mode":"start","reps":reps,"ms_median":r(ms[reps/2]),"ms_min":r(ms[0]),"ms_max":r(ms[reps-1]),"rss_kb":rss})
}

fn main() {
    let mut it = std::env::args().skip(1);
    let mode = it.next().unwrap_or_default();
    let a = Args::parse(it);
    let mut v = match mode.as_str() {
        "fanout" => fanout::run(&a),
        "rv" => rv::run(&a),
        "plc" => plc::run(&a),
        "gama" => gama::run(&a),
        "idle" => idle(&a),
        "start" => start(&a),
        _ => die("modes: fanout, rv, plc, gama, idle, start (see README.md)"),
    };
    if let Some(l) = a.opt("label") {
        v = merge(json!({"label": l}), v);
    }
    println!("{v}");
    if v.get("failed").and_then(|f| f.as_bool()) == Some(true) {
        std::process::exit(1);
    }
}
