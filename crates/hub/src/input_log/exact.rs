//! Numbers as texts: JSON readers round them, and a recording that is executed again must not.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use std::borrow::Cow;

/// Writes a number as the shortest text that means it.
pub(crate) fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

/// Reads it.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| D::Error::custom("expected a number in quotes"))
}

/// The same for a number that may be missing.
pub(crate) mod option {
    use super::{Cow, Deserialize, Deserializer, Error, Serializer};

    /// Writes it, or null.
    pub(crate) fn serialize<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        match number {
            Some(number) => super::serialize(number, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads it.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        let text = Option::<Cow<'_, str>>::deserialize(deserializer)?;
        let number = text.map(|text| {
            text.parse()
                .map_err(|_| D::Error::custom("expected a number in quotes"))
        });
        number.transpose()
    }
}
