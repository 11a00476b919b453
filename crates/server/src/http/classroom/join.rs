//! Joining the class with a browser: whether it is open, with which code, and where pupils' devices find the page.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use crosstie_hub::access::{Actor, Role};
use crosstie_hub::api::classroom::ClassroomRequest;
use crosstie_hub::output::AuditEntry;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::super::endpoints::lan_addresses;
use super::super::error::{JsonBody, needs};
use super::super::{Api, ApiError, Caller, ErrorBody};
use crate::keys::Entrance;
use crate::run::{elsewhere, reachable};
use crate::web::JOIN_PATH;

/// What to do where only this machine reaches the class.
const ONLY_HERE: &str = "set bind = \"0.0.0.0\" under [headset] in the project file and start the hub again";

/// What to do about what listens everywhere, and is nowhere.
const NO_NETWORK: &str = "connect this machine to the network of the pupils' devices";

/// A listener that has the Join page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JoinPort {
    /// The address that it is bound to.
    pub(crate) address: SocketAddr,
    /// It speaks TLS: https.
    pub(crate) tls: bool,
}

impl JoinPort {
    fn is_only_here(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }

    /// Where other machines reach it.
    fn elsewhere(&self, lan: &[IpAddr]) -> Vec<SocketAddr> {
        match self.address.ip() {
            ip if ip.is_unspecified() => elsewhere(self.address, lan).collect(),
            _ => vec![self.address],
        }
    }

    fn url(&self, address: SocketAddr) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{address}{JOIN_PATH}")
    }
}

/// Where pupils' devices find the Join page, and what to change where they do not: on the port of the headsets, or else on that of
/// the page.
fn places(headset: JoinPort, web: JoinPort, lan: &[IpAddr]) -> (Vec<String>, Option<&'static str>) {
    let Some(port) = [headset, web].into_iter().find(|port| !port.is_only_here()) else {
        return (vec![headset.url(headset.address)], Some(ONLY_HERE));
    };
    let urls: Vec<String> = port
        .elsewhere(lan)
        .into_iter()
        .map(|address| port.url(address))
        .collect();
    match urls.is_empty() {
        true => (vec![port.url(reachable(port.address))], Some(NO_NETWORK)),
        false => (urls, None),
    }
}

/// How the class is joined.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Join {
    /// Time of the answer, in milliseconds since the start of the hub.
    now_ms: u64,
    /// A device may join, with the code where one is needed.
    open: bool,
    /// The code; null where none is needed, while joining is closed, and for viewers.
    #[schema(example = "K7QF3M")]
    code: Option<String>,
    /// A headset of another device needs a code: `[headset]` is not open.
    needs_code: bool,
    /// Addresses of the Join page for pupils' devices; that of this machine where there is no other.
    #[schema(example = json!(["http://192.168.1.20:8080/join"]))]
    urls: Vec<String>,
    /// What to change so that other devices reach it; null where they do.
    hint: Option<&'static str>,
}

impl Api {
    /// Where joining happens, and whether it takes a code; refused in words where there is no class.
    async fn joining(&self, by: &Actor) -> Result<Join, ApiError> {
        let now_ms = self.ask_class_row(by, ClassroomRequest::State).await?.now.as_millis();
        let headset = self.join_port.ok_or_else(ApiError::mismatch)?;
        let web = JoinPort {
            address: self.tls.web,
            tls: self.tls.listeners.first().is_some_and(|page| page.tls),
        };
        let (urls, hint) = places(headset, web, &lan_addresses());
        let needs_code = self.needs_join_code();
        let code = self.gate.join().current().filter(|_| needs_code);
        Ok(Join {
            now_ms,
            open: !needs_code || code.is_some(),
            code: code.filter(|_| by.access.role >= Role::Operator),
            needs_code,
            urls,
            hint,
        })
    }

    fn needs_join_code(&self) -> bool {
        let entrance = self.class_door(crosstie_hub::Face::Headset).map(|door| door.entrance);
        entrance == Some(Entrance::Headset { is_open: false })
    }
}

/// How the class is joined: whether that is open, the code for operators and engineers, and the addresses of the page.
#[utoipa::path(get, path = "/api/v1/classroom/join", tag = "classroom", responses(
    (status = 200, body = Join),
    (status = 404, body = ErrorBody, description = "the project has no [classroom]"),
))]
pub(crate) async fn show(State(api): State<Arc<Api>>, Caller(by): Caller) -> Result<Json<Join>, ApiError> {
    Ok(Json(api.joining(&by).await?))
}

/// Whether joining is to be open.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJoin {
    /// Open makes a code where one is needed, and keeps that of a class that is open; closed ends it. Who is connected stays.
    open: bool,
}

/// Opens or closes joining by code.
#[utoipa::path(put, path = "/api/v1/classroom/join", tag = "classroom", request_body = NewJoin, responses(
    (status = 200, body = Join),
    (status = 403, body = ErrorBody, description = "only an operator or an engineer may"),
    (status = 404, body = ErrorBody, description = "the project has no [classroom]"),
    (status = 409, body = ErrorBody, description = "no code is needed here, so joining cannot be closed"),
    (status = 500, body = ErrorBody, description = "the system gives no random bytes for a code"),
))]
pub(crate) async fn change(
    State(api): State<Arc<Api>>,
    Caller(by): Caller,
    JsonBody(NewJoin { open }): JsonBody<NewJoin>,
) -> Result<Json<Join>, ApiError> {
    // Without a class this is where it is refused.
    let before = api.joining(&by).await?;
    needs(&by, Role::Operator, "open and close joining")?;
    if !before.needs_code {
        return match open {
            true => Ok(Json(before)),
            false => Err(ApiError::conflict(
                "[headset] is open to every device, so no code is needed and joining cannot be closed: with bind = \"127.0.0.1\" and \
                 without allow_unauthenticated it wants a code",
            )),
        };
    }
    let join = api.gate.join();
    let has_changed = match open {
        true => join.open().map_err(no_chance)?,
        false => join.close(),
    };
    if has_changed {
        note(&api, &by, open);
    }
    Ok(Json(api.joining(&by).await?))
}

fn no_chance(error: getrandom::Error) -> ApiError {
    ApiError::not_saved(format!(
        "no code can be made, as the system gives no random bytes: {error}"
    ))
}

/// Writes down that joining was opened or closed; the code stands nowhere.
fn note(api: &Api, by: &Actor, open: bool) {
    let entry = AuditEntry {
        by: by.clone(),
        what: "classroom.join",
        subject: String::from("join code"),
        old: Value::Bool(!open),
        new: Value::Bool(open),
    };
    api.audit.hand_in(entry.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headset: (&str, bool), web: (&str, bool), lan: &[&str], urls: &[&str], hint: Option<&str>) {
        let port = |(address, tls): (&str, bool)| JoinPort {
            address: address.parse().unwrap(),
            tls,
        };
        let lan: Vec<IpAddr> = lan.iter().map(|ip| ip.parse().unwrap()).collect();
        let (found, said) = places(port(headset), port(web), &lan);
        assert_eq!(found, urls);
        assert_eq!(said, hint);
    }

    #[test]
    fn devices_find_the_page_on_the_headset_port_or_else_on_the_web_port() {
        let lan = ["10.0.0.5", "192.168.1.20", "fd00::5"];
        let here = ("127.0.0.1:8000", false);
        check(
            ("0.0.0.0:8080", false),
            here,
            &lan,
            &["http://10.0.0.5:8080/join", "http://192.168.1.20:8080/join"],
            None,
        );
        check(
            ("[::]:8080", true),
            here,
            &lan[1..],
            &["https://192.168.1.20:8080/join", "https://[fd00::5]:8080/join"],
            None,
        );
        check(
            ("192.168.1.20:8080", true),
            here,
            &lan,
            &["https://192.168.1.20:8080/join"],
            None,
        );
        let web = ("0.0.0.0:8000", true);
        check(
            ("127.0.0.1:8080", false),
            web,
            &lan[..1],
            &["https://10.0.0.5:8000/join"],
            None,
        );
        check(
            ("127.0.0.1:8080", false),
            here,
            &lan,
            &["http://127.0.0.1:8080/join"],
            Some(ONLY_HERE),
        );
        check(
            ("[::1]:8080", true),
            here,
            &lan,
            &["https://[::1]:8080/join"],
            Some(ONLY_HERE),
        );
        check(
            ("0.0.0.0:8080", false),
            here,
            &[],
            &["http://127.0.0.1:8080/join"],
            Some(NO_NETWORK),
        );
    }
}
