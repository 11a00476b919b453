//! The store: the one thread that changes the project's files.
//!
//! Everyone who wants something kept hands in a job and goes on; jobs are done one after the other, so two changes of
//! the same file never meet. What the hub itself has asked for is answered at its door.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use crosstie_hub::Ticket;
use crosstie_hub::settings::{RouteSetting, SignalSetting};
use serde_json::Value;
use tokio::sync::oneshot;

use super::door::{Door, Event};
use crate::config::{self, WriteError};
use crate::trouble::Trouble;

/// Jobs that wait. A further one is refused as "busy": whoever asked hears it.
const JOBS_MAX: usize = 1_024;

/// How often a file that could not be written is tried again, so that the trouble ends with its reason.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// Something to keep.
#[derive(Debug)]
pub(crate) enum Job {
    /// Settings that the hub checked, by dotted key; [`Event::Saved`] answers.
    Settings {
        /// Of the hub's output.
        ticket: Ticket,
        /// Dotted keys and values.
        changes: Vec<(String, Value)>,
    },
    /// Signals that an import has made.
    Signals {
        /// Name of the endpoint.
        endpoint: String,
        /// What to add to it.
        signals: Vec<SignalSetting>,
    },
    /// A route that was added.
    AddRoute {
        /// The route.
        route: RouteSetting,
        /// Hears the end of it.
        done: oneshot::Sender<Result<(), StoreError>>,
    },
    /// A route that was removed.
    RemoveRoute {
        /// Name of the source.
        from: String,
        /// Name of the target.
        to: String,
        /// Hears the end of it.
        done: oneshot::Sender<Result<(), StoreError>>,
    },
}

/// Why something could not be kept; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreError(pub(crate) String);

/// A handle to hand jobs in. Cloning is cheap; the thread ends with the last one.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    jobs: Sender<Job>,
    door: Door,
}

impl Store {
    /// Starts the thread that keeps things in the project file `file`.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn start(file: PathBuf, door: Door) -> io::Result<(Store, JoinHandle<()>)> {
        let (sender, jobs) = crossbeam_channel::bounded(JOBS_MAX);
        let answers = door.clone();
        let thread = std::thread::Builder::new()
            .name(String::from("store"))
            .spawn(move || do_jobs(&file, &jobs, &answers))?;
        Ok((Store { jobs: sender, door }, thread))
    }

    /// Hands in a job. Never waits: what does not fit is answered as refused.
    pub(crate) fn hand_in(&self, job: Job) {
        if let Err(refused) = self.jobs.try_send(job) {
            answer(
                &self.door,
                refused.into_inner(),
                Err(StoreError(String::from("the store is busy"))),
            );
        }
    }
}

fn do_jobs(file: &Path, jobs: &Receiver<Job>, door: &Door) {
    let subject = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let trouble = |id: &str, hint| Trouble::new(door.clone(), id.to_owned(), subject.clone(), hint);
    let mut unwritable = trouble(
        "store:write",
        "make room on the disk, or let the hub write in the project folder; it is tried again by itself",
    );
    let mut not_kept = trouble(
        "store:import",
        "the signals are there until the hub ends: correct what is named and import again",
    );
    loop {
        let job = match unwritable.is_on() {
            true => jobs.recv_timeout(TRY_EVERY),
            false => jobs.recv().map_err(RecvTimeoutError::from),
        };
        let job = match job {
            Ok(job) => job,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                if config::try_writing(file).is_ok() {
                    unwritable.over();
                }
                continue;
            }
        };
        let result = keep(file, &job);
        match &result {
            Ok(()) => unwritable.over(),
            Err(error @ WriteError::Write { .. }) => unwritable.met(StoreError::from(error).0),
            // The mistake is of this one job, and whoever asked hears it.
            Err(_) => {}
        }
        let result = result.map_err(|error| StoreError::from(&error));
        if let Job::Signals { .. } = job {
            match &result {
                Ok(()) => not_kept.over(),
                Err(error) => not_kept.met(format!("imported signals are not in the project file: {error}")),
            }
        }
        answer(door, job, result);
    }
}

impl From<&WriteError> for StoreError {
    /// The error with its cause: "permission denied" is what people need to know.
    fn from(error: &WriteError) -> StoreError {
        match error.source() {
            Some(cause) => StoreError(format!("{error}: {cause}")),
            None => StoreError(error.to_string()),
        }
    }
}

fn keep(file: &Path, job: &Job) -> Result<(), WriteError> {
    match job {
        Job::Settings { changes, .. } => config::write_settings(file, changes),
        Job::Signals { endpoint, signals } => config::add_signals(file, endpoint, signals),
        Job::AddRoute { route, .. } => config::add_route(file, route),
        Job::RemoveRoute { from, to, .. } => config::remove_route(file, from, to),
    }
}

fn answer(door: &Door, job: Job, result: Result<(), StoreError>) {
    match job {
        Job::Settings { ticket, .. } => door.tell(Event::Saved {
            ticket,
            result: result.map_err(|error| error.0),
        }),
        Job::Signals { endpoint, signals } => match result {
            Ok(()) => tracing::info!(
                endpoint,
                signals = signals.len(),
                "imported signals are in the project file"
            ),
            Err(error) => {
                tracing::warn!(endpoint, signals = signals.len(), %error, "imported signals are not in the project file")
            }
        },
        // Who asked may have given up meanwhile.
        Job::AddRoute { done, .. } | Job::RemoveRoute { done, .. } => {
            let _ = done.send(result);
        }
    }
}
