//! The client's side of the WebSocket handshake (RFC 6455, section 4.1). No extension is asked for.

use std::io::Read as _;
use std::path::Path;

use axum::body::Body;
use axum::http::header::{
    AUTHORIZATION, CONNECTION, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderValue, Request, Response, StatusCode};
use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tungstenite::handshake::derive_accept_key;

use super::{DialError, Stream, Target};
use crate::upgrade::has_token;

/// Bytes of the head of an answer. A longer one fails the dial.
const HEAD_LEN_MAX: usize = 16 << 10;

/// Bytes of a file with a key. A longer one fails the dial: it is no key.
const KEY_FILE_LEN_MAX: u64 = 4 << 10;

/// Does the handshake; gives the stream back with what came behind the answer.
pub(super) async fn handshake(stream: Stream, target: &Target) -> Result<(Stream, Bytes), DialError> {
    let authorization = match target.access_key_file.clone() {
        None => None,
        Some(path) => {
            let read = tokio::task::spawn_blocking(move || authorization(&path));
            Some(read.await.map_err(|_| DialError::Closed)??)
        }
    };
    let has_key = authorization.is_some();
    let key = new_key()?;
    let request = request(target, &key, authorization)?;
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_LEN_MAX);
    let (mut sender, connection) = http.handshake(TokioIo::new(stream)).await.map_err(in_words)?;
    // The connection is driven here and not in a task of its own: who gives the dial up has given up all of it.
    let connection = connection.with_upgrades();
    let asking = async {
        let response = sender.send_request(request).await.map_err(in_words)?;
        check(&response, &key, has_key)?;
        hyper::upgrade::on(response).await.map_err(in_words)
    };
    let (mut connection, mut asking) = (std::pin::pin!(connection), std::pin::pin!(asking));
    let upgraded = tokio::select! {
        biased;
        upgraded = &mut asking => upgraded,
        // The connection is over as soon as it has the answer, when the answer is an upgrade; or it has failed, and then
        // the one who asks hears of it.
        _ = &mut connection => asking.await,
    };
    let upgraded = upgraded?;
    match upgraded.downcast::<TokioIo<Stream>>() {
        Ok(parts) => Ok((parts.io.into_inner(), parts.read_buf)),
        Err(_) => Err(DialError::NotWebSocket("the connection could not be taken over")),
    }
}

fn request(target: &Target, key: &str, authorization: Option<HeaderValue>) -> Result<Request<Body>, DialError> {
    let mut request = Request::builder()
        .uri(target.target.as_str())
        .header(HOST, target.authority())
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "Upgrade")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, key)
        .body(Body::empty())
        .map_err(|_| DialError::Path)?;
    if let Some(authorization) = authorization {
        request.headers_mut().insert(AUTHORIZATION, authorization);
    }
    Ok(request)
}

/// The header with the key of a file.
fn authorization(path: &Path) -> Result<HeaderValue, DialError> {
    let fault = |what: &str| DialError::File {
        key: "access_key_file",
        path: path.to_path_buf(),
        what: what.to_owned(),
    };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|error| fault(&error.to_string()))?;
    let read = file.take(KEY_FILE_LEN_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| fault(&error.to_string()))?;
    let key = text.trim();
    if key.is_empty() || text.len() as u64 > KEY_FILE_LEN_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fault("one key was expected: printable ASCII without spaces"));
    }
    let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| fault("no key is in it"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Sixteen random bytes in base64.
fn new_key() -> Result<String, DialError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| DialError::Unreachable(std::io::Error::other(error.to_string())))?;
    Ok(data_encoding::BASE64.encode(&bytes))
}

fn check<B>(response: &Response<B>, key: &str, has_key: bool) -> Result<(), DialError> {
    let headers = response.headers();
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(DialError::Status {
            status: response.status().as_u16(),
            has_key,
        });
    }
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(DialError::NotWebSocket("it agrees to another protocol"));
    }
    let expected = derive_accept_key(key.as_bytes());
    if headers
        .get(SEC_WEBSOCKET_ACCEPT)
        .is_none_or(|accept| accept.as_bytes() != expected.as_bytes())
    {
        return Err(DialError::NotWebSocket("Sec-WebSocket-Accept does not fit the key"));
    }
    if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) || headers.contains_key(SEC_WEBSOCKET_PROTOCOL) {
        return Err(DialError::NotWebSocket("it agrees to what was not asked for"));
    }
    Ok(())
}

fn in_words(error: hyper::Error) -> DialError {
    if error.is_parse() || error.is_parse_too_large() {
        DialError::NotWebSocket("what it answers is no HTTP")
    } else {
        DialError::Closed
    }
}
