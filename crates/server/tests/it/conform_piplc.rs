//! The PiPLC suite is itself tested: a right server passes it, and every planted fault is found at its checks.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use crate::cli::{check, word};
use crate::support::TestHub;
use crate::wrong_engine::{Fault, WrongEngine};
use crosstie_server::conform::{self, Outcome, PiplcOptions, Report};
use crosstie_wire::piplc::Dialect;
use futures_util::StreamExt;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::block_in_place;

/// Faulty servers that are tested side by side. They mostly wait, so more of them than cores are good.
const SIDE_BY_SIDE: usize = 8;

/// What a client of the first generation cannot check, and what takes half a minute.
const WITHOUT_V01: &[&str] = &[
    "PL-5.answered",
    "PL-7.ping",
    "PL-15.two",
    "PL-16.members",
    "PL-16.refused",
];

fn options(only: Option<&str>) -> PiplcOptions {
    PiplcOptions {
        only: only.map(str::to_owned).into_iter().collect(),
        limit: Duration::from_secs(3),
        check_limit: Duration::from_secs(20),
        write: true,
        ..PiplcOptions::default()
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_engine_passes_every_check() {
    let server = WrongEngine::start(None).await;
    let report = conform::piplc(&server.url, &options(None)).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(skipped(&report), ["PL-7.ping"], "{}", report.to_text());
    assert_eq!(report.checks.len(), conform::piplc_checks().count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_engine_passes_every_check_of_the_first_generation() {
    let server = WrongEngine::start(None).await;
    let options = PiplcOptions {
        dialect: Some(Dialect::V01),
        ..options(None)
    };
    let report = conform::piplc(&server.url, &options).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(skipped(&report), WITHOUT_V01, "{}", report.to_text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_of_an_engine_is_found_at_its_checks() {
    let missed: Vec<String> = futures_util::stream::iter(Fault::ALL)
        .map(|(fault, broken)| async move {
            let claim = broken[0].split_once('.').map(|(claim, _)| claim);
            let server = WrongEngine::start(Some(*fault)).await;
            let report = conform::piplc(&server.url, &options(claim)).await;
            (failed(&report) != *broken).then(|| format!("{fault:?} should fail {broken:?}:\n{}", report.to_text()))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|missed| async move { missed })
        .collect()
        .await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_check_of_an_engine_has_a_planted_fault() {
    let planted: BTreeSet<&str> = Fault::ALL.iter().flat_map(|(_, broken)| *broken).copied().collect();
    // A server that cannot be reached stands for the first; the second takes half a minute.
    let without = ["PL-1.reached", "PL-7.ping"];
    for (id, ..) in conform::piplc_checks() {
        assert!(
            planted.contains(id) || without.contains(&id),
            "{id} was never seen to fail"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_write_nothing_is_changed() {
    let server = WrongEngine::start(None).await;
    let options = PiplcOptions {
        write: false,
        ..options(None)
    };
    let before = server.told();
    let report = conform::piplc(&server.url, &options).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(server.told(), before);
    assert_eq!(server.changes(), 0, "{}", report.to_text());
    let passed = report.summary().passed;
    assert!(passed >= 25, "{passed} checks were made: {}", report.to_text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contexts_and_routes_are_left_as_they_were_found() {
    let server = WrongEngine::start(None).await;
    server.give_a_route();
    let before = server.told();
    let report = conform::piplc(&server.url, &options(Some("PL-20"))).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(server.told(), before);
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_a_report_and_no_panic() {
    // Port 1 on loopback: nobody listens there.
    let report = conform::piplc("ws://127.0.0.1:1/?key=secret", &options(None)).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(failed(&report), ["PL-1.reached"]);
    assert_eq!(report.checks.len(), 1);
    let told = format!("{}{}{}", report.to_text(), report.to_json(), report.to_junit());
    assert!(!told.contains("secret"), "{told}");
}

#[test]
fn a_claim_or_check_of_engines_that_is_none_is_told() {
    for only in ["PL-15", "pl-15.FIRST", "PL-1"] {
        assert!(options(Some(only)).unknown().is_empty(), "{only}");
    }
    for only in ["PL-15.", "RV-1", ""] {
        assert_eq!(options(Some(only)).unknown(), [only]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_verb_reports_in_every_form_and_by_its_exit_code() {
    let right = WrongEngine::start(None).await;
    let wrong = WrongEngine::start(Some(Fault::SeqZeroWhenMissing)).await;
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("report.xml");
    block_in_place(|| {
        let only = ["--only", "PL-4.seq"];
        let run = |arguments: &[&str], exit_code, stdout: &str| {
            check(
                &[&["conform", "piplc"], arguments, &only].concat(),
                exit_code,
                stdout,
                "",
            );
        };
        run(
            &[&right.url, "--dialect", "0.1", "--junit", word(&junit)],
            0,
            "PiPLC conformance of ws://",
        );
        run(&[&wrong.url], 1, "FAILED   PL-4.seq");
        run(&[&wrong.url, "--json"], 1, "\"failed\":1");
        check(
            &["conform", "piplc", &right.url, "--only", "PL-30"],
            2,
            "ask for it with --write",
            "",
        );
        check(
            &["conform", "piplc", &right.url, "--write", "--only", "PL-30.stop"],
            0,
            "1 passed",
            "",
        );
        check(
            &["conform", "piplc", &right.url, "--only", "RV-4"],
            2,
            "",
            "no claim or check has this name",
        );
    });
    let report = std::fs::read_to_string(&junit).unwrap();
    assert!(
        report.contains("name=\"PL-4.seq\"") && report.contains("testsuite name=\"PiPLC\""),
        "{report}"
    );
}

async fn our_hub_passes(dialect: Dialect, left_out: &[&str]) {
    let hub = block_in_place(|| TestHub::start("[web]\nport = 0\n[piplc]\nport = 0\n[[plc]]\nname = \"line\"\n"));
    let url = format!("ws://{}/", hub.piplc());
    let options = PiplcOptions {
        limit: Duration::from_secs(5),
        dialect: Some(dialect),
        ..options(None)
    };
    let report = conform::piplc(&url, &options).await;
    block_in_place(|| hub.stop());
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(skipped(&report), left_out, "{}", report.to_text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_engines_pass_every_check() {
    our_hub_passes(Dialect::V02, &["PL-7.ping"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_engines_pass_every_check_of_the_first_generation() {
    our_hub_passes(Dialect::V01, WITHOUT_V01).await;
}
