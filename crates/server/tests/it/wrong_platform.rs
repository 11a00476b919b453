//! A small SIMPLE platform that is right, or wrong in exactly one planted way.
//!
//! It exists to test the tests: the conformance suites must pass it without a fault and must find every fault. It is simple
//! where the hub is fast: one lock around everything, and a task that looks at the clock every few milliseconds.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

mod fault;
mod world;

pub(crate) use fault::Fault;

use futures_util::{SinkExt, StreamExt};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use world::World;

/// Limit of one frame and one message, in bytes (SI-3).
const FRAME_LEN_MAX: usize = 1 << 20;
/// Worlds that wait for a slow headset (SI-39).
const WORLDS_MAX: usize = 8;
/// Send buffer of a connection: small, so that a slow reader is felt soon.
const SEND_BUFFER_LEN: u32 = 64 * 1024;
/// How often the platform looks at its clock.
const TICK: Duration = Duration::from_millis(5);
/// How long it waits before it tries to reach GAMA again (GA-2).
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The running platform. It ends when it is dropped.
pub(crate) struct WrongPlatform {
    /// Address of the monitor port.
    pub(crate) monitor: String,
    /// Address of the headset port.
    pub(crate) headset: String,
    running: JoinHandle<()>,
}

/// What one connection is to be sent.
#[derive(Clone)]
pub(crate) struct Out(Arc<(Mutex<Queue>, Notify)>);

#[derive(Default)]
struct Queue {
    frames: VecDeque<(bool, Message)>,
}

impl Out {
    fn new() -> Out {
        Out(Arc::default())
    }

    /// A message that must arrive.
    pub(crate) fn say(&self, text: impl Into<String>) {
        self.push(false, Message::text(text.into()));
    }

    /// A world, of which only the newest are kept.
    pub(crate) fn show(&self, text: String, fault: Option<Fault>) {
        {
            let mut queue = self.0.0.lock().unwrap();
            let waiting = queue.frames.iter().filter(|(is_world, _)| *is_world).count();
            if waiting >= WORLDS_MAX && fault != Some(Fault::SlowUnbounded) {
                match fault {
                    Some(Fault::SlowLosesPongs) => queue.frames.clear(),
                    _ => {
                        let oldest = queue.frames.iter().position(|(is_world, _)| *is_world);
                        oldest.map(|at| queue.frames.remove(at));
                    }
                }
            }
        }
        self.push(true, Message::text(text));
    }

    /// Ends the connection behind everything that was said.
    pub(crate) fn close(&self, code: u16) {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        self.push(false, Message::Close(Some(frame)));
    }

    fn push(&self, is_world: bool, message: Message) {
        self.0.0.lock().unwrap().frames.push_back((is_world, message));
        self.0.1.notify_one();
    }

    async fn next(&self) -> Message {
        loop {
            if let Some((_, message)) = self.0.0.lock().unwrap().frames.pop_front() {
                return message;
            }
            self.0.1.notified().await;
        }
    }
}

/// What all tasks share.
struct House {
    fault: Option<Fault>,
    world: Mutex<World>,
    /// Somebody wants GAMA to be tried now.
    retry: Notify,
    /// The platform has died of a message.
    dies: Notify,
}

impl House {
    fn with<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        act(&mut self.world.lock().unwrap())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Port {
    Monitor,
    Headset,
}

impl WrongPlatform {
    /// Starts on free ports; GAMA is looked for at `gama`.
    pub(crate) async fn start(fault: Option<Fault>, gama: SocketAddr) -> WrongPlatform {
        let (monitors, headsets) = (listener(), listener());
        let url = |listener: &TcpListener| format!("ws://{}/", listener.local_addr().unwrap());
        let (monitor, headset) = (url(&monitors), url(&headsets));
        let house = Arc::new(House {
            fault,
            world: Mutex::new(World::new(fault)),
            retry: Notify::new(),
            dies: Notify::new(),
        });
        let running = tokio::spawn(async move {
            let accept = accept(Arc::clone(&house), monitors, headsets);
            tokio::select! {
                () = accept => {}
                () = look_at_the_clock(&house) => {}
                () = reach_gama(&house, gama) => {}
                () = house.dies.notified() => {}
            }
        });
        WrongPlatform {
            monitor,
            headset,
            running,
        }
    }
}

impl Drop for WrongPlatform {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn listener() -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(SEND_BUFFER_LEN).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    socket.listen(64).unwrap()
}

async fn accept(house: Arc<House>, monitors: TcpListener, headsets: TcpListener) {
    // Dropped with this task, the set ends its connections.
    let mut connections = JoinSet::new();
    loop {
        let (taken, port) = tokio::select! {
            taken = monitors.accept() => (taken, Port::Monitor),
            taken = headsets.accept() => (taken, Port::Headset),
        };
        let (stream, address) = taken.unwrap();
        connections.spawn(serve(stream, address.ip(), port, Arc::clone(&house)));
        while connections.try_join_next().is_some() {}
    }
}

async fn look_at_the_clock(house: &House) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        house.with(World::tick);
    }
}

/// One connection from its upgrade to its end.
async fn serve(stream: TcpStream, from: IpAddr, port: Port, house: Arc<House>) {
    stream.set_nodelay(true).unwrap();
    let mut config = WebSocketConfig::default();
    let len_max = match house.fault {
        Some(Fault::FrameLimitMissing) => 1 << 30,
        Some(Fault::LargeRefused) => 1 << 16,
        _ => FRAME_LEN_MAX,
    };
    config.max_frame_size = Some(len_max);
    config.max_message_size = Some(len_max);
    let fault = house.fault;
    #[allow(clippy::result_large_err, reason = "the library's callback has this type")]
    let upgrade = move |request: &Request, mut response: Response| {
        if fault == Some(Fault::CompressionForced) {
            let chosen = HeaderValue::from_static("permessage-deflate");
            response.headers_mut().insert("sec-websocket-extensions", chosen);
        }
        if fault == Some(Fault::OnePathOnly) && request.uri().path() != "/" {
            let mut refusal = tokio_tungstenite::tungstenite::http::Response::new(None);
            *refusal.status_mut() = StatusCode::NOT_FOUND;
            return Err(refusal);
        }
        Ok(response)
    };
    let upgraded = tokio_tungstenite::accept_hdr_async_with_config(stream, upgrade, Some(config)).await;
    let Ok(socket) = upgraded else { return };
    let (mut sink, mut stream) = socket.split();
    let out = Out::new();
    let conn = house.with(|world| match port {
        Port::Monitor => world.monitor_joins(out.clone()),
        Port::Headset => world.headset_joins(out.clone(), from),
    });
    let write = async {
        loop {
            let message = out.next().await;
            let is_last = message.is_close();
            if sink.send(message).await.is_err() || is_last {
                return;
            }
        }
    };
    let read = async {
        loop {
            match stream.next().await {
                Some(Ok(message)) => {
                    if !take(&message, conn, port, &house).await {
                        return CloseCode::Invalid;
                    }
                }
                Some(Err(Error::Capacity(_))) => return CloseCode::Size,
                Some(Err(_)) | None => return CloseCode::Normal,
            }
        }
    };
    let code = tokio::select! {
        () = write => None,
        code = read => Some(code),
    };
    house.with(|world| world.leaves(conn));
    if let Some(code) = code {
        let frame = CloseFrame {
            code,
            reason: "".into(),
        };
        // The peer may be gone already, and then nobody misses the close frame.
        let _ = sink.send(Message::Close(Some(frame))).await;
    }
    // What is still on its way is read, so that the close is not lost in a reset.
    let _ = timeout(Duration::from_secs(1), async {
        while let Some(Ok(_)) = stream.next().await {}
    })
    .await;
}

/// Handles one message; `false` when the connection is over.
async fn take(message: &Message, conn: u64, port: Port, house: &House) -> bool {
    let text = match message {
        Message::Text(text) => text.to_string(),
        Message::Binary(_) if house.fault == Some(Fault::BinaryIgnored) => return true,
        Message::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => return true,
    };
    let is_odd = serde_json::from_str::<serde_json::Value>(&text).is_err();
    match house.fault {
        Some(Fault::ClosesOnBadJson) if is_odd => return false,
        Some(Fault::DiesOnBadJson) if is_odd => {
            house.dies.notify_one();
            return false;
        }
        Some(Fault::SendSimulationLate) if text.contains("send_simulation") => {
            // A planted delay, not a wait for something.
            let _ = timeout(Duration::from_millis(150), std::future::pending::<()>()).await;
        }
        _ => {}
    }
    if port == Port::Monitor && text.contains("try_connection") && house.fault != Some(Fault::TryDeaf) {
        house.retry.notify_one();
    }
    house.with(|world| match port {
        Port::Monitor => world.hear_monitor(conn, &text),
        Port::Headset => world.hear_headset(conn, &text),
    });
    true
}

/// Keeps a connection to GAMA.
async fn reach_gama(house: &House, gama: SocketAddr) {
    loop {
        if let Ok(stream) = TcpStream::connect(gama).await {
            let mut config = WebSocketConfig::default();
            config.max_frame_size = None;
            config.max_message_size = None;
            let url = format!("ws://{gama}/");
            if let Ok((socket, _)) = tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await {
                let (mut sink, mut stream) = socket.split();
                let out = Out::new();
                house.with(|world| world.gama_joins(out.clone()));
                let write = async { while sink.send(out.next().await).await.is_ok() {} };
                let read = async {
                    while let Some(Ok(message)) = stream.next().await {
                        if let Message::Text(text) = &message {
                            house.with(|world| world.hear_gama(text));
                        }
                    }
                };
                tokio::select! {
                    () = write => {}
                    () = read => {}
                }
                house.with(World::gama_leaves);
                // An older wish to try has nothing to do with this loss.
                let _ = timeout(Duration::ZERO, house.retry.notified()).await;
            }
        }
        let until = Instant::now() + RETRY_AFTER;
        let _ = tokio::time::timeout_at(until, house.retry.notified()).await;
    }
}
