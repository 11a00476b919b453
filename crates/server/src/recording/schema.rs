//! The JSON schemas of the channels, for Foxglove and for whoever reads a recording with other means. A test holds them against
//! the types of [`format`](super::format).

/// Of [`Samples`](super::format::Samples).
pub(crate) const SAMPLES: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "crosstie.Samples",
  "description": "Signals that changed together",
  "type": "object",
  "properties": {
    "generation": { "type": "integer", "minimum": 0, "description": "Counts batches of changes" },
    "is_last": { "type": "boolean", "description": "The last message of a state" },
    "signals": {
      "type": "array",
      "items": {
        "type": "object",
        "properties": {
          "name": { "type": "string" },
          "kind": { "type": "string", "enum": ["Bool", "Int", "Float", "Text"] },
          "value": { "type": ["boolean", "number", "string"], "description": "A Float that is no number is NaN, Infinity or -Infinity" },
          "quality": { "type": "string", "enum": ["stale", "bad"], "description": "Left out where it is good" },
          "by": { "type": "string", "enum": ["peer", "operator", "route", "plc", "simulation", "replay"] },
          "scan": { "type": "integer", "minimum": 0, "description": "Number of the scan, where a PLC wrote it" }
        },
        "required": ["name", "kind", "value"],
        "additionalProperties": false
      }
    }
  },
  "required": ["generation", "signals"],
  "additionalProperties": false
}"#;

/// Of [`Entered`](super::format::Entered).
pub(crate) const INPUT: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "crosstie.Input",
  "description": "What entered the hub",
  "type": "object",
  "properties": {
    "number": { "type": "integer", "minimum": 1, "description": "Counts inputs; a missing number is a gap" },
    "now_ns": { "type": "integer", "minimum": 0, "description": "The time of the driver, in nanoseconds" },
    "input": { "description": "The input" }
  },
  "required": ["number", "now_ns", "input"],
  "additionalProperties": false
}"#;

/// Of [`Gap`](super::format::Gap).
pub(crate) const GAP: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "crosstie.Gap",
  "description": "What is missing",
  "type": "object",
  "properties": {
    "what": { "type": "string", "enum": ["samples", "inputs"] },
    "why": { "type": "string" },
    "from_ns": { "type": "integer", "minimum": 0, "description": "Hub time in nanoseconds" },
    "to_ns": { "type": "integer", "minimum": 0, "description": "Hub time in nanoseconds" },
    "lost": { "type": "integer", "minimum": 0, "description": "Generations or inputs" }
  },
  "required": ["what", "why", "from_ns", "to_ns", "lost"],
  "additionalProperties": false
}"#;
