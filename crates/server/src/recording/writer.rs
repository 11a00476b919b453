//! One recording as it is written: from what the core has handed over to chunks in a file.
//!
//! The writer keeps a mirror of every signal, so that the core hands over what has changed and nothing else, and so that a state of
//! all signals can stand in the file every few seconds: where a seek begins.

use super::format::{CHANNELS, Entered, Gap, SESSION, Session, TOTALS, Totals};
use crate::core_task::{Missing, Sample as TakenSample, Taken};
use crosstie_hub::Time;
use crosstie_hub::signal::{Kind, Quality, Value, Writer as By};
use mcap::records::{MessageHeader, Metadata};
use mcap::{Attachment, McapError, WriteOptions, Writer};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A chunk is closed and handed to the system at this age at the latest: a process that is killed loses no more than this.
pub(crate) const CHUNK_TIME_MAX: Duration = Duration::from_secs(1);

/// A chunk is closed when it holds so many bytes, not yet compressed.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// A message is closed when its samples have so many bytes of text, nearly. The next one is of the same generation.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// Bytes of a sample apart from a text that it holds, nearly.
const SAMPLE_BYTES: usize = 128;

/// How often a state of all signals is written, when something has changed.
const STATE_EVERY: Duration = Duration::from_secs(10);

/// After so many bytes of messages one is written in any case.
const STATE_AFTER_BYTES: u64 = 64 << 20;

/// Signals in one message of a state.
const STATE_SIGNALS: usize = 1_000;

/// Why samples are missing.
const BEHIND: &str = "the recorder was behind";

/// Ids of the channels, in the order of [`CHANNELS`].
const SAMPLES: u16 = 1;
const STATE: u16 = 2;
const INPUTS: u16 = 3;
const GAPS: u16 = 4;

/// A sink that counts what went into it.
#[derive(Debug)]
pub(crate) struct Counted<W> {
    sink: W,
    bytes: Arc<AtomicU64>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.bytes.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

impl<W: Seek> Seek for Counted<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.sink.seek(to)
    }
}

/// A file of the project, for the attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectFile {
    /// Its path in the project folder, with slashes.
    pub(crate) name: String,
    /// What stands in it.
    pub(crate) content: Vec<u8>,
}

/// What the mirror holds of a signal.
#[derive(Debug)]
struct Held {
    name: Box<str>,
    value: Value,
    quality: Quality,
    by: Option<&'static str>,
    scan: Option<u64>,
}

/// A sample as it is written; the same as [`Sample`](super::format::Sample).
#[derive(Serialize)]
struct SampleOut<'a> {
    name: &'a str,
    kind: &'static str,
    value: ValueOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scan: Option<u64>,
}

#[derive(Serialize)]
struct SamplesOut<'a> {
    generation: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_last: bool,
    signals: &'a [SampleOut<'a>],
}

/// A value as it stands in a recording.
struct ValueOut<'a>(&'a Value);

impl Serialize for ValueOut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::Float(value) if value.is_nan() => serializer.serialize_str("NaN"),
            Value::Float(value) if *value > 0.0 => serializer.serialize_str("Infinity"),
            Value::Float(_) => serializer.serialize_str("-Infinity"),
            Value::Text(value) => serializer.serialize_str(value),
        }
    }
}

impl Held {
    fn out(&self) -> SampleOut<'_> {
        SampleOut {
            name: &self.name,
            kind: kind_word(self.value.kind()),
            value: ValueOut(&self.value),
            quality: Some(self.quality.word()).filter(|word| *word != "good"),
            by: self.by,
            scan: self.scan,
        }
    }
}

/// The word of a kind in a recording.
pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "Bool",
        Kind::Int => "Int",
        Kind::Float => "Float",
        Kind::Text => "Text",
    }
}

/// Who wrote a sample, in the words of a recording.
pub(crate) fn by_word(writer: By, name: &str) -> Option<&'static str> {
    match writer {
        By::Peer(_) => Some("peer"),
        By::Operator(_) => Some("operator"),
        By::Route(_) => Some("route"),
        By::Plc(_) => Some("plc"),
        By::Replay => Some("replay"),
        // What GAMA shows the hub writes for it.
        By::Nobody => name.starts_with("sim/").then_some("simulation"),
    }
}

/// How many samples of these values one message holds: at least one, where there is one.
fn fitting<'a>(mut values: impl Iterator<Item = &'a Value>) -> usize {
    let (mut bytes, mut many) = (0, 0);
    let mut fits = |value: &Value| {
        let text = match value {
            Value::Text(text) => text.len(),
            _ => 0,
        };
        bytes += text + SAMPLE_BYTES;
        bytes <= MESSAGE_BYTES_MAX
    };
    while values.next().is_some_and(|value| fits(value) || many == 0) {
        many += 1;
    }
    many
}

/// A recording that is being written.
pub(crate) struct RecordingWriter<W: Write + Seek> {
    out: Writer<Counted<W>>,
    bytes: Arc<AtomicU64>,
    origin_ns: u64,
    begins_ns: u64,
    totals: Totals,
    mirror: Vec<Option<Held>>,
    /// The generation that the mirror shows.
    generation: u64,
    sequence: u32,
    /// Bytes of messages in the chunk that is open, and since when it is.
    chunk: Option<(usize, Instant)>,
    /// When the last state was written, and the bytes of messages since.
    state: (Instant, u64),
    /// Something has changed since.
    is_state_old: bool,
    text: Vec<u8>,
}

impl<W: Write + Seek> std::fmt::Debug for RecordingWriter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordingWriter")
            .field("totals", &self.totals)
            .finish_non_exhaustive()
    }
}

impl<W: Write + Seek> RecordingWriter<W> {
    /// Writes the head of a recording: what it is of, and the files of the project.
    ///
    /// # Errors
    ///
    /// What the sink says.
    pub(crate) fn begin(sink: W, session: &Session, files: &[ProjectFile]) -> Result<RecordingWriter<W>, McapError> {
        let bytes = Arc::new(AtomicU64::new(0));
        let sink = Counted {
            sink,
            bytes: Arc::clone(&bytes),
        };
        let options = WriteOptions::new()
            .profile("crosstie")
            .library(concat!("crosstie ", env!("CARGO_PKG_VERSION")))
            // Chunks are closed by age and size here; each is built in memory and written whole.
            .chunk_size(None)
            .disable_seeking(true)
            .compression_threads(0);
        let mut out = options.create(sink)?;
        out.write_metadata(&Metadata {
            name: SESSION.to_owned(),
            metadata: session.to_fields(),
        })?;
        let log_time = session.origin_ns.saturating_add(session.begins_ns);
        for file in files {
            out.attach(&Attachment {
                log_time,
                create_time: log_time,
                name: format!("{}{}", super::format::PROJECT_FOLDER, file.name),
                media_type: String::from("application/octet-stream"),
                data: Cow::Borrowed(&file.content),
            })?;
        }
        for (topic, name, schema) in CHANNELS {
            let schema = out.add_schema(name, "jsonschema", schema.as_bytes())?;
            out.add_channel(schema, topic, "json", &std::collections::BTreeMap::new())?;
        }
        let now = Instant::now();
        Ok(RecordingWriter {
            out,
            bytes,
            origin_ns: session.origin_ns,
            begins_ns: session.begins_ns,
            totals: Totals {
                ends_ns: session.begins_ns,
                ..Totals::default()
            },
            mirror: Vec::new(),
            generation: 0,
            sequence: 0,
            chunk: Some((0, now)),
            state: (now, 0),
            is_state_old: false,
            text: Vec::new(),
        })
    }

    /// What it holds so far.
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// The hub's time at its begin, in nanoseconds.
    pub(crate) fn begins_ns(&self) -> u64 {
        self.begins_ns
    }

    /// Bytes that went into the sink, and those that wait in the open chunk.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let waiting = self.chunk.map_or(0, |(bytes, _)| bytes as u64);
        (self.bytes.load(Ordering::Relaxed), waiting)
    }

    /// When the open chunk is to be closed; `None` when none is open.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.chunk.map(|(_, since)| since + CHUNK_TIME_MAX)
    }

    /// Takes what the core has handed over.
    ///
    /// # Errors
    ///
    /// What the sink says. Then the recording is to be let go of with [`RecordingWriter::abandon`].
    pub(crate) fn take(&mut self, taken: Taken) -> Result<(), McapError> {
        match taken {
            Taken::Begun { time, generation } => {
                (self.totals.ends_ns, self.generation) = (time.as_nanos(), generation.0);
            }
            Taken::State { time, samples, is_last } => {
                self.samples(STATE, time, &samples, is_last)?;
            }
            Taken::Changes {
                time,
                generation,
                samples,
            } => {
                self.generation = generation.0;
                self.totals.samples += samples.len() as u64;
                self.is_state_old = true;
                self.samples(SAMPLES, time, &samples, false)?;
            }
            Taken::Input {
                time,
                number,
                now,
                input,
            } => {
                let now_ns = now.as_nanos();
                let entered = Entered { number, now_ns, input };
                self.totals.inputs += 1;
                self.message(INPUTS, time, &entered)?;
            }
            Taken::Gap { what, from, to, lost } => {
                let what = match what {
                    Missing::Samples => "samples",
                    Missing::Inputs => "inputs",
                };
                let gap = Gap {
                    what: what.to_owned(),
                    why: BEHIND.to_owned(),
                    from_ns: from.as_nanos(),
                    to_ns: to.as_nanos(),
                    lost,
                };
                self.totals.gaps += 1;
                self.totals.lost += lost;
                self.message(GAPS, to, &gap)?;
            }
        }
        self.tick(Instant::now())
    }

    /// Closes a chunk that is old or full, and writes a state when it is time for one.
    ///
    /// # Errors
    ///
    /// What the sink says.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), McapError> {
        let is_due = |(bytes, since): (usize, Instant)| bytes >= CHUNK_BYTES_MAX || now >= since + CHUNK_TIME_MAX;
        if self.chunk.is_some_and(is_due) {
            self.close_chunk()?;
        }
        let (written_at, bytes) = self.state;
        if self.is_state_old && (now >= written_at + STATE_EVERY || bytes >= STATE_AFTER_BYTES) {
            self.write_state(now)?;
        }
        Ok(())
    }

    /// Ends the recording; gives what it holds, and the sink.
    ///
    /// # Errors
    ///
    /// What the sink says.
    pub(crate) fn finish(mut self, reason: &str) -> Result<(Totals, W), McapError> {
        self.totals.ended = Some(reason.to_owned());
        self.close_chunk()?;
        self.out.finish()?;
        let totals = std::mem::take(&mut self.totals);
        let mut sink = self.out.into_inner().sink;
        sink.flush()?;
        Ok((totals, sink))
    }

    /// Lets go of a recording whose sink takes nothing any more, without another try. Gives what was written before.
    pub(crate) fn abandon(self) -> Totals {
        drop(self.out.into_inner());
        self.totals
    }

    fn samples(&mut self, channel: u16, time: Time, samples: &[TakenSample], is_last: bool) -> Result<(), McapError> {
        for sample in samples {
            self.hold(sample);
        }
        let mut rest = samples;
        loop {
            let (part, others) = rest.split_at(fitting(rest.iter().map(|sample| &sample.value)));
            let is_end = others.is_empty();
            let mirror = std::mem::take(&mut self.mirror);
            let held = part
                .iter()
                .filter_map(|sample| mirror.get(sample.id.0 as usize)?.as_ref());
            let signals: Vec<SampleOut<'_>> = held.map(Held::out).collect();
            let message = SamplesOut {
                generation: self.generation,
                is_last: is_last && is_end,
                signals: &signals,
            };
            let written = self.message(channel, time, &message);
            drop(signals);
            self.mirror = mirror;
            written?;
            rest = others;
            if is_end {
                return Ok(());
            }
        }
    }

    /// Keeps the newest value of a signal.
    fn hold(&mut self, sample: &TakenSample) {
        let index = sample.id.0 as usize;
        if index >= self.mirror.len() {
            self.mirror.resize_with(index + 1, || None);
        }
        let slot = &mut self.mirror[index];
        if let Some(name) = &sample.name {
            self.totals.signals += u64::from(slot.is_none());
            *slot = Some(Held {
                name: name.clone(),
                value: sample.value.clone(),
                quality: sample.quality,
                by: None,
                scan: None,
            });
        }
        // A signal without a name is one that the core has named before.
        if let Some(held) = slot {
            held.value = sample.value.clone();
            held.quality = sample.quality;
            held.by = by_word(sample.writer, &held.name);
            held.scan = sample.scan;
        }
    }

    fn message(&mut self, channel: u16, time: Time, message: &impl Serialize) -> Result<(), McapError> {
        self.text.clear();
        serde_json::to_writer(&mut self.text, message).map_err(io::Error::from)?;
        self.sequence = self.sequence.wrapping_add(1);
        let log_time = self.origin_ns.saturating_add(time.as_nanos());
        self.totals.ends_ns = self.totals.ends_ns.max(time.as_nanos());
        let header = MessageHeader {
            channel_id: channel,
            sequence: self.sequence,
            log_time,
            publish_time: log_time,
        };
        self.out.write_to_known_channel(&header, &self.text)?;
        let chunk = self.chunk.get_or_insert_with(|| (0, Instant::now()));
        chunk.0 += self.text.len();
        self.state.1 += self.text.len() as u64;
        if chunk.0 >= CHUNK_BYTES_MAX {
            self.close_chunk()?;
        }
        Ok(())
    }

    /// Hands everything so far to the system, with what it comes to.
    fn close_chunk(&mut self) -> Result<(), McapError> {
        let totals = serde_json::to_vec(&self.totals).map_err(io::Error::from)?;
        self.out.write_private_record(TOTALS, &totals, Default::default())?;
        self.out.flush()?;
        self.chunk = None;
        Ok(())
    }

    /// Writes every signal as it is now, at the begin of a chunk.
    fn write_state(&mut self, now: Instant) -> Result<(), McapError> {
        if self.chunk.is_some() {
            self.close_chunk()?;
        }
        let time = Time::from_nanos(self.totals.ends_ns);
        let mirror = std::mem::take(&mut self.mirror);
        let held: Vec<&Held> = mirror.iter().flatten().collect();
        let (mut rest, mut written) = (held.as_slice(), Ok(()));
        while !rest.is_empty() && written.is_ok() {
            let many = fitting(rest.iter().take(STATE_SIGNALS).map(|held| &held.value));
            let (part, others) = rest.split_at(many);
            rest = others;
            let signals: Vec<SampleOut<'_>> = part.iter().map(|held| held.out()).collect();
            let message = SamplesOut {
                generation: self.generation,
                is_last: rest.is_empty(),
                signals: &signals,
            };
            written = self.message(STATE, time, &message);
        }
        self.mirror = mirror;
        (self.state, self.is_state_old) = ((now, 0), false);
        written
    }
}

#[cfg(test)]
impl<W: Write + Seek> RecordingWriter<W> {
    /// Closes a chunk and writes a state, as time would have it.
    pub(super) fn close_and_state(&mut self) {
        self.write_state(Instant::now()).expect("the memory of a test takes it");
    }

    /// Closes a chunk, as time would have it.
    pub(super) fn try_close(&mut self) -> Result<(), McapError> {
        self.close_chunk()
    }
}
