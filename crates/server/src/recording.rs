//! Recordings: every sample and every input of a run in an MCAP file, and reading it back.
//!
//! ```text
//!   core ─(after each turn: what changed since the last hand-over)─▶ bounded ring ─▶ recorder thread ─▶ file.mcap
//!        ─(before each turn: the input)───────────────────────────▶      ▲
//!   API, command line, sys/record/run ──────────────────(start, stop)────┘
//! ```
//!
//! The core never waits: with a full ring it hands over nothing and says later what was lost (a gap). Samples are made up for by
//! the newest values; inputs are not, and a recording with lost inputs can be replayed, not executed again.

pub(crate) mod export;
pub(crate) mod folder;
pub(crate) mod format;
pub(crate) mod project;
pub(crate) mod reader;
mod records;
mod schema;
#[cfg(test)]
mod tests;
mod thread;
mod writer;

pub(crate) use folder::{RecordingRow, file_of};
pub(crate) use reader::{Message, OpenError, Recording};
pub(crate) use writer::{by_word, kind_word};

use crate::config::RecordConfig;
use crate::core_task::{Door, Tap};
use crossbeam_channel::{Sender, TrySendError};
use folder::Known;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use utoipa::ToSchema;

/// Orders that wait for the recorder. A further one is refused as "busy"; it is full only while the disk stands still.
const ORDERS_MAX: usize = 64;

/// What is said of a recorder whose thread has ended by a fault of its own.
const FALLEN: &str = "the recorder has ended by a fault of its own, and nothing is recorded; start the hub again";

/// The recording that runs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ActiveRow {
    /// Its name.
    pub(crate) name: String,
    /// Hub time of its begin, in milliseconds.
    pub(crate) started_ms: u64,
    /// Hub time that it covers, in milliseconds.
    pub(crate) duration_ms: u64,
    /// Bytes of its file.
    pub(crate) bytes: u64,
    /// Samples so far.
    pub(crate) samples: u64,
    /// Inputs so far.
    pub(crate) inputs: u64,
    /// Gaps so far.
    pub(crate) gaps: u64,
    /// Generations and inputs that are missing.
    pub(crate) lost: u64,
    /// It ends when its file has so many bytes.
    pub(crate) max_bytes: u64,
    /// It ends after so many milliseconds of the world's time.
    pub(crate) max_ms: u64,
    /// Who or what started it.
    pub(crate) by: String,
}

/// How a recording is to be; what is left out is as the project says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// Its name; the time of its begin when there is none.
    pub(crate) name: Option<String>,
    /// Megabytes.
    pub(crate) max_mb: Option<u64>,
    /// Minutes of the world's time.
    pub(crate) max_minutes: Option<u64>,
    /// Patterns of the signals in it.
    pub(crate) signals: Option<Vec<String>>,
}

/// Why something about a recording is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RecordError {
    /// It does not go together with what is there.
    #[error("{0}")]
    Conflict(String),
    /// A value does not fit.
    #[error("{0}")]
    BadValue(String),
    /// There is no such recording, or none runs.
    #[error("{0}")]
    NotFound(String),
    /// The disk refuses it.
    #[error("{0}")]
    Disk(String),
    /// The recorder does not answer.
    #[error("{0}")]
    Busy(String),
    /// The recorder's thread has ended by a fault of its own.
    #[error("{0}")]
    Fallen(String),
}

/// An order for the recorder thread.
#[derive(Debug)]
enum Order {
    Start {
        wish: Wish,
        by: String,
        done: oneshot::Sender<Result<ActiveRow, RecordError>>,
    },
    Stop {
        by: String,
        done: oneshot::Sender<Result<RecordingRow, RecordError>>,
    },
    /// `sys/record/run` has become this.
    Signalled(bool),
    /// A fault, for the test of what becomes of one.
    #[cfg(test)]
    Fall,
}

/// What a recorder needs to know of the hub.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// Name of the project.
    pub(crate) project: String,
    /// The project folder.
    pub(crate) project_folder: PathBuf,
    /// Files of the project, by their path in the project folder.
    pub(crate) files: Vec<PathBuf>,
    /// The world's time at which the hub's is zero, in nanoseconds since 1970.
    pub(crate) origin_ns: u64,
    /// `[record]`, with the folder as it is reached from here.
    pub(crate) config: RecordConfig,
}

/// Counters over all recordings of a run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Recordings that were started.
    pub(crate) started: AtomicU64,
    /// Samples in them.
    pub(crate) samples: AtomicU64,
    /// Inputs in them.
    pub(crate) inputs: AtomicU64,
    /// Gaps in them.
    pub(crate) gaps: AtomicU64,
    /// Bytes of their files.
    pub(crate) bytes: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    active: Mutex<Option<ActiveRow>>,
    figures: Figures,
    /// What was read of recordings that nobody writes any more.
    known: Mutex<Known>,
    /// The thread has ended by a fault of its own.
    has_fallen: AtomicBool,
}

/// A handle to the recorder. Cloning is cheap; the thread ends with the last one.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    orders: Sender<Order>,
    shared: Arc<Shared>,
    about: Arc<About>,
}

impl Recorder {
    /// Starts the thread. With `first` a recording begins with the hub: the core is given its tap before anything enters.
    ///
    /// # Errors
    ///
    /// The system grants no thread, or the first recording cannot begin.
    pub(crate) fn start(about: About, door: Door, first: Option<Wish>) -> Result<Started, StartError> {
        let (orders, received) = crossbeam_channel::bounded(ORDERS_MAX);
        let (shared, about) = (Arc::new(Shared::default()), Arc::new(about));
        let mut recorder = thread::Thread::new(Arc::clone(&about), Arc::clone(&shared), door, received);
        let tap = match first {
            Some(wish) => Some(recorder.begin_with_hub(&wish).map_err(StartError::Recording)?),
            None => None,
        };
        let thread = std::thread::Builder::new()
            .name(String::from("recorder"))
            .spawn(move || recorder.run_guarded())
            .map_err(StartError::Thread)?;
        let recorder = Recorder { orders, shared, about };
        Ok((recorder, tap, thread))
    }

    /// Starts a recording.
    ///
    /// # Errors
    ///
    /// One runs already, the wish does not fit, or the disk refuses it.
    pub(crate) async fn begin(&self, wish: Wish, by: String) -> Result<ActiveRow, RecordError> {
        let (done, answer) = oneshot::channel();
        self.order(Order::Start { wish, by, done })?;
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// Ends the recording that runs.
    ///
    /// # Errors
    ///
    /// None runs, or it could not be written to its end.
    pub(crate) async fn end(&self, by: String) -> Result<RecordingRow, RecordError> {
        let (done, answer) = oneshot::channel();
        self.order(Order::Stop { by, done })?;
        answer.await.unwrap_or_else(|_| Err(self.gone()))
    }

    /// `sys/record/run` has become this. Never waits: a recorder that stands still hears nothing.
    pub(crate) fn signalled(&self, on: bool) {
        if let Err(error) = self.order(Order::Signalled(on)) {
            tracing::warn!(on, %error, "the recorder does not hear sys/record/run");
        }
    }

    /// The recording that runs.
    pub(crate) fn active(&self) -> Option<ActiveRow> {
        lock(&self.shared.active).clone()
    }

    /// Where the recordings are.
    pub(crate) fn folder(&self) -> &Path {
        &self.about.config.folder
    }

    /// Counters for the metrics.
    pub(crate) fn figures(&self) -> &Figures {
        &self.shared.figures
    }

    /// The recordings in the folder, newest first. Reads files.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub(crate) fn list(&self) -> io::Result<Vec<RecordingRow>> {
        let active = self.active().map(|active| active.name);
        lock(&self.shared.known).list(self.folder(), active.as_deref())
    }

    /// One recording of the folder. Reads files.
    ///
    /// # Errors
    ///
    /// There is none of this name, or it cannot be read.
    pub(crate) fn one(&self, name: &str) -> Result<(RecordingRow, Recording), RecordError> {
        let path = file_of(self.folder(), name)?;
        let recording = Recording::open(&path).map_err(|error| RecordError::Disk(error.to_string()))?;
        let name = folder::name_of(&path);
        let running = self.active().is_some_and(|active| active.name == name);
        let row = RecordingRow {
            running,
            ..RecordingRow::of(&path, &recording)
        };
        Ok((row, recording))
    }

    /// Removes a recording. Reads files.
    ///
    /// # Errors
    ///
    /// There is none of this name, it runs, or the disk refuses it.
    pub(crate) fn remove(&self, name: &str) -> Result<(), RecordError> {
        let path = file_of(self.folder(), name)?;
        if self
            .active()
            .is_some_and(|active| folder::name_of(&path) == active.name)
        {
            return Err(RecordError::Conflict(format!(
                "'{name}' is being recorded; stop it first"
            )));
        }
        std::fs::remove_file(&path).map_err(|error| RecordError::Disk(format!("'{name}' cannot be removed: {error}")))
    }

    fn order(&self, order: Order) -> Result<(), RecordError> {
        let full = "the recorder has more to do than it can answer: the disk stands still; try again";
        self.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => RecordError::Busy(full.to_owned()),
            TrySendError::Disconnected(_) => self.gone(),
        })
    }

    /// Why nobody answers.
    fn gone(&self) -> RecordError {
        match self.shared.has_fallen.load(Ordering::Acquire) {
            true => RecordError::Fallen(FALLEN.to_owned()),
            false => RecordError::Busy(String::from("the hub is shutting down")),
        }
    }
}

/// A recorder, what the core is to hand over from its begin on, and the thread.
pub(crate) type Started = (Recorder, Option<Tap>, JoinHandle<()>);

/// Why there is no recorder.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The system grants no thread.
    #[error("starting the recorder failed: {0}")]
    Thread(io::Error),
    /// The recording that was to begin with the hub does not.
    #[error(transparent)]
    Recording(RecordError),
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The counters of a recording that has moved on.
fn add(counter: &AtomicU64, before: u64, after: u64) {
    counter.fetch_add(after.saturating_sub(before), Ordering::Relaxed);
}
