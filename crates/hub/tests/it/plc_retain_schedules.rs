//! Seeded schedules over retentive memory: an engine that counts, a hub that hears it late, in pieces and merged, orders in
//! between. Every image is of one scan, and none is older than one before it (PL-37).

use crate::house::{House, line};
use crate::plc_retain::keeping;
use crate::plc_signals::{PLC, ms, plant};
use crate::schedules::Dice;
use crosstie_hub::Input;
use crosstie_hub::api::Request;
use crosstie_hub::api::plc::PlcRequest;
use crosstie_hub::settings::RetainStart;
use crosstie_ladder::address::Region;
use crosstie_ladder::controller::Command;
use crosstie_ladder::data_table::WordIndex;
use std::time::Duration;

/// Words that count together.
const WORDS: u8 = 10;

fn program() -> String {
    (0..WORDS)
        .map(|word| format!("SOR ADD N:{word} 1 N:{word} EOR\n"))
        .collect()
}

fn order(house: &mut House, command: Command) {
    let context = String::from("line");
    house.ask_later(Request::Plc(PlcRequest::Command { context, command }));
}

fn run(seed: u64) -> House {
    let mut dice = Dice::new(seed);
    let start = RetainStart::Cold;
    let mut house = plant(line(), keeping(&program(), &["N:0-9"], start), &[]);
    for _ in 0..60 {
        match dice.below(12) {
            // A stop would abandon a scan between two rungs, and what its rungs have written would stand.
            0 if seed.is_multiple_of(2) => order(&mut house, Command::Stop),
            1 => order(&mut house, Command::StepScan),
            2 if !seed.is_multiple_of(2) => order(&mut house, Command::StepRung),
            3 | 4 => order(&mut house, Command::Start),
            5 => house.driven(PLC).is_full = dice.one_in(2),
            6 => house.driven(PLC).holds = false,
            7 => house.give(Input::ShuttingDown),
            _ => {
                // Wherever the cut falls, also between two changes of one scan.
                house.driven(PLC).holds = true;
                let millis = dice.below(400);
                house.run_for(ms(millis));
                let count = dice.below(40) as usize;
                house.tell_part(PLC, count);
            }
        }
        house.run_for(Duration::from_micros(dice.below(900_000)));
    }
    house
}

#[test]
fn pl37_every_image_is_of_one_scan_however_the_entries_arrive() {
    let mut images = 0;
    for seed in 0..80 {
        let house = run(seed);
        let mut last = 0;
        for (at, image) in &house.kept {
            let word = |word| image.word(WordIndex::of(Region::Integer, word)).unwrap().1;
            let words: Vec<u32> = (0..WORDS).map(word).collect();
            assert!(
                words.iter().all(|word| *word == words[0]),
                "seed {seed}, {at:?}: {words:?}"
            );
            assert!(words[0] >= last, "seed {seed}, {at:?}: {words:?} after {last}");
            last = words[0];
        }
        images += house.kept.len();
    }
    assert!(images > 500, "there is enough to look at: {images}");
}
