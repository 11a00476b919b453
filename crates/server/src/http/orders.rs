//! Orders over HTTP that are carried out once, and in time.
//!
//! A browser sends a request again by itself when a connection that was used before breaks without an answer, whatever the request does; and
//! a request may lie in a socket while whoever gave it was told that the link is lost. So whoever changes something may say two things:
//!
//! - `Idempotency-Key`: a name of the order, chosen by who gives it. The order is carried out once; the same caller with the same name again
//!   gets the answer of the first time. An order with a name is carried out to its end, also when its connection breaks. One that was refused
//!   has done nothing, so its name is free again.
//! - `Crosstie-Given-At`: when it was given, in milliseconds since the start of the hub. One that is too old is not carried out.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Response};
use axum::middleware::Next;
use axum::response::IntoResponse as _;
use crosstie_hub::access::Actor;
use crosstie_hub::{Time, timely};
use tokio::sync::watch;

use super::ApiError;

/// Names the order.
pub(crate) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says when it was given.
pub(crate) const GIVEN_AT: HeaderName = HeaderName::from_static("crosstie-given-at");

/// Characters of the name of an order. A longer one is refused.
const KEY_LEN_MAX: usize = 64;
/// Orders whose answers are kept. With one more the oldest is forgotten, and would be carried out again.
const KEPT_MAX: usize = 1_024;
/// Those of one caller among them: nobody pushes the orders of others out.
const OWN_MAX: usize = 128;
/// Bytes of an answer that is kept. Of an order with a longer one only is known that it was carried out.
const ANSWER_LEN_MAX: usize = 64 << 10;
/// Whose answers hold a secret, which is shown once and kept nowhere.
const SECRET_PATH: &str = "/api/v1/keys";

/// The orders of late.
#[derive(Debug)]
pub(crate) struct Orders {
    /// The start of the hub.
    started: Instant,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Name, Entry>,
    /// The oldest first.
    order: VecDeque<Name>,
}

/// The key that the order came with, or who it was without one. Several keys may have the same name.
type Caller = (Option<Box<str>>, Box<str>);

/// Who gave the order, and what it is called.
type Name = (Caller, Box<str>);

/// Method and path of an order, and a number for its body.
#[derive(Clone, Debug, PartialEq, Eq)]
struct What(Box<str>, u64);

#[derive(Clone, Debug)]
struct Entry {
    what: What,
    /// The answer, as soon as there is one.
    answer: watch::Receiver<Option<Answer>>,
}

/// What was answered.
#[derive(Clone, Debug)]
enum Answer {
    Kept(Parts, Bytes),
    /// It was too long, or a secret.
    NotKept,
}

impl Orders {
    pub(crate) fn new(started: Instant) -> Orders {
        Orders {
            started,
            kept: Arc::default(),
        }
    }

    /// Refuses what is too old.
    pub(crate) fn check_age(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Some(given_at) = headers.get(GIVEN_AT) else {
            return Ok(());
        };
        let digits = given_at.to_str().ok();
        let digits = digits.filter(|text| text.bytes().all(|sign| sign.is_ascii_digit()));
        let given_at_ms = digits.and_then(|text| text.parse().ok());
        let given_at_ms = given_at_ms.ok_or_else(|| {
            ApiError::bad_request(format!(
                "{GIVEN_AT}: whole milliseconds since the start of the hub, such as 81234"
            ))
        })?;
        let since = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        timely::late(given_at_ms, Time::from_nanos(since)).map_or(Ok(()), |why| Err(ApiError::too_late(why)))
    }

    /// Carries an order out, or gives the answer of the first time.
    pub(crate) async fn carry_out(&self, by: &Actor, request: Request, next: Next) -> Response<Body> {
        let Some(key) = request.headers().get(KEY) else {
            return next.run(request).await;
        };
        let key = key.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > KEY_LEN_MAX || !key.bytes().all(|sign| sign.is_ascii_graphic()) {
            let message = format!("{KEY}: 1 to {KEY_LEN_MAX} visible characters");
            return ApiError::bad_request(message).into_response();
        }
        let name: Name = ((by.access.key.clone(), by.access.who.clone()), key.into());
        let (what, request) = match told(request).await {
            Ok(told) => told,
            Err(error) => return error.into_response(),
        };
        let is_secret = request.uri().path() == SECRET_PATH;
        let tell = match self.enter(name.clone(), &what) {
            Ok(tell) => tell,
            Err(entry) => return repeated(entry, &what).await,
        };
        let orders = Arc::clone(&self.kept);
        let carried_out = tokio::spawn(async move {
            let response = next.run(request).await;
            let is_done = response.status().is_success();
            let (answer, response) = kept(response, is_secret).await;
            tell.send_replace(Some(answer));
            if !is_done {
                forget(&orders, &name);
            }
            response
        });
        carried_out
            .await
            .unwrap_or_else(|_| ApiError::mismatch().into_response())
    }

    /// Makes room for the answer of a new order; gives the entry of one that was given before.
    fn enter(&self, name: Name, what: &What) -> Result<watch::Sender<Option<Answer>>, Entry> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.answers.get(&name) {
            return Err(entry.clone());
        }
        let mut own = kept
            .order
            .iter()
            .enumerate()
            .filter(|(_, (caller, _))| *caller == name.0);
        let oldest_own = own.next().map_or(0, |(at, _)| at);
        let oldest = match own.count() + 1 >= OWN_MAX {
            true => Some(oldest_own),
            false => (kept.order.len() >= KEPT_MAX).then_some(0),
        };
        if let Some(oldest) = oldest.and_then(|at| kept.order.remove(at)) {
            kept.answers.remove(&oldest);
        }
        let (tell, answer) = watch::channel(None);
        let what = what.clone();
        kept.order.push_back(name.clone());
        kept.answers.insert(name, Entry { what, answer });
        Ok(tell)
    }
}

/// What is ordered, and the request as it was. Its body is there already, within its limit, but for that of a DELETE, which counts for nothing.
async fn told(request: Request) -> Result<(What, Request), ApiError> {
    let mut number = DefaultHasher::new();
    let what = format!("{} {}", request.method(), request.uri()).into();
    let (parts, body) = request.into_parts();
    let body = match parts.method {
        Method::DELETE => body,
        _ => {
            let bytes = axum::body::to_bytes(body, usize::MAX).await;
            let bytes = bytes.map_err(|_| ApiError::mismatch())?;
            bytes.hash(&mut number);
            Body::from(bytes)
        }
    };
    Ok((What(what, number.finish()), Request::from_parts(parts, body)))
}

/// The order was refused: it has done nothing.
fn forget(kept: &Mutex<Kept>, name: &Name) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.answers.remove(name);
    kept.order.retain(|each| each != name);
}

/// The answer of the first time, once it is there.
async fn repeated(Entry { what, mut answer }: Entry, now: &What) -> Response<Body> {
    if what != *now {
        let message = format!("{KEY}: another order had this name: {}", what.0);
        return ApiError::bad_value(message).into_response();
    }
    let answer = answer.wait_for(Option::is_some).await.map(|answer| answer.clone());
    match answer {
        Ok(Some(Answer::Kept(parts, bytes))) => Response::from_parts(parts, Body::from(bytes)),
        Ok(_) => {
            ApiError::conflict("this order was carried out before, and its answer is too long or too secret to be kept")
                .into_response()
        }
        // The first one has failed in the middle, which is our own mistake.
        Err(_) => ApiError::mismatch().into_response(),
    }
}

/// What is kept of an answer, and the answer.
async fn kept(response: Response<Body>, is_secret: bool) -> (Answer, Response<Body>) {
    let is_short = response
        .body()
        .size_hint()
        .exact()
        .is_some_and(|len| len <= ANSWER_LEN_MAX as u64);
    if !is_short || is_secret {
        return (Answer::NotKept, response);
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, ANSWER_LEN_MAX).await else {
        return (Answer::NotKept, ApiError::mismatch().into_response());
    };
    let response = Response::from_parts(parts.clone(), Body::from(bytes.clone()));
    (Answer::Kept(parts, bytes), response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(caller: &str, order: &str) -> Name {
        ((Some(caller.into()), "Ada".into()), order.into())
    }

    fn what() -> What {
        What("POST /a".into(), 7)
    }

    #[test]
    fn of_too_many_orders_the_oldest_is_forgotten_first_among_ones_own() {
        let orders = Orders::new(Instant::now());
        let enter = |caller: &str, order: &str| orders.enter(name(caller, order), &what()).is_ok();
        assert!(enter("k1", "first"));
        for number in 0..2 * OWN_MAX {
            assert!(enter("k2", &number.to_string()));
        }
        assert!(!enter("k1", "first"), "another's orders push nothing out");
        assert!(!enter("k2", &(2 * OWN_MAX - 1).to_string()) && !enter("k2", &OWN_MAX.to_string()));
        assert!(enter("k2", "0"), "it was forgotten");
        for caller in 0..2 * KEPT_MAX / OWN_MAX {
            for number in 0..OWN_MAX {
                enter(&format!("many{caller}"), &number.to_string());
            }
        }
        let kept = orders.kept.lock().unwrap();
        assert_eq!((kept.answers.len(), kept.order.len()), (KEPT_MAX, KEPT_MAX));
    }

    #[tokio::test]
    async fn of_a_long_or_secret_answer_only_is_known_that_it_was_given() {
        for (len, is_secret) in [(ANSWER_LEN_MAX + 1, false), (3, true)] {
            let (answer, response) = kept(Response::new(Body::from(vec![b'a'; len])), is_secret).await;
            assert!(matches!(answer, Answer::NotKept));
            let whole = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            assert_eq!(whole.len(), len);
        }
        let (tell, answer) = watch::channel(Some(Answer::NotKept));
        let entry = Entry { what: what(), answer };
        assert_eq!(repeated(entry, &what()).await.status(), 409);
        drop(tell);
    }

    #[tokio::test]
    async fn an_order_that_has_failed_in_the_middle_is_not_carried_out_again() {
        let (tell, answer) = watch::channel(None);
        drop(tell);
        let entry = Entry { what: what(), answer };
        assert_eq!(repeated(entry, &what()).await.status(), 500);
    }
}
