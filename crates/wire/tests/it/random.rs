//! Random texts: no decoder panics, the scanner reads what `serde_json` reads, what is written reads back.

use crosstie_wire::fuzz;
use crosstie_wire::realvirtual::{Message, Value, Values, decode, write_data, write_snapshot, write_subscribe};
use proptest::prelude::*;

/// A value that owns its text.
#[derive(Debug, Clone)]
enum Owned {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Owned {
    fn borrowed(&self) -> Value<'_> {
        match self {
            Owned::Bool(value) => Value::Bool(*value),
            Owned::Int(value) => Value::Int(*value),
            Owned::Float(value) => Value::Float(*value),
            Owned::Text(text) => Value::Text(text),
        }
    }
}

fn any_value() -> impl Strategy<Value = Owned> {
    // A whole float reads back as an integer, which the encoder's own tests cover; here floats have a fraction.
    let fraction = proptest::num::f64::ANY.prop_filter("finite with fraction", |value| {
        value.is_finite() && value.fract() != 0.0
    });
    prop_oneof![
        any::<bool>().prop_map(Owned::Bool),
        any::<i64>().prop_map(Owned::Int),
        fraction.prop_map(Owned::Float),
        any::<String>().prop_map(Owned::Text),
    ]
}

/// JSON with everything that is allowed and much that is not: odd numbers, escapes, halves of surrogate pairs, white space,
/// duplicate and known keys.
fn any_json(depth: u32) -> BoxedStrategy<String> {
    let space = || "[ \t\r\n]{0,2}";
    let text =
        r#""([ -!#-\[\]-~äß€😀]|\\["\\/bfnrt]|\\u00[0-9a-f]{2}|\\ud83d\\ude0[0-9]|\\ud[89a-f]0[0-9]|\\x){0,12}""#;
    let key = prop_oneof![
        5 => prop::sample::select(vec!["type", "signals", "signalTypes", "subscribe", "config", "version", "name", "tag", "success", "message", "id", "epoch", "names", "patterns", "cycle_ms", "content", "contents", "command", "exp_id", "heartbeat", "simulation", "display_type", "action"]).prop_map(|key| format!("\"{key}\"")),
        2 => text,
    ];
    let leaf = prop_oneof![
        4 => text,
        4 => r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?",
        1 => r"[-+.0-9eE]{1,6}",
        3 => prop::sample::select(vec!["true", "false", "null", "nul", "", "NaN"]).prop_map(str::to_owned),
        4 => prop::sample::select(vec!["data", "snapshot", "init", "import_request", "import_answer", "subscribe", "write", "config_get", "config_set", "config_answer", "config_result", "connection", "ask", "screen_control", "SimulationOutput", "SimulationStatus", "CommandExecutedSuccessfully"]).prop_map(|name| format!("\"{name}\"")),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let object =
        prop::collection::vec((space(), key, space(), any_json(depth - 1), space()), 0..5).prop_map(|members| {
            let members: Vec<String> = members
                .iter()
                .map(|(a, key, b, value, c)| format!("{a}{key}{b}:{a}{value}{c}"))
                .collect();
            format!("{{{}}}", members.join(","))
        });
    let array = prop::collection::vec(any_json(depth - 1), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
    prop_oneof![2 => leaf, 4 => object, 1 => array].boxed()
}

/// A message whose type is known, so that random signals reach the reader of signals.
fn any_message() -> impl Strategy<Value = String> {
    let types = vec![
        "data",
        "snapshot",
        "subscribe",
        "import_answer",
        "config_answer",
        "config_result",
        "write",
        "watch_classroom",
    ];
    let fields = prop::sample::select(vec![
        "signals",
        "subscribe",
        "config",
        "message",
        "names",
        "signalTypes",
        "on",
    ]);
    (prop::sample::select(types), fields, any_json(3), any::<bool>()).prop_map(
        |(type_name, field, value, type_first)| {
            if type_first {
                format!(r#"{{"type":"{type_name}","id":1,"epoch":2,"{field}":{value}}}"#)
            } else {
                format!(r#"{{"{field}":{value},"id":1,"epoch":2,"type":"{type_name}"}}"#)
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_break_no_promise(bytes: Vec<u8>) {
        fuzz::realvirtual(&bytes);
        fuzz::live(&bytes);
        fuzz::simple(&bytes);
        fuzz::gama(&bytes);
    }

    #[test]
    fn any_json_like_text_is_judged_and_read_as_serde_json_does(text in any_json(4)) {
        fuzz::realvirtual(text.as_bytes());
        fuzz::live(text.as_bytes());
        fuzz::simple(text.as_bytes());
        fuzz::gama(text.as_bytes());
    }

    #[test]
    fn any_message_is_judged_and_read_as_serde_json_does(text in any_message()) {
        fuzz::realvirtual(text.as_bytes());
        fuzz::live(text.as_bytes());
    }

    #[test]
    fn any_number_is_judged_and_read_as_serde_json_does(
        digits in r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,3})?",
        border in r"-?(1844674407370955161[0-9]|922337203685477580[0-9]|900719925474099[0-9])(\.[05])?",
        junk in "[-+.0-9eE]{1,7}",
    ) {
        fuzz::realvirtual(format!(r#"{{"type":"data","signals":{{"a":{digits},"b":{border}}}}}"#).as_bytes());
        fuzz::realvirtual(format!(r#"{{"type":"data","signals":{{"a":{junk}}}}}"#).as_bytes());
        fuzz::realvirtual(format!(r#"{{"type":"data","other":[{junk}]}}"#).as_bytes());
    }

    #[test]
    fn a_message_with_one_spoiled_byte_breaks_no_promise(text in any_message(), place: prop::sample::Index, byte: u8) {
        let mut bytes = text.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        fuzz::realvirtual(&bytes);
        fuzz::live(&bytes);
        fuzz::simple(&bytes);
        fuzz::gama(&bytes);
    }

    #[test]
    fn any_names_and_values_read_back(pairs in prop::collection::vec((any::<String>(), any_value()), 0..20)) {
        let values = Values::from_pairs(pairs.iter().map(|(name, value)| (name, value.borrowed())));
        let mut data = Vec::new();
        prop_assert_eq!(write_data(&mut data, values.iter()), 0);
        prop_assert_eq!(decode(String::from_utf8(data).unwrap()), Ok(Message::Data(values.clone())));
        let mut snapshot = Vec::new();
        prop_assert_eq!(write_snapshot(&mut snapshot, values.iter()), 0);
        prop_assert_eq!(decode(String::from_utf8(snapshot).unwrap()), Ok(Message::Snapshot(values)));
    }

    #[test]
    fn any_list_of_names_reads_back(names: Vec<String>) {
        let mut out = Vec::new();
        write_subscribe(&mut out, &names);
        let Ok(Message::Subscribe(subscribe)) = decode(String::from_utf8(out).unwrap()) else { panic!("no subscribe") };
        prop_assert_eq!(subscribe.names, Some(names));
    }

    #[test]
    fn unmasking_gives_the_payload_back(payload in proptest::collection::vec(any::<u8>(), 0..400), key: [u8; 4]) {
        use crosstie_wire::frame::{mask_frame, text_frame};
        let header = text_frame(payload.len());
        let masked = mask_frame(&[header.as_bytes(), &payload].concat(), key);
        let (head, rest) = masked.split_at(header.as_bytes().len());
        prop_assert_eq!(head[1], header.as_bytes()[1] | 0x80);
        prop_assert_eq!((head[0], &head[2..]), (0x81, &header.as_bytes()[2..]));
        prop_assert_eq!(&rest[..4], &key);
        let unmasked: Vec<u8> = rest[4..].iter().zip(key.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        prop_assert_eq!(unmasked, payload);
    }
}
