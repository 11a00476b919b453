//! The endpoints: where peers connect or what they connect to, how each is set and what passed over it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use crosstie_hub::Time;
use crosstie_hub::api::{self, LinkState, Reply, Request};
use serde::Serialize;
use utoipa::ToSchema;

use super::clients::Counters;
use super::links::Link;
use super::{Api, ApiError, Caller, EndpointPort, ErrorBody, Side};

/// How long an import may take: the hub gives up those that do not answer after ten seconds.
const IMPORT_MAX: Duration = Duration::from_secs(12);

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
    /// `server`: it listens, peers connect. `client`: it connects to a server.
    role: &'static str,
    /// It speaks TLS: wss.
    tls: bool,
    /// In the server role the address it is bound to, else null.
    bind: Option<String>,
    /// In the client role the name or address of the server, else null.
    host: Option<String>,
    /// Port it listens on, or that of the server.
    port: u16,
    /// The one path that it accepts, null for every path; in the client role the path of the request without its query.
    path: Option<String>,
    /// What to give to a client, or what it connects to, without the query.
    url: String,
    /// `listening`; in the client role the state of its link: `off`, `connecting`, `greeting`, `connected`, `waiting`, `given_up`.
    state: &'static str,
    /// In the client role, how its link stands; else null.
    link: Option<Link>,
    /// Connected clients; for a link 1 while it is connected.
    clients: usize,
    /// Signals it shows.
    signals: usize,
    /// Its live settings, by their keys in the project file.
    settings: serde_json::Map<String, serde_json::Value>,
    /// What passed.
    counters: Counters,
}

impl EndpointRow {
    fn new(row: api::EndpointRow, port: &EndpointPort, now: Time) -> EndpointRow {
        let link = row.link.map(|row| Link::new(row, now));
        let (bind, host, number, path) = match &port.side {
            Side::Listens { address, path } => (Some(address.ip().to_string()), None, address.port(), path.clone()),
            Side::Connects { host, port, path } => (None, Some(host.clone()), *port, Some(path.clone())),
        };
        let settings = row.settings.into_iter().map(|(key, value)| (key.to_owned(), value));
        EndpointRow {
            name: row.name,
            protocol: "realvirtual",
            role: if bind.is_some() { "server" } else { "client" },
            tls: port.tls,
            bind,
            host,
            port: number,
            path,
            url: row.url,
            // A hub whose ports are not all bound does not start, and a bound port listens until the end.
            state: match &port.side {
                Side::Listens { .. } => "listening",
                Side::Connects { .. } => link.as_ref().map_or(LinkState::Off.word(), Link::state),
            },
            link,
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
        endpoints: rows.map(|(row, port)| EndpointRow::new(row, port, now)).collect(),
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

/// Asks every peer of an endpoint for its catalog and waits for the answers, ten seconds at most (RV-19, RV-35).
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
    match api.ask_within(IMPORT_MAX, &by, Request::Import { endpoint }).await? {
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
