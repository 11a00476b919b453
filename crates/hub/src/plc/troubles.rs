//! Problems of PLC contexts: what a person should know of an engine without looking at it.

use super::PlcId;
use super::context::Context;
use super::orders::OrderError;
use crate::hub::Hub;
use crosstie_ladder::controller::ControllerState;

/// Scans that are judged together.
const WINDOW_SCANS: u64 = 1_000;
/// More overruns than this among them are a problem: one per cent.
const OVERRUNS_MAX: u64 = WINDOW_SCANS / 100;

/// What a problem of a context can be about: the last part of its id.
const KINDS: [&str; 7] = ["fault", "forces", "merged", "overrun", "routes", "silent", "start"];

/// The scans that are judged now: where they began, and what was said of them.
#[derive(Debug, Default)]
pub(crate) struct Window {
    scans: u64,
    overruns: u64,
    merged: u64,
    said_overrun: bool,
    said_merged: bool,
}

impl Context {
    /// The id of a problem of this context.
    pub(crate) fn problem(&self, kind: &str) -> String {
        format!("plc:{}:{kind}", self.settings.name)
    }

    fn window_from_here(&self) -> Window {
        Window {
            scans: self.statistics.scan_count,
            overruns: self.statistics.overrun_count,
            merged: self.merged_scans,
            ..Window::default()
        }
    }
}

impl Hub {
    fn plc_trouble(&mut self, plc: PlcId, (is_error, kind): (bool, &str), text: String, hint: &str) {
        let Some(context) = self.plcs.get(plc) else { return };
        let (id, name) = (context.problem(kind), context.settings.name.clone());
        self.trouble(is_error, id, &name, text, hint);
    }

    fn end_plc_trouble(&mut self, plc: PlcId, kind: &str) {
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

    /// Judges the scans since the window began; a full window in which nothing was wrong ends what was said before.
    pub(crate) fn judge_scans(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        if context.statistics.scan_count < context.window.scans {
            // A download or a reset: counts begin at 0.
            context.window = Window {
                merged: context.merged_scans,
                ..Window::default()
            };
        }
        let scans = context.statistics.scan_count - context.window.scans;
        let overruns = context.statistics.overrun_count.saturating_sub(context.window.overruns);
        let merged = context.merged_scans - context.window.merged;
        let target = context.settings.controller.target_scan.us();
        let window = &mut context.window;
        let tells_overrun =
            overruns > OVERRUNS_MAX && !std::mem::replace(&mut window.said_overrun, overruns > OVERRUNS_MAX);
        let tells_merged = merged > 0 && !std::mem::replace(&mut window.said_merged, merged > 0);
        let (said_overrun, said_merged) = (window.said_overrun, window.said_merged);
        let is_full = scans >= WINDOW_SCANS;
        if is_full {
            context.window = context.window_from_here();
        }
        if tells_overrun {
            let text = format!("{overruns} of {scans} scans took longer than {target} µs");
            let hint = "make the program shorter or the scan time longer";
            self.plc_trouble(plc, (false, "overrun"), text, hint);
        }
        if tells_merged {
            let text = format!("the hub was slow: the changes of {merged} scans were merged into others");
            let hint = "look at what else this machine does, or make the scan time longer";
            self.plc_trouble(plc, (false, "merged"), text, hint);
        }
        if is_full && !said_overrun {
            self.end_plc_trouble(plc, "overrun");
        }
        if is_full && !said_merged {
            self.end_plc_trouble(plc, "merged");
        }
    }
}
