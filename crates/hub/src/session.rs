//! One session machine per protocol role: what a message means for the hub.

pub(crate) mod answer;
pub(crate) mod config;
pub(crate) mod engine_client;
pub(crate) mod gama;
mod headset;
pub(crate) mod import;
pub(crate) mod link;
pub(crate) mod live;
mod monitor;
pub(crate) mod piplc;
mod realvirtual;
pub(crate) mod write;
