//! The tests of the project, over HTTP: what there is, how it went last, run, accept. Nothing here asks the hub: tests have hubs of
//! their own, on a thread of their own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use crosstie_hub::access::{Actor, Role};
use crosstie_hub::output::AuditEntry;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::error::JsonBody;
use super::keys::only_for_engineers;
use super::{Api, ApiError, Caller, ErrorBody};
use crate::recording::file_of;
use crate::testbench::accept::{AcceptError, Made, Wish, accept as accept_recording};
use crate::testbench::budget::Budget;
use crate::testbench::report::{CaseResult, Summary, millis};
use crate::testbench::{self, Found, Options, Place};

/// How long one run may take in all. What is not finished then has failed, and says so.
const RUN_MAX: Duration = Duration::from_secs(60);

/// How often a case may be run by one request. More is for the command line.
const REPEAT_MAX: u32 = 1_000;

/// What stands in the place of a difference for those who may not see every signal.
const HIDDEN: &str = "what went wrong is shown to keys that see every signal";

/// What is known of the tests: how they went last, and which are running.
#[derive(Debug, Default)]
pub(crate) struct TestDesk {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By the names of the tests.
    last: BTreeMap<String, LastRun>,
    running: Option<String>,
}

/// The desk while somebody uses it: one at a time.
struct Turn {
    api: Arc<Api>,
}

impl TestDesk {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // Whoever panicked has left plain data.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    fn begin(api: &Arc<Api>, what: &str) -> Result<Turn, ApiError> {
        let mut inner = api.tests.lock();
        if let Some(running) = &inner.running {
            return Err(ApiError::conflict(format!(
                "tests are running already: {running}; wait for their end"
            )));
        }
        inner.running = Some(what.to_owned());
        Ok(Turn { api: Arc::clone(api) })
    }
}

/// What was begun for a request ends with it: nobody waits for it any more.
struct Ends(Budget);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn budget() -> (Budget, Ends) {
    let budget = Budget::of(RUN_MAX);
    (budget.clone(), Ends(budget))
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.api.tests.lock().running = None;
    }
}

/// The tests of the project.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TestList {
    /// Their folder.
    folder: String,
    /// In the order of their names.
    tests: Vec<TestRow>,
    /// What is being run; `null` while nothing is.
    running: Option<String>,
}

/// One test.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TestRow {
    /// Its file in the folder.
    name: String,
    /// `recording`, `scan` or `script`.
    kind: &'static str,
    /// How it went last since the hub was started; `null` when it was not run.
    last: Option<LastRun>,
}

/// How a test went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LastRun {
    /// Every case did.
    passed: bool,
    /// How long it took, in milliseconds.
    took_ms: f64,
    /// Its cases.
    cases: usize,
    /// Those that did not pass.
    failed: usize,
    /// What went wrong first, with a diagram; empty when nothing did.
    text: String,
}

impl LastRun {
    fn shown(&self, by: &Actor) -> LastRun {
        LastRun {
            text: seen(&self.text, by),
            ..self.clone()
        }
    }
}

/// What is to be run.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunOrder {
    /// The test; all of them when it is left out.
    name: Option<String>,
    /// How often each case is run, from 1 to 1,000; 1 when it is left out.
    repeat: Option<u32>,
}

/// How a run went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RunAnswer {
    /// Everything did.
    passed: bool,
    /// Cases.
    cases: usize,
    /// Those that did not pass.
    failed: usize,
    /// How long it took, in milliseconds.
    took_ms: f64,
    /// Each case, in the order of the tests.
    results: Vec<CaseRow>,
}

/// How a case went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CaseRow {
    /// The test.
    test: String,
    /// The case in it.
    case: String,
    /// As it should.
    passed: bool,
    /// What went wrong, with a diagram; empty when nothing did.
    text: String,
}

/// A recording that is to be a test.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptOrder {
    /// Name of the recording.
    recording: String,
    /// Name of the test; that of the recording when it is left out.
    name: Option<String>,
    /// Patterns of the signals to compare; all that routes and PLCs write when it is left out.
    signals: Option<Vec<String>>,
}

/// The tests of the project, and how they went last.
#[utoipa::path(get, path = "/api/v1/tests", tag = "tests", responses(
    (status = 200, body = TestList),
    (status = 500, body = ErrorBody, description = "the folder cannot be read"),
))]
pub(crate) async fn list(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<TestList>, ApiError> {
    let place = place(&api);
    let folder = place.folder.display().to_string();
    let tests = found(place).await?;
    let inner = api.tests.lock();
    let tests = tests.into_iter().map(|test| TestRow {
        last: inner.last.get(&test.name).map(|last| last.shown(&by)),
        kind: test.kind.word(),
        name: test.name,
    });
    Ok(Json(TestList {
        folder,
        tests: tests.collect(),
        running: inner.running.clone(),
    }))
}

/// Runs tests, on virtual time and beside the hub; the answer comes when they are done, after a minute at the latest.
#[utoipa::path(post, path = "/api/v1/tests/run", tag = "tests", request_body = RunOrder, responses(
    (status = 200, body = RunAnswer),
    (status = 403, body = ErrorBody, description = "only an operator runs tests"),
    (status = 404, body = ErrorBody, description = "no test is called that"),
    (status = 409, body = ErrorBody, description = "tests are running already"),
    (status = 422, body = ErrorBody),
))]
pub(crate) async fn run(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(RunOrder { name, repeat }): JsonBody<RunOrder>,
) -> Result<Json<RunAnswer>, ApiError> {
    if by.access.role < Role::Operator {
        return Err(ApiError::forbidden(&by, "run tests"));
    }
    let repeat = repeat.unwrap_or(1);
    if !(1..=REPEAT_MAX).contains(&repeat) {
        return Err(ApiError::bad_value(format!(
            "`repeat`: expected a number from 1 to {REPEAT_MAX}"
        )));
    }
    let turn = Turn::begin(&api, name.as_deref().unwrap_or("all tests"))?;
    let place = place(&api);
    let mut tests = found(place.clone()).await?;
    if let Some(name) = &name {
        tests.retain(|test| test.name == *name);
        if tests.is_empty() {
            return Err(ApiError::not_found(format!("no test is called '{name}'")));
        }
    }
    let options = Options {
        repeat,
        // The hub has its own work to do.
        threads: Some(1),
        ..Options::default()
    };
    let (budget, _ends) = budget();
    let summary = work(move || {
        let summary = testbench::run(&place, &tests, &options, &budget, |_| {});
        keep(&turn.api, &summary);
        summary
    })
    .await?;
    Ok(Json(RunAnswer {
        passed: summary.passed(),
        cases: summary.results.len(),
        failed: summary.failed() + summary.broken(),
        took_ms: millis(summary.took),
        results: summary.results.iter().map(|result| case_row(result, &by)).collect(),
    }))
}

/// Makes a test of a recording, when the project does what the recording says.
#[utoipa::path(post, path = "/api/v1/tests/accept", tag = "tests", request_body = AcceptOrder, responses(
    (status = 201, body = TestRow),
    (status = 403, body = ErrorBody, description = "only an engineer makes tests"),
    (status = 404, body = ErrorBody, description = "no recording is called that"),
    (status = 409, body = ErrorBody, description = "there is a test of this name, or tests are running"),
    (status = 422, body = ErrorBody, description = "the project does not do what the recording says; the message shows where"),
))]
pub(crate) async fn accept(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(order): JsonBody<AcceptOrder>,
) -> Result<(StatusCode, Json<TestRow>), ApiError> {
    only_for_engineers(&by, "make tests of recordings")?;
    if !by.access.view.is_all() {
        return Err(ApiError::forbidden(
            &by,
            "make tests of whole recordings: its key does not see every signal",
        ));
    }
    let recording = recording(&api, &order.recording)?;
    let turn = Turn::begin(&api, &order.recording)?;
    let project = folder(&api);
    let wish = Wish {
        recording,
        name: order.name,
        signals: order.signals.unwrap_or_default(),
        ..Wish::default()
    };
    let (budget, _ends) = budget();
    let made = work(move || {
        let made = accept_recording(&project, &wish, &budget);
        drop(turn);
        made
    })
    .await?
    .map_err(|error| match error {
        AcceptError::Exists(_) => ApiError::conflict(error.to_string()),
        AcceptError::Name(_) | AcceptError::Unusable(_) | AcceptError::Differs(_) => {
            ApiError::bad_value(error.to_string())
        }
        AcceptError::File { .. } => ApiError::not_saved(error.to_string()),
    })?;
    note(&api, by, &made, &order.recording);
    let row = TestRow {
        name: made.name,
        kind: testbench::Kind::Recording.word(),
        last: None,
    };
    Ok((StatusCode::CREATED, Json(row)))
}

fn folder(api: &Api) -> PathBuf {
    let config = api.config.lock().unwrap_or_else(PoisonError::into_inner);
    config.folder.clone()
}

fn place(api: &Api) -> Place {
    Place::of_project(&folder(api))
}

/// The file of a recording; only names in the folder of recordings are taken.
fn recording(api: &Api, name: &str) -> Result<PathBuf, ApiError> {
    let plain = name.strip_suffix(".mcap").unwrap_or(name);
    let file = file_of(api.recorder.folder(), plain);
    file.map_err(|_| ApiError::not_found(format!("no recording is called '{name}'")))
}

async fn found(place: Place) -> Result<Vec<Found>, ApiError> {
    let folder = place.folder.display().to_string();
    let found = work(move || testbench::find(&place)).await?;
    found.map_err(|error| ApiError::unreadable(format!("{folder} cannot be read: {error}")))
}

/// Does something that takes its time where it holds nobody up.
async fn work<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(job).await;
    done.map_err(|_| ApiError::busy("the hub is shutting down"))
}

/// Remembers how each test went.
fn keep(api: &Api, summary: &Summary) {
    let mut by_test: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for result in &summary.results {
        by_test.entry(&result.test).or_default().push(result);
    }
    let mut inner = api.tests.lock();
    for (test, results) in by_test {
        let failed = results.iter().filter(|result| !result.passed());
        let last = LastRun {
            passed: failed.clone().count() == 0,
            took_ms: millis(results.iter().map(|result| result.took).sum()),
            cases: results.len(),
            failed: failed.clone().count(),
            text: failed.map(|result| result.text().to_owned()).next().unwrap_or_default(),
        };
        inner.last.insert(test.to_owned(), last);
    }
}

fn case_row(result: &CaseResult, by: &Actor) -> CaseRow {
    CaseRow {
        test: result.test.clone(),
        case: result.case.clone(),
        passed: result.passed(),
        text: seen(result.text(), by),
    }
}

/// What went wrong, for whoever may see every signal: values of any of them may stand in it.
fn seen(text: &str, by: &Actor) -> String {
    match by.access.view.is_all() || text.is_empty() {
        true => text.to_owned(),
        false => String::from(HIDDEN),
    }
}

fn note(api: &Api, by: Actor, made: &Made, recording: &str) {
    let entry = AuditEntry {
        by,
        what: "test.accept",
        subject: made.name.clone(),
        old: Value::Null,
        new: Value::from(recording),
    };
    api.audit.hand_in(entry.into());
}
