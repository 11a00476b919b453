//! `crosstie practice`: the flags of the stand-ins.

use crate::practice::gama::{self, Fault, Flavour};
use crate::practice::headset::{self, Walk};
use clap::{ArgAction, Args, Subcommand};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What can be played.
#[derive(Debug, Subcommand)]
pub enum PracticeCommand {
    /// Play a digital twin of a bottling line against a realvirtual server until Ctrl-C
    #[command(after_help = "Example:\n  crosstie practice twin --url ws://127.0.0.1:1234/ --auto off")]
    Twin(TwinArgs),
    /// Play a GAMA server with a small flood of its own until Ctrl-C
    #[command(
        after_help = "Examples:\n  crosstie practice gama\n  crosstie practice gama --flavour headless --fault refuse-load\n\n\
                            Faults can also be typed while it plays, or be sent as the expression \"practice fault NAME\"."
    )]
    Gama(GamaArgs),
    /// Play the app of one or more players against a headset port until Ctrl-C
    #[command(
        after_help = "Examples:\n  crosstie practice headset --count 3\n  crosstie practice headset --id Player_7 --deaf"
    )]
    Headset(HeadsetArgs),
}

/// The flags of `crosstie practice twin`.
#[derive(Debug, Args)]
pub struct TwinArgs {
    /// Where the hub's endpoint listens
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:1234/")]
    pub url: String,
    /// Certificates in PEM that may vouch for a hub at wss://, such as its state/tls/certificate.pem
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// File with the key that the hub wants, when it wants one
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Name that the twin gives in its init
    #[arg(long, default_value = "Practice twin")]
    pub name: String,
    /// Give the line to the automatic sequence at the start, or leave it to the operator
    #[arg(long, value_name = "on|off", default_value = "on", action = ArgAction::Set, value_parser = on_or_off)]
    pub auto: bool,
    /// Write nothing to the console
    #[arg(long)]
    pub quiet: bool,
}

impl From<TwinArgs> for crate::practice::twin::Options {
    fn from(args: TwinArgs) -> crate::practice::twin::Options {
        crate::practice::twin::Options {
            url: args.url,
            ca_file: args.ca,
            key_file: args.key_file,
            name: args.name,
            auto: args.auto,
            quiet: args.quiet,
            ..crate::practice::twin::Options::default()
        }
    }
}

/// The flags of `crosstie practice gama`.
#[derive(Debug, Args)]
pub struct GamaArgs {
    /// Port that it listens on; 0 is one that the system chooses
    #[arg(long, value_name = "N", default_value_t = 6868)]
    pub port: u16,
    /// Address that it listens on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub bind: IpAddr,
    /// Which kind of GAMA it plays
    #[arg(long, value_name = "KIND", default_value = "gui")]
    pub flavour: Flavour,
    /// Cycles per second while an experiment runs
    #[arg(long, value_name = "HZ", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rate: u32,
    /// People of the flood, 0 to 10000
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pub people: u16,
    /// Least size of the world that each player is sent, in kB; trees fill it
    #[arg(long, value_name = "KB", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=1_024))]
    pub world_kb: u16,
    /// The same seed gives the same flood
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Something that goes wrong from the start, or as soon as an experiment runs
    #[arg(long, value_name = "FAULT")]
    pub fault: Option<Fault>,
    /// Write nothing to the console
    #[arg(long)]
    pub quiet: bool,
}

impl From<GamaArgs> for gama::Options {
    fn from(args: GamaArgs) -> gama::Options {
        gama::Options {
            address: SocketAddr::new(args.bind, args.port),
            flavour: args.flavour,
            rate: args.rate,
            people: usize::from(args.people),
            world_kb: usize::from(args.world_kb),
            seed: args.seed,
            fault: args.fault,
            quiet: args.quiet,
            ..gama::Options::default()
        }
    }
}

/// The flags of `crosstie practice headset`.
#[derive(Debug, Args)]
pub struct HeadsetArgs {
    /// Name of the player
    #[arg(long, default_value = "Player_101")]
    pub id: String,
    /// Where the headset port is
    #[arg(long, value_name = "URL", default_value = "ws://127.0.0.1:8080/")]
    pub url: String,
    /// Certificates in PEM that may vouch for a hub at wss://, such as its state/tls/certificate.pem
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// So many players, counted on from the number at the end of the name
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub count: u32,
    /// Moves per second while in the game
    #[arg(long, value_name = "HZ", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    pub rate: u32,
    /// Interval between two pings that it asks for, in ms
    #[arg(long, value_name = "MS", default_value_t = 5_000)]
    pub heartbeat: u64,
    /// How it walks: random, still, circle, or to a place X,Y in metres of the world, where it stays
    #[arg(long, value_name = "HOW", default_value = "random", allow_hyphen_values = true)]
    pub walk: Walk,
    /// Answer no pings, as a headset that has hung
    #[arg(long)]
    pub deaf: bool,
    /// Read nothing for so many seconds once it is in the game, as a headset that is too slow
    #[arg(long, value_name = "SECS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub stall: Option<u64>,
    /// Write nothing to the console
    #[arg(long)]
    pub quiet: bool,
}

impl From<HeadsetArgs> for headset::Options {
    fn from(args: HeadsetArgs) -> headset::Options {
        headset::Options {
            url: args.url,
            ca_file: args.ca,
            id: args.id,
            count: args.count,
            rate: args.rate,
            heartbeat_ms: args.heartbeat,
            walk: args.walk,
            deaf: args.deaf,
            stall: args.stall.map(Duration::from_secs),
            quiet: args.quiet,
            ..headset::Options::default()
        }
    }
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(String::from("expected on or off")),
    }
}
