//! The checks of the headset port: what the app in a headset says, and what it is told (SI-2 to SI-4, SI-30 to SI-39).

mod asks;
mod identity;
mod outputs;
mod seat;
mod wire;

use super::rig::Rig;
use crate::conform::checks::{Entry, checks};

/// Comes before all others: what it learns is what they work with.
pub(super) const REACHED: &Entry<Rig> = &Entry {
    id: "SI-30.reached",
    claim: "SI-30",
    title: "a headset that says connection is told json_state",
    run: |rig| Box::pin(rig.learn()),
};

/// Every check but the first, in the order in which they run.
pub(super) const CHECKS: &[Entry<Rig>] = checks! {
    "SI-2.path" "SI-2" "any request path is accepted" wire::path;
    "SI-2.binary" "SI-2" "a binary frame is read as text" wire::binary;
    "SI-2.plain" "SI-2" "no compression is used, not even where it is offered" wire::plain;
    "SI-3.large" "SI-3" "a frame of 1 MiB is taken" wire::large;
    "SI-3.oversized" "SI-3" "a longer frame is refused with 1009 and nobody else notices" wire::oversized;
    "SI-4.malformed" "SI-4" "messages that are none leave everything as it was" wire::malformed;
    "SI-4.early" "SI-4" "messages before connection keep the socket, and it can connect after them" wire::early;

    "SI-30.interval" "SI-30" "the interval is echoed as it was sent, 5000 where there is none" seat::interval;
    "SI-37.fields" "SI-37" "json_state of a headset has its fields in their order" seat::fields;
    "SI-32.pong" "SI-32" "a ping is answered by a pong with its id" seat::pong;
    "SI-33.ping" "SI-33" "a headset is pinged at its interval, and stays while it answers" seat::pinged;
    "SI-33.any" "SI-33" "any message is a sign of life" seat::any_sign;
    "SI-33.silent" "SI-33" "a headset that says nothing between two pings is closed with 1000" seat::silent;
    "SI-31.returns" "SI-31" "a headset that was gone has its seat again" identity::returns;
    "SI-31.takeover" "SI-31" "the same id from the same address takes the seat over, and the old socket is closed" identity::takeover;
    "SI-31.refused" "SI-31" "the same id from another address is refused while the first is there" identity::refused;
    "SI-31.second" "SI-31" "a second connection message on a socket changes nothing" identity::second;
    "SI-31.by-address" "SI-31" "where addresses are the key, a known one has its seat as soon as it connects" identity::by_address;

    "SI-30.monitor" "SI-30" "monitors are told of a new headset" seat::monitors;
    "SI-30.game" "SI-30" "a headset that comes during an experiment is in the game and told so" seat::late;
    "SI-31.kept" "SI-31" "a headset that comes back is still in the game, and GAMA is not told twice" identity::kept;
    "SI-34.expression" "SI-34" "an expression is passed on with the id of the player for every $id" asks::expression;
    "SI-34.quoted" "SI-34" "quotes and backslashes in an id cannot end the text" asks::quoted;
    "SI-34.idle" "SI-34" "without an experiment nothing is passed on" asks::idle;
    "SI-35.ask" "SI-35" "an ask is passed on with all its fields, and exp_id where it has none" asks::ask;
    "SI-36.leave" "SI-36" "disconnect_properly takes the player out of the game and closes with 1000" seat::leaves;
    "SI-37.changes" "SI-37" "a headset is told when it comes into the game and when it leaves it" seat::changes;
    "SI-38.bytes" "SI-38" "contents pass through byte for byte" outputs::bytes;
    "SI-38.order" "SI-38" "every element makes one message for each of its players, in order" outputs::order;
    "SI-38.spoiled" "SI-38" "spoiled outputs and elements spoil nothing else" outputs::spoiled;
    "SI-38.answer" "SI-38" "contents of an answer are passed on as outputs are" outputs::answer;
    "SI-38.console" "SI-38" "a line of the console goes to no headset" outputs::console;
    "SI-39.slow" "SI-39" "a slow headset keeps its control messages and the newest worlds, and slows nobody" outputs::slow;
};
