//! How the link to GAMA stands, and what of it is due. Nothing here sends.

use super::lanes::Lanes;
use crate::api::classroom::GamaLinkState;
use crate::input::ConnId;
use crate::settings::{Flavour, GamaSettings};
use crate::time::Time;
use std::time::Duration;

/// A link that has ended, however, is tried again after this, for ever (GA-2).
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);
/// A GAMA that says nothing at all counts as greeted after this (GA-1): older ones send no greeting.
pub(super) const GREETING_MAX: Duration = Duration::from_secs(2);
/// How the greeting of a stand-in for practice begins.
const PRACTICE: &str = "practice";

/// How far the link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is none in GAMALESS mode.
    Off,
    /// The next attempt is due.
    Waiting { retry_at: Time },
    /// A connection is being made.
    Dialling { dial: u64 },
    /// Connected; GAMA has not greeted.
    Greeting { until: Time },
    /// Commands may go out.
    Up,
}

/// The link to GAMA.
#[derive(Debug)]
pub(crate) struct GamaLink {
    pub(super) settings: Option<GamaSettings>,
    pub(super) phase: Phase,
    pub(super) since: Time,
    pub(super) conn: Option<ConnId>,
    /// Why it is down.
    pub(super) failure: Option<String>,
    /// What kind of GAMA it is, once that is known on this link.
    pub(super) flavour: Option<Flavour>,
    pub(super) is_practice: bool,
    /// Messages that could not be read.
    pub(crate) unreadable: u64,
    /// Asks of players and watches that were not answered since one was.
    pub(super) unanswered: u64,
    pub(super) alarm: Option<Time>,
    last_api_id: u64,
    pub(crate) lanes: Lanes,
}

impl GamaLink {
    pub(crate) fn new(settings: Option<&GamaSettings>) -> GamaLink {
        GamaLink {
            settings: settings.cloned(),
            phase: match settings {
                Some(_) => Phase::Waiting { retry_at: Time::ZERO },
                None => Phase::Off,
            },
            since: Time::ZERO,
            conn: None,
            failure: None,
            flavour: None,
            is_practice: false,
            unreadable: 0,
            unanswered: 0,
            alarm: None,
            last_api_id: 0,
            lanes: Lanes::default(),
        }
    }

    /// Commands may go out.
    pub(crate) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// GAMA reports no states (GA-6).
    pub(crate) fn is_headless(&self) -> bool {
        self.flavour == Some(Flavour::Headless)
    }

    pub(super) fn moves(&mut self, now: Time, phase: Phase) {
        self.phase = phase;
        self.since = now;
    }

    /// It is over; what it told of itself counts no more.
    pub(super) fn failed(&mut self, now: Time, reason: &str) {
        let retry_at = now + RETRY_AFTER;
        self.moves(now, Phase::Waiting { retry_at });
        self.conn = None;
        self.failure = Some(reason.to_owned());
        self.flavour = None;
        self.is_practice = false;
    }

    /// GAMA has greeted, or will not.
    pub(super) fn greeted(&mut self, now: Time, content: &str) {
        self.moves(now, Phase::Up);
        self.failure = None;
        self.is_practice = content.starts_with(PRACTICE);
        self.flavour = match self.settings.as_ref().map(|settings| settings.flavour) {
            Some(Flavour::Auto) | None => None,
            known => known,
        };
    }

    /// The number for the next command, where commands carry one (GA-4).
    pub(super) fn next_api_id(&mut self) -> Option<u64> {
        let uses = self.settings.as_ref().is_some_and(|settings| settings.use_api_id);
        uses.then(|| {
            self.last_api_id += 1;
            self.last_api_id
        })
    }

    /// Whether an attempt at once would be one more than there is.
    pub(crate) fn may_connect(&self) -> Result<(), String> {
        match self.phase {
            Phase::Waiting { .. } => Ok(()),
            Phase::Off => Err(String::from("this class runs without GAMA")),
            Phase::Dialling { .. } => Err(String::from("GAMA is being called already")),
            Phase::Greeting { .. } | Phase::Up => Err(String::from("GAMA is connected already")),
        }
    }

    /// What stands in the way of every command, in words; `None` while nothing does.
    pub(crate) fn down_text(&self, now: Time) -> Option<String> {
        (!self.is_up()).then(|| self.text(now))
    }

    fn url(&self) -> &str {
        self.settings.as_ref().map_or("", |settings| settings.url.as_str())
    }

    /// Why it is down and what to do, without the time of the next attempt.
    pub(super) fn failure_text(&self) -> String {
        let reason = self.failure.as_deref().unwrap_or("not tried yet");
        format!("GAMA is not reachable at {}: {reason}", self.url())
    }

    /// How it stands, in words for people.
    pub(super) fn text(&self, now: Time) -> String {
        let url = self.url();
        match self.phase {
            Phase::Off => String::from("this class runs without GAMA"),
            Phase::Waiting { retry_at } => {
                let seconds = retry_at.since(now).as_millis().div_ceil(1_000);
                format!(
                    "{}. Start GAMA (or `crosstie practice gama`); next attempt in {seconds} s",
                    self.failure_text()
                )
            }
            Phase::Dialling { .. } => match &self.failure {
                Some(_) => format!(
                    "{}. Start GAMA (or `crosstie practice gama`); trying again now",
                    self.failure_text()
                ),
                None => format!("connecting to GAMA at {url}"),
            },
            Phase::Greeting { .. } => format!("connected to {url}; waiting for GAMA's greeting"),
            Phase::Up if self.is_practice => format!("connected to a practice stand-in for GAMA at {url}"),
            Phase::Up => format!("connected to GAMA at {url}"),
        }
    }

    /// How it stands, for programs.
    pub(super) fn state(&self) -> GamaLinkState {
        match self.phase {
            Phase::Off | Phase::Waiting { .. } => GamaLinkState::Waiting,
            Phase::Dialling { .. } => GamaLinkState::Connecting,
            Phase::Greeting { .. } => GamaLinkState::Greeting,
            Phase::Up => GamaLinkState::Connected,
        }
    }

    /// When the next attempt is due.
    pub(super) fn retry_at(&self) -> Option<Time> {
        match self.phase {
            Phase::Waiting { retry_at } => Some(retry_at),
            _ => None,
        }
    }

    /// When something of the link itself is due.
    pub(super) fn next_due(&self) -> Option<Time> {
        match self.phase {
            Phase::Waiting { retry_at } => Some(retry_at),
            Phase::Greeting { until } => Some(until),
            Phase::Off | Phase::Dialling { .. } | Phase::Up => None,
        }
    }
}
