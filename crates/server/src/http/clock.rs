//! The hub's clock: how its time goes, and who moves it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use crosstie_hub::Time;
use crosstie_hub::api::{Refused, Reply, Request};
use crosstie_hub::clock::{ClockMode, ClockRow};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

use super::error::JsonBody;
use super::{Api, ApiError, Caller, ErrorBody};

/// The hub's clock.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Clock {
    /// `real`: as the world's; `scaled`: `rate` times as fast; `stepped`: it stands and goes on by steps; `recording`: a replay
    /// leads it.
    mode: &'static str,
    /// Seconds of the hub in a second of the world; 0 while it stands.
    rate: f64,
    /// Whether it goes.
    running: bool,
    /// The hub's time, in milliseconds.
    now_ms: u64,
    /// The hub's time at which a step ends, in milliseconds.
    until_ms: Option<u64>,
    /// The time since the start of the hub as the world goes, in milliseconds.
    real_ms: u64,
    /// Who lives in a time of their own: links (`link/line`) and other peers (`client/line/Twin`), engines elsewhere
    /// (`plc/press`), headsets (`headset/Ada`) and the simulation (`gama`). The stand-ins of `run --practice` follow.
    does_not_follow: Vec<String>,
}

impl Clock {
    fn new(row: ClockRow, api: &Api) -> Clock {
        let ClockRow {
            clock,
            now,
            real,
            mut outside,
        } = row;
        outside.retain(|name| !api.clock.is_followed_by(name));
        Clock {
            mode: clock.mode().word(),
            rate: clock.rate(),
            running: clock.rate() > 0.0,
            now_ms: now.as_millis(),
            until_ms: clock.until().map(Time::as_millis),
            real_ms: real.as_millis(),
            does_not_follow: outside,
        }
    }
}

impl Api {
    async fn ask_clock(&self, by: &crosstie_hub::access::Actor, request: Request) -> Result<Json<Clock>, ApiError> {
        match self.ask(by, request).await? {
            Reply::Clock(row) => Ok(Json(Clock::new(row, self))),
            _ => Err(ApiError::mismatch()),
        }
    }
}

/// The hub's clock.
#[utoipa::path(get, path = "/api/v1/clock", tag = "clock", responses((status = 200, body = Clock)))]
pub(crate) async fn read(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<Clock>, ApiError> {
    api.ask_clock(&by, Request::Clock).await
}

/// How the hub's time is to go.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClock {
    /// `real`, `scaled`, `stepped` or `recording`.
    #[schema(example = "scaled")]
    mode: String,
    /// With `scaled`: how many times as fast, from 0.1 to 100.
    #[schema(example = 10.0)]
    rate: Option<f64>,
}

impl NewClock {
    fn mode(&self) -> Result<ClockMode, Refused> {
        let bad = |name: &str, expected: &str| Refused::BadValue {
            name: name.to_owned(),
            expected: expected.to_owned(),
        };
        let mode = match (self.mode.as_str(), self.rate) {
            ("scaled", Some(rate)) => return Ok(ClockMode::Scaled(rate)),
            ("scaled", None) => return Err(bad("rate", "expected a rate from 0.1 to 100 with the mode scaled")),
            ("real", _) => ClockMode::Real,
            ("stepped", _) => ClockMode::Stepped,
            ("recording", _) => ClockMode::Recording,
            _ => return Err(bad("mode", "expected real, scaled, stepped or recording")),
        };
        match self.rate {
            Some(_) => Err(bad("rate", "expected no rate: it belongs to the mode scaled")),
            None => Ok(mode),
        }
    }
}

/// Lets the hub's time go otherwise, from where it is.
#[utoipa::path(put, path = "/api/v1/clock", tag = "clock", request_body = NewClock, responses(
    (status = 200, body = Clock),
    (status = 403, body = ErrorBody, description = "only an engineer moves the clock"),
    (status = 422, body = ErrorBody, description = "no such mode, or a rate out of its range"),
))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(wanted): JsonBody<NewClock>,
) -> Result<Json<Clock>, ApiError> {
    api.ask_clock(&by, Request::SetClock(wanted.mode()?)).await
}

/// A step of the clock.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// How far, in milliseconds, from 1 to 3,600,000.
    #[schema(example = 100)]
    ms: u64,
}

/// Lets a stepped clock go on by so much. The answer comes at once; the clock goes at the speed of the world until the step is over,
/// and every scan that is due in it is executed.
#[utoipa::path(post, path = "/api/v1/clock/step", tag = "clock", request_body = Step, responses(
    (status = 200, body = Clock),
    (status = 403, body = ErrorBody, description = "only an engineer moves the clock"),
    (status = 409, body = ErrorBody, description = "the clock is not stepped"),
    (status = 422, body = ErrorBody, description = "the step is too long, or none"),
))]
pub(crate) async fn step(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(Step { ms }): JsonBody<Step>,
) -> Result<Json<Clock>, ApiError> {
    api.ask_clock(&by, Request::StepClock(Duration::from_millis(ms))).await
}
