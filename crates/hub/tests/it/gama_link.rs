//! The link to GAMA: how it comes about, how it ends, and that nothing outlives it (GA-1, GA-2, GA-4, GA-10).

use crate::fake_gama::{FakeGama, Kind, word};
use crate::gama_site::{Site, catalog, class, ms};
use crate::house::{House, Wire};
use crosstie_hub::api::classroom::{GamaLinkState, OrderWord};
use crosstie_hub::output::Callee;
use crosstie_hub::settings::{ClassroomSettings, GamaSettings, Settings};
use crosstie_hub::{Face, Input};
use serde_json::json;
use std::sync::Arc;

#[test]
fn ga1_commands_go_out_only_after_the_greeting() {
    let mut house = House::with(class(GamaSettings::default()));
    house.give(Input::Packages(Arc::new(catalog())));
    let gama = FakeGama::come(&mut house, Kind::Gui);
    let mut site = Site { house, gama };
    site.run(1_900);
    assert_eq!(site.row().link, GamaLinkState::Greeting);
    let refused = site.order(OrderWord::Launch).unwrap_err();
    assert!(refused.contains("waiting for GAMA's greeting"), "{refused}");
    let monitor = site.monitor();
    assert_eq!(site.told(monitor)["connected"], false);
    assert_eq!(site.told(monitor)["loading"], true);
    site.say(json!({"type": "ConnectionSuccessful", "content": "practice 7"}));
    let row = site.row();
    assert_eq!((row.link, row.practice), (GamaLinkState::Connected, true));
    assert!(row.text.contains("practice stand-in"), "{}", row.text);
    site.run(60);
    assert_eq!(site.told(monitor)["connected"], true);
    assert_eq!(site.told(monitor)["loading"], false);
    assert!(site.gama.heard.is_empty(), "nothing extra is sent");
}

#[test]
fn ga1_a_gama_that_sends_no_greeting_counts_as_greeted_after_two_seconds() {
    let mut house = House::with(class(GamaSettings::default()));
    house.give(Input::Packages(Arc::new(catalog())));
    let gama = FakeGama::come(&mut house, Kind::Gui);
    let mut site = Site { house, gama };
    site.run(1_999);
    assert_eq!(site.row().link, GamaLinkState::Greeting);
    site.run(1);
    assert_eq!(site.row().link, GamaLinkState::Connected);
    site.does(OrderWord::Launch);
    assert_eq!(site.row().state, "PAUSED");
}

#[test]
fn ga2_every_end_is_followed_by_one_attempt_after_five_seconds() {
    let mut house = House::with(class(GamaSettings::default()));
    house.run_for(ms(1));
    for _ in 0..3 {
        let dial = house.gama_dials.pop().expect("one attempt");
        assert!(house.gama_dials.is_empty(), "one at a time");
        house.run_for(ms(20_000));
        assert!(house.gama_dials.is_empty(), "the attempt is not answered yet");
        house.give(Input::DialFailed {
            callee: Callee::Gama,
            dial,
            reason: "connection refused".into(),
        });
        house.run_for(ms(4_999));
        assert!(house.gama_dials.is_empty());
        house.run_for(ms(1));
    }
    // An answer to an old dial is for nobody.
    house.give(Input::DialFailed {
        callee: Callee::Gama,
        dial: 0,
        reason: "late".into(),
    });
    let mut gama = FakeGama::come(&mut house, Kind::Gui);
    gama.die(&mut house);
    house.run_for(ms(4_998));
    assert!(house.gama_dials.is_empty(), "also before the greeting");
    house.run_for(ms(2));
    let gama = FakeGama::arrive(&mut house, Kind::Gui);
    let mut site = Site { house, gama };
    assert_eq!(site.problem("gama:link"), None);
    let second = site.house.connect_as(Face::Gama, Wire::default());
    assert_eq!(site.house.peer(second).closed, Some(1001), "nobody waits for it");
    site.gama.die(&mut site.house);
    let row = site.row();
    assert_eq!(row.link, GamaLinkState::Waiting);
    assert_eq!(
        row.text,
        "GAMA is not reachable at ws://localhost:1000: test. Start GAMA (or `crosstie practice gama`); next attempt in 5 s"
    );
    let problem = site.problem("gama:link").expect("a person should know");
    assert_eq!(problem, "GAMA is not reachable at ws://localhost:1000: test");
    site.revive();
    assert_eq!(site.row().link, GamaLinkState::Connected);
    assert_eq!(site.problem("gama:link"), None);
}

#[test]
fn si23_who_does_not_want_to_wait_has_it_tried_at_once() {
    let mut site = Site::new(Kind::Gui);
    assert_eq!(
        site.order(OrderWord::Connect),
        Err(String::from("GAMA is connected already"))
    );
    site.gama.die(&mut site.house);
    assert_eq!(site.class().orders, [OrderWord::Connect]);
    assert_eq!(site.order(OrderWord::Connect), Ok(()));
    assert_eq!(site.house.gama_dials.len(), 1);
    assert!(site.order(OrderWord::Connect).is_err(), "one attempt at a time");
    site.house.run_for(ms(30_000));
    assert_eq!(site.house.gama_dials.len(), 1, "the old pause means nothing any more");
    site.gama = FakeGama::arrive(&mut site.house, Kind::Gui);
    assert_eq!(site.row().link, GamaLinkState::Connected);
}

#[test]
fn ga2_a_gama_that_answers_no_ping_is_given_up_and_tried_again() {
    let mut site = Site::launched(Kind::Gui);
    site.headset("Player_101");
    assert_eq!(site.in_game(), ["Player_101"]);
    site.house.peer(site.gama.conn).wire.answers_pings = false;
    site.house.run_for(ms(61_000));
    assert_eq!(site.house.peer(site.gama.conn).closed, Some(1001));
    assert_eq!(site.row().state, "NONE");
    assert!(site.in_game().is_empty());
    site.house.run_for(ms(5_000));
    assert_eq!(site.house.gama_dials.len(), 1);
}

/// Brings an experiment to where it is lost, and names the place.
type Place = (&'static str, fn(&mut Site));

const PLACES: [Place; 11] = [
    ("nothing", |_| {}),
    ("loading", |site| {
        site.gama.silent.insert("load");
        site.does(OrderWord::Launch);
    }),
    ("not ready", |site| site.status("NOTREADY")),
    ("paused", |site| site.does(OrderWord::Launch)),
    ("creating", |site| {
        site.gama.silent.insert("create_player");
        site.does(OrderWord::Launch);
    }),
    ("running", |site| {
        site.does(OrderWord::Launch);
        site.does(OrderWord::Resume);
    }),
    ("about to run", |site| {
        site.does(OrderWord::Launch);
        site.gama.silent.insert("play");
        site.does(OrderWord::Resume);
    }),
    ("finished", |site| {
        site.does(OrderWord::Launch);
        site.status("FINISHED");
    }),
    ("foreign", |site| {
        site.does(OrderWord::Launch);
        site.status("weird");
    }),
    ("pausing before a stop", |site| {
        site.does(OrderWord::Launch);
        site.does(OrderWord::Resume);
        site.gama.silent.insert("pause");
        site.does(OrderWord::Stop);
    }),
    ("stopping", |site| {
        site.does(OrderWord::Launch);
        site.gama.silent.insert("stop");
        site.does(OrderWord::Stop);
    }),
];

#[test]
fn ga2_gama_is_killed_in_every_state_and_a_launch_works_when_it_is_back() {
    for kind in [Kind::Gui, Kind::Headless] {
        for (place, go) in PLACES {
            let mut site = Site::new(kind);
            let monitor = site.monitor();
            site.headset("Player_101");
            go(&mut site);
            let sends_away = place.contains("stop");
            site.gama.die(&mut site.house);
            site.house.run_for(ms(60));
            let told = site.told(monitor);
            assert_eq!(told["connected"], false, "{place}");
            assert_eq!(told["loading"], true, "{place}");
            assert_eq!(told["experiment_state"], "NONE", "{place}");
            assert_eq!(told["experiment_id"], "", "{place}");
            assert!(site.in_game().is_empty(), "{place}");
            let there = site.class().players.iter().any(|player| player.connected);
            assert_eq!(there, !sends_away, "{place}: who was to be sent away is");
            site.revive();
            site.run(200_000);
            assert!(site.gama.heard.is_empty(), "{place}: nothing is kept for later");
            assert_eq!(site.row().waits_for, None, "{place}");
            if sends_away {
                site.headset("Player_101");
            }
            site.does(OrderWord::Launch);
            assert_eq!(site.row().state, "PAUSED", "{place}");
            assert_eq!(site.in_game(), ["Player_101"], "{place}");
            assert_eq!(site.error(), None, "{place}");
        }
    }
}

#[test]
fn gamaless_orders_are_refused_in_words_and_nothing_is_dialled() {
    let mut house = House::with(Settings {
        classroom: Some(ClassroomSettings {
            gama: None,
            ..ClassroomSettings::default()
        }),
        ..Settings::default()
    });
    house.run_for(ms(60_000));
    assert!(house.gama_dials.is_empty());
    let conn = house.connect_as(Face::Gama, Wire::default());
    assert_eq!(house.peer(conn).closed, Some(1001));
    let reply = house.ask(crosstie_hub::api::Request::Classroom(
        crosstie_hub::api::classroom::ClassroomRequest::Order(OrderWord::Launch),
    ));
    let crosstie_hub::api::Reply::Refused(refused) = reply else {
        panic!("{reply:?}")
    };
    assert!(refused.to_string().contains("without GAMA"), "{refused}");
}

#[test]
fn ga4_answers_are_matched_by_the_number_that_they_bring_back_where_commands_carry_one() {
    let settings = GamaSettings {
        use_api_id: true,
        ..GamaSettings::default()
    };
    let mut site = Site::with(Kind::Gui, settings);
    site.gama.silent.insert("create_player");
    site.headset("Player_101");
    site.headset("Player_102");
    site.does(OrderWord::Launch);
    let ids: Vec<u64> = site
        .gama
        .heard
        .iter()
        .filter_map(|command| command["api_id"].as_u64())
        .collect();
    let own: Vec<u64> = (1..=ids.len() as u64).collect();
    assert_eq!(
        (ids.len(), ids),
        (site.gama.heard.len(), own),
        "each command has its own"
    );
    let creates: Vec<_> = site
        .gama
        .heard
        .iter()
        .filter(|command| word(command) == "create_player")
        .cloned()
        .collect();
    // The second answer first, and one that nobody waits for.
    let mut foreign = creates[0].clone();
    foreign["api_id"] = json!(99);
    site.gama
        .answer(&mut site.house, "CommandExecutedSuccessfully", "", foreign);
    site.run(2);
    assert!(site.in_game().is_empty());
    site.gama
        .answer(&mut site.house, "CommandExecutedSuccessfully", "", creates[1].clone());
    site.run(2);
    assert_eq!(site.in_game(), ["Player_102"]);
    let mut without = creates[0].clone();
    without.as_object_mut().expect("a command").remove("api_id");
    site.gama
        .answer(&mut site.house, "CommandExecutedSuccessfully", "", without);
    site.run(2);
    assert_eq!(
        site.in_game().len(),
        2,
        "a GAMA that does not return the number is understood by the words"
    );
}

#[test]
fn ga4_without_the_setting_no_command_carries_a_number() {
    let mut site = Site::launched(Kind::Gui);
    site.headset("Player_101");
    site.does(OrderWord::Resume);
    assert!(site.gama.heard.len() >= 2);
    assert!(site.gama.heard.iter().all(|command| command.get("api_id").is_none()));
}

#[test]
fn what_gama_says_unreadably_costs_one_line_and_is_counted() {
    let mut site = Site::launched(Kind::Gui);
    for _ in 0..5 {
        site.house.say_text(site.gama.conn, "{broken".into());
    }
    site.run(5);
    assert_eq!(site.class().counters.unreadable, 5);
    let lines = site
        .house
        .log
        .iter()
        .filter(|line| line.contains("ignored a message of GAMA"));
    assert_eq!(lines.count(), 1);
    assert_eq!(site.row().state, "PAUSED");
}
