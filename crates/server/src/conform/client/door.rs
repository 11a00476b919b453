//! The listener of the suite: connections come in, are turned away, or find nobody.

use crate::conform::rig::{Stop, ensure};
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

/// Connections that wait to be accepted. One client needs one; a few more are room for one that hurries.
const BACKLOG: u32 = 16;

/// The listener, which can be shut and opened again on the same port.
pub(super) struct Door {
    address: SocketAddr,
    listener: Option<TcpListener>,
}

/// The upgrade request of a client.
pub(super) struct Upgraded {
    /// The connection after its upgrade.
    pub(super) socket: WebSocketStream<TcpStream>,
    /// Path and query of the request line. The values of the query may be keys.
    pub(super) target: String,
}

impl Door {
    /// A door around a bound listener.
    ///
    /// # Errors
    /// Fails when the system does not know the address of the listener.
    pub(super) fn new(listener: TcpListener) -> io::Result<Door> {
        Ok(Door {
            address: listener.local_addr()?,
            listener: Some(listener),
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next TCP connection. Waits for ever while the door is shut.
    pub(super) async fn accept(&self) -> io::Result<TcpStream> {
        match &self.listener {
            Some(listener) => listener.accept().await.map(|(stream, _)| stream),
            None => std::future::pending().await,
        }
    }

    /// Stops listening: attempts are refused from here on.
    pub(super) fn shut(&mut self) {
        self.listener = None;
    }

    /// Listens again on the same port.
    ///
    /// # Errors
    /// Fails when somebody else has taken the port meanwhile.
    pub(super) fn open(&mut self) -> io::Result<()> {
        let socket = if self.address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        }?;
        // Without it the connections that ended just now would keep the port for minutes.
        socket.set_reuseaddr(true)?;
        socket.bind(self.address)?;
        self.listener = Some(socket.listen(BACKLOG)?);
        Ok(())
    }
}

/// Ends a TCP connection with a reset instead of an orderly end.
pub(super) fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// Answers the upgrade request of a client, without any extension (RV-30).
///
/// # Errors
/// Fails the check when the request is no correct one or does not come within `limit`.
pub(super) async fn upgrade(stream: TcpStream, unmasked: bool, limit: Duration) -> Result<Upgraded, Stop> {
    const EXPECTED: &str = "the client sends a correct WebSocket upgrade by HTTP/1.1";
    stream
        .set_nodelay(true)
        .map_err(|error| Stop::failed(EXPECTED, error))?;
    let config = WebSocketConfig::default().accept_unmasked_frames(unmasked);
    let mut target = String::new();
    let mut has_host = false;
    #[allow(clippy::result_large_err, reason = "the library's callback has this type")]
    let look = |request: &Request, response: Response| {
        target = request
            .uri()
            .path_and_query()
            .map_or_else(String::new, ToString::to_string);
        has_host = request.headers().contains_key("host");
        Ok(response)
    };
    let socket = match timeout(limit, accept_hdr_async_with_config(stream, look, Some(config))).await {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => return Err(Stop::failed(EXPECTED, error)),
        Err(_) => return Err(Stop::failed(EXPECTED, format!("no whole request within {limit:?}"))),
    };
    ensure(has_host, EXPECTED, "a request without a Host header")?;
    Ok(Upgraded { socket, target })
}
