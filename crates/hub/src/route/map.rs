//! Maps of routes: values and what they become.

use super::transform::mistake;
use crate::api::Refused;
use crate::settings::ValueMap;
use crate::signal::{Kind, Value};
use rustc_hash::FxHashMap;

/// Entries of a map. A longer one is refused.
const ENTRIES_MAX: usize = 1_000;
/// Bytes of a text in a map. A longer one is refused.
const TEXT_LEN_MAX: usize = 1_024;

/// A map by what its keys stand for.
#[derive(Debug)]
pub(super) struct Map {
    values: Vec<Value>,
    bools: [Option<usize>; 2],
    ints: FxHashMap<i64, usize>,
    floats: Vec<(f64, usize)>,
    texts: FxHashMap<Box<str>, usize>,
    otherwise: Option<Value>,
    /// The kind of all results.
    pub(super) kind: Kind,
}

impl Map {
    /// Reads a map.
    ///
    /// # Errors
    ///
    /// The entry that is wrong.
    pub(super) fn read(setting: &ValueMap) -> Result<Map, Refused> {
        if setting.entries.is_empty() && setting.otherwise.is_none() {
            return Err(mistake("map", "expected at least one value and what it becomes"));
        }
        if setting.entries.len() > ENTRIES_MAX {
            return Err(mistake("map", format!("expected at most {ENTRIES_MAX} entries")));
        }
        let results = setting.entries.iter().map(|(key, value)| (key.as_str(), value));
        let results: Vec<(&str, &Value)> = results
            .chain(setting.otherwise.iter().map(|value| ("*", value)))
            .collect();
        let kind = common_kind(&results)?;
        let mut map = Map {
            kind,
            otherwise: setting.otherwise.as_ref().map(|value| widened(value, kind)),
            values: Vec::new(),
            bools: [None; 2],
            ints: FxHashMap::default(),
            floats: Vec::new(),
            texts: FxHashMap::default(),
        };
        for (key, value) in &setting.entries {
            let index = map.values.len();
            map.values.push(widened(value, kind));
            let is_new = map.texts.insert(key.as_str().into(), index).is_none();
            let is_new_int = (key.parse()).map_or(true, |number: i64| map.ints.insert(number, index).is_none());
            if !is_new || !is_new_int {
                return Err(mistake("map", format!("expected '{key}' once")));
            }
            match key.as_str() {
                "false" => map.bools[0] = Some(index),
                "true" => map.bools[1] = Some(index),
                key => map.floats.extend(
                    key.parse()
                        .ok()
                        .filter(|number: &f64| number.is_finite())
                        .map(|number| (number, index)),
                ),
            }
        }
        Ok(map)
    }

    /// Every key can be a value of this kind.
    pub(super) fn fits(&self, kind: Kind) -> Result<(), String> {
        let is_fit = |key: &str| match kind {
            Kind::Bool => matches!(key, "true" | "false"),
            Kind::Int => key.parse::<i64>().is_ok(),
            Kind::Float => key.parse::<f64>().is_ok_and(f64::is_finite),
            Kind::Text => true,
        };
        let wanted = match kind {
            Kind::Bool => "true and false",
            Kind::Int => "whole numbers",
            Kind::Float | Kind::Text => "numbers",
        };
        let misfit = self.texts.keys().filter(|key| !is_fit(key)).min();
        match misfit {
            Some(key) => Err(format!("expected {wanted} on the left, found '{key}'")),
            None => Ok(()),
        }
    }

    /// What a value becomes.
    pub(super) fn get(&self, value: &Value) -> Option<&Value> {
        let index = match value {
            Value::Bool(value) => self.bools[usize::from(*value)],
            Value::Int(value) => self.ints.get(value).copied(),
            Value::Float(value) => self
                .floats
                .iter()
                .find(|(key, _)| key == value)
                .map(|(_, index)| *index),
            Value::Text(value) => self.texts.get(value).copied(),
        };
        index.map(|index| &self.values[index]).or(self.otherwise.as_ref())
    }
}

/// The one kind of all results of a map; whole and other numbers together are numbers.
fn common_kind(results: &[(&str, &Value)]) -> Result<Kind, Refused> {
    let mut common: Option<(&str, Kind)> = None;
    for (key, value) in results {
        if let Value::Float(number) = value
            && !number.is_finite()
        {
            return Err(mistake("map", format!("expected a finite number for '{key}'")));
        }
        if let Value::Text(text) = value
            && text.len() > TEXT_LEN_MAX
        {
            return Err(mistake(
                "map",
                format!("expected a text of at most {TEXT_LEN_MAX} bytes for '{key}'"),
            ));
        }
        common = match (common, value.kind()) {
            (None, kind) => Some((key, kind)),
            (Some((_, before)), kind) if before == kind => common,
            (Some(_), Kind::Int | Kind::Float) if matches!(common, Some((_, Kind::Int | Kind::Float))) => {
                Some((key, Kind::Float))
            }
            (Some((first, before)), kind) => {
                let (before, kind) = (before.word(), kind.word());
                let text = format!("expected results of one kind: '{first}' becomes {before} and '{key}' {kind}");
                return Err(mistake("map", text));
            }
        };
    }
    Ok(common.map_or(Kind::Bool, |(_, kind)| kind))
}

fn widened(value: &Value, kind: Kind) -> Value {
    match (value, kind) {
        (Value::Int(number), Kind::Float) => Value::Float(*number as f64),
        (value, _) => value.clone(),
    }
}
