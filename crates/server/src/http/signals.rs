//! Signals: pages of them, one by its name, and writing one.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use crosstie_hub::api::{self, Reply, Request, SignalQuery};
use crosstie_hub::settings::Owner;
use crosstie_hub::signal::Value;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::JsonBody;
use super::{Api, ApiError, Caller, ErrorBody};

const ROWS_DEFAULT: usize = 200;
const ROWS_MAX: usize = 1_000;

/// One signal.
///
/// Shape: `{"id":7,"name":"twin/line/Level","kind":"float","value":42.5,"quality":"good","reason":null,"owner":"peer",
/// "writer":"Practice twin","conflict":false,"writable":true,"generation":9120,"changed_at_ms":81200,
/// "confirmed_at_ms":81230}`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SignalRow {
    /// Number of the signal, valid until the hub ends.
    id: u32,
    /// Name in the signal space.
    #[schema(example = "twin/line/Level")]
    name: String,
    /// What the program of its PLC calls it; only where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<String>,
    /// `bool`, `int`, `float` or `text`.
    kind: &'static str,
    /// The value: a boolean, a number or a text, by its kind.
    value: serde_json::Value,
    /// `good`, `stale` or `bad`.
    quality: &'static str,
    /// Why the quality is not good.
    reason: Option<String>,
    /// Who is meant to write it: `hub` or `peer`.
    owner: &'static str,
    /// Who wrote it last.
    writer: Option<String>,
    /// Two writers were seen.
    conflict: bool,
    /// An operator may write it.
    writable: bool,
    /// Generation of its last change.
    generation: u64,
    /// Hub time of its last change, in milliseconds.
    changed_at_ms: u64,
    /// Hub time of the last sign of life of its writer, in milliseconds.
    confirmed_at_ms: u64,
}

impl From<api::SignalRow> for SignalRow {
    fn from(row: api::SignalRow) -> SignalRow {
        SignalRow {
            id: row.id.0,
            name: row.name,
            symbol: row.symbol,
            kind: row.value.kind().word(),
            value: to_json(&row.value),
            quality: row.quality.word(),
            reason: row.reason,
            owner: row.owner.word(),
            writer: row.writer,
            conflict: row.conflict,
            writable: true,
            generation: row.generation.0,
            changed_at_ms: row.changed_at.as_millis(),
            confirmed_at_ms: row.confirmed_at.as_millis(),
        }
    }
}

/// A page of signals in the order of their creation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SignalPage {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// Newest generation.
    generation: u64,
    /// Signals in the space, those that do not fit included.
    total: usize,
    /// Give it as `after` to get the next page; null at the end.
    next: Option<String>,
    /// The signals.
    signals: Vec<SignalRow>,
}

/// Which signals are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Substring of the name, any case.
    filter: Option<String>,
    /// Pattern of the name: `*` is one segment, `**` the rest.
    pattern: Option<String>,
    /// `good`, `stale` or `bad`.
    quality: Option<String>,
    /// `hub` or `peer`.
    owner: Option<String>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Rows wanted: 1 to 1000, 200 when not given.
    limit: Option<usize>,
}

impl Wanted {
    /// Empty parameters count as not given: forms send them so.
    fn into_query(self) -> Result<SignalQuery, ApiError> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let quality = given(self.quality);
        if quality
            .as_deref()
            .is_some_and(|word| !matches!(word, "good" | "stale" | "bad"))
        {
            return Err(ApiError::bad_request("`quality` is one of good, stale, bad"));
        }
        let owner = match given(self.owner).as_deref() {
            None => None,
            Some("hub") => Some(Owner::Hub),
            Some("peer") => Some(Owner::Peer),
            Some(_) => return Err(ApiError::bad_request("`owner` is one of hub, peer")),
        };
        let after = given(self.after).map(|after| after.parse());
        let after = after
            .transpose()
            .map_err(|_| ApiError::bad_request("`after` is the `next` of the page before"))?;
        let limit = self.limit.unwrap_or(ROWS_DEFAULT);
        if !(1..=ROWS_MAX).contains(&limit) {
            return Err(ApiError::bad_request(format!(
                "`limit` is a number from 1 to {ROWS_MAX}"
            )));
        }
        Ok(SignalQuery {
            filter: self.filter.unwrap_or_default(),
            pattern: given(self.pattern),
            quality,
            owner,
            after,
            limit,
        })
    }
}

/// A page of signals.
#[utoipa::path(get, path = "/api/v1/signals", tag = "signals", params(Wanted), responses(
    (status = 200, body = SignalPage),
    (status = 400, body = ErrorBody, description = "a parameter that is none"),
))]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<SignalPage>, ApiError> {
    let Query(wanted) = wanted.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let mut query = wanted.into_query()?;
    let mut rows = Vec::new();
    loop {
        let Reply::Signals(page) = api.ask(&by, Request::Signals(query.clone())).await? else {
            return Err(ApiError::mismatch());
        };
        // The hub looks at some thousand names at a time, so that a filter over a large space holds nobody up.
        query.limit -= page.rows.len();
        query.after = page.next;
        rows.extend(page.rows.into_iter().map(SignalRow::from));
        if query.limit == 0 || page.next.is_none() {
            return Ok(Json(SignalPage {
                now_ms: page.now.as_millis(),
                generation: page.generation.0,
                total: page.total,
                next: page.next.map(|next| next.to_string()),
                signals: rows,
            }));
        }
    }
}

/// One signal.
#[utoipa::path(get, path = "/api/v1/signals/{name}", tag = "signals",
    params(("name" = String, Path, description = "name in the signal space, its slashes written plainly")),
    responses((status = 200, body = SignalRow), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn one(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<SignalRow>, ApiError> {
    let Path(name) = name.map_err(|error| ApiError::bad_request(error.body_text()))?;
    match api.ask(&by, Request::Signal { name }).await? {
        Reply::Signal(row, _) => Ok(Json(row.into())),
        _ => Err(ApiError::mismatch()),
    }
}

/// A value for a signal.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValue {
    /// A boolean, a number or a text; it is fitted to the kind of the signal.
    value: serde_json::Value,
}

/// What became of a written value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Written {
    /// The signal.
    name: String,
    /// What is stored now.
    value: serde_json::Value,
    /// The stored value is not what was sent.
    coerced: bool,
    /// Generation of what is stored; of a place of a PLC, whose engine takes it at its next border, the newest generation.
    generation: u64,
}

/// Writes a signal as an operator.
#[utoipa::path(put, path = "/api/v1/signals/{name}", tag = "signals",
    params(("name" = String, Path, description = "name in the signal space, its slashes written plainly")),
    request_body = NewValue,
    responses(
        (status = 200, body = Written),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "a value that does not fit the kind"),
    ),
)]
pub(crate) async fn write(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
    JsonBody(NewValue { value }): JsonBody<NewValue>,
) -> Result<Json<Written>, ApiError> {
    let Path(name) = name.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let value = from_json(value).ok_or_else(|| ApiError::bad_value("a boolean, a number or a text was expected"))?;
    match api
        .ask(
            &by,
            Request::Write {
                name: name.clone(),
                value,
            },
        )
        .await?
    {
        Reply::Written {
            stored,
            coerced,
            generation,
        } => Ok(Json(Written {
            name,
            value: to_json(&stored),
            coerced,
            generation: generation.0,
        })),
        _ => Err(ApiError::mismatch()),
    }
}

/// A value as JSON. A stored float is always finite, so null stands for nothing that can happen.
pub(super) fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Text(value) => (&**value).into(),
    }
}

/// A value of a request; `None` for what is no value.
pub(super) fn from_json(value: serde_json::Value) -> Option<Value> {
    match value {
        serde_json::Value::Bool(value) => Some(Value::Bool(value)),
        serde_json::Value::Number(value) => match value.as_i64() {
            Some(whole) => Some(Value::Int(whole)),
            None => value.as_f64().map(Value::Float),
        },
        serde_json::Value::String(value) => Some(Value::Text(value.into())),
        _ => None,
    }
}
