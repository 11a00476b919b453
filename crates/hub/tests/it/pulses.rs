//! A bit that went and came back within one cycle is shown for one cycle.

use crate::house::{House, line};
use crosstie_hub::ConnId;
use crosstie_hub::settings::EndpointSettings;
use crosstie_hub::signal::Value;
use serde_json::{Value as Json, json};
use std::time::Duration;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What a reader saw of `Lamp`, in order.
fn seen(house: &mut House, reader: ConnId) -> Vec<bool> {
    house
        .take(reader, "data")
        .iter()
        .filter_map(|signals| signals["Lamp"].as_bool())
        .collect()
}

fn pulse(house: &mut House) {
    house.operate("Lamp", Value::Bool(true));
    house.operate("Lamp", Value::Bool(false));
}

#[test]
fn a_pulse_shorter_than_a_cycle_is_shown_for_one_cycle() {
    let mut house = House::new(EndpointSettings {
        update_cycle: ms(100),
        ..line()
    });
    let reader = house.join("reader");
    house.operate("Setpoint", Value::Float(1.0));
    house.run_for(ms(10));
    pulse(&mut house);
    house.run_for(ms(500));
    assert_eq!(seen(&mut house, reader), [true, false]);
}

#[test]
fn a_pulse_that_comes_while_another_is_shown_keeps_one_edge_pending() {
    let mut house = House::new(EndpointSettings {
        update_cycle: ms(100),
        ..line()
    });
    let reader = house.join("reader");
    for _ in 0..20 {
        pulse(&mut house);
        house.run_for(ms(200));
    }
    let bits = seen(&mut house, reader);
    assert_eq!(bits.iter().filter(|bit| **bit).count(), 20, "{bits:?}");
    assert_eq!(bits.last(), Some(&false));
}

#[test]
fn pulses_at_the_rate_of_the_cycle_are_counted_and_none_is_lost() {
    let mut house = House::new(EndpointSettings {
        update_cycle: ms(10),
        ..line()
    });
    let reader = house.join("reader");
    for _ in 0..100 {
        house.operate("Lamp", Value::Bool(true));
        house.run_for(ms(10));
        house.operate("Lamp", Value::Bool(false));
        house.run_for(ms(10));
    }
    house.run_for(ms(50));
    let bits = seen(&mut house, reader);
    let rises = bits.windows(2).filter(|pair| !pair[0] && pair[1]).count() + usize::from(bits[0]);
    assert_eq!(rises, 100);
    assert_eq!(bits.last(), Some(&false));
}

#[test]
fn a_held_bit_that_moves_again_shows_each_of_its_edges_in_turn() {
    let mut house = House::new(EndpointSettings {
        update_cycle: ms(100),
        ..line()
    });
    let reader = house.join("reader");
    house.operate("Setpoint", Value::Float(1.0));
    house.run_for(ms(5));
    pulse(&mut house);
    house.run_for(ms(100));
    // Shown as true now; it is false. It goes up again before the false was shown.
    house.operate("Lamp", Value::Bool(true));
    house.run_for(ms(500));
    assert_eq!(seen(&mut house, reader), [true, false, true]);
    assert_eq!(house.peer(reader).believes["Lamp"], json!(true));
}

#[test]
fn without_hold_pulses_only_the_final_value_counts() {
    let mut house = House::new(EndpointSettings {
        update_cycle: ms(100),
        hold_pulses: false,
        ..line()
    });
    let reader = house.join("reader");
    house.operate("Setpoint", Value::Float(1.0));
    house.run_for(ms(10));
    pulse(&mut house);
    house.run_for(ms(500));
    assert!(seen(&mut house, reader).iter().all(|bit| !bit));
}

#[test]
fn a_client_whose_socket_filled_up_while_a_bit_was_held_ends_with_the_true_value() {
    let mut house = House::new(EndpointSettings {
        update_cycle: ms(100),
        ..line()
    });
    // Whether the frame on the way was begun or not depends on the number of the connection.
    let readers = [house.join("one"), house.join("two")];
    house.operate("Setpoint", Value::Float(1.0));
    house.run_for(ms(5));
    pulse(&mut house);
    house.run_for(ms(100));
    for reader in readers {
        assert_eq!(house.peer(reader).believes["Lamp"], Json::from(true));
        house.peer(reader).reads = false;
    }
    house.run_for(ms(1_000));
    for reader in readers {
        house.read_again(reader);
        house.run_for(ms(50));
        assert_eq!(house.peer(reader).believes["Lamp"], Json::from(false), "{reader:?}");
    }
}
