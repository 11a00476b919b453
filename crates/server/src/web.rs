//! The browser page in the binary: the files of `web/dist`, embedded when the binary is built.
//!
//! What enters is a path and the request's headers, what leaves is a file: in the smallest form that the browser
//! takes (Brotli or gzip, compressed when the page was built, never at run time), with a strong ETag, so that an
//! unchanged page costs a 304. Files under `assets/` carry their hash in their name and may be kept for ever;
//! everything else is asked for again each time. The few paths of one segment that are pages of the application
//! (`/signals`) get `index.html`, which decides by itself what to show; deeper ones would not find its files, which it
//! names relative to its own folder. `/join` gets `join.html`, with which a phone or a laptop becomes a headset; that page and
//! its files are the only ones that the headset port has, too. The paths of the programs' interface are never answered with a page.
//!
//! The page may load nothing from another host and nobody may frame it; the headers say so to the browser. This
//! module knows nothing of signals.

use std::borrow::Cow;
use std::fmt::Write as _;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, REFERRER_POLICY, UPGRADE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;

/// What the page may do in the browser: its own scripts, styles, images and connections, and nothing from elsewhere.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// First segments of paths that belong to programs; below them a missing thing is an error and never a page.
const PROGRAM_PATHS: [&str; 3] = ["api", "metrics", "healthz"];

/// Paths at which a person may ask for the application without the fragment that it makes itself (`#/signals`).
const PAGE_PATHS: [&str; 3] = ["", "signals", "settings"];

/// Path of the page with which a browser joins the class.
pub(crate) const JOIN_PATH: &str = "/join";

/// The file behind it.
const JOIN_FILE: &str = "join.html";

/// The one file of the page that lies beside it and not among the hashed ones.
const ICON_PATH: &str = "/favicon.svg";

/// Folder of the files that carry a hash of their content in their name.
const HASHED_FOLDER: &str = "assets/";

/// Routes that serve the page: a fallback for every path that no other route has taken.
///
/// Shape: `GET` and `HEAD` of a file of the page, of `/`, `/signals` and `/settings`, which give `index.html`, or of `/join`,
/// which gives `join.html`.
/// Merge it into the router of the interface, or use it alone.
///
/// Errors, as answers: 404 with the documented JSON error below `/api`, `/metrics` and `/healthz`, 404 as text for
/// every other path that is neither a page nor a file, 405 for other methods, 503 if there is no page.
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    Router::new().fallback(page)
}

async fn page(request: Request) -> Response {
    answer(embedded, request.method(), request.uri().path(), request.headers())
}

/// What the port of the headsets shows to a browser: the Join page, the files that it loads, and at `/` the way to it. So a teacher
/// opens that one port to the room, and no page for engineers.
///
/// Shape: `GET` and `HEAD` without an `Upgrade`; `/` only for whoever takes `text/html`. `None` for everything else, which is for
/// programs.
pub(crate) fn join_answer<B>(request: &Request<B>) -> Option<Response> {
    let (method, path, headers) = (request.method(), request.uri().path(), request.headers());
    let is_reading = method == Method::GET || method == Method::HEAD;
    if !is_reading || headers.contains_key(UPGRADE) {
        return None;
    }
    let is_file = path == JOIN_PATH || path == ICON_PATH || is_hashed(path.trim_start_matches('/'));
    match path {
        "/" if takes_html(headers) => Some(to_join()),
        _ if is_file => Some(answer(embedded, method, path, headers)),
        _ => None,
    }
}

/// Whether whoever asks is a browser that wants to show something: programs do not name this type.
fn takes_html(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .filter_map(|offer| offer.split(';').next())
        .any(|kind| kind.trim().eq_ignore_ascii_case("text/html"))
}

/// Sends a browser to the Join page. The place is relative, so that a folder before it stays.
fn to_join() -> Response {
    let mut response = text(StatusCode::SEE_OTHER, "The class is joined at join.\n");
    let fields = response.headers_mut();
    fields.insert(LOCATION, HeaderValue::from_static("join"));
    fields.insert(VARY, HeaderValue::from_static("accept"));
    response
}

/// The files of the built page.
#[derive(rust_embed::Embed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
struct Dist;

/// One file in one encoding.
struct Asset {
    bytes: Cow<'static, [u8]>,
    sha256: [u8; 32],
}

fn embedded(path: &str) -> Option<Asset> {
    Dist::get(path).map(|file| Asset {
        sha256: file.metadata.sha256_hash(),
        bytes: file.data,
    })
}

/// The answer to one request, from the files that `find` knows.
///
/// The files are a parameter because what is embedded depends on whether the page was built; the tests bring theirs.
fn answer(find: impl Fn(&str) -> Option<Asset>, method: &Method, path: &str, headers: &HeaderMap) -> Response {
    let path = path.trim_start_matches('/');
    let first_segment = path.split('/').next().unwrap_or_default();
    if PROGRAM_PATHS.contains(&first_segment) {
        return unknown_program_path(path);
    }
    let is_head = method == Method::HEAD;
    if !is_head && method != Method::GET {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "This path is a page: GET and HEAD are understood.\n",
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }

    let file_path = match path {
        "join" => JOIN_FILE,
        path if PAGE_PATHS.contains(&path) => "index.html",
        path => path,
    };
    let Some((asset, encoding)) = best_variant(find, file_path, headers) else {
        return match file_path {
            "index.html" => text(
                StatusCode::SERVICE_UNAVAILABLE,
                "This hub has no browser page: build it with `npm run build` in the folder `web`.\n",
            ),
            JOIN_FILE => text(
                StatusCode::NOT_FOUND,
                "This hub has no Join page: build it with `npm run build` in the folder `web`. Headsets connect without it.\n",
            ),
            _ => text(StatusCode::NOT_FOUND, "There is no such page or file.\n"),
        };
    };
    file(asset, encoding, file_path, is_head, headers)
}

/// The file at `path` in the smallest form that both sides have, and the name of its encoding if it has one.
fn best_variant(
    find: impl Fn(&str) -> Option<Asset>,
    path: &str,
    headers: &HeaderMap,
) -> Option<(Asset, Option<&'static str>)> {
    // The compressed forms are forms of a file and not files: asked for by name they would come with a wrong type.
    let is_variant = path.ends_with(".br") || path.ends_with(".gz");
    if is_variant || path.split('/').any(|segment| segment == "..") {
        return None;
    }
    let accepted = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    for (encoding, extension) in [("br", ".br"), ("gzip", ".gz")] {
        if accepts(accepted, encoding)
            && let Some(asset) = find(&format!("{path}{extension}"))
        {
            return Some((asset, Some(encoding)));
        }
    }
    find(path).map(|asset| (asset, None))
}

/// Whether an `Accept-Encoding` header takes `encoding`: named, or covered by `*`, and not with `q=0`.
fn accepts(header: &str, encoding: &str) -> bool {
    let mut by_wildcard = false;
    for offer in header.split(',') {
        let mut parts = offer.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let refused = parts
            .filter_map(|parameter| parameter.split_once('='))
            .any(|(key, value)| key.trim().eq_ignore_ascii_case("q") && value.trim().parse() == Ok(0.0_f32));
        if name.eq_ignore_ascii_case(encoding) {
            return !refused;
        }
        if name == "*" {
            by_wildcard = !refused;
        }
    }
    by_wildcard
}

/// A file as a response, or 304 if the browser has exactly these bytes.
fn file(asset: Asset, encoding: Option<&'static str>, path: &str, is_head: bool, headers: &HeaderMap) -> Response {
    let etag = strong_etag(&asset.sha256);
    let is_known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|known| names_etag(known, &etag));
    let cache = if is_hashed(path) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };

    let length = asset.bytes.len();
    let body = match (is_known || is_head, asset.bytes) {
        (true, _) => Body::empty(),
        (false, Cow::Borrowed(bytes)) => Body::from(bytes),
        (false, Cow::Owned(bytes)) => Body::from(bytes),
    };
    let mut response = with_policy(Response::new(body));
    let fields = response.headers_mut();
    fields.insert(
        ETAG,
        HeaderValue::from_str(&etag).expect("an ETag is made of hex digits and quotes"),
    );
    fields.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(encoding) = encoding {
        fields.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Whether a path without its first slash is that of a file with a hash in its name.
fn is_hashed(path: &str) -> bool {
    path.starts_with(HASHED_FOLDER)
}

/// The first half of the hash in hex, quoted. Each encoding is a file with a hash of its own, so the tag is strong.
fn strong_etag(sha256: &[u8; 32]) -> String {
    let mut tag = String::with_capacity(34);
    tag.push('"');
    for byte in &sha256[..16] {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

/// Whether an `If-None-Match` header names `etag`; the weak comparison is the right one for GET.
pub(crate) fn names_etag(header: &HeaderValue, etag: &str) -> bool {
    let Ok(header) = header.to_str() else {
        return false;
    };
    header
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

fn content_type(path: &str) -> &'static str {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn unknown_program_path(path: &str) -> Response {
    let error = serde_json::json!({"error": {
        "code": "not_found",
        "message": format!("a path of this interface; /{path} is none (see /api/v1/openapi.json)"),
    }});
    let mut response = text(StatusCode::NOT_FOUND, error.to_string());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = with_policy(Response::new(body.into()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Adds the headers that keep the page to itself.
fn with_policy(mut response: Response) -> Response {
    let fields = response.headers_mut();
    fields.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    fields.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    fields.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "assets/index-5f3a.js";

    /// A page of five files; only the script has compressed forms.
    fn find(path: &str) -> Option<Asset> {
        let (bytes, digit): (&'static [u8], u8) = match path {
            "index.html" => (b"<!doctype html>", 1),
            SCRIPT => (b"plain script", 2),
            "assets/index-5f3a.js.br" => (b"br", 3),
            "assets/index-5f3a.js.gz" => (b"gzip", 4),
            "favicon.svg" => (b"<svg/>", 5),
            "join.html" => (b"<!doctype html><title>Join", 6),
            _ => return None,
        };
        Some(Asset {
            bytes: Cow::Borrowed(bytes),
            sha256: [digit; 32],
        })
    }

    fn ask(method: Method, path: &str, headers: &[(HeaderName, &'static str)]) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect();
        answer(find, &method, path, &headers)
    }

    fn get(path: &str, headers: &[(HeaderName, &'static str)]) -> Response {
        ask(Method::GET, path, headers)
    }

    fn field(response: &Response, name: HeaderName) -> &str {
        response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().expect("our headers are ASCII"))
    }

    async fn body(response: Response) -> Vec<u8> {
        axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .expect("a body in memory is whole")
            .to_vec()
    }

    #[tokio::test]
    async fn page_paths_get_the_index_and_files_themselves() {
        for (path, kind, bytes) in [
            ("/", "text/html; charset=utf-8", "<!doctype html>"),
            ("/index.html", "text/html; charset=utf-8", "<!doctype html>"),
            ("/signals", "text/html; charset=utf-8", "<!doctype html>"),
            ("/settings", "text/html; charset=utf-8", "<!doctype html>"),
            ("/favicon.svg", "image/svg+xml", "<svg/>"),
            ("/join", "text/html; charset=utf-8", "<!doctype html><title>Join"),
            (
                "/assets/index-5f3a.js",
                "text/javascript; charset=utf-8",
                "plain script",
            ),
        ] {
            let response = get(path, &[]);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(field(&response, CONTENT_TYPE), kind, "{path}");
            assert_eq!(field(&response, CONTENT_LENGTH), bytes.len().to_string(), "{path}");
            assert_eq!(body(response).await, bytes.as_bytes(), "{path}");
        }
    }

    #[tokio::test]
    async fn paths_of_programs_are_never_answered_with_a_page() {
        for path in ["/api", "/api/v1/nothing", "/metrics", "/healthz", "//api/v1/nothing"] {
            let response = get(path, &[]);
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(field(&response, CONTENT_TYPE), "application/json", "{path}");
            let error: serde_json::Value = serde_json::from_slice(&body(response).await).unwrap();
            assert_eq!(error["error"]["code"], "not_found", "{path}");
        }
    }

    #[tokio::test]
    async fn paths_that_are_no_page_are_not_found_instead_of_a_page_without_its_files() {
        for path in [
            "/no/such/page",
            "/some/deep/page",
            "/signals/",
            "/signals/deep",
            "/join/",
            "/join/deep",
            "/apiary",
            "/nothing",
        ] {
            let response = get(path, &[]);
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
            assert_eq!(field(&response, CONTENT_TYPE), "text/plain; charset=utf-8", "{path}");
            assert_eq!(body(response).await, b"There is no such page or file.\n", "{path}");
        }
    }

    #[test]
    fn missing_files_and_forms_asked_for_by_name_are_not_found() {
        for path in [
            "/assets/gone.js",
            "/assets/noextension",
            "/robots.txt",
            "/assets/index-5f3a.js.br",
            "/a/../favicon.svg",
        ] {
            assert_eq!(get(path, &[]).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn the_smallest_form_that_the_browser_takes_is_sent() {
        for (accepted, encoding, bytes) in [
            ("gzip, deflate, br, zstd", "br", "br"),
            ("gzip, deflate", "gzip", "gzip"),
            ("GZIP;q=0.5", "gzip", "gzip"),
            ("br;q=0, gzip", "gzip", "gzip"),
            ("br; q=0.000, *", "gzip", "gzip"),
            ("*", "br", "br"),
            ("*;q=0", "", "plain script"),
            ("identity", "", "plain script"),
            ("broken;;=,", "", "plain script"),
            ("", "", "plain script"),
        ] {
            let response = get("/assets/index-5f3a.js", &[(ACCEPT_ENCODING, accepted)]);
            assert_eq!(field(&response, CONTENT_ENCODING), encoding, "{accepted}");
            assert_eq!(
                field(&response, CONTENT_TYPE),
                "text/javascript; charset=utf-8",
                "{accepted}"
            );
            assert_eq!(field(&response, VARY), "accept-encoding", "{accepted}");
            assert_eq!(body(response).await, bytes.as_bytes(), "{accepted}");
        }
    }

    #[test]
    fn a_known_etag_is_answered_with_304_and_no_type() {
        let etag = "\"02020202020202020202020202020202\"";
        assert_eq!(field(&get("/assets/index-5f3a.js", &[]), ETAG), etag);
        for known in [
            "\"02020202020202020202020202020202\"",
            "W/\"02020202020202020202020202020202\"",
            "\"other\", \"02020202020202020202020202020202\"",
            "*",
        ] {
            let response = get("/assets/index-5f3a.js", &[(IF_NONE_MATCH, known)]);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(field(&response, ETAG), etag, "{known}");
            assert_eq!(field(&response, CONTENT_TYPE), "", "{known}");
        }
        let other_form = [
            (IF_NONE_MATCH, "\"02020202020202020202020202020202\""),
            (ACCEPT_ENCODING, "br"),
        ];
        assert_eq!(get("/assets/index-5f3a.js", &other_form).status(), StatusCode::OK);
    }

    #[test]
    fn only_files_with_a_hash_in_their_name_may_be_kept() {
        for (path, cache) in [
            ("/", "no-cache"),
            ("/signals", "no-cache"),
            ("/join", "no-cache"),
            ("/favicon.svg", "no-cache"),
            ("/assets/index-5f3a.js", "public, max-age=31536000, immutable"),
            ("/assets/gone.js", "no-cache"),
        ] {
            assert_eq!(field(&get(path, &[]), CACHE_CONTROL), cache, "{path}");
        }
    }

    #[test]
    fn every_answer_keeps_the_page_to_itself() {
        for path in [
            "/",
            "/join",
            "/assets/index-5f3a.js",
            "/assets/gone.js",
            "/api/v1/nothing",
        ] {
            let response = get(path, &[]);
            assert!(
                field(&response, CONTENT_SECURITY_POLICY).contains("default-src 'none'"),
                "{path}"
            );
            assert_eq!(field(&response, X_CONTENT_TYPE_OPTIONS), "nosniff", "{path}");
        }
    }

    #[tokio::test]
    async fn head_gives_the_length_without_the_body_and_other_methods_are_refused() {
        let head = ask(Method::HEAD, "/", &[]);
        assert_eq!((head.status(), field(&head, CONTENT_LENGTH)), (StatusCode::OK, "15"));
        assert_eq!(body(head).await, b"");
        let post = ask(Method::POST, "/signals", &[]);
        assert_eq!(
            (post.status(), field(&post, ALLOW)),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD")
        );
    }

    #[tokio::test]
    async fn a_hub_without_page_says_how_to_build_it() {
        for (path, status) in [
            ("/signals", StatusCode::SERVICE_UNAVAILABLE),
            ("/join", StatusCode::NOT_FOUND),
        ] {
            let response = answer(|_| None, &Method::GET, path, &HeaderMap::new());
            assert_eq!(response.status(), status);
            let said = String::from_utf8(body(response).await).unwrap();
            assert!(said.contains("`npm run build` in the folder `web`"), "{path}: {said}");
        }
    }

    #[test]
    fn the_headset_port_shows_a_browser_the_join_page_and_nothing_else() {
        let at = |method: Method, path: &str, headers: &[(HeaderName, &'static str)]| {
            let mut request = Request::builder().method(method).uri(path);
            for (name, value) in headers {
                request = request.header(name, *value);
            }
            join_answer(&request.body(()).unwrap())
        };
        let status = |method: Method, path: &str, headers: &[(HeaderName, &'static str)]| {
            at(method, path, headers).map(|response| response.status().as_u16())
        };
        const BROWSER: (HeaderName, &str) = (ACCEPT, "application/xml;q=0.9, Text/HTML;q=0.8, */*");
        let sent = at(Method::GET, "/?x=1", &[BROWSER]).unwrap();
        assert_eq!((sent.status(), field(&sent, LOCATION)), (StatusCode::SEE_OTHER, "join"));
        assert_eq!(status(Method::HEAD, "/", &[BROWSER]), Some(303));
        assert_eq!(status(Method::GET, "/assets/gone.js", &[]), Some(404));
        for path in ["/join", "/favicon.svg"] {
            assert!(
                at(Method::GET, path, &[]).is_some() && at(Method::HEAD, path, &[]).is_some(),
                "{path}"
            );
            assert_eq!(status(Method::GET, path, &[(UPGRADE, "websocket")]), None, "{path}");
            assert_eq!(status(Method::POST, path, &[]), None, "{path}");
        }
        for path in [
            "/",
            "/index.html",
            "/signals",
            "/headset",
            "/api/v1/health",
            "/join/",
            "//join",
        ] {
            assert_eq!(status(Method::GET, path, &[(ACCEPT, "*/*")]), None, "{path}");
        }
        assert_eq!(status(Method::GET, "/headset", &[BROWSER]), None);
        assert_eq!(status(Method::GET, "/", &[BROWSER, (UPGRADE, "websocket")]), None);
    }

    #[test]
    fn the_binary_always_embeds_an_index() {
        assert!(embedded("index.html").is_some_and(|index| index.bytes.starts_with(b"<!doctype html>")));
    }
}
