//! How a route is shown: in a row of a table, and in a line.

use super::super::CliError;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The columns of a row.
pub(super) const HEADING: [&str; 10] = [
    "ID",
    "FROM",
    "TO",
    "TRANSFORM",
    "SOURCE",
    "STATE",
    "COUNT",
    "HELD",
    "FAILED",
    "LAST VALUE",
];

/// Signs of an expression that a table shows; the rest is cut with an ellipsis.
const EXPR_SHOWN_MAX: usize = 40;

/// What is shown of a route. A hub of an older version says less.
#[derive(Debug, Deserialize)]
struct Row {
    id: u64,
    from: String,
    to: String,
    source: String,
    state: String,
    reason: Option<String>,
    count: u64,
    last_value: Value,
    #[serde(default)]
    held: u64,
    #[serde(default)]
    failed: u64,
    error: Option<String>,
    pattern: Option<u64>,
    fits: Option<u64>,
    #[serde(flatten)]
    keys: Map<String, Value>,
}

/// A row of the table.
pub(super) fn row(route: Value) -> Result<[String; 10], CliError> {
    let route: Row = serde_json::from_value(route).map_err(|error| CliError::failed(&error))?;
    let last_value = match &route.last_value {
        Value::Null => String::from("-"),
        value => value.to_string(),
    };
    Ok([
        route.id.to_string(),
        route.from.clone(),
        route.to.clone(),
        transform(&route.keys),
        route.source.clone(),
        state(&route),
        route.count.to_string(),
        route.held.to_string(),
        route.failed.to_string(),
        last_value,
    ])
}

/// `route 3: a → b (active)`.
pub(super) fn line(route: Value) -> Result<String, CliError> {
    let route: Row = serde_json::from_value(route).map_err(|error| CliError::failed(&error))?;
    let transform = match transform(&route.keys).as_str() {
        "-" => String::new(),
        transform => format!(", {transform}"),
    };
    let (id, from, to) = (route.id, &route.from, &route.to);
    Ok(format!("route {id}: {from} → {to}{transform} ({})", state(&route)))
}

/// The state with what there is to say about it.
fn state(route: &Row) -> String {
    let mut words = match (&route.reason, route.fits, route.pattern) {
        (Some(reason), ..) => format!("{}: {reason}", route.state),
        (None, Some(fits), _) => format!("{}, fits {fits}", route.state),
        (None, None, Some(pattern)) => format!("{}, of {pattern}", route.state),
        _ => route.state.clone(),
    };
    if let Some(error) = &route.error {
        words.push_str(&format!("; failed: {error}"));
    }
    words
}

/// What becomes of a value, shortly: `value > 80.0, map, not, ×0.1 +5, ±0.5, 200 ms`.
fn transform(keys: &Map<String, Value>) -> String {
    let number = |key: &str| keys.get(key).and_then(Value::as_f64);
    let mut parts = Vec::new();
    if let Some(expr) = keys.get("expr").and_then(Value::as_str) {
        let end = expr.char_indices().nth(EXPR_SHOWN_MAX).map(|(at, _)| at);
        parts.push(end.map_or_else(|| expr.to_owned(), |end| format!("{}…", &expr[..end])));
    }
    if keys
        .get("map")
        .and_then(Value::as_object)
        .is_some_and(|map| !map.is_empty())
    {
        parts.push(String::from("map"));
    }
    if keys.get("invert") == Some(&Value::Bool(true)) {
        parts.push(String::from("not"));
    }
    let scale = number("scale").map(|scale| format!("×{scale}"));
    let offset = number("offset").map(|offset| format!("{offset:+}"));
    let line: Vec<String> = scale.into_iter().chain(offset).collect();
    if !line.is_empty() {
        parts.push(line.join(" "));
    }
    parts.extend(number("deadband").map(|deadband| format!("±{deadband}")));
    parts.extend(number("every_ms").map(|every| format!("{every} ms")));
    match parts.is_empty() {
        true => String::from("-"),
        false => parts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn route(keys: Value) -> Value {
        let mut route = json!({"id": 3, "from": "a", "to": "b", "source": "api", "state": "active", "reason": null, "count": 2,
            "last_value": 1.5, "held": 4, "failed": 1, "error": null, "pattern": null, "fits": null});
        let keys = keys.as_object().cloned().unwrap_or_default();
        route.as_object_mut().unwrap().extend(keys);
        route
    }

    #[test]
    fn a_transform_is_shown_in_its_order() {
        let keys = json!({"expr": "value > 80.0", "map": {"a": 1}, "invert": true, "scale": 0.1, "offset": -5.0,
            "deadband": 0.5, "every_ms": 200.0});
        let expected = "value > 80.0, map, not, ×0.1 -5, ±0.5, 200 ms";
        assert_eq!(row(route(keys.clone())).unwrap()[3], expected);
        assert_eq!(
            line(route(keys)).unwrap(),
            format!("route 3: a → b, {expected} (active)")
        );
        let plain = json!({"expr": null, "map": {}, "invert": false, "scale": null});
        assert_eq!(row(route(plain)).unwrap()[3], "-");
        let long = row(route(json!({"expr": "x".repeat(99)}))).unwrap();
        assert_eq!(long[3].chars().count(), EXPR_SHOWN_MAX + 1);
    }

    #[test]
    fn the_state_says_what_a_route_waits_for_what_it_stands_for_and_what_failed() {
        let state = |keys: Value| row(route(keys)).unwrap()[5].clone();
        assert_eq!(state(json!({})), "active");
        assert_eq!(state(json!({"fits": 7})), "active, fits 7");
        assert_eq!(state(json!({"pattern": 2})), "active, of 2");
        assert_eq!(
            state(json!({"state": "waiting", "reason": "no x yet"})),
            "waiting: no x yet"
        );
        assert_eq!(state(json!({"error": "no number"})), "active; failed: no number");
    }
}
