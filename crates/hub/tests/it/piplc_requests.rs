//! What clients of PiPLC's protocol ask for, request by request (PL-10 to PL-21).

use crate::house::House;
use crate::piplc::{DOCUMENT, client, done, download, exchange, house, ms, reply};
use serde_json::json;

#[test]
fn pl10_every_command_in_every_state() {
    // State before, command, success, state after, states told.
    let table = [
        ("Stopped", "start", true, "Running", "Running"),
        ("Stopped", "stop", true, "Stopped", ""),
        ("Stopped", "pause", true, "Stopped", ""),
        ("Stopped", "resume", true, "Stopped", ""),
        ("Stopped", "stepScan", true, "Paused", "Stepping Paused"),
        ("Stopped", "stepRung", true, "Stepping", "Stepping"),
        ("Stopped", "reset", true, "Stopped", ""),
        ("Running", "start", true, "Running", ""),
        ("Running", "stop", true, "Stopped", "Stopped"),
        ("Running", "pause", true, "Paused", "Paused"),
        ("Running", "resume", true, "Running", ""),
        ("Running", "stepScan", false, "Running", ""),
        ("Running", "stepRung", false, "Running", ""),
        ("Running", "reset", true, "Stopped", "Stopped"),
        ("Paused", "start", true, "Running", "Running"),
        ("Paused", "stop", true, "Stopped", "Stopped"),
        ("Paused", "pause", true, "Paused", ""),
        ("Paused", "resume", true, "Running", "Running"),
        ("Paused", "stepScan", true, "Paused", "Stepping Paused"),
        ("Paused", "stepRung", true, "Stepping", "Stepping"),
        ("Paused", "reset", true, "Stopped", "Stopped"),
        ("Fault", "start", false, "Fault", ""),
        ("Fault", "stop", true, "Stopped", "Stopped"),
        ("Fault", "pause", true, "Fault", ""),
        ("Fault", "resume", true, "Fault", ""),
        ("Fault", "stepScan", false, "Fault", ""),
        ("Fault", "stepRung", false, "Fault", ""),
        ("Fault", "reset", true, "Stopped", "Stopped"),
    ];
    for (before, command, success, after, told) in table {
        let mut house = house(&["line"]);
        let conn = client(&mut house, "0.2.0");
        download(&mut house, conn, "");
        if before != "Stopped" {
            done(&mut house, conn, json!({"type": "engine.start", "seq": 1}));
        }
        match before {
            "Paused" => done(&mut house, conn, json!({"type": "engine.pause", "seq": 1})),
            "Fault" => done(
                &mut house,
                conn,
                json!({"type": "memory.writeBit", "seq": 1, "address": "B:0/0", "value": true}),
            ),
            _ => {}
        }
        house.run_for(ms(15));
        let got = exchange(&mut house, conn, json!({"type": format!("engine.{command}"), "seq": 2}));
        let states: Vec<&str> = got[1..]
            .iter()
            .filter_map(|message| message["state"].as_str())
            .collect();
        let what = format!("{command} while {before}: {got:?}");
        assert_eq!(
            (&got[0]["success"], &got[0]["state"]),
            (&json!(success), &json!(after)),
            "{what}"
        );
        assert_eq!(states.join(" "), told, "{what}");
    }
}

#[test]
fn pl11_a_bad_document_changes_nothing_and_says_everything_that_is_wrong() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    download(&mut house, conn, "");
    done(&mut house, conn, json!({"type": "engine.start", "seq": 1}));
    let bad = DOCUMENT
        .replace("I:0/0\"/><Inst", "I:9/0\"/><Inst")
        .replace("sourceB=\"N:9\"", "sourceB=\"N:256\"");
    let got = exchange(
        &mut house,
        conn,
        json!({"type": "program.download", "seq": 2, "format": "plcproj-xml", "data": bad}),
    );
    assert_eq!(got.len(), 1, "the engine goes on: {got:?}");
    let answer = &got[0];
    assert_eq!((&answer["success"], &answer["seq"]), (&json!(false), &json!(2)));
    let error = answer["error"].as_str().expect("a text");
    assert!(
        error.contains("2 problems") && error.contains("line 1, character"),
        "{error}"
    );
    let diagnostics = answer["diagnostics"].as_array().expect("a list");
    assert_eq!(diagnostics.len(), 2, "{diagnostics:?}");
    for diagnostic in diagnostics {
        assert!(
            diagnostic["code"].is_string() && diagnostic["line"] == 1 && diagnostic["character"].as_u64() > Some(100)
        );
    }
    assert_eq!(
        reply(&mut house, conn, json!({"type": "engine.state", "seq": 3}))["state"],
        "Running"
    );
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "program.download", "seq": 4, "format": "pdf", "data": DOCUMENT}),
    );
    assert_eq!(answer["error"], "expected the format 'plcproj-xml', got 'pdf'");
    // A good one stops the engine: reply first, then the new state.
    let got = exchange(
        &mut house,
        conn,
        json!({"type": "program.download", "seq": 5, "projectXml": DOCUMENT}),
    );
    assert_eq!(got[0]["type"], "program.download.reply");
    assert_eq!(
        got[1],
        json!({"type": "event.stateChanged", "state": "Stopped", "contextId": "line"})
    );
}

#[test]
fn pl12_pl13_the_document_comes_back_as_it_went_and_goes_when_cleared() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    let answer = reply(&mut house, conn, json!({"type": "program.upload", "seq": 1}));
    assert_eq!(answer["error"], "no program is loaded; download one first");
    download(&mut house, conn, "");
    let answer = reply(&mut house, conn, json!({"type": "program.upload", "seq": 2}));
    let expected = json!({"type": "program.upload.reply", "seq": 2, "success": true, "contextId": "line",
        "format": "plcproj-xml", "data": DOCUMENT, "projectXml": DOCUMENT});
    assert_eq!(answer, expected);
    // A program in the text form reaches an editor as XML.
    done(
        &mut house,
        conn,
        json!({"type": "program.download", "seq": 3, "data": "SOR XIC I:0/0 OTE O:0/0 EOR"}),
    );
    let answer = reply(&mut house, conn, json!({"type": "program.upload", "seq": 4}));
    let text = answer["data"].as_str().expect("a document");
    assert!(
        text.starts_with("<?xml") && text.contains(r#"<Instruction type="XIC""#),
        "{text}"
    );
    done(&mut house, conn, json!({"type": "engine.start", "seq": 5}));
    let got = exchange(&mut house, conn, json!({"type": "program.clear", "seq": 6}));
    assert_eq!(got[0]["success"], true);
    assert_eq!(got[1]["state"], "Stopped");
    let answer = reply(&mut house, conn, json!({"type": "engine.start", "seq": 7}));
    assert_eq!(
        (&answer["success"], &answer["state"]),
        (&json!(false), &json!("Stopped"))
    );
    assert_eq!(answer["error"], "no program is loaded; download one first");
}

#[test]
fn pl14_forces_by_address_by_symbol_and_by_numbers() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    download(&mut house, conn, "");
    done(
        &mut house,
        conn,
        json!({"type": "memory.forceBit", "seq": 1, "address": "Start", "value": true}),
    );
    done(
        &mut house,
        conn,
        json!({"type": "memory.forceBit", "seq": 1, "region": "B", "word": 63, "bit": 31, "value": true}),
    );
    done(
        &mut house,
        conn,
        json!({"type": "memory.forceBit", "seq": 1, "address": "o:07/05", "value": false}),
    );
    done(
        &mut house,
        conn,
        json!({"type": "memory.unforceBit", "seq": 1, "address": "O:7/5"}),
    );
    done(&mut house, conn, json!({"type": "memory.subscribe", "seq": 1}));
    let forces = |house: &mut House| {
        house.run_for(ms(60));
        let (_, frame) = house.peer(conn).binary.pop().expect("a snapshot");
        let word = |at: usize| u32::from_le_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
        (0..80)
            .map(|index| (index, word(2384 + 4 * index)))
            .filter(|(_, word)| *word != 0)
            .collect::<Vec<_>>()
    };
    assert_eq!(forces(&mut house), [(0, 1), (79, 1 << 31)]);
    for (request, error) in [
        (json!({"address": "I:8/0"}), "word"),
        (json!({"address": "N:3"}), "expected a bit such as I:0/3, got N:3"),
        (json!({"address": "T:4"}), "expected a bit such as I:0/3, got T:4"),
        (
            json!({"address": "Nobody"}),
            "'Nobody': expected an address such as I:0/3, or a symbol of the program",
        ),
        (
            json!({"region": "I", "word": 0, "bit": 32}),
            "expected a bit from 0 to 31",
        ),
        (json!({"region": "Q", "word": 0, "bit": 3}), "Q"),
    ] {
        for kind in ["memory.forceBit", "memory.unforceBit"] {
            let mut request = request.clone();
            request["type"] = kind.into();
            request["seq"] = 2.into();
            request["value"] = true.into();
            let answer = reply(&mut house, conn, request);
            let text = answer["error"].as_str().unwrap_or_default();
            assert!(answer["success"] == false && text.contains(error), "{answer}");
        }
    }
    done(&mut house, conn, json!({"type": "memory.clearAllForces", "seq": 3}));
    assert_eq!(forces(&mut house), []);
    let forced = house
        .audited
        .iter()
        .find(|entry| entry.what == "plc.force")
        .expect("it was written down");
    assert_eq!(
        (&*forced.by.access.who, &forced.subject),
        ("this machine (probe)", &String::from("plc/line/I:0/0"))
    );
}

#[test]
fn pl16_writes_in_every_spelling_and_out_of_range() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    for request in [
        json!({"type": "memory.writeBit", "address": "I:0/4", "value": true}),
        json!({"type": "memory.writeBit", "region": "B", "word": 0, "bit": 0, "value": true}),
        json!({"type": "memory.writeInteger", "address": "N:5", "value": -7}),
        json!({"type": "memory.writeInteger", "region": "N", "word": 6, "value": -80}),
        json!({"type": "memory.writeInteger", "address": "B:1", "value": 4_294_967_295_u32}),
        json!({"type": "memory.writeTimer", "index": 4, "pre": 500, "acc": 20, "en": true, "tt": true, "dn": false}),
        json!({"type": "memory.writeTimer", "address": "T:4", "acc": 21}),
        json!({"type": "memory.writeCounter", "word": 4, "pre": 5, "acc": -3, "dn": true, "ov": true, "un": true, "cu": true, "cd": true}),
    ] {
        let mut request = request.clone();
        request["seq"] = 1.into();
        done(&mut house, conn, request);
    }
    for request in [
        json!({"type": "memory.writeTimer", "index": 64, "pre": 1}),
        json!({"type": "memory.writeTimer", "index": 4, "pre": 40_000}),
        json!({"type": "memory.writeInteger", "address": "N:5", "value": 2_147_483_648_u32}),
        json!({"type": "memory.writeInteger", "address": "N:256", "value": true}),
        json!({"type": "memory.writeInteger", "address": "T:4.PRE", "value": 32_768}),
        json!({"type": "memory.writeInteger", "address": "I:0/3", "value": true}),
        json!({"type": "memory.writeBit", "address": "N:5", "value": true}),
        json!({"type": "memory.writeCounter", "address": "T:4", "pre": 1}),
    ] {
        let mut request = request.clone();
        request["seq"] = 2.into();
        let answer = reply(&mut house, conn, request.clone());
        assert_eq!(
            (&answer["success"], &answer["seq"]),
            (&json!(false), &json!(2)),
            "{request} → {answer}"
        );
    }
    done(&mut house, conn, json!({"type": "memory.subscribe", "seq": 3}));
    let (_, frame) = house.peer(conn).binary.remove(0);
    assert_eq!(frame[16..20], [0x10, 0, 0, 0], "I:0");
    assert_eq!(frame[80..88], [1, 0, 0, 0, 255, 255, 255, 255], "B:0 and B:1");
    assert_eq!(
        frame[336 + 20..336 + 28],
        [0xF9, 255, 255, 255, 0xB0, 255, 255, 255],
        "N:5 and N:6"
    );
    assert_eq!(frame[1360 + 32..1360 + 40], [0xF4, 1, 21, 0, 3, 0, 0, 0], "T:4");
    assert_eq!(frame[1872 + 32..1872 + 40], [5, 0, 0xFD, 255, 31, 0, 0, 0], "C:4");
}

#[test]
fn pl18_an_io_configuration_is_checked_kept_and_refuses_a_start_until_its_devices_answer() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    download(&mut house, conn, "");
    for config in [
        json!({}),
        json!({"providerType": "Nope"}),
        json!({"providerType": "GPIO", "gpioChipPath": "/dev/gpiochip0",
        "digitalPins": [{"gpioLine": 17, "direction": "input", "plcWord": 8, "plcBit": 0}]}),
    ] {
        let answer = reply(
            &mut house,
            conn,
            json!({"type": "ioconfig.load", "seq": 1, "config": config}),
        );
        assert_eq!(answer["success"], false, "{config} → {answer}");
    }
    done(&mut house, conn, json!({"type": "engine.start", "seq": 2}));
    let gpio = json!({"providerType": "GPIO", "gpioChipPath": "/dev/gpiochip0", "boardName": "X", "digitalPins": [{"gpioLine": 17,
        "direction": "input", "plcWord": 0, "plcBit": 0, "activeLow": true, "bias": "pull-up", "safeState": "off", "label": "l"}]});
    let got = exchange(
        &mut house,
        conn,
        json!({"type": "ioconfig.load", "seq": 3, "config": gpio}),
    );
    // The engine stops before its devices are exchanged, so that is told before the reply.
    assert_eq!(
        (&got[0]["type"], &got[0]["state"]),
        (&json!("event.stateChanged"), &json!("Stopped"))
    );
    assert_eq!(
        got[1],
        json!({"type": "ioconfig.load.reply", "seq": 3, "success": true, "contextId": "line"})
    );
    let info = reply(&mut house, conn, json!({"type": "engine.info", "seq": 4}));
    assert_eq!(info["ioProviderName"], "GPIO (/dev/gpiochip0)");
    assert_eq!(info["ioConfig"]["digitalPins"], gpio["digitalPins"]);
    let answer = reply(&mut house, conn, json!({"type": "engine.start", "seq": 5}));
    assert_eq!(
        (&answer["success"], &answer["state"]),
        (&json!(false), &json!("Stopped"))
    );
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(error.contains("GPIO (/dev/gpiochip0) has not answered yet"), "{error}");
    done(
        &mut house,
        conn,
        json!({"type": "ioconfig.load", "seq": 6, "config": {"providerType": "Virtual", "virtualInputCount": 16}}),
    );
    done(&mut house, conn, json!({"type": "engine.start", "seq": 7}));
}

#[test]
fn pl19_state_statistics_and_info() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    assert_eq!(
        reply(&mut house, conn, json!({"type": "engine.state", "seq": 1})),
        json!({"type": "engine.state.reply", "seq": 1, "success": true, "contextId": "line", "state": "Stopped"})
    );
    assert_eq!(
        reply(&mut house, conn, json!({"type": "engine.info", "seq": 2})),
        json!({"type": "engine.info.reply", "seq": 2, "success": true, "contextId": "line", "name": "line", "state": "Stopped",
            "hasProgram": false, "ioProvider": "Virtual I/O", "ioProviderName": "Virtual I/O", "scanTimeMs": 10,
            "ioConfig": {"boardName": "", "digitalPins": [], "gpioChipPath": "", "providerType": "Virtual",
                "virtualInputCount": 8, "virtualOutputCount": 8}})
    );
    download(&mut house, conn, "");
    done(&mut house, conn, json!({"type": "engine.start", "seq": 3}));
    house.run_for(ms(100));
    done(&mut house, conn, json!({"type": "engine.stop", "seq": 4}));
    let answer = reply(&mut house, conn, json!({"type": "engine.statistics", "seq": 5}));
    assert!(answer["scanCount"].as_u64() >= Some(10), "{answer}");
    assert_eq!(
        (&answer["lastScanTimeUs"], &answer["targetScanTimeUs"]),
        (&json!(100), &json!(10_000))
    );
    done(&mut house, conn, json!({"type": "engine.reset", "seq": 6}));
    let answer = reply(&mut house, conn, json!({"type": "engine.statistics", "seq": 7}));
    assert_eq!(
        (&answer["scanCount"], &answer["lastScanTimeUs"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn pl21_contexts_are_made_listed_and_removed() {
    let mut house = house(&["line"]);
    let conn = client(&mut house, "0.2.0");
    let made = reply(
        &mut house,
        conn,
        json!({"type": "context.create", "seq": 1, "name": "Alpha"}),
    );
    assert_eq!(
        made,
        json!({"type": "context.create.reply", "seq": 1, "success": true, "contextId": "Alpha", "name": "Alpha"})
    );
    let made = reply(&mut house, conn, json!({"type": "context.create", "seq": 2}));
    assert_eq!(made["name"], "PLC 1");
    for _ in 4..=8 {
        done(&mut house, conn, json!({"type": "context.create", "seq": 3}));
    }
    let answer = reply(&mut house, conn, json!({"type": "context.create", "seq": 4}));
    assert_eq!(
        (
            &answer["success"],
            answer["error"].as_str().unwrap_or_default().contains('8')
        ),
        (&json!(false), true)
    );
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "context.create", "seq": 4, "name": "Alpha"}),
    );
    assert_eq!(answer["success"], false);
    let list = reply(&mut house, conn, json!({"type": "context.list", "seq": 5}));
    assert_eq!(
        list["contexts"][1],
        json!({"id": "Alpha", "contextId": "Alpha", "name": "Alpha", "state": "Stopped", "hasProgram": false})
    );
    assert_eq!(list["contexts"].as_array().map(Vec::len), Some(8));
    download(&mut house, conn, "Alpha");
    done(
        &mut house,
        conn,
        json!({"type": "engine.start", "seq": 6, "contextId": "Alpha"}),
    );
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "context.remove", "seq": 7, "contextId": "Alpha"}),
    );
    assert_eq!(answer["success"], false, "it runs: {answer}");
    // A stop right before it is enough: the removal waits for its answer.
    house.say(conn, json!({"type": "engine.stop", "seq": 8, "contextId": "Alpha"}));
    let got = exchange(
        &mut house,
        conn,
        json!({"type": "context.remove", "seq": 9, "contextId": "Alpha"}),
    );
    let removed = got.iter().find(|message| message["seq"] == 9).expect("a reply");
    assert_eq!(
        removed,
        &json!({"type": "context.remove.reply", "seq": 9, "success": true, "contextId": "Alpha"})
    );
    let answer = reply(&mut house, conn, json!({"type": "context.remove", "seq": 10}));
    assert_eq!(answer["success"], false, "no context is named: {answer}");
    for _ in 3..=8 {
        let list = reply(&mut house, conn, json!({"type": "context.list", "seq": 11}));
        let id = list["contexts"][1]["id"].clone();
        done(
            &mut house,
            conn,
            json!({"type": "context.remove", "seq": 12, "contextId": id}),
        );
    }
    let answer = reply(
        &mut house,
        conn,
        json!({"type": "context.remove", "seq": 13, "contextId": "line"}),
    );
    assert_eq!(answer["success"], false, "the last one: {answer}");
}
