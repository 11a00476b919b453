//! The two ways to a context: through a hub, or straight to an engine. What comes back is the same for both.

use super::engine::Engine;
use super::memory::{ForceArgs, ForceRow, Written};
use super::{Context, Found};
use crate::cli::CliError;
use crate::cli::api::escaped_name;
use crate::http::plc::rows::DiagnosticRow;
use axum::http::Method;
use crosstie_hub::plc::Program;
use serde_json::{Value, json};

/// A context, and the way to it.
pub(super) enum Door {
    /// Through the HTTP API of a hub.
    Hub(Box<Found>),
    /// Over PiPLC's protocol.
    Engine(Box<Engine>),
}

/// A program that was loaded.
pub(super) struct Loaded {
    pub(super) context: Context,
    /// What is doubtful in it.
    pub(super) diagnostics: Vec<DiagnosticRow>,
}

/// A program that was not loaded.
pub(super) struct NotLoaded {
    pub(super) error: CliError,
    /// What is wrong with it.
    pub(super) diagnostics: Vec<DiagnosticRow>,
}

impl From<CliError> for NotLoaded {
    fn from(error: CliError) -> NotLoaded {
        NotLoaded {
            error,
            diagnostics: Vec::new(),
        }
    }
}

/// What is forced.
pub(super) struct Forces {
    pub(super) rows: Vec<ForceRow>,
    /// The rows as `--json` prints them.
    pub(super) json: Value,
    /// The time of the hub that the rows speak of, in milliseconds.
    pub(super) now_ms: u64,
}

impl Door {
    /// How the context stood when the way to it was found.
    pub(super) fn row(&self) -> &Context {
        match self {
            Door::Hub(found) => &found.row,
            Door::Engine(engine) => engine.row(),
        }
    }

    /// Gives the engine a command, by its word in the API; tells how it stands then.
    pub(super) async fn command(&mut self, command: &str) -> Result<Context, CliError> {
        match self {
            Door::Hub(found) => {
                let body = json!({ "command": command });
                Context::of(found.send(Method::POST, "/command", Some(&body)).await?)
            }
            Door::Engine(engine) => engine.command(command).await,
        }
    }

    /// Sets or removes the breakpoint before a rung; without a rung all are removed.
    pub(super) async fn breakpoint(&mut self, rung: Option<usize>, is_set: bool) -> Result<(), CliError> {
        match self {
            Door::Hub(found) => {
                let method = if is_set { Method::PUT } else { Method::DELETE };
                let path = rung.map_or_else(|| String::from("/breakpoints"), |rung| format!("/breakpoints/{rung}"));
                found.send(method, &path, None).await.map(drop)
            }
            Door::Engine(engine) => engine.breakpoint(rung, is_set).await,
        }
    }

    /// Gives the context a program that was read here without a fault.
    pub(super) async fn put_program(&mut self, program: &Program, may_stop: bool) -> Result<Loaded, NotLoaded> {
        match self {
            Door::Hub(found) => found.put_program(program, may_stop).await,
            Door::Engine(engine) => engine.put_program(program, may_stop).await,
        }
    }

    /// The document of the program.
    pub(super) async fn document(&mut self) -> Result<String, CliError> {
        match self {
            Door::Hub(found) => {
                let path = format!("{}/program?format=document", found.path);
                found.hub.get_text(&path).await
            }
            Door::Engine(engine) => engine.document().await,
        }
    }

    /// Takes the program away.
    pub(super) async fn clear(&mut self) -> Result<(), CliError> {
        match self {
            Door::Hub(found) => found.send(Method::DELETE, "/program", None).await.map(drop),
            Door::Engine(engine) => engine.clear().await,
        }
    }

    /// Removes the context.
    pub(super) async fn remove(&mut self) -> Result<(), CliError> {
        match self {
            Door::Hub(found) => found.send(Method::DELETE, "", None).await.map(drop),
            Door::Engine(engine) => engine.remove().await,
        }
    }

    /// Forces a place.
    pub(super) async fn force(&mut self, args: &ForceArgs, value: &Value) -> Result<Written, CliError> {
        match self {
            Door::Hub(found) => {
                let mut body = json!({ "value": value, "reason": args.reason });
                if let Some(seconds) = args.expires_after_s {
                    body["expires_after_s"] = Value::from(seconds);
                }
                found.put_value("forces", &args.address, &body).await
            }
            Door::Engine(engine) => engine.force(&args.address, value).await,
        }
    }

    /// Writes a place once.
    pub(super) async fn write(&mut self, address: &str, value: &Value) -> Result<Written, CliError> {
        match self {
            Door::Hub(found) => found.put_value("memory", address, &json!({ "value": value })).await,
            Door::Engine(engine) => engine.write(address, value).await,
        }
    }

    /// Turns a bit over.
    pub(super) async fn toggle(&mut self, address: &str) -> Result<Written, CliError> {
        match self {
            Door::Hub(found) => {
                let body = json!({ "address": address });
                let answer = found.send(Method::POST, "/toggle", Some(&body)).await?;
                serde_json::from_value(answer).map_err(|error| CliError::failed(&error))
            }
            Door::Engine(engine) => engine.toggle(address).await,
        }
    }

    /// Ends the force on a place, or all of them.
    pub(super) async fn release(&mut self, address: Option<&str>) -> Result<(), CliError> {
        match self {
            Door::Hub(found) => {
                let place = address.map_or_else(String::new, |address| format!("/{}", escaped_name(address)));
                let path = format!("/forces{place}");
                found.send(Method::DELETE, &path, None).await.map(drop)
            }
            Door::Engine(engine) => engine.release(address).await,
        }
    }

    /// What is forced.
    pub(super) async fn forces(&mut self) -> Result<Forces, CliError> {
        match self {
            Door::Hub(found) => {
                let answer: Value = found.hub.get(&format!("{}/forces", found.path)).await?;
                let json = answer["forces"].clone();
                Ok(Forces {
                    rows: serde_json::from_value(json.clone()).map_err(|error| CliError::failed(&error))?,
                    json,
                    now_ms: answer["now_ms"].as_u64().unwrap_or(0),
                })
            }
            Door::Engine(engine) => {
                let rows = engine.forces().await?;
                let json = serde_json::to_value(&rows).map_err(|error| CliError::failed(&error))?;
                Ok(Forces { rows, json, now_ms: 0 })
            }
        }
    }
}

impl Found {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, CliError> {
        self.hub.send(method, &format!("{}{path}", self.path), body).await
    }

    async fn put_value(&self, what: &str, address: &str, body: &Value) -> Result<Written, CliError> {
        let path = format!("/{what}/{}", escaped_name(address));
        let answer = self.send(Method::PUT, &path, Some(body)).await?;
        serde_json::from_value(answer).map_err(|error| CliError::failed(&error))
    }

    async fn put_program(&self, program: &Program, may_stop: bool) -> Result<Loaded, NotLoaded> {
        let path = format!("{}/program?stop={may_stop}", self.path);
        match self.hub.put_text(&path, program.document.to_string()).await {
            Ok(answer) => Ok(Loaded {
                diagnostics: diagnostics_of(&answer)?,
                context: Context::of(answer)?,
            }),
            Err((answer, error)) => Err(NotLoaded {
                error,
                diagnostics: diagnostics_of(&answer)?,
            }),
        }
    }
}

fn diagnostics_of(answer: &Value) -> Result<Vec<DiagnosticRow>, CliError> {
    match &answer["diagnostics"] {
        Value::Null => Ok(Vec::new()),
        rows => serde_json::from_value(rows.clone()).map_err(|error| CliError::failed(&error)),
    }
}
