//! `crosstie practice gama`: a stand-in for a GAMA server, for classrooms without one.
//!
//! ```text
//!   flood          the simulation: pure, deterministic, no clock, no socket
//!   world          what players see of it, in the shapes of the app in a headset
//!    ↑ ↓
//!   house          experiments, commands and answers, faults; texts in, texts out
//!    ↑ ↓ texts
//!   server         WebSocket server: clients, their outboxes, pings, the rate of cycles
//!    ↑ ↓ the protocol of a GAMA server
//!   a hub, gama-client, …
//! ```
//!
//! It keeps the server's side of GA-1 to GA-12 in both flavours, and says wherever it is asked that it is a stand-in. It reads
//! no GAML: every model is the same flood.

mod command;
mod experiment;
mod fault;
mod flood;
mod gaml;
mod happen;
mod house;
mod in_memory;
mod server;
mod world;

pub use fault::Fault;
pub(crate) use in_memory::GamaInMemory;
pub use server::{GamaError, Server};

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use clap::ValueEnum;
use tokio::sync::watch;

/// Which kind of GAMA is played (GA-6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Flavour {
    /// With a window: one experiment for everybody, number 0, and states are told
    #[default]
    Gui,
    /// Without: experiments are numbered and belong to who loads them, and no states are told
    Headless,
}

/// What the stand-in is told at its start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it listens; port 0 is one that the system chooses.
    pub address: SocketAddr,
    /// Which kind of GAMA it plays.
    pub flavour: Flavour,
    /// Cycles per second while an experiment runs, from 1 to 100.
    pub rate: u32,
    /// People of the simulation, from 0 to 10,000.
    pub people: usize,
    /// What a world of one player should have at least, in kB, from 0 to 1,024; trees fill it.
    pub world_kb: usize,
    /// The same seed gives the same flood.
    pub seed: u64,
    /// A failure from the start, or as soon as an experiment runs.
    pub fault: Option<Fault>,
    /// How often a client is pinged; one that gives no sign of life for three times as long is let go (GA-1).
    pub ping: Duration,
    /// Nothing is written to the console.
    pub quiet: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 6868),
            flavour: Flavour::Gui,
            rate: 20,
            people: 60,
            world_kb: 0,
            seed: 1,
            fault: None,
            ping: Duration::from_secs(10),
            quiet: false,
        }
    }
}

/// Plays GAMA until the future is dropped; faults may be typed.
///
/// # Errors
///
/// A [`GamaError`] when it cannot listen.
pub async fn run(options: Options) -> Result<(), GamaError> {
    let server = Server::bind(options)?;
    server.listen_to_keyboard();
    let (_never_stops, stop) = watch::channel(false);
    server.run(stop).await
}
