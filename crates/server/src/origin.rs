//! Which pages may use the hub, and by which names it may be called (RV-57).
//!
//! A browser names the page's origin in every WebSocket handshake and in every request that changes something. Without this
//! check any page on the internet that somebody opens could write signals through the browser on this machine. Programs that
//! are no browsers name no origin and pass.

use crate::http::ApiError;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// The origin that stands for every page.
const EVERY_PAGE: &str = "*";

/// The pages that one listener takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    /// Every page may come.
    takes_all: bool,
    /// Further origins in their one spelling.
    allowed: Vec<String>,
    /// Names of the internet that are names of this hub.
    hosts: Vec<String>,
    /// Port of the hub's own page, where that is another listener.
    page_port: Option<u16>,
}

impl Origins {
    /// Those of the web port: a reverse proxy in front of it has its own name and its own origin.
    pub(crate) fn of_web(allowed: &[String]) -> Origins {
        let allowed: Vec<String> = allowed.iter().filter_map(|origin| normal(origin)).collect();
        Origins {
            takes_all: false,
            hosts: allowed.iter().filter_map(|origin| host_of(origin)).collect(),
            allowed,
            page_port: None,
        }
    }

    /// Those of an endpoint: the pages of the web port, and its own.
    pub(crate) fn of_endpoint(web: &[String], own: &[String], page_port: u16) -> Origins {
        let mut origins = Origins::of_web(web);
        origins.takes_all = own.iter().any(|origin| origin == EVERY_PAGE);
        origins.allowed.extend(own.iter().filter_map(|origin| normal(origin)));
        origins.page_port = Some(page_port);
        origins
    }

    /// May whoever sends this request do more than look? It comes from a page of this hub, from this machine, from a page of the
    /// list, or from no page at all.
    pub(crate) fn are_kept(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(ORIGIN) else {
            return true;
        };
        if self.takes_all {
            return true;
        }
        // An origin that cannot be read, or is "null", is a page that hides where it comes from.
        let Some(origin) = origin.to_str().ok().and_then(normal) else {
            return false;
        };
        let Some(authority) = origin
            .parse::<Uri>()
            .ok()
            .and_then(|origin| origin.authority().cloned())
        else {
            return false;
        };
        is_loopback(&authority) || self.allowed.contains(&origin) || self.is_page_of_ours(&origin, &authority, headers)
    }

    fn is_page_of_ours(&self, origin: &str, authority: &Authority, headers: &HeaderMap) -> bool {
        let Some(host) = authority_of(headers) else {
            return false;
        };
        let scheme_port = if origin.starts_with("https:") { 443 } else { 80 };
        let port = authority.port_u16().unwrap_or(scheme_port);
        let is_same_port = host.port_u16().unwrap_or(scheme_port) == port || self.page_port == Some(port);
        self.is_host_ours(headers) && is_same_port && host.host().eq_ignore_ascii_case(authority.host())
    }

    /// Is the name by which the hub was called one that only its own network can give it (an address, `localhost`, a name without
    /// dots or one under `.local`), or that of a page of the list?
    ///
    /// A name of the internet can be pointed at this machine by whoever owns it, and a page under that name would then count as
    /// ours. A request without the header comes from no browser.
    pub(crate) fn is_host_ours(&self, headers: &HeaderMap) -> bool {
        if !headers.contains_key(HOST) {
            return true;
        }
        authority_of(headers).is_some_and(|authority| self.is_ours(&authority))
    }

    /// The same of the target of a request, where that names a host, too: `GET http://line-pc/healthz`.
    fn is_target_ours(&self, target: &Uri) -> bool {
        target.authority().is_none_or(|authority| self.is_ours(authority))
    }

    fn is_ours(&self, authority: &Authority) -> bool {
        let name = authority.host().trim_end_matches('.').to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        !name.contains('.')
            || address.parse::<IpAddr>().is_ok()
            || name.ends_with(".local")
            || self.hosts.contains(&name)
    }
}

/// Refuses requests whose target names a host that is not ours: that counts, and not the header (RFC 9112, 3.2.2).
pub(crate) async fn refuse_foreign_target(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response {
    match origins.is_target_ours(request.uri()) {
        true => next.run(request).await,
        false => ApiError::foreign_origin().into_response(),
    }
}

fn authority_of(headers: &HeaderMap) -> Option<Authority> {
    headers.get(HOST)?.to_str().ok()?.parse().ok()
}

/// The one spelling of an origin: lower case, without the port that its scheme has anyway.
fn normal(origin: &str) -> Option<String> {
    let uri: Uri = origin.trim_end_matches('/').parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let authority = uri.authority()?;
    let host = authority.host().to_ascii_lowercase();
    let usual = match scheme.as_str() {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    Some(match authority.port_u16().filter(|port| Some(*port) != usual) {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

fn host_of(origin: &str) -> Option<String> {
    let uri: Uri = origin.parse().ok()?;
    Some(uri.host()?.trim_end_matches('.').to_owned())
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(origin: &str, host: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        headers
    }

    fn list(origins: &[&str]) -> Vec<String> {
        origins.iter().map(|origin| (*origin).to_owned()).collect()
    }

    #[test]
    fn a_page_may_come_from_here_and_from_nowhere_else() {
        let origins = Origins::default();
        let check = |origin: &str, host: &str, expected: bool| {
            assert_eq!(origins.are_kept(&headers(origin, host)), expected, "{origin} at {host}");
        };
        check("http://line-pc:8000", "line-pc:8000", true);
        check("https://Line-PC.local", "line-pc.local", true);
        check("http://192.168.1.20:8000", "192.168.1.20:8000", true);
        check("http://evil.example:8000", "evil.example:8000", false);
        check("http://localhost:5173", "127.0.0.1:8000", true);
        check("http://127.0.0.1:8000", "localhost:8000", true);
        check("http://[::1]:8000", "localhost:8000", true);
        check("http://evil.example", "127.0.0.1:8000", false);
        check("http://localhost.evil.example", "127.0.0.1:8000", false);
        check("http://line-pc:8001", "line-pc:8000", false);
        check("null", "127.0.0.1:8000", false);
        assert!(origins.are_kept(&HeaderMap::new()));
    }

    #[test]
    fn a_page_of_the_list_may_come_and_its_host_is_a_name_of_ours() {
        let origins = Origins::of_web(&list(&["https://Line.Example", "http://tool.example:3000"]));
        let check = |origin: &str, host: &str, expected: bool| {
            assert_eq!(origins.are_kept(&headers(origin, host)), expected, "{origin} at {host}");
        };
        check("https://line.example", "line.example", true);
        check("https://line.example:443", "127.0.0.1:8000", true);
        check("https://line.example:444", "127.0.0.1:8000", false);
        check("http://line.example:81", "127.0.0.1:8000", false);
        check("http://tool.example:3000", "line-pc:8000", true);
        check("http://tool.example", "line-pc:8000", false);
        let is_ours = |host: &str| origins.is_host_ours(&headers("null", host));
        assert!(is_ours("line.example") && is_ours("LINE.example.:443") && is_ours("tool.example"));
        assert!(!is_ours("evil.example") && !is_ours("x.line.example"));
        assert!(!Origins::of_web(&list(&["*"])).are_kept(&headers("http://evil.example", "line-pc")));
    }

    #[test]
    fn an_endpoint_takes_the_hubs_own_page_on_its_other_port_and_every_page_when_told_so() {
        let check = |own: &[&str], origin: &str, host: &str, expected: bool| {
            let origins = Origins::of_endpoint(&list(&["https://line.example"]), &list(own), 8000);
            assert_eq!(origins.are_kept(&headers(origin, host)), expected, "{origin} at {host}");
        };
        check(&[], "http://line-pc:8000", "line-pc:1234", true);
        check(&[], "http://line-pc:1234", "line-pc:1234", true);
        check(&[], "http://line-pc:9000", "line-pc:1234", false);
        check(&[], "http://evil.example:8000", "evil.example:1234", false);
        check(&[], "https://line.example", "line-pc:1234", true);
        check(&["http://twin.example"], "http://twin.example", "line-pc:1234", true);
        check(&[], "http://twin.example", "line-pc:1234", false);
        check(&["*"], "null", "line-pc:1234", true);
    }

    #[test]
    fn the_join_page_connects_to_the_port_that_it_came_from() {
        let origins = Origins::of_endpoint(&[], &[], 8000);
        let check = |origin: &str, host: &str, expected: bool| {
            assert_eq!(origins.are_kept(&headers(origin, host)), expected, "{origin} at {host}");
        };
        for (origin, host) in [
            ("http://192.168.1.20:8080", "192.168.1.20:8080"),
            ("https://192.168.1.20:8080", "192.168.1.20:8080"),
            ("https://192.168.1.20", "192.168.1.20"),
            ("https://192.168.1.20", "192.168.1.20:443"),
            ("http://[fd00::5]:8080", "[fd00::5]:8080"),
            ("http://class-pc.local:8080", "class-pc.local:8080"),
        ] {
            check(origin, host, true);
        }
        check("http://192.168.1.20:8000", "192.168.1.20:8000", true);
        check("http://192.168.1.21:8080", "192.168.1.20:8080", false);
        check("http://192.168.1.20:9000", "192.168.1.20:8080", false);
    }
}
