//! A recording as it is read: what it is of, its messages in the order of time, and the state of all signals at a moment.
//!
//! Opening walks over the frame of the file once and remembers where the chunks are; messages are read chunk by chunk. A file that
//! was cut (the process was killed, the machine lost power, or the recording still runs) is a recording up to its last whole chunk.

use super::format::{
    CountedInput, CountedSamples, Entered, GAPS, Gap, INPUTS, PROJECT_FOLDER, Parts, SAMPLES, SESSION, STATE, Sample,
    Samples, Session, TOTALS, Totals,
};
use super::records::{self, CHUNK_BYTES_MAX, Cursor, RecordAt, Walk, op};
use super::writer::ProjectFile;
use crosstie_hub::Time;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes at the begin of a chunk that say when its messages are.
const CHUNK_TIMES_LEN: u64 = 16;

/// Bytes at the begin of a message index that say whose it is.
const INDEX_HEAD_LEN: u64 = 6;

/// Bytes of one message of samples or of a state. A larger one is damage: the writer's have 4 MB of text at most, of which a sign may
/// have six bytes in JSON, and the names of at most 4,096 signals, of 1,024 bytes each.
const SAMPLES_BYTES_MAX: usize = 40 << 20;

/// Bytes of an input that is read without looking at what it would become.
const INPUT_BYTES_FREE: usize = 1 << 20;

/// Values within a larger input, all in all. One with more is damage: what a peer has said is one text, however long.
const INPUT_PARTS_MAX: u64 = 1 << 20;

/// Bytes at the begin of an attachment in which its head stands. One with a longer head is none of ours.
const ATTACHMENT_HEAD_MAX: u64 = 4_096;

/// Bytes of the checksum behind an attachment.
const CHECKSUM_LEN: u64 = 4;

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
    /// What the channels are, by their ids.
    topics: BTreeMap<u16, Topic>,
    project: Vec<Attached>,
    /// Chunks that were unpacked.
    #[cfg(test)]
    chunks_read: usize,
}

/// A channel of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Topic {
    Samples,
    State,
    Inputs,
    Gaps,
}

impl Topic {
    /// `None` for a channel that somebody else has put into it.
    fn of(text: &str) -> Option<Topic> {
        match text {
            SAMPLES => Some(Topic::Samples),
            STATE => Some(Topic::State),
            INPUTS => Some(Topic::Inputs),
            GAPS => Some(Topic::Gaps),
            _ => None,
        }
    }
}

/// Where a file of the project is.
#[derive(Clone, Debug)]
struct Attached {
    name: String,
    record: RecordAt,
    /// Where in the record its content begins, and how long that is.
    begins: u64,
    len: u64,
}

/// A chunk that was unpacked, and how far it was read.
#[derive(Debug)]
struct Unpacked {
    /// Where it stands in the file.
    at: u64,
    records: Vec<u8>,
    read: usize,
}

/// A message whose text was not read.
#[derive(Debug)]
struct Unread<'a> {
    /// Where its chunk stands in the file.
    at: u64,
    topic: Topic,
    time: Time,
    text: &'a [u8],
}

impl Recording {
    /// Opens a recording. One that is cut is whole up to its last whole chunk.
    ///
    /// # Errors
    ///
    /// It is no recording, the system refuses it, or its first or last chunk is damaged.
    pub(crate) fn open(path: &Path) -> Result<Recording, OpenError> {
        let read = |source| OpenError::Read {
            path: path.to_owned(),
            source,
        };
        // Whoever opens a pipe waits for somebody who writes into it, and a device may have no end.
        if !path.metadata().map_err(read)?.is_file() {
            return Err(OpenError::NoRecording {
                path: path.to_owned(),
                expected: String::from("a regular file, no folder, pipe or device"),
            });
        }
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
            #[cfg(test)]
            chunks_read: 0,
        };
        let uncounted = recording.walk()?;
        if let Some(chunk) = recording.chunks.first().copied().filter(|_| uncounted > 0) {
            // The channels stand before the first message.
            recording.counted(chunk)?;
        }
        for index in uncounted..recording.chunks.len() {
            let more = recording.counted(recording.chunks[index])?;
            recording.totals.add(&more);
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
    /// The file cannot be read any more, or one of them does not fit its checksum.
    pub(crate) fn project_files(&mut self) -> Result<Vec<ProjectFile>, OpenError> {
        let (mut files, mut bytes) = (Vec::new(), 0);
        for attached in self.project.clone() {
            bytes += attached.len;
            if bytes > PROJECT_BYTES_MAX {
                break;
            }
            let content = self.attached(&attached)?;
            files.push(ProjectFile {
                name: attached.name,
                content,
            });
        }
        Ok(files)
    }

    /// The content of an attachment that fits its checksum.
    fn attached(&mut self, attached: &Attached) -> Result<Vec<u8>, OpenError> {
        let Attached {
            record, begins, len, ..
        } = *attached;
        let ends = begins + len;
        if ends + CHECKSUM_LEN > record.len {
            return Err(self.damaged(record.at, "an attachment as long as its head says"));
        }
        let read = records::read_at(&mut self.file, record.at, ends + CHECKSUM_LEN);
        let mut body = read.map_err(|source| self.read_error(source))?;
        // Bounded by the length of the project's files.
        if !records::fits_checksum(&body, ends as usize) {
            return Err(self.damaged(record.at, format!("a file {} that fits its checksum", attached.name)));
        }
        body.truncate(ends as usize);
        Ok(body.split_off(begins as usize))
    }

    /// The messages from a moment of the hub's time on, in their order, those of that moment included.
    pub(crate) fn messages_from(&mut self, at: Time) -> Messages<'_> {
        let next = self.chunks.partition_point(|chunk| chunk.ends < at);
        Messages {
            recording: self,
            next,
            from: at,
            open: None,
        }
    }

    /// Every signal as it was at a moment of the hub's time: everything up to and with that moment, in the order of the names.
    ///
    /// # Errors
    ///
    /// A chunk is damaged, or the file cannot be read any more.
    pub(crate) fn state_at(&mut self, at: Time) -> Result<Vec<Sample>, OpenError> {
        let mut end = self.chunks.partition_point(|chunk| chunk.begins <= at);
        let mut state = BTreeMap::new();
        // Each chunk is read once, whatever the states in it leave out.
        loop {
            let begin = self.state_before(end);
            let (older, is_complete) = self.state_of(begin..end, at)?;
            for (name, sample) in older {
                // What was said later counts.
                state.entry(name).or_insert(sample);
            }
            if is_complete || begin == 0 {
                return Ok(state.into_values().collect());
            }
            end = begin;
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

    /// What these chunks say up to a moment, and whether a state ends in them.
    fn state_of(&mut self, chunks: Range<usize>, at: Time) -> Result<(BTreeMap<String, Sample>, bool), OpenError> {
        let (mut state, mut is_complete) = (BTreeMap::new(), false);
        for index in chunks {
            let mut open = self.unpacked(self.chunks[index])?;
            while let Some(unread) = self.next_of(&mut open)? {
                if unread.time > at {
                    break;
                }
                let samples = match self.read(&unread)? {
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
                        let head = walk.first(record, ATTACHMENT_HEAD_MAX)?;
                        let inside = records::attachment(&head);
                        let whole =
                            inside.filter(|(_, at, len)| at.checked_add(*len).is_some_and(|end| end <= record.len));
                        let named = whole.and_then(|(name, begins, len)| {
                            let name = name.strip_prefix(PROJECT_FOLDER)?.to_owned();
                            Some(Attached {
                                name,
                                record,
                                begins,
                                len,
                            })
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

    /// What a chunk holds, for totals that do not know it. Nothing of it is kept.
    fn counted(&mut self, chunk: Chunk) -> Result<Totals, OpenError> {
        let mut totals = Totals::default();
        let mut open = self.unpacked(chunk)?;
        while let Some(unread) = self.next_of(&mut open)? {
            totals.ends_ns = totals.ends_ns.max(unread.time.as_nanos());
            match unread.topic {
                Topic::Samples => totals.samples += self.json::<CountedSamples>(&unread)?.count,
                Topic::State => {
                    self.json::<CountedSamples>(&unread)?;
                }
                Topic::Inputs => {
                    self.json::<CountedInput>(&unread)?;
                    totals.inputs += 1;
                }
                Topic::Gaps => {
                    totals.gaps += 1;
                    totals.lost = totals.lost.saturating_add(self.json::<Gap>(&unread)?.lost);
                }
            }
        }
        Ok(totals)
    }

    fn unpacked(&mut self, chunk: Chunk) -> Result<Unpacked, OpenError> {
        let RecordAt { at, len, .. } = chunk.record;
        let body = records::read_at(&mut self.file, at, len).map_err(|source| self.read_error(source))?;
        let records = records::unpack(&body).map_err(|expected| self.damaged(at, expected))?;
        #[cfg(test)]
        {
            self.chunks_read += 1;
        }
        Ok(Unpacked { at, records, read: 0 })
    }

    /// The next message of a chunk; `None` at its end. Channels on the way are learnt.
    fn next_of<'a>(&mut self, open: &'a mut Unpacked) -> Result<Option<Unread<'a>>, OpenError> {
        let Unpacked { at, records, read } = open;
        let at = *at;
        let mut inside = Cursor(&records[*read..]);
        while let Some(record) = records::next_inside(&mut inside) {
            let (op, body) = record.map_err(|expected| self.damaged(at, expected))?;
            *read = records.len() - inside.0.len();
            match op {
                op::CHANNEL => {
                    let (id, topic) = records::channel(body).ok_or_else(|| self.damaged(at, "a whole channel"))?;
                    match Topic::of(topic) {
                        Some(topic) => drop(self.topics.insert(id, topic)),
                        None => drop(self.topics.remove(&id)),
                    }
                }
                op::MESSAGE => {
                    let message = records::message(body).ok_or_else(|| self.damaged(at, "a whole message"))?;
                    let (channel, log_time, text) = message;
                    if let Some(topic) = self.topics.get(&channel).copied() {
                        let time = Time::from_nanos(log_time.saturating_sub(self.session.origin_ns));
                        return Ok(Some(Unread { at, topic, time, text }));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Reads a message, unless it would become more than a recorder writes.
    fn read(&self, unread: &Unread<'_>) -> Result<Message, OpenError> {
        Ok(match unread.topic {
            Topic::Samples => Message::Samples(self.json(unread)?),
            Topic::State => Message::State(self.json(unread)?),
            Topic::Inputs => {
                if unread.text.len() > INPUT_BYTES_FREE && self.json::<Parts>(unread)?.0 > INPUT_PARTS_MAX {
                    return Err(self.damaged(unread.at, format!("an input of at most {INPUT_PARTS_MAX} values")));
                }
                Message::Input(self.json(unread)?)
            }
            Topic::Gaps => Message::Gap(self.json(unread)?),
        })
    }

    fn json<T: DeserializeOwned>(&self, unread: &Unread<'_>) -> Result<T, OpenError> {
        if unread.topic != Topic::Inputs && unread.text.len() > SAMPLES_BYTES_MAX {
            let expected = format!("a message of at most {} MB", SAMPLES_BYTES_MAX >> 20);
            return Err(self.damaged(unread.at, expected));
        }
        serde_json::from_slice(unread.text).map_err(|error| self.damaged(unread.at, error.to_string()))
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
    /// The chunk that is read.
    open: Option<Unpacked>,
}

impl Messages<'_> {
    fn read_on(&mut self) -> Result<Option<(Time, Message)>, OpenError> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(chunk) = self.recording.chunks.get(self.next).copied() else {
                    return Ok(None);
                };
                self.next += 1;
                self.open = Some(self.recording.unpacked(chunk)?);
                continue;
            };
            match self.recording.next_of(open)? {
                Some(unread) if unread.time >= self.from => {
                    return Ok(Some((unread.time, self.recording.read(&unread)?)));
                }
                Some(_) => {}
                None => self.open = None,
            }
        }
    }
}

impl Iterator for Messages<'_> {
    /// The hub's time of a message, and the message. After an error there is nothing more.
    type Item = Result<(Time, Message), OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read_on();
        if read.is_err() {
            (self.next, self.open) = (usize::MAX, None);
        }
        read.transpose()
    }
}

#[cfg(test)]
impl Recording {
    /// How many chunks were unpacked since it was opened.
    pub(super) fn chunks_read(&self) -> usize {
        self.chunks_read
    }
}
