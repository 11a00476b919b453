//! How one link stands: dialled, greeted, connected, waiting for the next attempt, given up. Nothing here sends or stores: the
//! time goes in, and the state says what is due and when.

use crate::api::{LinkRow, LinkState};
use crate::endpoint::Slot;
use crate::input::ConnId;
use crate::settings::LinkSettings;
use crate::signal::SignalId;
use crate::time::Time;
use std::time::Duration;

/// A server that has sent no catalog for so long after the connection is warned of (RV-32).
const CATALOG_WITHIN: Duration = Duration::from_secs(10);
/// A link that has held for so long was really up, catalog or not: the failures before it are forgotten.
const PROVEN_AFTER: Duration = Duration::from_secs(5);
/// `init` is repeated so often where `keep_alive` asks for it (RV-34).
const INIT_EVERY: Duration = Duration::from_secs(25);

/// The connection that a link has now.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) conn: ConnId,
    since: Time,
    catalog_due: Option<Time>,
    proven_at: Option<Time>,
    init_at: Option<Time>,
    /// How many names the last `subscribe` held, and which of them the server did not offer.
    pub(crate) subscribed: Option<(usize, Vec<Slot>)>,
    /// When bindings that have appeared are subscribed to and shown.
    pub(crate) grows_at: Option<Time>,
}

/// The three signals that say how a link stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateSignals {
    pub(crate) up: SignalId,
    pub(crate) state: SignalId,
    pub(crate) failures: SignalId,
}

/// What has become due on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Connect.
    Dial,
    /// No catalog has come within its time.
    NoCatalog,
    /// The link has held long enough to forget the failures before it.
    Proven,
    /// Say `init` again.
    Init,
    /// Subscribe to what has appeared, and show it.
    Grow,
}

/// The link of one endpoint.
#[derive(Debug)]
pub(crate) struct Link {
    settings: LinkSettings,
    state: LinkState,
    pub(crate) up: Option<Up>,
    /// Number of the dial that is not answered.
    dial: Option<u64>,
    /// It was connected for an import only and is disconnected after it.
    pub(crate) is_for_import: bool,
    attempts: u64,
    failures: u32,
    pause: Duration,
    next_attempt_at: Option<Time>,
    last_error: Option<String>,
    catalog: Option<usize>,
    pub(crate) alarm: Option<Time>,
    pub(crate) signals: Option<StateSignals>,
}

impl Link {
    /// A link that has not been tried; one that connects on start is due at once.
    pub(crate) fn new(settings: LinkSettings) -> Link {
        let (state, next_attempt_at) = match settings.connect_on_start {
            true => (LinkState::Waiting, Some(Time::ZERO)),
            false => (LinkState::Off, None),
        };
        Link {
            settings,
            state,
            up: None,
            dial: None,
            is_for_import: false,
            attempts: 0,
            failures: 0,
            pause: Duration::ZERO,
            next_attempt_at,
            last_error: None,
            catalog: None,
            alarm: None,
            signals: None,
        }
    }

    /// How it stands.
    pub(crate) fn state(&self) -> LinkState {
        self.state
    }

    /// Failures in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// What the server calls us.
    pub(crate) fn client_name(&self) -> &str {
        &self.settings.client_name
    }

    /// Is this its connection?
    pub(crate) fn is_at(&self, conn: ConnId) -> bool {
        self.up.as_ref().is_some_and(|up| up.conn == conn)
    }

    /// A connection is being made under this number.
    pub(crate) fn dialled(&mut self, dial: u64) {
        self.state = LinkState::Connecting;
        self.dial = Some(dial);
        self.attempts += 1;
        self.next_attempt_at = None;
    }

    /// Somebody wants it connected, whatever failed before.
    pub(crate) fn forget_failures(&mut self) {
        self.failures = 0;
    }

    /// Is this the dial that is not answered yet?
    pub(crate) fn awaits(&self, dial: u64) -> bool {
        self.dial == Some(dial)
    }

    /// A connection has come about; false when none was waited for.
    pub(crate) fn connected(&mut self, now: Time, conn: ConnId) -> bool {
        if self.state != LinkState::Connecting || self.up.is_some() {
            return false;
        }
        self.state = LinkState::Greeting;
        self.dial = None;
        self.catalog = None;
        self.up = Some(Up {
            conn,
            since: now,
            catalog_due: Some(now + CATALOG_WITHIN),
            proven_at: Some(now + PROVEN_AFTER),
            init_at: self.settings.keep_alive.then(|| now + INIT_EVERY),
            subscribed: None,
            grows_at: None,
        });
        true
    }

    /// The server has sent its catalog: the link is up.
    pub(crate) fn catalog_came(&mut self, signals: usize) {
        if let Some(up) = &mut self.up {
            self.state = LinkState::Connected;
            self.catalog = Some(signals);
            self.failures = 0;
            up.catalog_due = None;
            up.proven_at = None;
        }
    }

    /// A dial or a connection has ended other than by our will.
    pub(crate) fn failed(&mut self, now: Time, reason: &str) {
        self.up = None;
        self.dial = None;
        self.last_error = Some(reason.to_owned());
        self.failures = self.failures.saturating_add(1);
        let is_wanted = self.settings.auto_reconnect && !self.is_for_import;
        let is_spent = self
            .settings
            .max_reconnect_attempts
            .is_some_and(|max| self.failures >= max);
        self.next_attempt_at = None;
        self.state = match (is_wanted, is_spent) {
            (false, _) => LinkState::Off,
            (true, true) => LinkState::GivenUp,
            (true, false) => {
                let doubled = 2_u32.saturating_pow(self.failures - 1);
                let pause = self.settings.reconnect_interval.saturating_mul(doubled);
                self.pause = pause.min(self.settings.pause_max());
                self.next_attempt_at = Some(now + self.pause);
                LinkState::Waiting
            }
        };
        self.is_for_import = false;
    }

    /// Nobody wants it any more.
    pub(crate) fn off(&mut self) {
        self.state = LinkState::Off;
        self.up = None;
        self.dial = None;
        self.next_attempt_at = None;
        self.is_for_import = false;
        self.failures = 0;
        self.last_error = None;
    }

    /// Takes one thing that is due.
    pub(crate) fn take_due(&mut self, now: Time) -> Option<Due> {
        let is_due = |at: &mut Option<Time>| at.take_if(|at| *at <= now).is_some();
        if is_due(&mut self.next_attempt_at) {
            return Some(Due::Dial);
        }
        let up = self.up.as_mut()?;
        if is_due(&mut up.grows_at) {
            return Some(Due::Grow);
        }
        if is_due(&mut up.catalog_due) {
            return Some(Due::NoCatalog);
        }
        if is_due(&mut up.proven_at) {
            self.failures = 0;
            return Some(Due::Proven);
        }
        if is_due(&mut up.init_at) {
            up.init_at = Some(now + INIT_EVERY);
            return Some(Due::Init);
        }
        None
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Time> {
        let up = self.up.as_ref();
        let of_up = |at: fn(&Up) -> Option<Time>| up.and_then(at);
        [
            self.next_attempt_at,
            of_up(|up| up.grows_at),
            of_up(|up| up.catalog_due),
            of_up(|up| up.proven_at),
            of_up(|up| up.init_at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// All that the API says of it.
    pub(crate) fn row(&self, url: &str) -> LinkRow {
        LinkRow {
            state: self.state,
            text: self.text(url),
            failures: self.failures,
            attempts: self.attempts,
            next_attempt_at: self.next_attempt_at,
            connected_at: self.up.as_ref().map(|up| up.since),
            last_error: self.last_error.clone(),
            catalog: self.up.as_ref().and(self.catalog),
        }
    }

    /// How it stands, in words.
    pub(crate) fn text(&self, url: &str) -> String {
        let reason = self.last_error.as_deref();
        match (self.state, reason) {
            (LinkState::Off, None) => String::from("off"),
            (LinkState::Off, Some(reason)) => format!("off: {reason}"),
            (LinkState::Connecting, _) => format!("connecting to {url}"),
            (LinkState::Greeting, _) => format!("connected to {url}, which has sent no catalog yet"),
            (LinkState::Connected, _) => match self.catalog {
                Some(1) => format!("connected to {url} for the catalog of 1 signal"),
                count => format!("connected to {url} for the catalog of {} signals", count.unwrap_or(0)),
            },
            (LinkState::Waiting, reason) => {
                let reason = reason.unwrap_or("not tried yet");
                format!("waiting {} s: {reason}", self.pause.as_secs_f64())
            }
            (LinkState::GivenUp, reason) => {
                let reason = reason.unwrap_or("no reason");
                format!("given up after {}: {reason}", times(self.failures))
            }
        }
    }
}

/// So many failures, in words.
fn times(failures: u32) -> String {
    match failures {
        1 => String::from("1 failure"),
        failures => format!("{failures} failures in a row"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(link: &mut Link, now: Time) -> Option<Duration> {
        link.dialled(1);
        link.failed(now, "connection refused");
        link.next_due().map(|at| at.since(now))
    }

    #[test]
    fn the_pause_doubles_with_every_failure_up_to_four_times_the_first() {
        let mut link = Link::new(LinkSettings::default());
        let now = Time::from_millis(50);
        for seconds in [2, 4, 8, 8, 8] {
            assert_eq!(waits(&mut link, now), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(link.text("ws://plc:1234"), "waiting 8 s: connection refused");
        for _ in 0..100 {
            assert_eq!(waits(&mut link, now), Some(Duration::from_secs(8)), "however often");
        }
    }

    #[test]
    fn failures_are_forgotten_only_by_a_catalog_or_five_seconds() {
        let mut link = Link::new(LinkSettings::default());
        let (now, conn) = (Time::from_millis(50), ConnId(1));
        waits(&mut link, now);
        link.dialled(2);
        assert!(link.connected(now, conn));
        assert!(!link.connected(now, ConnId(2)), "it has its connection");
        assert_eq!(link.take_due(now + Duration::from_millis(4_999)), None);
        link.failed(now, "gone");
        assert_eq!(link.failures(), 2);
        link.dialled(3);
        link.connected(now, conn);
        assert_eq!(link.take_due(now + Duration::from_secs(5)), Some(Due::Proven));
        assert_eq!(link.failures(), 0);
        waits(&mut link, now);
        link.dialled(4);
        link.connected(now, conn);
        link.catalog_came(12);
        assert_eq!(link.failures(), 0);
        assert_eq!(
            link.text("ws://plc:1234"),
            "connected to ws://plc:1234 for the catalog of 12 signals"
        );
    }

    #[test]
    fn a_link_that_may_fail_twice_is_given_up_and_one_without_reconnect_is_off() {
        let settings = LinkSettings {
            max_reconnect_attempts: Some(2),
            ..LinkSettings::default()
        };
        let mut link = Link::new(settings.clone());
        assert!(waits(&mut link, Time::ZERO).is_some());
        assert_eq!(waits(&mut link, Time::ZERO), None);
        assert_eq!(link.state(), LinkState::GivenUp);
        assert_eq!(
            link.text("ws://plc:1234"),
            "given up after 2 failures in a row: connection refused"
        );
        let mut once = Link::new(LinkSettings {
            auto_reconnect: false,
            ..settings
        });
        assert_eq!(waits(&mut once, Time::ZERO), None);
        assert_eq!(once.text("ws://plc:1234"), "off: connection refused");
    }
}
