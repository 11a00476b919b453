//! Is everything alive, and which hub is it?

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use crosstie_hub::access::Actor;
use crosstie_hub::api::classroom::{ClassRow, GamaLinkState};
use crosstie_hub::api::plc::{ContextRow, PlcReply, PlcRequest};
use crosstie_hub::api::{HealthRow, Problem, Reply, Request};
use crosstie_ladder::controller::ControllerState;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Api, ApiError, Caller, ErrorBody, history};

/// How long the core may take to prove that it lives.
const ALIVE_MAX: Duration = Duration::from_secs(1);

/// Whether the core answers within a second.
#[utoipa::path(get, path = "/healthz", tag = "health", responses(
    (status = 200, body = String, content_type = "text/plain"),
    (status = 503, body = String, content_type = "text/plain"),
))]
pub(crate) async fn healthz(State(api): State<Arc<Api>>) -> (StatusCode, &'static str) {
    match tokio::time::timeout(
        ALIVE_MAX,
        api.door.ask(Actor::full("the health check", ""), Request::Health),
    )
    .await
    {
        Ok(Ok(_)) => (StatusCode::OK, "ok"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the core does not answer"),
    }
}

/// What stands behind this address.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// Always `crosstie`.
    name: &'static str,
    /// Version of the program.
    version: &'static str,
    /// Version of this interface.
    api: u32,
}

/// What stands behind this address.
#[utoipa::path(get, path = "/api/v1/version", tag = "health", responses((status = 200, body = Version)))]
pub(crate) async fn version() -> Json<Version> {
    Json(Version {
        name: "crosstie",
        version: env!("CARGO_PKG_VERSION"),
        api: 1,
    })
}

/// How the hub is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `degraded` when one of the problems is an error.
    status: &'static str,
    /// Hub time of the answer, in milliseconds.
    now_ms: u64,
    /// The world's time of the answer, in milliseconds since 1970.
    world_ms: i64,
    /// Name of the project.
    project: String,
    /// Signals in the space.
    signals: usize,
    /// Connected clients, channels of the page included.
    clients: usize,
    /// Endpoints.
    endpoints: usize,
    /// PLC contexts.
    plc: PlcHealth,
    /// The classroom; null where the project has none.
    classroom: Option<ClassHealth>,
    /// Newest generation.
    generation: u64,
    /// What a person should know, newest last.
    problems: Vec<ProblemRow>,
}

/// The PLC contexts in short.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PlcHealth {
    /// How many there are.
    contexts: usize,
    /// How many of them run.
    running: usize,
    /// How many of them are in fault.
    in_fault: usize,
    /// Where clients of PiPLC's protocol connect, null without `[piplc]`.
    url: Option<String>,
}

impl PlcHealth {
    fn new(contexts: &[ContextRow], url: Option<String>) -> PlcHealth {
        let in_state = |state| contexts.iter().filter(|context| context.state == state).count();
        PlcHealth {
            contexts: contexts.len(),
            running: in_state(ControllerState::Running),
            in_fault: in_state(ControllerState::Fault),
            url,
        }
    }
}

/// The classroom in short.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ClassHealth {
    /// Whether GAMA is connected; null in GAMALESS mode.
    gama: Option<bool>,
    /// The experiment's state as GAMA spells it; null in GAMALESS mode.
    state: Option<String>,
    /// Seats.
    players: usize,
    /// How many of them are connected.
    connected: usize,
    /// How many of them are in the game.
    in_game: usize,
    /// Connected monitors.
    monitors: usize,
}

impl From<ClassRow> for ClassHealth {
    fn from(class: ClassRow) -> ClassHealth {
        let players = &class.players;
        ClassHealth {
            gama: class.gama.as_ref().map(|gama| gama.link == GamaLinkState::Connected),
            players: players.len(),
            connected: players.iter().filter(|player| player.connected).count(),
            in_game: players.iter().filter(|player| player.in_game).count(),
            monitors: class.monitors,
            state: class.gama.map(|gama| gama.state),
        }
    }
}

/// A thing that a person should know.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProblemRow {
    /// Stable key.
    #[schema(example = "echo:line:3")]
    id: String,
    /// `warning` or `error`.
    severity: &'static str,
    /// Name of the signal, endpoint or client.
    subject: String,
    /// What happened.
    text: String,
    /// What to do.
    hint: String,
    /// Hub time of the first time, in milliseconds.
    first_seen_ms: u64,
    /// Hub time of the last time, in milliseconds.
    last_seen_ms: u64,
    /// A person has seen it since then.
    acknowledged: bool,
    /// How often.
    count: u64,
}

impl From<Problem> for ProblemRow {
    fn from(problem: Problem) -> ProblemRow {
        ProblemRow {
            id: problem.id,
            severity: if problem.is_error { "error" } else { "warning" },
            subject: problem.subject,
            text: problem.text,
            hint: problem.hint,
            first_seen_ms: problem.first_seen.as_millis(),
            last_seen_ms: problem.last_seen.as_millis(),
            acknowledged: problem.is_acknowledged,
            count: problem.count,
        }
    }
}

impl Health {
    fn new(row: HealthRow, plc: PlcHealth, classroom: Option<ClassHealth>) -> Health {
        let is_degraded = row.problems.iter().any(|problem| problem.is_error);
        Health {
            status: if is_degraded { "degraded" } else { "ok" },
            now_ms: row.now.as_millis(),
            world_ms: history::now_ms(),
            project: row.project,
            signals: row.signals,
            clients: row.clients,
            endpoints: row.endpoints,
            plc,
            classroom,
            generation: row.generation.0,
            problems: row.problems.into_iter().map(ProblemRow::from).collect(),
        }
    }
}

/// How the hub is.
#[utoipa::path(get, path = "/api/v1/health", tag = "health", responses(
    (status = 200, body = Health),
    (status = 503, body = ErrorBody),
))]
pub(crate) async fn health(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<Health>, ApiError> {
    let Reply::Health(row) = api.ask(&by, Request::Health).await? else {
        return Err(ApiError::mismatch());
    };
    let contexts = Request::Plc(PlcRequest::Contexts);
    let Reply::Plc(PlcReply::Contexts(contexts, _)) = api.ask(&by, contexts).await? else {
        return Err(ApiError::mismatch());
    };
    let plc = PlcHealth::new(&contexts, api.piplc.clone());
    let classroom = api.class_row(&by).await?.map(ClassHealth::from);
    Ok(Json(Health::new(row, plc, classroom)))
}
