//! The historian's thread: takes samples from the queue, writes them, rolls them up and removes what is too old.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use crosstie_hub::signal::{Pattern, SignalId, Value};
use rustc_hash::{FxHashMap, FxHashSet};

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

/// Rows of roll-ups that wait while the file cannot be written. Of more the oldest are lost.
const ROLLED_WAIT_MAX: usize = 50_000;

/// A signal as the thread knows it.
#[derive(Debug)]
struct Known {
    name: Box<str>,
    /// Its number in the file, once it has one, and the kind that is written there.
    number: Option<(i64, &'static str)>,
    /// Its newest sample.
    last: Option<Row>,
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

    /// Whether signals of this name are kept.
    pub(crate) fn keeps(&self, name: &str) -> bool {
        (self.settings.signals.iter()).any(|pattern| Pattern::new(pattern).fits(name))
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

pub(super) struct Worker {
    folder: PathBuf,
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    database: Option<Database>,
    known: FxHashMap<SignalId, Known>,
    rollups: Rollups,
    /// Rows of roll-ups that are not in the file, each with its signal and the index of its width.
    rolled: Vec<(SignalId, usize, Rolled)>,
    /// Signals whose newest sample is not in the file: it is written with the next ones.
    owed: FxHashSet<SignalId>,
    /// The last mistake was said.
    has_said: bool,
}

impl Worker {
    pub(super) fn new(folder: PathBuf, settings: Arc<Settings>, counters: Arc<Counters>) -> Worker {
        Worker {
            folder,
            settings,
            counters,
            database: None,
            known: FxHashMap::default(),
            rollups: Rollups::default(),
            rolled: Vec::new(),
            owed: FxHashSet::default(),
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

    /// Writes samples. Those that cannot be written are counted as dropped; the newest of each signal is written when it can be.
    pub(super) fn write(&mut self, rows: Vec<Row>) {
        for row in &rows {
            if let Some(name) = &row.name {
                let known = Known {
                    name: name.clone(),
                    number: None,
                    last: None,
                };
                self.known.entry(row.signal).or_insert(known);
            }
            self.roll_up(row);
        }
        let parts = self.rollups.flush(now_us()).into_iter();
        self.rolled
            .extend(parts.map(|(signal, index, row)| (SignalId(signal), index, row)));
        let is_done = self.attempt(|worker| worker.put(&rows));
        if !is_done {
            self.counters.dropped.fetch_add(rows.len() as u64, Ordering::Relaxed);
            let too_many = self.rolled.len().saturating_sub(ROLLED_WAIT_MAX);
            self.rolled.drain(..too_many);
        }
        for row in rows {
            if !is_done {
                self.owed.insert(row.signal);
            }
            if let Some(known) = self.known.get_mut(&row.signal) {
                known.last = Some(row);
            }
        }
    }

    fn roll_up(&mut self, row: &Row) {
        let Some(value) = number_of(&row.value) else { return };
        let done = self.rollups.take(row.signal.0, row.at_us, value);
        for (index, rolled) in done.into_iter().enumerate() {
            self.rolled.extend(rolled.map(|rolled| (row.signal, index, rolled)));
        }
    }

    /// Writes these samples with what is owed, all or nothing.
    fn put(&mut self, rows: &[Row]) -> Result<(), HistoryError> {
        let Some(database) = &mut self.database else {
            return Ok(());
        };
        let of_row = |row: &Row| (row.signal, row.value.kind().word());
        let owed: Vec<SignalId> = self.owed.iter().copied().collect();
        let mut kinds: Vec<(SignalId, &'static str)> = Vec::with_capacity(owed.len() + rows.len());
        // The number of a signal whose roll-up waits may be that of a file that is gone.
        for signal in owed.iter().chain(self.rolled.iter().map(|(signal, ..)| signal)) {
            let last = self.known.get(signal).and_then(|known| known.last.as_ref());
            kinds.extend(last.map(of_row));
        }
        kinds.extend(rows.iter().map(of_row));
        for (signal, kind) in kinds {
            if let Some(known) = self.known.get_mut(&signal)
                && known.number.is_none_or(|(_, of_kind)| of_kind != kind)
            {
                known.number = Some((database.signal(&known.name, kind)?, kind));
            }
        }
        let number = |signal: &SignalId| Some(self.known.get(signal)?.number?.0);
        let last = |signal: &SignalId| self.known.get(signal)?.last.as_ref();
        let sample = |row| {
            let Row {
                signal,
                at_us,
                value,
                quality,
                ..
            }: &Row = row;
            Some((number(signal)?, *at_us, value, *quality))
        };
        let samples: Vec<(i64, i64, &Value, &'static str)> =
            (owed.iter().filter_map(last).chain(rows)).filter_map(sample).collect();
        let rolled = (self.rolled.iter()).filter_map(|(signal, index, row)| Some((number(signal)?, *index, *row)));
        let rolled: Vec<(i64, usize, Rolled)> = rolled.collect();
        if !samples.is_empty() || !rolled.is_empty() {
            database.write(&samples, &rolled)?;
        }
        let count = samples.len() as u64;
        self.counters.rows.fetch_add(count, Ordering::Relaxed);
        self.counters.written.fetch_add(count, Ordering::Relaxed);
        self.rolled.clear();
        self.owed.clear();
        Ok(())
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

    /// Opens the file. What it may not hold, because it is another one than before, is owed to it.
    fn open(&mut self) -> Result<(), HistoryError> {
        let database = Database::open(&self.folder)?;
        self.counters.rows.store(database.rows()?, Ordering::Relaxed);
        self.database = Some(database);
        for (signal, known) in &mut self.known {
            known.number = None;
            if known.last.is_some() {
                self.owed.insert(*signal);
            }
        }
        Ok(())
    }

    /// Does something with the file, which is opened for it if it is not; what goes wrong is said once until it goes well.
    fn attempt(&mut self, act: impl FnOnce(&mut Worker) -> Result<(), HistoryError>) -> bool {
        if let Some(gone) = self.database.take_if(|database| !database.is_in_place()) {
            let path = self.folder.join(super::database::HISTORY_FILE);
            tracing::warn!(path = %path.display(), "the file of the history was removed or replaced: it is opened anew");
            gone.abandon();
        }
        let opened = match &self.database {
            Some(_) => Ok(()),
            None => self.open(),
        };
        let done = opened.and_then(|()| act(self));
        if done.as_ref().is_err_and(HistoryError::is_damage) {
            self.database = None;
        }
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
