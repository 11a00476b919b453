//! What routes cost: of 100,000 signals 10,000 are the sources of routes, and one in ten of all signals changes in every turn.
//! `cargo bench -p crosstie-hub --bench routes`; the ratio of the second and third to the first is what counts.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use crosstie_hub::access::Access;
use crosstie_hub::settings::{EndpointId, EndpointSettings, Owner, RouteSetting, Settings, SignalSetting, Transform};
use crosstie_hub::signal::Kind;
use crosstie_hub::{ConnId, Face, Hub, Input, Time};
use crosstie_wire::realvirtual;
use std::fmt::Write;

const SIGNALS: usize = 100_000;
const ROUTES: usize = 10_000;
/// Every tenth signal changes, and so every tenth route has something to carry.
const CHANGES: usize = 10;

fn signal(name: String, owner: Owner) -> SignalSetting {
    SignalSetting {
        signal: format!("twin/line/{name}"),
        wire_name: name,
        kind: Kind::Float,
        owner,
        value: None,
        convention: None,
        neutral: false,
    }
}

fn hub(transform: Option<&Transform>) -> Hub {
    let mut endpoint = EndpointSettings::named("line");
    endpoint.signals = (0..SIGNALS)
        .map(|index| signal(format!("in{index}"), Owner::Peer))
        .collect();
    let targets = (0..ROUTES).map(|index| signal(format!("out{index}"), Owner::Hub));
    endpoint.signals.extend(targets);
    let route = |index: usize, transform: &Transform| RouteSetting {
        transform: transform.clone(),
        ..RouteSetting::plain(&format!("twin/line/in{index}"), &format!("twin/line/out{index}"))
    };
    let routes = transform.map(|transform| (0..ROUTES).map(|index| route(index, transform)).collect());
    let mut hub = Hub::new(Settings {
        endpoints: vec![endpoint],
        routes: routes.unwrap_or_default(),
        ..Settings::default()
    });
    let conn = ConnId(1);
    let face = Face::Realvirtual(EndpointId(0));
    let (address, path, access) = (String::from("10.0.0.1:1"), String::from("/"), Access::full("bench"));
    let input = Input::Connected {
        conn,
        face,
        address,
        path,
        access,
    };
    hub.handle(Time::from_millis(1), input, &mut Vec::new());
    hub
}

/// A message in which every tenth signal has another value than in the other phase.
fn message(phase: usize) -> Input {
    let mut text = String::from(r#"{"type":"data","version":2,"signals":{"#);
    for index in (0..SIGNALS).step_by(CHANGES) {
        let comma = if index == 0 { "" } else { "," };
        write!(text, "{comma}\"in{index}\":{}", index * 2 + phase).expect("a String takes everything");
    }
    text.push_str("}}");
    Input::Realvirtual {
        conn: ConnId(1),
        message: realvirtual::decode(text.clone()).expect("the message of the bench is right"),
        bytes: text.len() as u32,
    }
}

fn turns(criterion: &mut Criterion) {
    let line = Transform {
        scale: Some(0.5),
        offset: Some(1.0),
        ..Transform::default()
    };
    let formula = Transform {
        expr: Some(String::from("value * 0.5 + 1.0")),
        ..Transform::default()
    };
    let cases = [
        ("no routes", None),
        ("plain routes", Some(Transform::default())),
        ("scaled routes", Some(line)),
        ("routes with expressions", Some(formula)),
    ];
    let messages = [message(0), message(1)];
    for (name, transform) in cases {
        let mut hub = hub(transform.as_ref());
        let (mut millis, mut phase) = (10, 0);
        let mut outputs = Vec::new();
        criterion.bench_function(name, |bencher| {
            bencher.iter_batched(
                || {
                    phase = 1 - phase;
                    messages[phase].clone()
                },
                |input| {
                    millis += 100;
                    hub.handle(Time::from_millis(millis), input, &mut outputs);
                    outputs.clear();
                },
                BatchSize::LargeInput,
            );
        });
    }
}

criterion_group!(benches, turns);
criterion_main!(benches);
