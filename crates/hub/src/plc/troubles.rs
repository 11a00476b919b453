//! Problems of PLC contexts: what a person should know of an engine without looking at it.

use super::PlcId;
use super::context::Context;
use super::lateness::TARDY_PART;
use super::orders::OrderError;
use super::realtime::{Realtime, RealtimeAnswer};
use crate::hub::Hub;
use crosstie_ladder::controller::ControllerState;

/// Scans that are judged together.
const WINDOW_SCANS: u64 = 1_000;
/// More overruns than this among them are a problem: one per cent.
const OVERRUNS_MAX: u64 = WINDOW_SCANS / 100;
/// More scans than this that began too late, or not at all, are one too.
const LATE_MAX: u64 = WINDOW_SCANS / 100;

/// What a problem of a context can be about: the last part of its id.
const KINDS: [&str; 14] = [
    "fault", "feeds", "forces", "io", "late", "link", "merged", "on_stale", "overrun", "realtime", "retain", "routes",
    "silent", "start",
];

/// The scans that are judged now: where they began, and what was said of them.
#[derive(Debug, Default)]
pub(crate) struct Window {
    from: Counts,
    /// Which of [`JUDGED`].
    said: [bool; JUDGED.len()],
}

/// What is judged of scans.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    scans: u64,
    overruns: u64,
    merged: u64,
    tardy: u64,
    missed: u64,
}

/// What can be wrong with the scans of a window.
struct Judged {
    /// The last part of the problem's id.
    kind: &'static str,
    is_bad: fn(Counts) -> bool,
    /// What it is, with the scan time in microseconds.
    text: fn(Counts, u32) -> String,
    hint: &'static str,
}

const JUDGED: [Judged; 3] = [
    Judged {
        kind: "overrun",
        is_bad: |counts| counts.overruns > OVERRUNS_MAX,
        text: |Counts { overruns, scans, .. }, target| {
            format!("{overruns} of {scans} scans took longer than {target} µs")
        },
        hint: "make the program shorter or the scan time longer",
    },
    Judged {
        kind: "merged",
        is_bad: |counts| counts.merged > 0,
        text: |Counts { merged, .. }, _| {
            format!("the hub was slow: the changes of {merged} scans were merged into others")
        },
        hint: "look at what else this machine does, or make the scan time longer",
    },
    Judged {
        kind: "late",
        is_bad: |counts| counts.tardy + counts.missed > LATE_MAX,
        text: |counts, target| {
            let (due, late) = (counts.scans + counts.missed, f64::from(target / TARDY_PART) / 1_000.0);
            let Counts { tardy, missed, .. } = counts;
            format!("of the last {due} scans {tardy} began more than {late} ms late, and {missed} were left out")
        },
        hint: "give the context a `priority` if it has none, make its scan time longer, or look at what else this machine and its host do",
    },
];

impl Context {
    /// The id of a problem of this context.
    pub(crate) fn problem(&self, kind: &str) -> String {
        format!("plc:{}:{kind}", self.settings.name)
    }

    fn counts(&self) -> Counts {
        Counts {
            scans: self.statistics.scan_count,
            overruns: self.statistics.overrun_count,
            merged: self.merged_scans,
            tardy: self.lateness.tardy,
            missed: self.lateness.missed,
        }
    }
}

impl Counts {
    /// What came since then. Counts that began anew meanwhile have nothing before them.
    fn since(self, then: Counts) -> Counts {
        Counts {
            scans: self.scans - then.scans,
            overruns: self.overruns.saturating_sub(then.overruns),
            merged: self.merged - then.merged,
            tardy: self.tardy.saturating_sub(then.tardy),
            missed: self.missed.saturating_sub(then.missed),
        }
    }
}

impl Hub {
    /// Notes a problem of a context.
    pub(crate) fn plc_trouble(&mut self, plc: PlcId, (is_error, kind): (bool, &str), text: String, hint: &str) {
        let Some(context) = self.plcs.get(plc) else { return };
        let (id, name) = (context.problem(kind), context.settings.name.clone());
        self.trouble(is_error, id, &name, text, hint);
    }

    /// A problem of a context is over.
    pub(crate) fn end_plc_trouble(&mut self, plc: PlcId, kind: &str) {
        if let Some(context) = self.plcs.get(plc) {
            self.problems.clear(&context.problem(kind));
        }
    }

    /// Routes whose symbols the program does not have carry nothing: said when a program is loaded or cleared.
    pub(crate) fn note_routes_without_symbols(&mut self, plc: PlcId, prefix: &str) {
        let waiting = self.routes.without_symbol(prefix);
        let Some(first) = waiting.first() else {
            self.end_plc_trouble(plc, "routes");
            return;
        };
        let text = match waiting.len() {
            1 => format!("a route waits for '{first}': the program has no such symbol"),
            count => format!("{count} routes wait for symbols that the program does not have, '{first}' among them"),
        };
        let hint = "give the program these symbols, or name the routes' ends by addresses";
        self.plc_trouble(plc, (false, "routes"), text, hint);
    }

    /// The program or what feeds it has failed.
    pub(crate) fn plc_failed(&mut self, plc: PlcId, fault: String) {
        let hint = "look at the program, then stop or reset the context";
        self.plc_trouble(plc, (true, "fault"), fault, hint);
    }

    /// There is a border: a fault may be over, an engine that did not start may run.
    pub(crate) fn plc_at_border(&mut self, plc: PlcId, had_fault: bool, before: ControllerState) {
        let Some(context) = self.plcs.get(plc) else { return };
        let state = context.state;
        if had_fault && state != ControllerState::Fault {
            self.end_plc_trouble(plc, "fault");
        }
        if before != ControllerState::Running && state == ControllerState::Running {
            self.end_plc_trouble(plc, "start");
        }
        if before != state {
            self.note_io(plc);
        }
    }

    /// An order of the hub's own start was not carried out.
    pub(crate) fn plc_not_started(&mut self, plc: PlcId, error: &OrderError) {
        let hint = "give the context a program that runs, or end its autostart, in the project file";
        self.plc_trouble(plc, (true, "start"), format!("not started: {error}"), hint);
    }

    /// An engine leaves orders unanswered.
    pub(crate) fn plc_is_silent(&mut self, plc: PlcId, error: &OrderError) {
        let hint = "look at what else this machine does; orders are executed when the engine comes back";
        self.plc_trouble(plc, (true, "silent"), error.to_string(), hint);
    }

    /// What a context has kept is lost: it has begun with zeros and does not start by itself.
    pub(crate) fn plc_memory_is_lost(&mut self, plc: PlcId, why: &str) {
        let text = format!("what it kept is lost, it begins at 0 and is not started: {why}");
        let hint = "look at the machine, then start the context or reset it; `crosstie run --cold` does so for all";
        self.plc_trouble(plc, (true, "retain"), text, hint);
    }

    /// The retentive memory of a context is not on the disk.
    pub(crate) fn plc_memory_is_not_kept(&mut self, plc: PlcId, why: &str) {
        let text = format!("its retentive memory is not kept: {why}");
        let hint = "make room on the disk, or let the hub write in the state folder; it is tried again by itself";
        self.plc_trouble(plc, (true, "retain"), text, hint);
    }

    /// It is on the disk.
    pub(crate) fn plc_memory_is_kept(&mut self, plc: PlcId) {
        self.end_plc_trouble(plc, "retain");
    }

    /// It answers again.
    pub(crate) fn plc_is_back(&mut self, plc: PlcId) {
        self.end_plc_trouble(plc, "silent");
    }

    /// A context is removed: nothing is wrong with it any more.
    pub(crate) fn forget_plc_troubles(&mut self, plc: PlcId) {
        for kind in KINDS {
            self.end_plc_trouble(plc, kind);
        }
    }

    /// What the system grants the thread of a context. Said once for as long as it stays the same.
    pub(crate) fn plc_realtime(&mut self, plc: PlcId, answer: RealtimeAnswer) {
        let memory = self.plcs.locked_memory;
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let realtime = Realtime::of(context.settings.realtime, answer, memory);
        context.realtime = realtime.clone();
        self.end_plc_trouble(plc, "realtime");
        if !realtime.denied.is_empty() {
            let text = format!("scans without what was asked for: {}", realtime.denied.join("; "));
            self.plc_trouble(plc, (false, "realtime"), text, &realtime.hints.join("; "));
        }
    }

    /// Judges the scans since the window began; a full window in which nothing was wrong ends what was said before.
    pub(crate) fn judge_scans(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let counts = context.counts();
        if counts.scans < context.window.from.scans {
            // A download or a reset: counts begin at 0.
            context.window = Window::default();
            context.window.from.merged = counts.merged;
        }
        let target = context.settings.controller.target_scan.us();
        let found = counts.since(context.window.from);
        let mut new = [false; JUDGED.len()];
        for ((judged, said), new) in JUDGED.iter().zip(&mut context.window.said).zip(&mut new) {
            *new = (judged.is_bad)(found) && !std::mem::replace(said, (judged.is_bad)(found));
        }
        let said = context.window.said;
        let is_full = found.scans >= WINDOW_SCANS;
        if is_full {
            context.window = Window {
                from: counts,
                ..Window::default()
            };
        }
        for ((judged, said), new) in JUDGED.iter().zip(said).zip(new) {
            if new {
                let Some(context) = self.plcs.get(plc) else { return };
                let text = format!("PLC {}: {}", context.settings.name, (judged.text)(found, target));
                self.plc_trouble(plc, (false, judged.kind), text, judged.hint);
            }
            if is_full && !said {
                self.end_plc_trouble(plc, judged.kind);
            }
        }
    }
}
