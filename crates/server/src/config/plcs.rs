//! PLC contexts and the port of PiPLC's protocol, as the project says them.

use super::LOOPBACK;
use crosstie_hub::plc::{Program, RealtimeWish};
use crosstie_hub::settings::{OnStale, PiplcSettings, PlcSettings, RemoteSettings, RetainSettings, RetainStart};
use crosstie_ladder::controller::ControllerSettings;
use crosstie_ladder::project::IoConfig;
use crosstie_ladder::retain::RetainList;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// Name and id of the context of a project that has `[piplc]` and no `[[plc]]`.
pub const FIRST_CONTEXT: &str = "PLC 1";

/// `[piplc]`: the port where clients of PiPLC's protocol connect (PL-1).
#[derive(Clone, Debug)]
pub struct PiplcConfig {
    /// Address as the project says it.
    pub bind: IpAddr,
    /// Port as the project says it; 0 lets the system choose.
    pub port: u16,
    /// Where to listen: `bind` and `port` with the offset added.
    pub address: SocketAddr,
    /// The only request path that is taken; `None` takes every path.
    pub path: Option<String>,
    /// Clients may connect without a key, also where keys exist or from other machines.
    pub allow_unauthenticated: bool,
    /// Pages of these origins may connect besides those of this hub; `*` stands for every page.
    pub allowed_origins: Vec<String>,
    /// Speak TLS: wss.
    pub tls: bool,
    /// Name of the engine as a whole in `hello` (PL-3).
    pub engine_name: String,
    /// Contexts that there may be, those of the project among them: 1 to 64 (PL-21).
    pub contexts_max: usize,
}

impl Default for PiplcConfig {
    fn default() -> PiplcConfig {
        let (bind, port) = (LOOPBACK, 9100);
        let PiplcSettings {
            engine_name,
            contexts_max,
            ..
        } = PiplcSettings::default();
        PiplcConfig {
            bind,
            port,
            address: SocketAddr::new(bind, port),
            path: None,
            allow_unauthenticated: false,
            allowed_origins: Vec::new(),
            tls: false,
            engine_name,
            contexts_max,
        }
    }
}

impl PiplcConfig {
    /// The address that clients are given: `ws://address:port/path`.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!("{scheme}://{}{}", self.address, self.path.as_deref().unwrap_or("/"))
    }
}

/// `[[plc]]`: one context, an engine with its program.
#[derive(Clone, Debug)]
pub struct PlcConfig {
    /// Unique; the second segment of its signals.
    pub name: String,
    /// What PiPLC's protocol calls it, when that is not its name. Unique.
    pub id: Option<String>,
    /// Its program inside the project folder, as the project says it.
    pub program_file: Option<PathBuf>,
    /// That program, read.
    pub program: Option<Arc<Program>>,
    /// How it scans.
    pub controller: ControllerSettings,
    /// It runs when the hub starts.
    pub autostart: bool,
    /// A stop or a fault leaves what the outputs drive as it is: `safe_state = "hold"`.
    pub hold_outputs: bool,
    /// What is wired to it: `.ioconfig` files inside the project folder, as the project says them.
    pub io_files: Vec<PathBuf>,
    /// Those files, read; without conflicts.
    pub io: Vec<IoConfig>,
    /// What the program gets from a device that does not answer.
    pub on_io_failure: OnStale,
    /// What its scan thread asks of the operating system.
    pub realtime: RealtimeWish,
    /// Its engine is elsewhere.
    pub remote: Option<RemoteConfig>,
    /// The places that keep their values over a power loss, as the project names them (PL-37).
    pub retain: Vec<String>,
    /// The same, read; symbols are those of the program of the project.
    pub retain_list: Option<Arc<RetainList>>,
}

/// The PiPLC engine that a context has elsewhere (PL-90).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteConfig {
    /// Its address, `ws://host:port/path` or `wss://…` without a query: `remote` in the file.
    pub url: String,
    /// Id or name of the context there: `remote_context` in the file. The first one when there is none.
    pub context: Option<String>,
    /// Certificates in PEM that may vouch for the engine, inside the project folder; those of the system when there is none.
    pub ca_file: Option<PathBuf>,
    /// File with the key that the engine wants, inside the project folder; it is sent as `Authorization: Bearer`.
    pub access_key_file: Option<PathBuf>,
}

impl PlcConfig {
    /// A context of this name with every setting at its default and no program.
    pub fn named(name: &str) -> PlcConfig {
        PlcConfig {
            name: name.to_owned(),
            id: None,
            program_file: None,
            program: None,
            controller: ControllerSettings::default(),
            autostart: false,
            hold_outputs: false,
            io_files: Vec::new(),
            io: Vec::new(),
            on_io_failure: OnStale::Hold,
            realtime: RealtimeWish::default(),
            remote: None,
            retain: Vec::new(),
            retain_list: None,
        }
    }

    /// What PiPLC's protocol calls it.
    pub fn id(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }

    /// The part of a context that the hub is told; of its retentive memory the places, and zeros.
    pub fn hub_settings(&self) -> PlcSettings {
        PlcSettings {
            id: self.id().to_owned(),
            controller: self.controller,
            program: self.program.clone(),
            autostart: self.autostart,
            hold_outputs: self.hold_outputs,
            io: self.io.clone(),
            on_io_failure: self.on_io_failure,
            realtime: self.realtime,
            remote: self.remote.as_ref().map(|remote| RemoteSettings {
                url: remote.url.clone(),
                context: remote.context.clone(),
            }),
            retain: self.retain_list.as_ref().map(|list| RetainSettings {
                list: Arc::clone(list),
                start: RetainStart::Cold,
            }),
            ..PlcSettings::named(&self.name)
        }
    }
}

/// The contexts that the hub of a project begins with.
pub(super) fn hub_contexts(piplc: Option<&PiplcConfig>, plcs: &[PlcConfig]) -> Vec<PlcSettings> {
    match (piplc, plcs) {
        // Whoever connects expects an engine to talk to.
        (Some(_), []) => vec![PlcSettings::named(FIRST_CONTEXT)],
        _ => plcs.iter().map(PlcConfig::hub_settings).collect(),
    }
}
