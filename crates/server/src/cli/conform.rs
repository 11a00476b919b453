//! `crosstie conform`: the flags of the conformance check.

use super::CliError;
use crate::conform::{
    self, Catalog, ClientOptions, GamaFlavour, GamaOptions, Options, PiplcOptions, Platform, Report, SimpleOptions,
};
use clap::{Args, Subcommand};
use crosstie_wire::piplc::Dialect;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::TcpListener;

/// What can be checked.
#[derive(Debug, Subcommand)]
pub enum ConformCommand {
    /// Check a realvirtual server, or with --listen a client, claim by claim; exit code 1 if one is not kept. It writes to every
    /// signal that a peer may write: use it on a plant that nobody drives meanwhile
    #[command(after_help = "Examples:\n  crosstie conform realvirtual ws://127.0.0.1:1234/\n  \
                      crosstie conform realvirtual ws://127.0.0.1:1234/ --only RV-10 --only RV-12 --junit report.xml\n  \
                      crosstie conform realvirtual --listen 1234 --only RV-33")]
    Realvirtual {
        /// Address of the server
        #[arg(required_unless_present = "listen")]
        url: Option<String>,
        /// How a client is checked instead.
        #[command(flatten)]
        listen: ListenOptions,
        /// What to check and how to report.
        #[command(flatten)]
        options: ConformOptions,
    },
    /// Check a PiPLC engine server, claim by claim; exit code 1 if one is not kept. Without --write it changes nothing; with it,
    /// it works in contexts that it makes and removes
    #[command(after_help = "Examples:\n  crosstie conform piplc ws://127.0.0.1:9100/\n  \
                      crosstie conform piplc ws://127.0.0.1:9100/ --write --junit report.xml\n  \
                      crosstie conform piplc ws://127.0.0.1:9100/ --write --dialect 0.1 --only PL-9")]
    Piplc {
        /// Address of the server
        url: String,
        /// How the server is treated.
        #[command(flatten)]
        server: PiplcServerOptions,
        /// What to check and how to report.
        #[command(flatten)]
        options: ConformOptions,
    },
    /// Check the monitor port of a SIMPLE WebPlatform, claim by claim; exit code 1 if one is not kept. It selects models and,
    /// with --gama-port, launches and stops experiments: use it while there is no class
    #[command(after_help = "Examples:\n  crosstie conform monitor ws://127.0.0.1:8001/\n  \
                      crosstie conform monitor ws://127.0.0.1:8001/ --headset ws://127.0.0.1:8080/ --gama-port 1000\n  \
                      crosstie conform monitor ws://127.0.0.1:8001/ --only SI-15 --junit report.xml")]
    Monitor {
        /// Address of the monitor port
        #[arg(value_name = "URL")]
        url: String,
        /// Address of the headset port of the same platform: without it, checks with players are not made
        #[arg(long, value_name = "URL")]
        headset: Option<String>,
        /// The GAMA that the suite plays.
        #[command(flatten)]
        stage: StageOptions,
        /// What to check and how to report.
        #[command(flatten)]
        options: ConformOptions,
    },
    /// Check the headset port of a SIMPLE WebPlatform, claim by claim; exit code 1 if one is not kept. It brings players of its
    /// own and, with --gama-port, launches and stops experiments: use it while there is no class
    #[command(after_help = "Examples:\n  crosstie conform headset ws://127.0.0.1:8080/\n  \
                      crosstie conform headset ws://127.0.0.1:8080/ --monitor ws://127.0.0.1:8001/ --gama-port 1000\n  \
                      crosstie conform headset ws://127.0.0.1:8080/ --only SI-31 --json")]
    Headset {
        /// Address of the headset port
        #[arg(value_name = "URL")]
        url: String,
        /// Address of the monitor port of the same platform: without it, checks during an experiment are not made
        #[arg(long, value_name = "URL")]
        monitor: Option<String>,
        /// The GAMA that the suite plays.
        #[command(flatten)]
        stage: StageOptions,
        /// What to check and how to report.
        #[command(flatten)]
        options: ConformOptions,
    },
    /// Check a GAMA server, claim by claim; exit code 1 if one is not kept. It loads the model again and again: use it on a
    /// server that nobody uses meanwhile
    #[command(after_help = "Examples:\n  \
                      crosstie conform gama ws://127.0.0.1:1000/ --model /models/Flood.gaml --experiment vr_xp\n  \
                      crosstie conform gama ws://127.0.0.1:6868/ --model /models/Flood.gaml --experiment vr_xp --flavour headless")]
    Gama {
        /// Address of the server
        #[arg(value_name = "URL")]
        url: String,
        /// A .gaml file that the server can load: the path as it is on the server's machine
        #[arg(long, value_name = "PATH")]
        model: String,
        /// An experiment of that model
        #[arg(long, value_name = "NAME")]
        experiment: String,
        /// Which GAMA it is; otherwise its answer to a load tells
        #[arg(long, value_name = "FLAVOUR", value_parser = ["gui", "headless"])]
        flavour: Option<String>,
        /// Also make the checks that take ten seconds and more
        #[arg(long)]
        slow: bool,
        /// What to check and how to report.
        #[command(flatten)]
        options: ConformOptions,
    },
}

/// The GAMA that the suites for a SIMPLE WebPlatform play.
#[derive(Clone, Debug, Args)]
pub struct StageOptions {
    /// Play GAMA on this port, where the platform was told to find it: without it, checks with GAMA are not made
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub gama_port: Option<u16>,
    /// Address on which GAMA is played
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", requires = "gama_port")]
    pub gama_bind: IpAddr,
    /// Also make the checks that take ten seconds and more
    #[arg(long)]
    pub slow: bool,
}

/// How a PiPLC engine server is treated.
#[derive(Clone, Debug, Args)]
pub struct PiplcServerOptions {
    /// Also make the checks that change something, in contexts of their own
    #[arg(long)]
    pub write: bool,
    /// Also make the checks that take tens of seconds
    #[arg(long)]
    pub slow: bool,
    /// Speak as a client of this generation, instead of the server's own
    #[arg(long, value_name = "VERSION", value_parser = ["0.1", "0.2"])]
    pub dialect: Option<String>,
}

/// How a client is checked.
#[derive(Clone, Debug, Args)]
pub struct ListenOptions {
    /// Play the server on this port and check the client that connects; 0 takes any free port
    #[arg(long, value_name = "PORT", conflicts_with = "url")]
    pub listen: Option<u16>,
    /// Address to listen on
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1",
        requires = "listen",
        conflicts_with = "url"
    )]
    pub bind: IpAddr,
    /// How long the client may take to connect, at first and after each drop, in seconds
    #[arg(long, value_name = "SECS", default_value_t = 30, requires = "listen", conflicts_with = "url",
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub wait: u64,
    /// Also make the checks that take ten seconds and more
    #[arg(long, requires = "listen", conflicts_with = "url")]
    pub slow: bool,
    /// Serve these signals: a JSON object {"signals": {..}, "signalTypes": {..}}, as in an import_answer
    #[arg(long, value_name = "FILE", requires = "listen", conflicts_with = "url")]
    pub catalog: Option<PathBuf>,
    /// Path and query that the client was told to ask for
    #[arg(long, value_name = "PATH", requires = "listen", conflicts_with = "url")]
    pub path: Option<String>,
}

/// What to check and how to report.
#[derive(Clone, Debug, Default, Args)]
pub struct ConformOptions {
    /// Also write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Check only this claim, such as RV-10; may be given more than once
    #[arg(long, value_name = "CLAIM")]
    pub only: Vec<String>,
}

/// Checks a server, or a client, and prints the report.
pub(super) async fn realvirtual(
    url: Option<&str>,
    listen: &ListenOptions,
    args: &ConformOptions,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    match (url, listen.listen) {
        (Some(url), _) => server(url, args, out).await,
        (None, Some(port)) => client(port, listen, args, out).await,
        (None, None) => Err(CliError::Usage(
            "expected the URL of a server or --listen PORT".to_owned(),
        )),
    }
}

async fn server(url: &str, args: &ConformOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let options = Options {
        only: args.only.clone(),
        ..Options::default()
    };
    refuse_unknown(&options.unknown())?;
    finish(&conform::realvirtual(url, &options).await, args, out)
}

async fn client(port: u16, listen: &ListenOptions, args: &ConformOptions, out: &mut dyn Write) -> Result<(), CliError> {
    let options = ClientOptions {
        only: args.only.clone(),
        wait: Duration::from_secs(listen.wait),
        slow: listen.slow,
        catalog: listen.catalog.as_deref().map(read_catalog).transpose()?,
        path: listen.path.clone(),
        // Progress is for people; results go to standard output.
        progress: |line| drop(writeln!(std::io::stderr(), "{line}")),
        ..ClientOptions::default()
    };
    refuse_unknown(&options.unknown())?;
    let address = SocketAddr::new(listen.bind, port);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        CliError::Failed(format!(
            "cannot listen on {address}: {error}; --listen 0 takes a free port"
        ))
    })?;
    finish(&conform::listen(listener, &options).await, args, out)
}

/// Checks a PiPLC engine server and prints the report.
pub(super) async fn piplc(
    url: &str,
    server: &PiplcServerOptions,
    args: &ConformOptions,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let options = PiplcOptions {
        only: args.only.clone(),
        write: server.write,
        slow: server.slow,
        dialect: server.dialect.as_deref().map(Dialect::of_client_version),
        ..PiplcOptions::default()
    };
    refuse_unknown(&options.unknown())?;
    finish(&conform::piplc(url, &options).await, args, out)
}

/// Checks the monitor port of a platform and prints the report.
pub(super) async fn monitor(
    url: &str,
    headset: Option<String>,
    stage: &StageOptions,
    args: &ConformOptions,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let options = simple_options(stage, args);
    refuse_unknown(&options.unknown_to_monitors())?;
    let platform = Platform {
        monitor: Some(url.to_owned()),
        headset,
        gama: listen_as_gama(stage).await?,
    };
    finish(&conform::monitor(platform, &options).await, args, out)
}

/// Checks the headset port of a platform and prints the report.
pub(super) async fn headset(
    url: &str,
    monitor: Option<String>,
    stage: &StageOptions,
    args: &ConformOptions,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let options = simple_options(stage, args);
    refuse_unknown(&options.unknown_to_headsets())?;
    let platform = Platform {
        monitor,
        headset: Some(url.to_owned()),
        gama: listen_as_gama(stage).await?,
    };
    finish(&conform::headset(platform, &options).await, args, out)
}

/// Checks a GAMA server and prints the report.
pub(super) async fn gama(
    url: &str,
    options: GamaOptions,
    args: &ConformOptions,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    refuse_unknown(&options.unknown())?;
    finish(&conform::gama(url, &options).await, args, out)
}

/// The flavour that `--flavour` names.
pub(super) fn flavour_of(word: &str) -> GamaFlavour {
    match word {
        "headless" => GamaFlavour::Headless,
        _ => GamaFlavour::Gui,
    }
}

fn simple_options(stage: &StageOptions, args: &ConformOptions) -> SimpleOptions {
    SimpleOptions {
        only: args.only.clone(),
        slow: stage.slow,
        ..SimpleOptions::default()
    }
}

async fn listen_as_gama(stage: &StageOptions) -> Result<Option<TcpListener>, CliError> {
    let Some(port) = stage.gama_port else { return Ok(None) };
    let address = SocketAddr::new(stage.gama_bind, port);
    let listener = TcpListener::bind(address).await.map_err(|error| {
        CliError::Failed(format!(
            "cannot play GAMA on {address}: {error}; end what listens there, or tell the platform of another port"
        ))
    })?;
    Ok(Some(listener))
}

fn refuse_unknown(unknown: &[&str]) -> Result<(), CliError> {
    match unknown.first() {
        None => Ok(()),
        Some(unknown) => Err(CliError::Usage(format!(
            "--only {unknown}: no claim or check has this name"
        ))),
    }
}

fn read_catalog(path: &Path) -> Result<Catalog, CliError> {
    let refused = |error: &dyn std::fmt::Display| CliError::Usage(format!("--catalog {}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
    Catalog::from_json(&text).map_err(|error| refused(&error))
}

fn finish(report: &Report, args: &ConformOptions, out: &mut dyn Write) -> Result<(), CliError> {
    if let Some(path) = &args.junit {
        std::fs::write(path, report.to_junit())?;
    }
    let text = if args.json { report.to_json() } else { report.to_text() };
    writeln!(out, "{}", text.trim_end())?;
    match report.exit_code() {
        0 => Ok(()),
        exit_code => Err(CliError::Told { exit_code }),
    }
}
