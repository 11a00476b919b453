//! What an engine answers and tells.

use super::memory::controller_state;
use super::state::{Done, What};
use crate::hub::Hub;
use crate::input::{ConnId, Uploaded};
use crate::output::Level;
use crate::plc::PlcId;
use crate::plc::entry::Entry;
use crate::plc::orders::OrderError;
use crosstie_ladder::controller::{Event as Happened, ScanStatistics, ScanTime};
use crosstie_wire::DecodeError;
use crosstie_wire::piplc::{
    Dialect, Event, Request, SEQ_NONE, STREAM_INTERVAL_MS_DEFAULT, ScanStats, ServerMessage, ServerReply, VERSION,
};
use serde_json::Value as Json;
use std::time::Duration;

/// Contexts that are named when the one that is meant is missing; the others are counted.
const NAMES_TOLD: usize = 8;

/// Characters of the names that an engine gives itself; the rest is left out.
const SERVER_LEN_MAX: usize = 200;

impl Hub {
    /// One text of an engine.
    pub(crate) fn engine_message(
        &mut self,
        conn: ConnId,
        plc: PlcId,
        message: Result<ServerMessage, DecodeError>,
        uploaded: Option<Uploaded>,
    ) {
        if !self.is_engine_at(plc, conn) {
            return;
        }
        match message {
            Ok(ServerMessage::Reply(reply)) => self.engine_reply(plc, &reply, uploaded),
            Ok(ServerMessage::Event { context_id, event }) => self.engine_event(plc, context_id.as_deref(), event),
            Ok(ServerMessage::Unknown { type_name }) => {
                let Some(client) = self.clients.get_mut(&conn) else {
                    return;
                };
                client.counters.ignored.unknown_type += 1;
                if !std::mem::replace(&mut client.said.unknown_type, true) {
                    let text = format!("ignored a message of the unknown type '{type_name}'");
                    self.log(Level::Warn, Some(conn), text);
                }
            }
            Err(error) => self.engine_failed(plc, &format!("no PiPLC engine: {error}")),
        }
        self.engine_moved(plc);
    }

    fn engine_reply(&mut self, plc: PlcId, reply: &ServerReply, uploaded: Option<Uploaded>) {
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        let Some(what) = client.take_pending(reply.seq) else {
            // compat: a server of the old generation refuses what came before its hello without a number.
            let is_feed = reply.seq == super::FEED_SEQ || reply.seq == SEQ_NONE;
            if let (true, false, Some(error)) = (is_feed, reply.success, &reply.error) {
                let text = format!("the engine refuses the value of a route: {error}");
                self.engine_takes_no_feed(plc, text);
            }
            return;
        };
        match what {
            What::Hello => self.engine_greets(plc, reply),
            What::Subscribe => self.engine_streams(plc, reply),
            What::Upload { follows } => self.engine_uploaded(plc, follows, reply, uploaded),
            What::Info { error } => self.engine_has_none(plc, &error, reply),
            What::About => self.engine_says_about(plc, reply),
            What::Statistics => self.engine_statistics(plc, &scan_stats(reply)),
            What::PutBack => self.engine_took_back(plc, reply),
            What::Command { number, state_seq } => {
                if !reply.success {
                    client.take_pending(state_seq);
                    self.plc_answer(number, Err(refused(reply)));
                }
            }
            What::Order { number, done } => self.engine_answers(plc, number, done, reply),
        }
    }

    fn engine_answers(&mut self, plc: PlcId, number: u64, done: Done, reply: &ServerReply) {
        self.plc_is_back(plc);
        if let Some(state) = reply.state {
            self.engine_state_told(plc, controller_state(state));
        }
        if !reply.success {
            self.plc_answer(number, Err(refused(reply)));
            return;
        }
        let is_loaded = done == Done::Loaded;
        if is_loaded
            && let Some((program, by)) = self.plcs.waiting_program(number)
            && let Some(client) = self.engine_clients.get_mut(&plc)
        {
            client.placed(program, by);
        }
        self.engine_did(plc, done);
        self.plc_answer(number, Ok(()));
        if is_loaded {
            self.feed_again(plc);
        }
    }

    /// The answer to the hello: who it is, and whether the context is there.
    fn engine_greets(&mut self, plc: PlcId, reply: &ServerReply) {
        let text = |name| reply.fields.get(name).and_then(Json::as_str);
        if &*reply.type_name != "hello.reply" || !reply.success {
            let error = reply.error.as_deref().unwrap_or("hello is answered by something else");
            self.engine_failed(plc, &format!("no PiPLC engine: {error}"));
            return;
        }
        match reply.fields.get("protocolVersion").and_then(Json::as_i64) {
            Some(VERSION) => {}
            Some(other) => {
                let text =
                    format!("the engine speaks version {other} of the protocol, and version {VERSION} was expected");
                return self.engine_failed(plc, &text);
            }
            None => return self.engine_failed(plc, "no PiPLC engine: hello is answered without a protocolVersion"),
        }
        if text("engineId") == Some(self.piplc.settings.engine_id.as_str()) {
            return self.engine_failed(plc, "the engine is this hub itself: name the address of another one");
        }
        // compat: PL-9, the old generation does not tell its version.
        let dialect = text("serverVersion").map_or(Dialect::V01, Dialect::of_client_version);
        let server = match (text("serverName"), text("serverVersion")) {
            (Some(name), Some(version)) => format!("{name} {version}"),
            (Some(name), None) => name.to_owned(),
            (None, _) => String::from("PiPLC Engine 0.1"),
        };
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        client.greeted(dialect);
        client.server = Some(server.chars().take(SERVER_LEN_MAX).collect());
        if let Some(provider) = text("ioProviderName") {
            client.provider = Some(provider.chars().take(SERVER_LEN_MAX).collect());
        }
        let found = context_of(reply, client.settings.context.as_deref());
        match found {
            Ok(id) => {
                client.context = Some(id.into());
                let interval_ms = Some(i64::from(STREAM_INTERVAL_MS_DEFAULT));
                self.engine_ask(plc, What::Subscribe, &Request::Subscribe { interval_ms });
            }
            Err(error) => self.engine_failed(plc, &error),
        }
    }

    fn engine_streams(&mut self, plc: PlcId, reply: &ServerReply) {
        if !reply.success {
            let error = reply.error.as_deref().unwrap_or("without a reason");
            return self.engine_failed(plc, &format!("the engine refuses its memory: {error}"));
        }
        let interval = reply.fields.get("intervalMs").and_then(Json::as_u64);
        if let (Some(interval), Some(client)) = (interval, self.engine_clients.get_mut(&plc)) {
            client.interval = Duration::from_millis(interval);
        }
    }

    fn engine_says_about(&mut self, plc: PlcId, reply: &ServerReply) {
        let text = |name| reply.fields.get(name).and_then(Json::as_str);
        let provider = text("ioProviderName").or_else(|| text("ioProvider"));
        let scan_ms = reply.fields.get("scanTimeMs").and_then(Json::as_f64);
        if let (Some(provider), Some(client)) = (provider, self.engine_clients.get_mut(&plc)) {
            client.provider = Some(provider.to_owned());
        }
        if let Some(ms) = scan_ms {
            // The cast saturates; what is out of range is no scan time.
            self.engine_scans_every(plc, (ms * 1e3) as u64);
        }
    }

    fn engine_scans_every(&mut self, plc: PlcId, us: u64) {
        let scan = u32::try_from(us).ok().and_then(ScanTime::from_us);
        if let (Some(scan), Some(context)) = (scan, self.plcs.get_mut(plc)) {
            context.settings.controller.target_scan = scan;
        }
    }

    /// How scans went. A count that falls is that of another program, or of a reset.
    fn engine_statistics(&mut self, plc: PlcId, told: &ScanStats) {
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        let before = std::mem::replace(&mut client.scans, told.scan_count);
        if told.scan_count < before {
            self.engine_wants_program(plc);
        }
        self.engine_scans_every(plc, told.target_scan_time_us);
        let statistics = ScanStatistics::told(
            told.scan_count,
            [
                told.last_scan_time_us,
                told.min_scan_time_us,
                told.max_scan_time_us,
                told.avg_scan_time_us,
            ],
            told.overrun_count,
        );
        self.plc_tells(plc, vec![Entry::Statistics(statistics)]);
    }

    fn engine_event(&mut self, plc: PlcId, context_id: Option<&str>, event: Event) {
        let Some(client) = self.engine_clients.get_mut(&plc) else {
            return;
        };
        let is_other = context_id.is_some_and(|id| client.context.as_deref() != Some(id));
        match event {
            Event::Ping => self.engine_send(plc, SEQ_NONE, &Request::Pong),
            Event::Disconnecting { reason } => {
                self.engine_failed(plc, &format!("the engine ends the connection: {reason}"));
            }
            _ if is_other || !client.is_up() => {}
            Event::StateChanged { state } => self.engine_state_told(plc, controller_state(state)),
            Event::Fault {
                message,
                rung_index,
                column,
            } => self.plc_fault_told(plc, &message, rung_index, column),
            Event::BreakpointHit { rung_index } => {
                client.next_rung = Some(rung_index);
                let rung = rung_index as usize;
                self.plc_tells(plc, vec![Entry::Event(Happened::BreakpointHit { rung })]);
            }
            Event::ScanStats(told) => self.engine_statistics(plc, &told),
            // Its routes are its own.
            Event::RoutesChanged { .. } => {}
        }
    }
}

/// Why an engine has not done what it was asked.
fn refused(reply: &ServerReply) -> OrderError {
    let error = reply.error.as_deref().unwrap_or("without a reason");
    OrderError::Remote(format!("the engine refuses: {error}"))
}

fn scan_stats(reply: &ServerReply) -> ScanStats {
    let number = |name| reply.fields.get(name).and_then(Json::as_u64).unwrap_or(0);
    ScanStats {
        scan_count: number("scanCount"),
        last_scan_time_us: number("lastScanTimeUs"),
        min_scan_time_us: number("minScanTimeUs"),
        max_scan_time_us: number("maxScanTimeUs"),
        avg_scan_time_us: number("avgScanTimeUs"),
        overrun_count: number("overrunCount"),
        target_scan_time_us: number("targetScanTimeUs"),
    }
}

/// Id of the context of this id or name in the answer to a hello; the first without one.
fn context_of(reply: &ServerReply, wanted: Option<&str>) -> Result<String, String> {
    let rows: &[Json] = match reply.fields.get("contexts") {
        Some(Json::Array(rows)) => rows,
        _ => &[],
    };
    let named = |row: &Json| Some((row["id"].as_str()?.to_owned(), row["name"].as_str()?.to_owned()));
    let contexts: Vec<(String, String)> = rows.iter().filter_map(named).collect();
    let Some(wanted) = wanted else {
        let first = contexts.into_iter().next();
        return first.map(|(id, _)| id).ok_or(String::from("the engine has no context"));
    };
    let by_id = contexts.iter().find(|(id, _)| id == wanted);
    let found = by_id.or_else(|| contexts.iter().find(|(_, name)| name == wanted));
    if let Some((id, _)) = found {
        return Ok(id.clone());
    }
    let told: Vec<&str> = contexts
        .iter()
        .take(NAMES_TOLD)
        .map(|(_, name)| name.as_str())
        .collect();
    let more = match contexts.len().saturating_sub(NAMES_TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(format!(
        "the engine has no context '{wanted}'; it has {}{more}",
        told.join(", ")
    ))
}
