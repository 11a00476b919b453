//! The in-memory house: a hub, its clients and the wires between them on a clock that is moved by hand.

mod claims;
mod house;
mod live;
mod pulses;
mod replay;
mod rights;
mod routes;
mod schedules;
mod slow;
mod troubles;
