//! What virtual time costs, and what an engine pays for telling what it was given: nothing while nobody wants it.
//! `cargo bench -p crosstie-hub --bench rig`.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use crosstie_hub::Time;
use crosstie_hub::plc::{DeviceInputs, Engine, Entry, Numbered, Order, Program, ScanTiming};
use crosstie_hub::replay::Replayed;
use crosstie_hub::rig::Rig;
use crosstie_hub::settings::{PlcSettings, RouteSetting, Settings};
use crosstie_hub::signal::{Quality, Value};
use crosstie_ladder::controller::{Command, ControllerSettings};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;

/// Twenty buttons and twenty lamps.
const LAMPS: usize = 20;

fn program() -> Program {
    let mut text = String::new();
    for lamp in 0..LAMPS {
        let _ = writeln!(text, "SOR XIC I:0/{lamp} OTE O:0/{lamp} EOR");
    }
    Program::read(&text).expect("the program is right")
}

fn settings() -> Settings {
    let routes = (0..LAMPS).flat_map(|lamp| {
        [
            RouteSetting::plain(&format!("twin/a/Button{lamp}"), &format!("plc/line/I:0/{lamp}")),
            RouteSetting::plain(&format!("plc/line/O:0/{lamp}"), &format!("twin/a/Lamp{lamp}")),
        ]
    });
    Settings {
        plcs: vec![PlcSettings {
            program: Some(Arc::new(program())),
            autostart: true,
            ..PlcSettings::named("line")
        }],
        routes: routes.collect(),
        ..Settings::default()
    }
}

/// A button moves every 10 ms for 20 s.
fn lesson(mut rig: Rig) -> usize {
    let names: Vec<Arc<str>> = (0..LAMPS).map(|lamp| format!("twin/a/Button{lamp}").into()).collect();
    for step in 0..2_000_u64 {
        rig.run_until(Time::from_millis(step * 10 + 5));
        rig.say(vec![Replayed {
            name: names[step as usize % LAMPS].clone(),
            value: Value::Bool((step / LAMPS as u64).is_multiple_of(2)),
            quality: Quality::Good,
        }]);
    }
    rig.take_changes().len()
}

fn virtual_time(criterion: &mut Criterion) {
    criterion.bench_function("20 s of a 10 ms program with 40 signals", |bencher| {
        bencher.iter_batched(
            || Rig::new(settings()),
            |rig| assert!(lesson(rig) > 4_000),
            BatchSize::LargeInput,
        );
    });
}

fn engine(tells_inputs: bool) -> Engine {
    let (devices, mut told) = (DeviceInputs::default(), Vec::new());
    let mut engine = Engine::new(ControllerSettings::default());
    let orders = [
        Order::Load(program().compiled),
        Order::Command(Command::Start),
        Order::TellInputs(tells_inputs),
    ];
    for order in orders {
        engine.execute(Numbered::by_driver(1, order), &devices, &mut told);
    }
    engine
}

fn telling(criterion: &mut Criterion) {
    for (name, tells) in [("1,000 scans", false), ("1,000 scans, inputs told", true)] {
        let (mut engine, devices) = (engine(tells), DeviceInputs::default());
        let mut told: Vec<Entry> = Vec::with_capacity(10_000);
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                for _ in 0..1_000 {
                    let events = engine.scan(&devices, 10_000);
                    engine.report(Some(ScanTiming::default()), events, &mut told);
                }
                black_box(&mut told).clear();
            });
        });
    }
}

criterion_group!(benches, virtual_time, telling);
criterion_main!(benches);
