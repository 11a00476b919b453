//! The suite for clients: it plays the server, and any realvirtual client that connects is held against the client role.
//!
//! ```text
//!   listener ──► learn (names, writes, own catalog) ──► checks, each on the next connection ──► Report
//!     door                    stand                          checks, over links
//! ```
//!
//! Each check drives one connection and ends it, so the client has to come back by itself (RV-33); one that stays away is named
//! as such, and what could not be checked for that is skipped with this reason. What a client holds is seen in its own catalog
//! (RV-36), and only there: without it those checks are skipped.

mod catalog;
mod checks;
mod door;
mod link;
mod stand;

pub use catalog::{Catalog, CatalogError};

use super::checks::Entry;
use super::report::{Check, Outcome, Report};
use super::rig::Stop;
use super::{finished, guarded, selects, timed, unknown};
use checks::{CHECKS, COMES_BACK, REACHED};
use stand::Stand;
use std::time::Duration;
use tokio::net::TcpListener;

/// Why nothing is checked any more.
const LOST: &str = "the client did not come back (RV-33.comes-back)";
/// How long one check may take beside its waits.
const CHECK_LIMIT: Duration = Duration::from_secs(60);

/// How long the checks hold still where a claim is about time.
#[derive(Clone, Debug)]
pub struct Pauses {
    /// How long `import_answer` is held back; the contract gives a client 10 s (RV-32). Only in slow runs.
    pub no_answer: Duration,
    /// How long a repeated `init` is waited for; the contract says every 25 s (RV-34). Only in slow runs.
    pub keep_alive: Duration,
    /// How long nothing is answered, not even a ping; the contract says that 40 s end a link (RV-53). Only in slow runs.
    pub half_open: Duration,
    /// How long nothing is said on a link that answers pings (RV-53).
    pub silence: Duration,
    /// How long nobody listens (RV-33).
    pub shut: Duration,
    /// How long attempts are turned away and counted (RV-33).
    pub pace: Duration,
}

impl Default for Pauses {
    fn default() -> Pauses {
        Pauses {
            no_answer: Duration::from_secs(11),
            keep_alive: Duration::from_secs(30),
            half_open: Duration::from_secs(45),
            silence: Duration::from_secs(3),
            shut: Duration::from_secs(3),
            pace: Duration::from_secs(3),
        }
    }
}

/// How to run the suite for clients.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Run only these claims (`RV-33`) or checks (`RV-33.reset`), in any case; everything when empty.
    pub only: Vec<String>,
    /// How long the client may take to connect, at first and after every drop.
    pub wait: Duration,
    /// How long one expected message may take.
    pub limit: Duration,
    /// Also make the checks that take ten seconds and more.
    pub slow: bool,
    /// What is served; a small catalog of its own when `None`. The client's own names are added (RV-36).
    pub catalog: Option<Catalog>,
    /// The path with its query that the client was told to ask for; any when `None`.
    pub path: Option<String>,
    /// How long the checks hold still.
    pub pauses: Pauses,
    /// Is told line by line how far the run is.
    pub progress: fn(&str),
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions {
            only: Vec::new(),
            wait: Duration::from_secs(30),
            limit: Duration::from_secs(5),
            slow: false,
            catalog: None,
            path: None,
            pauses: Pauses::default(),
            progress: |_| {},
        }
    }
}

impl ClientOptions {
    /// The entries of `only` that name neither a claim nor a check: most likely mistyped.
    pub fn unknown(&self) -> Vec<&str> {
        unknown(&self.only, all_checks())
    }

    /// Above this a check hangs: two waits for the client, the longest pause, and time to work.
    fn check_limit(&self) -> Duration {
        CHECK_LIMIT + 2 * self.wait + self.pauses.half_open.max(self.pauses.keep_alive)
    }
}

/// Id, claim and title of every check of the suite for clients, in the order in which they run.
pub fn realvirtual_client_checks() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    all_checks().map(|entry| (entry.id, entry.claim, entry.title))
}

fn all_checks() -> impl Iterator<Item = &'static Entry<Stand>> + Clone {
    std::iter::once(&REACHED)
        .chain(CHECKS)
        .chain(std::iter::once(&COMES_BACK))
}

/// Plays the server on this listener and holds the client that connects against the client role of the contract.
///
/// Never fails as a call: when no client comes, the report holds the one check that says so.
pub async fn listen(listener: TcpListener, options: &ClientOptions) -> Report {
    let mut stand = match Stand::new(listener, options) {
        Ok(stand) => stand,
        Err(error) => {
            let stop = Stop::failed("the listener has an address", error);
            let check = finished(&REACHED, Err(stop), Duration::ZERO, &Default::default());
            return Report {
                protocol: "realvirtual",
                url: String::new(),
                checks: vec![check],
            };
        }
    };
    (options.progress)(&format!(
        "waiting up to {} s for a client at {}",
        options.wait.as_secs(),
        stand.url()
    ));
    let mut checks = Vec::new();
    let first = run(&REACHED, &mut stand).await;
    let reached = first.outcome == Outcome::Passed;
    if !reached || selects(&options.only, &REACHED) {
        checks.push(first);
    }
    if reached {
        (options.progress)(&format!("a client asked for {}", stand.url()));
        for entry in CHECKS.iter().filter(|entry| selects(&options.only, entry)) {
            checks.push(run(entry, &mut stand).await);
        }
    }
    // A client that stays away is named even when something else was asked for, or nobody would know why so much is skipped.
    if stand.connections > 0 && (stand.lost || (reached && selects(&options.only, &COMES_BACK))) {
        checks.push(run(&COMES_BACK, &mut stand).await);
    }
    Report {
        protocol: "realvirtual",
        url: stand.url(),
        checks,
    }
}

/// Runs one check and tells how it went.
async fn run(entry: &Entry<Stand>, stand: &mut Stand) -> Check {
    let options = stand.options.clone();
    let is_verdict = entry.id == COMES_BACK.id;
    // What led to a client's staying away is the transcript of the check before.
    if !is_verdict && !stand.lost {
        stand.transcript.clear();
    }
    let work = async {
        if stand.lost && !is_verdict {
            return Err(Stop::skipped(LOST));
        }
        guarded(options.check_limit(), (entry.run)(stand)).await
    };
    let (result, took) = timed(work).await;
    let check = finished(entry, result, took, &stand.transcript);
    let word = match &check.outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed { expected, got, .. } => format!("FAILED: expected {expected}, got {got}"),
        Outcome::Skipped { why } => format!("skipped: {why}"),
    };
    (options.progress)(&format!("{} {word} ({:.1} s)", check.id, took.as_secs_f64()));
    check
}
