//! Streams of the memory: pace, sequence, two contexts on one socket, clients that do not read.

use crate::house::House;
use crate::piplc::{client, done, download, exchange, house, ms, reply};
use crosstie_hub::settings::{PlcSettings, Settings};
use crosstie_hub::{ConnId, Time};
use crosstie_wire::piplc::{Dialect, Snapshot, read_snapshot};
use serde_json::json;
use std::time::Duration;

/// The snapshots that a client has got, oldest first; forgets them.
fn snapshots(house: &mut House, conn: ConnId) -> Vec<(Time, Snapshot)> {
    let frames = std::mem::take(&mut house.peer(conn).binary);
    frames
        .into_iter()
        .map(|(at, frame)| (at, read_snapshot(&frame, Dialect::V02).expect("a snapshot")))
        .collect()
}

fn subscribe(house: &mut House, conn: ConnId, context: &str, interval_ms: i64) {
    let request = json!({"type": "memory.subscribe", "seq": 1, "contextId": context, "intervalMs": interval_ms});
    house.say(conn, request);
}

fn sequences(got: &[(Time, Snapshot)]) -> Vec<u32> {
    got.iter().map(|(_, snapshot)| snapshot.header.sequence).collect()
}

#[test]
fn pl15_the_first_frame_comes_at_once_and_the_others_without_drift() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    house.run_for(Duration::from_micros(300));
    subscribe(&mut house, conn, "", 20);
    house.run_for(Duration::from_secs(10));
    let got = snapshots(&mut house, conn);
    assert_eq!(sequences(&got), (0..got.len() as u32).collect::<Vec<u32>>());
    assert!((500..=501).contains(&got.len()), "{}", got.len());
    let first = got[1].0;
    for (index, (at, snapshot)) in got[1..].iter().enumerate() {
        assert_eq!(at.since(first), ms(20) * index as u32);
        // The wire of the house takes 0.2 ms.
        assert_eq!(u64::from(snapshot.header.timestamp_ms), at.as_millis());
    }
    let gap = first.since(got[0].0);
    assert!(gap >= ms(20) && gap <= ms(25), "{gap:?}");
    house.say(conn, json!({"type": "memory.unsubscribe", "seq": 2}));
    house.run_for(ms(1));
    snapshots(&mut house, conn);
    house.run_for(Duration::from_secs(1));
    assert_eq!(snapshots(&mut house, conn).len(), 0);
}

#[test]
fn pl15_the_interval_is_held_within_its_range_and_told() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    for (asked, effective) in [
        (json!(0), 10),
        (json!(5), 10),
        (json!(20), 20),
        (json!(49), 49),
        (json!(20_000), 5000),
        (json!(-5), 10),
        (json!("abc"), 50),
        (json!(33.7), 50),
        (json!(null), 50),
    ] {
        let answer = reply(
            &mut house,
            conn,
            json!({"type": "memory.subscribe", "seq": 1, "intervalMs": asked}),
        );
        assert_eq!(answer["intervalMs"], effective, "{asked}");
    }
    // Each of them replaced the one before.
    snapshots(&mut house, conn);
    house.run_for(Duration::from_secs(1));
    assert_eq!(snapshots(&mut house, conn).len(), 20);
}

#[test]
fn pl15_frames_come_in_every_state_and_show_it() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    download(&mut house, conn, "");
    subscribe(&mut house, conn, "", 10);
    for (command, state) in [("stop", 0), ("start", 1), ("pause", 2), ("stepRung", 3), ("start", 1)] {
        done(&mut house, conn, json!({"type": format!("engine.{command}"), "seq": 1}));
        snapshots(&mut house, conn);
        house.run_for(ms(30));
        let got = snapshots(&mut house, conn);
        assert_eq!(got.len(), 3);
        assert!(
            got.iter().all(|(_, snapshot)| snapshot.header.state == state),
            "{command}"
        );
    }
    done(
        &mut house,
        conn,
        json!({"type": "memory.writeBit", "seq": 1, "address": "B:0/0", "value": true}),
    );
    house.run_for(ms(30));
    assert_eq!(
        snapshots(&mut house, conn)
            .last()
            .map(|(_, snapshot)| snapshot.header.state),
        Some(4)
    );
}

#[test]
fn pl22_two_contexts_on_one_socket_are_told_apart_and_two_clients_do_not_mix() {
    let mut house = house(&["a", "b"]);
    let (conn, other) = (client(&mut house, "0.2.0"), client(&mut house, "0.2.0"));
    done(
        &mut house,
        conn,
        json!({"type": "memory.writeInteger", "seq": 1, "contextId": "a", "address": "N:0", "value": 1}),
    );
    done(
        &mut house,
        conn,
        json!({"type": "memory.writeInteger", "seq": 1, "contextId": "b", "address": "N:0", "value": 2}),
    );
    subscribe(&mut house, conn, "a", 20);
    subscribe(&mut house, conn, "b", 50);
    house.run_for(ms(71));
    subscribe(&mut house, other, "b", 50);
    house.run_for(ms(130));
    let got = snapshots(&mut house, conn);
    for (index, frames) in [(0, 11), (1, 5)] {
        let of: Vec<_> = got
            .iter()
            .filter(|(_, snapshot)| snapshot.header.context_index == index)
            .cloned()
            .collect();
        // The second frame of a stream may wait for a fifth of its interval.
        assert!(
            (frames - 1..=frames).contains(&of.len()),
            "context {index}: {}",
            of.len()
        );
        assert_eq!(
            sequences(&of),
            (0..of.len() as u32).collect::<Vec<u32>>(),
            "context {index}"
        );
        assert!(
            of.iter()
                .all(|(_, snapshot)| snapshot.body.integers[0] == i32::from(index) + 1)
        );
    }
    assert_eq!(sequences(&snapshots(&mut house, other)), [0, 1, 2]);
    // A context that goes away ends its streams; those of others go on and take its place.
    done(
        &mut house,
        other,
        json!({"type": "context.remove", "seq": 2, "contextId": "a"}),
    );
    snapshots(&mut house, conn);
    house.run_for(ms(100));
    let got = snapshots(&mut house, conn);
    assert_eq!(got.len(), 2);
    assert!(
        got.iter()
            .all(|(_, snapshot)| snapshot.header.context_index == 0 && snapshot.body.integers[0] == 2)
    );
    // A new subscription begins at 0, and ends the one before.
    subscribe(&mut house, conn, "b", 100);
    house.run_for(ms(250));
    assert_eq!(sequences(&snapshots(&mut house, conn)), [0, 1, 2]);
}

#[test]
fn pl22_the_old_generation_has_the_flags_of_a_timer_the_other_way_round() {
    let mut house = house(&["line"]);
    let (old, new) = (client(&mut house, "0.1.31"), client(&mut house, "0.2.0"));
    done(
        &mut house,
        new,
        json!({"type": "memory.writeTimer", "seq": 1, "index": 0, "pre": 1, "en": true}),
    );
    for (conn, flags) in [(old, 4), (new, 1)] {
        subscribe(&mut house, conn, "", 50);
        house.run_for(ms(1));
        assert_eq!(house.peer(conn).binary[0].1[1364], flags);
    }
}

#[test]
fn pl15_a_full_socket_gets_no_frames_and_misses_none_in_its_sequence() {
    let mut house = house(&["line"]);
    // Of one the first frame after the socket filled up is begun, of the other it is not.
    let (odd, even) = (client(&mut house, "0.2.0"), client(&mut house, "0.2.0"));
    for conn in [odd, even] {
        subscribe(&mut house, conn, "", 10);
    }
    house.run_for(ms(55));
    for conn in [odd, even] {
        house.peer(conn).reads = false;
    }
    house.run_for(Duration::from_secs(2));
    for conn in [odd, even] {
        house.read_again(conn);
    }
    house.run_for(ms(55));
    for conn in [odd, even] {
        let got = snapshots(&mut house, conn);
        assert!((10..16).contains(&got.len()), "{}", got.len());
        assert_eq!(sequences(&got), (0..got.len() as u32).collect::<Vec<u32>>());
    }
}

#[test]
fn pl15_a_hub_that_was_away_sends_one_frame_for_all_that_are_missing() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    subscribe(&mut house, conn, "", 10);
    house.run_for(ms(25));
    let before = snapshots(&mut house, conn).len();
    assert_eq!(before, 3);
    // The clock jumps, as after a machine that slept.
    house.now = house.now + ms(505);
    house.run_for(ms(20));
    let got = snapshots(&mut house, conn);
    assert_eq!(sequences(&got), [3, 4, 5]);
}

/// A thousand clients at 20 Hz: one alarm for each moment of the interval at which frames go out, and the memory encoded once.
#[test]
fn pl15_a_thousand_clients_cost_one_alarm_per_group() {
    let mut house = House::with(Settings {
        plcs: vec![PlcSettings::named("line")],
        ..Settings::default()
    });
    let conns: Vec<ConnId> = (0..1_000).map(|_| client_quick(&mut house)).collect();
    house.run_for(ms(2));
    for conn in &conns {
        subscribe(&mut house, *conn, "", 50);
    }
    house.run_for(ms(75));
    for conn in &conns {
        snapshots(&mut house, *conn);
    }
    let mut turns = 0;
    let end = house.now + Duration::from_secs(1);
    while let Some(at) = house.hub.next_deadline().filter(|at| *at <= end) {
        house.run_for(at.since(house.now));
        turns += 1;
    }
    house.run_for(ms(1));
    assert!(turns <= 100, "{turns} turns for 20,000 frames");
    for conn in conns {
        assert_eq!(snapshots(&mut house, conn).len(), 20);
    }
}

fn client_quick(house: &mut House) -> ConnId {
    let conn = house.connect_as(crosstie_hub::Face::Piplc, crate::house::Wire::default());
    house.say(conn, json!({"type": "hello", "seq": 1, "clientVersion": "0.2.0"}));
    conn
}

#[test]
fn pl24_readers_see_forces_and_what_a_client_writes_stands_underneath() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    done(
        &mut house,
        conn,
        json!({"type": "memory.forceBit", "seq": 1, "address": "B:1/0", "value": true}),
    );
    done(
        &mut house,
        conn,
        json!({"type": "memory.writeBit", "seq": 1, "address": "B:1/0", "value": false}),
    );
    subscribe(&mut house, conn, "", 10);
    house.run_for(ms(15));
    let (_, shown) = snapshots(&mut house, conn).pop().expect("a snapshot");
    assert_eq!((shown.body.bits[1], shown.body.forces[17]), (1, 1));
    exchange(
        &mut house,
        conn,
        json!({"type": "memory.unforceBit", "seq": 2, "address": "B:1/0"}),
    );
    let (_, shown) = snapshots(&mut house, conn).pop().expect("a snapshot");
    assert_eq!((shown.body.bits[1], shown.body.forces[17]), (0, 0));
}
