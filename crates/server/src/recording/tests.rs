//! Recordings against everything that can happen to them: a recorder that stands still, a disk that is full, a cut at any byte,
//! bytes that are none of ours.

use super::folder;
use super::format::{CHANNELS, Entered, Gap, SESSION, Sample, Samples, Session, Totals};
use super::reader::{Message, OpenError, Recording};
use super::writer::{ProjectFile, RecordingWriter};
use super::{About, Order, RecordError, Recorder, Wish};
use crate::config::RecordConfig;
use crate::config::{self, Overrides};
use crate::core_task::{Door, Event, Ring, Taken, Tap, Taps};
use crosstie_hub::access::Actor;
use crosstie_hub::api::Request;
use crosstie_hub::signal::Value;
use crosstie_hub::{Hub, Input, Ticket, Time};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Cursor, Seek, SeekFrom, Write};
use std::path::Path;

/// The signals of these tests.
const PROJECT: &str = r#"
[[realvirtual]]
name = "line"
port = 0
signal = [
  { name = "Run", type = "Bool", writer = "hub" },
  { name = "Speed", type = "Float", writer = "hub" },
  { name = "Count", type = "Int", writer = "hub" },
  { name = "Label", type = "Text", writer = "hub" },
]
"#;

/// A hub whose taps are read by hand.
struct Bench {
    hub: Hub,
    taps: Taps,
    ring: Ring,
    now: Time,
}

impl Bench {
    fn new(patterns: &[&str], room: usize) -> Bench {
        let loaded = config::load_text(Path::new("."), PROJECT, &Overrides::default());
        let config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let mut hub = Hub::new(config.hub_settings(1));
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let (tap, ring) = Tap::with_room(&patterns, true, room);
        let mut taps = Taps::default();
        taps.begin(&mut hub, tap);
        let now = Time::ZERO;
        Bench { hub, taps, ring, now }
    }

    fn turn(&mut self, input: Input) {
        self.now = self.now + std::time::Duration::from_millis(10);
        self.hub.handle(self.now, input, &mut Vec::new());
        self.taps.turn(&mut self.hub);
    }

    fn write(&mut self, signal: &str, value: Value) {
        let request = Request::Write {
            name: format!("twin/line/{signal}"),
            value,
        };
        let by = Box::new(Actor::full("a test", ""));
        self.turn(Input::Request {
            ticket: Ticket(1),
            by,
            request,
        });
    }

    fn taken(&mut self) -> Vec<Taken> {
        let taken: Vec<Taken> = self.ring.taken().try_iter().collect();
        taken.iter().for_each(|taken| self.ring.took(taken));
        taken
    }

    fn value(&self, signal: &str) -> Value {
        let id = self.hub.find(&format!("twin/line/{signal}")).unwrap();
        self.hub.change(id).value.clone()
    }
}

fn session() -> Session {
    Session {
        format: 1,
        crosstie: String::from("0"),
        project: String::from("line"),
        origin_ns: 1_700_000_000_000_000_000,
        begins_ns: 0,
        from_start: true,
        signals: vec![String::from("**")],
        inputs: true,
        started_ns: Some(1_700_000_000_000_000_000),
    }
}

fn writer() -> RecordingWriter<Cursor<Vec<u8>>> {
    let file = ProjectFile {
        name: String::from("programs/a.ladder"),
        content: b"XIC I:0/0".to_vec(),
    };
    RecordingWriter::begin(Cursor::new(Vec::new()), &session(), &[file]).unwrap()
}

fn open(folder: &tempfile::TempDir, bytes: &[u8]) -> Result<Recording, OpenError> {
    let path = folder.path().join("r.mcap");
    std::fs::write(&path, bytes).unwrap();
    Recording::open(&path)
}

fn messages(recording: &mut Recording) -> Vec<(Time, Message)> {
    recording.messages_from(Time::ZERO).map(Result::unwrap).collect()
}

fn values(state: &[Sample]) -> BTreeMap<&str, &Json> {
    state
        .iter()
        .map(|sample| (sample.name.as_str(), &sample.value))
        .collect()
}

/// A recording of these writes, a chunk after each as many as it says.
fn recorded(writes: &[(u8, i64)], every: usize) -> (Vec<u8>, Bench) {
    let (mut bench, mut writer) = (Bench::new(&[], 1_000), writer());
    for (number, (signal, value)) in writes.iter().enumerate() {
        match signal % 4 {
            0 => bench.write("Run", Value::Bool(value % 2 == 0)),
            1 => bench.write("Speed", Value::Float(*value as f64 / 8.0)),
            2 => bench.write("Count", Value::Int(*value)),
            _ => bench.write("Label", Value::Text(format!("no {value}").into())),
        }
        for taken in bench.taken() {
            writer.take(taken).unwrap();
        }
        if number % every == 0 {
            writer.close_and_state();
        }
    }
    (writer.finish("stopped").unwrap().1.into_inner(), bench)
}

#[test]
fn what_is_written_is_read_with_everything_around_it() {
    let (mut bench, mut writer) = (Bench::new(&["twin/**"], 1_000), writer());
    bench.write("Run", Value::Bool(true));
    bench.taps.input(bench.now, bench.now, json!({"tick": null}));
    bench.write("Speed", Value::Float(2.5));
    for taken in bench.taken() {
        writer.take(taken).unwrap();
    }
    let (totals, out) = writer.finish("stopped by a test").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut recording = open(&folder, &out.into_inner()).unwrap();
    assert_eq!(recording.session(), &session());
    assert!(recording.is_whole());
    assert_eq!(recording.totals(), &totals);
    assert_eq!((totals.signals, totals.samples, totals.inputs), (4, 2, 1));
    assert_eq!(totals.ended.as_deref(), Some("stopped by a test"));
    assert_eq!(recording.ends(), bench.now);
    let project = recording.project_files().unwrap();
    assert_eq!(project[0].name, "programs/a.ladder");
    assert_eq!(project[0].content, b"XIC I:0/0");
    let all = messages(&mut recording);
    let is = |check: fn(&Message) -> bool| all.iter().filter(|(_, message)| check(message)).count();
    assert_eq!(is(|message| matches!(message, Message::State(_))), 1);
    assert_eq!(is(|message| matches!(message, Message::Samples(_))), 2);
    assert_eq!(is(|message| matches!(message, Message::Input(_))), 1);
    let Message::Samples(run) = &all[1].1 else {
        panic!("{:?}", all[1])
    };
    let sample = &run.signals[0];
    assert_eq!((sample.name.as_str(), &sample.value), ("twin/line/Run", &json!(true)));
    assert_eq!((sample.kind.as_str(), sample.by.as_deref()), ("Bool", Some("operator")));
    let before = recording.state_at(Time::from_millis(19)).unwrap();
    assert_eq!(values(&before)["twin/line/Speed"], &json!(0.0));
    assert_eq!(values(&before)["twin/line/Run"], &json!(true));
    let after = recording.state_at(bench.now).unwrap();
    assert_eq!(values(&after)["twin/line/Speed"], &json!(2.5));
    assert!(
        values(&after).keys().all(|name| name.starts_with("twin/")),
        "patterns count"
    );
}

#[test]
fn a_recorder_that_stands_still_costs_a_gap_and_the_newest_values_come() {
    let mut bench = Bench::new(&["twin/**"], 16);
    for number in 0..10_000 {
        bench.taps.input(bench.now, bench.now, json!(number));
        bench.write("Count", Value::Int(number));
    }
    assert!(bench.ring.taken().len() <= 16);
    assert!(
        bench.taps.wants_turn_in().is_some(),
        "the rest comes although nothing happens"
    );
    let before = bench.taken();
    let last = |taken: &[Taken]| {
        let mut samples = taken.iter().filter_map(|taken| match taken {
            Taken::Changes { samples, .. } => samples.last(),
            _ => None,
        });
        samples.next_back().map(|sample| sample.value.clone())
    };
    assert_ne!(last(&before), Some(bench.value("Count")));
    bench.taps.turn(&mut bench.hub);
    let after = bench.taken();
    assert_eq!(last(&after), Some(Value::Int(9_999)));
    let mut lost = BTreeMap::new();
    for taken in &after {
        if let Taken::Gap { what, lost: many, .. } = taken {
            lost.insert(format!("{what:?}"), *many);
        }
    }
    assert!(lost["Samples"] > 9_900, "{lost:?}");
    assert!(lost["Inputs"] > 9_900, "{lost:?}");
    assert_eq!(bench.taps.wants_turn_in(), None);
}

#[test]
fn without_a_recording_nothing_is_kept() {
    let mut bench = Bench::new(&[], 16);
    bench.taps.end(&mut bench.hub);
    bench.taken();
    bench.write("Run", Value::Bool(true));
    assert!(!bench.taps.wants_inputs());
    assert_eq!(bench.taps.wants_turn_in(), None);
    assert_eq!(bench.taken().len(), 0);
    assert!(
        bench.ring.taken().try_recv().unwrap_err().is_disconnected(),
        "the end is told"
    );
}

#[test]
fn every_cut_gives_the_recording_up_to_its_last_whole_chunk() {
    let writes: Vec<(u8, i64)> = (0..24).map(|number| (number as u8, number * 3 % 7)).collect();
    let (bytes, _) = recorded(&writes, 5);
    let folder = tempfile::tempdir().unwrap();
    let whole = messages(&mut open(&folder, &bytes).unwrap());
    std::fs::remove_file(folder.path().join("r.mcap")).unwrap();
    let (mut opened, mut seen) = (0, 0);
    let path = folder.path().join("r.mcap");
    let mut known = Totals::default();
    for cut in 0..bytes.len() {
        // The same file becomes longer, byte by byte.
        std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&path)
            .unwrap()
            .write_all(&bytes[cut..=cut])
            .unwrap();
        let mut recording = match Recording::open(&path) {
            Ok(recording) => recording,
            Err(error) => {
                assert!(matches!(error, OpenError::NoRecording { .. }), "at {cut}: {error}");
                assert_eq!(opened, 0, "at {cut}: {error}");
                continue;
            }
        };
        opened += 1;
        assert_eq!(recording.is_whole(), cut + 1 == bytes.len(), "at {cut}");
        // Only where it has become more, and now and then between, everything is read again.
        if *recording.totals() == known && cut % 61 != 0 {
            continue;
        }
        known = recording.totals().clone();
        let found = messages(&mut recording);
        assert!(found.len() >= seen, "at {cut}");
        assert_eq!(found, whole[..found.len()], "at {cut}");
        let samples: usize = found.iter().map(|(_, message)| count_of(message)).sum();
        assert_eq!(known.samples as usize, samples, "at {cut}");
        let ends = recording.ends();
        assert_eq!(
            recording.state_at(ends).unwrap(),
            by_hand(&found),
            "at {cut}: a state is what stands before it"
        );
        seen = found.len();
    }
    assert_eq!(seen, whole.len());
    assert!(opened > bytes.len() / 2);
}

fn count_of(message: &Message) -> usize {
    match message {
        Message::Samples(samples) => samples.signals.len(),
        _ => 0,
    }
}

/// The state after these messages.
fn by_hand(messages: &[(Time, Message)]) -> Vec<Sample> {
    let mut state = BTreeMap::new();
    for (_, message) in messages {
        if let Message::Samples(samples) | Message::State(samples) = message {
            let named = samples
                .signals
                .iter()
                .map(|sample| (sample.name.clone(), sample.clone()));
            state.extend(named);
        }
    }
    state.into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_seek_restores_every_signal_of_that_time(
        writes in proptest::collection::vec((any::<u8>(), -50_i64..50), 1..60),
        every in 1_usize..9,
        at in 0_u64..700,
    ) {
        let (bytes, bench) = recorded(&writes, every);
        let folder = tempfile::tempdir().unwrap();
        let mut recording = open(&folder, &bytes).unwrap();
        let at = Time::from_millis(at);
        let all = messages(&mut recording);
        let before: Vec<_> = all.into_iter().filter(|(time, _)| *time <= at).collect();
        prop_assert_eq!(recording.state_at(at).unwrap(), by_hand(&before));
        let end = recording.ends();
        let state = recording.state_at(end).unwrap();
        prop_assert_eq!(values(&state)["twin/line/Count"], &match bench.value("Count") {
            Value::Int(count) => json!(count),
            other => panic!("{other:?}"),
        });
    }

    #[test]
    fn bytes_that_are_none_of_ours_are_refused_and_nothing_breaks(
        writes in proptest::collection::vec((any::<u8>(), -50_i64..50), 1..20),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (mut bytes, _) = recorded(&writes, 3);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        let folder = tempfile::tempdir().unwrap();
        if let Ok(mut recording) = open(&folder, &bytes) {
            let _ = recording.messages_from(Time::ZERO).count();
            let _ = recording.state_at(recording.ends());
            let _ = recording.project_files();
        }
    }
}

#[test]
fn a_damaged_chunk_says_where_it_is() {
    let (mut bytes, _) = recorded(&[(0, 1), (1, 2), (2, 3), (2, 4)], 1);
    let places: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, four)| *four == b"zstd")
        .map(|(at, _)| at)
        .collect();
    // The second chunk; the summary at the end names its packing, too.
    let at = places[1] + 30;
    bytes[at] ^= 0x55;
    let folder = tempfile::tempdir().unwrap();
    let mut recording = open(&folder, &bytes).unwrap();
    let error = recording.messages_from(Time::ZERO).find_map(Result::err).unwrap();
    let OpenError::Damaged { at: said, .. } = &error else {
        panic!("{error}")
    };
    assert!((*said as usize) < at && *said as usize > places[0], "{error}");
    assert!(error.to_string().contains("expected a chunk that"), "{error}");
}

/// A disk with so much room.
struct Disk {
    inner: Cursor<Vec<u8>>,
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.inner.get_ref().len() + bytes.len() > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[test]
fn a_full_disk_is_an_error_and_no_panic() {
    let mut refused = 0;
    for room in (0..30_000).step_by(97) {
        let disk = Disk {
            inner: Cursor::new(Vec::new()),
            room,
        };
        let mut writer = match RecordingWriter::begin(disk, &session(), &[]) {
            Ok(writer) => writer,
            Err(_) => {
                refused += 1;
                continue;
            }
        };
        let mut bench = Bench::new(&[], 1_000);
        let mut is_full = false;
        for number in 0..400 {
            bench.write("Label", Value::Text(format!("{number}").repeat(50).into()));
            let taken = bench.taken();
            is_full = is_full || taken.into_iter().any(|taken| writer.take(taken).is_err());
            is_full = is_full || (number % 20 == 0 && writer.try_close().is_err());
            if is_full {
                break;
            }
        }
        match is_full {
            true => drop(writer.abandon()),
            false => drop(writer.finish("stopped")),
        }
        refused += usize::from(is_full);
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn the_schemas_say_what_the_messages_are() {
    let sample = Sample {
        name: String::from("plc/line/O:0/1"),
        kind: String::from("Bool"),
        value: json!(true),
        quality: Some(String::from("stale")),
        by: Some(String::from("plc")),
        scan: Some(3),
    };
    let samples = Samples {
        generation: 1,
        is_last: true,
        signals: vec![sample.clone()],
    };
    let input = Entered {
        number: 1,
        now_ns: 2,
        input: json!({}),
    };
    let gap = Gap {
        what: String::from("samples"),
        why: String::from("the recorder was behind"),
        from_ns: 1,
        to_ns: 2,
        lost: 3,
    };
    let full = [json!(samples), json!(samples), json!(input), json!(gap)];
    for ((topic, name, schema), message) in CHANNELS.into_iter().zip(full) {
        let schema: Json = serde_json::from_str(schema).unwrap();
        check_schema(topic, &schema, &message);
        assert!(name.starts_with("crosstie."));
    }
    let schema: Json = serde_json::from_str(CHANNELS[0].2).unwrap();
    check_schema("a sample", &schema["properties"]["signals"]["items"], &json!(sample));
    let least = json!({"generation": 1, "signals": [{"name": "a", "kind": "Int", "value": 1}]});
    let least: Samples = serde_json::from_value(least).unwrap();
    assert_eq!(
        json!(least).as_object().unwrap().keys().collect::<Vec<_>>(),
        ["generation", "signals"]
    );
}

/// The properties of a schema are the fields of a message in which nothing is left out.
#[track_caller]
fn check_schema(what: &str, schema: &Json, message: &Json) {
    let fields: Vec<&String> = message.as_object().unwrap().keys().collect();
    let mut properties: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let mut expected = fields.clone();
    properties.sort_unstable();
    expected.sort_unstable();
    assert_eq!(properties, expected, "{what}");
    assert_eq!(schema["additionalProperties"], json!(false), "{what}");
    for required in schema["required"].as_array().unwrap() {
        assert!(fields.iter().any(|field| *field == required), "{what}: {required}");
    }
}

#[test]
fn the_head_and_the_totals_come_back_as_they_were() {
    let mut fields = session().to_fields();
    assert_eq!(Session::from_fields(&fields), Ok(session()));
    fields.remove("origin_ns");
    assert_eq!(Session::from_fields(&fields), Err("origin_ns"));
    let mut fields = session().to_fields();
    fields.remove("started_ns");
    let older = Session::from_fields(&fields).unwrap();
    assert_eq!(older.started_ns, None, "an older Crosstie does not say it");
    let totals = Totals {
        ended: Some(String::from("stopped")),
        ..Totals::default()
    };
    let text = serde_json::to_string(&totals).unwrap();
    assert_eq!(serde_json::from_str::<Totals>(&text).unwrap(), totals);
}

#[test]
fn names_are_no_paths() {
    for name in ["shift-2", "2026-03-01T09-30-00Z", "Übung 3", "a.b_c", "shift-2.mcap"] {
        assert!(folder::checked_name(name).is_ok(), "{name}");
    }
    let long = "x".repeat(101);
    for name in [
        "", ".", "..", "../a", "a/b", "a\\b", ".hidden", "a ", "-rf", "a\nb", "a:b", ".mcap", &long,
    ] {
        assert!(folder::checked_name(name).is_err(), "{name}");
    }
}

/// A recorder over a folder, whose orders the core does not see.
fn recorder(folder: &Path) -> (Recorder, Door, std::thread::JoinHandle<()>) {
    let about = About {
        project: String::from("line"),
        project_folder: folder.to_owned(),
        files: Vec::new(),
        origin_ns: 0,
        config: RecordConfig {
            folder: folder.join("recordings"),
            ..RecordConfig::default()
        },
    };
    let door = Door::new();
    let (recorder, _, thread) = Recorder::start(about, door.clone(), None).unwrap();
    (recorder, door, thread)
}

/// What people are told by these events: the ids of the problems and their texts.
fn reports_of(events: VecDeque<Event>) -> Vec<(String, String)> {
    let report = |event| match event {
        Event::Request {
            request: Request::Report(report),
            ..
        } => Some((report.id, report.text)),
        _ => None,
    };
    events.into_iter().filter_map(report).collect()
}

#[test]
fn a_recorder_that_falls_is_a_problem_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, door, thread) = recorder(folder.path());
    recorder.order(Order::Fall).unwrap();
    thread.join().expect("the fault stays in the thread");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = runtime.block_on(recorder.begin(Wish::default(), String::from("a test")));
    let Err(RecordError::Fallen(text)) = refused else {
        panic!("{refused:?}")
    };
    assert!(text.contains("by a fault of its own"), "{text}");
    let mut events = VecDeque::new();
    door.take(None, &mut events);
    assert_eq!(reports_of(events), [(String::from("record"), text)]);
    assert!(recorder.active().is_none());
}

#[test]
fn a_recording_whose_folder_is_removed_ends_and_people_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (recorder, door, thread) = recorder(folder.path());
    let mut bench = Bench::new(&[], 16);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime
                .block_on(recorder.begin(Wish::default(), String::from("a test")))
                .unwrap();
        });
        let mut events = VecDeque::new();
        door.take(None, &mut events);
        let Some(Event::Tap(tap)) = events.pop_front() else {
            panic!("{events:?}")
        };
        bench.taps.begin(&mut bench.hub, *tap);
    });
    std::fs::remove_dir_all(folder.path().join("recordings")).unwrap();
    let mut reports = Vec::new();
    while reports.is_empty() {
        let mut events = VecDeque::new();
        door.take(None, &mut events);
        reports = reports_of(events);
    }
    let (id, text) = &reports[0];
    assert_eq!(id, "record");
    assert!(text.contains("removed or moved away"), "{text}");
    assert!(recorder.active().is_none());
    drop(recorder);
    thread.join().unwrap();
}

/// A file of these messages in a chunk each: the index of a channel, the hub's time in nanoseconds, and the text. Without totals, as
/// a tool of somebody else writes it.
fn crafted(chunks: &[(usize, u64, String)]) -> Vec<u8> {
    let mut out = mcap::WriteOptions::new()
        .profile("crosstie")
        .create(Cursor::new(Vec::new()))
        .unwrap();
    let head = mcap::records::Metadata {
        name: SESSION.to_owned(),
        metadata: session().to_fields(),
    };
    out.write_metadata(&head).unwrap();
    for (topic, name, schema) in CHANNELS {
        let schema = out.add_schema(name, "jsonschema", schema.as_bytes()).unwrap();
        out.add_channel(schema, topic, "json", &BTreeMap::new()).unwrap();
    }
    for (channel, time, text) in chunks {
        let log_time = session().origin_ns + time;
        let header = mcap::records::MessageHeader {
            channel_id: u16::try_from(channel + 1).unwrap(),
            sequence: 0,
            log_time,
            publish_time: log_time,
        };
        out.write_to_known_channel(&header, text.as_bytes()).unwrap();
        out.flush().unwrap();
    }
    out.finish().unwrap();
    out.into_inner().into_inner()
}

fn sample_of(name: &str, value: &str) -> String {
    format!(r#"{{"name":"{name}","kind":"Int","value":{value}}}"#)
}

#[test]
fn a_value_is_a_bool_a_number_or_a_text_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let many = format!("[{}1]", "1,".repeat(1 << 20));
    for value in [many.as_str(), "{}", "null"] {
        let text = format!(r#"{{"generation":1,"signals":[{}]}}"#, sample_of("a", value));
        let error = open(&folder, &crafted(&[(0, 1, text)])).unwrap_err().to_string();
        assert!(error.contains("a bool, a number or a text"), "{error}");
    }
    let text = format!(
        r#"{{"generation":1,"signals":[{},{}]}}"#,
        sample_of("a", "true"),
        sample_of("b", r#""\u00e9""#)
    );
    let input = String::from(r#"{"number":1,"now_ns":0,"input":{"a":[1,null,"x"]}}"#);
    let mut recording = open(&folder, &crafted(&[(0, 1, text), (2, 5, input)])).unwrap();
    let totals = recording.totals().clone();
    assert_eq!(
        (totals.samples, totals.inputs, totals.ends_ns),
        (2, 1, 5),
        "they are counted"
    );
    let state = recording.state_at(Time::from_nanos(9)).unwrap();
    assert_eq!(values(&state)["b"], &json!("é"));
}

#[test]
fn an_input_of_very_many_values_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let input = format!(r#"{{"number":1,"now_ns":0,"input":[{}1]}}"#, "1,".repeat(1 << 20));
    let mut recording = open(&folder, &crafted(&[(2, 1, input)])).unwrap();
    let read: Vec<_> = recording.messages_from(Time::ZERO).collect();
    assert_eq!(read.len(), 1);
    let error = read[0].as_ref().unwrap_err().to_string();
    assert!(error.contains("an input of at most 1048576 values"), "{error}");
}

#[test]
fn a_file_of_the_project_that_does_not_fit_its_checksum_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bytes, _) = recorded(&[(0, 1)], 1);
    let content = b"XIC I:0/0";
    let at = bytes.windows(content.len()).position(|part| part == content).unwrap();
    bytes[at] ^= 1;
    let error = open(&folder, &bytes).unwrap().project_files().unwrap_err().to_string();
    assert!(
        error.contains("is damaged") && error.contains("programs/a.ladder"),
        "{error}"
    );
    // A tool that gives none writes 0.
    bytes[at + content.len()..][..4].fill(0);
    let files = open(&folder, &bytes).unwrap().project_files().unwrap();
    assert_eq!(files[0].content, b"YIC I:0/0");
}

#[test]
fn a_state_reads_every_chunk_once_whatever_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let chunk = |number: u64| {
        let signal = sample_of(&format!("s{}", number % 7), &number.to_string());
        let text = format!(r#"{{"generation":{number},"signals":[{signal}]}}"#);
        // States that never end.
        (usize::from(number.is_multiple_of(2)), number, text)
    };
    let chunks: Vec<_> = (1..=300).map(chunk).collect();
    let mut recording = open(&folder, &crafted(&chunks)).unwrap();
    let all = messages(&mut recording);
    let before = recording.chunks_read();
    let state = recording.state_at(Time::from_nanos(1_000)).unwrap();
    assert_eq!(recording.chunks_read() - before, 300);
    assert_eq!(state, by_hand(&all));
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    for path in [Path::new("/dev/zero"), folder.path()] {
        let error = Recording::open(path).unwrap_err().to_string();
        assert!(error.contains("expected a regular file"), "{error}");
    }
}
