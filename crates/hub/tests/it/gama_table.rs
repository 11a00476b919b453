//! The experiment, state by state: the rows of the table as the class and GAMA see them (SI-13, SI-18 to SI-20, GA-5, GA-6).

use crate::fake_gama::Kind;
use crate::gama_site::{Site, ms};
use crosstie_hub::api::classroom::OrderWord::{self, Launch, Pause, Reload, Resume, Step, StepBack, Stop};
use crosstie_hub::settings::{Flavour, GamaSettings};
use serde_json::json;

const BOTH: [Kind; 2] = [Kind::Gui, Kind::Headless];

/// What was sent, without what the hub asks for signals of its own.
fn commands(site: &mut Site) -> Vec<&'static str> {
    let mut words = site.gama.words();
    words.retain(|word| *word != "expression");
    words
}

#[test]
fn si18_a_launch_loads_the_active_model_and_does_not_run_it() {
    for kind in BOTH {
        let mut site = Site::new(kind);
        let monitor = site.monitor();
        site.headset("Player_101");
        assert_eq!(site.order(Launch), Ok(()));
        assert_eq!(site.row().waits_for.as_deref(), Some("GAMA to load 'vr_xp'"));
        site.run(60);
        let load = json!({"type": "load", "model": "/models/vr_xp.gaml", "experiment": "vr_xp"});
        assert_eq!(site.gama.heard[0], load);
        assert_eq!(commands(&mut site), ["load", "create_player"]);
        let told = site.told(monitor);
        let id = if kind == Kind::Gui { "0" } else { "1" };
        assert_eq!(
            told,
            json!({"connected": true, "experiment_state": "PAUSED", "loading": false, "content_error": "",
                "experiment_id": id, "experiment_name": "vr_xp"}),
            "{kind:?}"
        );
        assert_eq!(site.in_game(), ["Player_101"]);
        let flavour = if kind == Kind::Gui { "gui" } else { "headless" };
        assert_eq!(site.row().flavour, Some(flavour));
        // Late joiners come in without another launch.
        site.headset("Player_102");
        assert_eq!(site.in_game(), ["Player_101", "Player_102"]);
    }
}

#[test]
fn si18_with_a_window_players_are_made_when_the_state_is_reported_and_not_before() {
    let mut site = Site::new(Kind::Gui);
    site.headset("Player_101");
    site.gama.is_mute = true;
    site.does(Launch);
    assert_eq!(commands(&mut site), ["load"]);
    assert_eq!((site.row().state.as_str(), site.row().flavour), ("NONE", Some("gui")));
    assert_eq!(
        site.row().waits_for.as_deref(),
        Some("GAMA to load 'vr_xp'"),
        "the answer is not its effect"
    );
    site.status("NOTREADY");
    site.run(50_000);
    assert!(commands(&mut site).is_empty());
    assert!(site.in_game().is_empty());
    site.status("PAUSED");
    site.run(5);
    assert_eq!(commands(&mut site), ["create_player"]);
    assert_eq!(site.row().waits_for, None);
}

#[test]
fn si18_orders_that_cannot_be_carried_out_are_refused_in_words() {
    let rows: [(&str, &[OrderWord]); 6] = [
        ("NONE", &[Launch]),
        ("NOTREADY", &[Stop]),
        ("PAUSED", &[Resume, Stop, Step, StepBack, Reload]),
        ("RUNNING", &[Pause, Stop, Reload]),
        ("FINISHED", &[Launch, Stop, Reload]),
        ("weird", &[Stop, Reload]),
    ];
    for (state, may) in rows {
        let mut site = Site::new(Kind::Gui);
        site.status(state);
        assert_eq!(site.row().state, state);
        assert_eq!(site.class().orders, may, "{state}");
        for order in [Launch, Pause, Resume, Step, StepBack, Reload] {
            if may.contains(&order) {
                continue;
            }
            let words = site.order(order).unwrap_err();
            assert!(words.len() > 10, "{words}");
            site.run(2);
            assert!(commands(&mut site).is_empty(), "{state} {order:?}");
        }
    }
}

#[test]
fn si18_a_launch_needs_a_model() {
    let mut site = Site::new(Kind::Gui);
    let none = std::sync::Arc::new(crosstie_hub::classroom::catalog::Catalog::default());
    site.house.give(crosstie_hub::Input::Packages(none));
    let words = site.order(Launch).unwrap_err();
    assert!(words.contains("no model"), "{words}");
    assert!(!site.class().orders.contains(&Launch));
}

#[test]
fn si19_pause_resume_and_steps_go_to_gama_and_their_effects_come_back() {
    for kind in BOTH {
        let mut site = Site::launched(kind);
        let steps = [
            (Resume, "play", "RUNNING"),
            (Pause, "pause", "PAUSED"),
            (Step, "step", "PAUSED"),
        ];
        for (order, word, state) in steps.into_iter().chain([(StepBack, "stepBack", "PAUSED")]) {
            site.does(order);
            assert_eq!(commands(&mut site), [word], "{kind:?}");
            assert_eq!(site.row().state, state, "{kind:?} {order:?}");
            assert_eq!(site.row().waits_for, None, "{kind:?} {order:?}");
        }
    }
}

#[test]
fn a_second_order_of_a_kind_is_refused_while_the_first_is_not_answered() {
    let mut site = Site::launched(Kind::Gui);
    site.gama.silent.insert("play");
    site.does(Resume);
    let words = site.order(Resume).unwrap_err();
    assert_eq!(words, "GAMA is not done with the last 'play' yet");
    assert!(!site.class().orders.contains(&Resume));
    assert_eq!(commands(&mut site), ["play"]);
    let mut site = Site::new(Kind::Gui);
    site.gama.silent.insert("load");
    site.does(Launch);
    for order in [Launch, Stop] {
        let words = site.order(order).unwrap_err();
        assert!(words.contains("still loads 'vr_xp'"), "{words}");
    }
}

#[test]
fn si20_a_stop_of_what_runs_pauses_it_first_and_sends_the_headsets_away() {
    for kind in BOTH {
        let mut site = Site::launched(kind);
        let headset = site.headset("Player_101");
        site.does(Resume);
        site.gama.heard.clear();
        site.does(Stop);
        assert_eq!(commands(&mut site), ["pause", "stop"], "{kind:?}");
        assert_eq!(site.row().state, "NONE");
        assert_eq!(site.house.peer(headset).closed, Some(1000));
        assert!(site.in_game().is_empty());
        assert_eq!(site.row().waits_for, None);
        // What is paused is stopped at once, and what is gone can be launched again.
        site.does(Launch);
        site.gama.heard.clear();
        site.does(Stop);
        assert_eq!(commands(&mut site), ["stop"], "{kind:?}");
        assert_eq!(site.row().state, "NONE");
    }
}

#[test]
fn si20_a_stop_without_an_experiment_only_tells_how_things_stand() {
    let mut site = Site::new(Kind::Gui);
    let headset = site.headset("Player_101");
    let monitor = site.monitor();
    let stop = || String::from(r#"{"type":"stop_experiment"}"#);
    site.house.say_text(monitor, stop());
    site.run(20);
    assert!(commands(&mut site).is_empty());
    assert_eq!(site.house.peer(headset).closed, None);
    assert_eq!(site.row().waits_for, None);
    // Whoever asks in words is answered in words.
    let words = site.order(Stop).unwrap_err();
    assert_eq!(words, "there is no experiment that could be stopped");
    site.gama.die(&mut site.house);
    site.house.say_text(monitor, stop());
    site.run(20);
    let words = site.order(Stop).unwrap_err();
    assert!(words.contains("GAMA"), "{words}");
}

#[test]
fn si20_a_stop_waits_ten_seconds_for_the_pause_and_then_stops_all_the_same() {
    for kind in BOTH {
        let mut site = Site::launched(kind);
        site.does(Resume);
        site.gama.silent.insert("pause");
        site.gama.heard.clear();
        assert_eq!(site.order(Stop), Ok(()));
        site.run(9_990);
        assert_eq!(commands(&mut site), ["pause"]);
        assert!(site.order(Launch).unwrap_err().contains("being stopped"));
        assert!(site.row().waits_for.expect("it waits").contains("pause"));
        site.run(30);
        assert_eq!(commands(&mut site), ["stop"]);
        assert_eq!(site.row().state, "NONE");
        // A refused pause is waited for no longer.
        let mut site = Site::launched(kind);
        site.does(Resume);
        site.gama.refuses.insert("pause", "no");
        site.gama.heard.clear();
        site.does(Stop);
        assert_eq!(commands(&mut site), ["pause", "stop"]);
    }
}

#[test]
fn si20_a_stop_that_gama_does_not_answer_is_an_error_and_the_class_is_dismissed() {
    for kind in BOTH {
        let mut site = Site::launched(kind);
        let headset = site.headset("Player_101");
        site.gama.silent.insert("stop");
        site.does(Stop);
        assert_eq!(site.house.peer(headset).closed, None);
        site.run(10_000);
        assert_eq!(site.house.peer(headset).closed, Some(1000));
        assert_eq!(site.error().as_deref(), Some("GAMA did not answer 'stop' within 10 s"));
        assert_eq!(site.row().waits_for, None);
        // A window still tells the state; without one it is given up, so that a launch is possible.
        let after = if kind == Kind::Gui { "PAUSED" } else { "NONE" };
        assert_eq!(site.row().state, after);
        site.gama.silent.clear();
        if kind == Kind::Gui {
            site.does(Stop);
        }
        site.does(Launch);
        assert_eq!((site.row().state.as_str(), site.error()), ("PAUSED", None));
    }
}

#[test]
fn si20_a_refused_stop_dismisses_the_class_too() {
    for kind in BOTH {
        let mut site = Site::launched(kind);
        let headset = site.headset("Player_101");
        site.gama.refuses.insert("stop", "no such experiment");
        site.does(Stop);
        assert_eq!(site.house.peer(headset).closed, Some(1000));
        assert_eq!(site.error().as_deref(), Some("no such experiment"));
    }
}

#[test]
fn ga5_when_gama_ends_the_experiment_everybody_is_out_of_the_game_and_nobody_is_sent_away() {
    for (state, gone) in [
        ("PAUSED", "NONE"),
        ("RUNNING", "NONE"),
        ("RUNNING", "NOTREADY"),
        ("FINISHED", "NONE"),
    ] {
        let mut site = Site::launched(Kind::Gui);
        let headset = site.headset("Player_101");
        site.status(state);
        assert_eq!(site.in_game(), ["Player_101"]);
        site.status(gone);
        assert!(site.in_game().is_empty(), "{state} {gone}");
        assert_eq!(site.house.peer(headset).closed, None);
        let told = site.house.peer(headset).inbox.last().cloned().expect("it was told");
        assert_eq!(told["in_game"], false);
        // Its own window brings it back, without an order of ours.
        site.status("RUNNING");
        site.run(5);
        assert_eq!(site.in_game(), ["Player_101"], "{state} {gone}");
    }
}

#[test]
fn si13_foreign_states_are_passed_on() {
    let mut site = Site::launched(Kind::Gui);
    let monitor = site.monitor();
    site.headset("Player_101");
    site.status("weird");
    site.run(60);
    assert_eq!(site.told(monitor)["experiment_state"], "weird");
    assert_eq!(site.in_game(), ["Player_101"]);
    site.status(&"x".repeat(5_000));
    assert!(site.row().state.len() < 300, "a peer's word is not kept at any length");
}

#[test]
fn a_finished_or_failed_experiment_is_launched_again_without_a_restart() {
    for kind in BOTH {
        let mut site = Site::launched(kind);
        site.headset("Player_101");
        site.does(Resume);
        match kind {
            Kind::Gui => site.status("FINISHED"),
            Kind::Headless => site.say(json!({"type": "SimulationEnded", "content": ""})),
        }
        assert_eq!(site.row().state, "FINISHED");
        assert_eq!(site.in_game(), ["Player_101"]);
        site.say(json!({"type": "SimulationError", "content": {"message": "drained"}}));
        assert_eq!(site.error().as_deref(), Some("drained"));
        site.gama.heard.clear();
        site.does(Launch);
        assert_eq!(
            commands(&mut site),
            ["load", "create_player"],
            "{kind:?}: it is another experiment"
        );
        assert_eq!((site.row().state.as_str(), site.error()), ("PAUSED", None));
        assert_eq!(site.in_game(), ["Player_101"]);
    }
    // A window that goes straight from one to the other.
    let mut site = Site::launched(Kind::Gui);
    site.headset("Player_101");
    site.status("FINISHED");
    site.gama.is_mute = true;
    site.does(Launch);
    site.gama.heard.clear();
    site.status("PAUSED");
    site.run(5);
    assert_eq!(commands(&mut site), ["create_player"]);
}

#[test]
fn a_refused_launch_is_an_error_that_the_next_one_takes_away() {
    for kind in BOTH {
        let mut site = Site::new(kind);
        let monitor = site.monitor();
        site.gama.refuses.insert("load", "'/models/vr_xp.gaml' does not exist");
        site.does(Launch);
        site.run(60);
        let told = site.told(monitor);
        assert_eq!(
            (&told["loading"], &told["experiment_state"]),
            (&json!(false), &json!("NONE"))
        );
        assert_eq!(told["content_error"]["type"], "UnableToExecuteRequest");
        assert_eq!(told["content_error"]["command"]["type"], "load");
        assert!(site.row().error.expect("it is shown").hint.contains("model's file"));
        site.gama.refuses.clear();
        site.does(Launch);
        assert_eq!((site.row().state.as_str(), site.error()), ("PAUSED", None));
    }
}

#[test]
fn a_reload_makes_the_players_anew() {
    for kind in BOTH {
        let mut site = Site::launched(kind);
        site.headset("Player_101");
        site.gama.heard.clear();
        site.does(Reload);
        assert_eq!(commands(&mut site), ["reload", "create_player"], "{kind:?}");
        assert_eq!(site.in_game(), ["Player_101"]);
        assert_eq!(site.row().waits_for, None);
    }
    // A window does not report a reload that leads to the same state: what holds two seconds later counts.
    let mut site = Site::launched(Kind::Gui);
    site.headset("Player_101");
    site.gama.is_mute = true;
    site.gama.heard.clear();
    site.does(Reload);
    assert!(site.in_game().is_empty());
    assert_eq!(commands(&mut site), ["reload"]);
    site.run(2_000);
    assert_eq!(commands(&mut site), ["create_player"]);
    assert_eq!((site.row().waits_for, site.error()), (None, None));
}

#[test]
fn ga6_the_flavour_of_the_project_holds() {
    for (flavour, word) in [(Flavour::Gui, "gui"), (Flavour::Headless, "headless")] {
        let settings = GamaSettings {
            flavour,
            ..GamaSettings::default()
        };
        let mut site = Site::with(Kind::Headless, settings);
        assert_eq!(site.row().flavour, Some(word));
        site.does(Launch);
        let state = if word == "headless" { "PAUSED" } else { "NONE" };
        assert_eq!(site.row().state, state);
        assert_eq!(site.row().flavour, Some(word));
    }
}

#[test]
fn ga6_a_reported_state_tells_that_there_is_a_window() {
    let mut site = Site::new(Kind::Gui);
    assert_eq!(site.row().flavour, None);
    site.status("NOTREADY");
    assert_eq!(site.row().flavour, Some("gui"));
    site.gama.die(&mut site.house);
    site.house.run_for(ms(1));
    assert_eq!(site.row().flavour, None, "the next one may be of another kind");
}

#[test]
fn ga10_every_command_has_its_time_and_loading_ends_with_it() {
    for (order, word, seconds) in [
        (Launch, "load", 120),
        (Resume, "play", 10),
        (Step, "step", 10),
        (StepBack, "stepBack", 10),
        (Reload, "reload", 10),
    ] {
        for kind in BOTH {
            let mut site = if word == "load" {
                Site::new(kind)
            } else {
                Site::launched(kind)
            };
            let monitor = site.monitor();
            site.gama.silent.insert(word);
            assert_eq!(site.order(order), Ok(()));
            site.run(seconds * 1_000 - 1);
            assert_eq!(site.told(monitor)["loading"], true, "{word}");
            assert_eq!(site.error(), None);
            site.run(60);
            let told = site.told(monitor);
            assert_eq!(told["loading"], false, "{word}");
            let content = format!("GAMA did not answer '{word}' within {seconds} s");
            assert_eq!(
                told["content_error"].to_string(),
                format!(r#"{{"type":"UnableToExecuteRequest","content":"{content}"}}"#)
            );
            assert_eq!(
                site.problem("gama:error"),
                Some(format!("UnableToExecuteRequest: {content}"))
            );
        }
    }
}

#[test]
fn ga10_an_answer_without_its_effect_is_an_error_too() {
    for (order, word, seconds) in [(Launch, "load", 120), (Resume, "play", 10), (Stop, "stop", 10)] {
        let mut site = if word == "load" {
            Site::new(Kind::Gui)
        } else {
            Site::launched(Kind::Gui)
        };
        let headset = site.headset("Player_101");
        site.gama.is_mute = true;
        assert_eq!(site.order(order), Ok(()));
        site.run(seconds * 1_000 + 5);
        let words = site.error().expect("it is shown");
        assert!(
            words.contains(&format!("answered '{word}' but did not report")),
            "{words}"
        );
        assert_eq!(site.row().waits_for, None);
        assert_eq!(site.house.peer(headset).closed.is_some(), word == "stop");
    }
}

#[test]
fn ga10_a_late_answer_still_counts() {
    let mut site = Site::launched(Kind::Headless);
    site.gama.silent.insert("play");
    site.does(Resume);
    let play = site.gama.heard.last().cloned().expect("it was sent");
    site.run(10_000);
    assert!(site.error().is_some());
    site.gama
        .answer(&mut site.house, "CommandExecutedSuccessfully", "", play);
    site.run(2);
    assert_eq!((site.row().state.as_str(), site.error()), ("RUNNING", None));
}

#[test]
fn ga10_time_in_which_the_hub_did_not_run_is_not_gamas() {
    let mut site = Site::launched(Kind::Headless);
    site.gama.silent.insert("play");
    assert_eq!(site.order(Resume), Ok(()));
    site.house.now = site.house.now + ms(60_000);
    site.run(2);
    assert_eq!(site.error(), None);
    site.run(10_000);
    assert!(site.error().is_some());
}
