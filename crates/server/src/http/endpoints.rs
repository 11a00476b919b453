//! The endpoints: where peers connect, how each is set and what passed over it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use crosstie_hub::api::{self, Reply, Request};
use serde::Serialize;
use utoipa::ToSchema;

use super::clients::Counters;
use super::{Api, ApiError, Caller, EndpointPort, ErrorBody};

/// The endpoints and where this machine can be reached.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EndpointList {
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// The endpoints, in the order of the project.
    endpoints: Vec<EndpointRow>,
    /// Addresses of this machine in its networks.
    lan: Vec<String>,
}

/// One endpoint.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EndpointRow {
    /// Its name.
    name: String,
    /// The protocol it speaks.
    protocol: &'static str,
    /// `server`: it listens, peers connect.
    role: &'static str,
    /// Address it is bound to.
    bind: String,
    /// Port it listens on.
    port: u16,
    /// The one path that it accepts; null for every path.
    path: Option<String>,
    /// What to give to a client.
    url: String,
    /// `listening`.
    state: &'static str,
    /// Connected clients.
    clients: usize,
    /// Signals it shows.
    signals: usize,
    /// Its live settings, by their keys in the project file.
    settings: serde_json::Map<String, serde_json::Value>,
    /// What passed.
    counters: Counters,
}

impl EndpointRow {
    fn new(row: api::EndpointRow, port: &EndpointPort) -> EndpointRow {
        let settings = row.settings.into_iter().map(|(key, value)| (key.to_owned(), value));
        EndpointRow {
            name: row.name,
            protocol: "realvirtual",
            role: "server",
            bind: port.address.ip().to_string(),
            port: port.address.port(),
            path: port.path.clone(),
            url: row.url,
            // A hub whose ports are not all bound does not start, and a bound port listens until the end.
            state: "listening",
            clients: row.clients,
            signals: row.signals,
            settings: settings.collect(),
            counters: row.counters.into(),
        }
    }
}

/// The endpoints.
#[utoipa::path(get, path = "/api/v1/endpoints", tag = "endpoints", responses((status = 200, body = EndpointList)))]
pub(crate) async fn list(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<EndpointList>, ApiError> {
    let Reply::Endpoints(rows, now) = api.ask(&by, Request::Endpoints).await? else {
        return Err(ApiError::mismatch());
    };
    let rows = rows.into_iter().zip(&api.ports);
    Ok(Json(EndpointList {
        now_ms: now.as_millis(),
        endpoints: rows.map(|(row, port)| EndpointRow::new(row, port)).collect(),
        lan: lan_addresses().iter().map(IpAddr::to_string).collect(),
    }))
}

/// What an import brought.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Imported {
    /// Peers that were asked for their catalog.
    asked: usize,
    /// Peers that answered.
    answered: usize,
    /// Signals in their catalogs.
    found: usize,
    /// Signals that were made.
    made: usize,
}

/// Asks every client of an endpoint for its catalog (RV-19).
#[utoipa::path(post, path = "/api/v1/endpoints/{name}/import", tag = "endpoints",
    params(("name" = String, Path, description = "name of the endpoint")),
    responses((status = 200, body = Imported), (status = 404, body = ErrorBody)),
)]
pub(crate) async fn import(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Imported>, ApiError> {
    let Path(endpoint) = name.map_err(|error| ApiError::bad_request(error.body_text()))?;
    match api.ask(&by, Request::Import { endpoint }).await? {
        Reply::Imported(report) => Ok(Json(Imported {
            asked: report.asked,
            answered: report.answered,
            found: report.found,
            made: report.made,
        })),
        _ => Err(ApiError::mismatch()),
    }
}

/// The addresses of this machine in its networks, version 4 first; none when the system does not tell.
pub(crate) fn lan_addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces
        .iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(if_addrs::Interface::ip)
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}
