//! The store: the one thread that changes the project's files.
//!
//! Everyone who wants something kept hands in a job and goes on; jobs are done one after the other, so two changes of
//! the same file never meet. What the hub itself has asked for is answered at its door.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use crosstie_hub::Ticket;
use crosstie_hub::settings::SignalSetting;
use serde_json::Value;
use tokio::sync::oneshot;

use super::door::{Door, Event};
use crate::config::{self, Config, Rewritten, RoutePlan, WriteError};
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
    /// Routes that come, change and go.
    Routes {
        /// Which.
        plan: Box<RoutePlan>,
        /// Hears the end of it.
        done: oneshot::Sender<Result<Rewritten, StoreError>>,
    },
    /// A change of routes that the hub did not want after all.
    PutBack {
        /// What the change was.
        rewritten: Rewritten,
        /// Hears whether it is undone: not where the file has been changed since.
        done: oneshot::Sender<Result<bool, StoreError>>,
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
    /// Starts the thread that keeps things in the project file `file`. What it has written there is in force, and so it stands in
    /// `config` as well.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn start(file: PathBuf, config: Arc<Mutex<Config>>, door: Door) -> io::Result<(Store, JoinHandle<()>)> {
        let (sender, jobs) = crossbeam_channel::bounded(JOBS_MAX);
        let answers = door.clone();
        let thread = std::thread::Builder::new()
            .name(String::from("store"))
            .spawn(move || do_jobs(&file, &config, &jobs, &answers))?;
        Ok((Store { jobs: sender, door }, thread))
    }

    /// Hands in a job. Never waits: what does not fit is answered as refused.
    pub(crate) fn hand_in(&self, job: Job) {
        if let Err(refused) = self.jobs.try_send(job) {
            let busy = StoreError(String::from("the store is busy"));
            refuse(&self.door, refused.into_inner(), busy);
        }
    }
}

fn do_jobs(file: &Path, config: &Mutex<Config>, jobs: &Receiver<Job>, door: &Door) {
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
        let result = keep(file, config, door, job, &mut not_kept);
        match result {
            Ok(()) => unwritable.over(),
            Err(Some(unwritten)) => unwritable.met(unwritten),
            // The mistake is of this one job, and whoever asked hears it.
            Err(None) => {}
        }
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

/// Does a job and answers whoever asked. The error is why the file cannot be written, if that is the reason.
fn keep(
    file: &Path,
    config: &Mutex<Config>,
    door: &Door,
    job: Job,
    not_kept: &mut Trouble,
) -> Result<(), Option<String>> {
    match job {
        Job::Settings { ticket, changes } => {
            let (result, end) = ended(config::write_settings(file, &changes));
            if result.is_ok() {
                apply(config, &changes);
            }
            let result = result.map_err(|error| error.0);
            door.tell(Event::Saved { ticket, result });
            end
        }
        Job::Signals { endpoint, signals } => {
            let (result, end) = ended(config::add_signals(file, &endpoint, &signals));
            let count = signals.len();
            match result {
                Ok(()) => {
                    not_kept.over();
                    tracing::info!(endpoint, signals = count, "imported signals are in the project file");
                    let mut config = config.lock().unwrap_or_else(PoisonError::into_inner);
                    config.add_signals(&endpoint, signals);
                }
                Err(error) => {
                    not_kept.met(format!("imported signals are not in the project file: {error}"));
                    tracing::warn!(endpoint, signals = count, %error, "imported signals are not in the project file");
                }
            }
            end
        }
        // Who asked may have given up meanwhile.
        Job::Routes { plan, done } => {
            let (result, end) = ended(config::set_routes(file, &plan));
            let _ = done.send(result);
            end
        }
        Job::PutBack { rewritten, done } => {
            let (result, end) = ended(config::put_back(file, &rewritten));
            let _ = done.send(result);
            end
        }
    }
}

/// What whoever asked hears, and what is to be said of the file.
fn ended<T>(result: Result<T, WriteError>) -> (Result<T, StoreError>, Result<(), Option<String>>) {
    match result {
        Ok(value) => (Ok(value), Ok(())),
        Err(error) => {
            let told = StoreError::from(&error);
            let unwritten = matches!(error, WriteError::Write { .. }).then(|| told.0.clone());
            (Err(told), Err(unwritten))
        }
    }
}

fn apply(config: &Mutex<Config>, changes: &[(String, Value)]) {
    let mut config = config.lock().unwrap_or_else(PoisonError::into_inner);
    for (key, value) in changes {
        // They were written, so they are settings of this project.
        let _ = config::check_setting(key, value).and_then(|setting| config.apply(&setting));
    }
}

fn refuse(door: &Door, job: Job, error: StoreError) {
    match job {
        Job::Settings { ticket, .. } => door.tell(Event::Saved {
            ticket,
            result: Err(error.0),
        }),
        Job::Signals { endpoint, signals } => {
            tracing::warn!(endpoint, signals = signals.len(), %error, "imported signals are not in the project file");
        }
        // Who asked may have given up meanwhile.
        Job::Routes { done, .. } => {
            let _ = done.send(Err(error));
        }
        Job::PutBack { done, .. } => {
            let _ = done.send(Err(error));
        }
    }
}
