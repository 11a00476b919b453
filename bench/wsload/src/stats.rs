//! Clocks, latency histograms, CPU time and memory of other processes.

use std::fs;

pub fn now_ns() -> u64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec, and `t` is one.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64
}

/// CPU time of a process in ns, all its threads, exited ones included.
pub fn cpu_ns(pid: i32) -> Option<u64> {
    // SAFETY: both calls write only to the locals whose addresses they get, and their results are checked.
    unsafe {
        let mut id: libc::clockid_t = 0;
        if libc::clock_getcpuclockid(pid, &mut id) != 0 {
            return None;
        }
        let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        if libc::clock_gettime(id, &mut t) != 0 {
            return None;
        }
        Some(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64)
    }
}

fn field_kb(text: &str, name: &str) -> u64 {
    text.lines()
        .filter(|l| l.starts_with(name))
        .filter_map(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum()
}

#[derive(Clone, Copy, Default, Debug)]
pub struct Mem {
    pub rss_kb: u64,
    pub private_kb: u64,
}

pub fn mem(pids: &[i32]) -> Mem {
    let mut m = Mem::default();
    for p in pids {
        if let Ok(s) = fs::read_to_string(format!("/proc/{p}/status")) {
            m.rss_kb += field_kb(&s, "VmRSS:");
        }
        if let Ok(s) = fs::read_to_string(format!("/proc/{p}/smaps_rollup")) {
            m.private_kb += field_kb(&s, "Private_Clean:") + field_kb(&s, "Private_Dirty:");
        }
    }
    m
}

pub fn cpu_all(pids: &[i32]) -> u64 {
    pids.iter().filter_map(|p| cpu_ns(*p)).sum()
}

pub fn own_pid() -> i32 {
    std::process::id() as i32
}

/// Log-linear histogram: 128 steps per octave, so an error of at most 0.8 %.
pub struct Hist {
    b: Vec<u64>,
    n: u64,
    sum: u128,
    max: u64,
}

const SUB: u32 = 7;

impl Default for Hist {
    fn default() -> Self {
        Hist {
            b: vec![0; (64 - SUB as usize + 1) << SUB],
            n: 0,
            sum: 0,
            max: 0,
        }
    }
}

impl Hist {
    fn idx(v: u64) -> usize {
        if v < (1 << SUB) {
            return v as usize;
        }
        let e = 63 - v.leading_zeros();
        (((e - SUB + 1) as usize) << SUB) + ((v >> (e - SUB)) as usize & ((1 << SUB) - 1))
    }
    fn low(i: usize) -> u64 {
        let (e, s) = (i >> SUB, (i & ((1 << SUB) - 1)) as u64);
        if e == 0 {
            s
        } else {
            ((1u64 << SUB) + s) << (e - 1)
        }
    }
    #[inline]
    pub fn add(&mut self, v: u64) {
        self.b[Self::idx(v)] += 1;
        self.n += 1;
        self.sum += v as u128;
        self.max = self.max.max(v);
    }
    pub fn clear(&mut self) {
        *self = Hist::default();
    }
    pub fn q(&self, q: f64) -> u64 {
        if self.n == 0 {
            return 0;
        }
        let want = ((self.n as f64 * q).ceil() as u64).max(1);
        let mut c = 0;
        for (i, x) in self.b.iter().enumerate() {
            c += x;
            if c >= want {
                return Self::low(i).min(self.max);
            }
        }
        self.max
    }
    pub fn mean(&self) -> f64 {
        if self.n == 0 {
            0.0
        } else {
            self.sum as f64 / self.n as f64
        }
    }
    /// Quantiles in microseconds.
    pub fn json_us(&self) -> serde_json::Value {
        let us = |v: u64| (v as f64 / 10.0).round() / 100.0;
        serde_json::json!({
            "n": self.n, "mean": (self.mean() / 10.0).round() / 100.0,
            "p50": us(self.q(0.5)), "p90": us(self.q(0.9)), "p99": us(self.q(0.99)),
            "p999": us(self.q(0.999)), "max": us(self.max)
        })
    }
}

/// CPU and memory of the server under test and of the generator over a window.
pub struct Meter {
    pids: Vec<i32>,
    t0: u64,
    cpu0: u64,
    own0: u64,
}

impl Meter {
    pub fn start(pids: &[i32]) -> Meter {
        Meter {
            pids: pids.to_vec(),
            t0: now_ns(),
            cpu0: cpu_all(pids),
            own0: cpu_all(&[own_pid()]),
        }
    }
    pub fn seconds(&self) -> f64 {
        (now_ns() - self.t0) as f64 / 1e9
    }
    pub fn json(&self, deliveries: u64, conns: usize, base: Option<Mem>) -> serde_json::Value {
        let dt = self.seconds();
        let cpu = (cpu_all(&self.pids) - self.cpu0) as f64 / 1e9;
        let own = (cpu_all(&[own_pid()]) - self.own0) as f64 / 1e9;
        let m = mem(&self.pids);
        let r = |x: f64, d: f64| (x * d).round() / d;
        serde_json::json!({
            "seconds": r(dt, 1e4),
            "server_cpu_s": r(cpu, 1e6),
            "server_cpu_share": r(cpu / dt, 1e4),
            "deliveries_per_server_cpu_s": if cpu > 0.0 { (deliveries as f64 / cpu).round() } else { 0.0 },
            "server_cpu_us_per_delivery": if deliveries > 0 { r(cpu * 1e6 / deliveries as f64, 1e3) } else { 0.0 },
            "server_rss_kb": m.rss_kb,
            "server_private_kb": m.private_kb,
            "server_kb_per_conn": base.filter(|_| conns > 0).map(|b| r((m.private_kb.saturating_sub(b.private_kb)) as f64 / conns as f64, 100.0)),
            "generator_cpu_share": r(own / dt, 1e4),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn quantiles() {
        let mut h = Hist::default();
        for v in 1..=100_000u64 {
            h.add(v);
        }
        for (q, want) in [(0.5, 50_000.0), (0.99, 99_000.0), (0.999, 99_900.0)] {
            let got = h.q(q) as f64;
            assert!((got - want).abs() / want < 0.01, "{q} {got}");
        }
        for v in [0u64, 1, 127, 128, 255, 256, 1 << 40, u64::MAX] {
            let i = Hist::idx(v);
            assert!(Hist::low(i) <= v);
        }
    }
}
