//! Cost of one world of GAMA: from the text of its frame to six frames for headsets, small and large.
//!
//! The throughput is in bytes of GAMA's frame. Beside it stands what one pass over the same bytes costs: a copy, and the same
//! text through `serde_json` without building a tree.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crosstie_wire::gama;
use serde::de::IgnoredAny;
use std::hint::black_box;

const PLAYERS: usize = 6;

/// A frame with so many bytes for each player: points as the app gets them.
fn frame(bytes_per_player: usize) -> String {
    let points: Vec<String> = (0..bytes_per_player / 26)
        .map(|index| {
            format!(
                "{{\"c\":[{},{},{}]}}",
                10_000 + index * 7,
                20_000 + index * 13,
                index % 360
            )
        })
        .collect();
    let piece = |player: usize| {
        format!(
            "{{\"id\":[\"Player_10{player}\"],\"contents\":{{\"pointsLoc\":[{}],\"names\":[]}}}}",
            points.join(",")
        )
    };
    let pieces: Vec<String> = (0..PLAYERS).map(piece).collect();
    let world = format!("{{\"contents\":[{}]}}", pieces.join(","));
    serde_json::json!({"type": "SimulationOutput", "content": world, "exp_id": "0"}).to_string()
}

fn benches(criterion: &mut Criterion) {
    for bytes in [2_800, 70_000] {
        let text = frame(bytes);
        let mut group = criterion.benchmark_group(format!("gama/{PLAYERS}x{bytes}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("decode", |bencher| bencher.iter(|| gama::decode(black_box(&text))));
        group.bench_function("copy", |bencher| bencher.iter(|| black_box(&text).clone()));
        group.bench_function("serde_json", |bencher| {
            bencher.iter(|| serde_json::from_str::<IgnoredAny>(black_box(&text)));
        });
        group.finish();
    }
}

criterion_group!(world, benches);
criterion_main!(world);
