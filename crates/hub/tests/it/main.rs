//! The in-memory house: a hub, its clients and the wires between them on a clock that is moved by hand.

mod claims;
mod house;
mod link;
mod link_ends;
mod live;
mod piplc;
mod piplc_captures;
mod piplc_fuzz;
mod piplc_requests;
mod piplc_routes;
mod piplc_streams;
mod plc_flow;
mod plc_forces;
mod plc_requests;
mod plc_rights;
mod plc_schedules;
mod plc_signals;
mod plc_watch;
mod pulses;
mod replay;
mod rights;
mod routes;
mod schedules;
mod slow;
mod troubles;
mod two_houses;
