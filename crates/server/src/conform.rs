//! `crosstie conform`: black-box suites that hold any server, or any client, against the numbered claims of a protocol.
//!
//! This page and its neighbours play a client of the server under test; `client` plays the server of a client under test, with
//! the same table of checks and the same report. `piplc` is the suite for servers of PiPLC's protocol.
//!
//! ```text
//!   options ──► learn the catalog ──► checks, one after the other ──► write old values back ──► Report
//!                    (rig)              (checks, over peers)
//! ```
//!
//! The suite knows the server by its address alone: which signals it has and which of them a peer may write it finds out
//! itself. A check that the server gives no occasion for is skipped with its reason. Nothing is judged by waiting: that a
//! message did *not* come is shown by a marker that is ordered behind it. The suite writes to signals, so it belongs on a
//! system that may move and that nobody else drives meanwhile: a signal with another writer is given up where it is noticed, but a
//! value that comes between a write and its look is a failure. Old values are written back in the end.

mod checks;
mod client;
mod gama;
mod message;
mod peer;
mod piplc;
mod report;
mod rig;
mod simple;

pub use client::{Catalog, CatalogError, ClientOptions, Pauses, listen, realvirtual_client_checks};
pub use gama::{GamaFlavour, GamaOptions, gama, gama_checks};
pub use piplc::{PiplcOptions, piplc, piplc_checks};
pub use report::{Check, Outcome, Report, Summary};
pub use simple::{Platform, SimpleOptions, headset, headset_checks, monitor, monitor_checks};

use checks::{CHECKS, Entry, REACHED};
use message::Transcript;
use rig::{Rig, Stop};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Lines of the transcript that a failure shows.
const TRANSCRIPT_SHOWN_MAX: usize = 12;

/// How to run the suite.
#[derive(Clone, Debug)]
pub struct Options {
    /// Run only these claims (`RV-13`) or checks (`RV-13.echo`), in any case; everything when empty.
    pub only: Vec<String>,
    /// How long one expected message may take. Above 1 s, because some claims give a server that second (RV-11).
    pub limit: Duration,
    /// How long one check may take in all.
    pub check_limit: Duration,
    /// How long the slow reader reads nothing (RV-52).
    pub hold: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            only: Vec::new(),
            limit: Duration::from_secs(5),
            check_limit: Duration::from_secs(60),
            hold: Duration::from_millis(800),
        }
    }
}

impl Options {
    /// The entries of `only` that name neither a claim nor a check: most likely mistyped.
    pub fn unknown(&self) -> Vec<&str> {
        unknown(&self.only, all_checks())
    }
}

/// The entries of `only` that name none of these checks.
fn unknown<T: 'static>(only: &[String], checks: impl Iterator<Item = &'static Entry<T>> + Clone) -> Vec<&str> {
    only.iter()
        .map(String::as_str)
        .filter(|only| !checks.clone().any(|entry| names(only, entry)))
        .collect()
}

/// Whether a check is to run.
fn selects<T>(only: &[String], entry: &Entry<T>) -> bool {
    only.is_empty() || only.iter().any(|only| names(only, entry))
}

fn names<T>(only: &str, entry: &Entry<T>) -> bool {
    only.eq_ignore_ascii_case(entry.claim) || only.eq_ignore_ascii_case(entry.id)
}

/// Id, claim and title of every check of the realvirtual suite, in the order in which they run.
pub fn realvirtual_checks() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    all_checks().map(|entry| (entry.id, entry.claim, entry.title))
}

/// Holds the realvirtual server at `url` (`ws://host:port/path`) against the contract's server role.
///
/// Never fails as a call: of a server that cannot be reached the report holds the one check that says so.
pub async fn realvirtual(url: &str, options: &Options) -> Report {
    let mut rig = Rig::new(url, options);
    let mut checks = Vec::new();

    let (first, took) = timed(guarded(options.check_limit, (REACHED.run)(&mut rig))).await;
    let reached = first.is_ok();
    if !reached || selects(&options.only, &REACHED) {
        checks.push(finished(&REACHED, first, took, &rig.transcript));
    }
    if reached {
        for entry in CHECKS.iter().filter(|entry| selects(&options.only, entry)) {
            let (result, took) = timed(run(entry, options, &mut rig)).await;
            checks.push(finished(entry, result, took, &rig.transcript));
        }
        leave_as_found(&rig).await;
    }
    Report {
        protocol: "realvirtual",
        url: message::without_keys(url),
        checks,
    }
}

fn all_checks() -> impl Iterator<Item = &'static Entry<Rig>> + Clone {
    std::iter::once(&REACHED).chain(CHECKS)
}

/// Runs a check, and once more when it failed while somebody else wrote to its signals.
async fn run(entry: &Entry<Rig>, options: &Options, rig: &mut Rig) -> Result<(), Stop> {
    rig.transcript.clear();
    let result = guarded(options.check_limit, (entry.run)(rig)).await;
    if !matches!(result, Err(Stop::Failed { .. })) {
        return result;
    }
    // The failure's own transcript is what the report shows unless the check is made again.
    let transcript = std::mem::take(&mut rig.transcript);
    let disturbed = matches!(rig.drop_restless().await, Ok(true));
    if !disturbed {
        rig.transcript = transcript;
        return result;
    }
    rig.transcript.clear();
    guarded(options.check_limit, (entry.run)(rig)).await
}

/// Runs a check within the limit of one check.
async fn guarded(check_limit: Duration, check: impl Future<Output = Result<(), Stop>>) -> Result<(), Stop> {
    match timeout(check_limit, check).await {
        Ok(result) => result,
        Err(_) => Err(Stop::failed(
            "the check comes to an end",
            format!("it still ran after {check_limit:?}"),
        )),
    }
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let done = work.await;
    (done, start.elapsed())
}

fn finished<T>(entry: &Entry<T>, result: Result<(), Stop>, took: Duration, transcript: &Transcript) -> Check {
    let outcome = match result {
        Ok(()) => Outcome::Passed,
        Err(Stop::Skipped(why)) => Outcome::Skipped { why },
        Err(Stop::Failed { expected, got }) => {
            let mut transcript = transcript.lines();
            transcript.drain(..transcript.len().saturating_sub(TRANSCRIPT_SHOWN_MAX));
            Outcome::Failed {
                expected,
                got,
                transcript,
            }
        }
    };
    Check {
        id: entry.id,
        claim: entry.claim,
        title: entry.title,
        outcome,
        took,
    }
}

/// Writes the old values back. A server that does not take them any more has been told on by the checks already.
async fn leave_as_found(rig: &Rig) {
    let restored = async {
        let mut peer = rig.peer("tidier").await?;
        peer.init().await?;
        rig.restore(&mut peer).await?;
        peer.leave().await
    };
    if let Err(Stop::Failed { got, .. }) = restored.await {
        tracing::warn!(
            url = message::without_keys(&rig.url),
            got,
            "old values could not be written back"
        );
    }
}
