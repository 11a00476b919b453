use super::*;
use crosstie_hub::settings::{EndpointSettings, Owner, Settings as HubSettings, SignalSetting};
use crosstie_hub::signal::{Kind, Value};
use crosstie_hub::{Hub, Input, Time};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

const DAY: Duration = Duration::from_secs(86_400);
/// A moment of the world in microseconds, a whole minute.
const BEGIN: i64 = 1_800_000_000 * 1_000_000;

fn wanted(signals: &[&str]) -> Settings {
    Settings {
        signals: signals.iter().map(ToString::to_string).collect(),
        raw: 36_500 * DAY,
        seconds: 36_500 * DAY,
        minutes: 36_500 * DAY,
        bytes_max: u64::MAX,
        rows_per_second_max: 1_000,
    }
}

fn hub() -> Hub {
    let signal = |name: &str, kind| SignalSetting {
        wire_name: name.to_owned(),
        signal: format!("twin/line/{name}"),
        kind,
        owner: Owner::Hub,
        value: None,
        convention: None,
        neutral: false,
    };
    let mut endpoint = EndpointSettings::named("line");
    endpoint.signals = vec![
        signal("Speed", Kind::Float),
        signal("Count", Kind::Int),
        signal("State", Kind::Text),
        signal("Other", Kind::Bool),
    ];
    Hub::new(HubSettings {
        endpoints: vec![endpoint],
        ..HubSettings::default()
    })
}

fn write(hub: &mut Hub, name: &str, value: Value) {
    let request = crosstie_hub::api::Request::Write {
        name: format!("twin/line/{name}"),
        value,
    };
    let input = Input::Request {
        ticket: crosstie_hub::Ticket(0),
        by: Box::new(crosstie_hub::access::Actor::full("test", "test")),
        request,
    };
    hub.handle(Time::ZERO, input, &mut Vec::new());
}

/// Keeps what `act` does to a hub, and ends the historian.
fn keep(folder: &Path, settings: Settings, act: impl FnOnce(&mut Hub, &mut Intake)) -> Historian {
    let (historian, mut intake, thread) = Historian::start(folder, settings).unwrap();
    let mut hub = hub();
    act(&mut hub, &mut intake);
    drop(intake);
    thread.join().unwrap();
    historian
}

fn ask(folder: &Path, signal: &str, (from_s, to_s): (i64, i64), points: usize) -> query::Answer {
    let wanted = Wanted {
        signal: format!("twin/line/{signal}"),
        from_ms: BEGIN / 1_000 + from_s * 1_000,
        to_ms: BEGIN / 1_000 + to_s * 1_000,
        points,
    };
    query(folder, &wanted).unwrap()
}

fn values(answer: &query::Answer) -> Vec<(i64, serde_json::Value)> {
    let sample = |point: &Point| match point {
        Point::Sample { at_ms, value, .. } => (*at_ms - BEGIN / 1_000, value.clone()),
        Point::Part { .. } => panic!("expected samples, got {point:?}"),
    };
    answer.points.iter().map(sample).collect()
}

#[test]
fn every_change_of_a_listed_signal_is_kept_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let historian = keep(
        folder.path(),
        wanted(&["twin/*/Speed", "twin/line/State"]),
        |hub, intake| {
            intake.after_turn(hub, BEGIN);
            write(hub, "Speed", Value::Float(1.5));
            write(hub, "Other", Value::Bool(true));
            intake.after_turn(hub, BEGIN + 10_000);
            write(hub, "State", Value::Text("it's \"on\"".into()));
            intake.after_turn(hub, BEGIN + 20_000);
            intake.after_turn(hub, BEGIN + 30_000);
        },
    );
    let speed = ask(folder.path(), "Speed", (0, 1), 10);
    assert_eq!(values(&speed), [(0, 0.0.into()), (10, 1.5.into())]);
    assert_eq!(speed.resolution, "raw");
    let state = ask(folder.path(), "State", (0, 1), 10);
    assert_eq!(values(&state), [(0, "".into()), (20, "it's \"on\"".into())]);
    assert_eq!(ask(folder.path(), "Other", (0, 1), 10).points, []);
    let state = historian.state().unwrap();
    assert_eq!((state.rows, state.written, state.dropped, state.signals), (4, 4, 0, 2));
    assert_eq!(state.oldest_ms, Some(BEGIN / 1_000));
}

#[test]
fn what_held_before_the_begin_is_told() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), wanted(&["**"]), |hub, intake| {
        write(hub, "Count", Value::Int(7));
        intake.after_turn(hub, BEGIN);
    });
    let later = ask(folder.path(), "Count", (60, 120), 10);
    assert_eq!(later.points, []);
    assert_eq!(later.before, Some((BEGIN / 1_000, 7.into())));
}

#[test]
fn beyond_the_cap_samples_are_counted_and_the_newest_value_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        rows_per_second_max: 10,
        ..wanted(&["twin/line/Count"])
    };
    let historian = keep(folder.path(), settings, |hub, intake| {
        for count in 1..=100 {
            write(hub, "Count", Value::Int(count));
            intake.after_turn(hub, BEGIN + count * 1_000);
        }
        // The next second, in which nothing changes.
        intake.after_turn(hub, BEGIN + 1_000_000);
    });
    let found = values(&ask(folder.path(), "Count", (0, 2), 1_000));
    assert_eq!(found.len(), 11, "{found:?}");
    assert_eq!(found.last(), Some(&(1_000, 100.into())));
    let state = historian.state().unwrap();
    assert_eq!(state.written, 11);
    assert_eq!(state.dropped, 90, "each of the 90 that found the second full");
}

#[test]
fn many_samples_become_parts_with_smallest_mean_and_largest() {
    let folder = tempfile::tempdir().unwrap();
    keep(folder.path(), wanted(&["twin/line/Speed"]), |hub, intake| {
        // A value a tenth of a second for two minutes: 0, 1, … 9 in every second.
        for step in 0..1_200_i64 {
            write(hub, "Speed", Value::Float((step % 10) as f64));
            intake.after_turn(hub, BEGIN + step * 100_000);
        }
    });
    let seconds = ask(folder.path(), "Speed", (0, 119), 120);
    assert_eq!(seconds.resolution, "second");
    assert_eq!(seconds.points.len(), 120);
    let Point::Part {
        at_ms,
        min,
        avg,
        max,
        count,
    } = seconds.points[3].clone()
    else {
        panic!("{:?}", seconds.points[3])
    };
    assert_eq!((at_ms - BEGIN / 1_000, min, max, count), (3_000, 0.0, 9.0, 10));
    assert!((avg - 4.5).abs() < 1e-6, "{avg}");
    let minutes = ask(folder.path(), "Speed", (0, 119), 2);
    assert_eq!(minutes.points.len(), 2, "{:?}", minutes.points);
    for point in &minutes.points {
        let Point::Part { min, avg, max, .. } = point else {
            panic!("{point:?}")
        };
        assert_eq!((*min, *max), (0.0, 9.0));
        assert!((avg - 4.5).abs() < 0.05, "{avg}");
    }
}

#[test]
fn what_is_too_old_goes_and_what_is_too_much_goes_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let fill = |settings: Settings| {
        keep(folder.path(), settings, |hub, intake| {
            for step in 0..3_000_i64 {
                write(hub, "Count", Value::Int(step));
                intake.after_turn(hub, BEGIN + step * 1_000_000);
            }
        })
    };
    fill(wanted(&["twin/line/Count"]));
    assert_eq!(values(&ask(folder.path(), "Count", (0, 10), 20)).len(), 11);
    // Years have gone since, so samples of that time go and the minutes stay.
    let database = database::Database::open(folder.path()).unwrap();
    let before_us = BEGIN + 1_000 * 1_000_000;
    assert_eq!(database.clean(before_us, [0, 0]).unwrap(), (1_000, false));
    assert_eq!(database.rows().unwrap(), 2_000);
    let old = ask(folder.path(), "Count", (0, 600), 10);
    assert_eq!(old.resolution, "minute", "the roll-ups reach further back");
    assert!(!old.points.is_empty());
    assert_eq!(database.shed().unwrap(), Some(2_000));
    assert_eq!(database.shed().unwrap(), Some(0), "then the roll-ups");
    while database.shed().unwrap().is_some() {}
    assert_eq!(database.rows().unwrap(), 0);
}

#[test]
fn a_file_that_is_only_begun_holds_nothing_yet() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(database::HISTORY_FILE), "").unwrap();
    let answer = database::reader(folder.path());
    assert!(matches!(answer, Err(HistoryError::None)), "{answer:?}");
    drop(database::Database::open(folder.path()).unwrap());
    assert!(database::reader(folder.path()).is_ok());
}

#[test]
fn a_file_that_cannot_be_opened_costs_samples_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join(database::HISTORY_FILE),
        "this is no database at all, whatever its name says",
    )
    .unwrap();
    let (historian, mut intake, thread) = Historian::start(folder.path(), wanted(&["**"])).unwrap();
    let mut hub = hub();
    write(&mut hub, "Count", Value::Int(1));
    intake.after_turn(&hub, BEGIN);
    drop(intake);
    thread.join().unwrap();
    assert!(historian.state().is_err(), "it is said");
}

fn worker(folder: &Path) -> (writer::Worker, Arc<intake::Counters>) {
    let counters = Arc::new(intake::Counters::default());
    let settings = Arc::new(wanted(&["**"]));
    let worker = writer::Worker::new(folder.to_owned(), settings, Arc::clone(&counters));
    (worker, counters)
}

/// A sample so many seconds after the begin; with its name, as the first one has it.
fn row(signal: u32, at_s: i64, value: i64) -> Row {
    let names = ["twin/line/Speed", "twin/line/Count"];
    Row {
        signal: crosstie_hub::signal::SignalId(signal),
        name: Some(names[signal as usize].into()),
        at_us: BEGIN + at_s * 1_000_000,
        value: Value::Int(value),
        quality: "good",
    }
}

#[test]
fn a_file_that_is_removed_is_made_anew_with_the_newest_of_every_signal() {
    let folder = tempfile::tempdir().unwrap();
    let (mut worker, counters) = worker(folder.path());
    worker.write(vec![row(0, 0, 1), row(1, 0, 2), row(0, 1, 3)]);
    std::fs::remove_file(folder.path().join(database::HISTORY_FILE)).unwrap();
    worker.write(vec![row(1, 2, 4)]);
    assert_eq!(values(&ask(folder.path(), "Speed", (0, 9), 10)), [(1_000, 3.into())]);
    let count = values(&ask(folder.path(), "Count", (0, 9), 10));
    assert_eq!(count, [(0, 2.into()), (2_000, 4.into())]);
    // One that is moved into its place is gone on with, whatever the numbers of signals in it are.
    let other = tempfile::tempdir().unwrap();
    self::worker(other.path()).0.write(vec![row(1, 3, 9)]);
    let at = |folder: &tempfile::TempDir| folder.path().join(database::HISTORY_FILE);
    std::fs::rename(at(&other), at(&folder)).unwrap();
    worker.write(vec![row(0, 5, 6)]);
    assert_eq!(
        values(&ask(folder.path(), "Speed", (0, 9), 10)),
        [(1_000, 3.into()), (5_000, 6.into())]
    );
    let count = values(&ask(folder.path(), "Count", (0, 9), 10));
    assert_eq!(count, [(2_000, 4.into()), (3_000, 9.into())]);
    assert_eq!(counters.dropped.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn the_last_value_outlives_a_file_that_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let (mut worker, counters) = worker(folder.path());
    worker.write(vec![row(0, 0, 1)]);
    let other = rusqlite::Connection::open(folder.path().join(database::HISTORY_FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    worker.write(vec![row(0, 1, 2), row(0, 2, 3), row(1, 2, 4)]);
    assert_eq!(counters.dropped.load(std::sync::atomic::Ordering::Relaxed), 3);
    other.execute_batch("ROLLBACK").unwrap();
    worker.write(Vec::new());
    assert_eq!(
        values(&ask(folder.path(), "Speed", (0, 9), 10)),
        [(0, 1.into()), (2_000, 3.into())]
    );
    assert_eq!(values(&ask(folder.path(), "Count", (0, 9), 10)), [(2_000, 4.into())]);
    worker.write(Vec::new());
    assert_eq!(
        counters.written.load(std::sync::atomic::Ordering::Relaxed),
        3,
        "once is enough"
    );
}

#[test]
fn a_damaged_file_that_is_removed_holds_what_is_newest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(database::HISTORY_FILE);
    std::fs::write(&path, "this is no database at all, whatever its name says").unwrap();
    let (mut worker, counters) = worker(folder.path());
    worker.write(vec![row(0, 0, 1), row(0, 1, 2)]);
    assert_eq!(counters.dropped.load(std::sync::atomic::Ordering::Relaxed), 2);
    std::fs::remove_file(&path).unwrap();
    worker.write(Vec::new());
    assert_eq!(values(&ask(folder.path(), "Speed", (0, 9), 10)), [(1_000, 2.into())]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is dropped for want of room: after a quiet second the file ends with what every signal holds.
    #[test]
    fn the_last_value_is_always_kept(
        writes in proptest::collection::vec((0_usize..2, 0_i64..1_000, 0_i64..400_000), 1..200),
        cap in 1_u32..20,
    ) {
        let (queue, waiting) = crossbeam_channel::bounded(4);
        let patterns = vec![crosstie_hub::signal::Pattern::new("**")];
        let counters = Arc::new(intake::Counters::default());
        let mut intake = Intake::new(patterns, cap, queue, counters);
        let (mut hub, mut at) = (hub(), BEGIN);
        let mut last: rustc_hash::FxHashMap<u32, Value> = Default::default();
        let read = |last: &mut rustc_hash::FxHashMap<u32, Value>| {
            for row in waiting.try_iter() {
                last.insert(row.signal.0, row.value);
            }
        };
        for (index, (signal, value, pause)) in writes.iter().enumerate() {
            write(&mut hub, ["Count", "Speed"][*signal], Value::Int(*value));
            at += pause;
            intake.after_turn(&hub, at);
            if index % 7 == 0 {
                read(&mut last);
            }
        }
        for _ in 0..8 {
            read(&mut last);
            at += 1_000_000;
            intake.after_turn(&hub, at);
        }
        read(&mut last);
        for name in ["Count", "Speed"] {
            let id = hub.find(&format!("twin/line/{name}")).unwrap();
            prop_assert_eq!(last.get(&id.0), Some(hub.change(id).value));
        }
    }
}
