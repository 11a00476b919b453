//! The WebSocket handshake: from an HTTP request to a socket that speaks frames.
//!
//! All ports use it, the plain ones of the protocols and the one of the page. No extension is ever agreed on: compressing
//! would cost every client its own copy of every frame.

use axum::body::Body;
use axum::http::header::{
    CONNECTION, CONTENT_TYPE, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
    WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use crosstie_hub::Face;
use crosstie_hub::access::Actor;
use hyper_util::rt::TokioIo;
use tungstenite::handshake::derive_accept_key;

use crate::connection::{self, Upgraded};
use crate::core_task::Door;
use crate::socket::Stream;
use crate::write_limit::WriteLimit;

/// Why a request does not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoUpgrade {
    /// It does not ask for one: perhaps a browser was pointed at a port that has no page.
    #[error("a WebSocket handshake was expected")]
    NotAsked,
    /// It asks for another version of the protocol.
    #[error("WebSocket version 13 was expected")]
    Version,
    /// It asks, but not as RFC 6455 demands.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Checks a request and gives the value of `Sec-WebSocket-Accept`.
///
/// # Errors
///
/// See [`NoUpgrade`].
pub(crate) fn check<B>(request: &Request<B>) -> Result<String, NoUpgrade> {
    let headers = request.headers();
    if !has_token(headers, &UPGRADE, "websocket") {
        return Err(NoUpgrade::NotAsked);
    }
    if request.method() != Method::GET || request.version() != Version::HTTP_11 {
        return Err(NoUpgrade::Malformed("a GET of HTTP/1.1 was expected"));
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        return Err(NoUpgrade::Malformed("Connection: Upgrade was expected"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(NoUpgrade::Version);
    }
    let mut keys = headers.get_all(SEC_WEBSOCKET_KEY).iter();
    match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key.as_bytes()) => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(NoUpgrade::Malformed(
            "one Sec-WebSocket-Key of 16 bytes in base64 was expected",
        )),
    }
}

/// Agrees to the handshake and serves the connection in a task of its own.
pub(crate) fn accept<B>(
    request: &mut Request<B>,
    accept_key: &str,
    face: Face,
    by: Actor,
    door: &Door,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let upgrade = hyper::upgrade::on(request);
    let door = door.clone();
    tokio::spawn(async move {
        // The peer may have left between its request and our answer: nobody has heard of it yet.
        let Ok(upgraded) = upgrade.await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<WriteLimit<Stream>>>() else {
            tracing::error!(address = %by.from, "a connection was upgraded that is no socket of ours");
            return;
        };
        let upgraded = Upgraded {
            socket: parts.io.into_inner().into_inner().into(),
            early: parts.read_buf,
            face,
            address: by.from.into(),
            path,
            access: by.access,
            masks: None,
        };
        connection::serve(upgraded, door).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let accept_key = HeaderValue::from_str(accept_key).expect("base64 is ASCII");
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept_key);
    response
}

/// The answer to a request that is not upgraded; `hint` says in one line what this port is for.
pub(crate) fn refuse(why: NoUpgrade, hint: &str) -> Response<Body> {
    let (status, text) = match why {
        NoUpgrade::NotAsked => (StatusCode::UPGRADE_REQUIRED, format!("{hint}\n")),
        NoUpgrade::Version => (StatusCode::UPGRADE_REQUIRED, format!("{why}.\n{hint}\n")),
        NoUpgrade::Malformed(_) => (StatusCode::BAD_REQUEST, format!("{why}.\n{hint}\n")),
    };
    let mut response = text_response(status, text);
    if status == StatusCode::UPGRADE_REQUIRED {
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    }
    response
}

/// Tells a refused client in the headers what would let it in: a key, or a pause.
pub(crate) fn say_what_is_wanted(response: &mut Response<Body>) {
    let field = match response.status() {
        StatusCode::UNAUTHORIZED => (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        StatusCode::TOO_MANY_REQUESTS => (RETRY_AFTER, HeaderValue::from_static("60")),
        _ => return,
    };
    response.headers_mut().insert(field.0, field.1);
}

/// A short plain text.
pub(crate) fn text_response(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Does one of the values of a header hold this word, in any case?
pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// Sixteen bytes in base64: 22 characters that mean something and two that fill up.
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 4] = [
        ("upgrade", "WebSocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    /// The request of RFC 6455 with some headers changed; an empty value takes the header away.
    fn request(changes: &[(&str, &str)]) -> Request<()> {
        let mut request = Request::builder().uri("/chat?key=secret").body(()).unwrap();
        for (name, value) in GOOD.iter().chain(changes) {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().remove(&name);
            if !value.is_empty() {
                request
                    .headers_mut()
                    .insert(name, HeaderValue::from_str(value).unwrap());
            }
        }
        request
    }

    #[test]
    fn the_handshake_of_the_standard_is_answered_with_its_key() {
        assert_eq!(check(&request(&[])).as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn what_is_no_handshake_is_told_apart_from_a_bad_one() {
        for (changes, expected) in [
            (&[("upgrade", "")][..], NoUpgrade::NotAsked),
            (&[("upgrade", "h2c")], NoUpgrade::NotAsked),
            (&[("sec-websocket-version", "8")], NoUpgrade::Version),
            (&[("sec-websocket-version", "")], NoUpgrade::Version),
            (
                &[("connection", "close")],
                NoUpgrade::Malformed("Connection: Upgrade was expected"),
            ),
        ] {
            assert_eq!(check(&request(changes)), Err(expected), "{changes:?}");
        }
        for key in [
            "",
            "short",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ=A",
            "dGhlIHNhbXBsZSBub25j!Q==",
        ] {
            let refused = check(&request(&[("sec-websocket-key", key)]));
            assert!(matches!(refused, Err(NoUpgrade::Malformed(_))), "{key}");
        }
        let mut post = request(&[]);
        *post.method_mut() = Method::POST;
        assert!(matches!(check(&post), Err(NoUpgrade::Malformed(_))));
    }
}
