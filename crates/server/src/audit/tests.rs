//! The log against everything that can happen to it: two writers, full files, torn lines, and hands that change it.

use super::chain::Record;
use super::file::append_within;
use super::{Broken, append, current, full, read_before, verify};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes after which a file of these tests is full: about four entries.
const SMALL: u64 = 1_200;

fn record(number: u64) -> Record {
    Record {
        old: json!(number - 1),
        new: json!(number),
        ..Record::of_log("write", format!("twin/line/{number}"))
    }
}

/// A log of so many entries in small files, each appended by itself.
fn log(entries: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=entries {
        append_within(folder.path(), &[record(number)], SMALL).unwrap();
    }
    folder
}

fn broken(folder: &Path) -> Broken {
    verify(folder).unwrap().unwrap_err()
}

/// Where a log of ten entries is broken after a change of one of its files.
#[track_caller]
fn check(file: fn(&Path) -> PathBuf, change: impl Fn(&str) -> String, expected: (PathBuf, usize), found: &str) {
    let folder = log(10);
    assert_eq!(verify(folder.path()).unwrap(), Ok(10));
    let path = file(folder.path());
    let before = fs::read_to_string(&path).unwrap();
    let after = change(&before);
    assert_ne!(after, before);
    fs::write(&path, after).unwrap();
    let broken = broken(folder.path());
    assert_eq!((broken.file, broken.line), (folder.path().join(expected.0), expected.1));
    assert!(broken.found.contains(found), "{found:?} is not in {:?}", broken.found);
}

fn first(folder: &Path) -> PathBuf {
    full(folder, 1)
}

fn without_line(text: &str, index: usize) -> String {
    let lines = text.lines().enumerate().filter(|(at, _)| *at != index);
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

#[test]
fn every_kind_of_change_is_found_at_its_place() {
    let one = || PathBuf::from("audit-000001.jsonl");
    let newest = || PathBuf::from("audit.jsonl");
    check(
        first,
        |text| text.replace("twin/line/2", "twin/line/7"),
        (one(), 2),
        "it was changed",
    );
    check(
        first,
        |text| without_line(text, 1),
        (one(), 2),
        "entry 2 should stand here, not entry 3",
    );
    check(
        first,
        |text| without_line(text, 0),
        (one(), 1),
        "entry 1 should stand here",
    );
    let doubled = |text: &str| format!("{}{text}", &text[..=text.find('\n').unwrap()]);
    check(first, doubled, (one(), 2), "entry 2 should stand here, not entry 1");
    check(
        first,
        |text| text.replacen('\n', "\n\n", 1),
        (one(), 2),
        "it is no entry",
    );
    check(
        first,
        |text| text.replacen('{', "{\"a\":1,", 1),
        (one(), 1),
        "it was changed",
    );
    check(
        current,
        |text| without_line(text, text.lines().count() - 1),
        (newest(), 5),
        "missing at the end",
    );
    check(current, |_| String::new(), (newest(), 1), "missing at the end");
    check(
        current,
        |text| format!("{text}{}", "x".repeat(100_000)),
        (newest(), 6),
        "longer than any entry",
    );
    check(
        |folder| folder.join("audit.head"),
        |_| String::new(),
        (newest(), 6),
        "audit.head is missing",
    );
}

#[test]
fn a_missing_file_is_named() {
    let folder = log(20);
    fs::remove_file(full(folder.path(), 1)).unwrap();
    let found = broken(folder.path());
    assert_eq!(
        (found.file, found.found.as_str()),
        (full(folder.path(), 1), "the file is missing")
    );
    let folder = log(10);
    fs::remove_file(current(folder.path())).unwrap();
    assert!(broken(folder.path()).found.contains("missing at the end"));
    let folder = log(10);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "jsonl") {
            fs::remove_file(path).unwrap();
        }
    }
    assert!(broken(folder.path()).found.contains("the entries 1 to 10 are missing"));
}

#[test]
fn a_chain_that_somebody_made_anew_does_not_fit_the_head() {
    let (ours, theirs) = (log(3), log(3));
    fs::copy(current(theirs.path()), current(ours.path())).unwrap();
    let found = broken(ours.path());
    assert_eq!(found.line, 3);
    assert!(found.found.contains("audit.head names"), "{}", found.found);
}

#[test]
fn a_torn_line_is_a_warning_until_the_next_start_writes_it_down() {
    let folder = log(3);
    let text = fs::read_to_string(current(folder.path())).unwrap();
    fs::write(current(folder.path()), format!("{text}{{\"n\":4,\"at\"")).unwrap();
    assert!(broken(folder.path()).is_torn);
    append(folder.path(), &[]).unwrap();
    assert_eq!(verify(folder.path()).unwrap(), Ok(4));
    let newest = &read_before(folder.path(), None, 1).unwrap()[0];
    assert_eq!((newest.what.as_str(), newest.who.as_str()), ("audit.cut", "the hub"));
    assert!(newest.subject.contains("11 bytes"), "{}", newest.subject);
    append(folder.path(), &[]).unwrap();
    assert_eq!(verify(folder.path()).unwrap(), Ok(4), "said once");
}

#[test]
fn what_was_removed_stays_found_when_the_hub_goes_on_writing() {
    let folder = log(3);
    let text = fs::read_to_string(current(folder.path())).unwrap();
    fs::write(current(folder.path()), without_line(&text, 2)).unwrap();
    append(folder.path(), &[record(9)]).unwrap();
    let entries = read_before(folder.path(), None, 2).unwrap();
    assert_eq!((entries[1].n, entries[1].what.as_str()), (4, "audit.damaged"));
    assert_eq!(entries[1].subject, "the entries 3 to 3 were removed");
    let found = broken(folder.path());
    assert_eq!(
        (found.line, found.found.as_str()),
        (3, "entry 3 should stand here, not entry 4")
    );
}

#[test]
fn a_head_that_a_power_failure_has_left_behind_is_no_trouble() {
    let folder = log(2);
    let head = fs::read(folder.path().join("audit.head")).unwrap();
    append(folder.path(), &[record(3)]).unwrap();
    fs::write(folder.path().join("audit.head"), head).unwrap();
    assert_eq!(verify(folder.path()).unwrap(), Ok(3));
    append(folder.path(), &[record(4)]).unwrap();
    assert_eq!(verify(folder.path()).unwrap(), Ok(4));
}

#[test]
fn two_writers_make_one_chain() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for number in 1..=20 {
                    append_within(folder.path(), &[record(number), record(number)], SMALL).unwrap();
                }
            });
        }
    });
    assert_eq!(verify(folder.path()).unwrap(), Ok(80));
}

#[test]
fn pages_go_back_through_all_files() {
    let folder = log(50);
    assert!(full(folder.path(), 5).exists());
    for limit in [1, 3, 7, 50, 1_000] {
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let page = read_before(folder.path(), before, limit).unwrap();
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            before = Some(last.n);
            seen.extend(page.iter().map(|entry| entry.n));
        }
        assert_eq!(seen, (1..=50).rev().collect::<Vec<u64>>(), "{limit}");
    }
    let newest = &read_before(folder.path(), None, 1).unwrap()[0];
    assert_eq!((newest.subject.as_str(), &newest.new), ("twin/line/50", &json!(50)));
    assert_eq!(read_before(&folder.path().join("none"), None, 10).unwrap(), []);
}

#[test]
fn nothing_is_made_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    append(&state, &[]).unwrap();
    assert_eq!(verify(&state).unwrap(), Ok(0));
    assert!(!state.exists());
}
