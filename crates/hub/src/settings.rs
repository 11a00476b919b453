//! What the project says about the hub, already checked: plain data that the driver hands in at the start.

use crate::clock::ClockMode;
use crate::input_log::exact;
use crate::plc::{Granted, Program, RealtimeWish};
use crate::signal::{Kind, Value};
use crosstie_ladder::controller::ControllerSettings;
use crosstie_ladder::project::IoConfig;
use crosstie_ladder::retain::{RetainImage, RetainList};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Position of an endpoint in [`Settings::endpoints`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EndpointId(pub u16);

/// Which side of an endpoint is meant to write a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// This side: routes and operators. A peer's write is ignored and counted.
    Hub,
    /// The peers of the endpoint.
    Peer,
}

impl Owner {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            Owner::Hub => "hub",
            Owner::Peer => "peer",
        }
    }
}

/// What `PLCOutput` means on the wire of an endpoint (RV-40).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectionConvention {
    /// `PLCOutput…` in an import_answer means that its sender writes the signal.
    Plc,
    /// `PLCInput…` in an import_answer means that its sender writes the signal.
    Simulation,
}

/// How peers that return what they receive are treated (RV-17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// A peer that has returned three delivered changes unchanged is an echoer.
    Auto,
    /// Every peer is an echoer.
    Always,
    /// No peer is.
    Never,
}

/// One signal that an endpoint shows under a flat name of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalSetting {
    /// Name on the wire: exact, case-sensitive.
    pub wire_name: String,
    /// Name in the signal space.
    pub signal: String,
    /// Kind of the value.
    pub kind: Kind,
    /// Who writes it.
    pub owner: Owner,
    /// Initial value; the zero of the kind when `None`.
    pub value: Option<Value>,
    /// Overrides the endpoint's convention.
    pub convention: Option<DirectionConvention>,
    /// The wire shows the type without a PLC prefix.
    pub neutral: bool,
}

/// How an endpoint in the client role holds its link (RV-30 to RV-34).
#[derive(Clone, Debug)]
pub struct LinkSettings {
    /// What we call ourselves in `init`.
    pub client_name: String,
    /// Connect again after a refusal, a drop or a half-open link.
    pub auto_reconnect: bool,
    /// The pause before the first new attempt; it doubles with every failure in a row, up to [`LinkSettings::pause_max`].
    pub reconnect_interval: Duration,
    /// Failures in a row after which the link is given up until somebody connects it; `None` for never.
    pub max_reconnect_attempts: Option<u32>,
    /// Connect when the hub starts.
    pub connect_on_start: bool,
    /// Repeat `init` every 25 s.
    pub keep_alive: bool,
}

impl LinkSettings {
    /// The longest pause between two attempts, as a multiple of the first.
    const PAUSES_MAX: u32 = 4;

    /// The longest pause between two attempts.
    pub fn pause_max(&self) -> Duration {
        self.reconnect_interval * LinkSettings::PAUSES_MAX
    }
}

impl Default for LinkSettings {
    fn default() -> LinkSettings {
        LinkSettings {
            client_name: String::from("Crosstie"),
            auto_reconnect: true,
            reconnect_interval: Duration::from_secs(2),
            max_reconnect_attempts: None,
            connect_on_start: true,
            keep_alive: false,
        }
    }
}

/// One realvirtual endpoint.
#[derive(Clone, Debug)]
pub struct EndpointSettings {
    /// One path segment; also the second segment of its signals' default names.
    pub name: String,
    /// Where it listens, or what it connects to, as a URL without keys, for people.
    pub url: String,
    /// It connects to a server instead of listening (RV-30); `None` in the server role.
    pub link: Option<LinkSettings>,
    /// Most frequent frame per client; a change after a pause goes out at once.
    pub update_cycle: Duration,
    /// Send only what changed, or everything every cycle (RV-14).
    pub only_transmit_changed: bool,
    /// See [`DirectionConvention`].
    pub direction_convention: DirectionConvention,
    /// Create a neutral signal for an unknown name in a peer's `data`, and take in a catalog that a peer pushes (RV-18, RV-19).
    pub auto_register: bool,
    /// Send import_answer and full data right after the upgrade (RV-21).
    pub push_on_connect: bool,
    /// Put a peer's signals back to their initial values when it leaves (RV-54).
    pub reset_on_disconnect: bool,
    /// Show a bit that went and came back within one cycle for one cycle.
    pub hold_pulses: bool,
    /// See [`Echo`].
    pub echo: Echo,
    /// Log every message, shortened.
    pub debug: bool,
    /// Decide the direction of neutral types by name patterns (RV-42).
    pub use_pattern_matching: bool,
    /// Substrings of names that the importing side writes.
    pub input_patterns: Vec<String>,
    /// Substrings of names that the remote side writes.
    pub output_patterns: Vec<String>,
    /// Direction of a neutral type that no pattern matches.
    pub default_signal_direction: Direction,
    /// The signals it shows, in the order of its catalog.
    pub signals: Vec<SignalSetting>,
}

impl EndpointSettings {
    /// An endpoint of this name with every setting at its default and no signals.
    pub fn named(name: &str) -> EndpointSettings {
        EndpointSettings {
            name: name.to_owned(),
            url: String::new(),
            link: None,
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
            signals: Vec::new(),
        }
    }
}

/// Direction of an imported signal as the importing side sees it (RV-42).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The importing side writes it.
    Input,
    /// The remote side writes it.
    Output,
}

/// One route: what is written to one signal is written to another, as it is or transformed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteSetting {
    /// Name of the source signal, or a pattern: `*` stands for one segment, `**` for the rest of the name. A pattern stands for a
    /// route from each signal that it fits, also from those that come later.
    pub from: String,
    /// Name of the target signal. Where `from` is a pattern, `$1`, `$2`, … stand for what its wildcards have caught.
    pub to: String,
    /// Where the target is an input of a PLC: what becomes of it when the source is stale.
    pub on_stale: OnStale,
    /// What becomes of the value on its way.
    pub transform: Transform,
}

/// What becomes of a value on a route, in this order: the expression, the map, the inversion, scale and offset; then deadband and
/// interval decide whether it is passed on now. The default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transform {
    /// An expression in CEL that gives the value. `value` in it is the source; other signals are named in `inputs`.
    pub expr: Option<String>,
    /// Further signals that the expression reads: variable and name of the signal. In a route with a pattern the names may hold
    /// `$1` and so on. A change of any of them evaluates anew.
    pub inputs: Vec<(String, String)>,
    /// Values and what they become.
    pub map: Option<ValueMap>,
    /// On becomes off and off becomes on.
    pub invert: bool,
    /// Factor of numbers; 1 when `None`.
    #[serde(with = "exact::option")]
    pub scale: Option<f64>,
    /// Added to numbers after the factor; 0 when `None`.
    #[serde(with = "exact::option")]
    pub offset: Option<f64>,
    /// A number that is nearer than this to the one passed last is not passed; a change of quality always is.
    #[serde(with = "exact::option")]
    pub deadband: Option<f64>,
    /// At most one value in so much of the hub's time; the newest one is passed when the time is over.
    pub every: Option<Duration>,
}

impl Transform {
    /// It changes nothing and withholds nothing.
    pub fn is_plain(&self) -> bool {
        *self == Transform::default()
    }
}

/// What values become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueMap {
    /// Values as text (`true`, `3`, `1.5`, `Ready`) and what they become.
    pub entries: Vec<(String, Value)>,
    /// What every other value becomes; `None` passes nothing for them.
    pub otherwise: Option<Value>,
}

impl RouteSetting {
    /// Checks what can be checked without signals: its names, its pattern and its transform, the expression among them. Names may
    /// have so many bytes.
    ///
    /// # Errors
    ///
    /// The key that is wrong and what it should be.
    pub fn check(&self, name_len_max: usize) -> Result<(), crate::api::Refused> {
        crate::route::check_alone(self, name_len_max)
    }

    /// A plain route.
    pub fn plain(from: &str, to: &str) -> RouteSetting {
        RouteSetting {
            from: from.to_owned(),
            to: to.to_owned(),
            on_stale: OnStale::default(),
            transform: Transform::default(),
        }
    }
}

/// What becomes of an input of a PLC when what feeds it falls silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnStale {
    /// It stays as it is.
    #[default]
    Hold,
    /// It becomes 0, or off.
    Zero,
    /// The engine goes to Fault.
    Fault,
}

impl OnStale {
    /// The word of the project file and of the API.
    pub const fn word(self) -> &'static str {
        match self {
            OnStale::Hold => "hold",
            OnStale::Zero => "zero",
            OnStale::Fault => "fault",
        }
    }

    /// The one of a word.
    pub fn from_word(word: &str) -> Option<OnStale> {
        [OnStale::Hold, OnStale::Zero, OnStale::Fault]
            .into_iter()
            .find(|choice| choice.word() == word)
    }
}

/// The classroom: a SIMPLE WebPlatform (SI-1 to SI-55, GA-1 to GA-13).
#[derive(Clone, Debug)]
pub struct ClassroomSettings {
    /// The link to GAMA; `None` in GAMALESS mode.
    pub gama: Option<GamaSettings>,
    /// What makes a headset the same one again (SI-31).
    pub player_key: PlayerKey,
    /// Players that leave are forgotten (SI-20).
    pub aggressive_disconnect: bool,
    /// `content_error` is a text, as the seed says it, and not GAMA's message (SI-14).
    pub error_as_text: bool,
    /// The catalog is sent as the array itself, not as a JSON string of it (SI-15).
    pub catalog_as_array: bool,
    /// Headsets may send every expression and ask (SI-40), but for those that came in by the join code.
    pub allow_expression: bool,
    /// Where they may not: the asks and the actions of `do name($id...);` that they may (SI-40).
    pub allowed_actions: Vec<String>,
}

impl Default for ClassroomSettings {
    fn default() -> ClassroomSettings {
        ClassroomSettings {
            gama: Some(GamaSettings::default()),
            player_key: PlayerKey::Id,
            aggressive_disconnect: false,
            error_as_text: false,
            catalog_as_array: false,
            allow_expression: true,
            allowed_actions: ClassroomSettings::ACTIONS.map(String::from).to_vec(),
        }
    }
}

impl ClassroomSettings {
    /// The actions that headsets may ask for unless the project says otherwise (SI-40).
    pub const ACTIONS: [&str; 6] = [
        "send_init_data",
        "move_player_external",
        "player_position_updated",
        "player_ready_to_receive_geometries",
        "create_player",
        "remove_player",
    ];
}

/// What makes a headset the same one again (SI-31).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlayerKey {
    /// The id that it says.
    #[default]
    Id,
    /// The address that it comes from.
    Address,
}

/// How GAMA is reached and read.
#[derive(Clone, Debug)]
pub struct GamaSettings {
    /// Where it listens, for people.
    pub url: String,
    /// What kind of GAMA it is (GA-6).
    pub flavour: Flavour,
    /// Commands carry a number that comes back with their answers (GA-4).
    pub use_api_id: bool,
    /// Expressions that become signals (GA-13).
    pub watches: Vec<GamaWatch>,
    /// Signals that become expressions (GA-13).
    pub writes: Vec<GamaWrite>,
}

impl Default for GamaSettings {
    fn default() -> GamaSettings {
        GamaSettings {
            url: String::from("ws://localhost:1000"),
            flavour: Flavour::Auto,
            use_api_id: false,
            watches: Vec::new(),
            writes: Vec::new(),
        }
    }
}

/// A kind of GAMA (GA-6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flavour {
    /// Found out anew on every link.
    #[default]
    Auto,
    /// With a window: it tells its states.
    Gui,
    /// Headless: its states follow from its answers.
    Headless,
}

/// An expression whose value is a signal (GA-13).
#[derive(Clone, Debug, PartialEq)]
pub struct GamaWatch {
    /// The signal is `sim/watch/<name>`.
    pub name: String,
    /// GAML.
    pub expr: String,
    /// Kind of the signal.
    pub kind: Kind,
    /// How often it is asked for while an experiment runs.
    pub every: Duration,
}

/// A signal whose changes are expressions (GA-13).
#[derive(Clone, Debug, PartialEq)]
pub struct GamaWrite {
    /// The signal is `sim/write/<name>`; operators and routes write it.
    pub name: String,
    /// GAML in which `$value` stands for the value.
    pub expr: String,
    /// Kind of the signal.
    pub kind: Kind,
}

/// One PLC context: an engine with its program.
#[derive(Clone, Debug)]
pub struct PlcSettings {
    /// Its name: the second segment of its signals, `plc/<name>/…`. Unique.
    pub name: String,
    /// What PiPLC's protocol calls it. Unique.
    pub id: String,
    /// How it scans.
    pub controller: ControllerSettings,
    /// The program that is loaded at the start of the hub.
    pub program: Option<Arc<Program>>,
    /// It runs when the hub starts.
    pub autostart: bool,
    /// A stop or a fault leaves what the outputs drive as it is, instead of switching it off (PL-30).
    pub hold_outputs: bool,
    /// What its scan thread asks of the operating system.
    pub realtime: RealtimeWish,
    /// What is wired to its inputs and outputs, without conflicts; empty is nothing (PL-72).
    pub io: Vec<IoConfig>,
    /// What the program gets from a device that does not answer: what it read last, 0, or a fault.
    pub on_io_failure: OnStale,
    /// It came over the protocol and is gone when the hub ends.
    pub is_temporary: bool,
    /// Its engine is elsewhere; program, scan time and what else belongs to an engine here mean nothing then.
    pub remote: Option<RemoteSettings>,
    /// The places that keep their values over a power loss, and what they kept.
    pub retain: Option<RetainSettings>,
}

/// A PiPLC engine that a context has elsewhere (PL-90).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSettings {
    /// Its address, without a query, for people.
    pub url: String,
    /// Id or name of the context there; the first one when there is none.
    pub context: Option<String>,
}

/// The retentive memory of a context (PL-37).
#[derive(Clone, Debug)]
pub struct RetainSettings {
    /// The places.
    pub list: Arc<RetainList>,
    /// What they begin with.
    pub start: RetainStart,
}

/// What retentive memory begins with.
#[derive(Clone, Debug)]
pub enum RetainStart {
    /// Zeros: nothing was kept yet, or somebody wants it so.
    Cold,
    /// What an earlier run has kept; it may be of another list.
    Warm(Arc<RetainImage>),
    /// Zeros, and a person is to look first: what was kept cannot be read, for this reason. The context does not start by
    /// itself, and nothing takes the place of what was kept until somebody has started or reset it.
    Lost(String),
}

impl PlcSettings {
    /// A context of this name and id with every setting at its default.
    pub fn named(name: &str) -> PlcSettings {
        PlcSettings {
            name: name.to_owned(),
            id: name.to_owned(),
            controller: ControllerSettings::default(),
            program: None,
            autostart: false,
            hold_outputs: false,
            realtime: RealtimeWish::default(),
            io: Vec::new(),
            on_io_failure: OnStale::Hold,
            is_temporary: false,
            remote: None,
            retain: None,
        }
    }
}

/// What clients of PiPLC's protocol are told about the hub.
#[derive(Clone, Debug)]
pub struct PiplcSettings {
    /// Name of the engine as a whole.
    pub engine_name: String,
    /// Stays the same over restarts.
    pub engine_id: String,
    /// Contexts that there may be; a client that asks for one more is refused (PL-21).
    pub contexts_max: usize,
    /// Where it listens, as a URL without keys, for people; empty while it does not.
    pub url: String,
}

impl Default for PiplcSettings {
    fn default() -> PiplcSettings {
        PiplcSettings {
            engine_name: String::from("Crosstie"),
            engine_id: String::from("00000000-0000-4000-8000-000000000000"),
            contexts_max: 8,
            url: String::new(),
        }
    }
}

/// All that the hub is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the project, for people.
    pub project: String,
    /// Added to every connection's number to make its epoch, so that a write typed before a restart of the hub never fits a
    /// channel opened after it: the driver gives a number that no start before had.
    pub epoch_base: u64,
    /// A writing link without a sign of life for so long makes its signals stale.
    pub stale_after: Duration,
    /// The endpoints; an [`EndpointId`] is a position here.
    pub endpoints: Vec<EndpointSettings>,
    /// The PLC contexts of the project, in the order of `context.list`.
    pub plcs: Vec<PlcSettings>,
    /// What came of the wish that all memory of the process stays in the machine's memory.
    pub locked_memory: Granted,
    /// What clients of PiPLC's protocol are told.
    pub piplc: PiplcSettings,
    /// The classroom, when the project has one.
    pub classroom: Option<ClassroomSettings>,
    /// The routes of the project.
    pub routes: Vec<RouteSetting>,
    /// How the hub's time goes at the start.
    pub clock: ClockMode,
    /// Limits of this hub.
    pub limits: crate::limits::Limits,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            project: String::from("untitled"),
            epoch_base: 0,
            stale_after: Duration::from_secs(5),
            endpoints: Vec::new(),
            plcs: Vec::new(),
            locked_memory: Granted::NotAsked,
            piplc: PiplcSettings::default(),
            classroom: None,
            routes: Vec::new(),
            clock: ClockMode::Real,
            limits: crate::limits::Limits::default(),
        }
    }
}
