//! TLS as the page and the command line see it: the certificate, which listeners show it, and the addresses of the page.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoints::lan_addresses;
use super::{Api, Caller};
use crate::state::rfc3339;
use crate::tls::Facts;

/// What the handlers know of TLS, as it was when the hub started.
#[derive(Clone, Debug)]
pub(crate) struct TlsState {
    /// The certificate; `None` when no listener speaks TLS.
    pub(crate) certificate: Option<Facts>,
    /// All listeners, the page first.
    pub(crate) listeners: Vec<Listener>,
    /// Where the page listens.
    pub(crate) web: SocketAddr,
}

/// One listener.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Listener {
    /// `page`, or the name of the endpoint.
    pub(crate) name: String,
    /// Its address.
    #[schema(example = "wss://127.0.0.1:1234/")]
    pub(crate) url: String,
    /// It speaks TLS.
    pub(crate) tls: bool,
}

/// TLS of this hub.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Tls {
    /// The certificate of all listeners with TLS; null when there is none.
    certificate: Option<Certificate>,
    /// All listeners, the page first.
    listeners: Vec<Listener>,
    /// Addresses of the page: first the one for this machine, then those for its networks.
    urls: Vec<String>,
}

/// The certificate of all listeners with TLS.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Certificate {
    /// SHA-256 of the certificate, as browsers show it.
    #[schema(example = "5B:0E:…:A1")]
    fingerprint: String,
    /// Names and addresses that it is valid for.
    names: Vec<String>,
    /// First moment of its validity, RFC 3339.
    not_before: String,
    /// Last moment of its validity, RFC 3339.
    not_after: String,
    /// The hub has made it itself.
    own: bool,
    /// The file that it stands in.
    file: String,
}

impl From<&Facts> for Certificate {
    fn from(facts: &Facts) -> Certificate {
        Certificate {
            fingerprint: facts.fingerprint.clone(),
            names: facts.names.clone(),
            not_before: rfc3339(facts.not_before),
            not_after: rfc3339(facts.not_after),
            own: facts.is_own,
            file: facts.file.display().to_string(),
        }
    }
}

/// TLS of this hub: the certificate, the listeners and the addresses of the page.
#[utoipa::path(get, path = "/api/v1/tls", tag = "health", responses((status = 200, body = Tls)))]
pub(crate) async fn tls(State(api): State<Arc<Api>>, Caller(_): Caller) -> Json<Tls> {
    let state = &api.tls;
    let is_tls = state.listeners.first().is_some_and(|page| page.tls);
    Json(Tls {
        certificate: state.certificate.as_ref().map(Certificate::from),
        listeners: state.listeners.clone(),
        urls: page_urls(state.web, is_tls, &lan_addresses()),
    })
}

/// The addresses of a page that listens at `web`: first the one for this machine, then those for its networks.
pub(crate) fn page_urls(web: SocketAddr, is_tls: bool, lan: &[IpAddr]) -> Vec<String> {
    let scheme = if is_tls { "https" } else { "http" };
    let here = crate::run::reachable(web);
    let elsewhere = crate::run::elsewhere(web, lan);
    std::iter::once(here)
        .chain(elsewhere)
        .map(|address| format!("{scheme}://{address}/"))
        .collect()
}
