//! Floor 1 of the house: what Crosstie *knows and decides*.
//!
//! One live signal space ([`signal`]), the routes in it, the views that peers have of it and one session machine per
//! protocol role. Everything is synchronous and deterministic: [`Hub::handle`] takes the time and one [`Input`] and gives
//! [`Output`]s. No socket, clock, thread, file or random number exists on this floor, so a log of inputs replays to the
//! same bytes.

pub mod access;
pub mod api;
pub mod classroom;
pub mod clock;
pub mod hub;
pub mod input;
pub mod input_log;
pub mod limits;
pub mod output;
pub mod plc;
pub mod reexecution;
pub mod replay;
pub mod rig;
pub mod settings;
pub mod signal;
pub mod tap;
pub mod time;
pub mod timely;

mod client;
mod endpoint;
mod ledger;
mod outlet;
mod problems;
mod record;
mod request;
mod rights;
mod route;
mod session;
mod timers;
mod view;

pub use hub::Hub;
pub use input::{ConnId, Face, Input, Unreadable};
pub use output::{Class, Frame, Level, Output, Ticket};
pub use time::Time;
