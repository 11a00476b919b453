//! The recorder thread: takes orders, takes what the core hands over, writes.
//!
//! Whatever goes wrong here ends a recording, never the hub: the disk is full, a limit is reached, the folder is gone. Why it ended
//! stands in the recording, in the log and among the problems.

use super::folder::{self, RecordingRow};
use super::format::{Session, Totals};
use super::reader::Recording;
use super::writer::{CHUNK_TIME_MAX, RecordingWriter};
use super::{About, ActiveRow, FALLEN, Order, RecordError, Shared, Wish, add, lock, project};
use crate::core_task::{Door, Event, Ring, Taken, Tap};
use crate::state;
use crossbeam_channel::{Receiver, RecvTimeoutError, select};
use crosstie_hub::Input;
use crosstie_hub::api::Report;
use mcap::McapError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::oneshot;

/// Bytes that must stay free on the disk, for the project file and the memory of PLCs: below that a recording is not started, and
/// ends.
const FREE_BYTES_MIN: u64 = 64 << 20;

/// How often that is looked at, and how long the state of a recording may be old that is shown.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Recordings that begin within the same second and have no name of their own; further ones are refused.
const SAME_SECOND_MAX: usize = 100;

/// Bytes that are gathered before the system is called.
const BUFFER_LEN: usize = 256 << 10;

/// Name of the problem that says that a recording has ended by itself, or did not begin.
const PROBLEM: &str = "record";

/// What there is to do when a limit or the disk has ended a recording.
const LIMITS_HINT: &str = "make room, or change max_mb, max_minutes or keep_mb in [record]; what was recorded is there";

/// What there is to do when the file of a recording has gone.
const REMOVED_HINT: &str = "start another one; a recording is removed with `crosstie record delete` when it has ended";

/// The end that the hub's end puts to a recording.
const HUB_ENDED: &str = "the hub has ended";

type Done<T> = oneshot::Sender<Result<T, RecordError>>;

/// The thread with what it knows.
#[derive(Debug)]
pub(super) struct Thread {
    about: Arc<About>,
    shared: Arc<Shared>,
    door: Door,
    orders: Receiver<Order>,
    running: Option<Run>,
}

/// A recording that runs.
#[derive(Debug)]
struct Run {
    name: String,
    path: PathBuf,
    /// Which file that is.
    file: Option<(u64, u64)>,
    by: String,
    by_signal: bool,
    from_start: bool,
    signals: Vec<String>,
    max_bytes: u64,
    max_time: Duration,
    since: Instant,
    ring: Ring,
    out: Out,
    /// What the counters of the run have been told.
    counted: (Totals, u64),
    lost_shown: u64,
    looked_at: Instant,
    /// Why it is to end when the core has handed over the rest, and who waits for that.
    ending: Option<(String, Option<Done<RecordingRow>>)>,
}

/// Where it goes.
#[derive(Debug)]
enum Out {
    /// The file is there; the head waits for the core to say when it begins.
    Opened(File, Option<Done<ActiveRow>>),
    /// It is written.
    Writing(Box<RecordingWriter<BufWriter<File>>>),
    /// Nothing of it works any more.
    Gone,
}

/// What woke the thread.
enum Woken {
    Taken(Taken),
    Order(Order),
    /// The core has let go of the ring.
    RingEnd,
    /// The last handle is gone.
    OrdersEnd,
    Time,
}

impl Thread {
    pub(super) fn new(about: Arc<About>, shared: Arc<Shared>, door: Door, orders: Receiver<Order>) -> Thread {
        Thread {
            about,
            shared,
            door,
            orders,
            running: None,
        }
    }

    /// Begins the recording that begins with the hub; the tap is for the core.
    pub(super) fn begin_with_hub(&mut self, wish: &Wish) -> Result<Tap, RecordError> {
        let (run, tap) = self.open(wish, String::from("the start of the hub"), true)?;
        self.running = Some(run);
        Ok(tap)
    }

    /// Runs until the last handle is gone. A fault of this thread ends the recording that runs, never the hub, and people are told.
    pub(super) fn run_guarded(&mut self) {
        if panic::catch_unwind(AssertUnwindSafe(|| self.run())).is_err() {
            self.fallen();
        }
    }

    /// What runs is cut where it was handed to the system last; nobody waits for an answer any more.
    fn fallen(&mut self) {
        self.shared.has_fallen.store(true, Ordering::Release);
        if let Some(run) = self.running.take() {
            self.door.tell(Event::Untap);
            if let Out::Writing(writer) = run.out {
                drop(writer.abandon());
            }
        }
        self.over();
        self.report(
            true,
            FALLEN.to_owned(),
            "keep the log of the hub and tell its makers; recordings up to here are there",
        );
    }

    fn run(&mut self) {
        let mut are_orders_over = false;
        while !are_orders_over || self.running.is_some() {
            match self.wait(are_orders_over) {
                Woken::Taken(taken) => self.take(taken),
                Woken::Order(order) => self.order(order),
                Woken::RingEnd => self.finish(),
                Woken::OrdersEnd => are_orders_over = true,
                Woken::Time => {}
            }
            self.look();
        }
    }

    fn wait(&self, are_orders_over: bool) -> Woken {
        let order = |order| match order {
            Ok(order) => Woken::Order(order),
            Err(_) => Woken::OrdersEnd,
        };
        let Some(run) = &self.running else {
            return order(self.orders.recv());
        };
        let due = match &run.out {
            Out::Writing(writer) => writer.deadline(),
            Out::Opened(..) | Out::Gone => None,
        };
        let now = Instant::now();
        let timeout = due
            .map_or(CHUNK_TIME_MAX, |due| due.saturating_duration_since(now))
            .min(CHUNK_TIME_MAX);
        let taken = |taken| match taken {
            Ok(taken) => Woken::Taken(taken),
            Err(_) => Woken::RingEnd,
        };
        if are_orders_over {
            return match run.ring.taken().recv_timeout(timeout) {
                Ok(one) => Woken::Taken(one),
                Err(RecvTimeoutError::Timeout) => Woken::Time,
                Err(RecvTimeoutError::Disconnected) => Woken::RingEnd,
            };
        }
        select! {
            recv(run.ring.taken()) -> one => taken(one),
            recv(self.orders) -> one => order(one),
            default(timeout) => Woken::Time,
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Start { wish, by, done } => {
                if let Err(error) = self.start(&wish, by, false) {
                    let _ = done.send(Err(error));
                } else if let Some(Out::Opened(_, waiting)) = self.running.as_mut().map(|run| &mut run.out) {
                    *waiting = Some(done);
                }
            }
            Order::Stop { by, done } => self.stop(format!("stopped by {by}"), Some(done)),
            Order::Signalled(true) if self.running.is_some() => {
                tracing::info!("a recording runs already: sys/record/run starts none");
            }
            Order::Signalled(true) => {
                if let Err(error) = self.start(&Wish::default(), String::from("sys/record/run"), true) {
                    self.report(
                        true,
                        format!("sys/record/run has started no recording: {error}"),
                        LIMITS_HINT,
                    );
                }
            }
            #[cfg(test)]
            Order::Fall => panic!("a test wants it"),
            Order::Signalled(false) => {
                if self.running.as_ref().is_some_and(|run| run.by_signal) {
                    self.stop(String::from("sys/record/run became false"), None);
                }
            }
        }
    }

    fn start(&mut self, wish: &Wish, by: String, by_signal: bool) -> Result<(), RecordError> {
        if let Some(run) = &self.running {
            let text = format!("the recording '{}' runs; stop it first", run.name);
            return Err(RecordError::Conflict(text));
        }
        let (mut run, tap) = self.open(wish, by, false)?;
        run.by_signal = by_signal;
        self.running = Some(run);
        self.door.tell(Event::Tap(Box::new(tap)));
        Ok(())
    }

    /// Makes the file of a recording.
    fn open(&self, wish: &Wish, by: String, from_start: bool) -> Result<(Run, Tap), RecordError> {
        let config = &self.about.config;
        let signals = wish.signals.clone().unwrap_or_else(|| config.signals.clone());
        let (path, file) = self.create(wish)?;
        let (tap, ring) = Tap::new(&signals, config.inputs);
        let now = Instant::now();
        let run = Run {
            name: folder::name_of(&path),
            path,
            file: file.metadata().ok().and_then(|data| state::identity(&data)),
            by,
            by_signal: false,
            from_start,
            signals,
            max_bytes: wish.max_mb.unwrap_or(config.max_mb).saturating_mul(1 << 20),
            max_time: Duration::from_secs(wish.max_minutes.unwrap_or(config.max_minutes).saturating_mul(60)),
            since: now,
            ring,
            out: Out::Opened(file, None),
            counted: (Totals::default(), 0),
            lost_shown: 0,
            looked_at: now,
            ending: None,
        };
        Ok((run, tap))
    }

    fn create(&self, wish: &Wish) -> Result<(PathBuf, File), RecordError> {
        let config = &self.about.config;
        let disk =
            |error: io::Error| RecordError::Disk(format!("{} cannot be written: {error}", config.folder.display()));
        fs::create_dir_all(&config.folder).map_err(disk)?;
        let there = folder::bytes_of(&config.folder).map_err(disk)?;
        if there >= config.keep_mb.saturating_mul(1 << 20) {
            return Err(RecordError::Conflict(format!(
                "the recordings have {} MB, and `record.keep_mb` is {}; remove some, or raise it",
                there >> 20,
                config.keep_mb
            )));
        }
        if folder::free_bytes(&config.folder).is_some_and(|free| free < FREE_BYTES_MIN) {
            let text = format!("less than {} MB are free on the disk; make room", FREE_BYTES_MIN >> 20);
            return Err(RecordError::Disk(text));
        }
        let create = |name: &str| {
            let path = folder::path_of(&config.folder, name)?;
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => Ok(Some((path, file))),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
                Err(error) => Err(disk(error)),
            }
        };
        if let Some(name) = &wish.name {
            let taken = || RecordError::Conflict(format!("a recording is called '{name}' already"));
            return create(name)?.ok_or_else(taken);
        }
        let name = folder::name_at(SystemTime::now());
        for number in 1..=SAME_SECOND_MAX {
            let name = if number == 1 {
                name.clone()
            } else {
                format!("{name}-{number}")
            };
            if let Some(created) = create(&name)? {
                return Ok(created);
            }
        }
        Err(RecordError::Conflict(format!("a recording is called '{name}' already")))
    }

    fn stop(&mut self, reason: String, done: Option<Done<RecordingRow>>) {
        let Some(run) = self.running.as_mut().filter(|run| run.ending.is_none()) else {
            let nothing = RecordError::NotFound(String::from("no recording runs"));
            if let Some(done) = done {
                drop(done.send(Err(nothing)));
            }
            return;
        };
        run.ending = Some((reason, done));
        self.door.tell(Event::Untap);
    }

    fn take(&mut self, taken: Taken) {
        let Some(run) = &mut self.running else { return };
        run.ring.took(&taken);
        let result = match (&mut run.out, taken) {
            (Out::Writing(writer), taken) => writer.take(taken),
            (Out::Opened(..), taken) => self.begin(taken),
            (Out::Gone, _) => Ok(()),
        };
        if let Err(error) = result {
            self.failed(&error);
        }
    }

    /// The core says when it begins: now the head is written.
    fn begin(&mut self, taken: Taken) -> Result<(), McapError> {
        let Some(run) = &mut self.running else { return Ok(()) };
        let Out::Opened(file, done) = std::mem::replace(&mut run.out, Out::Gone) else {
            return Ok(());
        };
        let begins_ns = match &taken {
            Taken::Begun { time, .. } => time.as_nanos(),
            // The core says so first.
            _ => 0,
        };
        let session = Session {
            format: 1,
            crosstie: env!("CARGO_PKG_VERSION").to_owned(),
            project: self.about.project.clone(),
            origin_ns: self.about.origin_ns,
            begins_ns,
            from_start: run.from_start,
            signals: run.signals.clone(),
            inputs: self.about.config.inputs,
            started_ns: Some(now_ns()),
        };
        let files = project::read(&self.about.project_folder, &self.about.files);
        let out = BufWriter::with_capacity(BUFFER_LEN, file);
        let begun = RecordingWriter::begin(out, &session, &files).and_then(|mut writer| {
            writer.take(taken)?;
            Ok(writer)
        });
        match begun {
            Ok(writer) => run.out = Out::Writing(Box::new(writer)),
            Err(error) => {
                let text = format!("{} cannot be written: {error}", run.path.display());
                drop(done.map(|done| done.send(Err(RecordError::Disk(text)))));
                return Err(error);
            }
        }
        tracing::info!(name = run.name, by = run.by, "a recording begins");
        self.shared.figures.started.fetch_add(1, Ordering::Relaxed);
        self.door.clear(PROBLEM);
        self.show();
        self.tell_hub(true, 0);
        if let Some(done) = done
            && let Some(active) = lock(&self.shared.active).clone()
        {
            let _ = done.send(Ok(active));
        }
        Ok(())
    }

    /// Looks at the limits and at the time.
    fn look(&mut self) {
        let now = Instant::now();
        let Some(run) = &mut self.running else { return };
        let Out::Writing(writer) = &mut run.out else { return };
        if let Err(error) = writer.tick(now) {
            self.failed(&error);
            return;
        }
        let (bytes, waiting) = writer.bytes();
        if run.ending.is_none() {
            if bytes.saturating_add(waiting) >= run.max_bytes {
                let text = format!("it has reached its limit of {} MB", run.max_bytes >> 20);
                return self.cut_short(text, false, LIMITS_HINT);
            }
            if now.saturating_duration_since(run.since) >= run.max_time {
                let text = format!("it has reached its limit of {} minutes", run.max_time.as_secs() / 60);
                return self.cut_short(text, false, LIMITS_HINT);
            }
        }
        let is_due = now >= run.looked_at + LOOK_EVERY;
        if is_due {
            run.looked_at = now;
            if run.ending.is_none() && !state::is_still(&run.path, run.file) {
                let text = String::from("its file was removed or moved away while it ran");
                return self.cut_short(text, true, REMOVED_HINT);
            }
            let lost = writer.totals().lost;
            if std::mem::replace(&mut run.lost_shown, lost) != lost {
                self.tell_hub(true, lost);
            }
            if folder::free_bytes(&self.about.config.folder).is_some_and(|free| free < FREE_BYTES_MIN) {
                let text = format!("less than {} MB were free on the disk", FREE_BYTES_MIN >> 20);
                return self.cut_short(text, false, LIMITS_HINT);
            }
        }
        if is_due || self.running.as_ref().is_some_and(|run| run.ring.taken().is_empty()) {
            self.show();
        }
    }

    /// Something ends the recording: it is whole, and people are told.
    fn cut_short(&mut self, reason: String, is_error: bool, hint: &str) {
        if let Some(run) = &mut self.running {
            run.ending = Some((reason.clone(), None));
            self.door.tell(Event::Untap);
            let text = format!("the recording '{}' has ended: {reason}", run.name);
            self.finish();
            self.report(is_error, text, hint);
        }
    }

    /// The disk takes nothing more. What it has taken stays.
    fn failed(&mut self, error: &McapError) {
        let Some(mut run) = self.running.take() else { return };
        self.door.tell(Event::Untap);
        let reason = format!("the disk does not take it: {error}");
        if let Out::Writing(writer) = std::mem::replace(&mut run.out, Out::Gone) {
            self.count(&mut run.counted, writer.totals(), writer.bytes().0);
            drop(writer.abandon());
        }
        let text = format!("the recording '{}' has ended: {reason}", run.name);
        if let Some((_, Some(done))) = run.ending {
            let _ = done.send(Err(RecordError::Disk(text.clone())));
        }
        self.over();
        self.report(true, text, LIMITS_HINT);
    }

    /// The core has handed over the rest, or nothing more is wanted: the recording is closed.
    fn finish(&mut self) {
        let Some(run) = self.running.take() else { return };
        let Run {
            name,
            path,
            mut counted,
            out,
            ending,
            ..
        } = run;
        let (reason, done) = ending.unwrap_or_else(|| (HUB_ENDED.to_owned(), None));
        let finished = match out {
            Out::Writing(writer) => {
                self.count(&mut counted, writer.totals(), writer.bytes().0);
                writer.finish(&reason).and_then(|(totals, out)| {
                    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                    file.sync_all()?;
                    Ok(totals)
                })
            }
            // The core has never begun: there is nothing in it.
            Out::Opened(..) | Out::Gone => {
                drop(fs::remove_file(&path));
                self.over();
                return;
            }
        };
        self.over();
        let row = match finished {
            Ok(_) => {
                tracing::info!(name, reason, "a recording has ended");
                let opened = Recording::open(&path);
                opened
                    .map(|recording| RecordingRow::of(&path, &recording))
                    .map_err(|error| RecordError::Disk(error.to_string()))
            }
            Err(error) => {
                let text = format!("the end of the recording '{name}' could not be written: {error}");
                self.report(true, text.clone(), LIMITS_HINT);
                Err(RecordError::Disk(text))
            }
        };
        if let Some(done) = done {
            drop(done.send(row));
        }
    }

    /// No recording runs any more.
    fn over(&self) {
        *lock(&self.shared.active) = None;
        self.tell_hub(false, 0);
    }

    /// Shows how the recording stands.
    fn show(&mut self) {
        let Some(mut run) = self.running.take() else { return };
        if let Out::Writing(writer) = &run.out {
            let (totals, (bytes, _)) = (writer.totals(), writer.bytes());
            let begins = writer.begins_ns();
            let row = ActiveRow {
                name: run.name.clone(),
                started_ms: begins / 1_000_000,
                duration_ms: totals.ends_ns.saturating_sub(begins) / 1_000_000,
                bytes,
                samples: totals.samples,
                inputs: totals.inputs,
                gaps: totals.gaps,
                lost: totals.lost,
                max_bytes: run.max_bytes,
                max_ms: u64::try_from(run.max_time.as_millis()).unwrap_or(u64::MAX),
                by: run.by.clone(),
            };
            self.count(&mut run.counted, totals, bytes);
            *lock(&self.shared.active) = Some(row);
        }
        self.running = Some(run);
    }

    fn count(&self, counted: &mut (Totals, u64), totals: &Totals, bytes: u64) {
        let figures = &self.shared.figures;
        add(&figures.samples, counted.0.samples, totals.samples);
        add(&figures.inputs, counted.0.inputs, totals.inputs);
        add(&figures.gaps, counted.0.gaps, totals.gaps);
        add(&figures.bytes, counted.1, bytes);
        *counted = (totals.clone(), bytes);
    }

    fn tell_hub(&self, is_active: bool, lost: u64) {
        self.door.tell(Event::Input(Input::Recording { is_active, lost }));
    }

    fn report(&self, is_error: bool, text: String, hint: &str) {
        tracing::warn!("{text}");
        self.door.report(Report {
            id: PROBLEM.to_owned(),
            is_error,
            subject: String::from("recording"),
            text,
            hint: hint.to_owned(),
        });
    }
}

/// The world's time, in nanoseconds since 1970.
fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
