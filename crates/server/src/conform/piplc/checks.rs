//! The table of checks. Each is a small function over a context and a few clients; the files beside are the families.

mod contexts;
mod engine;
mod events;
mod logic;
mod memory;
mod program;
mod session;
mod streams;

use super::rig::Rig;
use crate::conform::checks::{Entry, checks};

/// Comes before all others: what it learns is what they work with.
pub(super) const REACHED: Entry<Rig> = Entry {
    id: "PL-1.reached",
    claim: "PL-1",
    title: "the server is reached and answers hello with protocolVersion 1",
    run: |rig| Box::pin(rig.learn()),
};

/// Every check but the first, in the order in which they run: the session, queries, streams, contexts, programs, memory, states,
/// instructions.
pub(super) const CHECKS: &[Entry<Rig>] = checks! {
    "PL-2.first" "PL-2" "anything before hello is refused" session::before_hello;
    "PL-2.again" "PL-2" "a second hello gets the same answer" session::again;
    "PL-2.version" "PL-2" "any protocolVersion is answered with 1" session::version;
    "PL-2.events" "PL-2" "no event reaches a client before its hello" session::no_events_before;
    "PL-3.fields" "PL-3" "hello.reply has every field" session::fields;
    "PL-3.layout" "PL-3" "memoryLayout tells the numbers of the contract" session::layout;
    "PL-3.contexts" "PL-3" "hello.reply lists the contexts, the first of them being the engine" session::contexts;
    "PL-4.seq" "PL-4" "seq is echoed, and is -1 when it is missing or no int32" session::seq;
    "PL-4.queries" "PL-4" "every query is answered once, with its type and its context" session::queries;
    "PL-4.replies" "PL-4" "every other request is answered once, with its type and its context" session::replies;
    "PL-4.states" "PL-4" "the reply to a command tells the state" session::command_states;
    "PL-4.order" "PL-4" "the reply comes before the events that it brings about" session::order;
    "PL-5.malformed" "PL-5" "malformed texts leave the connection alive" session::malformed;
    "PL-5.answered" "PL-5" "a spoiled request with a readable seq is refused with it" session::answered_errors;
    "PL-5.unknown-type" "PL-5" "an unknown type is refused when it has a seq" session::unknown_type;
    "PL-5.binary" "PL-5" "binary frames leave the connection alive" session::binary;
    "PL-6.first" "PL-6" "no contextId, or an empty one, means the first context" session::first_context;
    "PL-6.unknown" "PL-6" "an unknown context is refused by its name" session::unknown_context;
    "PL-7.pong" "PL-7" "a pong is not answered, and a WebSocket ping is" events::pong;
    "PL-7.ping" "PL-7" "event.ping comes every 30 s" events::ping;
    "PL-8.others" "PL-8" "every client hears what another has brought about" events::others;
    "PL-8.statistics" "PL-8" "event.scanStats with all its fields comes after every step" events::statistics;
    "PL-8.pace" "PL-8" "event.scanStats comes at most ten times a second" events::statistics_pace;
    "PL-9.client" "PL-9" "a client of 0.1 is answered in its spelling" events::old_client;
    "PL-9.operator" "PL-9" "a client of 0.1 gets no answer to writes, and events with seq 0" events::old_operator;
    "PL-9.flags" "PL-9" "clients of both generations get timer flags in their order" events::old_witness;

    "PL-15.interval" "PL-15" "intervals are held within 10 and 5000 ms, and told" streams::interval;
    "PL-15.first" "PL-15" "the first frame comes at once, with sequence 0" streams::first_frame;
    "PL-15.ends" "PL-15" "memory.unsubscribe ends the stream" streams::ends;
    "PL-15.two" "PL-15" "two contexts on one socket are two streams" streams::two_streams;
    "PL-15.slow" "PL-15" "a client that does not read holds up nobody else" streams::slow_reader;
    "PL-22.header" "PL-22" "a frame has 2704 bytes, its magic, and zeros where they belong" streams::header;
    "PL-22.sequence" "PL-22" "frames are numbered without gap, and their time grows" streams::numbered;
    "PL-22.again" "PL-22" "the sequence begins at 0 with each subscribe" streams::counts_anew;
    "PL-22.state" "PL-22" "the state byte follows the engine" streams::states;
    "PL-22.regions" "PL-22" "every region stands where the description has it" memory::regions;
    "PL-22.flags" "PL-22" "flags of timers and counters stand in the order of the dialect" memory::flags;
    "PL-23.bitmap" "PL-23" "every forced bit is shown at its place" memory::bitmap;
    "PL-24.value" "PL-24" "a frame shows the forced value" memory::forced_value;

    "PL-21.list" "PL-21" "context.list has every field" contexts::list;
    "PL-21.create" "PL-21" "a context is made, listed and removed" contexts::create;
    "PL-21.remove" "PL-21" "an unknown context and a running one are not removed" contexts::remove_refused;
    "PL-21.limit" "PL-21" "there are at most 64 contexts" contexts::limit;
    "PL-20.list" "PL-20" "route.list tells the table" contexts::route_list;
    "PL-20.sync" "PL-20" "route.sync takes a table and fills in what is missing" contexts::sync;
    "PL-20.refused" "PL-20" "routes that lead nowhere are refused one by one" contexts::sync_refused;
    "PL-20.told" "PL-20" "the other clients hear of a new table" contexts::told;
    "PL-20.carries" "PL-20" "routes carry bits and integers" contexts::carries;
    "PL-20.gone" "PL-20" "a route whose context goes away is disabled, not forgotten" contexts::context_gone;
    "PL-18.virtual" "PL-18" "virtual inputs and outputs are taken and told" contexts::io_virtual;
    "PL-18.refused" "PL-18" "an unknown provider and a bad pin are refused and change nothing" contexts::io_refused;
    "PL-18.stops" "PL-18" "ioconfig.load stops a running engine" contexts::io_stops;

    "PL-11.download" "PL-11" "a program is taken and runs" program::download;
    "PL-11.alias" "PL-11" "projectXml is another name of the document" program::download_alias;
    "PL-11.refused" "PL-11" "a bad document is refused with its place and changes nothing" program::download_refused;
    "PL-11.stops" "PL-11" "a download to a running engine stops it, after the reply" program::download_stops;
    "PL-12.upload" "PL-12" "program.upload gives the document as it was downloaded" program::upload;
    "PL-13.clear" "PL-13" "program.clear stops the engine and takes the program away" program::clear;
    "PL-19.state" "PL-19" "engine.state tells the state in the words of the dialect" program::state;
    "PL-19.statistics" "PL-19" "engine.statistics has every field" program::statistics;
    "PL-19.info" "PL-19" "engine.info has every field" program::info;
    "PL-40.spelling" "PL-40" "addresses are read in any case and with leading zeros" program::spelling;
    "PL-41.unknown" "PL-41" "an address that does not exist is refused at download" program::unknown_address;

    "PL-14.ends" "PL-14" "forces end one by one and all at once" memory::force_ends;
    "PL-14.cells" "PL-14" "region, word and bit are another spelling of an address" memory::spelled_by_cell;
    "PL-14.refused" "PL-14" "what cannot be forced is refused with a reason" memory::force_refused;
    "PL-16.bit" "PL-16" "bits of every region are written" memory::write_bit;
    "PL-16.integer" "PL-16" "integers are written" memory::write_integer;
    "PL-16.slots" "PL-16" "members of timers and counters are written" memory::write_slots;
    "PL-16.members" "PL-16" "members that a write does not name are kept" memory::kept_members;
    "PL-16.refused" "PL-16" "a write out of range is refused and changes nothing" memory::write_refused;
    "PL-16.inputs" "PL-16" "what is written to an input stays while scans go on" memory::inputs_persist;
    "PL-66.under" "PL-66" "what is written under a force returns when it ends" memory::under_a_force;

    "PL-17.range" "PL-17" "a breakpoint outside the program is refused" engine::breakpoint_range;
    "PL-17.ends" "PL-17" "breakpoints are removed one by one and all at once" engine::breakpoints_end;
    "PL-30.commands" "PL-30" "every command in every state does what the contract says, or is refused" engine::commands;
    "PL-30.no-program" "PL-30" "without a program a start is refused and the state stays" engine::without_program;
    "PL-30.stop" "PL-30" "a stop keeps the memory" engine::stop_keeps;
    "PL-31.time" "PL-31" "a step is one scan and adds exactly the target scan time" engine::step_time;
    "PL-31.paused" "PL-31" "paused time never counts" engine::paused_time;
    "PL-31.rung" "PL-31" "stepRung executes one rung, Stepping until the last" engine::step_rung;
    "PL-31.running" "PL-31" "a running engine is not stepped" engine::step_while_running;
    "PL-32.reset" "PL-32" "reset clears memory, forces and statistics, and keeps program and breakpoints" engine::reset;
    "PL-33.stop" "PL-33" "memory and forces outlive a stop and a start" engine::kept_over_stop;
    "PL-33.download" "PL-33" "memory and forces outlive a download while Stopped, and no other" engine::kept_over_download;
    "PL-33.presets" "PL-33" "presets come from the program at every start" engine::presets;
    "PL-33.client" "PL-33" "a client that leaves changes nothing" engine::client_gone;
    "PL-34.resume" "PL-34" "a breakpoint pauses before its rung, and resume executes it" engine::breakpoint;
    "PL-34.step" "PL-34" "stepRung executes the rung with the breakpoint" engine::breakpoint_step;
    "PL-35.fault" "PL-35" "a fault finishes the scan and tells what and where" engine::fault;
    "PL-35.ends" "PL-35" "a fault is ended by stop and reset, not by start" engine::fault_ends;
    "PL-36.target" "PL-36" "the target scan time is told alike everywhere, and scans go on" engine::target;

    "PL-50.order" "PL-50" "rungs are executed in order, results visible at once" logic::document_order;
    "PL-50.branch" "PL-50" "paths are joined, an empty one conducts" logic::branches;
    "PL-51.coils" "PL-51" "XIC XIO OTE OTL OTU" logic::coils;
    "PL-52.ton" "PL-52" "TON, scan by scan" logic::ton;
    "PL-53.tof" "PL-53" "TOF, scan by scan" logic::tof;
    "PL-54.rto" "PL-54" "RTO keeps its time, RES ends it" logic::rto;
    "PL-55.wrap" "PL-55" "counters count edges and wrap with OV and UN" logic::counter_wrap;
    "PL-57.math" "PL-57" "math saturates and truncates" logic::arithmetic;
    "PL-57.zero" "PL-57" "by zero the destination keeps its value and power passes" logic::division_by_zero;
    "PL-59.compare" "PL-59" "numbers are compared with their signs" logic::compares;
    "PL-60.mov" "PL-60" "MOV reads forced words and saturates for PRE" logic::moves;
    "PL-64.osr" "PL-64" "OSR fires for one scan at each rising edge" logic::one_shot;
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_begin_with_their_claim() {
        let mut ids = BTreeSet::new();
        for entry in std::iter::once(&REACHED).chain(CHECKS) {
            assert!(ids.insert(entry.id), "{} is there twice", entry.id);
            let claim = entry.id.split_once('.').map(|(claim, _)| claim);
            assert_eq!(claim, Some(entry.claim), "{}", entry.id);
        }
    }
}
