//! The suites for a SIMPLE platform and for GAMA are themselves tested: a right server passes them, and every planted fault is
//! found at exactly its checks.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use crate::practice_gama::Gama as PracticeGama;
use crate::support::{TestHub, eventually};
use crate::wrong_gama::{EXPERIMENT, GamaFault, MODEL, WrongGama};
use crate::wrong_platform::{Fault, WrongPlatform};
use crosstie_server::conform::{self, GamaFlavour, GamaOptions, Outcome, Platform, Report, SimpleOptions};
use crosstie_server::practice::gama::{Flavour, Options as PracticeOptions};
use futures_util::StreamExt;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::block_in_place;

/// Faulty servers that are tested side by side. They mostly wait, so more of them than cores are good.
const SIDE_BY_SIDE: usize = 8;

/// The checks of which one claim is, or all.
fn options(broken: &[&'static str]) -> SimpleOptions {
    SimpleOptions {
        only: claims(broken),
        limit: Duration::from_secs(5),
        ..SimpleOptions::default()
    }
}

fn claims(broken: &[&'static str]) -> Vec<String> {
    let claims: BTreeSet<&str> = broken.iter().filter_map(|id| id.split('.').next()).collect();
    claims.into_iter().map(str::to_owned).collect()
}

fn gama_options(is_gui: bool, broken: &[&'static str]) -> GamaOptions {
    GamaOptions {
        only: claims(broken),
        limit: Duration::from_secs(2),
        model: MODEL.to_owned(),
        experiment: EXPERIMENT.to_owned(),
        flavour: Some(match is_gui {
            true => GamaFlavour::Gui,
            false => GamaFlavour::Headless,
        }),
        ..GamaOptions::default()
    }
}

fn ids(report: &Report, is_it: impl Fn(&Outcome) -> bool) -> Vec<&'static str> {
    let checks = report.checks.iter().filter(|check| is_it(&check.outcome));
    checks.map(|check| check.id).collect()
}

fn failed(report: &Report) -> Vec<&'static str> {
    ids(report, |outcome| matches!(outcome, Outcome::Failed { .. }))
}

fn skipped(report: &Report) -> Vec<&'static str> {
    ids(report, |outcome| matches!(outcome, Outcome::Skipped { .. }))
}

/// A platform with the place where it looks for GAMA.
async fn platform(fault: Option<Fault>) -> (WrongPlatform, TcpListener) {
    let stage = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let platform = WrongPlatform::start(fault, stage.local_addr().unwrap()).await;
    (platform, stage)
}

async fn monitor_report(fault: Option<Fault>, broken: &[&'static str]) -> Report {
    let (platform, stage) = platform(fault).await;
    let parts = Platform {
        monitor: Some(platform.monitor.clone()),
        headset: Some(platform.headset.clone()),
        gama: Some(stage),
    };
    conform::monitor(parts, &options(broken)).await
}

async fn headset_report(fault: Option<Fault>, broken: &[&'static str]) -> Report {
    let (platform, stage) = platform(fault).await;
    let parts = Platform {
        monitor: Some(platform.monitor.clone()),
        headset: Some(platform.headset.clone()),
        gama: Some(stage),
    };
    conform::headset(parts, &options(broken)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_platform_passes_every_check_of_the_monitor_port() {
    let report = monitor_report(None, &[]).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(skipped(&report), ["SI-20.stuck"], "{}", report.to_text());
    assert_eq!(report.checks.len(), conform::monitor_checks().count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_platform_passes_every_check_of_the_headset_port() {
    let report = headset_report(None, &[]).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(skipped(&report), ["SI-31.by-address"], "{}", report.to_text());
    assert_eq!(report.checks.len(), conform::headset_checks().count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_knows_headsets_by_their_address_passes_too() {
    let report = headset_report(Some(Fault::KeyedByAddress), &["SI-30.all", "SI-31.all", "SI-36.all"]).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(
        skipped(&report),
        ["SI-31.takeover", "SI-31.refused"],
        "{}",
        report.to_text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_of_a_monitor_port_is_found_at_its_checks() {
    let missed: Vec<String> = futures_util::stream::iter(Fault::OF_MONITORS)
        .map(|(fault, broken)| async move {
            let report = monitor_report(Some(*fault), broken).await;
            (failed(&report) != *broken).then(|| format!("{fault:?} should fail {broken:?}:\n{}", report.to_text()))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|missed| async move { missed })
        .collect()
        .await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_of_a_headset_port_is_found_at_its_checks() {
    let missed: Vec<String> = futures_util::stream::iter(Fault::OF_HEADSETS)
        .map(|(fault, broken)| async move {
            let report = headset_report(Some(*fault), broken).await;
            (failed(&report) != *broken).then(|| format!("{fault:?} should fail {broken:?}:\n{}", report.to_text()))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|missed| async move { missed })
        .collect()
        .await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_check_of_a_platform_has_a_planted_fault() {
    let planted = |faults: &'static [(Fault, &'static [&'static str])]| -> BTreeSet<&str> {
        faults.iter().flat_map(|(_, broken)| *broken).copied().collect()
    };
    // A port that cannot be reached stands for the first of each; a stop that waits takes 10 s.
    let without = ["SI-10.reached", "SI-30.reached", "SI-20.stuck"];
    let monitors = planted(Fault::OF_MONITORS);
    for (id, ..) in conform::monitor_checks() {
        assert!(
            monitors.contains(id) || without.contains(&id),
            "{id} was never seen to fail"
        );
    }
    let headsets = planted(Fault::OF_HEADSETS);
    for (id, ..) in conform::headset_checks() {
        assert!(
            headsets.contains(id) || without.contains(&id),
            "{id} was never seen to fail"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_that_dies_is_noticed_and_named() {
    for report in [
        monitor_report(Some(Fault::DiesOnBadJson), &["SI-4.malformed", "SI-22.echo"]).await,
        headset_report(Some(Fault::DiesOnBadJson), &["SI-4.malformed", "SI-32.pong"]).await,
    ] {
        let text = report.to_text();
        assert!(text.contains("the platform has died"), "{text}");
        assert!(text.contains("the platform is gone since SI-4.malformed"), "{text}");
        assert_eq!(failed(&report), ["SI-4.malformed"], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_given_is_not_tried_and_the_reason_is_told() {
    let (platform, _stage) = platform(None).await;
    let parts = |monitor: bool| Platform {
        monitor: monitor.then(|| platform.monitor.clone()),
        headset: (!monitor).then(|| platform.headset.clone()),
        gama: None,
    };
    let report = conform::monitor(parts(true), &options(&[])).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert!(report.to_text().contains("--gama-port PORT"), "{}", report.to_text());
    assert!(
        report.to_text().contains("--headset ws://HOST:8080/"),
        "{}",
        report.to_text()
    );
    let report = conform::headset(parts(false), &options(&[])).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert!(
        report.to_text().contains("--monitor ws://HOST:8001/"),
        "{}",
        report.to_text()
    );
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_a_report_and_no_panic() {
    // Port 1 on loopback: nobody listens there.
    let nowhere = || Some("ws://127.0.0.1:1/".to_owned());
    let parts = |monitor, headset| Platform {
        monitor,
        headset,
        gama: None,
    };
    let report = conform::monitor(parts(nowhere(), None), &options(&[])).await;
    assert_eq!((report.exit_code(), failed(&report)), (1, vec!["SI-10.reached"]));
    let report = conform::headset(parts(None, nowhere()), &options(&[])).await;
    assert_eq!((report.exit_code(), failed(&report)), (1, vec!["SI-30.reached"]));
    let report = conform::gama("ws://127.0.0.1:1/", &gama_options(true, &[])).await;
    assert_eq!((report.exit_code(), failed(&report)), (1, vec!["GA-1.greeting"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_gama_passes_every_check_in_both_flavours() {
    for is_gui in [true, false] {
        let server = WrongGama::start(is_gui, None).await;
        // Which GAMA it is, the suite finds out.
        let options = GamaOptions {
            flavour: None,
            ..gama_options(is_gui, &[])
        };
        let report = conform::gama(&server.url, &options).await;
        assert_eq!(report.exit_code(), 0, "{}", report.to_text());
        let others: &[&str] = match is_gui {
            true => &["GA-1.ping", "GA-6.silent", "GA-6.ids", "GA-6.unknown"],
            false => &["GA-1.ping", "GA-5.states", "GA-5.changes"],
        };
        assert_eq!(skipped(&report), others, "{}", report.to_text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_of_a_gama_is_found_at_its_checks() {
    let missed: Vec<String> = futures_util::stream::iter(GamaFault::ALL)
        .map(|(fault, is_gui, broken)| async move {
            let server = WrongGama::start(*is_gui, Some(*fault)).await;
            let report = conform::gama(&server.url, &gama_options(*is_gui, broken)).await;
            (failed(&report) != *broken).then(|| format!("{fault:?} should fail {broken:?}:\n{}", report.to_text()))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|missed| async move { missed })
        .collect()
        .await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_check_of_a_gama_has_a_planted_fault() {
    let planted: BTreeSet<&str> = GamaFault::ALL
        .iter()
        .flat_map(|(.., broken)| *broken)
        .copied()
        .collect();
    // A WebSocket library that answers no ping cannot be planted; a ping of the server takes 10 s.
    let without = ["GA-1.pong", "GA-1.ping"];
    for (id, ..) in conform::gama_checks() {
        assert!(
            planted.contains(id) || without.contains(&id),
            "{id} was never seen to fail"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gama_that_dies_is_noticed_and_named() {
    let server = WrongGama::start(true, Some(GamaFault::DiesOnBadJson)).await;
    let report = conform::gama(&server.url, &gama_options(true, &["GA-8.malformed", "GA-12.step"])).await;
    let text = report.to_text();
    assert_eq!(failed(&report), ["GA-8.malformed"], "{text}");
    assert!(text.contains("the server has died"), "{text}");
    assert!(text.contains("the server is gone since GA-8.malformed"), "{text}");
}

/// A hub with a class, a lesson of three models, and GAMA looked for at `gama`.
fn class(gama: u16, settings: &str) -> TestHub {
    let folder = tempfile::tempdir().unwrap();
    let lesson = folder.path().join("learning-packages/lesson");
    std::fs::create_dir_all(&lesson).unwrap();
    let model = |name: &str, most: u8| {
        serde_json::json!({"type": "json_settings", "name": name, "model_file_path": format!("{name}.gaml"),
            "experiment_name": "vr_xp", "minimal_players": "0", "maximal_players": most.to_string()})
    };
    let settings_json = serde_json::json!({"type": "catalog", "name": "Lesson", "entries": [
        model("Small", 1), {"type": "catalog", "name": "Inner", "entries": [model("Flood", 60)]}, model("Deep", 9)]});
    std::fs::write(lesson.join("settings.json"), settings_json.to_string()).unwrap();
    for name in ["Small", "Flood", "Deep"] {
        std::fs::write(lesson.join(format!("{name}.gaml")), "model conform").unwrap();
    }
    let project = format!(
        "[web]\nport = 0\n[classroom]\n{settings}\n[monitor]\nport = 0\n[headset]\nport = 0\n[gama]\nhost = \"127.0.0.1\"\nport = {gama}\n"
    );
    std::fs::write(folder.path().join("crosstie.toml"), project).unwrap();
    let hub = TestHub::start_in(folder, |_| {}).unwrap();
    // A hub that has just started may not have read its packages.
    eventually("the lesson is read", || {
        hub.get("/api/v1/classroom/catalog").to_string().contains("Small")
    });
    hub
}

/// Our own platform under one of the suites; `settings` are lines of its `[classroom]`.
async fn hub_report(settings: &str, is_monitor: bool) -> Report {
    let stage = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = stage.local_addr().unwrap().port();
    let hub = block_in_place(|| class(port, settings));
    let parts = Platform {
        monitor: Some(format!("ws://{}/", hub.monitor())),
        headset: Some(format!("ws://{}/", hub.headset())),
        gama: Some(stage),
    };
    let report = match is_monitor {
        true => conform::monitor(parts, &options(&[])).await,
        false => conform::headset(parts, &options(&[])).await,
    };
    block_in_place(|| hub.stop());
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_platform_passes_every_check_of_the_monitor_port() {
    let report = hub_report("", true).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(skipped(&report), ["SI-20.stuck"], "{}", report.to_text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_platform_passes_every_check_of_the_headset_port() {
    let report = hub_report("", false).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(skipped(&report), ["SI-31.by-address"], "{}", report.to_text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_platform_passes_with_every_other_setting_too() {
    let settings = "player_key = \"address\"\naggressive_disconnect = true\ncontent_error_format = \"text\"\ncatalog_encoding = \"array\"";
    for is_monitor in [true, false] {
        let report = hub_report(settings, is_monitor).await;
        assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_platform_without_gama_passes_what_needs_none() {
    let hub = block_in_place(|| class(1, "gamaless = true"));
    let parts = Platform {
        monitor: Some(format!("ws://{}/", hub.monitor())),
        headset: Some(format!("ws://{}/", hub.headset())),
        gama: None,
    };
    let report = conform::monitor(parts, &options(&[])).await;
    block_in_place(|| hub.stop());
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert!(
        report.to_text().contains("the platform works without GAMA"),
        "{}",
        report.to_text()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_practice_gama_passes_every_check_in_both_flavours() {
    for flavour in [Flavour::Gui, Flavour::Headless] {
        let server = block_in_place(|| {
            PracticeGama::start(PracticeOptions {
                flavour,
                ..PracticeOptions::default()
            })
        });
        let options = GamaOptions {
            flavour: None,
            model: server.model().display().to_string(),
            ..gama_options(true, &[])
        };
        let report = conform::gama(&format!("ws://{}/", server.address), &options).await;
        block_in_place(|| drop(server));
        assert_eq!(report.exit_code(), 0, "{}", report.to_text());
        let flavoured = |id: &&str| !id.starts_with("GA-5") && !id.starts_with("GA-6");
        let others: Vec<&str> = skipped(&report).into_iter().filter(flavoured).collect();
        assert_eq!(others, ["GA-1.ping"], "{}", report.to_text());
    }
}
