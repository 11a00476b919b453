//! Outbound connections: from an address to an open stream, and on to a socket that speaks WebSocket frames.
//!
//! ```text
//!   Target ─▶ name ─▶ TCP (each address in turn) ─▶ TLS, where wanted ─▶ WebSocket handshake
//!             └──────────────── open ─────────────────────────────────┘
//!             └──────────────── connect ───────────────────────────────────────────────────┘
//! ```
//!
//! All of it together is bounded by [`DIAL_MAX`]. What goes wrong is said in words for people ([`DialError`]), with neither
//! the query of the address nor the key in them: both may be secrets. Nothing is tried again here.

mod error;
mod handshake;
mod trust;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::config::{EndpointConfig, GamaConfig, RemoteConfig};
pub(crate) use crate::socket::Stream;
pub(crate) use error::{DialError, TargetError};

/// How long a connection may take from the look-up of the name to the end of the handshake. Then the dial has failed.
pub(crate) const DIAL_MAX: Duration = Duration::from_secs(10);

/// What to connect to, and how.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Name or address of the server; an address of version 6 without brackets.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// TLS: wss and https.
    pub(crate) use_ssl: bool,
    /// Path and query of the request. The query may hold a key, so it is never shown.
    pub(crate) target: String,
    /// Certificates in PEM that may vouch for the server; those of the system when there is none.
    pub(crate) ca_file: Option<PathBuf>,
    /// File with the key that is sent as `Authorization: Bearer`.
    pub(crate) access_key_file: Option<PathBuf>,
}

impl Target {
    /// The target of an endpoint in the client role; its files lie in the project folder.
    pub(crate) fn of_endpoint(endpoint: &EndpointConfig, folder: &Path) -> Target {
        let link = &endpoint.link;
        let in_folder = |file: &Option<PathBuf>| file.as_ref().map(|file| folder.join(file));
        Target {
            host: link.host.clone(),
            port: endpoint.port,
            use_ssl: link.use_ssl,
            target: link.target.clone(),
            ca_file: in_folder(&link.ca_file),
            access_key_file: in_folder(&link.access_key_file),
        }
    }

    /// The target of a remote engine; its files lie in the project folder.
    ///
    /// # Errors
    ///
    /// A [`TargetError`] when its URL is none; the check of a project has refused such a one.
    pub(crate) fn of_engine(remote: &RemoteConfig, folder: &Path) -> Result<Target, TargetError> {
        let in_folder = |file: &Option<PathBuf>| file.as_ref().map(|file| folder.join(file));
        Ok(Target {
            ca_file: in_folder(&remote.ca_file),
            access_key_file: in_folder(&remote.access_key_file),
            ..Target::from_url(&remote.url)?
        })
    }

    /// Where GAMA is; its files lie in the project folder.
    pub(crate) fn of_gama(gama: &GamaConfig, folder: &Path) -> Target {
        Target {
            host: gama.host.clone(),
            port: gama.port,
            use_ssl: gama.tls,
            target: String::from("/"),
            ca_file: gama.ca_file.as_ref().map(|file| folder.join(file)),
            access_key_file: None,
        }
    }

    /// The target of `ws://host:port/path?query` or `wss://…`, without files. The port may be left out: it is 80 or 443 then.
    ///
    /// # Errors
    ///
    /// A [`TargetError`] when the text is no such address.
    pub(crate) fn from_url(url: &str) -> Result<Target, TargetError> {
        let uri: Uri = url.parse().map_err(|_| TargetError::NoUrl)?;
        let (use_ssl, usual_port) = match uri.scheme_str() {
            Some("ws") => (false, 80),
            Some("wss") => (true, 443),
            _ => return Err(TargetError::Scheme),
        };
        let authority = uri.authority().ok_or(TargetError::NoUrl)?;
        if authority.as_str().contains('@') {
            return Err(TargetError::User);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let has_port = authority.as_str().len() > authority.host().len();
        let port = match (authority.port_u16(), has_port) {
            (Some(0), _) | (None, true) => return Err(TargetError::Port),
            (Some(port), _) => port,
            (None, false) => usual_port,
        };
        if host.is_empty() {
            return Err(TargetError::NoUrl);
        }
        Ok(Target {
            host: host.to_owned(),
            port,
            use_ssl,
            target: uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
            ca_file: None,
            access_key_file: None,
        })
    }

    /// Path of the request, without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or("/")
    }

    /// Host and port as they stand in a URL.
    fn authority(&self) -> String {
        match self.host.parse::<IpAddr>() {
            Ok(address) => SocketAddr::new(address, self.port).to_string(),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Target {
    /// The address without the query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.use_ssl { "wss" } else { "ws" };
        write!(f, "{scheme}://{}{}", self.authority(), self.path())
    }
}

/// A connection whose WebSocket handshake is done.
#[derive(Debug)]
pub(crate) struct Dialled {
    /// The stream.
    pub(crate) stream: Stream,
    /// What came behind the handshake already.
    pub(crate) early: Bytes,
    /// Address and port of the server.
    pub(crate) address: SocketAddr,
}

/// Opens a stream to the server of a target, TLS included, within [`DIAL_MAX`].
///
/// # Errors
///
/// See [`DialError`].
pub(crate) async fn open(target: &Target) -> Result<Stream, DialError> {
    within(DIAL_MAX, open_stream(target)).await.map(|(stream, _)| stream)
}

/// Does the WebSocket handshake of a client on an open stream, within [`DIAL_MAX`]; gives the stream back with what came behind
/// the answer already.
///
/// # Errors
///
/// See [`DialError`].
pub(crate) async fn greet(stream: Stream, target: &Target) -> Result<(Stream, Bytes), DialError> {
    within(DIAL_MAX, handshake::handshake(stream, target)).await
}

/// Opens a stream and does the WebSocket handshake of a client, within [`DIAL_MAX`] for both together.
///
/// # Errors
///
/// See [`DialError`].
pub(crate) async fn connect(target: &Target) -> Result<Dialled, DialError> {
    within(DIAL_MAX, open_socket(target)).await
}

async fn within<T>(limit: Duration, steps: impl Future<Output = Result<T, DialError>>) -> Result<T, DialError> {
    match tokio::time::timeout(limit, steps).await {
        Ok(result) => result,
        Err(_) => Err(DialError::TooLate),
    }
}

async fn open_socket(target: &Target) -> Result<Dialled, DialError> {
    let (stream, address) = open_stream(target).await?;
    let (stream, early) = handshake::handshake(stream, target).await?;
    Ok(Dialled { stream, early, address })
}

async fn open_stream(target: &Target) -> Result<(Stream, SocketAddr), DialError> {
    let (tcp, address) = reach(target).await?;
    // Values are small and urgent; waiting for more bytes would add up to 40 ms.
    tcp.set_nodelay(true).map_err(DialError::unreachable)?;
    if !target.use_ssl {
        return Ok((Stream::Plain(tcp), address));
    }
    let stream = trust::secure(tcp, target).await?;
    Ok((Stream::Tls(Box::new(stream.into())), address))
}

/// Tries every address of the host. Each gets an equal part of the time that is left, so that one that answers nothing does
/// not keep the next from its turn.
async fn reach(target: &Target) -> Result<(TcpStream, SocketAddr), DialError> {
    let ends = Instant::now() + DIAL_MAX;
    let unknown = || DialError::NoAddress {
        host: target.host.clone(),
    };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((target.host.as_str(), target.port))
        .await
        .map_err(|_| unknown())?
        .collect();
    let mut failure = unknown();
    let mut left = addresses.len() as u32;
    for address in addresses {
        let part = ends.saturating_duration_since(Instant::now()) / left;
        left -= 1;
        match tokio::time::timeout(part, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((stream, address)),
            Ok(Err(error)) => failure = DialError::unreachable(error),
            Err(_) => failure = DialError::TooLate,
        }
    }
    Err(failure)
}

#[cfg(test)]
mod tests;
