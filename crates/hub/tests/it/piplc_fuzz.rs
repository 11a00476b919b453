//! Any words at any time: nothing falls over, and each request gets one reply, in order.

use crate::house::House;
use crate::piplc::{DOCUMENT, client, ms, settings};
use crate::replay::executes_again;
use crosstie_wire::piplc::{Dialect, Envelope, RequestError, RequestKind, decode};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// One request with some fields right, some wrong and some missing.
fn request() -> impl Strategy<Value = Json> {
    let kind = prop_oneof![
        9 => (0..RequestKind::ALL.len()).prop_map(|index| RequestKind::ALL[index].type_name().to_owned()),
        1 => "[a-z.]{0,12}",
    ];
    let context = prop_oneof![
        Just(json!(null)),
        Just(json!("")),
        Just(json!("a")),
        Just(json!("b")),
        Just(json!("nope")),
        Just(json!(7))
    ];
    let address = prop_oneof![
        Just(json!(null)),
        Just(json!("I:0/3")),
        Just(json!("N:5")),
        Just(json!("T:4")),
        Just(json!("C:4.PRE")),
        Just(json!("Start")),
        Just(json!("N:999")),
        Just(json!(3)),
        "\\PC{0,9}".prop_map(Json::from),
    ];
    let value = prop_oneof![
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        Just(json!(null)),
        Just(json!("x")),
        (-9_i64..9).prop_map(Json::from),
    ];
    let number = prop_oneof![
        Just(json!(null)),
        (-2_i64..70).prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        Just(json!("x"))
    ];
    let config = prop_oneof![
        Just(json!({})),
        Just(json!({"providerType": "Virtual"})),
        Just(json!({"providerType": "GPIO"})),
        Just(json!(3)),
        Just(json!(null)),
    ];
    let document = prop_oneof![
        Just(json!(DOCUMENT)),
        Just(json!("SOR XIC I:0/0 OTE O:0/0 EOR")),
        Just(json!("<a")),
        Just(json!(null))
    ];
    let version = prop_oneof![Just(json!("0.2.0")), Just(json!("0.1.31")), Just(json!(null))];
    ((kind, context, address), (value, number.clone(), number), (config, document, version)).prop_map(
        |((kind, context, address), (value, number, other), (config, document, version))| {
            json!({
                "type": kind, "contextId": context, "address": address, "value": value, "word": number, "bit": other,
                "index": other, "pre": number, "acc": other, "rungIndex": number, "intervalMs": number, "region": "B",
                "config": config, "data": document, "clientVersion": version, "name": context, "enabled": value,
                "routes": [{"srcContext": context, "srcAddress": address, "dstContext": "a", "dstAddress": "N:1"}, 7],
            })
        },
    )
}

/// How many replies a message gets after hello, in this dialect.
fn replies(text: &str, dialect: Dialect) -> usize {
    let decoded: Result<Envelope, RequestError> = decode(text);
    match decoded {
        Ok(envelope) => usize::from(envelope.request.kind().is_answered(dialect)),
        Err(error) => usize::from(error.reply_seq(dialect).is_some()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn pl5_any_words_are_answered_once_and_in_order(
        requests in prop::collection::vec((request(), 0_u8..20), 1..120),
        garbage in "\\PC{0,40}",
    ) {
        let mut house = House::logged(settings(&["a", "b"]));
        let conn = client(&mut house, "0.2.0");
        let mut dialect = Dialect::V02;
        let mut expected = Vec::new();
        for (seq, (mut request, pause)) in requests.into_iter().enumerate() {
            request["seq"] = (seq + 100).into();
            let text = request.to_string();
            if let Ok(envelope) = decode(&text)
                && let crosstie_wire::piplc::Request::Hello(hello) = &envelope.request
            {
                dialect = hello.dialect();
            }
            expected.extend(std::iter::repeat_n(seq as i64 + 100, replies(&text, dialect)));
            house.say_text(conn, text);
            if pause == 0 {
                house.say_text(conn, garbage.clone());
            }
            house.run_for(ms(u64::from(pause / 4)));
        }
        house.run_for(ms(6_000));
        let inbox = std::mem::take(&mut house.peer(conn).inbox);
        let got: Vec<i64> = inbox
            .iter()
            .filter(|message| message["type"].as_str().is_some_and(|kind| kind.ends_with("reply")))
            .filter_map(|message| message["seq"].as_i64())
            .filter(|seq| *seq >= 100)
            .collect();
        prop_assert_eq!(got, expected);
        prop_assert_eq!(house.peer(conn).closed, None);
        executes_again(&house, settings(&["a", "b"]), "any words");
    }
}
