//! Orders over HTTP that are carried out once, and in time.
//!
//! A browser sends a request again by itself when a connection that was used before breaks without an answer, whatever the request does; and
//! a request may lie in a socket while whoever gave it was told that the link is lost. So whoever changes something may say two things:
//!
//! - `Idempotency-Key`: a name of the order, chosen by who gives it. The order is carried out once; whoever comes with the same name again gets
//!   the answer of the first time. An order with a name is carried out to its end, also when its connection breaks.
//! - `Crosstie-Given-At`: when it was given, in milliseconds since the start of the hub. One that is too old is not carried out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::response::Parts;
use axum::http::{HeaderMap, HeaderName, Response};
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
/// Bytes of an answer that is kept. Of an order with a longer one only is known that it was carried out.
const ANSWER_LEN_MAX: usize = 64 << 10;

/// The orders of late.
#[derive(Debug)]
pub(crate) struct Orders {
    /// The start of the hub.
    started: Instant,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    answers: HashMap<Name, Entry>,
    /// The oldest first.
    order: VecDeque<Name>,
}

/// Who gave the order, and what it is called.
type Name = (Box<str>, Box<str>);

#[derive(Clone, Debug)]
struct Entry {
    /// Method and path of the order.
    what: Box<str>,
    /// The answer, as soon as there is one.
    answer: watch::Receiver<Option<Answer>>,
}

/// What was answered.
#[derive(Clone, Debug)]
enum Answer {
    Kept(Parts, Bytes),
    TooLong,
}

impl Orders {
    pub(crate) fn new(started: Instant) -> Orders {
        Orders {
            started,
            kept: Mutex::default(),
        }
    }

    /// Refuses what is too old.
    pub(crate) fn check_age(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Some(given_at) = headers.get(GIVEN_AT) else {
            return Ok(());
        };
        let given_at_ms = given_at.to_str().ok().and_then(|text| text.parse().ok());
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
        if key.is_empty() || key.len() > KEY_LEN_MAX {
            let message = format!("{KEY}: 1 to {KEY_LEN_MAX} visible characters");
            return ApiError::bad_request(message).into_response();
        }
        let name: Name = (by.access.who.clone(), key.into());
        let what = format!("{} {}", request.method(), request.uri());
        let tell = match self.enter(name, &what) {
            Ok(tell) => tell,
            Err(entry) => return repeated(entry, &what).await,
        };
        let carried_out = tokio::spawn(async move {
            let (answer, response) = kept(next.run(request).await).await;
            tell.send_replace(Some(answer));
            response
        });
        carried_out
            .await
            .unwrap_or_else(|_| ApiError::mismatch().into_response())
    }

    /// Makes room for the answer of a new order; gives the entry of one that was given before.
    fn enter(&self, name: Name, what: &str) -> Result<watch::Sender<Option<Answer>>, Entry> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.answers.get(&name) {
            return Err(entry.clone());
        }
        if kept.order.len() == KEPT_MAX
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.answers.remove(&oldest);
        }
        let (tell, answer) = watch::channel(None);
        let what = what.into();
        kept.order.push_back(name.clone());
        kept.answers.insert(name, Entry { what, answer });
        Ok(tell)
    }
}

/// The answer of the first time, once it is there.
async fn repeated(Entry { what, mut answer }: Entry, now: &str) -> Response<Body> {
    if *what != *now {
        let message = format!("{KEY}: another order had this name: {what}");
        return ApiError::bad_value(message).into_response();
    }
    let answer = answer.wait_for(Option::is_some).await.map(|answer| answer.clone());
    match answer {
        Ok(Some(Answer::Kept(parts, bytes))) => Response::from_parts(parts, Body::from(bytes)),
        Ok(_) => ApiError::conflict("this order was carried out before, and its answer is too long to be kept")
            .into_response(),
        // The first one has failed in the middle, which is our own mistake.
        Err(_) => ApiError::mismatch().into_response(),
    }
}

/// What is kept of an answer, and the answer.
async fn kept(response: Response<Body>) -> (Answer, Response<Body>) {
    let is_short = response
        .body()
        .size_hint()
        .exact()
        .is_some_and(|len| len <= ANSWER_LEN_MAX as u64);
    if !is_short {
        return (Answer::TooLong, response);
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, ANSWER_LEN_MAX).await else {
        return (Answer::TooLong, ApiError::mismatch().into_response());
    };
    let response = Response::from_parts(parts.clone(), Body::from(bytes.clone()));
    (Answer::Kept(parts, bytes), response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(key: &str) -> Name {
        ("Ada".into(), key.into())
    }

    #[test]
    fn the_oldest_order_is_forgotten_when_there_are_too_many() {
        let orders = Orders::new(Instant::now());
        let enter = |key: &str| orders.enter(name(key), "POST /a").is_ok();
        for number in 0..KEPT_MAX {
            assert!(enter(&number.to_string()));
        }
        assert!(!enter("0"), "it is kept");
        assert!(enter("one more"));
        assert!(!enter("1") && !enter("one more"));
        assert!(enter("0"), "it was forgotten");
        assert_eq!(orders.kept.lock().unwrap().answers.len(), KEPT_MAX);
        assert!(
            orders.enter(("Bob".into(), "1".into()), "POST /a").is_ok(),
            "another's order"
        );
    }

    #[tokio::test]
    async fn of_a_long_answer_only_is_known_that_it_was_given() {
        let long = Response::new(Body::from(vec![b'a'; ANSWER_LEN_MAX + 1]));
        let (answer, response) = kept(long).await;
        assert!(matches!(answer, Answer::TooLong));
        let whole = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!(whole.len(), ANSWER_LEN_MAX + 1);
        let (tell, answer) = watch::channel(Some(Answer::TooLong));
        let what = "POST /a".into();
        assert_eq!(repeated(Entry { what, answer }, "POST /a").await.status(), 409);
        drop(tell);
    }

    #[tokio::test]
    async fn an_order_that_has_failed_in_the_middle_is_not_carried_out_again() {
        let (tell, answer) = watch::channel(None);
        drop(tell);
        let what = "POST /a".into();
        assert_eq!(repeated(Entry { what, answer }, "POST /a").await.status(), 500);
    }
}
