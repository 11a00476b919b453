//! How late does a periodic loop wake up? `jitter KIND PERIOD_US SECONDS [FIFO_PRIORITY] [SPIN_US]`
//! KIND: tokio1 (current_thread interval), tokio (multi_thread interval), sleep (std::thread::sleep to a deadline),
//! abs (clock_nanosleep to an absolute deadline), spin (absolute deadline minus SPIN_US, then busy wait).

#[path = "../stats.rs"]
#[allow(dead_code)]
mod stats;
use stats::{now_ns, Hist};
use std::time::Duration;

fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let kind = a.first().map(|s| s.as_str()).unwrap_or("abs").to_string();
    let period: u64 = a.get(1).and_then(|s| s.parse().ok()).unwrap_or(1000) * 1000;
    let secs: f64 = a.get(2).and_then(|s| s.parse().ok()).unwrap_or(2.0);
    let fifo: i32 = a.get(3).and_then(|s| s.parse().ok()).unwrap_or(0);
    let spin: u64 = a.get(4).and_then(|s| s.parse().ok()).unwrap_or(60) * 1000;
    let n = (secs * 1e9 / period as f64) as u64;
    // SAFETY: plain system calls; the only pointer is to a local that outlives its call.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1);
        if fifo > 0 {
            let p = libc::sched_param { sched_priority: fifo };
            if libc::sched_setscheduler(0, libc::SCHED_FIFO, &p) != 0 {
                eprintln!("SCHED_FIFO refused: {}", std::io::Error::last_os_error());
                std::process::exit(3);
            }
        }
    }
    let mut late = Hist::default();
    let mut counts = std::collections::BTreeMap::<u64, u64>::new();
    let mut per = Hist::default();
    let cpu0 = stats::cpu_ns(stats::own_pid()).unwrap();
    let w0 = now_ns();
    if kind.starts_with("tokio") {
        let rt = if kind == "tokio1" {
            tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .unwrap()
        } else {
            tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_time()
                .build()
                .unwrap()
        };
        rt.block_on(async {
            let body = async move {
                let (mut late, mut per) = (Hist::default(), Hist::default());
                let mut iv = tokio::time::interval(Duration::from_nanos(period));
                iv.tick().await;
                let t0 = now_ns();
                let mut last = t0;
                for k in 1..=n {
                    iv.tick().await;
                    let t = now_ns();
                    late.add(t.saturating_sub(t0 + k * period));
                    per.add((t - last).abs_diff(period));
                    last = t;
                }
                (late, per)
            };
            let (l, p) = if kind == "tokio1" {
                body.await
            } else {
                tokio::spawn(body).await.unwrap()
            };
            late = l;
            per = p;
        });
    } else {
        let t0 = now_ns();
        let mut last = t0;
        for k in 1..=n {
            let due = t0 + k * period;
            // SAFETY: the kernel reads one timespec, and `ts` is one.
            let abs = |t: u64| unsafe {
                let ts = libc::timespec {
                    tv_sec: (t / 1_000_000_000) as _,
                    tv_nsec: (t % 1_000_000_000) as _,
                };
                while libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &ts, std::ptr::null_mut())
                    == libc::EINTR
                {}
            };
            match kind.as_str() {
                "sleep" => {
                    let now = now_ns();
                    if due > now {
                        std::thread::sleep(Duration::from_nanos(due - now));
                    }
                }
                "spin" => {
                    abs(due - spin);
                    while now_ns() < due {
                        std::hint::spin_loop();
                    }
                }
                _ => abs(due),
            }
            let t = now_ns();
            late.add(t.saturating_sub(due));
            *counts.entry(t.saturating_sub(due) / 1000).or_default() += 1;
            per.add((t - last).abs_diff(period));
            last = t;
        }
    }
    let wall = now_ns() - w0;
    let cpu = stats::cpu_ns(stats::own_pid()).unwrap() - cpu0;
    println!(
        "{}",
        serde_json::json!({"kind":kind,"period_us":period/1000,"fifo":fifo,"late_us":late.json_us(),"late_us_counts":counts.into_iter().collect::<Vec<_>>(),"period_dev_us":per.json_us(),
            "cpu_share":(cpu as f64/wall as f64*1e4).round()/1e4})
    );
}
