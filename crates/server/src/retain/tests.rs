use super::*;
use crosstie_hub::settings::RetainSettings;
use crosstie_ladder::address::{Address, Region};
use crosstie_ladder::data_table::{CellValue, DataTable};
use crosstie_ladder::retain::RetainList;
use std::collections::VecDeque;
use std::fs;
use std::time::Instant;

/// How long a thread gets before a test fails.
const LIMIT: Duration = Duration::from_secs(20);

fn list() -> Arc<RetainList> {
    Arc::new(RetainList::read(&[String::from("N:0-9")], |_| None).unwrap())
}

/// An image in which every word is this number.
fn image(number: i32) -> Arc<RetainImage> {
    let mut table = DataTable::new();
    for word in 0..10 {
        let region = Region::Integer;
        table
            .write(Address::Word { region, word }, CellValue::Word(number))
            .unwrap();
    }
    let mut image = RetainImage::blank(&list());
    table.fill(&mut image);
    Arc::new(image)
}

fn contexts() -> Vec<PlcSettings> {
    let keeping = |name: &str| PlcSettings {
        retain: Some(RetainSettings {
            list: list(),
            start: RetainStart::Cold,
        }),
        ..PlcSettings::named(name)
    };
    vec![keeping("line"), PlcSettings::named("plain"), keeping("other")]
}

/// What the contexts begin with, in words.
fn begin(folder: &Path, is_cold: bool) -> (Option<Database>, Vec<String>) {
    let mut plcs = contexts();
    let database = read(folder, &mut plcs, is_cold);
    let starts = plcs
        .iter()
        .map(|plc| match plc.retain.as_ref().map(|retain| &retain.start) {
            None => String::from("none"),
            Some(RetainStart::Cold) => String::from("cold"),
            Some(RetainStart::Warm(kept)) => match (0..100).find(|number| image(*number) == *kept) {
                Some(number) => format!("warm {number}"),
                None => String::from("warm"),
            },
            Some(RetainStart::Lost(why)) => format!("lost: {why}"),
        });
    (database, starts.collect())
}

fn starts(folder: &Path) -> Vec<String> {
    begin(folder, false).1
}

/// The next answers at the door.
fn answers(door: &Door, count: usize) -> Vec<(u64, Result<(), String>)> {
    let (mut events, mut found) = (VecDeque::new(), Vec::new());
    while found.len() < count {
        door.take(Some(Instant::now() + LIMIT), &mut events);
        assert!(!events.is_empty(), "{found:?} so far");
        for event in events.drain(..) {
            if let Event::Input(Input::Retained { number, result, .. }) = event {
                found.push((number, result));
            }
        }
    }
    found
}

#[test]
fn pl37_what_was_saved_is_what_the_next_run_begins_with() {
    let folder = tempfile::tempdir().unwrap();
    let (database, first) = begin(folder.path(), false);
    assert_eq!(first, ["cold", "none", "cold"]);
    let mut database = database.unwrap();
    for number in [1, 2, 3] {
        database.save("line", &image(number).to_bytes()).unwrap();
    }
    database.save("renamed since", &image(9).to_bytes()).unwrap();
    drop(database);
    assert_eq!(starts(folder.path()), ["warm 3", "none", "cold"]);
    let (_, cold) = begin(folder.path(), true);
    assert_eq!(cold, ["cold", "none", "cold"], "asked for");
    assert_eq!(
        starts(folder.path()),
        ["warm 3", "none", "cold"],
        "and not lost by that alone"
    );
}

#[cfg(unix)]
#[test]
fn the_file_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    database.save("line", &image(1).to_bytes()).unwrap();
    for name in [RETAIN_FILE, "retain.db-wal"] {
        let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn pl37_a_second_hub_on_the_same_project_changes_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    database.save("line", &image(4).to_bytes()).unwrap();
    let (second, found) = begin(folder.path(), false);
    assert!(second.is_none());
    assert!(found[0].contains("another hub runs on this project"), "{found:?}");
    database.save("line", &image(5).to_bytes()).unwrap();
    drop(database);
    assert_eq!(starts(folder.path())[0], "warm 5");
}

#[test]
fn pl37_a_damaged_file_is_set_aside_and_missed_until_something_new_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    for round in 1..3 {
        let mut database = Database::open(folder.path()).unwrap();
        database.save("line", &image(4).to_bytes()).unwrap();
        drop(database);
        fs::write(folder.path().join(RETAIN_FILE), vec![0x5A; 9_000]).unwrap();
        let aside = format!("retain.db.damaged-{round}");
        for start in [starts(folder.path()), starts(folder.path())] {
            assert!(start[0].starts_with("lost: ") && start[0].contains(&aside), "{start:?}");
        }
        assert_eq!(fs::read(folder.path().join(aside)).unwrap().len(), 9_000);
    }
    let mut database = begin(folder.path(), false).0.unwrap();
    database.save("line", &image(6).to_bytes()).unwrap();
    drop(database);
    let start = starts(folder.path());
    assert_eq!(start[0], "warm 6");
    assert!(
        start[2].starts_with("lost: "),
        "nobody has looked at this one: {start:?}"
    );
}

#[test]
fn pl37_a_damaged_image_is_lost_and_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = Database::open(folder.path()).unwrap();
    let mut bytes = image(4).to_bytes();
    bytes[20] ^= 1;
    database.save("line", &bytes).unwrap();
    drop(database);
    for _ in 0..2 {
        let start = starts(folder.path());
        assert!(start[0].contains("its checksum does not fit"), "{start:?}");
        assert_eq!(start[2], "cold");
    }
}

#[test]
fn pl37_the_thread_writes_the_newest_image_and_what_waits_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let door = Door::new();
    let (database, _) = begin(folder.path(), false);
    let (store, thread) = RetainStore::start(folder.path().to_owned(), database, door.clone()).unwrap();
    for number in 1..50 {
        store.hand_in(PlcId(0), String::from("line"), number, image(number as i32));
    }
    store.hand_in(PlcId(2), String::from("other"), 1, image(77));
    drop(store);
    thread.join().unwrap();
    assert_eq!(starts(folder.path()), ["warm 49", "none", "warm 77"]);
}

#[test]
fn pl37_what_cannot_be_written_is_told_and_written_later() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    fs::write(&state, "in the way").unwrap();
    let door = Door::new();
    let (store, thread) = RetainStore::start(state.clone(), None, door.clone()).unwrap();
    store.hand_in(PlcId(0), String::from("line"), 1, image(1));
    let told = answers(&door, 1);
    assert!(told[0].0 == 1 && told[0].1.is_err(), "{told:?}");
    fs::remove_file(&state).unwrap();
    store.hand_in(PlcId(0), String::from("line"), 2, image(2));
    assert_eq!(answers(&door, 1), [(2, Ok(()))]);
    drop(store);
    thread.join().unwrap();
    assert_eq!(starts(&state)[0], "warm 2");
}

#[test]
fn pl37_a_loss_that_nobody_could_write_down_is_missed_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    // The power went between the two: the damaged file stands aside, and the new one knows nothing yet.
    fs::write(folder.path().join("retain.db.damaged-1"), "garbage").unwrap();
    for _ in 0..2 {
        let start = starts(folder.path());
        assert!(
            start[0].starts_with("lost: ") && start[0].contains("retain.db.damaged-1"),
            "{start:?}"
        );
        assert!(start[2].starts_with("lost: "), "{start:?}");
    }
    begin(folder.path(), true)
        .0
        .unwrap()
        .save("line", &image(4).to_bytes())
        .unwrap();
    assert_eq!(starts(folder.path())[0], "warm 4");
}

#[test]
fn pl37_a_file_without_bytes_is_a_loss_and_no_first_start() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(RETAIN_FILE), "").unwrap();
    let start = starts(folder.path());
    assert!(
        start[0].starts_with("lost: ") && start[0].contains("is empty"),
        "{start:?}"
    );
}

#[test]
fn pl37_what_was_not_read_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = begin(folder.path(), false);
    let mut first = first.unwrap();
    first.save("line", &image(7).to_bytes()).unwrap();
    drop(first);
    // A run that could not open the file at its start, because another hub had it.
    let mut file = File::Closed;
    for _ in 0..2 {
        let refused = write(&mut file, folder.path(), "line", &image(0)).unwrap_err();
        assert!(matches!(refused, DatabaseError::NotRead), "{refused}");
    }
    assert_eq!(starts(folder.path())[0], "warm 7");
}
