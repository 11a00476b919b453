//! Orders over HTTP with a name and a time: carried out once, and not late.

use crate::support::{TestHub, http};
use serde_json::{Value, json};

const PROJECT: &str = "[web]\nport = 0\n[[realvirtual]]\nname = \"line\"\nport = 0\n[[plc]]\nname = \"press\"\n";

/// Gives an order with these header fields: status and body of the answer.
fn give(hub: &TestHub, (method, path): (&str, &str), headers: &[&str], body: &Value) -> (u16, Value) {
    let (status, _, answer) = http(hub.web(), method, path, headers, &body.to_string());
    (status, serde_json::from_str(&answer).unwrap_or(Value::Null))
}

fn contexts(hub: &TestHub) -> usize {
    let answer = hub.get("/api/v1/plc/contexts");
    answer["contexts"].as_array().map_or(0, Vec::len)
}

const MAKE: (&str, &str) = ("POST", "/api/v1/plc/contexts");

#[test]
fn an_order_that_comes_twice_is_carried_out_once_and_answered_alike() {
    let hub = TestHub::start(PROJECT);
    let key = &["Idempotency-Key: click-1"];
    let (status, first) = give(&hub, MAKE, key, &json!({}));
    assert_eq!((status, contexts(&hub)), (201, 2), "{first}");
    assert_eq!(
        give(&hub, MAKE, key, &json!({})),
        (201, first),
        "the answer of the first time"
    );
    assert_eq!(contexts(&hub), 2);
    // What changes nothing has no name, and what has none comes as often as it likes.
    assert_eq!(give(&hub, ("GET", MAKE.1), key, &json!({})).0, 200);
    assert_eq!(give(&hub, MAKE, &[], &json!({})).0, 201);
    assert_eq!(give(&hub, MAKE, &["Idempotency-Key: click-2"], &json!({})).0, 201);
    assert_eq!(contexts(&hub), 4);
    // What was refused has done nothing: its name is free.
    let taken = json!({"name": "press"});
    let third = &["Idempotency-Key: click-3"];
    assert_eq!(give(&hub, MAKE, third, &taken).0, 409);
    assert_eq!(give(&hub, MAKE, third, &json!({"name": "saw"})).0, 201);
    assert_eq!(contexts(&hub), 5);
}

#[test]
fn the_answer_to_an_order_is_for_the_key_that_gave_it() {
    let hub = TestHub::start(PROJECT);
    let keys = ("POST", "/api/v1/keys");
    let make = |headers: &[&str], name: &str, role: &str| {
        let (status, made) = give(&hub, keys, headers, &json!({"name": name, "role": role}));
        assert_eq!(status, 201, "{made}");
        format!("Authorization: Bearer {}", made["key"].as_str().unwrap_or_default())
    };
    let boss = make(&[], "boss", "engineer");
    let (one, other) = (make(&[&boss], "tmp", "engineer"), make(&[&boss], "tmp", "viewer"));
    let order = "Idempotency-Key: n";
    let secret = json!({"name": "more", "role": "engineer"});
    assert_eq!(give(&hub, keys, &[&one, order], &secret).0, 201);
    // The viewer has the same name and comes with the same name of an order.
    assert_eq!(give(&hub, keys, &[&other, order], &secret).0, 403);
    // And a key is shown once, also to whoever made it.
    let (status, again) = give(&hub, keys, &[&one, order], &secret);
    assert_eq!((status, again["key"].as_str()), (409, None), "{again}");
}

#[test]
fn the_name_of_one_order_does_not_do_for_another() {
    let hub = TestHub::start(PROJECT);
    let key = &["Idempotency-Key: click"];
    assert_eq!(give(&hub, MAKE, key, &json!({})).0, 201);
    let (status, refused) = give(&hub, ("DELETE", "/api/v1/plc/contexts/press"), key, &json!({}));
    assert_eq!(
        (status, &refused["error"]["code"]),
        (422, &json!("bad_value")),
        "{refused}"
    );
    let (status, refused) = give(&hub, MAKE, key, &json!({"name": "another body"}));
    assert_eq!(
        (status, &refused["error"]["code"]),
        (422, &json!("bad_value")),
        "{refused}"
    );
    assert_eq!(contexts(&hub), 2);
    for bad in ["", &"k".repeat(65), "\u{e9}", "a b"] {
        let (status, refused) = give(&hub, MAKE, &[&format!("Idempotency-Key: {bad}")], &json!({}));
        assert_eq!(
            (status, &refused["error"]["code"]),
            (400, &json!("bad_request")),
            "{refused}"
        );
    }
}

#[test]
fn an_order_that_is_too_old_is_not_carried_out() {
    let hub = TestHub::start(PROJECT);
    let now = hub.get("/api/v1/clock")["real_ms"].as_u64().unwrap();
    let at = |given: u64| give(&hub, MAKE, &[&format!("Crosstie-Given-At: {given}")], &json!({}));
    assert_eq!(at(now).0, 201);
    // A hub that was started again has another time: what was given to the one before is far ahead.
    let (status, refused) = at(now + 1_000_000);
    assert_eq!(
        (status, &refused["error"]["code"]),
        (409, &json!("too_late")),
        "{refused}"
    );
    assert_eq!(contexts(&hub), 2);
    for bad in ["yesterday", "+5"] {
        let (status, refused) = give(&hub, MAKE, &[&format!("Crosstie-Given-At: {bad}")], &json!({}));
        assert_eq!(
            (status, &refused["error"]["code"]),
            (400, &json!("bad_request")),
            "{refused}"
        );
    }
    // What only looks is never late.
    let (status, _) = give(&hub, ("GET", MAKE.1), &["Crosstie-Given-At: 0"], &json!({}));
    assert_eq!((status, contexts(&hub)), (200, 2));
}
