//! A client of the hub's HTTP API: one request, one JSON answer.

use super::{At, CliError};
use crate::dial::{self, DialError, Target};
use crate::socket::Stream;
use axum::body::Body;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// How long a hub may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long a hub may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read; a larger one is refused. A page of 1,000 signals stays far below.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// Variable with the key, when no file is named.
const KEY_VARIABLE: &str = "CROSSTIE_KEY";
/// Bytes of a key; a longer text is none.
const KEY_LEN_MAX: u64 = 1_024;

/// A running hub.
#[derive(Debug)]
pub(crate) struct Hub {
    /// The address as it was given, for messages.
    at: String,
    authority: Authority,
    /// How it is reached.
    target: Target,
    /// What is sent with each request as `Authorization`.
    bearer: Option<HeaderValue>,
}

impl Hub {
    /// The hub behind an address such as `http://127.0.0.1:8000`, with the key of the file or of the environment.
    pub(crate) fn at(At { at, key_file, ca }: &At) -> Result<Hub, CliError> {
        let usage = || CliError::Usage(format!("--at {at}: expected an address such as http://127.0.0.1:8000"));
        // Host and port alone are what people type.
        let at = match at.contains("://") {
            true => at.to_owned(),
            false => format!("http://{at}"),
        };
        let uri: Uri = at.parse().map_err(|_| usage())?;
        let use_ssl = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(usage()),
        };
        if uri.path() != "/" || uri.query().is_some() {
            return Err(usage());
        }
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or_else(usage)?;
        let usual_port = if use_ssl { 443 } else { 80 };
        Ok(Hub {
            at,
            target: Target {
                host: authority.host().trim_matches(['[', ']']).to_owned(),
                port: authority.port_u16().unwrap_or(usual_port),
                use_ssl,
                target: String::from("/"),
                ca_file: ca.clone(),
                access_key_file: None,
            },
            authority: authority.clone(),
            bearer: bearer(key_file.as_deref())?,
        })
    }

    /// The value of `Authorization`, when there is a key.
    pub(super) fn bearer(&self) -> Option<&HeaderValue> {
        self.bearer.as_ref()
    }

    /// Asks for a resource; the answer has the shape that the caller expects.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let answer = self.send(Method::GET, path, None).await?;
        serde_json::from_value(answer).map_err(|error| self.not_understood(path, &error))
    }

    /// Sends a request with or without a body; the answer is null when it has none.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, CliError> {
        self.send_within(ANSWER_MAX, method, path, body).await
    }

    /// Sends a request whose answer may take so long.
    pub(super) async fn send_within(
        &self,
        limit: Duration,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CliError> {
        let body = body.map(|body| ("application/json", body.to_string()));
        let (status, bytes) = self.answer(limit, method, path, body).await?;
        if !status.is_success() {
            return Err(self.refusal(path, status, &bytes));
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| self.not_understood(path, &error))
    }

    /// Asks for a resource that is a text.
    pub(super) async fn get_text(&self, path: &str) -> Result<String, CliError> {
        let (status, bytes) = self.answer(ANSWER_MAX, Method::GET, path, None).await?;
        if !status.is_success() {
            return Err(self.refusal(path, status, &bytes));
        }
        String::from_utf8(bytes.into()).map_err(|_| CliError::Failed(format!("{}{path} is no text", self.at)))
    }

    /// Puts a text there. The answer is JSON, and so is a refusal that says more than why: the error stands beside it.
    pub(super) async fn put_text(&self, path: &str, text: String) -> Result<Value, (Value, CliError)> {
        let body = Some(("text/plain; charset=utf-8", text));
        let answer = self.answer(ANSWER_MAX, Method::PUT, path, body).await;
        let (status, bytes) = answer.map_err(|error| (Value::Null, error))?;
        let value = serde_json::from_slice(&bytes);
        if !status.is_success() {
            return Err((value.unwrap_or_default(), self.refusal(path, status, &bytes)));
        }
        value.map_err(|error| (Value::Null, self.not_understood(path, &error)))
    }

    /// Hands in a table in CSV; the answer is JSON.
    pub(super) async fn post_table(&self, path: &str, table: String) -> Result<Value, CliError> {
        let body = Some(("text/csv; charset=utf-8", table));
        let (status, bytes) = self.answer(ANSWER_MAX, Method::POST, path, body).await?;
        if !status.is_success() {
            return Err(self.refusal(path, status, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|error| self.not_understood(path, &error))
    }

    /// Status and body of an answer; a body to send comes with its content type.
    async fn answer(
        &self,
        limit: Duration,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<(StatusCode, axum::body::Bytes), CliError> {
        let stream = self.connect().await?;
        let exchange = self.exchange(stream, method, path, body);
        match timeout(limit, exchange).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(CliError::Failed(format!("{}{path}: {error}", self.at))),
            Err(_) => {
                let seconds = limit.as_secs();
                Err(CliError::Failed(format!(
                    "{}{path}: no answer within {seconds} s",
                    self.at
                )))
            }
        }
    }

    /// A connection to the hub's web port.
    pub(super) async fn connect(&self) -> Result<Stream, CliError> {
        let connected = timeout(CONNECT_MAX, dial::open(&self.target)).await;
        let error = match connected {
            Ok(Ok(stream)) => return Ok(stream),
            // Somebody is there, or the mistake is in a file of ours.
            Ok(Err(error @ (DialError::Tls(_) | DialError::File { .. }))) => {
                return Err(CliError::Failed(format!(
                    "{}: {error}; --ca FILE vouches for a hub",
                    self.at
                )));
            }
            Ok(Err(error)) => io::Error::other(error),
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
        Err(CliError::NoHub {
            at: self.at.clone(),
            source: error,
        })
    }

    /// `host:port`.
    pub(super) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    async fn exchange(
        &self,
        stream: Stream,
        method: Method,
        path: &str,
        body: Option<(&'static str, String)>,
    ) -> Result<(StatusCode, axum::body::Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.authority.as_str());
        if let Some(bearer) = &self.bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if let Some((content_type, _)) = body {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request.body(body.map_or_else(Body::empty, |(_, text)| Body::from(text)))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // The task ends with the connection, which ends with the sender; its error is the exchange's own.
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await?;
        let status = response.status();
        let bytes = axum::body::to_bytes(Body::new(response.into_body()), ANSWER_BYTES_MAX).await?;
        drop(sender);
        connection.abort();
        Ok((status, bytes))
    }

    fn refusal(&self, path: &str, status: StatusCode, bytes: &[u8]) -> CliError {
        let answer: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let word = |key: &str| answer["error"][key].as_str();
        CliError::Failed(match (word("code"), word("message")) {
            (Some(code), Some(message)) => format!("{message} ({code})"),
            _ => format!("{}{path} answers {status}; is this a Crosstie hub?", self.at),
        })
    }

    fn not_understood(&self, path: &str, error: &serde_json::Error) -> CliError {
        CliError::Failed(format!("the answer of {}{path} is not understood: {error}", self.at))
    }
}

/// The key is never an argument: every user of the machine can read those. A key that comes to nothing is a mistake, and its
/// text is not repeated.
pub(super) fn bearer(file: Option<&Path>) -> Result<Option<HeaderValue>, CliError> {
    let (key, source) = match file {
        Some(path) => {
            let shown = path.display();
            let mut key = String::new();
            let read = File::open(path).and_then(|file| file.take(KEY_LEN_MAX + 1).read_to_string(&mut key));
            read.map_err(|error| CliError::Usage(format!("--key-file {shown}: {error}")))?;
            (key, format!("--key-file {shown}"))
        }
        None => match std::env::var(KEY_VARIABLE) {
            Ok(key) if key.trim().is_empty() => return Ok(None),
            Ok(key) => (key, KEY_VARIABLE.to_owned()),
            Err(_) => return Ok(None),
        },
    };
    let key = key.trim();
    let is_key = !key.is_empty() && key.len() as u64 <= KEY_LEN_MAX && key.bytes().all(|byte| byte.is_ascii_graphic());
    let value = HeaderValue::try_from(format!("Bearer {key}")).ok().filter(|_| is_key);
    let mut value = value.ok_or_else(|| CliError::Usage(format!("{source}: expected one key, such as ct_…")))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// A text as it may stand in a query or in one segment of a path.
pub(super) fn escaped(text: &str) -> String {
    percent(text, b"")
}

/// A signal's name as it stands at the end of a path: its slashes stay.
pub(super) fn escaped_name(name: &str) -> String {
    percent(name, b"/:")
}

fn percent(text: &str, kept: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(at: &str) -> Result<Hub, CliError> {
        Hub::at(&At {
            at: at.to_owned(),
            ..At::default()
        })
    }

    #[test]
    fn only_the_root_of_a_plain_http_address_is_a_hub() {
        for at in [
            "http://127.0.0.1:8000",
            "http://127.0.0.1:8000/",
            "http://[::1]:8000",
            "http://plant",
            "https://plant",
            "https://[::1]:8443/",
            "127.0.0.1:8000",
            "plant",
            "[::1]:8000",
        ] {
            assert!(hub(at).is_ok(), "{at}");
        }
        for at in [
            "https://plant/api",
            "plant/api",
            "http://plant/api",
            "http://plant/?x",
            "",
            "http://u@plant",
            "ws://plant",
        ] {
            assert_eq!(hub(at).unwrap_err().exit_code(), 2, "{at}");
        }
    }

    #[test]
    fn names_keep_their_slashes_and_nothing_else() {
        assert_eq!(escaped_name("plc/PLC1/O:0/3"), "plc/PLC1/O:0/3");
        assert_eq!(escaped_name("twin/a b/ü?#%~1"), "twin/a%20b/%C3%BC%3F%23%25~1");
        assert_eq!(escaped("twin/**"), "twin%2F%2A%2A");
    }
}
