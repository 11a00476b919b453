//! The historian's thread: takes samples from the queue, writes them, rolls them up and removes what is too old.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use crosstie_hub::signal::{Pattern, SignalId, Value};
use rustc_hash::FxHashMap;

use super::database::{Database, HistoryError};
use super::intake::{Counters, Intake};
use super::rollup::{Rolled, Rollups};
use super::{Row, Settings};

/// Samples that wait for the thread at most. What comes while it is full is counted as dropped but for the newest values.
const QUEUE_MAX: usize = 65_536;

/// Samples that are written in one transaction at most.
const TRANSACTION_ROWS_MAX: usize = 50_000;

/// How often parts of roll-ups are written, and how long a sample may wait for its transaction.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// How often old rows are looked for.
const CLEAN_EVERY: Duration = Duration::from_secs(60);

/// Parts that one cleaning takes away at most before samples have their turn again.
const CLEAN_PARTS_MAX: u32 = 8;

/// A signal as the thread knows it.
#[derive(Clone, Debug)]
struct Known {
    name: Box<str>,
    /// Its number in the file, once it has one, and the kind that is written there.
    number: Option<(i64, &'static str)>,
}

/// The handle of the API.
#[derive(Clone, Debug)]
pub(crate) struct Historian {
    folder: PathBuf,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    /// Only to see how many samples wait: it takes none.
    queue: Receiver<Row>,
}

/// How the historian is.
#[derive(Clone, Debug)]
pub(crate) struct HistoryState {
    /// Signals that are kept.
    pub(crate) signals: u64,
    /// Samples in the file.
    pub(crate) rows: u64,
    /// Size of the file in bytes.
    pub(crate) bytes: u64,
    /// Samples that were written since the hub started.
    pub(crate) written: u64,
    /// Samples that were not.
    pub(crate) dropped: u64,
    /// Samples that wait.
    pub(crate) queue: usize,
    /// The world's time of the oldest sample in milliseconds since 1970.
    pub(crate) oldest_ms: Option<i64>,
    /// Samples that are taken in a second at most.
    pub(crate) rows_per_second_max: u32,
}

impl Historian {
    /// Starts the thread. It ends, and writes what waits, when the intake is gone.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn start(folder: &Path, settings: Settings) -> io::Result<(Historian, Intake, JoinHandle<()>)> {
        let (queue, waiting) = bounded(QUEUE_MAX);
        let counters = Arc::new(Counters::default());
        let patterns = settings.signals.iter().map(|text| Pattern::new(text)).collect();
        let intake = Intake::new(patterns, settings.rows_per_second_max, queue, Arc::clone(&counters));
        let settings = Arc::new(settings);
        let historian = Historian {
            folder: folder.to_owned(),
            settings: Arc::clone(&settings),
            counters: Arc::clone(&counters),
            queue: waiting.clone(),
        };
        let folder = folder.to_owned();
        let thread = std::thread::Builder::new()
            .name(String::from("historian"))
            .spawn(move || Worker::new(folder, settings, counters).run(&waiting))?;
        Ok((historian, intake, thread))
    }

    /// The state folder that holds the file.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Samples that were written since the hub started, and samples that were not.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let of = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        (of(&self.counters.written), of(&self.counters.dropped))
    }

    /// How it is now. Reads the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(crate) fn state(&self) -> Result<HistoryState, HistoryError> {
        let (oldest_ms, bytes) = match super::database::reader(&self.folder) {
            Ok(connection) => super::query::size(&connection, &self.folder)?,
            Err(HistoryError::None) => (None, 0),
            Err(error) => return Err(error),
        };
        Ok(HistoryState {
            signals: self.counters.signals.load(Ordering::Relaxed),
            rows: self.counters.rows.load(Ordering::Relaxed),
            bytes,
            written: self.counters.written.load(Ordering::Relaxed),
            dropped: self.counters.dropped.load(Ordering::Relaxed),
            queue: self.queue.len(),
            oldest_ms,
            rows_per_second_max: self.settings.rows_per_second_max,
        })
    }
}

struct Worker {
    folder: PathBuf,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    database: Option<Database>,
    known: FxHashMap<SignalId, Known>,
    rollups: Rollups,
    /// The last mistake was said.
    has_said: bool,
}

impl Worker {
    fn new(folder: PathBuf, settings: Arc<Settings>, counters: Arc<Counters>) -> Worker {
        Worker {
            folder,
            settings,
            counters,
            database: None,
            known: FxHashMap::default(),
            rollups: Rollups::default(),
            has_said: false,
        }
    }

    fn run(mut self, waiting: &Receiver<Row>) {
        let (mut flush_at, mut clean_at) = (Instant::now() + FLUSH_EVERY, Instant::now());
        let mut rows = Vec::new();
        loop {
            let is_over = match waiting.recv_deadline(flush_at) {
                Ok(row) => {
                    rows.push(row);
                    rows.extend(waiting.try_iter().take(TRANSACTION_ROWS_MAX));
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            let now = Instant::now();
            if rows.len() >= TRANSACTION_ROWS_MAX || now >= flush_at || is_over {
                self.write(std::mem::take(&mut rows));
                flush_at = now + FLUSH_EVERY;
            }
            if now >= clean_at {
                self.attempt(Worker::clean);
                clean_at = now + CLEAN_EVERY;
            }
            if is_over {
                return;
            }
        }
    }

    /// Writes samples; those that cannot be written are counted as dropped.
    fn write(&mut self, rows: Vec<Row>) {
        let count = rows.len() as u64;
        for row in &rows {
            if let Some(name) = &row.name {
                let known = Known {
                    name: name.clone(),
                    number: None,
                };
                self.known.insert(row.signal, known);
            }
        }
        match self.attempt(|worker| worker.put(&rows)) {
            true => {
                self.counters.rows.fetch_add(count, Ordering::Relaxed);
                self.counters.written.fetch_add(count, Ordering::Relaxed)
            }
            false => self.counters.dropped.fetch_add(count, Ordering::Relaxed),
        };
    }

    fn put(&mut self, rows: &[Row]) -> Result<(), HistoryError> {
        let mut samples: Vec<(i64, i64, &Value, &'static str)> = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(number) = self.number(row.signal, row.value.kind().word())? {
                samples.push((number, row.at_us, &row.value, row.quality));
            }
        }
        let mut rolled: Vec<(i64, usize, Rolled)> = Vec::new();
        for (number, at_us, value, _) in &samples {
            let Some(value) = number_of(value) else { continue };
            let done = self.rollups.take(*number, *at_us, value);
            rolled.extend(
                done.into_iter()
                    .enumerate()
                    .filter_map(|(index, row)| Some((*number, index, row?))),
            );
        }
        rolled.extend(self.rollups.flush(now_us()));
        if samples.is_empty() && rolled.is_empty() {
            return Ok(());
        }
        match &mut self.database {
            Some(database) => database.write(&samples, &rolled),
            None => Ok(()),
        }
    }

    /// The number of a signal in the file.
    fn number(&mut self, signal: SignalId, kind: &'static str) -> Result<Option<i64>, HistoryError> {
        let (Some(known), Some(database)) = (self.known.get_mut(&signal), &self.database) else {
            return Ok(None);
        };
        match known.number {
            Some((number, of_kind)) if of_kind == kind => Ok(Some(number)),
            _ => {
                let number = database.signal(&known.name, kind)?;
                known.number = Some((number, kind));
                Ok(Some(number))
            }
        }
    }

    /// Removes what is older than the project wants it, and the oldest of what is too much.
    fn clean(&mut self) -> Result<(), HistoryError> {
        let Some(database) = &self.database else { return Ok(()) };
        let now = now_us();
        let before = |kept: Duration| now.saturating_sub(i64::try_from(kept.as_micros()).unwrap_or(i64::MAX));
        let rolled = [before(self.settings.seconds), before(self.settings.minutes)].map(|us| us / 1_000_000);
        let mut removed = 0;
        for _ in 0..CLEAN_PARTS_MAX {
            let (samples, is_more) = database.clean(before(self.settings.raw), rolled)?;
            removed += samples;
            if !is_more {
                break;
            }
        }
        for _ in 0..CLEAN_PARTS_MAX {
            if database.bytes()? <= self.settings.bytes_max {
                break;
            }
            let Some(samples) = database.shed()? else { break };
            removed += samples;
        }
        let rows = &self.counters.rows;
        rows.store(
            rows.load(Ordering::Relaxed).saturating_sub(removed as u64),
            Ordering::Relaxed,
        );
        database.shrink()
    }

    /// Does something with the file, which is opened for it if it is not; what goes wrong is said once until it goes well.
    fn attempt(&mut self, act: impl FnOnce(&mut Worker) -> Result<(), HistoryError>) -> bool {
        let done = match &self.database {
            Some(_) => act(self),
            None => Database::open(&self.folder).and_then(|database| {
                self.counters.rows.store(database.rows()?, Ordering::Relaxed);
                self.database = Some(database);
                act(self)
            }),
        };
        match done {
            Ok(()) => {
                if std::mem::replace(&mut self.has_said, false) {
                    tracing::info!("the history is kept again");
                }
                true
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_said, true) {
                    tracing::warn!(%error, "the history is not kept: samples are dropped and counted until this is mended");
                }
                false
            }
        }
    }
}

/// A value as a number; `None` for text.
fn number_of(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Text(_) => None,
    }
}

fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
