//! A route on its way out: as a section of the project file, and as a row of a file of routes.

use super::ROUTE_KEYS;
use super::cells::{put_pairs, text_cell, value_cell};
use super::read::OTHERWISE;
use crosstie_hub::settings::{OnStale, RouteSetting, ValueMap};
use crosstie_hub::signal::Value as SignalValue;
use std::time::Duration;
use toml_edit::{InlineTable, Table, Value};

/// What tells a route from the others of its project: its target, and with a pattern its source as well.
pub(crate) fn route_key(route: &RouteSetting) -> (Option<&str>, &str) {
    (is_pattern(&route.from).then_some(&*route.from), &route.to)
}

/// Does a source stand for several signals?
pub(crate) fn is_pattern(from: &str) -> bool {
    from.contains('*')
}

/// The section of a route. A key at its default is left out.
pub(crate) fn route_table(route: &RouteSetting) -> Table {
    let mut table = Table::new();
    for key in ROUTE_KEYS {
        if let Some(value) = toml_of(route, key) {
            table.insert(key, toml_edit::value(value));
        }
    }
    table
}

fn toml_of(route: &RouteSetting, key: &str) -> Option<Value> {
    let transform = &route.transform;
    match key {
        "from" => Some(route.from.as_str().into()),
        "to" => Some(route.to.as_str().into()),
        "on_stale" => (route.on_stale != OnStale::default()).then(|| route.on_stale.word().into()),
        "expr" => transform.expr.as_deref().map(Value::from),
        "inputs" => {
            let inputs = transform.inputs.iter().map(|(name, signal)| (name, signal));
            let inputs: InlineTable = inputs.collect();
            (!inputs.is_empty()).then_some(Value::InlineTable(inputs))
        }
        "map" => transform.map.as_ref().map(|map| {
            let entries = map_entries(map).map(|(name, value)| (name.to_owned(), toml_value(value)));
            Value::InlineTable(entries.collect())
        }),
        "invert" => transform.invert.then(|| true.into()),
        "scale" => transform.scale.map(Value::from),
        "offset" => transform.offset.map(Value::from),
        "deadband" => transform.deadband.map(Value::from),
        "every_ms" => transform.every.map(|every| match whole_millis(every) {
            Some(millis) => millis.into(),
            None => (every.as_secs_f64() * 1e3).into(),
        }),
        _ => None,
    }
}

/// The cell of a route under one column; empty at its default.
pub(crate) fn route_cell(route: &RouteSetting, key: &str) -> String {
    let transform = &route.transform;
    match key {
        "inputs" => put_pairs(
            transform
                .inputs
                .iter()
                .map(|(name, signal)| (&**name, text_cell(signal))),
        ),
        "map" => {
            let pairs = transform.map.iter().flat_map(map_entries);
            put_pairs(pairs.map(|(name, value)| (name, value_cell(value))))
        }
        "scale" => number_cell(transform.scale),
        "offset" => number_cell(transform.offset),
        "deadband" => number_cell(transform.deadband),
        key => match toml_of(route, key) {
            Some(Value::String(text)) => text.into_value(),
            Some(Value::Boolean(flag)) => flag.into_value().to_string(),
            Some(Value::Integer(number)) => number.into_value().to_string(),
            Some(Value::Float(number)) => number.into_value().to_string(),
            _ => String::new(),
        },
    }
}

fn number_cell(number: Option<f64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

fn map_entries(map: &ValueMap) -> impl Iterator<Item = (&str, &SignalValue)> {
    let entries = map.entries.iter().map(|(name, value)| (&**name, value));
    entries.chain(map.otherwise.as_ref().map(|value| (OTHERWISE, value)))
}

fn toml_value(value: &SignalValue) -> Value {
    match value {
        SignalValue::Bool(flag) => (*flag).into(),
        SignalValue::Int(number) => (*number).into(),
        SignalValue::Float(number) => (*number).into(),
        SignalValue::Text(text) => (&**text).into(),
    }
}

fn whole_millis(time: Duration) -> Option<i64> {
    let is_whole = time.subsec_micros().is_multiple_of(1_000);
    is_whole.then(|| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}
