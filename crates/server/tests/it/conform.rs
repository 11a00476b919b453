//! The conformance suite is itself tested: a right server passes it, and every planted fault is found at its claim.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use crate::support::TestHub;
use crate::wrong_client::{ClientFault, WrongClient};
use crate::wrong_server::{Fault, WrongServer};
use crosstie_server::conform::{self, Catalog, ClientOptions, Options, Outcome, Pauses, Report};
use crosstie_server::practice::twin;
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::block_in_place;
use tokio_tungstenite::tungstenite::Message;

/// Faulty servers that are tested side by side. They mostly wait, so more of them than cores are good.
const SIDE_BY_SIDE: usize = 6;

fn options(only: Option<&str>) -> Options {
    Options {
        only: only.map(str::to_owned).into_iter().collect(),
        limit: Duration::from_secs(3),
        ..Options::default()
    }
}

fn failures(report: &Report) -> Vec<&conform::Check> {
    report
        .checks
        .iter()
        .filter(|check| matches!(check.outcome, Outcome::Failed { .. }))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_server_passes_every_check() {
    let server = WrongServer::start(None).await;
    let report = conform::realvirtual(&server.url, &Options::default()).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    let skipped = report
        .checks
        .iter()
        .filter(|check| matches!(check.outcome, Outcome::Skipped { .. }));
    assert_eq!(
        skipped.map(|check| check.id).collect::<Vec<_>>(),
        ["RV-21.push"],
        "{}",
        report.to_text()
    );
    assert_eq!(report.checks.len(), conform::realvirtual_checks().count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_is_found_at_its_claim() {
    let missed: Vec<String> = futures_util::stream::iter(Fault::ALL)
        .map(|(fault, claim)| async move {
            let server = WrongServer::start(Some(*fault)).await;
            let report = conform::realvirtual(&server.url, &options(Some(claim))).await;
            let failures = failures(&report);
            let found = !failures.is_empty() && failures.iter().all(|check| check.claim == *claim);
            (!found).then(|| format!("{fault:?} should fail {claim}:\n{}", report.to_text()))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|missed| async move { missed })
        .collect()
        .await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_somebody_else_begins_to_move_is_given_up() {
    let server = WrongServer::start(None).await;
    let process = tokio::spawn(move_mode(server.url.clone()));
    let report = conform::realvirtual(&server.url, &options(Some("RV-13"))).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert!(
        !process.is_finished(),
        "the process should have moved its signal to the end"
    );
    process.abort();
}

/// A process that stands still while the suite chooses its signals and then writes one of them without end.
async fn move_mode(url: String) {
    /// More changes than the suite makes to choose a signal.
    const STILL_FOR: usize = 10;
    let (mut socket, _) = tokio_tungstenite::connect_async(&url).await.unwrap();
    let subscribe = r#"{"type":"subscribe","version":2,"subscribe":["ModeIn"]}"#;
    crate::nasty::ask(&mut socket, subscribe, "snapshot").await;
    let mut changes = 0;
    let mut cycle = tokio::time::interval(Duration::from_millis(10));
    for mode in 500_000.. {
        while changes <= STILL_FOR {
            changes += usize::from(socket.next().await.unwrap().unwrap().is_text());
        }
        cycle.tick().await;
        let write = format!(r#"{{"type":"data","version":2,"signals":{{"ModeIn":{mode}}}}}"#);
        socket.send(Message::text(write)).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_report_and_no_panic() {
    // Port 1 on loopback: nobody listens there.
    let report = conform::realvirtual("ws://127.0.0.1:1/", &options(None)).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(
        failures(&report).iter().map(|check| check.id).collect::<Vec<_>>(),
        ["RV-2.reached"]
    );
    assert_eq!(report.checks.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_left_as_it_was_found() {
    let server = WrongServer::start(None).await;
    let report = conform::realvirtual(&server.url, &options(Some("RV-43"))).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    let (mut socket, _) = tokio_tungstenite::connect_async(&server.url).await.unwrap();
    let answer = crate::nasty::ask(&mut socket, r#"{"type":"import_request","version":2}"#, "import_answer").await;
    for (name, initial) in [
        ("StartIn", "false"),
        ("SetpointIn", "1.5"),
        ("ModeIn", "7"),
        ("LabelIn", "\"\""),
    ] {
        assert_eq!(answer["signals"][name].to_string(), initial, "{name}");
    }
}

#[test]
fn a_claim_or_check_that_is_none_is_told() {
    for only in ["RV-13", "rv-13.echo", "RV-2"] {
        assert!(options(Some(only)).unknown().is_empty(), "{only}");
    }
    for only in ["RV-1.", "RV-99", ""] {
        assert_eq!(options(Some(only)).unknown(), [only]);
    }
    assert!(options(None).unknown().is_empty());
}

#[test]
fn every_checked_claim_has_a_planted_fault() {
    let planted: BTreeSet<&str> = Fault::ALL.iter().map(|(_, claim)| *claim).collect();
    // A server that cannot be reached stands for RV-2; a WebSocket library that answers no ping cannot be planted (RV-53).
    let without = ["RV-2", "RV-53"];
    for (id, claim, _) in conform::realvirtual_checks() {
        assert!(
            planted.contains(claim) || without.contains(&claim),
            "{id} was never seen to fail"
        );
    }
}

/// What the clients of the tests are told to ask for.
const TARGET: &str = "/line?room=secret";

fn client_options(only: Option<&str>) -> ClientOptions {
    ClientOptions {
        only: only.map(str::to_owned).into_iter().collect(),
        wait: Duration::from_secs(5),
        limit: Duration::from_secs(3),
        slow: true,
        path: Some(TARGET.to_owned()),
        pauses: Pauses {
            no_answer: Duration::from_millis(1_200),
            keep_alive: Duration::from_millis(1_000),
            half_open: Duration::from_secs(3),
            silence: Duration::from_millis(1_500),
            shut: Duration::from_millis(700),
            pace: Duration::from_millis(1_500),
        },
        ..ClientOptions::default()
    }
}

/// The report about a client with this fault.
async fn report_of(fault: Option<ClientFault>, options: &ClientOptions) -> Report {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let _client = WrongClient::start(listener.local_addr().unwrap().port(), TARGET, fault);
    conform::listen(listener, options).await
}

fn skipped_ids(report: &Report) -> Vec<&'static str> {
    report
        .checks
        .iter()
        .filter(|check| matches!(check.outcome, Outcome::Skipped { .. }))
        .map(|check| check.id)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_client_passes_every_check() {
    let report = report_of(None, &client_options(None)).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
    assert_eq!(skipped_ids(&report), ["RV-35.commands"], "{}", report.to_text());
    assert_eq!(report.checks.len(), conform::realvirtual_client_checks().count());
    assert!(report.url.ends_with("/line?room=…"), "{}", report.url);
    assert!(!report.to_json().contains("secret"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_fault_of_a_client_is_found_at_its_check() {
    let missed: Vec<String> = futures_util::stream::iter(ClientFault::ALL)
        .map(|(fault, id)| async move {
            let claim = id.split_once('.').unwrap().0;
            let report = report_of(Some(*fault), &client_options(Some(claim))).await;
            let failures = failures(&report);
            let found =
                failures.iter().any(|check| check.id == *id) && failures.iter().all(|check| check.claim == claim);
            (!found).then(|| format!("{fault:?} should fail {id}:\n{}", report.to_text()))
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|missed| async move { missed })
        .collect()
        .await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn every_check_of_a_client_has_a_planted_fault() {
    let planted: BTreeSet<&str> = ClientFault::ALL.iter().map(|(_, id)| *id).collect();
    for (id, _, _) in conform::realvirtual_client_checks() {
        // The commands of a client cannot be seen from outside.
        assert!(
            planted.contains(id) || id == "RV-35.commands",
            "{id} was never seen to fail"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stays_away_is_named_and_the_rest_is_skipped_for_it() {
    let options = client_options(Some("RV-50"));
    let options = ClientOptions {
        only: vec!["RV-50".to_owned(), "RV-1".to_owned()],
        wait: Duration::from_secs(1),
        ..options
    };
    let report = report_of(Some(ClientFault::StaysAway), &options).await;
    let failed: Vec<&str> = failures(&report).iter().map(|check| check.id).collect();
    assert_eq!(failed, ["RV-33.comes-back"], "{}", report.to_text());
    assert_eq!(
        skipped_ids(&report),
        ["RV-50.malformed", "RV-50.binary", "RV-50.objects"],
        "{}",
        report.to_text()
    );
    for check in &report.checks {
        if let Outcome::Skipped { why } = &check.outcome {
            assert!(why.contains("RV-33.comes-back"), "{why}");
        }
    }
}

#[tokio::test]
async fn a_client_that_never_comes_is_a_report_and_no_panic() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let options = ClientOptions {
        wait: Duration::from_millis(50),
        ..ClientOptions::default()
    };
    let report = conform::listen(listener, &options).await;
    assert_eq!(report.exit_code(), 1);
    assert_eq!(
        report.checks.iter().map(|check| check.id).collect::<Vec<_>>(),
        ["RV-30.reached"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_practice_twin_keeps_the_client_role() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}{TARGET}", listener.local_addr().unwrap());
    let twin = tokio::spawn(twin::run(twin::Options {
        url,
        quiet: true,
        ..twin::Options::default()
    }));
    let options = ClientOptions {
        slow: false,
        wait: Duration::from_secs(15),
        ..client_options(None)
    };
    let report = conform::listen(listener, &options).await;
    twin.abort();
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
}

/// A hub whose link is pointed at the suite, and comes back sooner than a project may ask for.
fn linked_hub(port: u16) -> TestHub {
    let project = format!(
        "[web]\nport = 0\n\n[[realvirtual]]\nname = \"far\"\nrole = \"client\"\nport = {port}\npath = \"{TARGET}\"\nauto_register = true\n"
    );
    let hub = TestHub::try_start_with(&project, |config| {
        config.endpoints[0].link.settings.reconnect_interval = Duration::from_millis(100);
    });
    hub.expect("a hub without listening endpoints starts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_client_role_passes_every_check() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hub = block_in_place(|| linked_hub(port));
    let options = ClientOptions {
        slow: false,
        ..client_options(None)
    };
    let report = conform::listen(listener, &options).await;
    block_in_place(|| hub.stop());
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_served_the_catalog_that_was_given() {
    let text = r#"{"signals":{"SpeedOut":1.5,"SetpointIn":2.5},"signalTypes":{"SpeedOut":"PLCOutputFloat","SetpointIn":"PLCInputFloat"}}"#;
    let options = ClientOptions {
        catalog: Some(Catalog::from_json(text).unwrap()),
        ..client_options(Some("RV-31"))
    };
    let report = report_of(None, &options).await;
    assert_eq!(report.exit_code(), 0, "{}", report.to_text());
}

#[test]
fn a_claim_or_check_of_clients_that_is_none_is_told() {
    assert!(client_options(Some("rv-33.RESET")).unknown().is_empty());
    assert!(client_options(Some("RV-33.comes-back")).unknown().is_empty());
    assert_eq!(client_options(Some("RV-13")).unknown(), ["RV-13"]);
}
