//! The project folder: `crosstie.toml`, the files it names, environment variables and flags become one checked [`Config`].
//!
//! ```text
//! crosstie.toml ─┐
//! signals.csv   ─┼─ raw ─ check ─→ Config      (plain data, every value in its range)
//! environment   ─┤           └───→ Diagnostic  (every mistake, with its place)
//! flags         ─┘
//! ```
//!
//! What enters is text from people; what leaves is trusted by everybody else. A later source wins: defaults, file,
//! environment, flags. Nothing is opened but files, and nothing is written except by [`write_settings`], [`add_route`],
//! [`change_route`], [`remove_route`], [`add_signals`], [`import_signals`] and [`import_routes`], which keep the comments of the
//! file.

mod check;
mod classroom;
mod clock;
mod csv_file;
mod diagnostic;
mod exchange;
mod file;
mod history;
mod hub_settings;
mod keys;
mod limits;
mod modbus;
mod plcs;
mod practice;
mod raw;
pub(crate) mod record;
mod routes;
mod secrets;
mod setting;
mod signals;
mod write_back;

pub use check::{Loaded, load, load_text};
pub use classroom::{ClassroomConfig, GamaConfig, HeadsetConfig, MonitorConfig};
pub use clock::ClockConfig;
pub use diagnostic::{Diagnostic, Severity, SourceText, Style};
pub(crate) use diagnostic::{Findings, Place, line_and_column, nearest};
pub(crate) use exchange::plan_routes;
pub use exchange::{Changes, Exported, ImportError, export_routes, export_signals, import_routes, import_signals};
pub(crate) use file::{read_file, shown_path};
pub use history::HistoryConfig;
pub use limits::Limits;
pub use modbus::{ModbusConfig, ModbusMap, ModbusMaps, ModbusTable};
pub use plcs::{FIRST_CONTEXT, PiplcConfig, PlcConfig, RemoteConfig};
pub use practice::PracticeConfig;
pub(crate) use raw::line_of_route;
pub use record::RecordConfig;
pub(crate) use routes::{ROUTE_KEYS, RoutePlan, pairs_to_json, route_of_json};
pub(crate) use secrets::masked;
pub use setting::{CheckedSetting, Setting, SettingError, Source, check_setting};
pub(crate) use write_back::{Rewritten, put_back, set_routes};
pub use write_back::{
    WriteError, add_route, add_signals, change_route, remove_leftovers, remove_route, try_writing, write_settings,
};

use crosstie_hub::settings::{Direction, DirectionConvention, Echo, LinkSettings, RouteSetting, SignalSetting};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Name of the project file in its folder.
pub const FILE_NAME: &str = "crosstie.toml";

/// Name of the folder, in the project folder, with what the hub makes itself.
pub const STATE_FOLDER: &str = "state";

/// A project, checked: every value is in its range and every reference inside the file holds.
#[derive(Clone, Debug)]
pub struct Config {
    /// The project folder.
    pub folder: PathBuf,
    /// `[project]`.
    pub project: ProjectConfig,
    /// `[web]`.
    pub web: WebConfig,
    /// `[tls]`.
    pub tls: TlsConfig,
    /// `[hub]`.
    pub hub: HubConfig,
    /// `[record]`.
    pub record: RecordConfig,
    /// `[clock]`.
    pub clock: ClockConfig,
    /// `[[realvirtual]]`, in the order of the file; names are unique.
    pub endpoints: Vec<EndpointConfig>,
    /// `[piplc]`, when the file has it.
    pub piplc: Option<PiplcConfig>,
    /// `[[plc]]`, in the order of the file; names are unique.
    pub plcs: Vec<PlcConfig>,
    /// `[[modbus]]`, in the order of the file; names are unique.
    pub modbuses: Vec<ModbusConfig>,
    /// `[classroom]`, when the file has it, with `[monitor]`, `[headset]` and `[gama]`.
    pub classroom: Option<ClassroomConfig>,
    /// `[[route]]`, in the order of the file; names are canonical.
    pub routes: Vec<RouteSetting>,
    /// `[history]`.
    pub history: HistoryConfig,
    /// `[[practice]]`, in the order of the file.
    pub practices: Vec<PracticeConfig>,
    /// Added to every listening port; the `address` fields hold the sum.
    pub port_offset: u16,
    /// Where each setting that is not at its default comes from, by its dotted key.
    sources: BTreeMap<String, Source>,
    /// What the environment and the flags have said, for whoever reads the project again.
    overrides: Overrides,
    /// The text of the project file as it was read.
    fingerprint: Fingerprint,
}

impl Config {
    /// Path of the project file.
    pub fn file(&self) -> PathBuf {
        self.folder.join(FILE_NAME)
    }

    /// Where the hub keeps what it makes itself: keys, certificate, audit log.
    pub fn state_folder(&self) -> PathBuf {
        self.folder.join(STATE_FOLDER)
    }

    /// Takes over signals that were written to the project file.
    pub(crate) fn add_signals(&mut self, endpoint: &str, signals: Vec<SignalSetting>) {
        if let Some(endpoint) = self.endpoints.iter_mut().find(|known| known.name == endpoint) {
            endpoint.signals.extend(signals);
        }
    }

    /// A flag of the command line has said this setting, by its dotted key, whatever the file says.
    pub(crate) fn say_by_flag(&mut self, key: &str) {
        self.sources.insert(key.to_owned(), Source::Flag);
    }

    /// What the environment and the flags have said when the project was read; nothing that is no setting.
    pub(crate) fn overrides(&self) -> &Overrides {
        &self.overrides
    }

    /// The text of the project file as it was read.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Option<&EndpointConfig> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }
}

/// Tells one text from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    /// Of a text; for this process only.
    pub(crate) fn of(text: &str) -> Fingerprint {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Fingerprint(hasher.finish())
    }
}

/// `[project]`: what the project is called.
#[derive(Clone, Debug, Default)]
pub struct ProjectConfig {
    /// Shown to people; the name of the folder when the file gives none.
    pub name: String,
}

/// `[web]`: the page and the HTTP API.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// Address as the project says it.
    pub bind: IpAddr,
    /// Port as the project says it; 0 lets the system choose.
    pub port: u16,
    /// Where to listen: `bind` and `port` with the offset added.
    pub address: SocketAddr,
    /// Somebody without a key may look, also where keys exist or from other machines.
    pub allow_unauthenticated: bool,
    /// Pages of these origins may use it besides those of this hub, and their host names are names of this hub.
    pub allowed_origins: Vec<String>,
    /// Speak TLS: https and wss.
    pub tls: bool,
}

impl Default for WebConfig {
    fn default() -> WebConfig {
        let (bind, port) = (LOOPBACK, 8000);
        WebConfig {
            bind,
            port,
            address: SocketAddr::new(bind, port),
            allow_unauthenticated: false,
            allowed_origins: Vec::new(),
            tls: false,
        }
    }
}

/// `[tls]`: the certificate of all listeners.
#[derive(Clone, Debug, Default)]
pub struct TlsConfig {
    /// Certificate chain in PEM, inside the project folder; the hub makes its own when there is none.
    pub certificate: Option<PathBuf>,
    /// Its private key in PEM, inside the project folder.
    pub private_key: Option<PathBuf>,
    /// Further names for the hub's own certificate, besides those of this machine.
    pub names: Vec<String>,
}

/// `[hub]`: sizes and times of the signal space.
#[derive(Clone, Debug)]
pub struct HubConfig {
    /// A link that writes signals and gives no sign of life for so long makes them stale: 1 to 60 s.
    pub stale_after: Duration,
    /// Signals in the space.
    pub max_signals: usize,
    /// Clients of one endpoint.
    pub max_clients: usize,
    /// Worker threads for sockets; `None` lets the runtime decide by the number of cores.
    pub threads: Option<usize>,
    /// All memory of the process stays in the memory of the machine, where the system permits it.
    pub lock_memory: bool,
}

impl Default for HubConfig {
    fn default() -> HubConfig {
        HubConfig {
            stale_after: Duration::from_secs(5),
            max_signals: 1_000_000,
            max_clients: 2_000,
            threads: None,
            lock_memory: false,
        }
    }
}

/// `[[realvirtual]]`: one endpoint that speaks realvirtual's WebSocket protocol.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// Unique; the second segment of its signals' default names.
    pub name: String,
    /// Which side of the protocol this is.
    pub role: Role,
    /// Address as the project says it (RV-22).
    pub bind: IpAddr,
    /// Port as the project says it; 0 lets the system choose.
    pub port: u16,
    /// Where to listen: `bind` and `port` with the offset added.
    pub address: SocketAddr,
    /// The only request path that is taken; `None` takes every path (RV-20).
    pub path: Option<String>,
    /// Peers may connect without a key, also where keys exist or from other machines.
    pub allow_unauthenticated: bool,
    /// Pages of these origins may connect besides those of this hub (RV-57); `*` stands for every page.
    pub allowed_origins: Vec<String>,
    /// Speak TLS: wss (RV-56).
    pub tls: bool,
    /// What it connects to in the client role.
    pub link: LinkConfig,
    /// Shortest time between two frames to one client: 1 ms to 60 s (RV-14).
    pub update_cycle: Duration,
    /// Send what changed only, or everything every cycle (RV-14).
    pub only_transmit_changed: bool,
    /// What `PLCOutput` means on this wire (RV-40).
    pub direction_convention: DirectionConvention,
    /// Create signals for unknown names (RV-18).
    pub auto_register: bool,
    /// Send the catalog and all values right after the upgrade (RV-21).
    pub push_on_connect: bool,
    /// Put a peer's signals back to their initial values when it leaves (RV-54).
    pub reset_on_disconnect: bool,
    /// Show a bit that went and came back within one cycle for one cycle.
    pub hold_pulses: bool,
    /// How peers that return what they receive are treated (RV-17).
    pub echo: Echo,
    /// Log every message (RV-22).
    pub debug: bool,
    /// Decide the direction of neutral types by name patterns (RV-42).
    pub use_pattern_matching: bool,
    /// Substrings of names that the importing side writes (RV-42).
    pub input_patterns: Vec<String>,
    /// Substrings of names that the remote side writes (RV-42).
    pub output_patterns: Vec<String>,
    /// Direction of a neutral type that no pattern matches (RV-42).
    pub default_signal_direction: Direction,
    /// Signal file inside the project folder, as the project says it.
    pub signals_file: Option<PathBuf>,
    /// Its signals: those of the project file, then those of the signal file. Names are unique.
    pub signals: Vec<SignalSetting>,
}

impl EndpointConfig {
    /// An endpoint of this name with every setting at its default and no signals.
    pub fn named(name: &str) -> EndpointConfig {
        let (bind, port) = (LOOPBACK, 1234);
        EndpointConfig {
            name: name.to_owned(),
            role: Role::Server,
            bind,
            port,
            address: SocketAddr::new(bind, port),
            path: None,
            allow_unauthenticated: false,
            allowed_origins: Vec::new(),
            tls: false,
            link: LinkConfig::default(),
            update_cycle: Duration::from_millis(10),
            only_transmit_changed: true,
            direction_convention: DirectionConvention::Plc,
            auto_register: false,
            push_on_connect: false,
            reset_on_disconnect: false,
            hold_pulses: true,
            echo: Echo::Auto,
            debug: false,
            use_pattern_matching: true,
            input_patterns: Vec::new(),
            output_patterns: Vec::new(),
            default_signal_direction: Direction::Input,
            signals_file: None,
            signals: Vec::new(),
        }
    }

    /// The address that peers are given, or that it connects to: `ws://address:port/path`, without the query.
    pub fn url(&self) -> String {
        match self.role {
            Role::Server => {
                let scheme = if self.tls { "wss" } else { "ws" };
                format!("{scheme}://{}{}", self.address, self.path.as_deref().unwrap_or("/"))
            }
            Role::Client => {
                let LinkConfig { host, use_ssl, .. } = &self.link;
                let scheme = if *use_ssl { "wss" } else { "ws" };
                let path = self.link.path();
                format!("{scheme}://{}:{}{path}", bracketed(host), self.port)
            }
        }
    }
}

/// A host as it stands in a URL: an address of version 6 in brackets.
pub(crate) fn bracketed(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_owned(),
    }
}

/// Which side of the realvirtual protocol an endpoint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It listens, peers connect.
    Server,
    /// It connects to a server (RV-30).
    Client,
}

/// What an endpoint in the client role connects to, and how (RV-30 to RV-34). The port is that of the endpoint; no offset is
/// added to it.
#[derive(Clone, Debug)]
pub struct LinkConfig {
    /// Name or address of the server: `address` in the file.
    pub host: String,
    /// wss instead of ws: `use_ssl` in the file.
    pub use_ssl: bool,
    /// Path and query of the request: `path` in the file. A query may hold a key, so it is never shown.
    pub target: String,
    /// Certificates in PEM that may vouch for the server, inside the project folder; those of the system when there is none.
    pub ca_file: Option<PathBuf>,
    /// File with the key that the server wants, inside the project folder; it is sent as `Authorization: Bearer`.
    pub access_key_file: Option<PathBuf>,
    /// The rest is the hub's.
    pub settings: LinkSettings,
}

impl LinkConfig {
    /// Path of the request, without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or("/")
    }
}

impl Default for LinkConfig {
    fn default() -> LinkConfig {
        LinkConfig {
            host: LOOPBACK.to_string(),
            use_ssl: false,
            target: String::from("/"),
            ca_file: None,
            access_key_file: None,
            settings: LinkSettings::default(),
        }
    }
}

/// What the world outside the project folder says about it.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Environment variables; those that neither begin with `CROSSTIE_` nor are one of a SIMPLE WebPlatform are passed over.
    pub environment: Vec<(String, String)>,
    /// Dotted keys and values from flags, in their order; the last one of a key wins.
    pub flags: Vec<(String, String)>,
    /// Added to every listening port that is not 0.
    pub port_offset: u16,
}

impl Overrides {
    /// The environment of this process and no flags. Variables that are not Unicode are passed over.
    pub fn from_environment() -> Overrides {
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Overrides {
            environment: environment.collect(),
            ..Overrides::default()
        }
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
