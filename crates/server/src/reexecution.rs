//! Executing a recording again: its inputs through a fresh hub and fresh engines, a digest over everything that comes out, and its
//! samples compared with those that are made now.

mod watch;

pub(crate) use watch::Watch;

use crate::config::{self, Overrides};
use crate::recording::format::{Entered, Gap, Sample, Session};
use crate::recording::{Message, OpenError, Recording};
use crosstie_hub::input_log::{self, Logged};
use crosstie_hub::output::Output;
use crosstie_hub::reexecution::{ExecuteError, Reexecution};
use crosstie_hub::settings::Settings;
use crosstie_hub::{ConnId, Time};
use data_encoding::HEXLOWER;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Component, Path};

/// Samples that wait for their counterparts, then and now together. Beyond it the comparison ends with what was compared so far: then
/// and now have nothing to do with each other.
const WAITING_MAX: usize = 1 << 20;

/// Why a recording cannot be executed again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReexecutionError {
    /// It cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It began while the hub ran.
    #[error(
        "the recording did not begin with the hub, so nobody knows what the hub was then; record with `crosstie run --record`, or \
         play it with `crosstie replay start`"
    )]
    NotFromStart,
    /// It holds samples only.
    #[error("there are no inputs in it; record with `[record] inputs = true`, or play it with `crosstie replay start`")]
    NoInputs,
    /// Inputs are missing.
    #[error(
        "inputs are missing at {at:.3} s ({why}): what follows cannot be executed again; `crosstie replay start` plays it"
    )]
    Lost {
        /// The hub's time, in seconds.
        at: f64,
        /// Why.
        why: String,
    },
    /// Its project cannot be used.
    #[error("the project of the recording cannot be used:\n{0}")]
    Project(String),
    /// An input cannot be executed.
    #[error("input {number} at {at:.3} s cannot be executed again: {source}")]
    Input {
        /// Counts from 1.
        number: u64,
        /// The driver's time, in seconds.
        at: f64,
        /// Why.
        source: ExecuteError,
    },
    /// The system refuses a folder for the project.
    #[error("a folder for the project of the recording: {0}")]
    Folder(#[from] io::Error),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Executed {
    /// Inputs.
    pub(crate) inputs: u64,
    /// Time that they cover, in seconds.
    pub(crate) seconds: f64,
    /// SHA-256 over all outputs, in hexadecimal digits.
    pub(crate) digest: String,
    /// Samples that were compared.
    pub(crate) compared: u64,
    /// The first sample that is another one.
    pub(crate) difference: Option<Difference>,
    /// Why not all samples could be compared.
    pub(crate) note: Option<String>,
}

/// A sample that is another one than then.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Difference {
    /// Name of the signal.
    pub(crate) signal: String,
    /// The hub's time, in seconds.
    pub(crate) at: f64,
    /// The scan, for a place of a PLC.
    pub(crate) scan: Option<u64>,
    /// Its value then, with its quality where that is not good; nothing where it did not change.
    pub(crate) then: Option<String>,
    /// The same now.
    pub(crate) now: Option<String>,
}

/// Executes a recording again, with the project in it or with that of a folder.
///
/// # Errors
///
/// See [`ReexecutionError`]; a difference is none.
pub(crate) fn execute(file: &Path, project: Option<&Path>) -> Result<Executed, ReexecutionError> {
    let mut recording = Recording::open(file)?;
    let session = recording.session().clone();
    if !session.from_start {
        return Err(ReexecutionError::NotFromStart);
    }
    if !session.inputs {
        return Err(ReexecutionError::NoInputs);
    }
    let settings = match project {
        Some(folder) => settings_of(folder)?,
        None => {
            let folder = Unpacked::of(&mut recording)?;
            settings_of(&folder.0)?
        }
    };
    let is_whole = recording.is_whole();
    let mut run = Run::new(&session, settings, project.is_some());
    for message in recording.messages_from(Time::ZERO) {
        match message? {
            (_, Message::Input(entered)) => run.input(entered)?,
            (at, Message::Samples(samples)) => {
                for sample in samples.signals {
                    run.samples.then(at, sample);
                }
            }
            (_, Message::Gap(gap)) => run.gap(gap)?,
            (_, Message::State(_)) => {}
        }
    }
    Ok(run.finish(is_whole))
}

/// The settings of a project in a folder.
fn settings_of(folder: &Path) -> Result<Settings, ReexecutionError> {
    let loaded = config::load(folder, &Overrides::default());
    match loaded.config {
        Some(config) => Ok(config.hub_settings(0)),
        None => {
            let lines: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
            Err(ReexecutionError::Project(lines.join("\n")))
        }
    }
}

/// The project of a recording in a folder of its own, which goes with it.
struct Unpacked(std::path::PathBuf);

impl Unpacked {
    fn of(recording: &mut Recording) -> Result<Unpacked, ReexecutionError> {
        let stamp = crate::state::random_name()?;
        let unpacked = Unpacked(std::env::temp_dir().join(format!("crosstie-{stamp}")));
        std::fs::create_dir(&unpacked.0)?;
        for file in recording.project_files()? {
            let name = Path::new(&file.name);
            // A name that leads elsewhere is none of ours.
            if !name.components().all(|part| matches!(part, Component::Normal(_))) {
                continue;
            }
            let path = unpacked.0.join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, file.content)?;
        }
        Ok(unpacked)
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        // What the system does not let go stays in its folder for what is temporary.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An execution on its way.
struct Run {
    /// Until the first entry has said what the hub was told at its start.
    settings: Option<Settings>,
    /// They may be others than those of the recording.
    is_changed: bool,
    hub: Option<Reexecution>,
    /// Patterns of the signals that were recorded.
    signals: Vec<String>,
    watch: Option<Watch>,
    digest: Sha256,
    inputs: u64,
    now: Time,
    samples: Samples,
}

impl Run {
    fn new(session: &Session, settings: Settings, is_changed: bool) -> Run {
        Run {
            settings: Some(settings),
            is_changed,
            hub: None,
            signals: session.signals.clone(),
            watch: None,
            digest: Sha256::new(),
            inputs: 0,
            now: Time::ZERO,
            samples: Samples::default(),
        }
    }

    fn input(&mut self, entered: Entered) -> Result<(), ReexecutionError> {
        let now = Time::from_nanos(entered.now_ns);
        self.inputs += 1;
        let at = now.as_nanos() as f64 / 1e9;
        if entered.number != self.inputs {
            let why = format!("{} is missing", self.inputs);
            return Err(ReexecutionError::Lost { at, why });
        }
        if let Some(mut settings) = self.settings.take() {
            let start = input_log::decode(&entered.input).map_err(ExecuteError::from);
            match start {
                Ok(Logged::Start(start)) => start.put_into(&mut settings).map_err(ReexecutionError::Project)?,
                Ok(_) => return Err(ReexecutionError::NotFromStart),
                Err(source) => {
                    let number = entered.number;
                    return Err(ReexecutionError::Input { number, at, source });
                }
            }
            let mut hub = match self.is_changed {
                true => Reexecution::of_changed(settings),
                false => Reexecution::new(settings),
            };
            self.watch = Some(Watch::begin(hub.hub_mut(), &self.signals));
            self.hub = Some(hub);
            return Ok(());
        }
        if now != self.now {
            // Whoever recorded looked when everything of a moment was over.
            self.look();
            self.now = now;
        }
        let Some(hub) = &mut self.hub else { return Ok(()) };
        let number = entered.number;
        let executed = hub.execute(now, &entered.input);
        executed.map_err(|source| ReexecutionError::Input { number, at, source })?;
        for output in hub.outputs() {
            digest(&mut self.digest, output);
        }
        Ok(())
    }

    fn gap(&mut self, gap: Gap) -> Result<(), ReexecutionError> {
        if gap.what == "inputs" {
            let at = gap.from_ns as f64 / 1e9;
            return Err(ReexecutionError::Lost { at, why: gap.why });
        }
        self.samples.has_gaps = true;
        Ok(())
    }

    /// Takes the samples that have been made.
    fn look(&mut self) {
        if let (Some(hub), Some(watch)) = (&mut self.hub, &mut self.watch) {
            let samples = &mut self.samples;
            watch.look(hub.hub_mut(), |time, is_state, sample| {
                if !is_state {
                    samples.now(time, sample);
                }
            });
        }
    }

    fn finish(mut self, is_whole: bool) -> Executed {
        self.look();
        let (difference, note) = self.samples.finish(is_whole);
        Executed {
            inputs: self.inputs.saturating_sub(1),
            seconds: self.now.as_nanos() as f64 / 1e9,
            digest: HEXLOWER.encode(&self.digest.finalize()),
            compared: self.samples.compared,
            difference,
            note,
        }
    }
}

/// Everything of an output, in one form only.
fn digest(digest: &mut Sha256, output: &Output) {
    let mut frame = |conn: ConnId, bytes: &[u8]| {
        digest.update(b"frame");
        digest.update(conn.0.to_le_bytes());
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    match output {
        Output::Send { conn, frame: sent } => frame(*conn, &sent.bytes),
        Output::Share { conns, frame: sent } => conns.iter().for_each(|conn| frame(*conn, &sent.bytes)),
        Output::Snapshots {
            plc,
            frame: template,
            header_at,
            to,
        } => {
            for one in to {
                frame(one.conn, &one.frame(*plc, template, *header_at).bytes);
            }
        }
        other => {
            let words = format!("{other:?}");
            digest.update(b"other");
            digest.update((words.len() as u64).to_le_bytes());
            digest.update(words.as_bytes());
        }
    }
}

/// The samples of then and of now, each signal's in its order.
#[derive(Debug, Default)]
struct Samples {
    waiting: BTreeMap<String, [VecDeque<(Time, Sample)>; 2]>,
    /// How many wait.
    count: usize,
    compared: u64,
    has_gaps: bool,
    is_over: bool,
    difference: Option<Difference>,
}

const THEN: usize = 0;
const NOW: usize = 1;

impl Samples {
    fn then(&mut self, at: Time, sample: Sample) {
        self.put(THEN, at, sample);
    }

    fn now(&mut self, at: Time, sample: Sample) {
        self.put(NOW, at, sample);
    }

    fn put(&mut self, side: usize, at: Time, mut sample: Sample) {
        if self.is_over || self.has_gaps {
            return;
        }
        sample.by = None;
        let sides = self.waiting.entry(sample.name.clone()).or_default();
        match sides[1 - side].pop_front() {
            Some(other) => {
                self.count -= 1;
                self.compared += 1;
                if other.1 != sample && self.difference.is_none() {
                    let mine = (at, sample);
                    let (then, now) = if side == THEN { (mine, other) } else { (other, mine) };
                    self.difference = Some(difference(Some(then), Some(now)));
                    self.is_over = true;
                }
            }
            None => {
                sides[side].push_back((at, sample));
                self.count += 1;
                self.is_over |= self.count > WAITING_MAX;
            }
        }
    }

    /// What is left over, unless the end of one side is missing.
    fn finish(&mut self, is_whole: bool) -> (Option<Difference>, Option<String>) {
        if self.has_gaps {
            let note = "samples are missing in the recording; those behind the first gap were not compared";
            return (self.difference.take(), Some(note.to_owned()));
        }
        let lone = |sides: &[VecDeque<(Time, Sample)>; 2]| {
            let then = sides[THEN].front().cloned();
            let now = sides[NOW].front().cloned().filter(|_| is_whole);
            (then.is_some() || now.is_some()).then(|| difference(then, now))
        };
        let lone = self.waiting.values().filter_map(lone);
        // Of those of one moment the one that both sides have says more.
        let first = self.difference.take().into_iter().chain(lone);
        self.difference = first.min_by(|a, b| a.at.total_cmp(&b.at));
        (self.difference.take(), None)
    }
}

fn difference(then: Option<(Time, Sample)>, now: Option<(Time, Sample)>) -> Difference {
    let text = |side: &Option<(Time, Sample)>| {
        side.as_ref().map(|(_, sample)| match &sample.quality {
            Some(quality) => format!("{} ({quality})", sample.value),
            None => sample.value.to_string(),
        })
    };
    let (mut then_text, mut now_text) = (text(&then), text(&now));
    if then_text == now_text {
        // The value is the same: what differs is its scan, or its kind.
        let scan = |side: &Option<(Time, Sample)>| side.as_ref().and_then(|(_, sample)| sample.scan);
        let by_scan = scan(&then) != scan(&now);
        let add = |text: &mut Option<String>, side: &Option<(Time, Sample)>| {
            if let (Some(text), Some((_, sample))) = (text, side) {
                *text += &match sample.scan {
                    Some(scan) if by_scan => format!(" at scan {scan}"),
                    None if by_scan => String::from(" outside of a scan"),
                    _ => format!(" ({})", sample.kind),
                };
            }
        };
        add(&mut then_text, &then);
        add(&mut now_text, &now);
    }
    let at = |side: &Option<(Time, Sample)>| side.as_ref().map(|(at, _)| *at);
    let first = at(&then).into_iter().chain(at(&now)).min().unwrap_or(Time::ZERO);
    let scan = then.iter().chain(&now).filter_map(|(_, sample)| sample.scan).min();
    let name = then.or(now).map(|(_, sample)| sample.name);
    Difference {
        signal: name.unwrap_or_default(),
        at: first.as_nanos() as f64 / 1e9,
        scan,
        then: then_text,
        now: now_text,
    }
}
