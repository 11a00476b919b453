//! The splash screens of learning packages (SI-54): `GET /learning-packages/…` and `GET /extra-learning-packages/…`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use super::Api;
use super::error::ApiError;
use crate::keys::decoded;
use crate::packages::RootKind;
use crate::packages::picture::{self, Picture, Refusal};
use crate::web::names_etag;

/// Pictures that are read at the same time. A further request waits.
const READS_MAX: usize = 4;

static READS: Semaphore = Semaphore::const_new(READS_MAX);

/// An SVG is a document that could have scripts; opened by itself it may do nothing and reach nobody.
const PICTURE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'";

/// `GET /learning-packages/{*path}`.
pub(crate) async fn main(State(api): State<Arc<Api>>, request: Request) -> Response {
    answer(api, RootKind::Main, request).await
}

/// `GET /extra-learning-packages/{*path}`.
pub(crate) async fn extra(State(api): State<Arc<Api>>, request: Request) -> Response {
    answer(api, RootKind::Extra, request).await
}

async fn answer(api: Arc<Api>, kind: RootKind, request: Request) -> Response {
    // The path as it was sent: its percent signs are undone once, here.
    let path = request.uri().path().strip_prefix('/').unwrap_or_default();
    let path = path
        .strip_prefix(kind.segment())
        .and_then(|rest| rest.strip_prefix('/'));
    let path = decoded(path.unwrap_or_default());
    let Ok(_turn) = READS.acquire().await else {
        return ApiError::busy("the hub is shutting down").into_response();
    };
    let read = tokio::task::spawn_blocking(move || {
        let sources = api.packages.as_ref().ok_or(Refusal::NotFound)?;
        let picture = picture::load(sources, kind, &path)?;
        let hash = Sha256::digest(&picture.bytes);
        Ok::<_, Refusal>((picture, hash))
    });
    match read.await {
        Ok(Ok((picture, hash))) => shown(picture, &hash, &request),
        Ok(Err(refusal)) => {
            let message = format!("a picture of a learning package ({refusal})");
            ApiError::not_found(message).into_response()
        }
        // The task fails only when the runtime ends.
        Err(_) => ApiError::busy("the hub is shutting down").into_response(),
    }
}

fn shown(picture: Picture, hash: &[u8], request: &Request) -> Response {
    let mut etag = String::from("\"");
    for byte in &hash[..16] {
        // Writing to a string cannot fail.
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    let is_known = (request.headers().get_all(IF_NONE_MATCH).iter()).any(|known| names_etag(known, &etag));
    let length = picture.bytes.len();
    let body = match is_known || request.method() == Method::HEAD {
        true => Body::empty(),
        false => Body::from(picture.bytes),
    };
    let mut response = Response::new(body);
    let fields = response.headers_mut();
    fields.insert(
        ETAG,
        HeaderValue::from_str(&etag).expect("an ETag is made of hex digits and quotes"),
    );
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PICTURE_POLICY));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // A front end of the class on another port of this machine may show it.
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    fields.insert(policy, HeaderValue::from_static("same-site"));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(picture.content_type));
    fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}
