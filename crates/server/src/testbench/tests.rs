//! The bench at work: scripts with faults and seeds on the tour, recordings accepted and broken by a rung.

use super::accept::{AcceptError, Wish, accept};
use super::budget::Budget;
use super::report::{CaseResult, Summary};
use super::{Options, Place, find, run};
use crate::recording::format::{CHANNELS, SESSION, Sample, Samples, Session};
use crosstie_hub::Time;
use crosstie_hub::replay::Replayed;
use crosstie_hub::rig::Rig;
use crosstie_hub::signal::{Quality, Value, Writer};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The tour, which stands-ins of tests know.
fn tour() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/tour")
}

/// A copy of the tour with these files in its folder of tests.
fn tour_with(tests: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["crosstie.toml", "bottling.plcproj"] {
        std::fs::copy(tour().join(file), folder.path().join(file)).unwrap();
    }
    std::fs::create_dir(folder.path().join("tests")).unwrap();
    for (name, text) in tests {
        std::fs::write(folder.path().join("tests").join(name), text).unwrap();
    }
    folder
}

fn run_all(project: &Path, options: &Options) -> Summary {
    let place = Place::of(project);
    let tests = find(&place).unwrap();
    let mut told = Vec::new();
    let summary = run(&place, &tests, options, &Budget::default(), |result| {
        told.push(result.clone())
    });
    assert_eq!(told, summary.results, "every case is told once, in order");
    summary
}

/// The results of one script on the tour.
fn run_script(text: &str) -> Vec<CaseResult> {
    let folder = tour_with(&[("a.toml", text)]);
    run_all(folder.path(), &Options::default()).results
}

#[track_caller]
fn passes(text: &str) {
    for result in run_script(text) {
        assert!(result.passed(), "{}", result.to_text());
    }
}

/// It fails, and says all of this.
#[track_caller]
fn fails(text: &str, words: &[&str]) {
    let results = run_script(text);
    let result = results.iter().find(|result| !result.passed()).expect("it fails");
    for word in words {
        assert!(result.text().contains(word), "{word:?} in {}", result.to_text());
    }
}

#[test]
fn the_tests_of_the_tour_pass() {
    let summary = run_all(&tour(), &Options::default());
    let texts: String = summary.results.iter().map(CaseResult::to_text).collect();
    assert!(summary.passed(), "{texts}");
    assert!(summary.results.len() >= 6, "{texts}");
}

#[test]
fn a_script_that_fails_names_step_signal_and_time_and_draws_what_was() {
    fails(
        "[[step]]\nset = { \"twin/hmi/Manual\" = true, \"twin/hmi/Stop\" = true }\n\n\
         [[step]]\nat_ms = 200\nsay = \"it starts\"\nexpect = { \"plc/line/Run\" = true }\nwithin_ms = 50\n",
        &[
            "a.toml:4: it starts: expected plc/line/Run = true, got false; it had 50 ms, at 250 ms, scan 26",
            "plc/line/O:0/0 Run",
            "plc/line/B:0/1 RunRequest",
            "▲ 250 ms, scan 26",
            "▁▁▁",
        ],
    );
}

#[test]
fn what_must_never_be_is_seen_however_short_it_is() {
    fails(
        "[[step]]\nset = { \"twin/hmi/Manual\" = true, \"twin/hmi/Stop\" = true }\n\
         [[step]]\nat_ms = 100\nset = { \"twin/hmi/Stop\" = false }\nnever = { \"twin/line/Run\" = true }\nfor_ms = 500\n\
         [[step]]\nat_ms = 300\nset = { \"twin/hmi/Start\" = true }\n\
         [[step]]\nat_ms = 312\nset = { \"twin/hmi/Stop\" = true }\n",
        &["a.toml:3: twin/line/Run was never to be true, and is, at 310 ms"],
    );
    fails(
        "[[step]]\nexpect = { \"twin/line/Run\" = true }\nwithin_ms = 100\nfor_ms = 500\n\
         [[step]]\nat_ms = 200\nset = { \"twin/hmi/Stop\" = true }\n",
        &["a.toml:1: expected twin/line/Run = true, got false; it was to stay so for 500 ms, at 210 ms"],
    );
}

#[test]
fn a_signal_that_does_not_exist_is_said() {
    fails(
        "[[step]]\nexpect = { \"twin/line/Nothing\" = 1 }\n",
        &["expected twin/line/Nothing = 1, no such signal"],
    );
}

#[test]
fn steps_follow_each_other_and_plcs_take_orders() {
    passes(
        "[[step]]\nexpect = { \"sys/plc/line/state\" = \"Running\" }\nwithin_ms = 100\n\
         [[step]]\nafter_ms = 50\nplc = { line = \"stop\" }\nexpect = { \"sys/plc/line/state\" = \"Stopped\", \"twin/line/Run\" = false }\nwithin_ms = 100\n\
         [[step]]\nplc = { line = \"start\" }\nexpect = { \"sys/plc/line/state\" = \"Running\" }\nwithin_ms = 100\n\
         [[step]]\nstale = [\"twin/hmi/Start\"]\nexpect = { \"twin/hmi/Start\" = \"is stale\" }\nwithin_ms = 10\n",
    );
    fails(
        "[[step]]\nplc = { robot = \"stop\" }\nexpect = { \"twin/line/Run\" = true }\nwithin_ms = 100\n",
        &["a.toml:2:9: error: no PLC context is called 'robot'; expected one of line"],
    );
}

#[test]
fn a_dropped_link_a_delay_and_noise_reach_the_hub() {
    passes(
        "partners = [\"twin:line\"]\n\
         [[step]]\nat_ms = 1000\nexpect = { \"twin/line/TankLevel\" = \"is good\" }\n\
         [[fault]]\nat_ms = 1100\nfor_ms = 500\nkind = \"drop_link\"\n\
         [[step]]\nat_ms = 1200\nexpect = { \"twin/line/TankLevel\" = \"is stale\" }\n\
         [[step]]\nat_ms = 1700\nexpect = { \"twin/line/TankLevel\" = \"is good\" }\n",
    );
    // The twin stops 100 ms later than without the delay.
    let stop = |fault: &str, never_ms: u32| {
        format!(
            "partners = [\"twin\"]\n{fault}\
             [[step]]\nat_ms = 3000\nset = {{ \"twin/hmi/Manual\" = true, \"twin/hmi/Stop\" = true }}\n\
             never = {{ \"twin/line/State\" = \"Stopped\" }}\nfor_ms = {never_ms}\n\
             [[step]]\nexpect = {{ \"twin/line/State\" = \"Stopped\" }}\nwithin_ms = 600\n"
        )
    };
    let delay = "[[fault]]\nat_ms = 2000\nkind = \"delay\"\nms = 200\njitter_ms = 20\n";
    passes(&stop(delay, 300));
    fails(&stop("", 300), &["was never to be \"Stopped\""]);
    let noise = |amount: &str| {
        format!(
            "partners = [\"twin\"]\n[[fault]]\nat_ms = 0\nkind = \"noise\"\nsignal = \"twin/line/ConveyorSpeed\"\namount = {amount}\n\
             [[step]]\nat_ms = 200\nexpect = {{ \"twin/line/ConveyorSpeed\" = \"> 203\" }}\nwithin_ms = 20000\n"
        )
    };
    passes(&noise("50"));
    fails(&noise("1"), &["it had 20000 ms"]);
}

#[test]
fn a_stuck_signal_is_changed_by_nobody_until_it_is_freed() {
    passes(
        "partners = [\"twin\"]\n\
         [[fault]]\nat_ms = 100\nfor_ms = 3000\nkind = \"stuck\"\nsignal = \"twin/line/ConveyorPosition\"\n\
         [[fault]]\nat_ms = 100\nfor_ms = 3000\nkind = \"stuck\"\nsignal = \"twin/hmi/Manual\"\n\
         [[step]]\nat_ms = 200\nset = { \"twin/hmi/Manual\" = true }\nnever = { \"twin/line/ConveyorPosition\" = \"> 100\", \"twin/hmi/Manual\" = true }\nfor_ms = 2800\n\
         [[step]]\nexpect = { \"twin/line/ConveyorPosition\" = \"> 100\" }\nwithin_ms = 200\n",
    );
}

/// A step that waits for what is so anyway, and one more with this line, whose step is line 4.
fn with_line(line: &str) -> String {
    format!("[[step]]\nexpect = {{ \"twin/line/Run\" = true }}\nwithin_ms = 100\n[[step]]\n{line}\n")
}

#[test]
fn a_name_that_means_no_signal_fails_with_what_may_be_meant() {
    let meant = |line: &str, name: &str, near: &str| {
        let text = format!("a.toml:4: no signal is called '{name}'; did you mean '{near}'?, at ");
        fails(&with_line(line), &[&text]);
    };
    meant(
        "set = { \"twin/hmi/Manul\" = true }",
        "twin/hmi/Manul",
        "twin/hmi/Manual",
    );
    meant(
        "never = { \"plc/line/AnyAlrm\" = true }\nfor_ms = 50",
        "plc/line/AnyAlrm",
        "plc/line/AnyAlarm",
    );
    meant("stale = [\"twin/hmi/Manul\"]", "twin/hmi/Manul", "twin/hmi/Manual");
    let fault = "[[fault]]\nat_ms = 0\nkind = \"stuck\"\nsignal = \"twin/line/SensorInfed\"";
    let text = format!("{fault}\n[[step]]\nexpect = {{ \"twin/line/Run\" = true }}\nwithin_ms = 100\n");
    fails(
        &text,
        &["a.toml:1: no signal is called 'twin/line/SensorInfed'; did you mean 'twin/line/SensorInfeed'?"],
    );
    fails(
        &with_line("expect = { \"plc/line/Rum\" = true }"),
        &["a.toml:4: expected plc/line/Rum = true, no such signal; did you mean 'plc/line/Run'?"],
    );
}

#[test]
fn what_the_hub_does_not_take_fails_with_its_reason() {
    fails(
        &with_line("set = { \"twin/hmi/Manual\" = \"yes\" }"),
        &["a.toml:4: twin/hmi/Manual cannot be set: expected a value for a bool"],
    );
    fails(
        &with_line("set = { \"sys/clock/rate\" = 2 }"),
        &["a.toml:4: sys/clock/rate cannot be set: 'sys/clock/rate' says how the clock stands"],
    );
    fails(
        &with_line("set = { \"plc/line/I:0/99\" = true }"),
        &["a.toml:4: ", "plc/line/I:0/99"],
    );
}

#[test]
fn a_name_that_only_a_route_knows_may_be_said_and_come_later() {
    let folder = tour_with(&[(
        "a.toml",
        "[[step]]\nnever = { \"twin/crane/Up\" = 7 }\nfor_ms = 100\n\
         [[step]]\nset = { \"twin/crane/Up\" = 1 }\nexpect = { \"twin/crane/Up\" = 1 }\nwithin_ms = 50\n",
    )]);
    let file = folder.path().join("crosstie.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str("\n[[route]]\nfrom = \"twin/crane/*\"\nto = \"twin/lamp/$1\"\n");
    std::fs::write(&file, text).unwrap();
    let summary = run_all(folder.path(), &Options::default());
    assert!(summary.passed(), "{}", summary.results[0].to_text());
}

#[test]
fn orders_of_one_step_are_given_one_after_the_other() {
    let run = |orders: &str| {
        let text = format!(
            "partners = [\"gama\"]\n[[step]]\nat_ms = 3000\nclassroom = {orders}\n\
             [[step]]\nexpect = {{ \"sim/state\" = \"RUNNING\" }}\nwithin_ms = 20000\n"
        );
        let folder = tour_with(&[("a.toml", &text)]);
        copy_folder(
            &tour().join("learning-packages"),
            &folder.path().join("learning-packages"),
        );
        run_all(folder.path(), &Options::default()).results.remove(0)
    };
    let result = run("[\"select 0\", \"launch\", \"resume\"]");
    assert!(result.passed(), "{}", result.to_text());
    let result = run("[\"launch\", \"launch\"]");
    let text = "a.toml:2: the order `launch` is refused: there is an experiment already";
    assert!(result.text().contains(text), "{}", result.to_text());
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[test]
fn gama_can_be_lost_and_comes_back() {
    passes(
        "partners = [\"gama\"]\n\
         [[step]]\nat_ms = 3000\nexpect = { \"sim/connected\" = true }\n\
         [[fault]]\nat_ms = 3100\nfor_ms = 1000\nkind = \"lost_gama\"\n\
         [[step]]\nat_ms = 3200\nexpect = { \"sim/connected\" = false }\n\
         [[step]]\nat_ms = 4100\nexpect = { \"sim/connected\" = true }\nwithin_ms = 20000\n",
    );
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let script = |seeds: &str| {
        format!(
            "seeds = {seeds}\npartners = [\"twin\"]\n[[fault]]\nat_ms = 0\nkind = \"noise\"\nsignal = \"twin/line/ConveyorSpeed\"\namount = 50\n\
             [[step]]\nat_ms = 3000\nexpect = {{ \"twin/line/ConveyorSpeed\" = 0 }}\n"
        )
    };
    let texts = |seeds: &str| -> Vec<String> {
        let results = run_script(&script(seeds));
        results.iter().map(|result| result.text().to_owned()).collect()
    };
    let (one, two) = (texts("[1, 2]"), texts("[1, 2]"));
    assert_eq!(one, two);
    assert_ne!(one[0], one[1], "chance has a say");
}

#[test]
fn a_test_that_is_wrong_itself_is_broken_and_told_with_its_place() {
    let folder = tour_with(&[
        ("a.toml", "[[step]]\nexpct = { \"twin/line/Run\" = true }\n"),
        (
            "b.toml",
            "partners = [\"twin:robot\"]\n[[step]]\nexpect = { \"twin/line/Run\" = true }\n",
        ),
        ("c.scan", "case x\nno such line\n"),
        ("d.test.toml", "name = 1\n"),
    ]);
    let summary = run_all(folder.path(), &Options::default());
    let texts: Vec<&str> = summary.results.iter().map(CaseResult::text).collect();
    assert!(
        texts[0].contains("a.toml:2:1: error: unknown key `expct`"),
        "{texts:#?}"
    );
    assert!(
        texts[1].contains("b.toml:1: no endpoint that listens is named `robot`"),
        "{texts:#?}"
    );
    assert!(texts[2].contains("c.scan:2:"), "{texts:#?}");
    assert!(
        texts[3].contains("d.test.toml: line 1: `name`: expected a text"),
        "{texts:#?}"
    );
    assert_eq!((summary.broken(), summary.failed()), (3, 1));
    std::fs::write(folder.path().join("crosstie.toml"), "[web]\nport = 99999999\n").unwrap();
    let summary = run_all(folder.path(), &Options::default());
    assert!(
        summary.results[0].text().contains("the project is not sound"),
        "{summary:#?}"
    );
}

#[test]
fn a_filter_chooses_and_repetitions_are_counted() {
    let script = "[[step]]\nexpect = { \"twin/line/Run\" = true }\nwithin_ms = 100\n";
    let folder = tour_with(&[("a.toml", script), ("b.toml", script)]);
    let options = Options {
        filter: Some(String::from("b.t")),
        repeat: 20,
        ..Options::default()
    };
    let summary = run_all(folder.path(), &options);
    assert_eq!(summary.results.len(), 1);
    assert_eq!((summary.results[0].runs, summary.passed()), (20, true));
    let place = Place::of(folder.path());
    let budget = Budget::default();
    budget.stop();
    let ended = run(&place, &find(&place).unwrap(), &Options::default(), &budget, |_| {});
    assert!(ended.results[0].text().contains("the run was ended"), "{ended:#?}");
}

// Recordings.

/// A recording of the tour, as a recorder would write it: what a person does at the panel, and what comes of it. `late` is how
/// late the hub hears of scans, in turn.
fn record(path: &Path, late: &[u64]) {
    let stage = super::stage::Stage::load(&tour()).unwrap();
    let mut rig = Rig::new(stage.settings.clone());
    let mut samples: Vec<(u64, Sample)> = Vec::new();
    let take = |rig: &mut Rig, samples: &mut Vec<(u64, Sample)>| {
        for change in rig.take_changes() {
            let by = match change.writer {
                Writer::Nobody => None,
                Writer::Plc(_) => Some("plc"),
                Writer::Route(_) => Some("route"),
                _ => Some("peer"),
            };
            let at = change.at.as_nanos();
            let late = change.scan.map_or(0, |scan| late[scan as usize % late.len()]) * 1_000_000;
            let (kind, value) = match &change.value {
                Value::Bool(bit) => ("Bool", (*bit).into()),
                Value::Int(number) => ("Int", (*number).into()),
                Value::Float(number) => ("Float", (*number).into()),
                Value::Text(text) => ("Text", text.to_string().into()),
            };
            let sample = Sample {
                name: change.name.to_string(),
                kind: String::from(kind),
                value,
                quality: Some(change.quality.word())
                    .filter(|word| *word != "good")
                    .map(String::from),
                by: by.map(String::from),
                scan: change.scan.filter(|_| by == Some("plc")),
            };
            samples.push((at + late, sample));
        }
    };
    let presses = [
        (105, "twin/hmi/Manual", true),
        (207, "twin/hmi/Stop", true),
        (311, "twin/hmi/Stop", false),
        (1_004, "twin/hmi/Start", true),
        (1_103, "twin/hmi/Start", false),
        (2_002, "twin/hmi/Stop", true),
    ];
    for (at_ms, name, pressed) in presses {
        rig.run_until(Time::from_millis(at_ms));
        take(&mut rig, &mut samples);
        rig.say(vec![Replayed {
            name: name.into(),
            value: Value::Bool(pressed),
            quality: Quality::Good,
        }]);
    }
    rig.run_until(Time::from_millis(3_000));
    take(&mut rig, &mut samples);
    samples.sort_by_key(|(at, _)| *at);
    write(path, samples);
}

fn write(path: &Path, samples: Vec<(u64, Sample)>) {
    let mut file = mcap::Writer::new(std::fs::File::create(path).unwrap()).unwrap();
    let channels: Vec<u16> = CHANNELS
        .iter()
        .map(|(topic, name, schema)| {
            let schema = file.add_schema(name, "jsonschema", schema.as_bytes()).unwrap();
            file.add_channel(schema, topic, "json", &BTreeMap::new()).unwrap()
        })
        .collect();
    let session = Session {
        format: 1,
        project: String::from("tour"),
        from_start: true,
        ..Session::default()
    };
    let metadata = mcap::records::Metadata {
        name: String::from(SESSION),
        metadata: session.to_fields(),
    };
    file.write_metadata(&metadata).unwrap();
    let mut put = |channel: u16, at: u64, generation: u64, signals: Vec<Sample>, is_last: bool| {
        let samples = Samples {
            generation,
            is_last,
            signals,
        };
        let header = mcap::records::MessageHeader {
            channel_id: channel,
            sequence: generation as u32,
            log_time: at,
            publish_time: at,
        };
        file.write_to_known_channel(&header, &serde_json::to_vec(&samples).unwrap())
            .unwrap();
    };
    put(channels[1], 0, 0, Vec::new(), true);
    for (generation, (at, sample)) in samples.into_iter().enumerate() {
        put(channels[0], at, generation as u64 + 1, vec![sample], false);
    }
    file.finish().unwrap();
}

fn wish(recording: &Path) -> Wish {
    Wish {
        recording: recording.to_owned(),
        name: Some(String::from("morning")),
        ..Wish::default()
    }
}

#[test]
fn an_accepted_recording_passes_and_a_broken_rung_makes_it_fail() {
    let folder = tour_with(&[]);
    let recording = folder.path().join("session.mcap");
    record(&recording, &[0, 1, 3, 2]);
    let made = accept(folder.path(), &wish(&recording), &Budget::default()).unwrap();
    assert_eq!(made.name, "morning");
    assert!(made.compared > 5, "{made:?}");
    let options = Options {
        repeat: 10,
        ..Options::default()
    };
    let summary = run_all(folder.path(), &options);
    assert!(summary.passed(), "{}", summary.results[0].to_text());
    assert_eq!(
        (summary.results[0].test.as_str(), summary.results[0].runs),
        ("morning", 10)
    );

    // The seal of the run request is broken: start has to be held.
    let program = folder.path().join("bottling.plcproj");
    let whole = std::fs::read_to_string(&program).unwrap();
    let broken = break_seal(&whole);
    assert_ne!(broken, whole);
    std::fs::write(&program, broken).unwrap();
    let summary = run_all(folder.path(), &Options::default());
    let text = summary.results[0].text();
    assert_eq!(summary.failed(), 1, "{text}");
    for word in [
        "RunRequest",
        "expected true, got false at 11",
        " ms, scan 1",
        "expected",
        "got",
        "▲",
        "▔",
    ] {
        assert!(text.contains(word), "{word:?} in {text}");
    }
}

/// The session of the tour that was recorded with everything that entered the hub: headset, GAMA, twin, panel.
const PUPIL: &str = "pupil-starts-the-line";

/// The tour with its recorded session as its only test, and a part of a file changed.
fn tour_changed(file: &str, from: &str, to: &str) -> Summary {
    let folder = tour_with(&[]);
    for ending in [".mcap", ".test.toml"] {
        let name = format!("tests/{PUPIL}{ending}");
        std::fs::create_dir_all(folder.path().join("tests")).unwrap();
        std::fs::copy(tour().join(&name), folder.path().join(&name)).unwrap();
    }
    let path = folder.path().join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} stands in {file}");
    std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
    let options = Options {
        repeat: 3,
        ..Options::default()
    };
    run_all(folder.path(), &options)
}

#[test]
fn a_session_that_began_with_its_hub_is_executed_again_with_a_changed_project() {
    let contact = r#"<Instruction type="XIC" column="2" address="I:0/4"/>"#;
    let passes = |summary: Summary| {
        assert!(summary.passed(), "{}", summary.results[0].to_text());
        assert_eq!(summary.results[0].runs, 3);
    };
    let fails = |summary: Summary, words: &[&str]| {
        let text = summary.results[0].text();
        assert_eq!(summary.failed(), 1, "{text}");
        for word in words {
            assert!(text.contains(word), "{word:?} in {text}");
        }
    };
    passes(tour_changed("bottling.plcproj", contact, contact));
    // A rung more, which changes something at every scan, is nobody's matter.
    let end = "      </Rungs>";
    let counts = r#"<Rung id="28" number="28"><Instruction type="ADD" column="0" sourceA="N:100" sourceB="1" dest="N:100"/></Rung>"#;
    passes(tour_changed("bottling.plcproj", end, &format!("{counts}{end}")));
    // The rung does not look at the pupil any more.
    let broken = contact.replace("I:0/4", "B:7/7");
    fails(
        tour_changed("bottling.plcproj", contact, &broken),
        &["RunRequest", "expected true, got false at 7337.", " ms, scan 731", "▲"],
    );
    // The route does not, either.
    fails(
        tour_changed("crosstie.toml", "value > 0", "value > 1"),
        &[
            "plc/line/I:0/4 Pupil: expected true, got false at",
            "7337.",
            "sim/watch/pupils_at_gate",
        ],
    );
    let broken = tour_changed("crosstie.toml", "value > 0", "value > 1");
    let text = broken.results[0].text();
    assert!(
        text.starts_with("plc/line/I:0/4"),
        "the target of the route first: {text}"
    );
}

/// The same program with the seal contact of the run request opened for good: it looks at a bit that nobody writes.
fn break_seal(program: &str) -> String {
    let at = program.find("title=\"Run request\"").expect("the rung is there");
    let (front, rest) = program.split_at(at);
    format!("{front}{}", rest.replacen("B:0/1", "B:7/7", 1))
}

#[test]
fn a_recording_that_the_project_does_not_do_is_refused_with_the_difference() {
    let folder = tour_with(&[]);
    let recording = folder.path().join("session.mcap");
    record(&recording, &[0]);
    let program = folder.path().join("bottling.plcproj");
    let broken = break_seal(&std::fs::read_to_string(&program).unwrap());
    std::fs::write(&program, broken).unwrap();
    let refused = accept(folder.path(), &wish(&recording), &Budget::default()).unwrap_err();
    assert!(matches!(refused, AcceptError::Differs(_)), "{refused}");
    assert!(refused.to_string().contains("expected true, got false"), "{refused}");
    assert_eq!(find(&Place::of(folder.path())).unwrap(), [], "nothing is left behind");
}

#[test]
fn what_is_accepted_is_not_exchanged_unnoticed() {
    let folder = tour_with(&[]);
    let recording = folder.path().join("session.mcap");
    record(&recording, &[0]);
    let only = Wish {
        signals: vec![String::from("plc/line/O:0/0")],
        ..wish(&recording)
    };
    assert_eq!(accept(folder.path(), &only, &Budget::default()).unwrap().compared, 1);
    let again = accept(folder.path(), &only, &Budget::default()).unwrap_err();
    assert!(matches!(again, AcceptError::Exists(_)), "{again}");
    let replaces = Wish { replaces: true, ..only };
    accept(folder.path(), &replaces, &Budget::default()).unwrap();
    record(&folder.path().join("tests/morning.mcap"), &[1]);
    let summary = run_all(folder.path(), &Options::default());
    assert_eq!(summary.broken(), 1);
    assert!(
        summary.results[0]
            .text()
            .contains("expected the recording that was accepted")
    );
    let none = Wish {
        signals: vec![String::from("twin/robot/**")],
        replaces: true,
        ..wish(&recording)
    };
    let refused = accept(folder.path(), &none, &Budget::default()).unwrap_err();
    assert!(refused.to_string().contains("nothing to compare"), "{refused}");
}
