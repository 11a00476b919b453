//! Messages of real peers and hand-written ones, with what they mean.
//!
//! `tests/golden/realvirtual/SOURCES.md` says where each file comes from.

use crosstie_wire::DecodeError;
use crosstie_wire::json::{JsonProblem, Place};
use crosstie_wire::realvirtual::*;
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/realvirtual")
}

fn lines(file: &str) -> Vec<String> {
    let text = fs::read_to_string(folder().join(file)).expect("the goldens are readable");
    text.lines().map(str::to_owned).collect()
}

/// All lines of the files whose name ends so, with the name of the file for complaints.
fn all_lines(ending: &str) -> Vec<(String, String)> {
    let mut files: Vec<String> = fs::read_dir(folder())
        .expect("the goldens are readable")
        .map(|entry| {
            entry
                .expect("the goldens are readable")
                .file_name()
                .into_string()
                .expect("a file name is UTF-8")
        })
        .collect();
    files.retain(|file| file.ends_with(ending));
    files.sort();
    files
        .iter()
        .flat_map(|file| lines(file).into_iter().map(|line| (file.clone(), line)))
        .collect()
}

fn decoded(line: &str) -> Message {
    decode(line.to_owned()).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Writes a message the way its sender did, version included.
fn encoded(message: &Message) -> String {
    let mut out = Vec::new();
    match message {
        Message::Init(init) => write_init(&mut out, init.name.as_deref().expect("a name was given")),
        Message::ImportRequest { .. } => write_import_request(&mut out),
        Message::ImportAnswer(catalog) => {
            let signals = catalog.values.iter().zip(&catalog.types);
            assert!(signals.clone().all(|((name, _), (typed_name, _))| name == typed_name));
            write_import_answer(
                &mut out,
                signals.map(|((name, value), (_, type_string))| (name, value, type_string.as_str())),
            );
        }
        Message::Subscribe(subscribe) => write_subscribe(&mut out, subscribe.names.as_ref().expect("names were given")),
        Message::Snapshot(values) => assert_eq!(write_snapshot(&mut out, values.iter()), 0),
        Message::Data(values) => assert_eq!(write_data(&mut out, values.iter()), 0),
        Message::ConfigGet => write_config_get(&mut out),
        Message::ConfigAnswer(config) => write_config_answer(&mut out, config),
        Message::ConfigSet(config) => write_config_set(&mut out, config),
        Message::ConfigResult(result) => write_config_result(&mut out, result.success, &result.message),
        Message::Unknown { .. } | Message::Legacy => panic!("nobody writes {message:?}"),
    }
    String::from_utf8(out).expect("what is written is UTF-8")
}

fn check(file: &str, expected: &[Result<Message, DecodeError>]) {
    let lines = lines(file);
    assert_eq!(lines.len(), expected.len(), "{file}");
    for (line, expected) in lines.iter().zip(expected) {
        assert_eq!(&decode(line.clone()), expected, "{file}: {line}");
    }
}

fn data<const N: usize>(pairs: [(&str, Value<'_>); N]) -> Result<Message, DecodeError> {
    Ok(Message::Data(Values::from_pairs(pairs)))
}

fn subscribe(version: Option<i64>, names: Option<&[&str]>) -> Result<Message, DecodeError> {
    let names = names.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    Ok(Message::Subscribe(Subscribe { version, names }))
}

fn catalog<const N: usize>(
    version: Option<i64>,
    values: [(&str, Value<'_>); N],
    types: &[(&str, &str)],
) -> Result<Message, DecodeError> {
    let types = types
        .iter()
        .map(|&(name, type_string)| (name.to_owned(), type_string.to_owned()))
        .collect();
    Ok(Message::ImportAnswer(Catalog {
        version,
        values: Values::from_pairs(values),
        types,
    }))
}

fn init(version: Option<i64>, name: Option<&str>) -> Result<Message, DecodeError> {
    Ok(Message::Init(Init {
        version,
        name: name.map(str::to_owned),
    }))
}

fn unknown(type_name: &str) -> Result<Message, DecodeError> {
    Ok(Message::Unknown {
        type_name: type_name.to_owned(),
    })
}

fn settings<const N: usize>(pairs: [(&str, serde_json::Value); N]) -> ConfigMap {
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

fn result(success: bool, message: &str) -> Result<Message, DecodeError> {
    Ok(Message::ConfigResult(ConfigResult {
        success,
        message: message.to_owned(),
    }))
}

#[test]
fn rv1_to_rv8_client_lines_are_read_and_written_byte_for_byte() {
    let lines = all_lines(".client.jsonl");
    assert_eq!(lines.len(), 98);
    for (file, line) in lines {
        assert_eq!(encoded(&decoded(&line)), line, "{file}");
    }
}

#[test]
fn rv1_to_rv8_server_lines_are_read_and_written_as_equal_json() {
    let mut lines = all_lines(".server.jsonl");
    // What is wrong on purpose cannot be written again; the tests below say how it is read.
    lines.retain(|(file, _)| !file.contains("weird") && !file.contains("badjson"));
    assert_eq!(lines.len(), 78);
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    for (file, line) in lines {
        assert_eq!(json(&encoded(&decoded(&line))), json(&line), "{file}");
    }
}

#[test]
fn the_examples_of_the_contract_mean_what_they_say() {
    check(
        "contract.client.jsonl",
        &[
            init(Some(2), Some("WebViewer")),
            Ok(Message::ImportRequest { version: Some(2) }),
            subscribe(Some(2), Some(&["RunOut", "SpeedOut", "CountOut", "TextOut", "StartIn"])),
            data([("StartIn", Value::Bool(true))]),
        ],
    );
    let values = [
        ("RunOut", Value::Bool(true)),
        ("SpeedOut", Value::Float(500.5)),
        ("CountOut", Value::Int(42)),
        ("TextOut", Value::Text("Running")),
        ("StartIn", Value::Bool(false)),
    ];
    let types = [
        ("RunOut", "PLCOutputBool"),
        ("SpeedOut", "PLCOutputFloat"),
        ("CountOut", "PLCOutputInt"),
        ("TextOut", "PLCOutputText"),
        ("StartIn", "PLCInputBool"),
    ];
    check(
        "contract.server.jsonl",
        &[
            catalog(Some(2), values, &types),
            Ok(Message::Snapshot(Values::from_pairs([values[0], values[1]]))),
            data([("SpeedOut", Value::Float(520.5))]),
            Ok(Message::ConfigAnswer(settings([("updateCycleMs", 10.into())]))),
            result(true, "applied"),
        ],
    );
}

#[test]
fn rv43_weird_values_of_a_capture_leave_the_others_unharmed() {
    let expected = [
        catalog(
            None,
            [
                ("A", Value::Text("text")),
                ("B", Value::Unusable),
                ("C", Value::Unusable),
                ("D", Value::Int(1)),
                ("E", Value::Text("true")),
                ("F", Value::Text("12.5")),
                ("G", Value::Int(9_007_199_254_740_992)),
            ],
            &[
                ("B", "BOOL"),
                ("C", "plcoutputint"),
                ("Z_only_in_types", "PLCOutputBool"),
            ],
        ),
        Ok(Message::Snapshot(Values::default())),
        data([
            ("A", Value::Text("False")),
            ("E", Value::Text("TRUE")),
            ("F", Value::Text(" 7 ")),
            ("G", Value::Text("")),
            ("B", Value::Unusable),
            ("C", Value::Unusable),
            ("NEW", Value::Int(3)),
            ("D", Value::Float(1.5)),
        ]),
    ];
    check("client-view-weird.server.jsonl", &expected);
    check("server-view-weird.server.jsonl", &expected);
}

#[test]
fn rv50_broken_messages_of_a_capture_are_errors_with_data() {
    check(
        "server-view-badjson.server.jsonl",
        &[
            Err(DecodeError::Json {
                problem: JsonProblem::Expected("a name in quotes"),
                place: Place { line: 1, column: 2 },
            }),
            Err(DecodeError::NoType),
            unknown("totally_unknown"),
            Err(DecodeError::NotAnObject { found: "null" }),
        ],
    );
}

#[test]
fn rv16_unknown_fields_and_types_and_old_peers_are_told_apart() {
    check(
        "unknown.hand.jsonl",
        &[
            init(Some(2), Some("Twin")),
            data([("A", Value::Int(1))]),
            subscribe(Some(2), Some(&["A"])),
            Ok(Message::ImportRequest { version: None }),
            unknown("heartbeat"),
            unknown("Data"),
            unknown(""),
            Ok(Message::Legacy),
            Ok(Message::Legacy),
        ],
    );
}

#[test]
fn rv45_values_at_the_edge_are_read_in_order() {
    check(
        "values.hand.jsonl",
        &[
            data([
                ("a", Value::Unusable),
                ("b", Value::Unusable),
                ("c", Value::Unusable),
                ("e", Value::Int(1)),
            ]),
            data([("A", Value::Int(1)), ("B", Value::Int(2)), ("A", Value::Int(3))]),
            data([("B", Value::Int(2))]),
            Ok(Message::Snapshot(Values::from_pairs([
                ("i", Value::Int(-1)),
                ("f", Value::Float(1.0)),
                ("e", Value::Float(20.0)),
                ("z", Value::Float(-0.0)),
                ("big", Value::Float(9_223_372_036_854_775_808.0)),
                ("max", Value::Int(i64::MAX)),
                ("out", Value::Unusable),
            ]))),
            data([
                ("Förderer \"1\"", Value::Text("a\\b\n😀")),
                ("", Value::Text("")),
                ("\0", Value::Text("\u{fffd}")),
            ]),
            data([("A", Value::Bool(true)), ("B", Value::Bool(false))]),
            data([]),
            data([]),
        ],
    );
}

#[test]
fn rv12_missing_null_and_empty_are_told_apart() {
    let nested = serde_json::json!({"a": [1, 2.5, null]});
    let set = settings([
        ("updateCycleMs", 20.into()),
        ("inputPatterns", serde_json::json!(["Unity"])),
        ("nested", nested),
        ("debug", false.into()),
    ]);
    check(
        "messages.hand.jsonl",
        &[
            Ok(Message::ConfigGet),
            Ok(Message::ConfigGet),
            Ok(Message::ConfigSet(set)),
            Ok(Message::ConfigSet(ConfigMap::new())),
            result(false, "unknown key `speed`"),
            subscribe(Some(2), Some(&[])),
            subscribe(Some(2), None),
            subscribe(Some(2), None),
            subscribe(None, Some(&["A", "A", "a"])),
            init(None, None),
            Ok(Message::ImportRequest { version: None }),
            catalog(None, [], &[]),
            catalog(
                None,
                [("A", Value::Bool(false)), ("B", Value::Unusable)],
                &[("A", "PLCInputBool")],
            ),
        ],
    );
}

#[test]
fn fields_of_the_wrong_kind_are_located() {
    let check = |text: &str, field, expected, found, column| {
        let place = Place { line: 1, column };
        assert_eq!(
            decode(text.to_owned()),
            Err(DecodeError::FieldKind {
                field,
                expected,
                found,
                place
            }),
            "{text}"
        );
    };
    check(
        r#"{"type":"data","signals":[1]}"#,
        "signals",
        "an object",
        "an array",
        26,
    );
    check(
        r#"{"signals":"x","type":"snapshot"}"#,
        "signals",
        "an object",
        "a string",
        12,
    );
    check(r#"{"type":7}"#, "type", "a string", "a number", 9);
    check(r#"{"type":"init","name":true}"#, "name", "a string", "a bool", 23);
    check(
        r#"{"type":"subscribe","subscribe":{}}"#,
        "subscribe",
        "an array of strings",
        "an object",
        33,
    );
    check(
        r#"{"type":"subscribe","subscribe":["a",null]}"#,
        "subscribe",
        "an array of strings",
        "null",
        38,
    );
    check(
        r#"{"type":"import_answer","signalTypes":0}"#,
        "signalTypes",
        "an object",
        "a number",
        39,
    );
    check(
        r#"{"type":"config_set","config":[]}"#,
        "config",
        "an object",
        "an array",
        31,
    );
    check(
        r#"{"type":"config_result","success":1}"#,
        "success",
        "true or false",
        "a number",
        35,
    );
}

#[test]
fn rv12_a_list_is_limited_on_both_sides_of_the_border() {
    let limits = Limits {
        names_max: 3,
        names_len_max: 6,
    };
    let check = |names: &str, expected: Result<(), DecodeError>| {
        let text = format!(r#"{{"type":"subscribe","subscribe":{names}}}"#);
        assert_eq!(decode_within(text, &limits).map(drop), expected, "{names}");
    };
    check(r#"["aa","bb","cc"]"#, Ok(()));
    check(
        r#"["aa","bb","ccc"]"#,
        Err(DecodeError::NamesTooLong { limit: 6, got: 7 }),
    );
    check(r#"["","",""]"#, Ok(()));
    check(r#"["","","",""]"#, Err(DecodeError::TooManyNames { limit: 3, got: 4 }));
    assert_eq!(
        Limits::default(),
        Limits {
            names_max: 100_000,
            names_len_max: 4_194_304
        }
    );
}

#[test]
fn settings_beyond_a_float_are_refused_by_name() {
    let error = decode(r#"{"type":"config_set","config":{"a":1e400}}"#.to_owned()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("expected settings in `config`: number out of range"),
        "{error}"
    );
}

#[test]
fn depth_bombs_are_refused_without_exhausting_the_stack() {
    let too_deep = |text: String| {
        let Err(DecodeError::Json { problem, .. }) = decode(text) else {
            return false;
        };
        problem == JsonProblem::TooDeep
    };
    let nested = |levels: usize| format!(r#"{{"type":"data","x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert!(!too_deep(nested(126)));
    assert!(too_deep(nested(127)));
    assert!(too_deep(nested(3_000_000)));
    assert!(too_deep(
        r#"{"type":"data","signals":{"a":"#.to_owned() + &r#"{"a":"#.repeat(1_000_000)
    ));
    let config = |levels: usize| {
        format!(
            r#"{{"type":"config_set","config":{{"a":{}{}}}}}"#,
            "[".repeat(levels),
            "]".repeat(levels)
        )
    };
    assert!(decode(config(125)).is_ok());
    assert!(too_deep(config(126)));
}
