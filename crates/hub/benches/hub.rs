//! What one value costs on its way through the hub: a data message of 10,000 signals, all changed, is decoded, applied,
//! compared and encoded into the frame of a reader, twice. `cargo bench -p crosstie-hub`; divide the time by 20,000.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use crosstie_hub::access::Access;
use crosstie_hub::settings::{EndpointId, EndpointSettings, Owner, Settings, SignalSetting};
use crosstie_hub::signal::{Generation, Kind};
use crosstie_hub::tap::Note;
use crosstie_hub::{ConnId, Face, Hub, Input, Output, Time};
use crosstie_wire::realvirtual;
use std::fmt::Write;
use std::time::Duration;

const SIGNALS: usize = 10_000;

fn kind(index: usize) -> Kind {
    match index % 20 {
        0..=9 => Kind::Bool,
        10..=13 => Kind::Int,
        14..=18 => Kind::Float,
        _ => Kind::Text,
    }
}

fn name(index: usize) -> String {
    format!(
        "lg_Cell{:02}.Unit{:03}.Signal{index:05}",
        index / 200 % 100,
        index / 10 % 1000
    )
}

/// A data message in which every value differs from the other phase's.
fn message(phase: usize) -> String {
    let mut text = String::from(r#"{"type":"data","version":2,"signals":{"#);
    for index in 0..SIGNALS {
        let comma = if index == 0 { "" } else { "," };
        let value = match kind(index) {
            Kind::Bool => (index + phase).is_multiple_of(2).to_string(),
            Kind::Int => (index * 7 % 30_011 + phase).to_string(),
            Kind::Float => format!("{}", (index * 37 % 4_001) as f64 * 0.25 + phase as f64 * 0.125),
            Kind::Text => format!("\"{}\"", ["Running", "Stopped"][phase]),
        };
        write!(text, "{comma}\"{}\":{value}", name(index)).expect("a String takes everything");
    }
    text.push_str("}}");
    text
}

fn way_through(criterion: &mut Criterion) {
    let mut endpoint = EndpointSettings::named("line");
    endpoint.update_cycle = Duration::from_millis(1);
    endpoint.signals = (0..SIGNALS)
        .map(|index| SignalSetting {
            wire_name: name(index),
            signal: format!("twin/line/{}", name(index)),
            kind: kind(index),
            owner: Owner::Peer,
            value: None,
            convention: None,
            neutral: false,
        })
        .collect();
    let mut hub = Hub::new(Settings {
        endpoints: vec![endpoint],
        ..Settings::default()
    });
    let (writer, reader) = (ConnId(1), ConnId(2));
    let mut outputs = Vec::new();
    let mut now = Time::from_millis(1);
    for conn in [writer, reader] {
        let face = Face::Realvirtual(EndpointId(0));
        hub.handle(
            now,
            Input::Connected {
                conn,
                face,
                address: "a".into(),
                path: "/".into(),
                access: Access::full("this machine"),
            },
            &mut outputs,
        );
    }
    // The writer wants nothing back, the reader everything.
    for (conn, text) in [
        (writer, r#"{"type":"subscribe","version":2,"subscribe":[]}"#),
        (reader, r#"{"type":"subscribe","version":2}"#),
    ] {
        let message = realvirtual::decode(text.into()).expect("a message");
        hub.handle(
            now,
            Input::Realvirtual {
                conn,
                message,
                bytes: 0,
            },
            &mut outputs,
        );
    }

    let phases = [message(0), message(1)];
    criterion.bench_function("20,000 values: decode, apply, compare, encode", |bencher| {
        bencher.iter_batched(
            || phases.clone(),
            |texts| {
                for text in texts {
                    now = now + Duration::from_millis(10);
                    for conn in [writer, reader] {
                        hub.handle(
                            now,
                            Input::Pong {
                                conn,
                                sent_at_nanos: Some(now.as_nanos()),
                            },
                            &mut outputs,
                        );
                    }
                    outputs.clear();
                    let message = realvirtual::decode(text).expect("a message");
                    hub.handle(
                        now,
                        Input::Realvirtual {
                            conn: writer,
                            message,
                            bytes: 0,
                        },
                        &mut outputs,
                    );
                    let is_for_reader = |output: &&Output| match output {
                        Output::Send { conn, .. } => *conn == reader,
                        Output::Share { conns, .. } => conns.contains(&reader),
                        _ => false,
                    };
                    assert_eq!(
                        outputs.iter().filter(is_for_reader).count(),
                        1,
                        "the reader gets one frame"
                    );
                }
            },
            BatchSize::LargeInput,
        );
    });

    // The last message has changed all of them: what a recording makes the core do then.
    let told = Generation(hub.generation().0 - 1);
    let mut ids = Vec::new();
    criterion.bench_function("10,000 changes: find and copy for a recording", |bencher| {
        bencher.iter_with_large_drop(|| {
            ids.clear();
            hub.changed_since(told, &mut ids);
            let copied: Vec<Note> = ids.iter().map(|id| Note::from(&hub.change(*id))).collect();
            assert_eq!(copied.len(), SIGNALS, "every signal has changed");
            copied
        });
    });
}

criterion_group!(benches, way_through);
criterion_main!(benches);
