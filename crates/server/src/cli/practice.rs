//! `crosstie practice`: the flags of the stand-ins.

use clap::{ArgAction, Args, Subcommand};
use std::path::PathBuf;

/// What can be played.
#[derive(Debug, Subcommand)]
pub enum PracticeCommand {
    /// Play a digital twin of a bottling line against a realvirtual server until Ctrl-C
    #[command(after_help = "Example:\n  crosstie practice twin --url ws://127.0.0.1:1234/ --auto off")]
    Twin(TwinArgs),
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
