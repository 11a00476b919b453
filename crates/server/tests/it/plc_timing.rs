//! Scan threads in real time: what they ask of the system, how late they begin, and how the hub shows it.

use crate::cli::crosstie;
use crate::support::{TestHub, eventually};
use serde_json::{Value, json};

const CONTEXT: &str = "/api/v1/plc/contexts/line";

/// A hub with one context that scans as often as it may.
fn hub(keys: &str) -> TestHub {
    let folder = tempfile::tempdir().expect("a folder for a test");
    let project = format!(
        "[web]\nport = 0\n[[plc]]\nname = \"line\"\nprogram = \"line.ladder\"\nscan_time_ms = 0.5\nautostart = true\n{keys}"
    );
    for (name, text) in [
        ("crosstie.toml", project.as_str()),
        ("line.ladder", "SOR XIC I:0/0 OTE O:0/0 EOR\n"),
    ] {
        std::fs::write(folder.path().join(name), text).expect("the folder takes a file");
    }
    TestHub::start_in(folder, |_| {}).expect("the hub of a test starts")
}

fn context(hub: &TestHub) -> Value {
    hub.get(CONTEXT)["context"].take()
}

fn counted(row: &Value) -> u64 {
    let buckets = row["scan"]["lateness"]["buckets"]
        .as_array()
        .expect("buckets are a list");
    buckets.iter().filter_map(|bucket| bucket["count"].as_u64()).sum()
}

#[test]
fn every_scan_is_in_the_histogram_of_the_api_and_of_the_metrics() {
    let hub = hub("");
    eventually("it scans", || context(&hub)["scan"]["count"].as_u64() > Some(200));
    let (status, _) = hub.http(
        "POST",
        &format!("{CONTEXT}/command"),
        &json!({"command": "stop"}).to_string(),
    );
    assert_eq!(status, 200);
    let row = context(&hub);
    let (scan, lateness) = (&row["scan"], &row["scan"]["lateness"]);
    assert_eq!(Some(counted(&row)), scan["count"].as_u64(), "{row:#}");
    assert!(lateness["p50_us"].as_u64() <= lateness["p99_us"].as_u64(), "{lateness}");
    assert_eq!(
        lateness["buckets"].as_array().and_then(|all| all.last()).unwrap()["le_us"],
        Value::Null
    );
    assert_eq!(
        row["realtime"],
        json!({"priority": null, "cpu": null, "spin": false, "locked_memory": false, "denied": []})
    );
    let Value::String(page) = hub.get("/metrics") else {
        panic!("metrics are text")
    };
    let sample = |name: &str| {
        let line = page.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no {name} in {page}"))
            .rsplit(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    let count = scan["count"].to_string();
    assert_eq!(
        sample("crosstie_plc_lateness_seconds_bucket{context=\"line\",le=\"+Inf\"}"),
        count
    );
    assert_eq!(sample("crosstie_plc_lateness_seconds_count{context=\"line\"}"), count);
    assert!(
        sample("crosstie_plc_lateness_seconds_sum{context=\"line\"}")
            .parse::<f64>()
            .is_ok()
    );
    let first: u64 = sample("crosstie_plc_lateness_seconds_bucket{context=\"line\",le=\"0.000001\"}")
        .parse()
        .unwrap();
    assert_eq!(lateness["buckets"][0], json!({"le_us": 1, "count": first}));
    assert_eq!(
        sample("crosstie_plc_missed_scans_total{context=\"line\"}"),
        scan["missed"].to_string()
    );

    let (status, _) = hub.http(
        "POST",
        &format!("{CONTEXT}/command"),
        &json!({"command": "reset"}).to_string(),
    );
    assert_eq!(status, 200);
    let row = context(&hub);
    assert_eq!((counted(&row), &row["scan"]["missed"]), (0, &json!(0)));
    assert_eq!(row["scan"]["lateness"]["p99_us"], Value::Null);
}

#[test]
fn what_is_asked_for_is_granted_or_said() {
    let hub = hub("priority = 20\ncpu = 1023\n");
    // No machine of ours has so many CPUs; a priority is permitted on some and not on others.
    eventually("its thread tells how it runs", || {
        context(&hub)["realtime"]["denied"] != json!([])
    });
    let row = context(&hub);
    let realtime = &row["realtime"];
    let denied: Vec<&str> = realtime["denied"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(denied.last(), Some(&"no CPU 1023: not there, or not for this process"));
    assert_eq!(realtime["cpu"], Value::Null);
    match realtime["priority"].as_u64() {
        Some(priority) => assert_eq!((priority, denied.len()), (20, 1)),
        None => assert_eq!(denied[0], "no real-time priority 20: not permitted"),
    }
    let health = hub.get("/api/v1/health");
    let problems = health["problems"].as_array().expect("problems are a list");
    let said = problems
        .iter()
        .filter(|problem| problem["id"] == "plc:line:realtime")
        .count();
    assert_eq!(said, 1, "{problems:#?}");
    eventually("it scans all the same", || {
        context(&hub)["scan"]["count"].as_u64() > Some(50)
    });
}

#[test]
fn a_trial_of_several_plcs_counts_scans_snapshots_and_memory() {
    let arguments = [
        "bench",
        "plc",
        "--contexts",
        "2",
        "--clients",
        "4",
        "--secs",
        "2",
        "--scan-ms",
        "5",
        "--json",
    ];
    // Whether this machine is fast enough now is not the question, so it may end with 1.
    let output = crosstie(&arguments);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_eq!(report["sequence_gaps"], 0, "{report:#}");
    for figure in ["scans", "snapshots", "snapshots_min"] {
        assert!(report[figure].as_u64() > Some(0), "{figure}: {report:#}");
    }
    assert_eq!(
        [&report["contexts"], &report["clients"], &report["denied"]],
        [&json!(2), &json!(4), &json!([])]
    );
}
