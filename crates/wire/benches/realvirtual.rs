//! Cost of one realvirtual `data` message with 10,000 signals: reading it, walking its entries, writing it again
//! (`encode`), and writing it from names that were encoded before (`splice`), which is what the hub does in every cycle.
//!
//! Criterion prints time per iteration and, as throughput, signals per second; ten thousand divided by the time is what the
//! speed page of the manual compares.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use crosstie_wire::frame::FrameBuilder;
use crosstie_wire::realvirtual::{
    self, DATA_HEAD, Message, SIGNALS_TAIL, Value, Values, write_data, write_name, write_value,
};
use std::hint::black_box;

const SIGNALS: usize = 10_000;

/// Half bools, a fifth integers, a quarter floats, the rest texts, mixed as a plant would mix them.
fn plant() -> Values {
    let names =
        (0..SIGNALS).map(|index| format!("lg_Cell{:02}.Unit{:03}.Signal{index:05}", index / 1_000, index / 100));
    let value = |index: usize| match index * 7 % 20 {
        0..10 => Value::Bool(index.is_multiple_of(3)),
        10..14 => Value::Int(index as i64 * 37 - 4_000),
        14..19 => Value::Float(index as f64 * 0.37 + 0.125),
        _ => Value::Text("Running"),
    };
    Values::from_pairs(names.enumerate().map(|(index, name)| (name, value(index))))
}

fn benches(criterion: &mut Criterion) {
    let values = plant();
    let mut payload = Vec::new();
    write_data(&mut payload, values.iter());
    let text = String::from_utf8(payload).expect("what was written is UTF-8");

    // A process that has run for a while keeps freed memory instead of giving it back and faulting it in again.
    drop(black_box(vec![1_u8; 30 << 20]));

    let mut group = criterion.benchmark_group("realvirtual/10k");
    group.throughput(Throughput::Elements(SIGNALS as u64));
    group.bench_function("decode", |bencher| {
        bencher.iter_batched(
            || text.clone(),
            |text| realvirtual::decode(text).expect("it is valid"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("walk", |bencher| {
        let Ok(Message::Data(values)) = realvirtual::decode(text.clone()) else {
            unreachable!("it is a data message")
        };
        bencher.iter(|| {
            for entry in values.iter() {
                black_box(entry);
            }
        });
    });
    group.bench_function("encode", |bencher| {
        let mut room = Vec::new();
        bencher.iter(|| {
            let mut builder = FrameBuilder::reuse(std::mem::take(&mut room));
            write_data(builder.buffer(), values.iter());
            room = black_box(builder.finish()).buffer;
        });
    });
    group.bench_function("splice", |bencher| {
        let mut fragments = Vec::new();
        let mut cells = Vec::new();
        for (name, value) in values.iter() {
            let start = fragments.len();
            write_name(&mut fragments, name);
            cells.push((start..fragments.len(), value));
        }
        let mut room = Vec::new();
        bencher.iter(|| {
            let mut builder = FrameBuilder::reuse(std::mem::take(&mut room));
            let out = builder.buffer();
            out.extend_from_slice(DATA_HEAD);
            for (index, (fragment, value)) in cells.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(&fragments[fragment.clone()]);
                write_value(out, *value);
            }
            out.extend_from_slice(SIGNALS_TAIL);
            room = black_box(builder.finish()).buffer;
        });
    });
    group.finish();
}

criterion_group!(realvirtual_messages, benches);
criterion_main!(realvirtual_messages);
