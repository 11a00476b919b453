//! The web port: the API for programs, the live channel, the health of the hub and the page.
//!
//! ```text
//!   request ─▶ question to the hub (through its door) ─▶ rows ─▶ JSON
//! ```
//!
//! Nothing is known here: every answer is asked of the hub at the moment it is wanted, and every change goes to the hub
//! first and to the project's files second. What the JSON looks like is written down in `docs/manual/http-api.md`, and
//! for machines in [`crate::openapi`]; a test compares that with [`operations`].

pub(crate) mod audit;
pub(crate) mod classroom;
pub(crate) mod clients;
pub(crate) mod clock;
pub(crate) mod endpoints;
mod error;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod orders;
mod pictures;
pub(crate) mod plc;
pub(crate) mod problems;
pub(crate) mod recordings;
pub(crate) mod replay;
pub(crate) mod routes;
pub(crate) mod settings;
pub(crate) mod signals;
pub(crate) mod testbench;
pub(crate) mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use crosstie_hub::Face;
use crosstie_hub::access::Actor;
use crosstie_hub::api;
use crosstie_hub::plc::program::DOCUMENT_LEN_MAX;
use crosstie_hub::settings::EndpointId;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::TlsAcceptor;

use crate::audit::AuditLog;
use crate::clock_handle::ClockHandle;
use crate::config::{Config, EndpointConfig, Role};
use crate::core_task::{Door, Store};
use crate::history::Historian;
use crate::keys::{Entrance, Gate, decoded, gate};
use crate::modbus_server::ModbusPort;
use crate::origin::Origins;
use crate::packages::Sources;
use crate::player::Player;
use crate::recording::Recorder;
use crate::reload::Reload;
use crate::socket::Stream;
use crate::write_limit::WriteLimit;
use crate::{listener, web};
pub(crate) use error::{ApiError, ErrorBody};
pub(crate) use routes::file::first_of;

/// Bytes of a request's body, unless it is the document of a program. A longer one is refused with 413.
const BODY_LEN_MAX: usize = 1 << 20;

/// How long a request's body may take. Then it is refused, so that nobody holds a connection by sending nothing.
const BODY_TIME_MAX: Duration = Duration::from_secs(10);

/// How long the hub may take for an answer before the request is refused with 503.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct Api {
    /// The way to the hub.
    pub(crate) door: Door,
    /// The way to the project's files.
    pub(crate) store: Store,
    /// The recorder.
    pub(crate) recorder: Recorder,
    /// The project as it is in force. Behind a lock and not a message, because it is read to show it and changed only
    /// when a setting was changed through the API; the hub has its own copy of what it needs.
    pub(crate) config: Arc<Mutex<Config>>,
    /// What is known of the project file; whoever changes routes holds this, so that two changes never meet.
    pub(crate) reload: tokio::sync::Mutex<Reload>,
    /// Who may come in.
    pub(crate) gate: Arc<Gate>,
    /// The way to the audit log.
    pub(crate) audit: AuditLog,
    /// The historian; `None` where the project keeps no history.
    pub(crate) historian: Option<Historian>,
    /// The pages that may use the web port.
    pub(crate) origins: Origins,
    /// Somebody without a key may look.
    pub(crate) is_open: bool,
    /// Where the endpoints listen and what they connect to, in the order of the hub's endpoints.
    pub(crate) ports: Vec<EndpointPort>,
    /// Where clients of PiPLC's protocol connect, as a URL; `None` without `[piplc]`.
    pub(crate) piplc: Option<String>,
    /// The doors of the classroom, those of monitors and of headsets; `None` without `[classroom]`.
    pub(crate) classroom: Option<[ClassDoor; 2]>,
    /// Where headsets connect, and browsers find the Join page; `None` without `[classroom]`.
    pub(crate) join_port: Option<classroom::join::JoinPort>,
    /// The Modbus servers, with their figures.
    pub(crate) modbuses: Vec<Arc<ModbusPort>>,
    /// The certificate, and which listeners speak TLS.
    pub(crate) tls: tls::TlsState,
    /// Where the learning packages are, for their pictures; `None` without a classroom.
    pub(crate) packages: Option<Sources>,
    /// How the tests of the project went.
    pub(crate) tests: testbench::TestDesk,
    /// The replay of recordings.
    pub(crate) player: Player,
    /// The hub's time, and who follows it.
    pub(crate) clock: ClockHandle,
    /// The orders of late, each of which is carried out once.
    pub(crate) orders: orders::Orders,
}

/// A door of the classroom, on a port of its own and on the web port.
#[derive(Clone, Debug)]
pub(crate) struct ClassDoor {
    /// What is spoken there.
    pub(crate) face: Face,
    /// Who may come in without a key.
    pub(crate) entrance: Entrance,
    /// The pages that may connect.
    pub(crate) origins: Arc<Origins>,
}

/// An endpoint as the network sees it.
#[derive(Clone, Debug)]
pub(crate) struct EndpointPort {
    /// The endpoint.
    pub(crate) id: EndpointId,
    /// Its name.
    pub(crate) name: String,
    /// Which side of the protocol it is.
    pub(crate) side: Side,
    /// It speaks TLS: wss.
    pub(crate) tls: bool,
    /// Peers may connect without a key.
    pub(crate) is_open: bool,
    /// The pages that may connect.
    pub(crate) origins: Arc<Origins>,
}

/// Where an endpoint listens, or what it connects to.
#[derive(Clone, Debug)]
pub(crate) enum Side {
    /// The server role.
    Listens {
        /// The address it is bound to.
        address: SocketAddr,
        /// The one path that it accepts.
        path: Option<String>,
    },
    /// The client role.
    Connects {
        /// Name or address of the server.
        host: String,
        /// Its port.
        port: u16,
        /// Path of the request, without the query.
        path: String,
    },
}

impl EndpointPort {
    /// The port of an endpoint; `bound` is the address that it listens on, in the server role, and `origins` are the pages
    /// that it takes.
    pub(crate) fn new(
        id: EndpointId,
        endpoint: &EndpointConfig,
        bound: Option<SocketAddr>,
        origins: Origins,
    ) -> EndpointPort {
        let side = match endpoint.role {
            Role::Server => Side::Listens {
                address: bound.unwrap_or(endpoint.address),
                path: endpoint.path.clone(),
            },
            Role::Client => Side::Connects {
                host: endpoint.link.host.clone(),
                port: endpoint.port,
                path: endpoint.link.path().to_owned(),
            },
        };
        EndpointPort {
            id,
            name: endpoint.name.clone(),
            side,
            is_open: endpoint.allow_unauthenticated,
            origins: Arc::new(origins),
            tls: match endpoint.role {
                Role::Server => endpoint.tls,
                Role::Client => endpoint.link.use_ssl,
            },
        }
    }

    /// The address that it listens on; `None` in the client role.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self.side {
            Side::Listens { address, .. } => Some(address),
            Side::Connects { .. } => None,
        }
    }
}

impl Api {
    /// The project file.
    pub(crate) fn file(&self) -> PathBuf {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).file()
    }

    /// The door of the classroom for those who speak this.
    fn class_door(&self, face: Face) -> Option<&ClassDoor> {
        self.classroom.as_ref()?.iter().find(|door| door.face == face)
    }

    /// Asks the hub and waits for its answer.
    async fn ask(&self, by: &Actor, request: api::Request) -> Result<api::Reply, ApiError> {
        self.ask_within(ANSWER_MAX, by, request).await
    }

    /// The turn to change routes and project file together: one after the other.
    pub(crate) async fn reload_turn(&self) -> Result<tokio::sync::MutexGuard<'_, Reload>, ApiError> {
        let turn = tokio::time::timeout(ANSWER_MAX, self.reload.lock()).await;
        turn.map_err(|_| ApiError::busy("routes are being changed; try again"))
    }

    /// Asks the hub for something that takes its time.
    async fn ask_within(&self, limit: Duration, by: &Actor, request: api::Request) -> Result<api::Reply, ApiError> {
        match tokio::time::timeout(limit, self.door.ask(by.clone(), request)).await {
            Ok(Ok(api::Reply::Refused(refused))) => Err(refused.into()),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(_)) => Err(ApiError::busy("the hub is shutting down")),
            Err(_) => Err(ApiError::busy("the hub has more to do than it can answer; try again")),
        }
    }
}

/// The address of the client, put into every request by [`serve`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(SocketAddr);

/// Who asks, found out by [`guard`] before any operation sees the request.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Actor);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, ApiError> {
        // The guard stands before every operation; without it nobody is let in.
        parts.extensions.get().cloned().ok_or_else(ApiError::mismatch)
    }
}

/// One operation: what it is called by, and what it does.
pub(crate) type Operation = (Method, &'static str, MethodRouter<Arc<Api>>);

/// Everything that programs may ask for.
pub(crate) fn operations() -> Vec<Operation> {
    let mut operations = vec![
        (Method::GET, "/healthz", get(health::healthz)),
        (Method::GET, "/metrics", get(metrics::metrics)),
        (Method::GET, "/api/v1/version", get(health::version)),
        (Method::GET, "/api/v1/health", get(health::health)),
        (Method::GET, "/api/v1/openapi.json", get(crate::openapi::document)),
        (Method::GET, "/api/v1/me", get(keys::me)),
        (Method::GET, "/api/v1/keys", get(keys::list)),
        (Method::POST, "/api/v1/keys", post(keys::add)),
        (Method::DELETE, "/api/v1/keys/{id}", delete(keys::revoke)),
        (Method::GET, "/api/v1/audit", get(audit::list)),
        (Method::GET, "/api/v1/history", get(history::points)),
        (Method::GET, "/api/v1/historian", get(history::state)),
        (Method::GET, "/api/v1/signals", get(signals::list)),
        (Method::GET, "/api/v1/signals/{*name}", get(signals::one)),
        (Method::PUT, "/api/v1/signals/{*name}", put(signals::write)),
        (Method::GET, "/api/v1/endpoints", get(endpoints::list)),
        (Method::POST, "/api/v1/endpoints/{name}/import", post(endpoints::import)),
        (Method::POST, "/api/v1/endpoints/{name}/connect", post(links::connect)),
        (
            Method::POST,
            "/api/v1/endpoints/{name}/disconnect",
            post(links::disconnect),
        ),
        (Method::POST, "/api/v1/endpoints/{name}/probe", post(links::probe)),
        (Method::GET, "/api/v1/clients", get(clients::list)),
        (Method::GET, "/api/v1/routes", get(routes::list)),
        (Method::POST, "/api/v1/routes", post(routes::add)),
        (Method::POST, routes::file::IMPORT_PATH, post(routes::file::import)),
        (Method::GET, "/api/v1/routes/export", get(routes::file::export)),
        (Method::POST, "/api/v1/routes/reload", post(routes::file::reload)),
        (Method::PUT, "/api/v1/routes/{id}", put(routes::change)),
        (Method::DELETE, "/api/v1/routes/{id}", delete(routes::remove)),
        (Method::GET, "/api/v1/clock", get(clock::read)),
        (Method::PUT, "/api/v1/clock", put(clock::change)),
        (Method::POST, "/api/v1/clock/step", post(clock::step)),
        (Method::GET, "/api/v1/config", get(settings::list)),
        (Method::PATCH, "/api/v1/config", patch(settings::change)),
        (Method::GET, "/api/v1/tls", get(tls::tls)),
        (
            Method::POST,
            "/api/v1/problems/acknowledge",
            post(problems::acknowledge),
        ),
        (Method::GET, "/api/v1/tests", get(testbench::list)),
        (Method::POST, "/api/v1/tests/run", post(testbench::run)),
        (Method::POST, "/api/v1/tests/accept", post(testbench::accept)),
        (Method::GET, "/api/v1/log", get(log::read)),
        (Method::PUT, "/api/v1/log", put(log::change)),
        (Method::GET, "/api/v1/live", get(live::live)),
        (Method::GET, "/realvirtual/{endpoint}", get(live::realvirtual)),
        (Method::GET, live::MONITOR_PATH, get(live::monitor)),
        (Method::GET, live::HEADSET_PATH, get(live::headset)),
    ];
    operations.extend(recordings::operations());
    operations.extend(plc::operations());
    operations.extend(classroom::operations());
    operations.extend(replay::operations());
    operations
}

/// The whole of the web port.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let mut router = Router::new();
    for (_, path, operation) in operations() {
        router = router.route(path, operation);
    }
    router
        .route("/learning-packages/{*path}", get(pictures::main))
        .route("/extra-learning-packages/{*path}", get(pictures::extra))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(middleware::from_fn_with_state(Arc::clone(&api), guard))
        .with_state(api)
        .merge(web::router())
}

/// Serves one socket of the web port until it is closed or has become a WebSocket.
pub(crate) async fn serve(
    router: Router,
    tcp: TcpStream,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    permit: OwnedSemaphorePermit,
) {
    if let Some(stream) = listener::secure(tcp, address, tls.as_ref()).await {
        serve_within(listener::ANSWER_TIME_MAX, router, stream, address).await;
    }
    drop(permit);
}

async fn serve_within(answer_time_max: Duration, router: Router, stream: Stream, address: SocketAddr) {
    let with_address = router.layer(axum::Extension(Peer(address)));
    let service = TowerToHyperService::new(with_address);
    // Whatever goes wrong here is the business of this one client.
    let _ = listener::http()
        .serve_connection(TokioIo::new(WriteLimit::new(stream, answer_time_max)), service)
        .with_upgrades()
        .await;
}

/// What anybody may ask: whether the hub is alive, and what stands here.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/api/v1/version"];

/// Path of the sessions of endpoints on the web port, before the name.
const SESSIONS_PATH: &str = "/realvirtual/";

/// Lets in who may come in, and says to the operations who that is.
async fn guard(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    match admit(&api, &request) {
        Ok(caller) => {
            let by = caller.get::<Caller>().cloned();
            request.extensions_mut().extend(caller);
            match with_body(&api, request).await {
                Ok(request) => as_data(run(&api, by, request, next).await),
                Err(error) => as_data(error.into_response()),
            }
        }
        Err(error) => as_data(error.into_response()),
    }
}

/// Has the operation carried out: what changes something at most once, if it has a name.
async fn run(api: &Api, by: Option<Caller>, request: Request, next: Next) -> Response {
    match by {
        Some(Caller(by)) if !is_harmless(request.method()) => api.orders.carry_out(&by, request, next).await,
        _ => next.run(request).await,
    }
}

/// It changes nothing.
fn is_harmless(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// What an answer of the API may do in a browser that is sent to its address: nothing. It may hold the work of others, such as the
/// document of a program, and the page comes from the same origin.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Keeps a browser from taking data for a page. What has a policy of its own keeps it.
fn as_data(mut response: Response) -> Response {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let fields = response.headers_mut();
    fields
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(DATA_POLICY));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Refuses an order that comes too late, takes the body in and asks once more who sends it: a key may be revoked while its holder holds a
/// body back.
async fn with_body(api: &Api, request: Request) -> Result<Request, ApiError> {
    if is_harmless(request.method()) {
        return Ok(request);
    }
    api.orders.check_age(request.headers())?;
    if *request.method() == Method::DELETE {
        return Ok(request);
    }
    let len_max = match request.uri().path() {
        routes::file::IMPORT_PATH => routes::file::TABLE_LEN_MAX,
        path if plc::program::takes_document(path) => DOCUMENT_LEN_MAX,
        _ => BODY_LEN_MAX,
    };
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts, Body::from(error::whole_body(body, len_max).await?));
    // A document may take its time; an order whose body is held back is as late as one that comes late.
    if len_max == BODY_LEN_MAX {
        api.orders.check_age(request.headers())?;
    }
    admit(api, &request)?;
    Ok(request)
}

/// Keeps pages of other origins from changing anything, and pages that have pointed a name of the internet at this machine
/// from reading: browsers send such requests for every page that wants it. Then asks for the key.
fn admit(api: &Api, request: &Request) -> Result<Extensions, ApiError> {
    let (headers, path) = (request.headers(), request.uri().path());
    let is_welcome = is_harmless(request.method()) || api.origins.are_kept(headers);
    if !is_welcome || !api.origins.is_host_ours(headers) {
        return Err(ApiError::foreign_origin());
    }
    let mut caller = Extensions::new();
    if OPEN_PATHS.contains(&path) {
        return Ok(caller);
    }
    let endpoint = path.strip_prefix(SESSIONS_PATH).map(decoded);
    let endpoint = endpoint.and_then(|name| api.ports.iter().find(|port| port.name.as_bytes() == name));
    let class = match path {
        live::MONITOR_PATH => api.class_door(Face::Monitor),
        live::HEADSET_PATH => api.class_door(Face::Headset),
        _ => None,
    };
    let entrance = match (endpoint, class) {
        (Some(port), _) => Entrance::Endpoint { is_open: port.is_open },
        (None, Some(door)) => door.entrance,
        (None, None) => Entrance::Web { is_open: api.is_open },
    };
    let Some(Peer(peer)) = request.extensions().get().copied() else {
        return Err(ApiError::mismatch());
    };
    let access = api.gate.authenticate(request.uri(), headers, peer, entrance)?;
    let from = gate::origin_of(headers, peer);
    caller.insert(Caller(Actor { access, from }));
    Ok(caller)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn somebody_who_asks_and_reads_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut asking = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, address) = listener.accept().await.unwrap();
        let short = Duration::from_millis(1);
        let served = tokio::spawn(serve_within(short, web::router(), Stream::Plain(stream), address));
        let question = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1_000);
        // The hub ends this: it is the only way out, for nothing is ever read here.
        while asking.write_all(question.as_bytes()).await.is_ok() {}
        served.await.unwrap();
    }
}
