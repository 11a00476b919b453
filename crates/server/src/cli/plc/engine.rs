//! The verbs of `crosstie plc --engine URL`: any engine that speaks PiPLC's protocol, with no hub in between.
//!
//! | room | what |
//! |---|---|
//! | `client` | the connection: hello, requests with their replies, snapshots |
//! | `memory` | places of a snapshot, and the requests that write them |
//! | `watch` | the stream of snapshots as lines |
//!
//! Both generations of the protocol are spoken (PL-9). The published engine 0.1 takes whatever it is told and says that it is
//! done; so what it cannot do is said here before anything is sent, and what it has done is looked at afterwards.

mod client;
mod memory;
mod watch;

use super::door::{Loaded, NotLoaded};
use super::files::project_document;
use super::memory::{Written, address, signal};
use super::{Context, Program as Summary, Scan};
use crate::cli::{At, CliError};
use crate::http::plc::rows::{DiagnosticRow, diagnostics};
use client::{Client, Row};
use crosstie_hub::plc::Program;
use crosstie_ladder::data_table::CellValue;
use crosstie_ladder::project::read_project;
use crosstie_ladder::{Address, Symbol};
use crosstie_wire::piplc::{BitTarget, Dialect, EngineCommand, EngineState, Request, ServerReply, Snapshot};
use serde_json::{Value, json};
use std::time::Duration;

/// How long an engine may take to be in the state that it was told to be in.
const SETTLE_MAX: Duration = Duration::from_secs(2);
/// How often its state is asked for meanwhile.
const SETTLE_EVERY: Duration = Duration::from_millis(20);

/// One context of an engine.
pub(super) struct Engine {
    client: Client,
    /// What the protocol calls it.
    id: String,
    has_program: bool,
    row: Context,
}

/// The contexts as JSON, or the one that is asked for.
pub(super) async fn status(url: &str, at: &At, context: Option<&str>) -> Result<Vec<Value>, CliError> {
    let mut client = Client::connect(url, at).await?;
    let rows = match context {
        Some(context) => vec![chosen(client.contexts(), Some(context))?],
        None => client.contexts().to_vec(),
    };
    let mut told = Vec::new();
    for row in rows {
        let mut engine = Engine::of(client, row);
        let context = engine.looked_at().await?;
        told.push(serde_json::to_value(&context).map_err(|error| CliError::failed(&error))?);
        client = engine.client;
    }
    Ok(told)
}

/// Makes a context; gives its id and its name.
pub(super) async fn create(url: &str, at: &At, name: &str) -> Result<(String, String), CliError> {
    let mut client = Client::connect(url, at).await?;
    let request = Request::CreateContext {
        name: Some(name.into()),
    };
    let reply = client.ask(None, &request).await?;
    let id = reply.context_id.ok_or_else(|| {
        CliError::Failed(String::from(
            "the engine has made a context and does not say its id; `crosstie plc status` shows it",
        ))
    })?;
    let given = reply.fields.get("name").and_then(Value::as_str).unwrap_or(name);
    Ok((id.into(), given.to_owned()))
}

impl Engine {
    /// Connects and finds a context by its id or its name; the first one without either.
    pub(super) async fn open(url: &str, at: &At, context: Option<&str>) -> Result<Engine, CliError> {
        let client = Client::connect(url, at).await?;
        let row = chosen(client.contexts(), context)?;
        Ok(Engine::of(client, row))
    }

    fn of(client: Client, row: Row) -> Engine {
        Engine {
            client,
            has_program: row.has_program,
            row: Context {
                id: row.id.clone(),
                name: row.name,
                state: row.state.word(Dialect::V02).to_owned(),
                fault: None,
                next_rung: None,
                program: None,
                scan: Scan::default(),
                forces: Vec::new(),
                retain: None,
                io: None,
                link: None,
            },
            id: row.id,
        }
    }

    /// How the context stood when the connection was made.
    pub(super) fn row(&self) -> &Context {
        &self.row
    }

    /// Makes a request for this context.
    async fn ask(&mut self, request: &Request) -> Result<ServerReply, CliError> {
        self.client.ask(Some(&self.id), request).await
    }

    /// The context in this state, with what was told of it meanwhile.
    fn standing(&self, state: EngineState) -> Context {
        let is_fault = state == EngineState::Fault;
        let is_paused = state == EngineState::Paused;
        Context {
            id: self.row.id.clone(),
            name: self.row.name.clone(),
            state: state.word(Dialect::V02).to_owned(),
            fault: self.client.fault(&self.id).filter(|_| is_fault).map(str::to_owned),
            next_rung: self.client.paused_before(&self.id).filter(|_| is_paused),
            program: None,
            scan: Scan::default(),
            forces: Vec::new(),
            retain: None,
            io: None,
            link: None,
        }
    }

    /// Everything that a table shows of the context.
    async fn looked_at(&mut self) -> Result<Context, CliError> {
        let told = self.ask(&Request::Statistics).await?;
        let number = |name| told.fields.get(name).and_then(Value::as_u64).unwrap_or(0);
        let scan = Scan {
            count: number("scanCount"),
            last_us: number("lastScanTimeUs"),
            min_us: number("minScanTimeUs"),
            max_us: number("maxScanTimeUs"),
            avg_us: number("avgScanTimeUs"),
            overruns: number("overrunCount"),
            ..Scan::default()
        };
        let program = match self.has_program {
            true => Some(summary(&self.document().await?)),
            false => None,
        };
        let forces = self.forces().await?.into_iter().map(serde_json::to_value);
        let forces = forces
            .collect::<Result<_, _>>()
            .map_err(|error| CliError::failed(&error))?;
        let state = self.state().await?;
        Ok(Context {
            scan,
            program,
            forces,
            ..self.standing(state)
        })
    }

    async fn state(&mut self) -> Result<EngineState, CliError> {
        let reply = self.ask(&Request::State).await?;
        let unknown = || CliError::Failed(String::from("the engine does not say in which state it is"));
        reply.state.ok_or_else(unknown)
    }

    /// Gives the engine a command, by its word in the API; tells how it stands then.
    pub(super) async fn command(&mut self, word: &str) -> Result<Context, CliError> {
        let command = match word {
            "start" => EngineCommand::Start,
            "stop" => EngineCommand::Stop,
            "pause" => EngineCommand::Pause,
            "resume" => EngineCommand::Resume,
            "step_scan" => EngineCommand::StepScan,
            "step_rung" => EngineCommand::StepRung,
            "reset" => EngineCommand::Reset,
            other => return Err(CliError::Usage(format!("no engine has a command {other:?}"))),
        };
        self.refuse_unheard(command)?;
        let reply = self.ask(&Request::Engine(command)).await?;
        let state = self.settled(command, reply.state).await?;
        let context = self.standing(state);
        match is_reached(command, state) || context.next_rung.is_some() {
            true => Ok(context),
            false => Err(CliError::Failed(format!(
                "{}: the engine has taken the command and not carried it out",
                context.stands()
            ))),
        }
    }

    /// Engines of 0.1 answer these with success, and fall into a fault or do nothing.
    fn refuse_unheard(&self, command: EngineCommand) -> Result<(), CliError> {
        let Context { name, state, .. } = &self.row;
        let runs_program = matches!(
            command,
            EngineCommand::Start | EngineCommand::StepScan | EngineCommand::StepRung
        );
        let why = match (self.client.dialect(), command) {
            _ if runs_program && !self.has_program => "has no program; download one",
            (Dialect::V01, EngineCommand::StepScan | EngineCommand::StepRung) if state == "Running" => {
                "is Running, and an engine of PiPLC 0.1 leaves that state for a step; pause or stop it first"
            }
            (Dialect::V01, _) if runs_program && state == "Fault" => "is in fault; stop or reset it first",
            (Dialect::V01, EngineCommand::Pause) if state != "Running" => "does not run, so there is nothing to pause",
            (Dialect::V01, EngineCommand::Resume) if state != "Paused" => {
                "is not Paused, so there is nothing to resume"
            }
            _ => return Ok(()),
        };
        Err(CliError::Failed(format!("{name} {why}")))
    }

    /// The state after a command: as the reply tells it, or asked for until it is the one that was meant. An engine of 0.1
    /// does a command after its reply.
    async fn settled(&mut self, command: EngineCommand, told: Option<EngineState>) -> Result<EngineState, CliError> {
        let until = tokio::time::Instant::now() + SETTLE_MAX;
        let mut state = match told {
            Some(state) => state,
            None => self.state().await?,
        };
        while !is_reached(command, state)
            && state != EngineState::Fault
            && self.client.paused_before(&self.id).is_none()
            && tokio::time::Instant::now() < until
        {
            self.client.listen(SETTLE_EVERY).await?;
            state = self.state().await?;
        }
        // What is told of a fault comes behind the state.
        if state == EngineState::Fault && self.client.fault(&self.id).is_none() {
            self.client.listen(SETTLE_EVERY).await?;
        }
        Ok(state)
    }

    /// Sets or removes the breakpoint before a rung; without a rung all are removed.
    pub(super) async fn breakpoint(&mut self, rung: Option<usize>, is_set: bool) -> Result<(), CliError> {
        let Some(rung) = rung else {
            return self.ask(&Request::ClearAllBreakpoints).await.map(drop);
        };
        let rung_index = u32::try_from(rung)
            .ok()
            .filter(|rung| i32::try_from(*rung).is_ok())
            .ok_or_else(|| CliError::Usage(format!("expected a rung from 0 to {}, got {rung}", i32::MAX)))?;
        if is_set && self.client.dialect() == Dialect::V01 {
            self.refuse_no_rung(rung).await?;
        }
        let request = match is_set {
            true => Request::SetBreakpoint { rung_index },
            false => Request::RemoveBreakpoint { rung_index },
        };
        self.ask(&request).await.map(drop)
    }

    /// An engine of 0.1 takes a breakpoint before a rung that it does not have.
    async fn refuse_no_rung(&mut self, rung: usize) -> Result<(), CliError> {
        let name = &self.row.name;
        if !self.has_program {
            return Err(CliError::Failed(format!("{name} has no program; download one")));
        }
        let Some(rungs) = summary(&self.document().await?).rungs else {
            return Ok(());
        };
        match rung < rungs {
            true => Ok(()),
            false => Err(CliError::Failed(format!(
                "{} has no rung {rung}: they are counted from 0, and it has {rungs}",
                self.row.name
            ))),
        }
    }

    /// Gives the context a program that was read here without a fault. The protocol knows only the XML form.
    pub(super) async fn put_program(&mut self, program: &Program, may_stop: bool) -> Result<Loaded, NotLoaded> {
        let own_places = project_document(&program.document);
        let (document, is_as_written) = match own_places {
            Some(document) => (document, false),
            None => (program.document.to_string(), true),
        };
        // The engine itself would stop without a question, so it is only sent what may stop it.
        if self.state().await? != EngineState::Stopped {
            if !may_stop {
                return Err(NotLoaded::from(CliError::Failed(format!(
                    "{} is not Stopped any more, and a download stops it; --yes allows that",
                    self.row.name
                ))));
            }
            self.command("stop").await?;
        }
        let request = Request::Download {
            format: None,
            document: document.into(),
        };
        let reply = self.client.exchange(Some(&self.id), &request).await?;
        // The places of a document that was made from a text are not those of the file.
        let told = told_diagnostics(&reply).filter(|told| is_as_written && !told.is_empty());
        if !reply.success {
            return Err(NotLoaded {
                error: client::refusal(&reply),
                diagnostics: told.unwrap_or_default(),
            });
        }
        let state = self.state().await?;
        let context = Context {
            program: Some(Summary {
                name: program.logic.name.clone(),
                rungs: Some(program.compiled.rungs()),
                instructions: Some(program.compiled.instructions()),
            }),
            ..self.standing(state)
        };
        Ok(Loaded {
            context,
            diagnostics: told.unwrap_or_else(|| diagnostics(&program.diagnostics)),
        })
    }

    /// The document of the program.
    pub(super) async fn document(&mut self) -> Result<String, CliError> {
        let reply = self.ask(&Request::Upload).await?;
        let text = |name| reply.fields.get(name).and_then(Value::as_str);
        let document = text("data").or_else(|| text("projectXml"));
        let missing = || CliError::Failed(String::from("the engine answers an upload without a document"));
        document.map(str::to_owned).ok_or_else(missing)
    }

    /// Takes the program away.
    pub(super) async fn clear(&mut self) -> Result<(), CliError> {
        self.ask(&Request::Clear).await.map(drop)
    }

    /// Removes the context.
    pub(super) async fn remove(&mut self) -> Result<(), CliError> {
        let Context { name, state, .. } = &self.row;
        if state != "Stopped" {
            return Err(CliError::Failed(format!("{name} is {state}; stop it first")));
        }
        if self.client.contexts().len() == 1 {
            return Err(CliError::Failed(format!(
                "{name} is the last context of the engine, and that one stays"
            )));
        }
        self.ask(&Request::RemoveContext).await.map(drop)
    }

    /// Forces a bit.
    pub(super) async fn force(&mut self, place: &str, value: &Value) -> Result<Written, CliError> {
        let address = self.address(place).await?;
        let (on, coerced) = match memory::fitted(address, value)? {
            (CellValue::Bit(on), coerced) => (on, coerced),
            (CellValue::Word(_), _) => {
                return Err(CliError::Usage(format!(
                    "PiPLC's protocol forces bits such as I:0/3, got {address}; through a hub every place can be forced"
                )));
            }
        };
        let target = self.forceable(address)?;
        self.ask(&Request::ForceBit { target, value: on }).await?;
        Ok(Written {
            name: signal(&self.row.name, address),
            stored: json!(on),
            coerced,
            forced: true,
            overwritten: false,
            toggled: None,
            until_start: false,
            driven_by: None,
        })
    }

    /// Ends the force on a bit, or all of them.
    pub(super) async fn release(&mut self, place: Option<&str>) -> Result<(), CliError> {
        let request = match place {
            None => Request::ClearAllForces,
            Some(place) => {
                let address = self.address(place).await?;
                Request::UnforceBit {
                    target: self.forceable(address)?,
                }
            }
        };
        self.ask(&request).await.map(drop)
    }

    /// A bit as the engine reads it. One of 0.1 forces those that its snapshots show as forced, and takes B:0/0 for others.
    fn forceable(&self, address: Address) -> Result<BitTarget, CliError> {
        match self.client.dialect() {
            Dialect::V01 if memory::force_word(address).is_none() => Err(CliError::Usage(format!(
                "an engine of PiPLC 0.1 forces bits of I, O and B, got {address}"
            ))),
            _ => Ok(BitTarget::Address(address.to_string().into())),
        }
    }

    /// What is forced, as a snapshot shows it: bits of I, O and B.
    pub(super) async fn forces(&mut self) -> Result<Vec<super::memory::ForceRow>, CliError> {
        let snapshot = self.client.snapshot(&self.id).await?;
        let forced = memory::forced(&snapshot.body);
        let symbols = match forced.is_empty() {
            true => Vec::new(),
            false => self.symbols().await?,
        };
        let rows = forced.into_iter().map(|(address, on)| super::memory::ForceRow {
            address: address.to_string(),
            symbol: (symbols.iter().find(|(_, of)| *of == address)).map(|(name, _)| name.as_str().to_owned()),
            value: json!(on),
            by: None,
            reason: None,
            since_ms: None,
            expires_at_ms: None,
        });
        Ok(rows.collect())
    }

    /// Writes a place once and looks at what stands there then. 0.1 does not answer a write.
    pub(super) async fn write(&mut self, place: &str, value: &Value) -> Result<Written, CliError> {
        let address = self.address(place).await?;
        let (value, coerced) = memory::fitted(address, value)?;
        let before = self.client.snapshot(&self.id).await?;
        let request = memory::write(address, value, &before.body, self.client.dialect())?;
        match self.client.dialect() {
            Dialect::V02 => self.ask(&request).await.map(drop)?,
            Dialect::V01 => {
                self.client.tell(Some(&self.id), &request).await?;
            }
        }
        let after = self.shown(address, value).await?;
        let shown = memory::value(&after.body, address);
        let forced = memory::is_forced(&after.body, address);
        Ok(Written {
            name: signal(&self.row.name, address),
            stored: memory::json_of(shown),
            coerced,
            forced,
            overwritten: shown != value,
            toggled: None,
            until_start: false,
            driven_by: None,
        })
    }

    /// Turns a bit over. The protocol has no such request: the bit is read and then written, and what stands below a force is not
    /// told.
    pub(super) async fn toggle(&mut self, place: &str) -> Result<Written, CliError> {
        let address = self.address(place).await?;
        let snapshot = self.client.snapshot(&self.id).await?;
        if memory::is_forced(&snapshot.body, address) {
            return Err(CliError::Failed(format!(
                "{address} is forced, and the engine does not tell what stands underneath; release it, or write it"
            )));
        }
        let CellValue::Bit(on) = memory::value(&snapshot.body, address) else {
            return Err(CliError::Usage(format!("expected a bit such as B:3/1, got {address}")));
        };
        let written = self.write(&address.to_string(), &json!(!on)).await?;
        Ok(Written {
            toggled: Some(!on),
            ..written
        })
    }

    /// A snapshot that shows this value, or else the last one of the time that it may take.
    async fn shown(&mut self, address: Address, value: CellValue) -> Result<Box<Snapshot>, CliError> {
        let until = tokio::time::Instant::now() + memory::SHOWN_MAX;
        loop {
            let snapshot = self.client.snapshot(&self.id).await?;
            let body = &snapshot.body;
            let is_over = tokio::time::Instant::now() >= until;
            if is_over || memory::value(body, address) == value || memory::is_forced(body, address) {
                return Ok(snapshot);
            }
        }
    }

    /// The address that a typed text stands for. The program is asked for only when it is no address.
    async fn address(&mut self, place: &str) -> Result<Address, CliError> {
        let symbols = match Address::parse(place) {
            Ok(_) => Vec::new(),
            Err(_) => self.symbols().await?,
        };
        let found = |name: &str| {
            let symbol = symbols.iter().find(|(symbol, _)| symbol.as_str() == name);
            symbol.map(|(_, address)| *address)
        };
        address(place, &self.row.name, found)
    }

    /// The symbols of the program; none of one that cannot be read here.
    async fn symbols(&mut self) -> Result<Vec<(Symbol, Address)>, CliError> {
        if !self.has_program {
            return Ok(Vec::new());
        }
        let document = self.document().await?;
        let Ok(project) = read_project(&document) else {
            return Ok(Vec::new());
        };
        let symbols = project.program.symbols.into_iter();
        Ok(symbols.map(|symbol| (symbol.name, symbol.address)).collect())
    }
}

/// Whether a command has brought the engine where it leads.
fn is_reached(command: EngineCommand, state: EngineState) -> bool {
    use EngineState::{Paused, Running, Stepping, Stopped};
    match command {
        EngineCommand::Start | EngineCommand::Resume => state == Running,
        EngineCommand::Stop | EngineCommand::Reset => state == Stopped,
        EngineCommand::Pause | EngineCommand::StepScan => state == Paused,
        EngineCommand::StepRung => matches!(state, Stepping | Paused),
    }
}

/// The context of this id or name; the first one without either.
fn chosen(contexts: &[Row], name: Option<&str>) -> Result<Row, CliError> {
    let Some(name) = name else {
        let first = contexts.first().cloned();
        return first.ok_or_else(|| CliError::Failed(String::from("the engine has no contexts")));
    };
    if let Some(row) = contexts.iter().find(|row| row.id == name) {
        return Ok(row.clone());
    }
    let mut called = contexts.iter().filter(|row| row.name == name);
    match (called.next(), called.next()) {
        (Some(row), None) => Ok(row.clone()),
        (Some(_), Some(_)) => Err(CliError::Failed(format!(
            "several contexts of the engine are called {name:?}; give the id of one: {}",
            listed(contexts)
        ))),
        (None, _) => Err(CliError::Failed(format!(
            "the engine has no context {name:?}; it has {}",
            listed(contexts)
        ))),
    }
}

fn listed(contexts: &[Row]) -> String {
    let shown = contexts.iter().map(|row| format!("{:?} (id {})", row.name, row.id));
    shown.collect::<Vec<_>>().join(", ")
}

/// A program in short; one that cannot be read here has no numbers.
fn summary(document: &str) -> Summary {
    match Program::read(document) {
        Ok(program) => Summary {
            rungs: Some(program.compiled.rungs()),
            instructions: Some(program.compiled.instructions()),
            name: program.logic.name.clone(),
        },
        Err(_) => Summary {
            name: String::from("(not readable here)"),
            rungs: None,
            instructions: None,
        },
    }
}

/// What a reply says is wrong or doubtful in a program. 0.1 says it in one text only.
fn told_diagnostics(reply: &ServerReply) -> Option<Vec<DiagnosticRow>> {
    let rows = reply.fields.get("diagnostics")?.as_array()?;
    let number = |row: &Value, name: &str| row[name].as_u64().and_then(|number| u32::try_from(number).ok());
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let told = rows.iter().map(|row| {
        let code = text(row, "code");
        DiagnosticRow {
            severity: String::from(if code.starts_with('W') { "warning" } else { "error" }),
            // The protocol does not say which of them refuses; in a refusal the errors do.
            refuses: !reply.success && !code.starts_with('W'),
            code,
            rung: number(row, "rung"),
            column: number(row, "column"),
            line: number(row, "line"),
            character: number(row, "character"),
            text: text(row, "text"),
        }
    });
    Some(told.collect())
}
