//! The link to GAMA: reaching it, commands in their lanes, what it answers (GA-1 to GA-12).
//!
//! ```text
//!   dial ─▶ greeting ─▶ up: commands go out, answers come back        lost ─▶ everything forgotten ─▶ 5 s ─▶ dial
//! ```
//!
//! Commands are executed now or not at all: nothing of them outlives the link. What is state (who is to be a player, what
//! signals are written into the simulation) is told again by its owner when there is an experiment again.
//!
//! | room | what it does |
//! |---|---|
//! | `link` | how the link stands |
//! | `lanes` | what is at GAMA, and what waits for that |
//! | `say` | commands, asks and expressions on their way |
//! | `answers` | what becomes of answers, and of those that do not come |

mod answers;
pub(crate) mod lanes;
mod link;
mod say;

use crate::api::Refused;
use crate::api::Reply;
use crate::api::classroom::GamaRow;
use crate::classroom::Classroom;
use crate::classroom::experiment::table::{Command, Happening, Stopping};
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::{Callee, Level, Output};
use crate::time::Time;
use crate::timers::Alarm;
use crosstie_wire::DecodeError;
use crosstie_wire::gama::{Control, ServerMessage};
pub(crate) use link::GamaLink;
use link::{GREETING_MAX, Phase};

/// Id of the problem that GAMA is not there.
const LINK_PROBLEM: &str = "gama:link";
/// Id of the problem that GAMA has told an error.
pub(crate) const ERROR_PROBLEM: &str = "gama:error";
/// Id of the problem that GAMA answers nothing.
const SILENT_PROBLEM: &str = "gama:silent";
/// Bytes of a name or an id of GAMA that are kept.
const NAME_MAX: usize = 200;
/// What the problems are about.
/// The problem of messages that could not be read.
const UNREADABLE_PROBLEM: &str = "gama:unreadable";
const SUBJECT: &str = "GAMA";

impl Hub {
    /// The first attempt is due at once; nothing in GAMALESS mode.
    pub(crate) fn begin_gama(&mut self) {
        self.gama_set_alarm();
    }

    fn gama_dial(&mut self) {
        let now = self.now;
        self.last_dial += 1;
        let dial = self.last_dial;
        let Some(class) = &mut self.classroom else { return };
        class.link.moves(now, Phase::Dialling { dial });
        self.outputs.push(Output::Dial {
            callee: Callee::Gama,
            dial,
        });
        self.class_changed();
    }

    /// Somebody does not want to wait for the next attempt.
    pub(crate) fn gama_connect_now(&mut self) {
        let waits = |class: &Classroom| matches!(class.link.phase, Phase::Waiting { .. });
        if self.classroom.as_deref().is_some_and(waits) {
            self.gama_dial();
        }
    }

    /// A dial did not come about.
    pub(crate) fn gama_dial_failed(&mut self, dial: u64, reason: &str) {
        let awaits = |class: &Classroom| class.link.phase == Phase::Dialling { dial };
        if self.classroom.as_deref().is_some_and(awaits) {
            self.gama_failed(reason);
        }
    }

    /// A connection to GAMA has come about; one that nobody waits for is closed.
    pub(crate) fn gama_connected(&mut self, conn: ConnId) {
        let now = self.now;
        let awaits = |class: &&mut Box<Classroom>| matches!(class.link.phase, Phase::Dialling { .. });
        let Some(class) = self.classroom.as_mut().filter(awaits) else {
            self.close(conn, 1001, "not wanted");
            return;
        };
        class.link.conn = Some(conn);
        let until = now + GREETING_MAX;
        class.link.moves(now, Phase::Greeting { until });
        if let Some(client) = self.clients.get_mut(&conn) {
            client.name = SUBJECT.to_owned();
        }
        self.gama_set_alarm();
        self.class_changed();
    }

    /// A connection to GAMA is over, by whoever.
    pub(crate) fn gama_closed(&mut self, conn: ConnId, reason: &str) {
        if self.is_gama(conn) {
            self.gama_failed(reason);
        }
    }

    fn is_gama(&self, conn: ConnId) -> bool {
        self.classroom
            .as_ref()
            .is_some_and(|class| class.link.conn == Some(conn))
    }

    /// The attempt or the link has ended: everything that waited for GAMA is forgotten, the experiment is none of ours any more.
    fn gama_failed(&mut self, reason: &str) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        let was_up = class.link.is_up();
        let evaluations = class.link.lanes.lose();
        class.link.failed(now, reason);
        let text = class.link.failure_text();
        if was_up {
            class
                .console
                .add(now, "error", "link", &format!("the link to GAMA is lost: {reason}"));
        }
        for ticket in evaluations {
            let lost = format!("the link to GAMA was lost: {reason}");
            self.reply(ticket, Reply::Refused(Refused::Classroom(lost)));
        }
        self.experiment_sees(Happening::LinkLost);
        if let Some(class) = &mut self.classroom {
            class.experiment.id.clear();
            class.experiment.name.clear();
        }
        let hint = "start GAMA and its server (or `crosstie practice gama`), or correct the address under [gama]; it is tried every 5 s";
        self.trouble(true, LINK_PROBLEM.to_owned(), SUBJECT, text, hint);
        self.gama_set_alarm();
        self.class_changed();
    }

    /// GAMA takes commands from now on.
    fn gama_greeted(&mut self, content: &str) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        if !matches!(class.link.phase, Phase::Greeting { .. }) {
            return;
        }
        class.link.greeted(now, content);
        let (conn, text) = (class.link.conn, class.link.text(now));
        class.console.add(now, "note", "link", &text);
        self.problems.clear(LINK_PROBLEM);
        self.problems.clear(UNREADABLE_PROBLEM);
        self.log(Level::Info, conn, text);
        self.class_changed();
    }

    /// One text of GAMA.
    pub(crate) fn gama_message(&mut self, conn: ConnId, message: Result<ServerMessage, DecodeError>) {
        if !self.is_gama(conn) {
            return;
        }
        match message {
            Ok(message) => self.gama_says(message),
            Err(error) => self.gama_unreadable(conn, &error),
        }
        self.gama_send_speech();
        self.gama_set_alarm();
    }

    fn gama_unreadable(&mut self, conn: ConnId, error: &DecodeError) {
        if let Some(class) = &mut self.classroom {
            class.link.unreadable += 1;
        }
        let Some(client) = self.clients.get_mut(&conn) else {
            return;
        };
        client.counters.ignored.malformed += 1;
        if !std::mem::replace(&mut client.said.malformed, true) {
            self.log(Level::Warn, Some(conn), format!("ignored a message of GAMA: {error}"));
        }
        self.gama_not_understood(&format!("a message could not be read: {error}"));
    }

    /// Something of GAMA's is lost: it is in the log view, and a problem until the link is made anew.
    pub(crate) fn gama_not_understood(&mut self, text: &str) {
        self.console_line("error", "unreadable", text);
        if !self.problems.holds(UNREADABLE_PROBLEM) {
            let hint = "what is lost so may be an answer or a world: look at GAMA and its version, and restart it if it comes again";
            self.trouble(false, UNREADABLE_PROBLEM.to_owned(), SUBJECT, text.to_owned(), hint);
        }
    }

    /// The socket of GAMA takes bytes again: what players have said meanwhile goes out.
    pub(crate) fn gama_writable(&mut self, conn: ConnId) {
        if self.is_gama(conn) {
            self.gama_send_speech();
            self.gama_set_alarm();
        }
    }

    // Time.

    /// Something of the link is due.
    pub(crate) fn gama_alarm(&mut self, at: Time) {
        let now = self.now;
        match &mut self.classroom {
            Some(class) if class.link.alarm == Some(at) => class.link.alarm = None,
            _ => return,
        }
        let due = self.classroom.as_ref().and_then(|class| class.link.next_due());
        if due.is_some_and(|due| now >= due) {
            match self.classroom.as_ref().map(|class| class.link.phase) {
                Some(Phase::Waiting { .. }) => self.gama_dial(),
                Some(Phase::Greeting { .. }) => self.gama_greeted(""),
                _ => {}
            }
        }
        let judged_from = self.gama_judged_from();
        while let Some(late) = self
            .classroom
            .as_mut()
            .and_then(|class| class.link.lanes.take_late(now, judged_from))
        {
            self.gama_late(late);
        }
        self.experiment_settles();
        self.class_watches_due();
        self.gama_send_speech();
        self.gama_set_alarm();
    }

    /// What kept the hub from listening is not GAMA's silence.
    fn gama_judged_from(&self) -> Time {
        let conn = self.classroom.as_ref().and_then(|class| class.link.conn);
        let client = conn.and_then(|conn| self.clients.get(&conn));
        client.map_or(Time::ZERO, |client| client.judged_from)
    }

    /// Sets the alarm for what is due first.
    pub(crate) fn gama_set_alarm(&mut self) {
        let judged_from = self.gama_judged_from();
        let Some(class) = &mut self.classroom else { return };
        let due = [
            class.link.next_due(),
            class.link.lanes.next_late(judged_from),
            class.experiment.settles_at(),
            class.next_watch(),
        ];
        if let Some(at) = due.into_iter().flatten().min()
            && class.link.alarm.is_none_or(|alarm| alarm > at)
        {
            class.link.alarm = Some(at);
            self.timers.set(at, Alarm::Gama);
        }
    }

    // For people.

    /// The link and its experiment for the API; `None` in GAMALESS mode.
    pub(crate) fn gama_row(&self) -> Option<GamaRow> {
        let class = self.classroom.as_ref()?;
        let settings = class.link.settings.as_ref()?;
        let (link, experiment) = (&class.link, &class.experiment);
        Some(GamaRow {
            url: settings.url.clone(),
            link: link.state(),
            text: link.text(self.now),
            retry_at: link.retry_at(),
            since: link.since,
            flavour: link
                .flavour
                .map(|_| if link.is_headless() { "headless" } else { "gui" }),
            state: experiment.word().to_owned(),
            waits_for: class.gama_waits_for(),
            experiment_id: experiment.id.clone(),
            experiment_name: experiment.name.clone(),
            error: experiment.failure.as_ref().map(|failure| failure.row()),
            practice: link.is_practice,
        })
    }
}

impl Classroom {
    /// What is waited for, in words.
    fn gama_waits_for(&self) -> Option<String> {
        let name = self.experiment.asked.as_deref().unwrap_or("the experiment");
        match self.experiment.stopping() {
            Some(Stopping::Pausing) => return Some(format!("GAMA to pause '{name}' before it is stopped")),
            Some(Stopping::Ending) => return Some(format!("GAMA to stop '{name}'")),
            None => {}
        }
        Some(match self.link.lanes.first_order()? {
            Command::Load => format!("GAMA to load '{name}'"),
            Command::Control(Control::Play) => format!("GAMA to run '{name}'"),
            Command::Control(Control::Pause) => format!("GAMA to pause '{name}'"),
            Command::Control(Control::Stop) => format!("GAMA to stop '{name}'"),
            Command::Control(Control::Step) => format!("GAMA to step '{name}'"),
            Command::Control(Control::StepBack) => format!("GAMA to step '{name}' back"),
            Command::Control(Control::Reload) => format!("GAMA to reload '{name}'"),
        })
    }
}
