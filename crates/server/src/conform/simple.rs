//! The suites for a SIMPLE WebPlatform: its monitor port and its headset port, each against its claims.
//!
//! ```text
//!   options ──► learn: catalog, GAMALESS or not, how players are known ──► checks ──► model and screen put back ──► Report
//!                (rig)                            (over monitors, headsets, and a GAMA that the suite plays)
//! ```
//!
//! The platform is known by its addresses alone. What needs GAMA is tried where the platform was told to find GAMA at the port
//! on which the suite plays it. That a message did *not* come is shown by an answer that is ordered behind it.

mod gama;
mod headset;
mod monitor;
pub(super) mod peer;
mod rig;
mod shared;

use super::checks::Entry;
use super::rig::Stop;
use super::{Check, Report, finished, guarded, message, selects, timed, unknown};
use peer::{How, Peer};
use rig::Rig;
use std::time::Duration;
use tokio::net::TcpListener;

/// How to run one of the two suites.
#[derive(Clone, Debug)]
pub struct SimpleOptions {
    /// Run only these claims (`SI-15`) or checks (`SI-15.catalog`), in any case; everything when empty.
    pub only: Vec<String>,
    /// How long one expected message may take.
    pub limit: Duration,
    /// How long one check may take in all.
    pub check_limit: Duration,
    /// Also make the checks that take ten seconds and more.
    pub slow: bool,
}

impl Default for SimpleOptions {
    fn default() -> SimpleOptions {
        SimpleOptions {
            only: Vec::new(),
            limit: Duration::from_secs(5),
            check_limit: Duration::from_secs(60),
            slow: false,
        }
    }
}

impl SimpleOptions {
    /// The entries of `only` that name neither a claim nor a check of the monitor port: most likely mistyped.
    pub fn unknown_to_monitors(&self) -> Vec<&str> {
        unknown(&self.only, all(monitor::REACHED, monitor::CHECKS))
    }

    /// The entries of `only` that name neither a claim nor a check of the headset port.
    pub fn unknown_to_headsets(&self) -> Vec<&str> {
        unknown(&self.only, all(headset::REACHED, headset::CHECKS))
    }
}

/// Where the parts of a platform are.
#[derive(Debug)]
pub struct Platform {
    /// The monitor port, `ws://host:port/`.
    pub monitor: Option<String>,
    /// The headset port, `ws://host:port/`.
    pub headset: Option<String>,
    /// Where the platform was told to find GAMA; the suite plays it there.
    pub gama: Option<TcpListener>,
}

/// Id, claim and title of every check of the monitor port, in the order in which they run.
pub fn monitor_checks() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    all(monitor::REACHED, monitor::CHECKS).map(|entry| (entry.id, entry.claim, entry.title))
}

/// Id, claim and title of every check of the headset port, in the order in which they run.
pub fn headset_checks() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    all(headset::REACHED, headset::CHECKS).map(|entry| (entry.id, entry.claim, entry.title))
}

fn all(
    reached: &'static Entry<Rig>,
    checks: &'static [Entry<Rig>],
) -> impl Iterator<Item = &'static Entry<Rig>> + Clone {
    std::iter::once(reached).chain(checks)
}

/// Holds the monitor port of a platform against its claims.
///
/// Never fails as a call: of a platform that cannot be reached the report holds the one check that says so.
pub async fn monitor(platform: Platform, options: &SimpleOptions) -> Report {
    let url = platform.monitor.clone().unwrap_or_default();
    let table = (monitor::REACHED, monitor::CHECKS);
    suite("SIMPLE monitor port", &url, platform, table, options).await
}

/// Holds the headset port of a platform against its claims.
///
/// Never fails as a call: of a platform that cannot be reached the report holds the one check that says so.
pub async fn headset(platform: Platform, options: &SimpleOptions) -> Report {
    let url = platform.headset.clone().unwrap_or_default();
    let table = (headset::REACHED, headset::CHECKS);
    suite("SIMPLE headset port", &url, platform, table, options).await
}

type Table = (&'static Entry<Rig>, &'static [Entry<Rig>]);

async fn suite(
    protocol: &'static str,
    url: &str,
    platform: Platform,
    (reached, entries): Table,
    options: &SimpleOptions,
) -> Report {
    let mut checks = Vec::new();
    match Rig::new(platform.monitor, platform.headset, platform.gama, options) {
        Ok(mut rig) => run_all(url, &mut rig, (reached, entries), options, &mut checks).await,
        Err(error) => {
            let stop = Stop::failed("the suite plays GAMA at the port that was given", error);
            checks.push(finished(
                reached,
                Err(stop),
                Duration::ZERO,
                &message::Transcript::default(),
            ));
        }
    }
    Report {
        protocol,
        url: message::without_keys(url),
        checks,
    }
}

async fn run_all(
    url: &str,
    rig: &mut Rig,
    (reached, entries): Table,
    options: &SimpleOptions,
    checks: &mut Vec<Check>,
) {
    let (first, took) = timed(run(reached, options, rig)).await;
    let is_reached = first.is_ok();
    if !is_reached || selects(&options.only, reached) {
        checks.push(finished(reached, first, took, &rig.transcript));
    }
    if !is_reached {
        return;
    }
    let mut died_in = None;
    for entry in entries.iter().filter(|entry| selects(&options.only, entry)) {
        if let Some(id) = died_in {
            let gone = Err(Stop::skipped(format!("the platform is gone since {id}")));
            checks.push(finished(entry, gone, Duration::ZERO, &rig.transcript));
            continue;
        }
        let (mut result, took) = timed(run(entry, options, rig)).await;
        if let Err(Stop::Failed { got, .. }) = &mut result
            && !is_there(url, rig).await
        {
            died_in = Some(entry.id);
            got.push_str("; since then nobody takes connections there: the platform has died");
        }
        checks.push(finished(entry, result, took, &rig.transcript));
        rig.tidy().await;
    }
    if died_in.is_none()
        && let Err(Stop::Failed { got, .. }) = rig.leave_as_found().await
    {
        tracing::warn!(
            url = message::without_keys(url),
            got,
            "model and screen could not be put back"
        );
    }
}

async fn run(entry: &Entry<Rig>, options: &SimpleOptions, rig: &mut Rig) -> Result<(), Stop> {
    rig.transcript.clear();
    guarded(options.check_limit, (entry.run)(rig)).await
}

/// Whether the platform still takes connections.
async fn is_there(url: &str, rig: &Rig) -> bool {
    let aside = message::Transcript::default();
    Peer::connect(url, How::named("look"), rig.limit, &aside).await.is_ok()
}
