//! The text of a frame into a message.
//!
//! One pass: known fields are read into slots, unknown ones are checked and skipped, and the type decides at the end which
//! slots matter. A field of the wrong kind is an error only in a message that needs it.

use super::message::{Catalog, ConfigMap, ConfigResult, Init, Message, Subscribe};
use crate::error::DecodeError;
use crate::json::field::{self, Names, Slot};
use crate::value::{Entry, Span, Values};

/// What a message may contain. The length of the text itself is limited by the connection that reads the frame (RV-51).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Names in one `subscribe`; 100,000 by default (RV-12).
    pub names_max: usize,
    /// Bytes of all names of one `subscribe` together; 4 MiB by default (RV-12).
    pub names_len_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            names_max: 100_000,
            names_len_max: 4 << 20,
        }
    }
}

/// Reads one message within the default [`Limits`].
///
/// # Errors
///
/// See [`decode_within`].
pub fn decode(text: String) -> Result<Message, DecodeError> {
    decode_within(text, &Limits::default())
}

/// Reads one message. The order of fields is free, unknown fields are ignored, of two equal fields the last counts (RV-45).
///
/// # Errors
///
/// [`DecodeError::Json`] when the text is not one JSON value (also when something follows it), [`DecodeError::NotAnObject`],
/// [`DecodeError::NoType`] when there is neither `type` nor the `tag` of protocol v1, [`DecodeError::FieldKind`] when a field
/// that the type needs holds something else, [`DecodeError::Config`] for settings that cannot be kept, and
/// [`DecodeError::TooManyNames`] or [`DecodeError::NamesTooLong`] for a list beyond the limits.
pub fn decode_within(text: String, limits: &Limits) -> Result<Message, DecodeError> {
    let mut fields = Fields::default();
    let text = field::read_object(text, |scanner, key| {
        match scanner.str_of(key) {
            "type" => fields.type_name = field::text(scanner)?,
            "version" => fields.version = field::int(scanner)?,
            "name" => fields.name = field::text(scanner)?,
            "signals" => field::entries(scanner, &mut fields.signals)?,
            "signalTypes" => field::entries(scanner, &mut fields.signal_types)?,
            "subscribe" => fields.subscribe = field::names(scanner, limits.names_max)?,
            "config" => fields.config = field::object(scanner)?,
            "success" => fields.success = field::bool(scanner)?,
            "message" => fields.message = field::text(scanner)?,
            "tag" => {
                scanner.skip()?;
                fields.has_tag = true;
            }
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    fields.into_message(text, limits)
}

/// The complete field set of the protocol.
#[derive(Default)]
struct Fields {
    type_name: Slot<Span>,
    version: Slot<i64>,
    name: Slot<Span>,
    signals: Slot<Vec<Entry>>,
    signal_types: Slot<Vec<Entry>>,
    subscribe: Slot<Names>,
    config: Slot<Span>,
    success: Slot<bool>,
    message: Slot<Span>,
    has_tag: bool,
}

impl Fields {
    fn into_message(self, text: String, limits: &Limits) -> Result<Message, DecodeError> {
        let Some(type_name) = self.type_name.take("type", &text)? else {
            return if self.has_tag {
                Ok(Message::Legacy)
            } else {
                Err(DecodeError::NoType)
            };
        };
        // A version that is no number is as good as none: it is only ever worth a warning (RV-16).
        let version = self.version.lenient();
        let owned = |span: Span| span.of(&text).to_owned();
        Ok(match type_name.of(&text) {
            "data" => Message::Data(values(self.signals, text)?),
            "snapshot" => Message::Snapshot(values(self.signals, text)?),
            "init" => Message::Init(Init {
                version,
                name: self.name.take("name", &text)?.map(owned),
            }),
            "import_request" => Message::ImportRequest { version },
            "import_answer" => {
                let types = types(self.signal_types, &text)?;
                Message::ImportAnswer(Catalog {
                    version,
                    values: values(self.signals, text)?,
                    types,
                })
            }
            "subscribe" => {
                let names = self.subscribe.take("subscribe", &text)?;
                let names = names
                    .map(|names| names.to_strings(&text, limits.names_max, limits.names_len_max))
                    .transpose()?;
                Message::Subscribe(Subscribe { version, names })
            }
            "config_get" => Message::ConfigGet,
            "config_answer" => Message::ConfigAnswer(config(self.config, &text)?),
            "config_set" => Message::ConfigSet(config(self.config, &text)?),
            "config_result" => Message::ConfigResult(ConfigResult {
                success: self.success.take("success", &text)?.unwrap_or(false),
                message: self.message.take("message", &text)?.map(owned).unwrap_or_default(),
            }),
            unknown => Message::Unknown {
                type_name: unknown.to_owned(),
            },
        })
    }
}

fn values(signals: Slot<Vec<Entry>>, text: String) -> Result<Values, DecodeError> {
    let entries = signals.take("signals", &text)?.unwrap_or_default();
    Ok(Values::from_parts(text, entries))
}

fn types(signal_types: Slot<Vec<Entry>>, text: &str) -> Result<Vec<(String, String)>, DecodeError> {
    let entries = signal_types.take("signalTypes", text)?.unwrap_or_default();
    let owned = |span: Span| span.of(text).to_owned();
    let pair = |entry: &Entry| {
        entry
            .value()
            .as_text()
            .map(|type_string| (owned(entry.name()), owned(type_string)))
    };
    Ok(entries.iter().filter_map(pair).collect())
}

fn config(config: Slot<Span>, text: &str) -> Result<ConfigMap, DecodeError> {
    let Some(span) = config.take("config", text)? else {
        return Ok(ConfigMap::new());
    };
    let map: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(span.of(text)).map_err(|error| DecodeError::Config {
            reason: error.to_string(),
        })?;
    Ok(map.into_iter().collect())
}
