//! Keys: who asks, which keys there are, making one and taking one away.

use std::io;
use std::path::Path as Folder;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use crosstie_hub::access::{Actor, Role};
use crosstie_hub::output::AuditEntry;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::error::JsonBody;
use super::{Api, ApiError, Caller, ErrorBody};
use crate::audit;
use crate::keys::{self, Key, KeysError, NewKey, gate};

/// Who asks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// Name of the key, `this machine`, `anonymous`.
    who: String,
    /// `viewer`, `operator` or `engineer`.
    role: &'static str,
    /// Id of the key; null without one.
    key: Option<String>,
    /// Keys exist, so everybody wants one.
    keys_exist: bool,
    /// Patterns of the signals that it may see; null for all.
    view: Option<Vec<String>>,
    /// Patterns of the signals that it may write; null for all.
    write: Option<Vec<String>>,
}

/// Who asks, and what that one may do.
#[utoipa::path(get, path = "/api/v1/me", tag = "keys", responses(
    (status = 200, body = Me),
    (status = 401, body = ErrorBody, description = "a key is wanted, or it is not valid"),
    (status = 429, body = ErrorBody, description = "too many wrong keys from this address"),
))]
pub(crate) async fn me(State(api): State<Arc<Api>>, Caller(by): Caller) -> Json<Me> {
    let ring = api.gate.ring();
    let id = gate::key_id(&by.access);
    let key = id.and_then(|id| ring.key(id));
    Json(Me {
        who: by.access.who.to_string(),
        role: by.access.role.word(),
        key: id.map(str::to_owned),
        keys_exist: !ring.is_empty(),
        view: key.and_then(|key| key.view.clone()),
        write: key.and_then(|key| key.write.clone()),
    })
}

/// The keys.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct KeyList {
    /// In the order in which they were made.
    keys: Vec<KeyRow>,
}

/// What is known of one key. The key itself is kept nowhere.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct KeyRow {
    /// Its id.
    #[schema(example = "k1")]
    id: String,
    /// What people call whoever holds it.
    name: String,
    /// `viewer`, `operator` or `engineer`.
    role: &'static str,
    /// Patterns of the signals that it may see; null for all.
    view: Option<Vec<String>>,
    /// Patterns of the signals that it may write; null for all.
    write: Option<Vec<String>>,
    /// When it was made, RFC 3339.
    created: String,
    /// Hub time in milliseconds when somebody last came in with it; null when nobody has since the hub was started.
    last_used_ms: Option<u64>,
}

/// The keys.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", responses(
    (status = 200, body = KeyList),
    (status = 403, body = ErrorBody, description = "only an engineer sees the keys"),
))]
pub(crate) async fn list(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<KeyList>, ApiError> {
    only_for_engineers(&by, "see the keys")?;
    let ring = api.gate.ring();
    let keys = ring.keys().map(|(key, last_used_ms)| KeyRow {
        id: key.id.clone(),
        name: key.name.clone(),
        role: key.role.word(),
        view: key.view.clone(),
        write: key.write.clone(),
        created: key.created.clone(),
        last_used_ms,
    });
    Ok(Json(KeyList { keys: keys.collect() }))
}

/// What is wanted of a new key.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// What people call whoever will hold it: 1 to 64 bytes.
    #[schema(example = "HMI west")]
    name: String,
    /// `viewer`, `operator` or `engineer`.
    #[schema(example = "operator")]
    role: String,
    /// Patterns of the signals that it may see; all when there are none.
    view: Option<Vec<String>>,
    /// Patterns of the signals that it may write, among those that it may see; all when there are none.
    write: Option<Vec<String>>,
}

/// A key that was made.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Made {
    /// Its id.
    #[schema(example = "k1")]
    id: String,
    /// The key. This answer is the only place where it is ever shown.
    key: String,
}

/// Makes a key. The first one has the role engineer; with it everything wants a key.
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", request_body = Wanted, responses(
    (status = 201, body = Made),
    (status = 403, body = ErrorBody, description = "only an engineer makes keys"),
    (status = 409, body = ErrorBody, description = "the limit is reached, or the file has vanished"),
    (status = 422, body = ErrorBody, description = "a value that does not fit, or a first key that is no engineer's"),
    (status = 500, body = ErrorBody, description = "the file with the keys could not be written"),
))]
pub(crate) async fn add(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(wanted): JsonBody<Wanted>,
) -> Result<(StatusCode, Json<Made>), ApiError> {
    only_for_engineers(&by, "make keys")?;
    let role = Role::from_word(&wanted.role);
    let role = role.ok_or_else(|| ApiError::bad_value("`role`: viewer, operator or engineer was expected"))?;
    let new = NewKey {
        name: wanted.name,
        role,
        view: wanted.view,
        write: wanted.write,
    };
    let must_exist = api.gate.ring().had_file();
    let (key, secret) = change(&api, move |folder| {
        keys::add(folder, new, must_exist, |key| {
            note(folder, by, "key.add", key, (Value::Null, key.described()))
        })
    })
    .await?;
    let made = Made {
        id: key.id,
        key: secret,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Takes a key away: what is connected with it ends.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys",
    params(("id" = String, Path, description = "id of the key")),
    responses(
        (status = 204, description = "it is no longer valid"),
        (status = 403, body = ErrorBody, description = "only an engineer takes keys away"),
        (status = 404, body = ErrorBody, description = "no such key"),
        (status = 409, body = ErrorBody, description = "the last key of an engineer while there are others"),
        (status = 500, body = ErrorBody, description = "the file with the keys could not be written"),
    ),
)]
pub(crate) async fn revoke(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    only_for_engineers(&by, "take keys away")?;
    let Path(id) = id.map_err(|_| ApiError::not_found("no key is called that"))?;
    let revoke = move |folder: &Folder| {
        keys::revoke(folder, &id, |key| {
            note(folder, by, "key.revoke", key, (key.described(), Value::Null))
        })
    };
    change(&api, revoke).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn only_for_engineers(by: &Actor, what: &str) -> Result<(), ApiError> {
    match by.access.role {
        Role::Engineer => Ok(()),
        Role::Viewer | Role::Operator => Err(ApiError::forbidden(by, what)),
    }
}

/// Changes the file, and takes it over before the answer: whoever has the answer can rely on it.
async fn change<T: Send + 'static>(
    api: &Arc<Api>,
    change: impl FnOnce(&Folder) -> Result<T, KeysError> + Send + 'static,
) -> Result<T, ApiError> {
    let api = Arc::clone(api);
    let changing = tokio::task::spawn_blocking(move || {
        let changed = change(api.gate.folder())?;
        keys::take_over(&api.gate, &api.door, false);
        Ok::<_, KeysError>(changed)
    });
    let changed = changing.await.map_err(|_| ApiError::busy("the hub is shutting down"))?;
    Ok(changed?)
}

/// Writes a change down, on the disk when this returns.
fn note(folder: &Folder, by: Actor, what: &'static str, key: &Key, (old, new): (Value, Value)) -> io::Result<()> {
    let entry = AuditEntry {
        by,
        what,
        subject: key.id.clone(),
        old,
        new,
    };
    audit::append(folder, &[entry.into()])
}
