//! Questions and commands about the classroom, and their answers.

use crate::classroom::catalog::Catalog;
use crate::time::Time;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What the API asks about the classroom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ClassroomRequest {
    /// Everything.
    State,
    /// The models.
    Catalog,
    /// The newest lines of GAMA's console, those after a number.
    Console {
        /// The last number that is known already.
        after: Option<u64>,
    },
    /// Make another model the active one.
    Select {
        /// Its index.
        model: usize,
    },
    /// Carry out an order.
    Order(OrderWord),
    /// Make a connected player one of the game (SI-21).
    AddPlayer {
        /// Id or address.
        id: String,
    },
    /// Take a player out of the game and close its connection (SI-21).
    RemovePlayer {
        /// Id or address.
        id: String,
    },
    /// Forget a player that is not connected.
    ForgetPlayer {
        /// Id or address.
        id: String,
    },
    /// Switch what monitors show (SI-22).
    Screen {
        /// The display type.
        display_type: String,
    },
    /// Have GAMA evaluate an expression; the answer comes with its reply.
    Evaluate {
        /// GAML.
        expr: String,
    },
}

/// What may be ordered, by its word in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderWord {
    /// Load the active model.
    Launch,
    /// Hold.
    Pause,
    /// Run.
    Resume,
    /// End the experiment and send all headsets away.
    Stop,
    /// One cycle.
    Step,
    /// One cycle back.
    StepBack,
    /// Load the same experiment anew.
    Reload,
    /// Try to reach GAMA now.
    Connect,
}

impl OrderWord {
    /// All of them.
    pub const ALL: [OrderWord; 8] = [
        OrderWord::Launch,
        OrderWord::Pause,
        OrderWord::Resume,
        OrderWord::Stop,
        OrderWord::Step,
        OrderWord::StepBack,
        OrderWord::Reload,
        OrderWord::Connect,
    ];

    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            OrderWord::Launch => "launch",
            OrderWord::Pause => "pause",
            OrderWord::Resume => "resume",
            OrderWord::Stop => "stop",
            OrderWord::Step => "step",
            OrderWord::StepBack => "step_back",
            OrderWord::Reload => "reload",
            OrderWord::Connect => "connect",
        }
    }
}

/// The answers.
#[derive(Clone, Debug)]
pub enum ClassroomReply {
    /// To [`ClassroomRequest::State`] and to everything that changes the class: how it stands then.
    State(Box<ClassRow>),
    /// To [`ClassroomRequest::Catalog`]; with the active model.
    Catalog(Arc<Catalog>, usize),
    /// To [`ClassroomRequest::Console`].
    Console(Vec<ConsoleLine>, Time),
    /// To [`ClassroomRequest::Evaluate`]: what GAMA says.
    Evaluated(String),
}

/// The whole class at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRow {
    /// The hub's time.
    pub now: Time,
    /// The link to GAMA; `None` in GAMALESS mode.
    pub gama: Option<GamaRow>,
    /// The model that a launch would load: its index and name.
    pub model: Option<(usize, String)>,
    /// Players that the active model needs at least and takes at most.
    pub minimal_players: Option<u32>,
    /// See above.
    pub maximal_players: Option<u32>,
    /// The seats in the order of arrival.
    pub players: Vec<PlayerRow>,
    /// Connected monitors.
    pub monitors: usize,
    /// What monitors show, as JSON text; a text that is none is left out.
    pub screen: Option<String>,
    /// The orders that can be carried out now.
    pub orders: Vec<OrderWord>,
    /// What passed.
    pub counters: ClassCounters,
    /// Models in the catalog, and what was found wrong in it.
    pub models: usize,
    /// Errors and warnings of the catalog.
    pub catalog_problems: usize,
}

/// How the link to GAMA stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GamaLinkState {
    /// A connection is being made.
    Connecting,
    /// Connected; GAMA has not greeted yet.
    Greeting,
    /// Connected.
    Connected,
    /// It failed and is tried again after a pause.
    Waiting,
}

impl GamaLinkState {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            GamaLinkState::Connecting => "connecting",
            GamaLinkState::Greeting => "greeting",
            GamaLinkState::Connected => "connected",
            GamaLinkState::Waiting => "waiting",
        }
    }
}

/// The link to GAMA and its experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct GamaRow {
    /// Where GAMA is looked for.
    pub url: String,
    /// How the link stands.
    pub link: GamaLinkState,
    /// The same in words, with the reason and what to do.
    pub text: String,
    /// When the next attempt is due.
    pub retry_at: Option<Time>,
    /// Since when the link stands so.
    pub since: Time,
    /// `gui` or `headless`; `None` while that is not known.
    pub flavour: Option<&'static str>,
    /// The experiment's state as GAMA spells it.
    pub state: String,
    /// What is waited for, in words; `None` while nothing is.
    pub waits_for: Option<String>,
    /// Id of the experiment.
    pub experiment_id: String,
    /// Name of the experiment.
    pub experiment_name: String,
    /// The last error that no success has cleared yet.
    pub error: Option<ClassError>,
    /// It has said that it is a stand-in for practice.
    pub practice: bool,
}

/// An error of GAMA, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassError {
    /// The type of GAMA's message.
    pub kind: String,
    /// What it says.
    pub text: String,
    /// What to do.
    pub hint: String,
    /// When it came.
    pub at: Time,
}

/// One seat.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerRow {
    /// The name that the headset gives itself.
    pub id: String,
    /// Address and port of its last connection.
    pub address: String,
    /// Its socket is open.
    pub connected: bool,
    /// GAMA knows it as a player.
    pub in_game: bool,
    /// It has given a sign of life since the last ping.
    pub is_alive: bool,
    /// Local time of its first arrival, `HH:MM`.
    pub arrived: String,
    /// The interval of its heartbeat.
    pub heartbeat: Duration,
    /// Its last sign of life.
    pub last_seen_at: Time,
    /// Why it is not in the game, in words; `None` where it is.
    pub waits_for: Option<String>,
    /// A second headset that says the same name was refused.
    pub is_doubled: bool,
    /// Pieces of worlds that went to it.
    pub worlds: u64,
    /// Pieces that were dropped because it did not read.
    pub worlds_dropped: u64,
    /// Asks and expressions that went to GAMA.
    pub said: u64,
    /// Asks and expressions that were dropped or refused.
    pub said_dropped: u64,
}

/// What passed in the class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassCounters {
    /// Worlds that came from GAMA.
    pub worlds: u64,
    /// Pieces of them that went to headsets.
    pub pieces: u64,
    /// Ids that belong to no player (GA-7).
    pub unknown_ids: u64,
    /// Pieces without a list of ids (GA-7).
    pub skipped: u64,
    /// Messages of GAMA that could not be read.
    pub unreadable: u64,
}

/// One line of GAMA's console.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsoleLine {
    /// Counts up over all lines.
    pub number: u64,
    /// When it came.
    pub at: Time,
    /// `error`, `note`, `console`, or `order` for what we have asked.
    pub level: &'static str,
    /// The type of the message.
    pub kind: String,
    /// What it says; cut where it is long.
    pub text: String,
}
