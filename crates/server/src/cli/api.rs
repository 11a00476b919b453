//! A client of the hub's HTTP API: one request, one JSON answer.

use super::CliError;
use axum::body::Body;
use axum::http::uri::Authority;
use axum::http::{Method, Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a hub may take to accept a connection.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long a hub may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// Bytes of an answer that are read; a larger one is refused. A page of 1,000 signals stays far below.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A running hub.
#[derive(Debug)]
pub(super) struct Hub {
    /// The address as it was given, for messages.
    at: String,
    authority: Authority,
}

impl Hub {
    /// The hub behind an address such as `http://127.0.0.1:8000`.
    pub(super) fn at(at: &str) -> Result<Hub, CliError> {
        let usage = || CliError::Usage(format!("--at {at}: expected an address such as http://127.0.0.1:8000"));
        let uri: Uri = at.parse().map_err(|_| usage())?;
        if uri.scheme_str() != Some("http") || uri.path() != "/" || uri.query().is_some() {
            return Err(usage());
        }
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or_else(usage)?;
        Ok(Hub {
            at: at.to_owned(),
            authority: authority.clone(),
        })
    }

    /// Asks for a resource; the answer has the shape that the caller expects.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let answer = self.send(Method::GET, path, None).await?;
        serde_json::from_value(answer).map_err(|error| self.not_understood(path, &error))
    }

    /// Sends a request with or without a body; the answer is null when it has none.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, CliError> {
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
        let stream = self.connect().await?;
        let exchange = self.exchange(stream, method, path, body);
        let (status, bytes) = match timeout(limit, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(CliError::Failed(format!("{}{path}: {error}", self.at))),
            Err(_) => {
                let seconds = limit.as_secs();
                return Err(CliError::Failed(format!(
                    "{}{path}: no answer within {seconds} s",
                    self.at
                )));
            }
        };
        if !status.is_success() {
            return Err(self.refusal(path, status, &bytes));
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| self.not_understood(path, &error))
    }

    /// A connection to the hub's web port.
    pub(super) async fn connect(&self) -> Result<TcpStream, CliError> {
        let host = self.authority.host().trim_matches(['[', ']']);
        let connected = timeout(
            CONNECT_MAX,
            TcpStream::connect((host, self.authority.port_u16().unwrap_or(80))),
        )
        .await;
        let connected = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        connected.map_err(|source| CliError::NoHub {
            at: self.at.clone(),
            source,
        })
    }

    /// `host:port`.
    pub(super) fn authority(&self) -> &str {
        self.authority.as_str()
    }

    async fn exchange(
        &self,
        stream: TcpStream,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, axum::body::Bytes), Box<dyn std::error::Error + Send + Sync>> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.authority.as_str());
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))?;
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

    #[test]
    fn only_the_root_of_a_plain_http_address_is_a_hub() {
        for at in [
            "http://127.0.0.1:8000",
            "http://127.0.0.1:8000/",
            "http://[::1]:8000",
            "http://plant",
        ] {
            assert!(Hub::at(at).is_ok(), "{at}");
        }
        for at in [
            "127.0.0.1:8000",
            "https://plant",
            "http://plant/api",
            "http://plant/?x",
            "",
            "http://u@plant",
            "ws://plant",
        ] {
            assert_eq!(Hub::at(at).unwrap_err().exit_code(), 2, "{at}");
        }
    }

    #[test]
    fn names_keep_their_slashes_and_nothing_else() {
        assert_eq!(escaped_name("plc/PLC1/O:0/3"), "plc/PLC1/O:0/3");
        assert_eq!(escaped_name("twin/a b/ü?#%~1"), "twin/a%20b/%C3%BC%3F%23%25~1");
        assert_eq!(escaped("twin/**"), "twin%2F%2A%2A");
    }
}
