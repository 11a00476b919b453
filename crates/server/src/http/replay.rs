//! The replay of a recording: how it stands, and what steers it.
//!
//! A recording is named, and it is one of the folder of recordings: nothing else of this machine's disk can be played.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use crosstie_hub::access::{Access, Actor, Role};
use crosstie_hub::api::Request;
use crosstie_hub::api::replay::{ReplayDeed, ReplayRequest, ReplayShown};
use crosstie_wire::live;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use utoipa::ToSchema;

use super::error::JsonBody;
use super::{Api, ApiError, Caller, ErrorBody, Operation};
use crate::player::{Change, Order, PlayerError, Wanted};
use crate::recording::{self, Recorder};

/// How long a recording may take to be opened, or an order to be carried out, before the request is refused with 503.
const ANSWER_MAX: Duration = Duration::from_secs(14);

/// The longest position that is understood, in milliseconds: a hundred years.
const POSITION_MAX_MS: u64 = 3_155_760_000_000;

/// Everything that programs may ask for about replays.
pub(super) fn operations() -> Vec<Operation> {
    vec![
        (Method::GET, "/api/v1/replay", get(show)),
        (Method::POST, "/api/v1/replay", post(start)),
        (Method::PUT, "/api/v1/replay", put(change)),
        (Method::POST, "/api/v1/replay/{order}", post(order)),
    ]
}

/// How the replay stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReplayState {
    /// `idle`, `playing`, `paused` or `ended`.
    state: String,
    /// Name of the recording; null while idle.
    recording: Option<String>,
    /// Everything up to here, from the begin of the recording, has been said.
    position_ms: u64,
    /// Length of the recording.
    duration_ms: u64,
    /// How many times as fast as it was recorded; 0 for as fast as the hub can.
    speed: f64,
    /// It begins anew when it is over.
    #[serde(rename = "loop")]
    loops: bool,
    /// The hub's time goes as the replay does.
    leads_clock: bool,
    /// Signals that it says, each when the recording does.
    signals: usize,
    /// Signals of the recording that it does not say, the first 100.
    skipped: Vec<SkippedSignal>,
    /// All of them.
    skipped_count: usize,
    /// What is wrong with the recording; it may play all the same.
    error: Option<String>,
}

/// A signal that a replay does not say.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SkippedSignal {
    /// Its name.
    name: String,
    /// Why it is not said.
    reason: String,
}

/// The state as the live channel tells it.
#[derive(Debug)]
pub(crate) struct StateAnswer(Vec<u8>);

impl StateAnswer {
    fn new(shown: &ReplayShown, access: &Access) -> StateAnswer {
        let mut text = Vec::new();
        live::write_replay_state(&mut text, &shown.shown(access));
        StateAnswer(text)
    }
}

impl IntoResponse for StateAnswer {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl From<PlayerError> for ApiError {
    fn from(error: PlayerError) -> ApiError {
        let message = error.to_string();
        match error {
            PlayerError::Nothing | PlayerError::Conflict(_) => ApiError::conflict(message),
            PlayerError::BadValue(_) => ApiError::bad_value(message),
            PlayerError::Unreadable(_) => ApiError::unreadable(message),
            PlayerError::Refused(refused) => refused.into(),
            PlayerError::Gone | PlayerError::Busy => ApiError::busy(message),
        }
    }
}

/// How the replay stands.
#[utoipa::path(get, path = "/api/v1/replay", tag = "recordings", responses((status = 200, body = ReplayState)))]
pub(crate) async fn show(State(api): State<Arc<Api>>, Caller(by): Caller) -> StateAnswer {
    StateAnswer::new(&api.player.shown(), &by.access)
}

/// What is to be replayed, and how.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReplay {
    /// Name of a recording.
    #[schema(example = "2026-03-01T09-30-00Z")]
    recording: String,
    /// Patterns of the signals; all without it.
    #[schema(example = json!(["twin/line/**"]))]
    signals: Option<Vec<String>>,
    /// How many times as fast as it was recorded, 0.1 to 100; 0 for as fast as the hub can.
    #[serde(default = "normal_speed")]
    speed: f64,
    /// It begins anew when it is over.
    #[serde(rename = "loop", default)]
    loops: bool,
    /// The hub's time goes as the replay does; needs the right to move the clock.
    #[serde(default)]
    leads_clock: bool,
    /// It stands until `play`.
    #[serde(default)]
    paused: bool,
    /// Where it begins.
    #[serde(default)]
    position_ms: u64,
    /// Also signals that a connected peer writes at the moment.
    #[serde(default)]
    force: bool,
}

fn normal_speed() -> f64 {
    1.0
}

/// Starts a replay.
#[utoipa::path(post, path = "/api/v1/replay", tag = "recordings", request_body = NewReplay, responses(
    (status = 201, body = ReplayState),
    (status = 404, body = ErrorBody, description = "no recording has this name"),
    (status = 409, body = ErrorBody, description = "another replay is there, or a connected peer writes what is to be replayed"),
    (status = 422, body = ErrorBody, description = "a speed or a position that makes no sense"),
    (status = 500, body = ErrorBody, description = "the recording cannot be read"),
))]
pub(crate) async fn start(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<NewReplay>,
) -> Result<(StatusCode, StateAnswer), ApiError> {
    check_role(&by)?;
    let (recording, file) = recording_of(&api.recorder, &new.recording)?;
    let noted = json!({
        "signals": new.signals, "speed": new.speed, "loop": new.loops, "leads_clock": new.leads_clock, "force": new.force,
    });
    let wanted = Wanted {
        recording: recording.clone(),
        file,
        signals: new.signals,
        speed: new.speed,
        loops: new.loops,
        leads_clock: new.leads_clock,
        paused: new.paused,
        position: position(new.position_ms)?,
        force: new.force,
    };
    let shown = within(api.player.start(&by, wanted)).await?;
    note(&api, &by, ReplayDeed::Start, recording, noted).await?;
    Ok((StatusCode::CREATED, StateAnswer::new(&shown, &by.access)))
}

/// What is to be changed of a replay.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayChange {
    /// Another speed.
    speed: Option<f64>,
    /// To begin anew at the end, or no longer.
    #[serde(rename = "loop")]
    loops: Option<bool>,
    /// To go there: every signal becomes what it was at that time.
    position_ms: Option<u64>,
}

/// Changes speed, loop or position of the replay.
#[utoipa::path(put, path = "/api/v1/replay", tag = "recordings", request_body = ReplayChange, responses(
    (status = 200, body = ReplayState),
    (status = 409, body = ErrorBody, description = "no replay is there"),
    (status = 422, body = ErrorBody, description = "a speed or a position that makes no sense"),
))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(new): JsonBody<ReplayChange>,
) -> Result<StateAnswer, ApiError> {
    let change = Change {
        speed: new.speed,
        loops: new.loops,
        position: new.position_ms.map(position).transpose()?,
    };
    let noted = json!({ "speed": new.speed, "loop": new.loops, "position_ms": new.position_ms });
    steer(&api, &by, Order::Change(change), (ReplayDeed::Change, noted)).await
}

/// Carries out one of the orders that need no more words.
#[utoipa::path(post, path = "/api/v1/replay/{order}", tag = "recordings",
    params(("order" = String, Path, description = "`play`, `pause` or `stop`")),
    responses(
        (status = 200, body = ReplayState),
        (status = 404, body = ErrorBody, description = "there is no such order"),
        (status = 409, body = ErrorBody, description = "no replay is there"),
    ),
)]
pub(crate) async fn order(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    order: Result<Path<String>, PathRejection>,
) -> Result<StateAnswer, ApiError> {
    let Path(word) = order.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let (order, deed) = match word.as_str() {
        "play" => (Order::Play, ReplayDeed::Play),
        "pause" => (Order::Pause, ReplayDeed::Pause),
        "stop" => (Order::Stop, ReplayDeed::Stop),
        _ => return Err(ApiError::not_found("expected play, pause or stop")),
    };
    steer(&api, &by, order, (deed, Json::Null)).await
}

async fn steer(
    api: &Api,
    by: &Actor,
    order: Order,
    (deed, noted): (ReplayDeed, Json),
) -> Result<StateAnswer, ApiError> {
    check_role(by)?;
    let recording = api.player.shown().recording;
    let shown = within(api.player.order(order)).await?;
    note(api, by, deed, recording.unwrap_or_default(), noted).await?;
    Ok(StateAnswer::new(&shown, &by.access))
}

/// Whoever replays writes signals; the hub asks the same of every one of them.
fn check_role(by: &Actor) -> Result<(), ApiError> {
    match by.access.role >= Role::Operator {
        true => Ok(()),
        false => Err(ApiError::forbidden(by, "replay recordings")),
    }
}

async fn within(answer: impl Future<Output = Result<ReplayShown, PlayerError>>) -> Result<ReplayShown, ApiError> {
    match tokio::time::timeout(ANSWER_MAX, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ApiError::busy("the recording takes long to be read; try again")),
    }
}

/// Has it written down who has done what.
async fn note(api: &Api, by: &Actor, deed: ReplayDeed, recording: String, new: Json) -> Result<(), ApiError> {
    let steered = ReplayRequest::Steered { deed, recording, new };
    api.ask(by, Request::Replay(steered)).await.map(drop)
}

fn position(millis: u64) -> Result<Duration, ApiError> {
    match millis <= POSITION_MAX_MS {
        true => Ok(Duration::from_millis(millis)),
        false => Err(ApiError::bad_value(
            "`position_ms`: expected a position within the recording",
        )),
    }
}

/// Name and file of a recording of the folder; one that is being recorded has no end yet.
fn recording_of(recorder: &Recorder, text: &str) -> Result<(String, PathBuf), ApiError> {
    let file = recording::file_of(recorder.folder(), text).map_err(|error| ApiError::not_found(error.to_string()))?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match recorder.active().is_some_and(|active| active.name == name) {
        true => Err(ApiError::conflict(format!(
            "'{name}' is being recorded; stop that first"
        ))),
        false => Ok((name, file)),
    }
}
