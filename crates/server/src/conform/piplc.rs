//! The suite for servers of PiPLC's protocol: Crosstie, the published engine, or any other.
//!
//! ```text
//!   options ──► hello: dialect, contexts ──► checks, each in a context of its own ──► contexts and routes put back ──► Report
//!                   (rig)                       (checks, over peers)
//! ```
//!
//! The server is known by its address alone. A check that changes something is made only when that is asked for, in contexts
//! that it makes and removes, so a plant that runs in the others goes on. Programs are stepped scan by scan and the memory is
//! read from snapshots, so hardly anything is judged by the clock.

mod checks;
mod frame;
mod peer;
mod program;
mod rig;

use super::checks::Entry;
use super::rig::Stop;
use super::{Report, finished, guarded, message, selects, timed, unknown};
use checks::{CHECKS, REACHED};
use crosstie_wire::piplc::Dialect;
use rig::Rig;
use std::time::Duration;

/// How to run the suite.
#[derive(Clone, Debug)]
pub struct PiplcOptions {
    /// Run only these claims (`PL-15`) or checks (`PL-15.first`), in any case; everything when empty.
    pub only: Vec<String>,
    /// How long one expected message may take.
    pub limit: Duration,
    /// How long one check may take in all.
    pub check_limit: Duration,
    /// Also make the checks that change something, in contexts of their own.
    pub write: bool,
    /// Also make the checks that take tens of seconds.
    pub slow: bool,
    /// The dialect to speak; that of the server when it is `None`.
    pub dialect: Option<Dialect>,
}

impl Default for PiplcOptions {
    fn default() -> PiplcOptions {
        PiplcOptions {
            only: Vec::new(),
            limit: Duration::from_secs(5),
            check_limit: Duration::from_secs(60),
            write: false,
            slow: false,
            dialect: None,
        }
    }
}

impl PiplcOptions {
    /// The entries of `only` that name neither a claim nor a check: most likely mistyped.
    pub fn unknown(&self) -> Vec<&str> {
        unknown(&self.only, all_checks())
    }
}

/// Id, claim and title of every check of the suite, in the order in which they run.
pub fn piplc_checks() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    all_checks().map(|entry| (entry.id, entry.claim, entry.title))
}

fn all_checks() -> impl Iterator<Item = &'static Entry<Rig>> + Clone {
    std::iter::once(&REACHED).chain(CHECKS)
}

/// Holds the engine server at `url` (`ws://host:port/path`) against the contract.
///
/// Never fails as a call: of a server that cannot be reached the report holds the one check that says so.
pub async fn piplc(url: &str, options: &PiplcOptions) -> Report {
    let mut rig = Rig::new(url, options);
    let mut checks = Vec::new();

    let (first, took) = timed(run(&REACHED, options, &mut rig)).await;
    let reached = first.is_ok();
    if !reached || selects(&options.only, &REACHED) {
        checks.push(finished(&REACHED, first, took, &rig.transcript));
    }
    if reached {
        for entry in CHECKS.iter().filter(|entry| selects(&options.only, entry)) {
            let (result, took) = timed(run(entry, options, &mut rig)).await;
            checks.push(finished(entry, result, took, &rig.transcript));
        }
    }
    Report {
        protocol: "PiPLC",
        url: message::without_keys(url),
        checks,
    }
}

/// Runs a check and puts the server back as it was before it.
async fn run(entry: &Entry<Rig>, options: &PiplcOptions, rig: &mut Rig) -> Result<(), Stop> {
    rig.transcript.clear();
    let result = guarded(options.check_limit, (entry.run)(rig)).await;
    rig.tidy().await;
    result
}
