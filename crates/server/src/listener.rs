//! The listening ports: from an address to accepted sockets, and what stands on the plain ports of the protocols.
//!
//! A port is bound before anything else is started, so that a hub either has all its ports or tells which are taken. Every
//! accepted socket speaks HTTP first, inside TLS where the port has it; what becomes a WebSocket leaves for [`crate::connection`], the rest is answered
//! and closed.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use crosstie_hub::Face;
use crosstie_hub::access::Actor;
use crosstie_hub::api::Report;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::core_task::Door;
use crate::keys::{Entrance, Gate, Refusal, gate};
use crate::origin::Origins;
use crate::socket::Stream;
use crate::trouble::Trouble;
use crate::upgrade;
use crate::web;
use crate::write_limit::WriteLimit;

/// Sockets of one port that speak HTTP at a time: unfinished handshakes, and on the web port requests. Further ones wait
/// in the queue of the system.
const HTTP_CONNECTIONS_MAX: usize = 1_024;

/// Bytes of a request's head. A longer one is answered with 431.
const HEAD_LEN_MAX: usize = 16 << 10;

/// How long a request's head may take, the time before it included. Then the socket is closed.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);

/// How long an answer may wait for its reader, from when the socket is full for the first time. Then the socket is closed.
pub(crate) const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// Connections that wait in the system until they are accepted.
const BACKLOG: u32 = 1_024;

/// How long to wait after the system could not give a socket: until then others may be closed.
const SHORTAGE_PAUSE: Duration = Duration::from_millis(50);

/// A shortage is over when no attempt to accept has failed for so long.
const SHORTAGE_OVER: Duration = Duration::from_secs(1);

/// What to do about a shortage.
const SHORTAGE_HINT: &str =
    "close connections, or raise the limit of open files (ulimit -n, LimitNOFILE of the service)";

/// Binds a port for listening. Within a runtime only.
///
/// # Errors
///
/// As the system says: the port is taken, the address is not ours.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A hub that was just ended must be able to start again while old connections linger.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The trouble that a port can accept nothing. `name` is the port's, for people: `page`, or the name of an endpoint.
pub(crate) fn shortage(name: &str, door: &Door) -> Trouble {
    Trouble::new(door.clone(), format!("accept:{name}"), name.to_owned(), SHORTAGE_HINT)
}

/// Accepts sockets for ever and gives each one to `serve`, which holds the permit as long as the socket speaks HTTP.
pub(crate) async fn accept_all(
    listener: TcpListener,
    mut shortage: Trouble,
    mut serve: impl FnMut(TcpStream, SocketAddr, OwnedSemaphorePermit),
) {
    let room = Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX));
    let mut failed_at = Instant::now();
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let accepted = match shortage.is_on() {
            false => listener.accept().await,
            // While the system is short every attempt fails: one that waits says that it has something to give.
            true => match tokio::time::timeout(SHORTAGE_OVER, listener.accept()).await {
                Ok(accepted) => accepted,
                Err(_) => {
                    shortage.over();
                    continue;
                }
            },
        };
        match accepted {
            Ok((stream, address)) => {
                if failed_at.elapsed() >= SHORTAGE_OVER {
                    shortage.over();
                }
                // Values are small and urgent; waiting for more bytes would add up to 40 ms.
                if stream.set_nodelay(true).is_ok() {
                    serve(stream, address, permit);
                }
            }
            Err(error) if is_of_one_peer(&error) => {}
            Err(error) => {
                failed_at = Instant::now();
                shortage.met(format!("no connection can be accepted: {error}"));
                tokio::time::sleep(SHORTAGE_PAUSE).await;
            }
        }
    }
}

/// The error is about a peer that gave up, not about us.
fn is_of_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The HTTP of all ports.
pub(crate) fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_LEN_MAX);
    http
}

/// Does the TLS handshake of an accepted socket where the port speaks TLS, within [`HEAD_TIME_MAX`]. A client that speaks plain
/// HTTP there is told so. `None` when nothing has come of it: that is the business of this one client.
pub(crate) async fn secure(tcp: TcpStream, address: SocketAddr, tls: Option<&TlsAcceptor>) -> Option<Stream> {
    match tls {
        None => Some(Stream::Plain(tcp)),
        // Only ports with TLS pay for the room that a handshake takes.
        Some(tls) => Box::pin(secure_within(HEAD_TIME_MAX, tcp, address, tls)).await,
    }
}

async fn secure_within(limit: Duration, tcp: TcpStream, address: SocketAddr, tls: &TlsAcceptor) -> Option<Stream> {
    let handshake = async {
        let mut first = [0];
        let len = tcp.peek(&mut first).await.ok()?;
        if len == 1 && first[0].is_ascii_alphabetic() {
            tracing::debug!(%address, "a client speaks plain HTTP at a port with TLS");
            tell_of_tls(tcp).await;
            return None;
        }
        match tls.accept(tcp).await {
            Ok(stream) => Some(Stream::Tls(Box::new(stream.into()))),
            Err(error) => {
                tracing::debug!(%address, %error, "a TLS handshake failed");
                None
            }
        }
    };
    match tokio::time::timeout(limit, handshake).await {
        Ok(stream) => stream,
        Err(_) => {
            tracing::debug!(%address, "a TLS handshake took too long");
            None
        }
    }
}

/// Answers one plain request at a port with TLS.
async fn tell_of_tls(tcp: TcpStream) {
    let service = service_fn(|_: Request<Incoming>| async {
        let text = String::from("This port speaks TLS: use https:// or wss://.\n");
        Ok::<_, Infallible>(closing(upgrade::text_response(StatusCode::BAD_REQUEST, text)))
    });
    let _ = http().serve_connection(TokioIo::new(tcp), service).await;
}

/// The port of one protocol, where there is nothing else: that of a realvirtual endpoint, of the PLC engines or of the
/// classroom. The headsets' has the Join page beside it.
#[derive(Clone)]
pub(crate) struct ProtocolPort {
    /// What is spoken there.
    pub(crate) face: Face,
    /// The one path that is accepted; `None` for every path (RV-20, SI-2).
    pub(crate) path: Option<String>,
    /// What to say to somebody who comes without a WebSocket.
    pub(crate) hint: String,
    /// Where sessions begin.
    pub(crate) door: Door,
    /// There where the port speaks TLS.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Who may come in.
    pub(crate) gate: Arc<Gate>,
    /// Who may come in without a key.
    pub(crate) entrance: Entrance,
    /// The pages that may connect.
    pub(crate) origins: Arc<Origins>,
    /// Its name, for messages: that of the endpoint, or of its section, such as `piplc`.
    pub(crate) name: String,
    /// Where its settings stand, for people: `the endpoint 'line'`, `[piplc]`.
    pub(crate) section: String,
}

impl ProtocolPort {
    /// Begins to accept connections. Within a runtime only.
    pub(crate) fn open(self, listener: TcpListener) {
        let shortage = shortage(&self.name, &self.door);
        let port = Arc::new(self);
        tokio::spawn(accept_all(listener, shortage, move |stream, address, permit| {
            tokio::spawn(Arc::clone(&port).serve(stream, address, permit));
        }));
    }

    /// Serves one accepted socket until it is a session or closed.
    pub(crate) async fn serve(self: Arc<Self>, tcp: TcpStream, address: SocketAddr, permit: OwnedSemaphorePermit) {
        let Some(stream) = secure(tcp, address, self.tls.as_ref()).await else {
            return;
        };
        let service = service_fn(|request| {
            let response = self.answer(request, address);
            async { Ok::<_, Infallible>(response) }
        });
        // Whatever goes wrong here is the business of a peer that never became one.
        let _ = http()
            .serve_connection(TokioIo::new(WriteLimit::new(stream, ANSWER_TIME_MAX)), service)
            .with_upgrades()
            .await;
        drop(permit);
    }

    fn answer(&self, mut request: Request<Incoming>, address: SocketAddr) -> Response<Body> {
        // The files hold no data: anybody who reaches the port may have them.
        if self.face == Face::Headset
            && let Some(file) = web::join_answer(&request)
        {
            return file;
        }
        if self.path.as_deref().is_some_and(|path| path != request.uri().path()) {
            return closing(upgrade::text_response(
                StatusCode::NOT_FOUND,
                format!("There is nothing at this path.\n{}\n", self.hint),
            ));
        }
        if !self.origins.are_kept(request.headers()) {
            return closing(self.refuse_page());
        }
        let access = self
            .gate
            .authenticate(request.uri(), request.headers(), address, self.entrance);
        let access = match access {
            Ok(access) => access,
            Err(refusal) => return closing(refuse_peer(refusal, &self.hint)),
        };
        let from = gate::origin_of(request.headers(), address);
        match upgrade::check(&request) {
            Ok(key) => upgrade::accept(&mut request, &key, self.face, Actor { access, from }, &self.door),
            Err(why) => closing(upgrade::refuse(why, &self.hint)),
        }
    }

    /// A browser has a page that may not connect. People learn it as a problem, as the page itself cannot say why.
    fn refuse_page(&self) -> Response<Body> {
        let name = &self.name;
        let setting = format!("`allowed_origins` of {}", self.section);
        self.door.report(Report {
            id: format!("origin:{name}"),
            is_error: false,
            subject: name.clone(),
            text: String::from("a page of another origin tried to connect and was refused"),
            hint: format!("if the page is yours, add its origin to {setting}"),
        });
        let text = format!("A page of another origin may not connect here: {setting} names those that may.\n");
        upgrade::text_response(StatusCode::FORBIDDEN, text)
    }
}

fn refuse_peer(refusal: Refusal, hint: &str) -> Response<Body> {
    let status = match refusal {
        Refusal::TooOften => StatusCode::TOO_MANY_REQUESTS,
        Refusal::NoHeadset => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    let mut response = upgrade::text_response(status, format!("{refusal}.\n{hint}\n"));
    upgrade::say_what_is_wanted(&mut response);
    response
}

/// Says that this was the only answer.
fn closing(mut response: Response<Body>) -> Response<Body> {
    response
        .headers_mut()
        .append(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn a_tls_handshake_that_hangs_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("crosstie.toml"), "[project]\nname = \"test\"\n").unwrap();
        let config = crate::config::load(folder.path(), &crate::config::Overrides::default());
        let acceptor = crate::tls::load(&config.config.unwrap()).unwrap().acceptor();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // Nothing at all, and the first bytes of a greeting.
        for begun in [&[][..], &[0x16, 3, 1, 2, 0, 1]] {
            let mut peer = TcpStream::connect(address).await.unwrap();
            peer.write_all(begun).await.unwrap();
            let (tcp, from) = listener.accept().await.unwrap();
            let limit = Duration::from_millis(20);
            assert!(secure_within(limit, tcp, from, &acceptor).await.is_none());
        }
    }
}
