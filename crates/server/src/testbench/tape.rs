//! An accepted recording as a test: what the outside world said is said again, and what routes and PLCs make of it is compared.
//!
//! A recording that began with the hub and kept its inputs is executed again (see [`again`](super::again)): then everything comes
//! in the order and to the scan to which it came. Of another the samples are played to a hub in memory. The moments of scans are
//! not there then, but nearly: a sample of a PLC says its scan and when the hub heard of it. What the hub heard late is evened
//! out, and a scan that was missed is missed again.

use super::again::Inputs;
use super::budget::Budget;
use super::compare::{Compared, Slack, first_difference};
use super::known::leads;
use super::place::ACCEPTED_ENDING;
use super::play::trust_of;
use super::scan::read_text;
use super::show::Deviation;
use super::stage::Stage;
use super::trace::{Point, Trace, Trust};
use crate::recording::format::Sample;
use crate::recording::{Message, Recording};
use crosstie_hub::Time;
use crosstie_hub::api::Request;
use crosstie_hub::api::plc::PlcRequest;
use crosstie_hub::plc::ScanTiming;
use crosstie_hub::replay::Replayed;
use crosstie_hub::rig::{Rig, Scheduled};
use crosstie_hub::settings::{EndpointSettings, Owner, Settings, SignalSetting};
use crosstie_hub::signal::name::escape_segment;
use crosstie_hub::signal::{Pattern, Quality, Value};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// Samples and inputs of a recording that is a test. One with more is refused: the test would take too long, and too much memory.
pub(crate) const ENTRIES_MAX: usize = 2_000_000;

/// Time that goes on at once while nothing is said.
const STRIDE: Duration = Duration::from_millis(500);

/// What was accepted.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Terms {
    /// Name of the test, for people.
    pub(crate) name: String,
    /// SHA-256 of the recording, in hexadecimal digits.
    pub(crate) digest: String,
    /// Patterns of the signals that are compared; all that routes and PLCs write when there is none.
    pub(crate) signals: Vec<String>,
    /// How far the run may be beside the recording.
    pub(crate) slack: Slack,
    /// Numbers that may differ, and by how much; patterns of their names.
    pub(crate) tolerances: Vec<(String, f64)>,
}

/// A recording, taken apart.
#[derive(Debug)]
pub(crate) struct Tape {
    /// What signals are before anything is said.
    initial: Vec<Replayed>,
    /// What places of PLCs hold before their first scan: context, address, value. Empty when the recording began with the hub.
    memory: Vec<(String, String, Value)>,
    /// What is said, and when.
    said: Vec<(Time, Vec<Replayed>)>,
    /// What came of it.
    expected: Trace,
    /// The signals that routes and PLCs wrote.
    made: BTreeSet<String>,
    /// The signals that routes write, with what they were at the begin.
    targets: BTreeMap<String, Value>,
    /// The signals that the outside world changed.
    given: BTreeSet<String>,
    /// Scans of contexts, and when the hub heard of them.
    heard: BTreeMap<String, Vec<(u64, Time)>>,
    /// What entered the hub, where all of it is known.
    inputs: Option<Inputs>,
    /// The hub's time when it began.
    begins: Time,
    /// How long it is.
    end: Time,
}

/// An accepted recording, ready to run.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// For people.
    pub(crate) name: String,
    pub(crate) terms: Terms,
    tape: Tape,
    compared: Vec<Compared>,
}

impl Accepted {
    /// Reads an accepted recording: its `.test.toml` and the `.mcap` beside it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub(crate) fn load(path: &Path, shown_name: &str, stage: &Stage) -> Result<Accepted, String> {
        let text = read_text(path)?;
        let file_name = format!("{shown_name}{ACCEPTED_ENDING}");
        let mut terms = Terms::read(&text).map_err(|why| format!("{file_name}: {why}"))?;
        if terms.name.is_empty() {
            terms.name = shown_name.to_owned();
        }
        let recording = beside(path);
        let digest = digest(&recording)?;
        if digest != terms.digest {
            return Err(format!(
                "{}: expected the recording that was accepted (SHA-256 {}), got another one; `crosstie test accept` accepts it anew",
                recording.display(),
                terms.digest
            ));
        }
        let tape = Tape::read(&recording, stage)?;
        Accepted::new(terms, tape)
    }

    /// A recording under its terms.
    ///
    /// # Errors
    ///
    /// Nothing in it is compared.
    pub(crate) fn new(terms: Terms, tape: Tape) -> Result<Accepted, String> {
        let patterns: Vec<Pattern> = terms.signals.iter().map(|text| Pattern::new(text)).collect();
        let tolerances: Vec<(Pattern, f64)> = terms
            .tolerances
            .iter()
            .map(|(text, tolerance)| (Pattern::new(text), *tolerance))
            .collect();
        let is_wanted = |name: &str| patterns.is_empty() || patterns.iter().any(|pattern| pattern.fits(name));
        let compared: Vec<Compared> = tape
            .made
            .iter()
            .filter(|name| is_wanted(name))
            .map(|name| Compared {
                name: name.clone(),
                tolerance: tolerances
                    .iter()
                    .find(|(pattern, _)| pattern.fits(name))
                    .map_or(0.0, |(_, tolerance)| *tolerance),
            })
            .collect();
        if compared.is_empty() {
            let text = "nothing to compare: expected signals that routes or PLCs of this project write, and that fit `signals`";
            return Err(String::from(text));
        }
        Ok(Accepted {
            name: terms.name.clone(),
            terms,
            tape,
            compared,
        })
    }

    /// How many signals are compared.
    pub(crate) fn compared(&self) -> usize {
        self.compared.len()
    }

    /// Runs it once: the first difference, when there is one.
    ///
    /// # Errors
    ///
    /// It could not be run to its end, and why.
    pub(crate) fn run(&self, stage: &Stage, budget: &Budget) -> Result<Option<Deviation>, String> {
        let got = self.tape.play(stage, budget)?;
        let compared = |trace: &Trace| {
            let mut tracks = self.compared.iter().filter_map(|one| trace.track(&one.name));
            tracks.any(|track| track.forgotten > 0)
        };
        if compared(&got) || compared(&self.tape.expected) {
            let most = super::trace::POINTS_MAX;
            return Err(format!(
                "a compared signal changes more than {most} times: cut the recording, or leave the signal out"
            ));
        }
        let compared = self.ranked(stage);
        let difference = first_difference(&self.tape.expected, &got, &compared, self.terms.slack);
        Ok(difference.map(|difference| Deviation {
            difference,
            expected: self.tape.expected.clone(),
            got,
            // Of everything that entered a hub the signals behind the difference are enough.
            given: match self.tape.inputs {
                Some(_) => Vec::new(),
                None => self.tape.given.iter().cloned().collect(),
            },
        }))
    }

    /// What is compared, causes first: a route that is broken shows as its target, not as the rung behind it.
    fn ranked(&self, stage: &Stage) -> Vec<Compared> {
        let mut compared = self.compared.clone();
        compared.sort_by_cached_key(|one| !leads(&one.name, stage));
        compared
    }
}

/// The recording of a `.test.toml`.
fn beside(path: &Path) -> std::path::PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(ACCEPTED_ENDING).unwrap_or(&name);
    path.with_file_name(format!("{stem}.mcap"))
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn digest(path: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let (mut hash, mut part) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut part).map_err(failed)? {
            0 => return Ok(data_encoding::HEXLOWER.encode(&hash.finalize())),
            length => hash.update(&part[..length]),
        }
    }
}

impl Tape {
    /// One in which nothing stands yet.
    fn empty(begins: Time, end: Time) -> Tape {
        let mut expected = Trace::default();
        expected.end = end;
        Tape {
            initial: Vec::new(),
            memory: Vec::new(),
            said: Vec::new(),
            expected,
            made: BTreeSet::new(),
            targets: BTreeMap::new(),
            given: BTreeSet::new(),
            heard: BTreeMap::new(),
            inputs: None,
            begins,
            end,
        }
    }

    /// Takes a recording apart.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is too long.
    pub(crate) fn read(path: &Path, stage: &Stage) -> Result<Tape, String> {
        let mut recording = Recording::open(path).map_err(|error| error.to_string())?;
        let begins = recording.begins();
        let session = recording.session().clone();
        let from_start = session.from_start;
        let end = Time::ZERO + recording.ends().since(begins);
        let mut tape = Tape::empty(begins, end);
        let sides = Sides::new(stage);
        let state = recording.state_at(begins).map_err(|error| error.to_string())?;
        let bases = bases(&state, &sides, from_start);
        for sample in &state {
            tape.begin_with(sample, &sides, &bases, from_start);
        }
        let mut inputs = from_start.then(|| Inputs::of(&session));
        let mut count = 0;
        for message in recording.messages_from(begins) {
            let (at, message) = message.map_err(|error| error.to_string())?;
            match message {
                Message::Samples(samples) => {
                    count += samples.signals.len();
                    tape.take(Time::ZERO + at.since(begins), samples.signals, &sides, &bases);
                }
                Message::Input(entered) => {
                    count += 1;
                    inputs = inputs.take_if(|inputs| inputs.put(entered));
                }
                // What was lost cannot be executed; the samples are there.
                Message::Gap(gap) if gap.what == "inputs" => inputs = None,
                Message::Gap(_) | Message::State(_) => {}
            }
            if count > ENTRIES_MAX {
                return Err(format!(
                    "{}: more than {ENTRIES_MAX} samples and inputs; record less",
                    path.display()
                ));
            }
        }
        tape.inputs = inputs.filter(|inputs| !inputs.is_empty());
        Ok(tape)
    }

    /// A signal as it was when the recording began.
    fn begin_with(&mut self, sample: &Sample, sides: &Sides, bases: &BTreeMap<String, u64>, from_start: bool) {
        let Some((value, trust)) = value_of(sample) else { return };
        match sides.side(sample) {
            Side::Nobody => {}
            Side::Outside => {
                self.shows(Time::ZERO, sample, &value, trust);
                self.initial.push(replayed(sample, value, trust));
            }
            Side::Plc { context, address } => {
                if !from_start {
                    self.memory.push((context.clone(), address, value.clone()));
                }
                self.expect(Time::ZERO, sample, value, trust, bases.get(&context).copied());
            }
            Side::Route => {
                self.targets.insert(sample.name.clone(), value.clone());
                self.expect(Time::ZERO, sample, value, trust, None);
            }
        }
    }

    fn take(&mut self, at: Time, samples: Vec<Sample>, sides: &Sides, bases: &BTreeMap<String, u64>) {
        let mut said = Vec::new();
        for sample in &samples {
            let Some((value, trust)) = value_of(sample) else {
                continue;
            };
            match sides.side(sample) {
                Side::Nobody => {}
                Side::Outside => {
                    self.given.insert(sample.name.clone());
                    self.shows(at, sample, &value, trust);
                    said.push(replayed(sample, value, trust));
                }
                Side::Plc { context, .. } => {
                    let base = bases.get(&context).copied();
                    if let (Some(scan), Some(base)) = (sample.scan, base) {
                        self.heard
                            .entry(context)
                            .or_default()
                            .push((scan.saturating_sub(base), at));
                    }
                    self.expect(at, sample, value, trust, base);
                }
                Side::Route => {
                    let zero = || Value::zero(value.kind());
                    self.targets.entry(sample.name.clone()).or_insert_with(zero);
                    self.expect(at, sample, value, trust, None);
                }
            }
        }
        if !said.is_empty() {
            self.said.push((at, said));
        }
    }

    /// Notes what the outside world has said, for diagrams.
    fn shows(&mut self, at: Time, sample: &Sample, value: &Value, trust: Trust) {
        let value = value.clone();
        let scan = None;
        self.expected.push(&sample.name, Point { at, scan, value, trust });
    }

    fn expect(&mut self, at: Time, sample: &Sample, value: Value, trust: Trust, base: Option<u64>) {
        if matches!(sample.by.as_deref(), Some("route" | "plc")) {
            self.made.insert(sample.name.clone());
        }
        let scan = sample.scan.map(|scan| scan.saturating_sub(base.unwrap_or(0)));
        self.expected.push(&sample.name, Point { at, scan, value, trust });
    }

    /// Executes its inputs again: what the hub made of them, taken apart like the recording itself.
    fn execute_again(&self, inputs: &Inputs, stage: &Stage, budget: &Budget) -> Result<Trace, String> {
        let sides = Sides::new(stage);
        let bases = bases(&[], &sides, true);
        let mut now = Tape::empty(self.begins, self.end);
        inputs.execute(stage, budget, |time, is_state, sample| {
            if is_state {
                now.begin_with(&sample, &sides, &bases, true);
            } else {
                now.take(Time::ZERO + time.since(self.begins), vec![sample], &sides, &bases);
            }
        })?;
        Ok(now.expected)
    }

    /// Says it to a hub of its own: what that made of it.
    fn play(&self, stage: &Stage, budget: &Budget) -> Result<Trace, String> {
        if let Some(inputs) = &self.inputs {
            return self.execute_again(inputs, stage, budget);
        }
        let mut rig = Rig::new(lonely(&stage.settings, &self.targets));
        let mut trace = Trace::default();
        for context in &stage.settings.plcs {
            let heard = self.heard.get(&escape_segment(&context.name));
            let Some(plc) = rig.plc(&context.name) else { continue };
            let period = context.controller.target_scan.us().max(1);
            if let Some(heard) = heard {
                rig.set_schedule(plc, schedule(heard, Duration::from_micros(u64::from(period))));
            }
        }
        for (context, address, value) in &self.memory {
            let (context, address, value) = (context.clone(), address.clone(), value.clone());
            rig.put(Request::Plc(PlcRequest::Write {
                context,
                address,
                value,
            }));
        }
        rig.say(self.initial.clone());
        for (at, samples) in &self.said {
            Tape::go(&mut rig, *at, &mut trace, budget)?;
            rig.say(samples.clone());
        }
        Tape::go(&mut rig, self.end, &mut trace, budget)?;
        trace.end = self.end;
        Ok(trace)
    }

    fn go(rig: &mut Rig, at: Time, trace: &mut Trace, budget: &Budget) -> Result<(), String> {
        loop {
            let next = at.min(rig.now() + STRIDE);
            rig.run_until(next);
            for change in rig.take_changes() {
                let point = Point {
                    at: change.at,
                    scan: change.scan,
                    trust: trust_of(change.quality),
                    value: change.value,
                };
                trace.push(&change.name, point);
            }
            budget.check()?;
            if next >= at {
                return Ok(());
            }
        }
    }
}

/// The project without anybody outside: what a recording says takes the place of servers, engines elsewhere and the class. What
/// routes write to those stands under an endpoint of its own, because a route needs a target that is the hub's.
fn lonely(settings: &Settings, targets: &BTreeMap<String, Value>) -> Settings {
    let mut settings = settings.clone();
    settings.classroom = None;
    settings.plcs.retain(|plc| plc.remote.is_none());
    for endpoint in &mut settings.endpoints {
        endpoint.link = None;
    }
    let declared = settings.endpoints.iter().flat_map(|endpoint| &endpoint.signals);
    let declared: HashSet<&str> = declared.map(|signal| signal.signal.as_str()).collect();
    let missing = targets
        .iter()
        .filter(|(name, _)| !declared.contains(name.as_str()) && !name.starts_with("plc/"));
    let signals: Vec<SignalSetting> = missing
        .map(|(name, value)| SignalSetting {
            wire_name: name.clone(),
            signal: name.clone(),
            kind: value.kind(),
            owner: Owner::Hub,
            value: Some(value.clone()),
            convention: None,
            neutral: false,
        })
        .collect();
    if !signals.is_empty() {
        settings.endpoints.push(EndpointSettings {
            signals,
            ..EndpointSettings::named("recording")
        });
    }
    settings
}

/// Who is meant to say a signal, as far as a run is concerned.
#[derive(Debug, PartialEq, Eq)]
enum Side {
    /// The recording says it.
    Outside,
    /// The engine of a context of this project.
    Plc { context: String, address: String },
    /// A route.
    Route,
    /// Nobody needs it.
    Nobody,
}

/// The signals that a project makes itself.
struct Sides {
    contexts: HashSet<String>,
    targets: HashSet<String>,
}

impl Sides {
    fn new(stage: &Stage) -> Sides {
        let here = stage.settings.plcs.iter().filter(|plc| plc.remote.is_none());
        Sides {
            contexts: here.map(|plc| escape_segment(&plc.name)).collect(),
            targets: stage
                .settings
                .routes
                .iter()
                .map(|route| stage.canonical(&route.to))
                .collect(),
        }
    }

    fn side(&self, sample: &Sample) -> Side {
        let by = sample.by.as_deref();
        let name = sample.name.as_str();
        if name.starts_with("sys/") {
            return Side::Nobody;
        }
        if let Some((context, address)) = name.strip_prefix("plc/").and_then(|rest| rest.split_once('/'))
            && self.contexts.contains(context)
        {
            return match by {
                // What a person or a peer wrote into its memory came from outside.
                Some("operator" | "peer" | "replay") => Side::Outside,
                Some("plc" | "route") => Side::Plc {
                    context: context.to_owned(),
                    address: address.to_owned(),
                },
                _ => Side::Nobody,
            };
        }
        match by {
            Some("route") => Side::Route,
            _ if self.targets.contains(name) && by != Some("operator") => Side::Route,
            None => Side::Nobody,
            Some(_) => Side::Outside,
        }
    }
}

/// What a sample holds; `None` for what this version does not know.
fn value_of(sample: &Sample) -> Option<(Value, Trust)> {
    let value = match (sample.kind.as_str(), &sample.value) {
        ("Bool", serde_json::Value::Bool(bit)) => Value::Bool(*bit),
        ("Int", value) => Value::Int(value.as_i64()?),
        ("Float", value) => Value::Float(value.as_f64().filter(|number| number.is_finite())?),
        ("Text", serde_json::Value::String(text)) => Value::Text(text.as_str().into()),
        _ => return None,
    };
    let trust = sample.quality.as_deref().map_or(Some(Trust::Good), Trust::from_word)?;
    Some((value, trust))
}

fn replayed(sample: &Sample, value: Value, trust: Trust) -> Replayed {
    Replayed {
        name: sample.name.as_str().into(),
        value,
        quality: match trust {
            Trust::Good => Quality::Good,
            Trust::Stale => Quality::Stale,
            Trust::Bad => Quality::NeverWritten,
        },
    }
}

/// The number of the last scan of each context before the recording began.
fn bases(state: &[Sample], sides: &Sides, from_start: bool) -> BTreeMap<String, u64> {
    let mut bases: BTreeMap<String, u64> = sides.contexts.iter().map(|context| (context.clone(), 0)).collect();
    if from_start {
        return bases;
    }
    for sample in state {
        if let (Side::Plc { context, .. }, Some(scan)) = (sides.side(sample), sample.scan)
            && let Some(base) = bases.get_mut(&context)
        {
            *base = scan.max(*base);
        }
    }
    bases
}

/// When the scans of a context were, as far as its samples say it. What the hub heard late does not make a scan late; but from where
/// on all that follow are later by a quarter of the period or more, scans were missed.
fn schedule(heard: &[(u64, Time)], period: Duration) -> VecDeque<Scheduled> {
    let period_ns = (period.as_nanos() as u64).max(1);
    let mut offsets: Vec<(u64, i64)> = heard
        .iter()
        .filter(|(scan, _)| *scan > 0)
        .map(|(scan, at)| (*scan, at.as_nanos() as i64 - ((scan - 1) * period_ns) as i64))
        .collect();
    let mut later = i64::MAX;
    for (_, offset) in offsets.iter_mut().rev() {
        later = later.min(*offset);
        *offset = later;
    }
    let mut scans = VecDeque::new();
    let Some(&(_, first)) = offsets.first() else {
        return scans;
    };
    let (mut offset, mut next, mut last_at) = (first.max(0), 1, None);
    for (scan, measured) in offsets {
        if measured - offset >= period_ns as i64 / 4 && scan >= next {
            offset = measured;
        }
        while next <= scan {
            let at = Time::from_nanos((offset as u64) + (next - 1) * period_ns);
            let dt = last_at.map_or(period, |last: Time| at.since(last));
            last_at = Some(at);
            scans.push_back(Scheduled {
                at,
                dt_us: u32::try_from(dt.as_micros()).unwrap_or(u32::MAX),
                timing: ScanTiming::default(),
            });
            next += 1;
        }
    }
    scans
}

impl Terms {
    /// Reads a `.test.toml`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words with the line.
    pub(crate) fn read(text: &str) -> Result<Terms, String> {
        let document = toml_edit::Document::parse(text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| crate::config::line_and_column(text, span.start).0);
            format!(
                "line {line}: not TOML: {}",
                error.message().lines().next().unwrap_or_default()
            )
        })?;
        let mut terms = Terms::default();
        for (key, item) in document.iter() {
            let span = item.span().or_else(|| document.key(key).and_then(toml_edit::Key::span));
            let line = span.map_or(1, |span| crate::config::line_and_column(text, span.start).0);
            let wrong = |expected: &str| format!("line {line}: `{key}`: expected {expected}");
            match key {
                "name" => terms.name = item.as_str().ok_or_else(|| wrong("a text"))?.to_owned(),
                "sha256" => terms.digest = item.as_str().ok_or_else(|| wrong("64 hexadecimal digits"))?.to_owned(),
                "accepted" => drop(item.as_str().ok_or_else(|| wrong("a text"))?),
                "signals" => {
                    let list = item.as_array().ok_or_else(|| wrong("a list of patterns"))?;
                    let texts: Option<Vec<String>> = list.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                    terms.signals = texts.ok_or_else(|| wrong("a list of patterns"))?;
                }
                "slack_scans" => {
                    let scans = item.as_integer().and_then(|scans| u64::try_from(scans).ok());
                    terms.slack.scans = scans.ok_or_else(|| wrong("a whole number from 0"))?;
                }
                "slack_ms" => {
                    let millis = item.as_integer().and_then(|millis| u32::try_from(millis).ok());
                    let millis = millis.ok_or_else(|| wrong("a whole number of milliseconds"))?;
                    terms.slack.time = Duration::from_millis(u64::from(millis));
                }
                "tolerance" => {
                    let table = item
                        .as_table_like()
                        .ok_or_else(|| wrong("a table of patterns and numbers"))?;
                    for (pattern, item) in table.iter() {
                        let number = item.as_float().or_else(|| item.as_integer().map(|whole| whole as f64));
                        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
                        let number = number.ok_or_else(|| wrong("numbers from 0"))?;
                        terms.tolerances.push((pattern.to_owned(), number));
                    }
                }
                _ => {
                    let known = "name, sha256, accepted, signals, slack_scans, slack_ms, tolerance";
                    return Err(format!("line {line}: unknown key `{key}`; expected one of {known}"));
                }
            }
        }
        // A recorder that comes late has the newest value only; without any slack the recording is taken by its word.
        terms.slack.lets_blinks = terms.slack.scans > 0;
        Ok(terms)
    }

    /// As it stands in a `.test.toml`.
    pub(crate) fn to_text(&self, accepted: &str) -> String {
        let mut document = toml_edit::DocumentMut::new();
        document["name"] = toml_edit::value(self.name.as_str());
        document["accepted"] = toml_edit::value(accepted);
        document["sha256"] = toml_edit::value(self.digest.as_str());
        if !self.signals.is_empty() {
            document["signals"] = toml_edit::value(self.signals.iter().collect::<toml_edit::Array>());
        }
        document["slack_scans"] = toml_edit::value(i64::try_from(self.slack.scans).unwrap_or(i64::MAX));
        document["slack_ms"] = toml_edit::value(i64::try_from(self.slack.time.as_millis()).unwrap_or(i64::MAX));
        if !self.tolerances.is_empty() {
            let mut table = toml_edit::Table::new();
            for (pattern, tolerance) in &self.tolerances {
                table[pattern.as_str()] = toml_edit::value(*tolerance);
            }
            document["tolerance"] = toml_edit::Item::Table(table);
        }
        format!(
            "# Made by `crosstie test accept`: what a run of the recording beside this file is compared with.\n\n{document}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_survive_their_file() {
        let terms = Terms {
            name: String::from("morning"),
            digest: String::from("00ff"),
            signals: vec![String::from("plc/**")],
            slack: Slack {
                scans: 1,
                time: Duration::from_millis(20),
                lets_blinks: true,
            },
            tolerances: vec![(String::from("plc/line/N:10"), 0.5)],
        };
        assert_eq!(Terms::read(&terms.to_text("2026-01-01")), Ok(terms));
        let check = |text: &str, words: &str| {
            let error = Terms::read(text).unwrap_err();
            assert!(error.contains(words), "{error}");
        };
        check("name = 1", "line 1: `name`: expected a text");
        check("\nslack_ms = -1", "line 2: `slack_ms`");
        check("tolerance = { a = -1 }", "numbers from 0");
        check("speed = 1", "unknown key `speed`");
        check("x = ", "line 1: not TOML");
    }

    #[test]
    fn what_routes_write_to_a_class_has_a_target_and_what_a_class_says_has_no_master() {
        let tour = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/tour");
        let stage = Stage::load(&tour).unwrap();
        let targets = BTreeMap::from([
            (String::from("sim/write/gate"), Value::Bool(true)),
            (String::from("twin/hmi/Horn"), Value::Bool(false)),
        ]);
        let mut rig = Rig::new(lonely(&stage.settings, &targets));
        let pupils = |count: i64| Replayed {
            name: "sim/watch/pupils_at_gate".into(),
            value: Value::Int(count),
            quality: Quality::Good,
        };
        rig.say(vec![pupils(0)]);
        rig.run_until(Time::from_millis(100));
        // In automatic the line runs, and its drive closes the gate.
        assert_eq!(rig.value("sim/write/gate"), Some(Value::Bool(true)));
        assert_eq!(rig.value("plc/line/Pupil"), Some(Value::Bool(false)));
        rig.say(vec![pupils(2)]);
        rig.run_until(Time::from_millis(200));
        assert_eq!(rig.value("plc/line/Pupil"), Some(Value::Bool(true)));
    }

    #[test]
    fn the_moments_of_scans_follow_from_what_was_heard_of_them() {
        let ms = Time::from_millis;
        let period = Duration::from_millis(10);
        let at = |heard: &[(u64, Time)]| -> Vec<u64> {
            let scans = schedule(heard, period);
            scans.iter().map(|scan| scan.at.as_millis()).collect()
        };
        // Scan 2 was heard of 4 ms late; that does not make it late.
        assert_eq!(at(&[(1, ms(3)), (2, ms(17)), (4, ms(33))]), [3, 13, 23, 33]);
        // Between scans 2 and 5 two were missed: what follows is later, and the next scan gets the time.
        assert_eq!(at(&[(2, ms(13)), (5, ms(63)), (6, ms(73))]), [3, 13, 43, 53, 63, 73]);
        let scans = schedule(&[(2, ms(13)), (5, ms(63))], period);
        let times: Vec<u32> = scans.iter().map(|scan| scan.dt_us).collect();
        assert_eq!(times, [10_000, 10_000, 30_000, 10_000, 10_000]);
        assert!(at(&[]).is_empty());
    }
}
