//! A recording as it is read: what it is of, its messages in the order of time, and the state of all signals at a moment.
//!
//! Opening walks over the frame of the file once and remembers where the chunks are; messages are read chunk by chunk. A file that
//! was cut (the process was killed, the machine lost power, or the recording still runs) is a recording up to its last whole chunk.

use super::format::{
    Entered, GAPS, Gap, INPUTS, PROJECT_FOLDER, SAMPLES, SESSION, STATE, Sample, Samples, Session, TOTALS, Totals,
};
use super::records::{self, CHUNK_BYTES_MAX, Cursor, RecordAt, Walk, op};
use super::writer::ProjectFile;
use crosstie_hub::Time;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Bytes at the begin of a chunk that say when its messages are.
const CHUNK_TIMES_LEN: u64 = 16;

/// Bytes at the begin of a message index that say whose it is.
const INDEX_HEAD_LEN: u64 = 6;

/// Bytes of the project's files that are given out. More than a project has.
const PROJECT_BYTES_MAX: u64 = 64 << 20;

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The system refuses it.
    #[error("{} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is something else, or it was cut before it said what it is.
    #[error("{} is no recording: expected {expected}", path.display())]
    NoRecording {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
    },
    /// It is damaged.
    #[error("{} is damaged at byte {at}: expected {expected}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the damaged record begins.
        at: u64,
        /// What was expected.
        expected: String,
    },
}

/// One message of a recording.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    /// Signals that changed.
    Samples(Samples),
    /// A part of a state of all signals: for whoever begins here. Who reads on knows it already.
    State(Samples),
    /// An input.
    Input(Entered),
    /// Something is missing.
    Gap(Gap),
}

/// Where a chunk is.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    record: RecordAt,
    /// Hub time of its first and its last message.
    begins: Time,
    ends: Time,
    /// Messages of states are in it.
    has_state: bool,
}

/// A recording that was opened.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    file: File,
    bytes: u64,
    session: Session,
    totals: Totals,
    is_whole: bool,
    chunks: Vec<Chunk>,
    /// What the channels are called, by their ids.
    topics: BTreeMap<u16, String>,
    /// Where the files of the project are: name, place, length.
    project: Vec<(String, u64, u64)>,
}

impl Recording {
    /// Opens a recording. One that is cut is whole up to its last whole chunk.
    ///
    /// # Errors
    ///
    /// It is no recording, the system refuses it, or its last chunk is damaged.
    pub(crate) fn open(path: &Path) -> Result<Recording, OpenError> {
        let read = |source| OpenError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(read)?;
        let mut recording = Recording {
            path: path.to_owned(),
            bytes: file.metadata().map_err(read)?.len(),
            file,
            session: Session::default(),
            totals: Totals::default(),
            is_whole: false,
            chunks: Vec::new(),
            topics: BTreeMap::new(),
            project: Vec::new(),
        };
        let uncounted = recording.walk()?;
        if let Some(chunk) = recording.chunks.first().copied() {
            // The channels stand before the first message.
            recording.messages_of(chunk)?;
        }
        for index in uncounted..recording.chunks.len() {
            recording.count(index)?;
        }
        Ok(recording)
    }

    /// What it is of.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// What it holds.
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// It was ended and not cut.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Bytes of its file.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The hub's time at its begin.
    pub(crate) fn begins(&self) -> Time {
        Time::from_nanos(self.session.begins_ns)
    }

    /// The hub's time at its end.
    pub(crate) fn ends(&self) -> Time {
        Time::from_nanos(self.totals.ends_ns.max(self.session.begins_ns))
    }

    /// The files of the project as they were at its begin; those beyond 64 MB together are left out.
    ///
    /// # Errors
    ///
    /// The file cannot be read any more.
    pub(crate) fn project_files(&mut self) -> Result<Vec<ProjectFile>, OpenError> {
        let (mut files, mut bytes) = (Vec::new(), 0);
        for (name, at, len) in self.project.clone() {
            bytes += len;
            if bytes > PROJECT_BYTES_MAX {
                break;
            }
            let content = records::read_at(&mut self.file, at, len).map_err(|source| self.read_error(source))?;
            files.push(ProjectFile { name, content });
        }
        Ok(files)
    }

    /// The messages from a moment of the hub's time on, in their order, those of that moment included.
    pub(crate) fn messages_from(&mut self, at: Time) -> Messages<'_> {
        let next = self.chunks.partition_point(|chunk| chunk.ends < at);
        Messages {
            recording: self,
            next,
            from: at,
            waiting: VecDeque::new(),
        }
    }

    /// Every signal as it was at a moment of the hub's time: everything up to and with that moment, in the order of the names.
    ///
    /// # Errors
    ///
    /// A chunk is damaged, or the file cannot be read any more.
    pub(crate) fn state_at(&mut self, at: Time) -> Result<Vec<Sample>, OpenError> {
        let mut chunk = self.chunks.partition_point(|chunk| chunk.begins <= at);
        loop {
            chunk = self.state_before(chunk);
            let (state, is_complete) = self.state_from(chunk, at)?;
            if is_complete || chunk == 0 {
                return Ok(state.into_values().collect());
            }
        }
    }

    /// The chunk, before this one, in which the newest state begins; the first chunk where there is none.
    fn state_before(&self, chunk: usize) -> usize {
        let holds = |chunk: &Chunk| chunk.has_state;
        let last = self.chunks[..chunk].iter().rposition(holds).unwrap_or(0);
        // A state of many signals goes over several chunks.
        let other = self.chunks[..last].iter().rposition(|chunk| !chunk.has_state);
        other.map_or(0, |other| other + 1)
    }

    fn state_from(&mut self, chunk: usize, at: Time) -> Result<(BTreeMap<String, Sample>, bool), OpenError> {
        let (mut state, mut is_complete) = (BTreeMap::new(), false);
        for index in chunk..self.chunks.len() {
            let chunk = self.chunks[index];
            if chunk.begins > at {
                break;
            }
            for (time, message) in self.messages_of(chunk)? {
                let samples = match message {
                    _ if time > at => break,
                    Message::Samples(samples) => samples,
                    Message::State(samples) => {
                        is_complete |= samples.is_last;
                        samples
                    }
                    Message::Input(_) | Message::Gap(_) => continue,
                };
                let named = samples.signals.into_iter().map(|sample| (sample.name.clone(), sample));
                state.extend(named);
            }
        }
        Ok((state, is_complete))
    }

    /// Finds everything out that the frame of the file says. Gives the first chunk that is not among the totals.
    fn walk(&mut self) -> Result<usize, OpenError> {
        let (mut session, mut uncounted, mut ended) = (None, 0, false);
        let mut walked = || -> io::Result<Option<()>> {
            let Some(mut walk) = Walk::begin(&mut self.file)? else {
                return Ok(None);
            };
            while let Some(record) = walk.next()? {
                if record.len > CHUNK_BYTES_MAX && record.op != op::ATTACHMENT {
                    break;
                }
                match record.op {
                    op::METADATA if session.is_none() => {
                        let named = records::metadata(&walk.first(record, record.len)?);
                        session = named.filter(|(name, _)| name == SESSION).map(|(_, fields)| fields);
                    }
                    op::ATTACHMENT => {
                        let head = walk.first(record, 4_096)?;
                        let inside = records::attachment(&head);
                        let whole =
                            inside.filter(|(_, at, len)| at.checked_add(*len).is_some_and(|end| end <= record.len));
                        let named = whole.and_then(|(name, at, len)| {
                            let name = name.strip_prefix(PROJECT_FOLDER)?;
                            Some((name.to_owned(), record.at + at, len))
                        });
                        self.project.extend(named);
                    }
                    op::CHUNK => {
                        let Some(head) = records::chunk_head(&walk.first(record, CHUNK_TIMES_LEN)?) else {
                            break;
                        };
                        self.chunks.push(Chunk {
                            record,
                            begins: Time::from_nanos(head.begins),
                            ends: Time::from_nanos(head.ends),
                            has_state: false,
                        });
                    }
                    op::MESSAGE_INDEX => {
                        let index = records::message_index(&walk.first(record, INDEX_HEAD_LEN)?);
                        if let (Some((channel, true)), Some(chunk)) = (index, self.chunks.last_mut()) {
                            // Which channel that is is known when the first chunk was read; see below.
                            chunk.has_state |= channel == STATE_CHANNEL;
                        }
                    }
                    TOTALS => {
                        if let Ok(totals) = serde_json::from_slice(&walk.first(record, record.len)?) {
                            (self.totals, uncounted) = (totals, self.chunks.len());
                        }
                    }
                    op::DATA_END => {
                        ended = walk.is_closed()?;
                        break;
                    }
                    _ => {}
                }
            }
            Ok(Some(()))
        };
        let walked = walked();
        let no_recording = |expected: &str| OpenError::NoRecording {
            path: self.path.clone(),
            expected: expected.to_owned(),
        };
        match walked {
            Err(source) => return Err(self.read_error(source)),
            Ok(None) => return Err(no_recording("an MCAP file")),
            Ok(Some(())) => {}
        }
        let fields = session
            .ok_or_else(|| no_recording("an MCAP file that Crosstie has recorded, whole at least up to its head"))?;
        let session = Session::from_fields(&fields)
            .map_err(|field| no_recording(&format!("the field `{field}` of its head as this version writes it")))?;
        if session.format != 1 {
            return Err(no_recording("format 1; a newer Crosstie has recorded it"));
        }
        self.is_whole = ended;
        // A chunk without messages says 0, and a damaged one anything: the order of the file counts.
        let (mut begins, mut ends) = (Time::ZERO, Time::ZERO);
        for chunk in &mut self.chunks {
            let hub_time = |log_time: Time| Time::from_nanos(log_time.as_nanos().saturating_sub(session.origin_ns));
            begins = begins.max(hub_time(chunk.begins));
            ends = ends.max(hub_time(chunk.ends)).max(begins);
            (chunk.begins, chunk.ends) = (begins, ends);
        }
        self.totals.ends_ns = self.totals.ends_ns.max(session.begins_ns);
        self.session = session;
        Ok(uncounted)
    }

    /// Adds a chunk to the totals that they do not know.
    fn count(&mut self, index: usize) -> Result<(), OpenError> {
        let messages = self.messages_of(self.chunks[index])?;
        for (time, message) in messages {
            self.totals.ends_ns = self.totals.ends_ns.max(time.as_nanos());
            match message {
                Message::Samples(samples) => self.totals.samples += samples.signals.len() as u64,
                Message::State(_) => {}
                Message::Input(_) => self.totals.inputs += 1,
                Message::Gap(gap) => {
                    self.totals.gaps += 1;
                    self.totals.lost += gap.lost;
                }
            }
        }
        Ok(())
    }

    /// The messages of a chunk.
    fn messages_of(&mut self, chunk: Chunk) -> Result<Vec<(Time, Message)>, OpenError> {
        let RecordAt { at, len, .. } = chunk.record;
        let body = records::read_at(&mut self.file, at, len).map_err(|source| self.read_error(source))?;
        let unpacked = records::unpack(&body).map_err(|expected| self.damaged(at, expected))?;
        drop(body);
        let mut messages = Vec::new();
        let mut inside = Cursor(&unpacked);
        while let Some(record) = records::next_inside(&mut inside) {
            let (op, body) = record.map_err(|expected| self.damaged(at, expected))?;
            match op {
                op::CHANNEL => {
                    let (id, topic) = records::channel(body).ok_or_else(|| self.damaged(at, "a whole channel"))?;
                    self.topics.insert(id, topic.to_owned());
                }
                op::MESSAGE => {
                    let message = records::message(body).ok_or_else(|| self.damaged(at, "a whole message"))?;
                    messages.extend(
                        self.message(message)
                            .map_err(|error| self.damaged(at, error.to_string()))?,
                    );
                }
                _ => {}
            }
        }
        Ok(messages)
    }

    fn message(
        &self,
        (channel, log_time, text): (u16, u64, &[u8]),
    ) -> Result<Option<(Time, Message)>, serde_json::Error> {
        let time = Time::from_nanos(log_time.saturating_sub(self.session.origin_ns));
        let message = match self.topics.get(&channel).map(String::as_str) {
            Some(SAMPLES) => Message::Samples(serde_json::from_slice(text)?),
            Some(STATE) => Message::State(serde_json::from_slice(text)?),
            Some(INPUTS) => Message::Input(serde_json::from_slice(text)?),
            Some(GAPS) => Message::Gap(serde_json::from_slice(text)?),
            // Somebody has put a channel of his own into it.
            _ => return Ok(None),
        };
        Ok(Some((time, message)))
    }

    fn read_error(&self, source: io::Error) -> OpenError {
        OpenError::Read {
            path: self.path.clone(),
            source,
        }
    }

    fn damaged(&self, at: u64, expected: impl Into<String>) -> OpenError {
        OpenError::Damaged {
            path: self.path.clone(),
            at,
            expected: expected.into(),
        }
    }
}

/// The id that the writer gives the channel of states.
const STATE_CHANNEL: u16 = 2;

/// The messages of a recording from a moment on.
#[derive(Debug)]
pub(crate) struct Messages<'a> {
    recording: &'a mut Recording,
    /// The chunk that is read next.
    next: usize,
    from: Time,
    waiting: VecDeque<(Time, Message)>,
}

impl Iterator for Messages<'_> {
    /// The hub's time of a message, and the message. After an error there is nothing more.
    type Item = Result<(Time, Message), OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(Ok(message));
            }
            let chunk = self.recording.chunks.get(self.next).copied()?;
            self.next += 1;
            match self.recording.messages_of(chunk) {
                Ok(messages) => {
                    let from = self.from;
                    self.waiting = messages.into_iter().filter(|(time, _)| *time >= from).collect();
                }
                Err(error) => {
                    self.next = usize::MAX;
                    return Some(Err(error));
                }
            }
        }
    }
}
