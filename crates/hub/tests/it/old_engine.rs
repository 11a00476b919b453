//! A stand-in for the published engine 0.1.31, written from what that one answers: random ids of contexts, replies of families,
//! no reply to writes, EN and DN in each other's place, documents written anew, inputs that are forgotten with every scan, and
//! commands that are accepted whatever the state. It lives beside a house whose first context is its client.

#![allow(clippy::unwrap_used, reason = "a helper of tests may fail as a test does")]

use crate::house::{House, Wire};
use crosstie_hub::api::plc::{ContextRow, LinkColor, PlcReply, PlcRequest};
use crosstie_hub::api::{Reply, Request};
use crosstie_hub::output::Callee;
use crosstie_hub::plc::{PlcId, Program};
use crosstie_hub::settings::{EndpointSettings, PlcSettings, RemoteSettings, RouteSetting, Settings};
use crosstie_hub::{ConnId, Face, Input};
use crosstie_ladder::address::{Address, Region};
use crosstie_ladder::controller::{Command, Controller, ControllerSettings, ControllerState, Inputs};
use crosstie_ladder::data_table::{CellValue, SlotValue};
use crosstie_ladder::program::Program as Logic;
use crosstie_ladder::project::Project;
use crosstie_wire::piplc::{self, Dialect, SlotCells, SnapshotBody, SnapshotHeader};
use serde_json::{Value as Json, json};
use std::time::Duration;

pub(crate) const PLC: PlcId = PlcId(0);
const STEP: Duration = Duration::from_millis(10);

/// Who has put a program there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Hub,
    SomebodyElse,
}

pub(crate) struct OldEngine {
    pub(crate) controller: Controller,
    pub(crate) document: Option<(String, Owner)>,
    context_id: String,
    sequence: u32,
    is_streaming: bool,
    /// It answers and sends nothing more.
    pub(crate) is_silent: bool,
    pub(crate) version: i64,
    /// What it was asked, by type.
    pub(crate) heard: Vec<String>,
    /// Events and frames that go out next.
    events: Vec<Json>,
}

/// A house with one remote context `far`, and its engine.
pub(crate) struct Site {
    pub(crate) house: House,
    pub(crate) engine: Option<OldEngine>,
    pub(crate) conn: Option<ConnId>,
    dials: usize,
    starts: u32,
    steps: u64,
    /// Somebody downloads through the hub: that may replace whatever is there.
    pub(crate) expects_download: bool,
}

/// As the old engine writes a document.
pub(crate) fn canonical(document: &str) -> String {
    let program = Program::read(document).expect("the tests download what can be read");
    let xml = Project::new(Logic::clone(&program.logic)).write();
    format!("{}<!-- written by the engine -->\n", xml.trim_start_matches('\u{feff}'))
}

impl OldEngine {
    fn new(start: u32) -> OldEngine {
        OldEngine {
            controller: Controller::new(ControllerSettings::default()),
            document: None,
            context_id: format!("ec{start}03e31-a2fa"),
            sequence: 0,
            is_streaming: false,
            is_silent: false,
            version: 1,
            heard: Vec::new(),
            events: Vec::new(),
        }
    }

    fn state(&self) -> &'static str {
        match self.controller.state() {
            ControllerState::Stopped => "stopped",
            ControllerState::Running => "running",
            ControllerState::Paused => "paused",
            ControllerState::Stepping => "stepping",
            ControllerState::Fault => "fault",
        }
    }

    /// Puts a program there, as it came.
    pub(crate) fn load(&mut self, document: &str, owner: Owner) {
        let program = Program::read(document).expect("the tests download what can be read");
        self.controller.load(*program.compiled);
        self.document = Some((canonical(document), owner));
    }

    pub(crate) fn command(&mut self, command: Command) {
        let before = self.controller.state();
        // It accepts everything, and does what it can.
        let _ = self.controller.command(command, &Inputs::default());
        self.tell_state(before);
    }

    fn tell_state(&mut self, before: ControllerState) {
        if self.controller.state() != before {
            let state = self.state();
            self.tell(json!({"type": "event.stateChanged", "state": state}));
        }
    }

    fn tell(&mut self, mut event: Json) {
        event["seq"] = json!(0);
        event["contextId"] = json!(self.context_id);
        self.events.push(event);
    }

    pub(crate) fn force(&mut self, address: &str, value: bool) {
        let address = Address::parse(address).unwrap();
        self.controller.force(address, CellValue::Bit(value)).unwrap();
    }

    pub(crate) fn read(&self, address: &str) -> CellValue {
        self.controller.table().read(Address::parse(address).unwrap()).unwrap()
    }

    fn hear(&mut self, request: &Json, may_replace: bool) -> Option<Json> {
        let kind = request["type"].as_str().unwrap().to_owned();
        self.heard.push(kind.clone());
        let seq = request["seq"].clone();
        let done =
            |family: &str| Some(json!({"type": family, "seq": seq, "success": true, "contextId": self.context_id}));
        let row =
            json!({"id": self.context_id, "name": "Z", "state": self.state(), "hasProgram": self.document.is_some()});
        match kind.as_str() {
            "hello" => Some(
                json!({"type": "hello.reply", "seq": seq, "protocolVersion": self.version, "engineName": "Z",
                "engineState": self.state(), "contexts": [row], "ioProviderName": "Virtual I/O"}),
            ),
            _ if kind != "pong" && request["contextId"] != self.context_id.as_str() => {
                Some(json!({"type": "engine.reply", "seq": seq, "success": false, "error": "Unknown context"}))
            }
            "engine.state" => Some(json!({"type": "engine.state.reply", "seq": seq, "state": self.state()})),
            "engine.info" => Some(
                json!({"type": "engine.info.reply", "seq": seq, "name": "Z", "state": self.state(),
                "hasProgram": self.document.is_some(), "ioProvider": "Virtual I/O", "scanTimeMs": 10}),
            ),
            "engine.statistics" => {
                let scans = self.controller.statistics().scan_count;
                Some(json!({"type": "engine.statistics.reply", "seq": seq, "scanCount": scans}))
            }
            "memory.subscribe" => {
                (self.is_streaming, self.sequence) = (true, 0);
                Some(json!({"type": "memory.stream.reply", "seq": seq, "success": true, "intervalMs": 50}))
            }
            "program.upload" => Some(match &self.document {
                Some((document, _)) => {
                    json!({"type": "program.reply", "seq": seq, "success": true, "projectXml": document})
                }
                None => json!({"type": "program.reply", "seq": seq, "success": false, "error": "No program loaded"}),
            }),
            "program.download" => {
                let document = request["projectXml"].as_str().unwrap().to_owned();
                let foreign = matches!(self.document, Some((_, Owner::SomebodyElse)));
                if !may_replace {
                    assert!(!foreign, "the program of somebody else is overwritten");
                    assert_eq!(
                        self.controller.state(),
                        ControllerState::Stopped,
                        "put back while it runs"
                    );
                }
                let (reply, before) = (done("program.reply"), self.controller.state());
                self.load(&document, Owner::Hub);
                self.tell_state(before);
                reply
            }
            "program.clear" => {
                let (reply, before) = (done("program.reply"), self.controller.state());
                self.controller.clear_program();
                self.document = None;
                self.tell_state(before);
                reply
            }
            "engine.start" | "engine.stop" | "engine.pause" | "engine.resume" | "engine.stepScan" | "engine.reset" => {
                let reply = done("engine.reply");
                self.command(match kind.as_str() {
                    "engine.start" => Command::Start,
                    "engine.stop" => Command::Stop,
                    "engine.pause" => Command::Pause,
                    "engine.resume" => Command::Resume,
                    "engine.stepScan" => Command::StepScan,
                    _ => Command::Reset,
                });
                reply
            }
            "memory.forceBit" | "memory.unforceBit" => {
                let address = cell(request);
                match request["value"].as_bool() {
                    Some(value) => self.controller.force(address, CellValue::Bit(value)).unwrap(),
                    None => self.controller.unforce(address).unwrap(),
                }
                done("memory.reply")
            }
            "memory.clearAllForces" => {
                self.controller.clear_forces();
                done("memory.reply")
            }
            "memory.writeBit" => {
                let value = CellValue::Bit(request["value"].as_bool().unwrap());
                self.controller.write(cell(request), value).unwrap();
                None
            }
            "memory.writeInteger" => {
                assert_eq!(request["region"], "N", "only words of N are taken");
                let address = Address::parse(&format!("N:{}", request["word"])).unwrap();
                let value = CellValue::Word(request["value"].as_i64().unwrap() as i32);
                self.controller.write(address, value).unwrap();
                None
            }
            "memory.writeTimer" => {
                for (member, field) in [("PRE", "pre"), ("ACC", "acc")] {
                    let address = Address::parse(&format!("T:{}.{member}", request["index"])).unwrap();
                    let value = request[field].as_i64().unwrap_or(0) as i32;
                    self.controller.write(address, CellValue::Word(value)).unwrap();
                }
                None
            }
            "breakpoint.set" | "breakpoint.remove" | "breakpoint.clearAll" => done("breakpoint.reply"),
            _ => None,
        }
    }

    fn scan(&mut self) {
        if self.controller.state() != ControllerState::Running {
            return;
        }
        self.controller.scan(&Inputs::default(), 10_000);
        for word in 0..8 {
            let address = Address::Word {
                region: Region::Input,
                word,
            };
            self.controller.write(address, CellValue::Word(0)).unwrap();
        }
        let scans = self.controller.statistics().scan_count;
        self.tell(
            json!({"type": "event.scanStats", "scanCount": scans, "lastScanTimeUs": 50, "minScanTimeUs": 40,
            "maxScanTimeUs": 60, "avgScanTimeUs": 50, "overrunCount": 0, "targetScanTimeUs": 10_000}),
        );
    }

    fn frame(&mut self) -> Vec<u8> {
        let table = self.controller.table();
        let mut body = SnapshotBody::default();
        body.inputs.copy_from_slice(table.region(Region::Input));
        body.outputs.copy_from_slice(table.region(Region::Output));
        body.bits.copy_from_slice(table.region(Region::Bits));
        for (cell, word) in body.integers.iter_mut().zip(table.region(Region::Integer)) {
            *cell = *word as i32;
        }
        let slot = |value: SlotValue| SlotCells {
            pre: value.preset,
            acc: value.accumulated,
            flags: value.flags,
        };
        body.timers
            .iter_mut()
            .zip(table.timers())
            .for_each(|(to, from)| *to = slot(from));
        body.counters
            .iter_mut()
            .zip(table.counters())
            .for_each(|(to, from)| *to = slot(from));
        body.forces[..8].copy_from_slice(table.force_mask(Region::Input));
        body.forces[8..16].copy_from_slice(table.force_mask(Region::Output));
        body.forces[16..].copy_from_slice(table.force_mask(Region::Bits));
        let header = SnapshotHeader {
            sequence: self.sequence,
            timestamp_ms: 0,
            state: self.controller.state() as u8,
            context_index: 0,
        };
        self.sequence += 1;
        let mut frame = Vec::new();
        piplc::write_snapshot(&mut frame, &header, &body, Dialect::V01);
        frame
    }
}

fn cell(request: &Json) -> Address {
    let region = request["region"].as_str().unwrap();
    Address::parse(&format!("{region}:{}/{}", request["word"], request["bit"])).unwrap()
}

impl Site {
    /// The hub and its engine, connected.
    pub(crate) fn new(endpoint: EndpointSettings, routes: &[(&str, &str)]) -> Site {
        let mut site = Site::begun(endpoint, routes);
        site.run_for(200);
        assert_eq!(site.color(), (LinkColor::Green, None));
        site
    }

    /// The same, not connected yet.
    pub(crate) fn begun(endpoint: EndpointSettings, routes: &[(&str, &str)]) -> Site {
        let far = PlcSettings {
            remote: Some(RemoteSettings {
                url: "ws://192.0.2.7:9100/".into(),
                context: None,
            }),
            ..PlcSettings::named("far")
        };
        let house = House::with(Settings {
            endpoints: vec![endpoint],
            plcs: vec![far],
            routes: routes.iter().map(|(from, to)| RouteSetting::plain(from, to)).collect(),
            ..Settings::default()
        });
        Site {
            house,
            engine: Some(OldEngine::new(1)),
            conn: None,
            dials: 0,
            starts: 1,
            steps: 0,
            expects_download: false,
        }
    }

    pub(crate) fn engine(&mut self) -> &mut OldEngine {
        self.engine.as_mut().expect("the engine of the test runs")
    }

    /// The connection is cut; the engine goes on.
    pub(crate) fn cut(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.house.disconnect(conn);
        }
        if let Some(engine) = &mut self.engine {
            (engine.is_streaming, engine.is_silent) = (false, false);
            engine.events.clear();
        }
    }

    /// The engine ends.
    pub(crate) fn end(&mut self) {
        self.cut();
        self.engine = None;
    }

    /// An engine begins anew: without a program, and its contexts have other ids.
    pub(crate) fn restart(&mut self) {
        self.end();
        self.starts += 1;
        self.engine = Some(OldEngine::new(self.starts));
    }

    /// So many milliseconds for all of them.
    pub(crate) fn run_for(&mut self, millis: u64) {
        for _ in 0..millis.div_ceil(10) {
            self.exchange();
            self.house.run_for(STEP);
            self.steps += 1;
            let is_due = self.steps.is_multiple_of(5);
            let Some(engine) = &mut self.engine else { continue };
            engine.scan();
            let events = std::mem::take(&mut engine.events);
            let Some(conn) = self.conn.filter(|_| !engine.is_silent) else {
                continue;
            };
            let frame = (engine.is_streaming && is_due).then(|| engine.frame());
            for event in events {
                self.house.say_text(conn, event.to_string());
            }
            self.house.run_for(Duration::from_micros(500));
            if let Some(frame) = frame {
                self.send(conn, frame);
            }
        }
        self.exchange();
    }

    pub(crate) fn send(&mut self, conn: ConnId, frame: Vec<u8>) {
        let bytes = frame.len() as u32;
        let frame = frame.into();
        self.house.give(Input::Snapshot { conn, frame, bytes });
    }

    fn exchange(&mut self) {
        if let Some(conn) = self.conn {
            if self.house.peer(conn).closed.is_some() {
                self.house.peers.remove(&conn);
                self.conn = None;
                if let Some(engine) = &mut self.engine {
                    engine.is_streaming = false;
                    engine.is_silent = false;
                }
            } else {
                let inbox = std::mem::take(&mut self.house.peer(conn).inbox);
                for request in inbox {
                    let Some(engine) = &mut self.engine else { break };
                    if engine.is_silent {
                        continue;
                    }
                    let reply = engine.hear(&request, self.expects_download);
                    if let Some(reply) = reply {
                        self.house.say_text(conn, reply.to_string());
                    }
                }
            }
        }
        while self.dials < self.house.engine_dials.len() {
            let (plc, dial) = self.house.engine_dials[self.dials];
            self.dials += 1;
            if self.engine.is_none() {
                let reason = String::from("connection refused");
                let callee = Callee::Engine(plc);
                self.house.give(Input::DialFailed { callee, dial, reason });
                continue;
            }
            self.conn = Some(self.house.connect_as(Face::Engine(plc), Wire::default()));
        }
    }

    // Asking the hub.

    /// Asks, and lets the engine answer.
    pub(crate) fn ask(&mut self, request: PlcRequest) -> Result<PlcReply, String> {
        let ticket = self.house.ask_later(Request::Plc(request));
        self.run_for(100);
        match self.house.reply(ticket) {
            Some(Reply::Plc(reply)) => Ok(reply),
            Some(Reply::Refused(refused)) => Err(refused.to_string()),
            None => Err(String::from("not answered yet")),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn order(&mut self, command: Command) -> Result<PlcReply, String> {
        let context = String::from("far");
        self.ask(PlcRequest::Command { context, command })
    }

    /// Somebody downloads a program through the hub.
    pub(crate) fn download(&mut self, text: &str) -> Result<PlcReply, String> {
        self.expects_download = true;
        let (context, program) = (String::from("far"), crate::plc_signals::program(text));
        let reply = self.ask(PlcRequest::Download { context, program });
        self.expects_download = false;
        reply
    }

    pub(crate) fn row(&mut self) -> ContextRow {
        let context = String::from("far");
        match self.house.ask(Request::Plc(PlcRequest::Context { context })) {
            Reply::Plc(PlcReply::Context(row, _)) => *row,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn color(&mut self) -> (LinkColor, Option<String>) {
        let link = self.row().link.expect("the engine is elsewhere");
        (link.color, link.reason)
    }

    /// What problems there are, by their ids.
    pub(crate) fn problems(&mut self) -> Vec<String> {
        match self.house.ask(Request::Health) {
            Reply::Health(health) => health.problems.into_iter().map(|problem| problem.id).collect(),
            other => panic!("{other:?}"),
        }
    }
}
