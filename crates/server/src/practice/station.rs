//! The practice line under its wire names: signal maps from the hub enter, signal maps for the hub leave.
//!
//! The station decides what a value means: a *baseline* (what was there when the link came up) sets levels and is never an
//! edge; *news* (a delta) can start, stop, reset and take the line over. It knows no socket and no clock.

use serde_json::{Map, Value as Json};

use super::auto::AutoSequence;
use super::line::{Commands, Line, Value};

/// Signals under their wire names.
pub(super) type Signals = Map<String, Json>;

/// What the twin reads; it subscribes to exactly these. `Run` is the one that it may also write.
pub(super) const READS: [&str; 5] = ["Run", "FaultSwitch", "SpeedSetpoint", "ResetCount", "AutoRequest"];

/// The line, its automatic sequence, and what has to be said next.
#[derive(Clone, Debug)]
pub(super) struct Station {
    line: Line,
    auto: AutoSequence,
    commands: Commands,
    auto_request: bool,
    /// The newest value of each signal that changed since the last [`Station::advance`] or [`Station::full`].
    pending: Signals,
}

impl Station {
    /// A standing line, with its automatic sequence on or off.
    pub(super) fn new(auto: bool) -> Self {
        Self {
            line: Line::new(),
            auto: AutoSequence::new(auto),
            commands: Commands {
                run: auto,
                ..Commands::default()
            },
            auto_request: false,
            pending: Signals::new(),
        }
    }

    /// The automatic sequence has the line.
    pub(super) fn is_auto(&self) -> bool {
        self.auto.is_active()
    }

    /// Lets `dt_ms` pass; answers what has changed since the last time, or nothing.
    pub(super) fn advance(&mut self, dt_ms: u32) -> Option<Signals> {
        if let Some(run) = self.auto.step(dt_ms)
            && run != self.commands.run
        {
            self.commands.run = run;
            self.pending.insert("Run".to_owned(), Json::Bool(run));
        }
        self.step_line(dt_ms);
        (!self.pending.is_empty()).then(|| std::mem::take(&mut self.pending))
    }

    /// Everything that the twin writes, as it stands: the first `data` of a link (RV-33). `Run` is in it only while the
    /// automatic sequence has the line; otherwise it is the operator's.
    pub(super) fn full(&mut self) -> Signals {
        self.pending.clear();
        let mut signals = Signals::new();
        if self.is_auto() {
            signals.insert("Run".to_owned(), Json::Bool(self.commands.run));
        }
        signals.insert("Auto".to_owned(), Json::Bool(self.is_auto()));
        for (name, value) in self.line.outputs().signals() {
            signals.insert(name.to_owned(), to_json(value));
        }
        signals
    }

    /// Takes values that were there before we looked: levels without edges. While the automatic sequence has the line, the
    /// `Run` in them is older than what we are about to write.
    pub(super) fn take_baseline(&mut self, signals: &Signals) {
        self.take_levels(signals);
        if let Some(request) = bool_in(signals, "AutoRequest") {
            self.auto_request = request;
        }
        if let Some(run) = bool_in(signals, "Run")
            && !self.is_auto()
        {
            self.commands.run = run;
        }
        self.line.settle(&self.commands);
    }

    /// Takes a delta. It acts at once and not at the next cycle, so that a bit which comes and goes between two cycles is
    /// still an edge. Its effects leave with the next [`Station::advance`].
    pub(super) fn take_news(&mut self, signals: &Signals) {
        self.take_levels(signals);
        if let Some(run) = bool_in(signals, "Run")
            && run != self.commands.run
        {
            self.commands.run = run;
            // Somebody else decided on Run. Saying anything about it now would be a second writer's quarrel.
            if self.is_auto() {
                self.auto.give_way();
                self.pending.insert("Auto".to_owned(), Json::Bool(false));
            }
        }
        if let Some(request) = bool_in(signals, "AutoRequest") {
            let rises = request && !self.auto_request;
            self.auto_request = request;
            if rises && !self.is_auto() {
                self.auto.take_over();
                self.commands.run = true;
                self.pending.insert("Auto".to_owned(), Json::Bool(true));
                self.pending.insert("Run".to_owned(), Json::Bool(true));
            }
        }
        self.step_line(0);
    }

    /// Our catalog for a hub that asks for it (RV-36): values and type strings. What we write is `PLCOutput…`, what we read
    /// is `PLCInput…` (RV-40).
    pub(super) fn catalog(&self) -> (Signals, Signals) {
        let mut signals = Signals::new();
        let mut types = Signals::new();
        let mut add = |name: &str, value: Value, direction: &str| {
            signals.insert(name.to_owned(), to_json(value));
            types.insert(name.to_owned(), Json::from(format!("PLC{direction}{}", kind(value))));
        };
        add("Run", Value::Bool(self.commands.run), "Output");
        add("Auto", Value::Bool(self.is_auto()), "Output");
        for (name, value) in self.line.outputs().signals() {
            add(name, value, "Output");
        }
        let commands = &self.commands;
        add("FaultSwitch", Value::Bool(commands.fault_switch), "Input");
        let setpoint = Value::Float(commands.speed_setpoint_mm_s);
        add("SpeedSetpoint", setpoint, "Input");
        add("ResetCount", Value::Bool(commands.reset_count), "Input");
        add("AutoRequest", Value::Bool(self.auto_request), "Input");
        (signals, types)
    }

    fn take_levels(&mut self, signals: &Signals) {
        if let Some(fault_switch) = bool_in(signals, "FaultSwitch") {
            self.commands.fault_switch = fault_switch;
        }
        if let Some(speed) = signals.get("SpeedSetpoint").and_then(to_number) {
            self.commands.speed_setpoint_mm_s = speed;
        }
        if let Some(reset_count) = bool_in(signals, "ResetCount") {
            self.commands.reset_count = reset_count;
        }
    }

    fn step_line(&mut self, dt_ms: u32) {
        for (name, value) in self.line.step(dt_ms, &self.commands).iter() {
            self.pending.insert(name.to_owned(), to_json(value));
        }
    }
}

fn to_json(value: Value) -> Json {
    match value {
        Value::Bool(bit) => Json::from(bit),
        Value::Int(number) => Json::from(number),
        Value::Float(number) => Json::from(number),
        Value::Text(word) => Json::from(word),
    }
}

fn kind(value: Value) -> &'static str {
    match value {
        Value::Bool(_) => "Bool",
        Value::Int(_) => "Int",
        Value::Float(_) => "Float",
        Value::Text(_) => "Text",
    }
}

/// A number as RV-43 reads it; null, arrays, objects and words are none.
fn to_number(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::Bool(bit) => Some(f64::from(u8::from(*bit))),
        Json::String(text) => serde_json::from_str(text).ok(),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A bit as RV-43 reads it: a bool, a number other than 0, or the words true and false in any case.
fn bool_in(signals: &Signals, name: &str) -> Option<bool> {
    match signals.get(name)? {
        Json::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Json::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        other => to_number(other).map(|number| number != 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn signals(value: Json) -> Signals {
        serde_json::from_value(value).unwrap()
    }

    /// What the station says about these names right after this news.
    fn said_after(station: &mut Station, news: Json) -> Signals {
        station.take_news(&signals(news));
        station.advance(0).unwrap_or_default()
    }

    #[test]
    fn auto_presses_start_and_stop_by_itself() {
        let mut station = Station::new(true);
        assert_eq!(station.full()["Run"], true);
        let mut said = Vec::new();
        for tick in 0..2_500 {
            let changed = station.advance(20).unwrap_or_default();
            said.extend(changed.get("Run").cloned().map(|run| (tick * 20 + 20, run)));
        }
        let expected = [
            (20_000, json!(false)),
            (25_000, json!(true)),
            (45_000, json!(false)),
            (50_000, json!(true)),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn auto_yields_to_another_value_of_run_and_never_writes_run_again() {
        let mut station = Station::new(true);
        station.full();
        station.advance(1_000);
        let said = said_after(&mut station, json!({"Run": false}));
        assert_eq!(said.get("Auto"), Some(&json!(false)));
        assert_eq!(said.get("Run"), None);
        assert!(!station.is_auto());
        for _ in 0..3_000 {
            let said = station.advance(20).unwrap_or_default();
            assert_eq!((said.get("Run"), said.get("Auto")), (None, None));
        }
        assert_eq!(station.full().get("Run"), None);
    }

    #[test]
    fn auto_keeps_the_line_when_its_own_value_comes_back() {
        let mut station = Station::new(true);
        said_after(&mut station, json!({"Run": true, "SpeedSetpoint": 100}));
        assert!(station.is_auto());
    }

    #[test]
    fn baseline_never_ends_auto_and_is_never_an_edge() {
        let mut station = Station::new(true);
        station.advance(12_000);
        station.advance(6_000);
        let count = station.full()["BottleCount"].clone();
        assert_ne!(count, 0);
        station.take_baseline(&signals(json!({"Run": false, "ResetCount": true, "AutoRequest": true})));
        assert!(station.is_auto());
        assert_eq!(station.full()["BottleCount"], count);
        assert_eq!(station.full()["Run"], true);
    }

    #[test]
    fn operator_has_the_line_until_auto_is_asked_for() {
        let mut station = Station::new(false);
        assert_eq!(station.advance(60_000), None, "nobody starts the line");
        station.take_baseline(&signals(json!({"Run": true, "AutoRequest": true})));
        assert_eq!(station.advance(20).unwrap()["State"], "Running");
        said_after(&mut station, json!({"Run": false, "AutoRequest": false}));
        let said = said_after(&mut station, json!({"AutoRequest": true}));
        assert_eq!((&said["Auto"], &said["Run"]), (&json!(true), &json!(true)));
        let held = said_after(&mut station, json!({"AutoRequest": true}));
        assert_eq!(held.get("Auto"), None);
    }

    #[test]
    fn reset_that_comes_and_goes_between_two_cycles_still_resets() {
        let mut station = Station::new(true);
        station.advance(9_000);
        station.advance(3_000);
        assert_eq!(station.full()["BottleCount"], 1);
        station.take_news(&signals(json!({"ResetCount": true})));
        station.take_news(&signals(json!({"ResetCount": false})));
        assert_eq!(station.advance(0).unwrap()["BottleCount"], 0);
    }

    #[test]
    fn fault_is_left_by_the_next_start_of_auto() {
        let mut station = Station::new(true);
        station.advance(1_000);
        let said = said_after(&mut station, json!({"FaultSwitch": true}));
        assert_eq!(said["State"], "Fault");
        said_after(&mut station, json!({"FaultSwitch": false}));
        assert_eq!(station.full()["State"], "Fault");
        station.advance(19_000);
        station.advance(5_000);
        assert_eq!(station.full()["State"], "Running");
    }

    #[test]
    fn values_of_other_kinds_are_coerced_or_left_alone() {
        // (value sent as FaultSwitch, fault afterwards)
        let bits = [
            (json!(1), true),
            (json!(0.0), false),
            (json!("TRUE"), true),
            (json!("false"), false),
            (json!("2"), true),
            (json!("yes"), false),
            (json!(null), false),
            (json!([true]), false),
            (json!({"on": true}), false),
        ];
        for (value, fault) in bits {
            let mut station = Station::new(false);
            station.take_news(&signals(json!({ "FaultSwitch": value })));
            assert_eq!(station.full()["FaultActive"], fault, "{value}");
        }
        // (value sent as SpeedSetpoint, setpoint afterwards)
        let numbers = [
            (json!(90), 90.0),
            (json!("12.5"), 12.5),
            (json!(true), 1.0),
            (json!("fast"), 200.0),
            (json!(null), 200.0),
        ];
        for (value, speed) in numbers {
            let mut station = Station::new(false);
            station.take_news(&signals(json!({ "SpeedSetpoint": value })));
            assert_eq!(station.catalog().0["SpeedSetpoint"], speed, "{value}");
        }
    }

    #[test]
    fn catalog_and_full_data_agree_on_what_the_twin_writes() {
        let mut station = Station::new(true);
        let (values, types) = station.catalog();
        assert_eq!(values.keys().collect::<Vec<_>>(), types.keys().collect::<Vec<_>>());
        let written = types
            .iter()
            .filter(|(_, kind)| kind.as_str().unwrap().starts_with("PLCOutput"));
        assert_eq!(
            written.map(|(name, _)| name).collect::<Vec<_>>(),
            station.full().keys().collect::<Vec<_>>()
        );
        let read = types
            .iter()
            .filter(|(_, kind)| kind.as_str().unwrap().starts_with("PLCInput"));
        assert_eq!(read.map(|(name, _)| name).collect::<Vec<_>>(), READS[1..]);
        assert_eq!(types["SpeedSetpoint"], "PLCInputFloat");
        assert_eq!(types["BottleCount"], "PLCOutputInt");
        assert_eq!(types["State"], "PLCOutputText");
    }
}
