//! The signals that the suite serves: names, type strings and values, as an `import_answer` holds them.

use crate::conform::rig::Kind;
use serde_json::{Map, Value, json};

/// Why a catalog cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The text is no JSON object.
    #[error("the catalog is no JSON object: {0}")]
    Json(#[from] serde_json::Error),
    /// One of the two maps is not there.
    #[error(
        "the catalog has no object `{0}`; expected {{\"signals\": {{name: value}}, \"signalTypes\": {{name: type}}}}"
    )]
    Map(&'static str),
    /// A signal without a type or with one that the contract does not know.
    #[error("signal {0:?} has no type of the contract in `signalTypes`, such as PLCOutputBool")]
    Type(String),
}

/// The signals that the suite serves. Clones are copies; what is told of one is not told of the other.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    signals: Map<String, Value>,
    types: Map<String, Value>,
}

impl Catalog {
    /// Reads a catalog of the form of an `import_answer`: `{"signals": {name: value}, "signalTypes": {name: type}}`. Other
    /// fields are passed over.
    ///
    /// # Errors
    /// A [`CatalogError`] that names what is missing or wrong.
    pub fn from_json(text: &str) -> Result<Catalog, CatalogError> {
        let mut body: Map<String, Value> = serde_json::from_str(text)?;
        let mut map = |field: &'static str| match body.remove(field) {
            Some(Value::Object(map)) => Ok(map),
            _ => Err(CatalogError::Map(field)),
        };
        let (signals, types) = (map("signals")?, map("signalTypes")?);
        let catalog = Catalog { signals, types };
        let untyped = catalog.signals.keys().find(|name| catalog.kind(name).is_none());
        match untyped {
            Some(name) => Err(CatalogError::Type(name.clone())),
            None => Ok(catalog),
        }
    }

    /// One signal of every kind in both directions and a neutral one. No value is the zero of its kind, so that a client's own
    /// first values can be told from what it was told.
    pub(super) fn built_in() -> Catalog {
        let mut catalog = Catalog::default();
        for (name, kind, value) in [
            ("RunOut", "PLCOutputBool", json!(true)),
            ("CountOut", "PLCOutputInt", json!(42)),
            ("SpeedOut", "PLCOutputFloat", json!(500.5)),
            ("TextOut", "PLCOutputText", json!("Running")),
            ("StartIn", "PLCInputBool", json!(true)),
            ("ModeIn", "PLCInputInt", json!(901)),
            ("SetpointIn", "PLCInputFloat", json!(902.5)),
            ("LabelIn", "PLCInputText", json!("conform")),
            ("Spare", "Float", json!(903.5)),
        ] {
            catalog.add(name, kind, value);
        }
        catalog
    }

    /// Adds a signal, or gives it another type and value.
    pub(super) fn add(&mut self, name: &str, kind: &str, value: Value) {
        self.signals.insert(name.to_owned(), value);
        self.types.insert(name.to_owned(), Value::from(kind));
    }

    /// Takes a signal out; the order of the others stays.
    pub(super) fn remove(&mut self, name: &str) {
        self.signals.shift_remove(name);
        self.types.shift_remove(name);
    }

    /// Keeps what a client wrote. A name that is not served is passed over (RV-18).
    pub(super) fn store(&mut self, name: &str, value: &Value) {
        if let Some(stored) = self.signals.get_mut(name) {
            *stored = value.clone();
        }
    }

    /// Takes in what a client has that is not here, with its direction turned round (RV-41); `true` when there was any.
    pub(super) fn learn(&mut self, signals: &Map<String, Value>, types: &Map<String, Value>) -> bool {
        let mut learnt = false;
        for (name, value) in signals {
            let Some(kind) = types.get(name).and_then(Value::as_str) else {
                continue;
            };
            if Kind::of_type(kind).is_some() && !self.has(name) {
                self.add(name, &turned_round(kind), value.clone());
                learnt = true;
            }
        }
        learnt
    }

    /// Whether the signal is served.
    pub(super) fn has(&self, name: &str) -> bool {
        self.signals.contains_key(name)
    }

    /// The value that is served for a signal.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.signals.get(name)
    }

    /// All names, in the order in which they are served.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.signals.keys()
    }

    /// Kind of a signal's value.
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        self.types.get(name).and_then(Value::as_str).and_then(Kind::of_type)
    }

    /// Whether the type string says `PLCOutput…`: in the usual convention the server writes it (RV-40).
    pub(super) fn is_output(&self, name: &str) -> bool {
        let kind = self.types.get(name).and_then(Value::as_str);
        kind.is_some_and(|kind| kind.starts_with("PLCOutput"))
    }

    /// The whole catalog as a message.
    pub(super) fn import_answer(&self) -> Value {
        json!({"type": "import_answer", "version": 2, "signals": self.signals, "signalTypes": self.types})
    }

    /// The values of these names, of all when there is no list, as a message. Unknown names are left out (RV-12).
    pub(super) fn snapshot(&self, names: Option<&[String]>) -> Value {
        let signals = match names {
            None => self.signals.clone(),
            Some(names) => names
                .iter()
                .filter_map(|name| Some((name.clone(), self.value(name)?.clone())))
                .collect(),
        };
        json!({"type": "snapshot", "version": 2, "signals": signals})
    }
}

/// The type string of the other side's mirror.
fn turned_round(kind: &str) -> String {
    if let Some(rest) = kind.strip_prefix("PLCInput") {
        format!("PLCOutput{rest}")
    } else if let Some(rest) = kind.strip_prefix("PLCOutput") {
        format!("PLCInput{rest}")
    } else {
        kind.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_read_as_an_import_answer_has_it() {
        let text =
            r#"{"type":"import_answer","signals":{"b":true,"a":1},"signalTypes":{"a":"Int","b":"PLCInputBool"}}"#;
        let catalog = Catalog::from_json(text).unwrap();
        assert_eq!(catalog.names().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(catalog.kind("b"), Some(Kind::Bool));
    }

    #[test]
    fn a_wrong_catalog_is_refused_with_what_is_wrong() {
        let check = |text: &str, said: &str| {
            let error = Catalog::from_json(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        };
        check("[]", "no JSON object");
        check(r#"{"signals":{}}"#, "signalTypes");
        check(r#"{"signals":[],"signalTypes":{}}"#, "`signals`");
        check(r#"{"signals":{"x":1},"signalTypes":{}}"#, "\"x\"");
        check(r#"{"signals":{"x":1},"signalTypes":{"x":"bool"}}"#, "\"x\"");
    }

    #[test]
    fn what_is_learnt_from_a_client_is_turned_round() {
        let mut catalog = Catalog::built_in();
        let signals = json!({"RunOut": false, "Fault": true, "Odd": 1});
        let types = json!({"RunOut": "Float", "Fault": "PLCInputBool", "Odd": "Own"});
        let learn = |catalog: &mut Catalog| catalog.learn(signals.as_object().unwrap(), types.as_object().unwrap());
        assert!(learn(&mut catalog));
        assert!(catalog.is_output("Fault") && !catalog.has("Odd"));
        assert_eq!(catalog.kind("RunOut"), Some(Kind::Bool));
        assert!(!learn(&mut catalog));
    }

    #[test]
    fn a_snapshot_leaves_unknown_names_out() {
        let names = ["CountOut".to_owned(), "none".to_owned()];
        assert_eq!(
            Catalog::built_in().snapshot(Some(&names))["signals"],
            json!({"CountOut": 42})
        );
    }
}
