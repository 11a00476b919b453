//! Retentive memory over real files and killed processes: whatever is cut off where, the next run finds one whole image (PL-37).

use crate::support::{self, LIMIT, TestHub};
use crosstie_ladder::data_table::{CellValue, DataTable};
use crosstie_ladder::retain::{RetainImage, RetainList};
use crosstie_ladder::{Address, Region};
use crosstie_server::config::{self, Overrides};
use crosstie_server::retain::{Database, Stored};
use crosstie_server::run::{RunningHub, Start};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// Tells the child of [`pl37_a_killed_writer_leaves_one_whole_image`] where to write.
const FOLDER: &str = "CROSSTIE_TEST_RETAIN_FOLDER";
/// How often the writer is killed.
const ROUNDS: usize = 1_000;
/// The words of an image of the writer: it takes several pages of the file.
const WORDS: u8 = 255;

fn words() -> impl Iterator<Item = Address> {
    let region = Region::Integer;
    (0..=WORDS).map(move |word| Address::Word { region, word })
}

/// Writes images in which every word is the number of the image, as fast as it can, and tells each that is on the disk.
fn write_images(folder: &Path) {
    let list = RetainList::read(&[String::from("N:*")], |_| None).expect("the story goes on");
    let mut database = Database::open(folder).expect("the story goes on");
    let (mut table, mut image) = (DataTable::new(), RetainImage::blank(&list));
    let mut number = match database.read("line").expect("the story goes on") {
        None => 0,
        Some(kept) => number_of(kept),
    };
    let mut out = std::io::stdout().lock();
    let until = Instant::now() + LIMIT;
    // Whoever started it kills it; if not, it ends by itself.
    while Instant::now() < until {
        number += 1;
        for word in words() {
            table.write(word, CellValue::Word(number)).expect("the story goes on");
        }
        table.fill(&mut image);
        database.save("line", &image.to_bytes()).expect("the story goes on");
        if writeln!(out, "<{number}>").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

/// The number of which an image is; all its words are it.
fn number_of(kept: Stored) -> i32 {
    let Stored::Image(bytes) = kept else { panic!("{kept:?}") };
    let mut table = DataTable::new();
    table.restore(&RetainImage::from_bytes(&bytes).expect("the story goes on"));
    let numbers: Vec<CellValue> = words()
        .map(|word| table.read(word).expect("the story goes on"))
        .collect();
    assert!(
        numbers.iter().all(|number| *number == numbers[0]),
        "a mixture: {numbers:?}"
    );
    match numbers[0] {
        CellValue::Word(number) => number,
        other => panic!("{other:?}"),
    }
}

/// The last whole line of what the writer has told.
fn last_told(text: &str) -> i32 {
    let told = text.rsplit_once('>').and_then(|(before, _)| before.rsplit_once('<'));
    told.map_or(0, |(_, number)| number.parse().expect("the story goes on"))
}

#[test]
fn pl37_a_killed_writer_leaves_one_whole_image() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        write_images(Path::new(&folder));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut before = 0;
    let mut dice: u64 = 0x9E37_79B9_7F4A_7C15;
    for round in 0..ROUNDS {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "retain::pl37_a_killed_writer_leaves_one_whole_image",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = writer.stdout.take().unwrap();
        // Wherever the writer is when so many bytes have come, it is killed; what it told meanwhile is read behind that.
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut told = vec![0; 20 + (dice >> 33) as usize % 200];
        out.read_exact(&mut told).unwrap();
        writer.kill().unwrap();
        writer.wait().unwrap();
        out.read_to_end(&mut told).unwrap();
        let told = last_told(&String::from_utf8(told).unwrap());
        let database = Database::open(folder.path()).unwrap();
        let kept = database.read("line").unwrap().map_or(0, number_of);
        // The one that was being written may be there, and was not told.
        assert!(
            kept >= told && kept >= before,
            "round {round}: {kept} is kept, {told} was told"
        );
        before = kept;
    }
    assert!(before > 0);
}

const LINE: &str = r#"
[web]
port = 0
[[plc]]
name = "line"
program = "count.txt"
scan_time_ms = 1
autostart = true
retain = ["N:0-8", "Last"]
"#;

/// Ten words that count together.
fn count() -> String {
    let rungs = (0..10).map(|word| format!("SOR ADD N:{word} 1 N:{word} EOR\n"));
    format!(
        "PROGRAM \"Count\"\nSYM Last N:9 DINT \"\"\n{}",
        rungs.collect::<String>()
    )
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("the story goes on");
    fs::write(folder.path().join("crosstie.toml"), LINE).expect("the story goes on");
    fs::write(folder.path().join("count.txt"), count()).expect("the story goes on");
    folder
}

fn get(web: SocketAddr, path: &str) -> Value {
    let (status, _, body) = support::http(web, "GET", path, &[], "");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).expect("answers are JSON")
}

/// The row of the context.
fn row(web: SocketAddr) -> Value {
    get(web, "/api/v1/plc/contexts/line")["context"].clone()
}

/// The ten words, as one moment of the memory shows them.
fn counts(web: SocketAddr) -> Vec<i64> {
    let memory = get(web, "/api/v1/plc/contexts/line/memory");
    let words = memory["integers"].as_array().unwrap_or_else(|| panic!("{memory}"));
    words
        .iter()
        .take(10)
        .map(|word| word.as_i64().expect("the story goes on"))
        .collect()
}

/// The ten words soon after the start; after a warm one not before the engine has told of it.
fn first_counts(web: SocketAddr, is_warm: bool) -> Vec<i64> {
    support::eventually("it has begun", || row(web)["retain"]["restored"] == json!(is_warm));
    counts(web)
}

/// What the file holds while no hub runs: ten words of one scan.
fn kept(folder: &Path) -> Option<i64> {
    let database = Database::open(&folder.join("state")).expect("the story goes on");
    let Stored::Image(bytes) = database.read("line").expect("the story goes on")? else {
        panic!("nothing is lost")
    };
    let mut table = DataTable::new();
    table.restore(&RetainImage::from_bytes(&bytes).expect("the story goes on"));
    let counts: Vec<CellValue> = words()
        .take(10)
        .map(|word| table.read(word).expect("the story goes on"))
        .collect();
    assert!(counts.iter().all(|count| *count == counts[0]), "a mixture: {counts:?}");
    match counts[0] {
        CellValue::Word(count) => Some(i64::from(count)),
        other => panic!("{other:?}"),
    }
}

/// The binary at work; it is killed when this is dropped.
struct Running {
    process: Child,
    web: SocketAddr,
    /// Whoever prints must not find that nobody reads.
    _out: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crosstie"));
        command.arg("run").args(arguments).arg(folder);
        let spawned = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = spawned.expect("the binary starts");
        let mut out = BufReader::new(process.stdout.take().expect("its output is a pipe")).lines();
        let page = out.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("http://")?;
            address.trim().trim_end_matches('/').parse().ok()
        });
        let Some(web) = page else {
            panic!("it tells its page; it ended with {:?}", process.wait())
        };
        Running {
            process,
            web,
            _out: out,
        }
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it has ended");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A story that has killed it already has nothing left to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn pl37_a_killed_hub_goes_on_where_its_last_image_was() {
    let folder = folder();
    let mut before = None;
    for round in 0..10_i64 {
        let mut hub = Running::start(folder.path(), &[]);
        let web = hub.web;
        let first = first_counts(web, before.is_some());
        assert!(first.iter().all(|count| *count == first[0]), "{first:?}");
        assert!(
            before.is_none_or(|before| first[0] >= before),
            "round {round}: {first:?} after {before:?}"
        );
        support::eventually("an image of this run is on the disk", || {
            row(web)["retain"]["saved_at_ms"].is_u64()
        });
        support::eventually("it counts on", || counts(web)[0] > first[0] + 37 * round % 400);
        hub.kill();
        let kept = kept(folder.path());
        assert!(kept >= before, "round {round}: {kept:?} after {before:?}");
        before = kept;
    }
    assert!(before > Some(0));
    let mut hub = Running::start(folder.path(), &["--cold"]);
    let web = hub.web;
    assert_eq!(row(web)["retain"]["restored"], json!(false));
    support::eventually("the zeros are on the disk", || {
        row(web)["retain"]["saved_at_ms"].is_u64()
    });
    hub.kill();
    assert!(kept(folder.path()) < before, "cold is cold");
}

fn start(folder: &Path, start: Start) -> RunningHub {
    let loaded = config::load(folder, &Overrides::default());
    let config = loaded.config.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    RunningHub::start_with(config, start).expect("the hub of a test starts")
}

#[test]
fn pl37_a_hub_that_ends_in_good_order_loses_no_scan() {
    let folder = folder();
    let mut before = 0;
    for round in 0..3 {
        let hub = start(folder.path(), Start::Warm);
        let seen = first_counts(hub.web(), round > 0);
        assert!(seen[0] >= before, "round {round}: {seen:?} after {before}");
        support::eventually("it counts", || counts(hub.web())[0] > before);
        let last_seen = counts(hub.web())[0];
        hub.stop();
        before = kept(folder.path()).expect("something is kept");
        assert!(
            before >= last_seen,
            "round {round}: {before} is kept, {last_seen} was seen"
        );
    }
}

#[test]
fn pl37_two_hubs_on_one_project_do_not_mix_and_the_second_does_not_start_its_program() {
    let folder = folder();
    let first = start(folder.path(), Start::Warm);
    let second = start(folder.path(), Start::Warm);
    let shown = row(second.web());
    assert_eq!(shown["state"], json!("Stopped"));
    let error = shown["retain"]["error"].as_str().unwrap_or_default();
    assert!(error.contains("another hub runs on this project"), "{shown}");
    assert_eq!(row(first.web())["state"], json!("Running"));
    second.stop();
    support::eventually("the first one keeps", || {
        row(first.web())["retain"]["saved_at_ms"].is_u64()
    });
    first.stop();
    assert!(kept(folder.path()) > Some(0));
}

#[test]
fn pl37_a_damaged_file_withholds_the_start_until_somebody_gives_it() {
    let folder = folder();
    fs::create_dir_all(folder.path().join("state")).unwrap();
    fs::write(
        folder.path().join("state/retain.db"),
        "no database at all, but some text",
    )
    .unwrap();
    for _ in 0..2 {
        let hub = start(folder.path(), Start::Warm);
        assert_eq!(row(hub.web())["state"], json!("Stopped"));
        let problems = get(hub.web(), "/api/v1/health").to_string();
        assert!(
            problems.contains("plc:line:retain") && problems.contains("retain.db.damaged-1"),
            "{problems}"
        );
        hub.stop();
    }
    let hub = TestHub::start_in(folder, |_| ()).unwrap();
    let (status, answer) = hub.http("POST", "/api/v1/plc/contexts/line/command", r#"{"command": "start"}"#);
    assert_eq!(status, 200, "{answer}");
    support::eventually("what it does from now on is kept", || {
        row(hub.web())["retain"]["saved_at_ms"].is_u64()
    });
    assert_eq!(row(hub.web())["retain"]["error"], Value::Null);
    assert!(hub.folder().join("state/retain.db.damaged-1").exists());
}

#[test]
fn pl37_the_places_of_a_project_are_checked_where_they_stand() {
    let folder = folder();
    let wrong = LINE.replace(r#"["N:0-8", "Last"]"#, r#"["N:0-8", "Lost", "O:0/1", "N:9-2"]"#);
    fs::write(folder.path().join("crosstie.toml"), wrong).unwrap();
    let loaded = config::load(folder.path(), &Overrides::default());
    assert!(loaded.config.is_none());
    let found: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
    let all = found.join("\n");
    assert_eq!(found.len(), 3, "{all}");
    for words in ["no symbol `Lost`", "`O:0/1` is an output", "a range that goes up"] {
        assert!(all.contains(words), "{all}");
    }
    assert!(all.contains("crosstie.toml:9:20"), "{all}");
    assert!(
        config::load(self::folder().path(), &Overrides::default())
            .config
            .is_some()
    );
}
