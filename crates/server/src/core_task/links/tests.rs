//! Dials on behalf of a hub, against a listener of our own with TLS and against nobody.

use super::*;
use crate::config::{EndpointConfig, Overrides, TlsConfig};
use crate::keys::Gate;
use crate::listener::{self, ProtocolPort};
use crate::sink::{Sent, Sink};
use bytes::Bytes;
use crosstie_wire::{frame, realvirtual};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long anything may take before a test fails.
const LIMIT: Duration = Duration::from_secs(20);

/// What reaches the hub behind a door, in order.
struct Events {
    door: Door,
    waiting: VecDeque<Event>,
}

impl Events {
    fn new() -> Events {
        Events {
            door: Door::new(),
            waiting: VecDeque::new(),
        }
    }

    async fn next(&mut self) -> Event {
        if self.waiting.is_empty() {
            let (door, mut events) = (self.door.clone(), VecDeque::new());
            let taken = tokio::task::spawn_blocking(move || {
                door.take(Some(Instant::now() + LIMIT), &mut events);
                events
            });
            self.waiting = taken.await.unwrap();
        }
        self.waiting.pop_front().expect("something happens within the limit")
    }

    async fn connected(&mut self) -> (Face, String, Arc<Sink>) {
        match self.next().await {
            Event::Connected { face, path, sink, .. } => (face, path, sink),
            other => panic!("a connection was expected: {other:?}"),
        }
    }

    async fn input(&mut self) -> Input {
        match self.next().await {
            Event::Input(input) => input,
            other => panic!("an input was expected: {other:?}"),
        }
    }
}

fn config(folder: &Path) -> Config {
    let text = "[project]\nname = \"test\"\n";
    std::fs::write(folder.join("crosstie.toml"), text).unwrap();
    crate::config::load(folder, &Overrides::default()).config.unwrap()
}

fn client(port: u16) -> EndpointConfig {
    let mut endpoint = EndpointConfig::named("far");
    (endpoint.role, endpoint.port) = (Role::Client, port);
    endpoint.link.target = String::from("/line?key=hunter2");
    endpoint
}

fn text(text: &str) -> Bytes {
    let mut builder = frame::FrameBuilder::new();
    builder.buffer().extend_from_slice(text.as_bytes());
    Bytes::copy_from_slice(builder.finish().as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_through_tls_becomes_a_connection_that_masks_and_is_served_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.tls = TlsConfig::default();
    let identity = crate::tls::load(&config).unwrap();
    let (mut near, mut far) = (Events::new(), Events::new());
    let port = ProtocolPort {
        face: Face::Realvirtual(EndpointId(0)),
        path: None,
        hint: String::new(),
        door: far.door.clone(),
        tls: Some(identity.acceptor()),
        gate: Arc::new(Gate::new(folder.path(), Instant::now()).unwrap()),
        entrance: crate::keys::Entrance::Endpoint { is_open: false },
        origins: Arc::default(),
        name: String::from("line"),
        section: String::from("the endpoint 'line'"),
    };
    let port = Arc::new(port);
    let listener = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut endpoint = client(listener.local_addr().unwrap().port());
    (endpoint.link.use_ssl, endpoint.link.ca_file) = (true, Some(identity.facts.file.clone()));
    let shortage = listener::shortage("line", &port.door);
    tokio::spawn(listener::accept_all(
        listener,
        shortage,
        move |stream, address, permit| {
            tokio::spawn(Arc::clone(&port).serve(stream, address, permit));
        },
    ));
    config.endpoints = vec![EndpointConfig::named("unused"), endpoint];
    let mut links = Links::new(&config, Handle::current());
    links.dial(Callee::Endpoint(EndpointId(1)), 7, &near.door);

    let (face, path, ours) = near.connected().await;
    assert_eq!((face, path.as_str()), (Face::Link(EndpointId(1)), "/line"));
    let (face, _, theirs) = far.connected().await;
    assert_eq!(face, Face::Realvirtual(EndpointId(0)));
    // Giving up the dial does not touch the connection.
    links.hang_up(Callee::Endpoint(EndpointId(1)));

    // A server that got a frame without a mask would end the connection.
    let large = format!(r#"{{"type":"data","signals":{{"Name":"{}"}}}}"#, "x".repeat(100_000));
    assert_ne!(ours.send(&text(&large)), Sent::Refused);
    assert_ne!(theirs.send(&text(r#"{"type":"import_request"}"#)), Sent::Refused);
    assert!(matches!(
        far.input().await,
        Input::Realvirtual { message: realvirtual::Message::Data(_), bytes, .. } if bytes as usize == large.len()
    ));
    let message = near.input().await;
    assert!(matches!(
        message,
        Input::Realvirtual {
            message: realvirtual::Message::ImportRequest { .. },
            ..
        }
    ));
    drop(large);
    ours.order_close(1001, "bye");
    for events in [&mut far, &mut near] {
        let closed = loop {
            match events.input().await {
                Input::Closed { reason, .. } => break reason,
                Input::Writable { .. } => {}
                other => panic!("{other:?}"),
            }
        };
        assert!(closed.contains("1001"), "{closed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_fails_says_why_and_one_that_is_given_up_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    // The system takes connections here, and nobody ever answers one.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = [&silent, &closed].map(|listener| listener.local_addr().unwrap().port());
    drop(closed);
    config.endpoints = ports.map(client).into();
    let mut events = Events::new();
    let mut links = Links::new(&config, Handle::current());
    links.dial(Callee::Endpoint(EndpointId(0)), 1, &events.door);
    let _held = silent.accept().await.unwrap();
    links.hang_up(Callee::Endpoint(EndpointId(0)));
    for (callee, dial, reason) in [
        (Callee::Endpoint(EndpointId(1)), 2, "connection refused"),
        (
            Callee::Endpoint(EndpointId(9)),
            3,
            "the project names nothing to connect to",
        ),
    ] {
        links.dial(callee, dial, &events.door);
        let Input::DialFailed {
            callee: failed,
            dial: number,
            reason: found,
        } = events.input().await
        else {
            panic!("a dial fails");
        };
        assert_eq!((failed, number, found.as_str()), (callee, dial, reason));
    }
    links.dial(Callee::Endpoint(EndpointId(0)), 4, &events.door);
    links.hang_up_all();
    assert!(links.dials.is_empty());
}
