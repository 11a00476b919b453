//! Questions about the replay of a recording, and how one stands. The driver plays; the hub says what may be said, writes down who
//! has done it, and shows people that what they see is a recording.

use crate::access::Access;
use crate::signal::Kind;
use crosstie_wire::live;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the API asks about replays.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ReplayRequest {
    /// Who makes these signals here? One [`Fit`] each.
    Fits {
        /// Names and kinds as they were recorded.
        signals: Vec<(Box<str>, Kind)>,
    },
    /// Somebody has steered a replay: for the audit log.
    Steered {
        /// What was done.
        deed: ReplayDeed,
        /// Name of the recording.
        recording: String,
        /// What it was told.
        new: serde_json::Value,
    },
}

/// What can be done with a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplayDeed {
    /// It was started.
    Start,
    /// It was told to go on.
    Play,
    /// It was told to stand.
    Pause,
    /// Its speed, its loop or its position was changed.
    Change,
    /// It was ended.
    Stop,
}

impl ReplayDeed {
    /// The word of the audit log.
    pub const fn word(self) -> &'static str {
        match self {
            ReplayDeed::Start => "replay.start",
            ReplayDeed::Play => "replay.play",
            ReplayDeed::Pause => "replay.pause",
            ReplayDeed::Change => "replay.change",
            ReplayDeed::Stop => "replay.stop",
        }
    }
}

/// May a replay say a signal?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Nobody here makes it.
    Free,
    /// A peer that is connected writes it, the one with this name: two would write it.
    Contested(String),
    /// It is made here, or may not be written; the text says why.
    Skipped(String),
}

/// What a replay does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplayState {
    /// There is none.
    #[default]
    Idle,
    /// It says what was recorded.
    Playing,
    /// It stands.
    Paused,
    /// The recording is over; what it said is old.
    Ended,
}

impl ReplayState {
    /// The word of the API.
    pub const fn word(self) -> &'static str {
        match self {
            ReplayState::Idle => "idle",
            ReplayState::Playing => "playing",
            ReplayState::Paused => "paused",
            ReplayState::Ended => "ended",
        }
    }
}

/// How a replay stands, for people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReplayShown {
    /// What it does.
    pub state: ReplayState,
    /// Name of the recording; `None` while idle.
    pub recording: Option<String>,
    /// Everything up to here, from the begin of the recording, has been said.
    pub position: Duration,
    /// Length of the recording.
    pub length: Duration,
    /// How many times as fast as it was recorded; 0 for as fast as the hub can.
    pub speed: f64,
    /// It begins anew when it is over.
    pub loops: bool,
    /// The hub's time goes as the replay does.
    pub leads_clock: bool,
    /// Signals that it says, each when the recording does.
    pub signals: usize,
    /// Signals of the recording that it does not say and why, the first ones.
    pub skipped: Vec<(String, String)>,
    /// All of them.
    pub skipped_count: usize,
    /// What is wrong with the recording; it may play all the same.
    pub error: Option<String>,
}

impl ReplayShown {
    /// The same for the wire, without the names that these rights do not show.
    pub fn shown(&self, access: &Access) -> live::Replay<'_> {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let seen = self.skipped.iter().filter(|(name, _)| access.sees(name));
        live::Replay {
            state: self.state.word(),
            recording: self.recording.as_deref(),
            position_ms: millis(self.position),
            duration_ms: millis(self.length),
            speed: self.speed,
            loops: self.loops,
            leads_clock: self.leads_clock,
            signals: self.signals,
            skipped: seen
                .map(|(name, reason)| live::SkippedSignal { name, reason })
                .collect(),
            skipped_count: self.skipped_count,
            error: self.error.as_deref(),
        }
    }
}
