//! Settings: what each is and where that comes from, and changing those that can change while the hub runs.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::State;
use crosstie_hub::api::{Reply, Request};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::error::JsonBody;
use super::{Api, ApiError, Caller, ErrorBody};
use crate::config::{self, CheckedSetting, Source};

/// The settings in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SettingList {
    /// Folder of the project.
    project: String,
    /// The settings, in the order of the sections.
    settings: Vec<SettingRow>,
}

/// One setting.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SettingRow {
    /// Dotted key.
    #[schema(example = "realvirtual.line.update_cycle_ms")]
    key: String,
    /// Its value.
    value: Value,
    /// `default`, `file`, `environment` or `flag`.
    source: &'static str,
    /// It can be changed while the hub runs.
    live: bool,
}

/// The settings in force.
#[utoipa::path(get, path = "/api/v1/config", tag = "config", responses((status = 200, body = SettingList)))]
pub(crate) async fn list(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<SettingList>, ApiError> {
    let Reply::Endpoints(endpoints, _) = api.ask(&by, Request::Endpoints).await? else {
        return Err(ApiError::mismatch());
    };
    // A peer may have changed a setting of its endpoint too (RV-23), so the hub has the last word on these.
    let mut in_force = BTreeMap::new();
    for endpoint in endpoints {
        for (key, value) in endpoint.settings {
            in_force.insert(format!("realvirtual.{}.{key}", endpoint.name), value);
        }
    }
    let config = api.config.lock().unwrap_or_else(PoisonError::into_inner);
    let settings = config.settings().into_iter().map(|setting| {
        let live = setting.live && is_of_endpoint(&setting.key);
        let (value, source) = match in_force.remove(&setting.key) {
            Some(value) if value != setting.value => (value, Source::File),
            _ => (setting.value, setting.source),
        };
        SettingRow {
            key: setting.key,
            value,
            source: source.word(),
            live,
        }
    });
    Ok(Json(SettingList {
        settings: settings.collect(),
        project: config.folder.display().to_string(),
    }))
}

/// What was changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Applied {
    /// The keys.
    applied: Vec<String>,
}

/// Changes settings: all keys are checked first, then all are written to the project file and live, or none is.
#[utoipa::path(patch, path = "/api/v1/config", tag = "config",
    request_body(content = serde_json::Map<String, Value>, description = "dotted keys and their new values"),
    responses(
        (status = 200, body = Applied),
        (status = 409, body = ErrorBody, description = "a key that needs a restart"),
        (status = 422, body = ErrorBody, description = "an unknown key, or a value that does not fit"),
        (status = 500, body = ErrorBody, description = "the project file could not be written"),
    ),
)]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(changes): JsonBody<serde_json::Map<String, Value>>,
) -> Result<Json<Applied>, ApiError> {
    let mut checked = Vec::new();
    for (key, value) in &changes {
        let setting = config::check_setting(key, value).map_err(|error| ApiError::bad_value(error.to_string()))?;
        checked.push(setting);
    }
    // Whether the endpoints exist is tried on a copy, before anything is changed.
    let mut changed = api.config.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for setting in &checked {
        changed
            .apply(setting)
            .map_err(|error| ApiError::bad_value(error.to_string()))?;
    }
    if let Some(fixed) = checked
        .iter()
        .find(|setting| !setting.live || !is_of_endpoint(&setting.key))
    {
        let message = format!(
            "`{}` is read at the start of the hub only: write it to the project file and start again",
            fixed.key
        );
        return Err(ApiError::needs_restart(message));
    }
    for (endpoint, changes) in by_endpoint(&checked) {
        api.ask(&by, Request::Configure { endpoint, changes }).await?;
    }
    let mut config = api.config.lock().unwrap_or_else(PoisonError::into_inner);
    for setting in &checked {
        config
            .apply(setting)
            .map_err(|error| ApiError::bad_value(error.to_string()))?;
    }
    Ok(Json(Applied {
        applied: checked.into_iter().map(|setting| setting.key).collect(),
    }))
}

/// The hub takes changes of one endpoint at a time.
fn by_endpoint(settings: &[CheckedSetting]) -> BTreeMap<String, Vec<(String, Value)>> {
    let mut endpoints: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    for setting in settings {
        if let Some(endpoint) = setting.endpoint() {
            let changes = endpoints.entry(endpoint.to_owned()).or_default();
            changes.push((setting.name().to_owned(), setting.value()));
        }
    }
    endpoints
}

/// The hub changes settings of endpoints while it runs and no others.
fn is_of_endpoint(key: &str) -> bool {
    key.starts_with("realvirtual.")
}
