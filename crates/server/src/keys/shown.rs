//! The four places of a request where a key may stand (RV-57), and the one of a join code.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName, Uri};

/// Names of the query parameters that hold a key.
const PARAMETERS: [&str; 2] = ["apikey", "access_token"];

/// Name of the query parameter that holds a join code.
const CODE_PARAMETER: &[u8] = b"code";

/// The header that holds nothing but a key.
const HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// What a request shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// No key.
    Nothing,
    /// One key, in one place or in several. It may be empty.
    Key(Vec<u8>),
    /// Different keys.
    Several,
}

/// Collects the keys of a request.
pub(super) fn shown(uri: &Uri, headers: &HeaderMap) -> Shown {
    let of_query = parameters(uri)
        .filter_map(|(name, value)| PARAMETERS.iter().any(|known| known.as_bytes() == name).then_some(value));
    let of_header = headers.get_all(HEADER).iter().map(|value| value.as_bytes().to_vec());
    let of_bearer = headers.get_all(AUTHORIZATION).iter().filter_map(|value| {
        let value = value.as_bytes();
        let (scheme, rest) = value.split_at(value.len().min("bearer".len()));
        // Another scheme is no key of ours: a reverse proxy may hand on what it was given for itself.
        let is_bearer = scheme.eq_ignore_ascii_case(b"bearer") && rest.first().is_none_or(|byte| *byte == b' ');
        is_bearer.then(|| rest.trim_ascii().to_vec())
    });
    let mut keys = of_query.chain(of_header).chain(of_bearer);
    match keys.next() {
        None => Shown::Nothing,
        Some(first) if keys.all(|other| other == first) => Shown::Key(first),
        Some(_) => Shown::Several,
    }
}

/// The join code of a request. An empty one is none: a field that nobody has filled in.
pub(super) fn code_of(uri: &Uri) -> Option<Vec<u8>> {
    let mut codes = parameters(uri).filter_map(|(name, value)| (name == CODE_PARAMETER).then_some(value));
    codes.find(|code| !code.is_empty())
}

/// The parameters of a query, decoded.
fn parameters(uri: &Uri) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let parameters = uri.query().into_iter().flat_map(|query| query.split('&'));
    parameters.map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (decoded(name), decoded(value))
    })
}

/// A part of a query or a path without its percent signs. What is no escape stays as it is.
pub(crate) fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits are a byte.
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check(uri: &str, fields: &[(&str, &str)], expected: &Shown) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(shown(&uri.parse().unwrap(), &headers), *expected, "{uri} {fields:?}");
    }

    #[test]
    fn a_key_stands_in_four_places_and_in_no_other() {
        let key = || Shown::Key(b"ct_x".to_vec());
        check("/", &[], &Shown::Nothing);
        check("/?apikey=ct_x", &[], &key());
        check("/?a=1&access_token=ct_x&b", &[], &key());
        check("/?api%6Bey=ct%5fx", &[], &key());
        check("/", &[("x-api-key", "ct_x")], &key());
        check("/", &[("authorization", "bearer  ct_x ")], &key());
        check(
            "/?apikey=ct_x",
            &[("x-api-key", "ct_x"), ("authorization", "Bearer ct_x")],
            &key(),
        );
        check("/?key=ct_x&token=ct_x&APIKEY=ct_x", &[], &Shown::Nothing);
        check(
            "/apikey=ct_x",
            &[("cookie", "apikey=ct_x"), ("x-access-token", "ct_x")],
            &Shown::Nothing,
        );
        check("/", &[("authorization", "Basic Y3RfeA==")], &Shown::Nothing);
        check("/", &[("authorization", "Bearerct_x")], &Shown::Nothing);
    }

    #[test]
    fn empty_and_different_keys_are_told_apart_from_none() {
        let empty = || Shown::Key(Vec::new());
        check("/?apikey", &[], &empty());
        check("/?access_token=", &[], &empty());
        check("/", &[("x-api-key", "")], &empty());
        check("/", &[("authorization", "Bearer")], &empty());
        check("/?apikey=a&apikey=b", &[], &Shown::Several);
        check("/?apikey=a", &[("x-api-key", "")], &Shown::Several);
        check(
            "/",
            &[("x-api-key", "a"), ("authorization", "Bearer b")],
            &Shown::Several,
        );
    }

    #[test]
    fn what_is_no_escape_stays() {
        for (text, expected) in [
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("a%20b+", "a b+"),
            ("%25%", "%%"),
        ] {
            assert_eq!(decoded(text), expected.as_bytes(), "{text}");
        }
    }
}
