//! The sockets of the stand-in: clients come and go, texts go in and out, cycles pass.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, Read as _};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as SocketError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::house::{ClientId, House, Out, Recipe};
use super::{Flavour, Options};
use crate::clock_handle::ClockHandle;
use crate::practice::console::Console;
use crate::practice::stopped;

/// The largest message that is read, in bytes. A larger one ends the connection with 1009.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Clients at once. Further ones are closed as soon as they come.
const CLIENTS_MAX: usize = 64;

/// Messages that wait for one client. A client for whom there are more is let go.
const OUTBOX_MAX: usize = 1_024;

/// Worlds are left out for a client for whom as many messages wait, so that a slow one sees new worlds and not old ones.
const OUTBOX_WORLDS_MAX: usize = 16;

/// So many pings without a sign of life, and a client is let go.
const PINGS_MISSED_MAX: u32 = 3;

/// Cycles that are made up for where the clock goes faster than the world, and they come late. What is missed beyond them is left
/// out.
const CYCLES_BEHIND_MAX: u32 = 20;

/// A client that takes no message for this long is let go; so is one whose handshake takes longer.
const SEND_MAX: Duration = Duration::from_secs(10);

/// How long the end waits for clients to hear of it.
const FAREWELL_MAX: Duration = Duration::from_millis(300);

/// The longest line that is read from the keyboard, in bytes.
const LINE_BYTES_MAX: u64 = 256;

/// Why the stand-in does not begin.
#[derive(Debug, thiserror::Error)]
pub enum GamaError {
    /// Nobody can listen there.
    #[error("the practice GAMA cannot listen on {address}: is something else running there? --port N takes another")]
    Listen {
        /// Where it should.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A stand-in that has its port and waits for [`Server::run`].
#[derive(Debug)]
pub struct Server {
    listener: StdListener,
    address: SocketAddr,
    cycle: Duration,
    /// The time in which it simulates; links and pings are of the world.
    clock: ClockHandle,
    shared: Arc<Shared>,
}

impl Server {
    /// Takes the port; from here on clients can connect, and are served once it runs.
    ///
    /// # Errors
    ///
    /// A [`GamaError`] when the port is taken.
    pub fn bind(options: Options) -> Result<Server, GamaError> {
        let failed = |source| GamaError::Listen {
            address: options.address,
            source,
        };
        let listener = StdListener::bind(options.address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let recipe = Recipe {
            flavour: options.flavour,
            seed: options.seed,
            people: options.people,
            world_bytes: options.world_kb.saturating_mul(1_000),
        };
        let console = Console::new("practice gama", options.quiet);
        let flavour = match options.flavour {
            Flavour::Gui => "with a window",
            Flavour::Headless => "headless",
        };
        console.say(format_args!(
            "a stand-in for GAMA ({flavour}) at ws://{address}/: it plays a small flood, whatever the model says"
        ));
        Ok(Server {
            listener,
            address,
            cycle: Duration::from_secs(1) / options.rate.max(1),
            clock: ClockHandle::default(),
            shared: Arc::new(Shared {
                console,
                ping: options.ping,
                inner: Mutex::new(Inner {
                    house: House::new(recipe, options.fault),
                    outboxes: BTreeMap::new(),
                    next_client: 1,
                }),
            }),
        })
    }

    /// Simulates in the time of this clock.
    pub(crate) fn follow(&mut self, clock: ClockHandle) {
        self.clock = clock;
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Reads faults from standard input, a line each, for as long as the process lives.
    pub fn listen_to_keyboard(&self) {
        let shared = Arc::clone(&self.shared);
        self.shared.console.say("type a fault, such as drop-link, or off");
        let read = move || {
            let mut input = io::stdin().lock();
            loop {
                let mut line = String::new();
                match input.by_ref().take(LINE_BYTES_MAX).read_line(&mut line) {
                    // The end of the input, or bytes that are no text: nobody types here.
                    Ok(0) | Err(_) => return,
                    Ok(_) if line.trim().is_empty() => {}
                    Ok(_) => shared.with_house(|house| house.order(&line)),
                }
            }
        };
        // Without a thread nobody can type, and everything else works.
        let started = std::thread::Builder::new().name("keyboard".to_owned()).spawn(read);
        if let Err(error) = started {
            self.shared
                .console
                .say(format_args!("the keyboard is not read: {error}"));
        }
    }

    /// Serves clients until `stop` holds true or its sender is gone.
    ///
    /// # Errors
    ///
    /// A [`GamaError`] when the system takes the port back.
    pub async fn run(self, mut stop: watch::Receiver<bool>) -> Result<(), GamaError> {
        let address = self.address;
        let listener = TcpListener::from_std(self.listener).map_err(|source| GamaError::Listen { address, source })?;
        let mut clients = JoinSet::new();
        let clock = self.clock;
        let mut next_cycle = clock.now();
        let cycle_ms = self.cycle.as_millis() as u64;
        loop {
            tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) if clients.len() < CLIENTS_MAX => {
                        clients.spawn(serve(stream, Arc::clone(&self.shared)));
                    }
                    // Too many, or a client that has gone before it was there.
                    Ok(_) | Err(_) => {}
                },
                () = clock.reached(next_cycle) => {
                    let is_fast = clock.clock().rate() > 1.0;
                    let due = cycles(clock.now().since(next_cycle), self.cycle) + 1;
                    let made_up = if is_fast { due.min(CYCLES_BEHIND_MAX) } else { 1 };
                    for _ in 0..made_up {
                        self.shared.with_house(|house| house.tick(cycle_ms));
                    }
                    let gone = if is_fast && due == made_up {
                        due
                    } else {
                        // A process that was suspended has not simulated meanwhile.
                        cycles(clock.now().since(next_cycle), self.cycle) + 1
                    };
                    next_cycle = next_cycle + self.cycle * gone;
                }
                Some(_) = clients.join_next() => {}
            }
        }
        self.shared.inner().outboxes.clear();
        let all_gone = async { while clients.join_next().await.is_some() {} };
        drop(timeout(FAREWELL_MAX, all_gone).await);
        Ok(())
    }
}

/// Whole cycles in a span.
fn cycles(span: Duration, cycle: Duration) -> u32 {
    u32::try_from(span.as_nanos() / cycle.as_nanos().max(1)).map_or(u32::MAX - 1, |count| count.min(u32::MAX - 1))
}

/// What the tasks share.
#[derive(Debug)]
struct Shared {
    console: Console,
    ping: Duration,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    house: House,
    outboxes: BTreeMap<ClientId, mpsc::Sender<Utf8Bytes>>,
    next_client: ClientId,
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the house act and hands out what comes of it.
    fn with_house(&self, act: impl FnOnce(&mut House) -> Vec<Out>) {
        let mut inner = self.inner();
        let outs = act(&mut inner.house);
        let mut lines = Vec::new();
        inner.deliver(outs, &mut lines);
        drop(inner);
        for line in lines {
            self.console.say(line);
        }
    }

    fn register(&self) -> (ClientId, mpsc::Receiver<Utf8Bytes>) {
        let (outbox, inbox) = mpsc::channel(OUTBOX_MAX);
        let mut inner = self.inner();
        let client = inner.next_client;
        inner.next_client += 1;
        inner.outboxes.insert(client, outbox);
        drop(inner);
        self.with_house(|house| house.connected(client));
        (client, inbox)
    }
}

impl Inner {
    fn deliver(&mut self, outs: Vec<Out>, lines: &mut Vec<String>) {
        for out in outs {
            match out {
                Out::Text(client, text) => self.post(client, text, false),
                Out::World(client, text) => self.post(client, text, true),
                Out::DropLinks => self.outboxes.clear(),
                Out::Say(line) => lines.push(line),
            }
        }
    }

    /// Puts a text into an outbox. A client whose outbox is full for what must arrive loses it, and with it the connection.
    fn post(&mut self, client: ClientId, text: String, is_world: bool) {
        let Some(outbox) = self.outboxes.get(&client) else {
            return;
        };
        if is_world && OUTBOX_MAX - outbox.capacity() >= OUTBOX_WORLDS_MAX {
            return;
        }
        if outbox.try_send(text.into()).is_err() {
            self.outboxes.remove(&client);
        }
    }
}

/// One client, from its handshake to its end.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Answers are small and urgent. Without the option they only come later.
    drop(stream.set_nodelay(true));
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        .read_buffer_size(16 * 1024);
    let accepting = tokio_tungstenite::accept_async_with_config(stream, Some(config));
    let Ok(Ok(socket)) = timeout(SEND_MAX, accepting).await else {
        return;
    };
    let (client, inbox) = shared.register();
    let mut guest = Guest {
        client,
        _leaving: Leaving(client, Arc::clone(&shared)),
        shared,
        socket,
    };
    guest.talk(inbox).await;
}

/// Tells the house that a client is gone, however its task ends.
struct Leaving(ClientId, Arc<Shared>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.1.inner().outboxes.remove(&self.0);
        self.1.with_house(|house| house.left(self.0));
    }
}

struct Guest {
    client: ClientId,
    _leaving: Leaving,
    shared: Arc<Shared>,
    socket: WebSocketStream<TcpStream>,
}

enum Wake {
    Post(Option<Utf8Bytes>),
    Heard(Option<Result<Message, SocketError>>),
    Ping,
}

impl Guest {
    async fn talk(&mut self, mut inbox: mpsc::Receiver<Utf8Bytes>) {
        let mut ping = interval_at(Instant::now() + self.shared.ping, self.shared.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_heard = Instant::now();
        loop {
            let wake = tokio::select! {
                post = inbox.recv() => Wake::Post(post),
                heard = self.socket.next() => Wake::Heard(heard),
                _ = ping.tick() => Wake::Ping,
            };
            let goes_on = match wake {
                // Without an outbox the connection is torn, without a word.
                Wake::Post(None) => return,
                Wake::Post(Some(text)) => self.send(Message::Text(text)).await,
                Wake::Ping if last_heard.elapsed() > self.shared.ping * PINGS_MISSED_MAX => return,
                Wake::Ping => self.send(Message::Ping(Vec::new().into())).await,
                Wake::Heard(Some(Ok(message))) => {
                    last_heard = Instant::now();
                    self.take(&message);
                    true
                }
                Wake::Heard(Some(Err(SocketError::Capacity(CapacityError::MessageTooLong { .. })))) => {
                    let frame = CloseFrame {
                        code: CloseCode::Size,
                        reason: "at most 1 MiB".into(),
                    };
                    drop(timeout(SEND_MAX, self.socket.close(Some(frame))).await);
                    return;
                }
                Wake::Heard(None | Some(Err(_))) => return,
            };
            if !goes_on {
                return;
            }
        }
    }

    fn take(&self, message: &Message) {
        let text = match message {
            Message::Text(text) => text.as_str(),
            // What is no text is no JSON either, and is answered like that.
            Message::Binary(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            // The socket itself answers pings and closes.
            _ => return,
        };
        self.shared.with_house(|house| house.take(self.client, text));
    }

    async fn send(&mut self, message: Message) -> bool {
        matches!(timeout(SEND_MAX, self.socket.send(message)).await, Ok(Ok(())))
    }
}
