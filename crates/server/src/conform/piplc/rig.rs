//! What one run knows about the server under test, and the means that its checks share.
//!
//! A check that changes something makes a context of its own, which is removed behind it, so that the contexts of a plant go on
//! undisturbed. Routes of others stay in the table while a check tries its own, and stand alone in it afterwards.

use super::PiplcOptions;
use super::frame::Frame;
use super::peer::{Peer, target};
use super::program::document;
use crate::conform::message::{Message, Transcript};
use crate::conform::peer::Pace;
use crate::conform::rig::{Stop, ensure};
use crosstie_wire::piplc::Dialect;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::Instant;

/// The shortest interval of a stream, in milliseconds (PL-15).
pub(super) const INTERVAL_MS_MIN: u32 = 10;
/// Pause between two looks at a state that is to come.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// One run of the suite.
pub(crate) struct Rig {
    /// Address of the server under test.
    pub(super) url: String,
    /// How long an expected message may take.
    pub(super) limit: Duration,
    /// The dialect that the peers speak.
    pub(super) dialect: Dialect,
    /// What went both ways in the running check.
    pub(super) transcript: Transcript,
    /// The answer to the first hello.
    pub(super) hello: Map<String, Value>,
    /// The dialect that was asked for.
    asked: Option<Dialect>,
    writes: bool,
    pub(super) slow: bool,
    /// Contexts that are to be removed after the check.
    made: Vec<String>,
    names: u32,
    /// The route table as it was found, while a check has another one.
    routes: Option<Value>,
}

/// A context of the suite's own, with the client that steers it.
pub(super) struct Plc {
    pub(super) peer: Peer,
    /// Id of the context.
    pub(super) id: String,
}

impl Rig {
    /// A rig that has learnt nothing yet.
    pub(super) fn new(url: &str, options: &PiplcOptions) -> Rig {
        Rig {
            url: url.to_owned(),
            limit: options.limit,
            dialect: options.dialect.unwrap_or_default(),
            transcript: Transcript::default(),
            hello: Map::new(),
            asked: options.dialect,
            writes: options.write,
            slow: options.slow,
            made: Vec::new(),
            names: 0,
            routes: None,
        }
    }

    /// Says the first hello. A server whose answer names no version, or one below 0.2, is spoken to in dialect 0.1 from then on.
    pub(super) async fn learn(&mut self) -> Result<(), Stop> {
        let mut peer = self.stranger("first").await?;
        let version = match self.dialect {
            Dialect::V02 => "0.2.0",
            Dialect::V01 => "0.1.31",
        };
        let hello = json!({"protocolVersion": 1, "clientName": "conform", "clientVersion": version});
        let reply = peer.ask("hello", None, &hello).await?;
        ensure(
            reply.body.get("protocolVersion") == Some(&json!(1)),
            "hello is answered with protocolVersion 1",
            &reply.text,
        )?;
        let theirs = match reply.body.get("serverVersion").and_then(Value::as_str) {
            Some(version) => Dialect::of_client_version(version),
            None => Dialect::V01,
        };
        self.dialect = self.asked.unwrap_or(theirs);
        self.hello = reply.body;
        Ok(())
    }

    /// A connected client that has said nothing.
    pub(super) async fn stranger(&self, label: &'static str) -> Result<Peer, Stop> {
        let how = (label, Pace::Usual, self.dialect);
        Peer::connect(&self.url, how, self.limit, &self.transcript).await
    }

    /// A client that has said hello.
    pub(super) async fn client(&self, label: &'static str) -> Result<Peer, Stop> {
        self.client_at(label, Pace::Usual, self.dialect).await
    }

    /// The same with a choice of buffers and dialect.
    pub(super) async fn client_at(&self, label: &'static str, pace: Pace, dialect: Dialect) -> Result<Peer, Stop> {
        let mut peer = Peer::connect(&self.url, (label, pace, dialect), self.limit, &self.transcript).await?;
        peer.hello().await?;
        Ok(peer)
    }

    /// Id of the first context of the list.
    pub(super) fn first_context(&self) -> Result<String, Stop> {
        let contexts = self.hello.get("contexts").and_then(Value::as_array);
        let first = contexts.and_then(|contexts| contexts.first());
        let id = first.and_then(|first| first.get("id")).and_then(Value::as_str);
        id.map(str::to_owned)
            .ok_or_else(|| Stop::skipped("the server has no context"))
    }

    /// Skips the check unless the run may change something.
    pub(super) fn may_write(&self) -> Result<(), Stop> {
        match self.writes {
            true => Ok(()),
            false => Err(Stop::skipped("it changes something: ask for it with --write")),
        }
    }

    /// A context of the suite's own, Stopped and without a program.
    pub(super) async fn bare_plc(&mut self, label: &'static str) -> Result<Plc, Stop> {
        self.may_write()?;
        let mut peer = self.client(label).await?;
        let id = self.context(&mut peer).await?;
        Ok(Plc { peer, id })
    }

    /// A context of the suite's own, Stopped, with a program of these rungs.
    pub(super) async fn plc(&mut self, rungs: &[String]) -> Result<Plc, Stop> {
        let mut plc = self.bare_plc("operator").await?;
        plc.load(rungs).await?;
        Ok(plc)
    }

    /// Makes a context; it is removed after the check.
    pub(super) async fn context(&mut self, peer: &mut Peer) -> Result<String, Stop> {
        self.may_write()?;
        let name = self.fresh_name();
        let reply = peer.ask("context.create", None, &json!({"name": name})).await?;
        match reply.body.get("contextId").and_then(Value::as_str) {
            Some(id) if reply.body.get("success") == Some(&json!(true)) => {
                self.made.push(id.to_owned());
                Ok(id.to_owned())
            }
            _ => Err(Stop::skipped(format!(
                "the server makes no context for the check: {}",
                reply.body.get("error").and_then(Value::as_str).unwrap_or(&reply.text)
            ))),
        }
    }

    /// A name that no context of this run had.
    pub(super) fn fresh_name(&mut self) -> String {
        self.names += 1;
        format!("conform {}", self.names)
    }

    /// Remembers a context that a check has made by itself.
    pub(super) fn made(&mut self, id: &str) {
        self.made.push(id.to_owned());
    }

    /// Puts routes behind those that are in the table; the table is put back after the check. Gives the reply.
    pub(super) async fn sync(&mut self, peer: &mut Peer, routes: &[Value]) -> Result<Message, Stop> {
        self.may_write()?;
        if self.routes.is_none() {
            let listed = peer.done("route.list", None, &Value::Null).await?;
            let is_on = listed.body.get("enabled") == Some(&json!(true));
            let found = listed.body.get("routes").cloned().unwrap_or_else(|| json!([]));
            if !is_on && found != json!([]) {
                return Err(Stop::skipped(
                    "the route table of the server is switched off and not empty",
                ));
            }
            self.routes = Some(json!({"enabled": is_on, "routes": found}));
        }
        let mut all = self.found_routes().to_vec();
        all.extend_from_slice(routes);
        peer.done("route.sync", None, &json!({"enabled": true, "routes": all}))
            .await
    }

    /// The routes of others.
    pub(super) fn found_routes(&self) -> &[Value] {
        let routes = self.routes.as_ref().and_then(|found| found.get("routes"));
        routes.and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Puts the server back as it was found before the check. A server that does not let itself be put back has been told on, or
    /// will be, by the checks of the requests that do it.
    pub(super) async fn tidy(&mut self) {
        let made = std::mem::take(&mut self.made);
        let routes = self.routes.take();
        if made.is_empty() && routes.is_none() {
            return;
        }
        let tidied = async {
            let how = ("tidier", Pace::Usual, self.dialect);
            let mut peer = Peer::connect(&self.url, how, self.limit, &Transcript::default()).await?;
            peer.hello().await?;
            if let Some(routes) = &routes {
                peer.ask("route.sync", None, routes).await?;
            }
            for id in &made {
                peer.ask("engine.stop", Some(id), &Value::Null).await?;
                peer.ask("context.remove", Some(id), &Value::Null).await?;
            }
            Ok::<(), Stop>(())
        };
        if let Err(Stop::Failed { got, .. }) = tidied.await {
            tracing::warn!(got, "the server could not be put back as it was found");
        }
    }
}

impl Plc {
    /// A request about this context that must be done.
    pub(super) async fn done(&mut self, kind: &str, fields: &Value) -> Result<Message, Stop> {
        self.peer.done(kind, Some(&self.id), fields).await
    }

    /// A request about this context that must be refused; gives the reason.
    pub(super) async fn refused(&mut self, kind: &str, fields: &Value) -> Result<String, Stop> {
        self.peer.refused(kind, Some(&self.id), fields).await
    }

    /// An engine command such as `start` that must be done.
    pub(super) async fn command(&mut self, command: &str) -> Result<Message, Stop> {
        self.done(&format!("engine.{command}"), &Value::Null).await
    }

    /// An engine command, and then the state that it leads to.
    pub(super) async fn command_to(&mut self, command: &str, state: &str) -> Result<(), Stop> {
        self.command(command).await?;
        self.until_state(state).await
    }

    /// One scan.
    pub(super) async fn step(&mut self) -> Result<(), Stop> {
        let from = self.peer.log().len();
        self.command("stepScan").await?;
        if self.peer.dialect() == Dialect::V01 {
            // compat: PL-9, the published engine answers before it steps; statistics are told behind every step.
            self.peer.event("event.scanStats", &self.id, from).await?;
        }
        Ok(())
    }

    /// The state, as the server spells it.
    pub(super) async fn state(&mut self) -> Result<String, Stop> {
        let reply = self.done("engine.state", &Value::Null).await?;
        let state = reply.body.get("state").and_then(Value::as_str);
        state
            .map(str::to_owned)
            .ok_or_else(|| Stop::failed("engine.state tells the state", &reply.text))
    }

    /// Asks until the engine is in a state, in whatever case it is spelled.
    pub(super) async fn until_state(&mut self, state: &str) -> Result<(), Stop> {
        let deadline = Instant::now() + self.peer.limit();
        loop {
            let last = self.state().await?;
            if last.eq_ignore_ascii_case(state) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(Stop::failed(format!("the engine becomes {state}"), last));
            }
            self.peer.listen(LOOK_EVERY).await?;
        }
    }

    /// The memory as it is: the first frame of a new stream, which ends at once.
    pub(super) async fn peek(&mut self) -> Result<Frame, Stop> {
        self.done("memory.subscribe", &json!({"intervalMs": INTERVAL_MS_MIN}))
            .await?;
        let frame = self.peer.frame().await?;
        self.done("memory.unsubscribe", &Value::Null).await?;
        Ok(frame)
    }

    /// Downloads a program of these rungs.
    pub(super) async fn load(&mut self, rungs: &[String]) -> Result<Message, Stop> {
        let fields = download_fields(self.peer.dialect(), &document(rungs));
        self.done("program.download", &fields).await
    }

    /// Writes a bit.
    pub(super) async fn set(&mut self, address: &str, on: bool) -> Result<(), Stop> {
        let fields = with(target(self.peer.dialect(), address), "value", on);
        self.peer.write("memory.writeBit", &self.id, &fields).await
    }

    /// Writes an integer.
    pub(super) async fn put(&mut self, address: &str, value: i64) -> Result<(), Stop> {
        let fields = with(target(self.peer.dialect(), address), "value", value);
        self.peer.write("memory.writeInteger", &self.id, &fields).await
    }

    /// Forces a bit.
    pub(super) async fn force(&mut self, address: &str, on: bool) -> Result<(), Stop> {
        let fields = with(target(self.peer.dialect(), address), "value", on);
        self.done("memory.forceBit", &fields).await.map(drop)
    }

    /// Ends the force of a bit.
    pub(super) async fn unforce(&mut self, address: &str) -> Result<(), Stop> {
        let fields = Value::Object(target(self.peer.dialect(), address));
        self.done("memory.unforceBit", &fields).await.map(drop)
    }

    /// Writes members of a timer or counter, named by its index.
    pub(super) async fn put_slot(&mut self, kind: &str, fields: Value) -> Result<(), Stop> {
        self.peer.write(kind, &self.id, &fields).await
    }

    /// A number of the reply to `engine.statistics`.
    pub(super) async fn statistic(&mut self, name: &str) -> Result<u64, Stop> {
        let reply = self.done("engine.statistics", &Value::Null).await?;
        let number = reply.body.get(name).and_then(Value::as_u64);
        number.ok_or_else(|| Stop::failed(format!("engine.statistics tells `{name}`"), &reply.text))
    }

    /// The target scan time in whole milliseconds, which a step gives to timers.
    pub(super) async fn scan_time_ms(&mut self) -> Result<i16, Stop> {
        let reply = self.done("engine.info", &Value::Null).await?;
        let time = reply.body.get("scanTimeMs").and_then(Value::as_f64).unwrap_or(0.0);
        let whole = time.fract() == 0.0 && (1.0..=1000.0).contains(&time);
        match whole {
            true => Ok(time as i16),
            false => Err(Stop::skipped(format!(
                "a scan takes {time} ms, and the check counts in whole ones"
            ))),
        }
    }
}

/// The fields of a download as a server of the dialect reads them (PL-11).
pub(super) fn download_fields(dialect: Dialect, document: &str) -> Value {
    match dialect {
        Dialect::V02 => json!({"format": "plcproj-xml", "data": document}),
        Dialect::V01 => json!({"projectXml": document}),
    }
}

/// Fields and one more.
pub(super) fn with(mut fields: Map<String, Value>, name: &str, value: impl Into<Value>) -> Value {
    fields.insert(name.to_owned(), value.into());
    Value::Object(fields)
}
