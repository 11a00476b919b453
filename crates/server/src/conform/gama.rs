//! The suite for GAMA servers: a GAMA, its practice stand-in, or any other, seen by its client.
//!
//! ```text
//!   options ──► greeting ──► checks, each on a connection of its own with an experiment of its own ──► Report
//! ```
//!
//! The server is known by its address and by one model that it can load. What differs between GAMA with a window and headless
//! GAMA is tried by the flavour that it turns out to be, or that was given.

mod checks;
mod rig;

use super::checks::Entry;
use super::rig::Stop;
use super::simple::peer::{How, Peer};
use super::{Report, finished, guarded, message, selects, timed, unknown};
use checks::{CHECKS, REACHED};
use rig::Rig;
use std::time::Duration;

/// How to run the suite.
#[derive(Clone, Debug)]
pub struct GamaOptions {
    /// Run only these claims (`GA-4`) or checks (`GA-4.command`), in any case; everything when empty.
    pub only: Vec<String>,
    /// How long one expected message may take.
    pub limit: Duration,
    /// How long a load may take (GA-10).
    pub load_limit: Duration,
    /// How long one check may take in all.
    pub check_limit: Duration,
    /// Also make the checks that take ten seconds and more.
    pub slow: bool,
    /// A `.gaml` file that the server can load, as it names it.
    pub model: String,
    /// An experiment of that model.
    pub experiment: String,
    /// Which GAMA it is; found out by its answer to a load when it is `None` (GA-6).
    pub flavour: Option<GamaFlavour>,
}

/// A kind of GAMA (GA-6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GamaFlavour {
    /// With a window: it tells its states.
    Gui,
    /// Headless: its states follow from its answers.
    Headless,
}

impl Default for GamaOptions {
    fn default() -> GamaOptions {
        GamaOptions {
            only: Vec::new(),
            limit: Duration::from_secs(5),
            load_limit: Duration::from_secs(120),
            check_limit: Duration::from_secs(180),
            slow: false,
            model: String::new(),
            experiment: String::new(),
            flavour: None,
        }
    }
}

impl GamaOptions {
    /// The entries of `only` that name neither a claim nor a check: most likely mistyped.
    pub fn unknown(&self) -> Vec<&str> {
        unknown(&self.only, all_checks())
    }
}

/// Id, claim and title of every check of the suite, in the order in which they run.
pub fn gama_checks() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    all_checks().map(|entry| (entry.id, entry.claim, entry.title))
}

fn all_checks() -> impl Iterator<Item = &'static Entry<Rig>> + Clone {
    std::iter::once(&REACHED).chain(CHECKS)
}

/// Holds the GAMA server at `url` (`ws://host:port/`) against the contract.
///
/// Never fails as a call: of a server that cannot be reached the report holds the one check that says so.
pub async fn gama(url: &str, options: &GamaOptions) -> Report {
    let mut rig = Rig::new(url, options);
    let mut checks = Vec::new();
    let (first, took) = timed(run(&REACHED, options, &mut rig)).await;
    let is_reached = first.is_ok();
    if !is_reached || selects(&options.only, &REACHED) {
        checks.push(finished(&REACHED, first, took, &rig.transcript));
    }
    let mut died_in = None;
    for entry in CHECKS
        .iter()
        .filter(|entry| is_reached && selects(&options.only, entry))
    {
        if let Some(id) = died_in {
            let gone = Err(Stop::skipped(format!("the server is gone since {id}")));
            checks.push(finished(entry, gone, Duration::ZERO, &rig.transcript));
            continue;
        }
        let (mut result, took) = timed(run(entry, options, &mut rig)).await;
        if let Err(Stop::Failed { got, .. }) = &mut result {
            let aside = message::Transcript::default();
            if Peer::connect(url, How::named("look"), options.limit, &aside)
                .await
                .is_err()
            {
                died_in = Some(entry.id);
                got.push_str("; since then nobody takes connections there: the server has died");
            }
        }
        checks.push(finished(entry, result, took, &rig.transcript));
    }
    Report {
        protocol: "GAMA",
        url: message::without_keys(url),
        checks,
    }
}

async fn run(entry: &Entry<Rig>, options: &GamaOptions, rig: &mut Rig) -> Result<(), Stop> {
    rig.transcript.clear();
    guarded(options.check_limit, (entry.run)(rig)).await
}
