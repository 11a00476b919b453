//! The floor for a WebSocket fan-out: one thread, epoll, the frame built once, one `send` per client.
//! What any hub must at least pay when it delivers each message to each client on its own socket write.
//! `floor-hub PORT [batch]`: with `batch`, messages that arrive in one read are sent together, one write per client.

#[path = "../ws.rs"]
#[allow(dead_code)]
mod ws;

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use ws::{Op, Parser};

struct C {
    s: std::net::TcpStream,
    p: Parser,
    out: Vec<u8>,
    live: bool,
}

fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(9700);
    let batch = std::env::args().nth(2).as_deref() == Some("batch");
    let l = TcpListener::bind(("127.0.0.1", port)).expect("bind");
    l.set_nonblocking(true).unwrap();
    // SAFETY: descriptors are those of sockets that `cs` owns, and every buffer is passed with its own length.
    unsafe {
        let ep = libc::epoll_create1(0);
        let add = |fd: i32, k: u64, ev: u32| {
            let mut e = libc::epoll_event { events: ev, u64: k };
            libc::epoll_ctl(ep, libc::EPOLL_CTL_ADD, fd, &mut e);
        };
        let modi = |fd: i32, k: u64, ev: u32| {
            let mut e = libc::epoll_event { events: ev, u64: k };
            libc::epoll_ctl(ep, libc::EPOLL_CTL_MOD, fd, &mut e);
        };
        let (rd, wr) = (libc::EPOLLIN as u32, libc::EPOLLOUT as u32);
        add(l.as_raw_fd(), u64::MAX, rd);
        let mut cs: Vec<C> = Vec::new();
        let mut live: Vec<usize> = Vec::new();
        let mut evs = vec![libc::epoll_event { events: 0, u64: 0 }; 256];
        let mut buf = vec![0u8; 1 << 18];
        let mut frames: Vec<Vec<u8>> = Vec::new();
        loop {
            let n = libc::epoll_wait(ep, evs.as_mut_ptr(), 256, -1);
            for ev in evs.iter().take(n.max(0) as usize) {
                let (k, what) = (ev.u64, ev.events);
                if k == u64::MAX {
                    while let Ok((mut s, _)) = l.accept() {
                        s.set_nonblocking(false).unwrap();
                        if ws::accept(&mut s).is_err() {
                            continue;
                        }
                        s.set_nodelay(true).unwrap();
                        s.set_nonblocking(true).unwrap();
                        add(s.as_raw_fd(), cs.len() as u64, rd);
                        live.push(cs.len());
                        cs.push(C {
                            s,
                            p: Parser::default(),
                            out: Vec::new(),
                            live: true,
                        });
                    }
                    continue;
                }
                let k = k as usize;
                if !cs[k].live {
                    continue;
                }
                if what & wr != 0 && !cs[k].out.is_empty() {
                    let c = &mut cs[k];
                    let r = libc::send(
                        c.s.as_raw_fd(),
                        c.out.as_ptr().cast(),
                        c.out.len(),
                        libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT,
                    );
                    if r > 0 {
                        c.out.drain(..r as usize);
                    }
                    if c.out.is_empty() {
                        modi(c.s.as_raw_fd(), k as u64, rd);
                    }
                }
                if what & !wr == 0 {
                    continue;
                }
                let r = libc::recv(
                    cs[k].s.as_raw_fd(),
                    buf.as_mut_ptr().cast(),
                    buf.len(),
                    libc::MSG_DONTWAIT,
                );
                if r <= 0 {
                    if r == 0 || *libc::__errno_location() != libc::EAGAIN {
                        cs[k].live = false;
                        live.retain(|x| *x != k);
                        libc::epoll_ctl(ep, libc::EPOLL_CTL_DEL, cs[k].s.as_raw_fd(), std::ptr::null_mut());
                    }
                    continue;
                }
                frames.clear();
                let mut bye = false;
                let _ = cs[k].p.feed(&mut buf[..r as usize], |op, p| match op {
                    Op::Text | Op::Binary => {
                        if batch && !frames.is_empty() {
                            ws::encode(&mut frames[0], op, p, false);
                        } else {
                            let mut f = Vec::with_capacity(p.len() + 10);
                            ws::encode(&mut f, op, p, false);
                            frames.push(f);
                        }
                    }
                    Op::Close => bye = true,
                    _ => {}
                });
                if bye {
                    cs[k].live = false;
                    live.retain(|x| *x != k);
                    libc::epoll_ctl(ep, libc::EPOLL_CTL_DEL, cs[k].s.as_raw_fd(), std::ptr::null_mut());
                }
                for f in &frames {
                    for &i in &live {
                        if i == k {
                            continue;
                        }
                        let c = &mut cs[i];
                        if !c.out.is_empty() {
                            c.out.extend_from_slice(f);
                            continue;
                        }
                        let r = libc::send(
                            c.s.as_raw_fd(),
                            f.as_ptr().cast(),
                            f.len(),
                            libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT,
                        );
                        let done = r.max(0) as usize;
                        if done < f.len() {
                            c.out.extend_from_slice(&f[done..]);
                            modi(c.s.as_raw_fd(), i as u64, rd | wr);
                        }
                    }
                }
            }
        }
    }
}
