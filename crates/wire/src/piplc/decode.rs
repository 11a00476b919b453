//! The text of a frame into a request.
//!
//! One pass, as for the other protocols: known fields are read into slots, unknown ones are checked and skipped, and the type
//! decides at the end which slots matter. What is wrong keeps the `seq`, the type and the context as far as they were read,
//! because every mistake that can be answered is (PL-5).

mod parts;

use super::SEQ_NONE;
use super::message::{CounterWrite, Envelope, Hello, Request, RequestError, RequestKind, TimerWrite};
use crate::error::DecodeError;
use crate::json::field::{self, Slot};
use crate::json::scan::{NotJson, Scanner};
use crate::json::{Place, TEXT_LEN_MAX};
use crate::value::Span;
use parts::{AnyScalar, Routes, Target, Texts, int16, int32, uint32};

/// How much of an unknown type is repeated in the complaint, in characters.
const TYPE_NAME_SHOWN_MAX: usize = 64;

/// What a request may contain. The length of the text itself is limited by the connection that reads the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Routes in one `route.sync`; 10,000 by default. A longer list is refused as a whole.
    pub routes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { routes_max: 10_000 }
    }
}

/// Reads one request within the default [`Limits`].
///
/// # Errors
///
/// See [`decode_within`].
pub fn decode(text: &str) -> Result<Envelope, RequestError> {
    decode_within(text, &Limits::default())
}

/// Reads one request. The order of fields is free, unknown fields are ignored, of two equal fields the last counts, and `null`
/// counts as missing. Both spellings of a field are read (PL-11, PL-14, PL-16); numbers may be written with a fraction of zero.
///
/// # Errors
///
/// [`DecodeError::Json`] when the text is not one JSON value, [`DecodeError::NotAnObject`], [`DecodeError::NoType`],
/// [`DecodeError::UnknownType`], [`DecodeError::MissingField`] and [`DecodeError::FieldKind`] for a field that the type needs,
/// [`DecodeError::Config`] for an I/O configuration that cannot be kept and [`DecodeError::TooManyRoutes`].
pub fn decode_within(text: &str, limits: &Limits) -> Result<Envelope, RequestError> {
    let mut fields = Fields::default();
    let mut side = String::new();
    let read = read_fields(text, limits, &mut fields, &mut side);
    // Taken also from a text that could not be read to its end: an answer needs it.
    let joined = |slot: Slot<Span>| slot.lenient().map(|span| span.of_joined(text, &side));
    let seq = fields.seq.lenient();
    let kind = joined(fields.type_name).and_then(RequestKind::of_type_name);
    let context_id = joined(fields.context_id).filter(|id| !id.is_empty()).map(Box::from);
    match read.and_then(|()| fields.into_request(text, side)) {
        Ok(request) => Ok(Envelope {
            seq: seq.unwrap_or(SEQ_NONE),
            context_id,
            request,
        }),
        Err(error) => Err(RequestError {
            seq,
            context_id,
            kind,
            error,
        }),
    }
}

/// Walks the object that is the whole text. What was read before a mistake stands in `fields` and `side`.
fn read_fields(text: &str, limits: &Limits, fields: &mut Fields, side: &mut String) -> Result<(), DecodeError> {
    if text.len() > TEXT_LEN_MAX {
        return Err(DecodeError::TooLong {
            limit: TEXT_LEN_MAX,
            got: text.len(),
        });
    }
    let mut scanner = Scanner::new(text);
    let walked = field::walk(&mut scanner, &mut |scanner, key| {
        fields.read(scanner, key, text, limits)
    });
    let failure = scanner.failure();
    *side = scanner.into_side();
    match (walked, failure) {
        (Ok(None), _) => Ok(()),
        (Ok(Some(found)), _) => Err(DecodeError::NotAnObject { found }),
        (Err(NotJson), failure) => {
            let (problem, offset) = failure.expect("a step that fails leaves why");
            Err(DecodeError::Json {
                problem,
                place: Place::of(text, offset),
            })
        }
    }
}

/// All fields of all requests.
#[derive(Default)]
struct Fields {
    type_name: Slot<Span>,
    seq: Slot<i32>,
    context_id: Slot<Span>,
    protocol_version: Slot<i64>,
    client_name: Slot<Span>,
    client_version: Slot<Span>,
    format: Slot<Span>,
    data: Slot<Span>,
    project_xml: Slot<Span>,
    target: Target,
    value: AnyScalar,
    interval_ms: Slot<i64>,
    pre: Slot<i16>,
    acc: Slot<i16>,
    en: Slot<bool>,
    tt: Slot<bool>,
    dn: Slot<bool>,
    ov: Slot<bool>,
    un: Slot<bool>,
    cu: Slot<bool>,
    cd: Slot<bool>,
    rung_index: Slot<u32>,
    config: Slot<Span>,
    enabled: Slot<bool>,
    routes: Routes,
    name: Slot<Span>,
}

impl Fields {
    fn read(&mut self, scanner: &mut Scanner<'_>, key: Span, text: &str, limits: &Limits) -> Result<(), NotJson> {
        match scanner.str_of(key) {
            "type" => self.type_name = field::text(scanner)?,
            "seq" => self.seq = int32(scanner)?,
            "contextId" => self.context_id = field::text(scanner)?,
            "protocolVersion" => self.protocol_version = field::int(scanner)?,
            "clientName" => self.client_name = field::text(scanner)?,
            "clientVersion" => self.client_version = field::text(scanner)?,
            "format" => self.format = field::text(scanner)?,
            "data" => self.data = field::text(scanner)?,
            "projectXml" => self.project_xml = field::text(scanner)?,
            "address" => self.target.address = field::text(scanner)?,
            "region" => self.target.region = field::text(scanner)?,
            "word" => self.target.word = uint32(scanner)?,
            "bit" => self.target.bit = uint32(scanner)?,
            "index" => self.target.index = uint32(scanner)?,
            "value" => self.value = AnyScalar::read(scanner)?,
            "intervalMs" => self.interval_ms = field::int(scanner)?,
            "pre" => self.pre = int16(scanner)?,
            "acc" => self.acc = int16(scanner)?,
            "en" => self.en = field::bool(scanner)?,
            "tt" => self.tt = field::bool(scanner)?,
            "dn" => self.dn = field::bool(scanner)?,
            "ov" => self.ov = field::bool(scanner)?,
            "un" => self.un = field::bool(scanner)?,
            "cu" => self.cu = field::bool(scanner)?,
            "cd" => self.cd = field::bool(scanner)?,
            "rungIndex" => self.rung_index = uint32(scanner)?,
            "config" => self.config = field::object(scanner)?,
            "enabled" => self.enabled = field::bool(scanner)?,
            "routes" => self.routes = Routes::read(scanner, text, limits.routes_max)?,
            "name" => self.name = field::text(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    }

    fn into_request(self, text: &str, side: String) -> Result<Request, DecodeError> {
        let texts = Texts { text, side: &side };
        Ok(match self.kind(texts)? {
            RequestKind::Hello => Request::Hello(self.into_hello(texts)),
            RequestKind::Engine(command) => Request::Engine(command),
            RequestKind::Download => return self.into_download(text, side),
            RequestKind::Upload => Request::Upload,
            RequestKind::Clear => Request::Clear,
            RequestKind::ForceBit => Request::ForceBit {
                target: self.target.bit(texts)?,
                value: self.value.bool(text)?,
            },
            RequestKind::UnforceBit => Request::UnforceBit {
                target: self.target.bit(texts)?,
            },
            RequestKind::ClearAllForces => Request::ClearAllForces,
            RequestKind::Subscribe => Request::Subscribe {
                // compat: PL-15, what is no whole number counts as missing.
                interval_ms: self.interval_ms.lenient(),
            },
            RequestKind::Unsubscribe => Request::Unsubscribe,
            RequestKind::WriteBit => Request::WriteBit {
                target: self.target.bit(texts)?,
                value: self.value.bool(text)?,
            },
            RequestKind::WriteInteger => Request::WriteInteger {
                target: self.target.word(texts)?,
                value: self.value.int(text)?,
            },
            RequestKind::WriteTimer => Request::WriteTimer(self.into_timer_write(texts)?),
            RequestKind::WriteCounter => Request::WriteCounter(self.into_counter_write(texts)?),
            RequestKind::SetBreakpoint => Request::SetBreakpoint {
                rung_index: self.rung_index.demand("rungIndex", text)?,
            },
            RequestKind::RemoveBreakpoint => Request::RemoveBreakpoint {
                rung_index: self.rung_index.demand("rungIndex", text)?,
            },
            RequestKind::ClearAllBreakpoints => Request::ClearAllBreakpoints,
            RequestKind::LoadIoConfig => Request::LoadIoConfig {
                config: read_config(texts.of(self.config.demand("config", text)?))?,
            },
            RequestKind::State => Request::State,
            RequestKind::Statistics => Request::Statistics,
            RequestKind::Info => Request::Info,
            RequestKind::SyncRoutes => Request::SyncRoutes {
                enabled: self.enabled.take("enabled", text)?.unwrap_or(true),
                routes: self.routes.take(text)?,
            },
            RequestKind::ListRoutes => Request::ListRoutes,
            RequestKind::CreateContext => Request::CreateContext {
                name: texts.filled(self.name.take("name", text)?),
            },
            RequestKind::RemoveContext => Request::RemoveContext,
            RequestKind::ListContexts => Request::ListContexts,
            RequestKind::Pong => Request::Pong,
        })
    }

    /// The kind, when the fields that every request may carry are as they must be.
    fn kind(&self, texts: Texts<'_>) -> Result<RequestKind, DecodeError> {
        let type_name = self.type_name.take("type", texts.text)?.ok_or(DecodeError::NoType)?;
        let type_name = texts.of(type_name);
        let kind = RequestKind::of_type_name(type_name).ok_or_else(|| DecodeError::UnknownType {
            type_name: type_name.chars().take(TYPE_NAME_SHOWN_MAX).collect(),
        })?;
        // Of the wrong kind, or of a request to remove one, it must not become the first context.
        let context_id = texts.filled(self.context_id.take("contextId", texts.text)?);
        if kind == RequestKind::RemoveContext && context_id.is_none() {
            return Err(DecodeError::MissingField { field: "contextId" });
        }
        Ok(kind)
    }

    /// A hello is answered whatever it says (PL-2), so what is of the wrong kind counts as missing.
    fn into_hello(self, texts: Texts<'_>) -> Hello {
        Hello {
            protocol_version: self.protocol_version.lenient(),
            client_name: texts.filled(self.client_name.lenient()),
            client_version: texts.filled(self.client_version.lenient()),
        }
    }

    /// Of a document with escapes the text is kept where they were undone, because it may have mebibytes.
    fn into_download(self, text: &str, side: String) -> Result<Request, DecodeError> {
        let format = self.format.take("format", text)?;
        let document = match (self.data, self.project_xml) {
            (Slot::Present(document), _) | (_, Slot::Present(document)) => document,
            (data, Slot::Absent) => data.demand("data", text)?,
            (_, wrong) => wrong.demand("projectXml", text)?,
        };
        Ok(Request::Download {
            format: format.map(|span| Box::from(span.of_joined(text, &side))),
            document: document.into_joined(text, side).into_boxed_str(),
        })
    }

    fn into_timer_write(self, texts: Texts<'_>) -> Result<TimerWrite, DecodeError> {
        Ok(TimerWrite {
            target: self.target.slot(texts)?,
            pre: self.pre.take("pre", texts.text)?,
            acc: self.acc.take("acc", texts.text)?,
            en: self.en.take("en", texts.text)?,
            tt: self.tt.take("tt", texts.text)?,
            dn: self.dn.take("dn", texts.text)?,
        })
    }

    fn into_counter_write(self, texts: Texts<'_>) -> Result<CounterWrite, DecodeError> {
        Ok(CounterWrite {
            target: self.target.slot(texts)?,
            pre: self.pre.take("pre", texts.text)?,
            acc: self.acc.take("acc", texts.text)?,
            dn: self.dn.take("dn", texts.text)?,
            ov: self.ov.take("ov", texts.text)?,
            un: self.un.take("un", texts.text)?,
            cu: self.cu.take("cu", texts.text)?,
            cd: self.cd.take("cd", texts.text)?,
        })
    }
}

/// An I/O configuration as the reader of configurations wants it.
fn read_config(json: &str) -> Result<serde_json::Map<String, serde_json::Value>, DecodeError> {
    serde_json::from_str(json).map_err(|error| DecodeError::Config {
        reason: error.to_string(),
    })
}
