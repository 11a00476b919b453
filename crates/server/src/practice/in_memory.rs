//! The practice twin without its socket: texts of the hub in, messages for the hub out, time by hand. Tests on virtual time use it.

use super::station::{READS, Signals, Station};
use serde_json::{Value as Json, json};

/// A twin whose links come and go; the line behind it stays.
#[derive(Clone, Debug)]
pub(crate) struct TwinInMemory {
    station: Station,
    /// Its data flows.
    is_streaming: bool,
    /// The baseline is in; from here on values are news.
    is_settled: bool,
}

impl TwinInMemory {
    /// A standing line, with its automatic sequence on or off.
    pub(crate) fn new(auto: bool) -> TwinInMemory {
        TwinInMemory {
            station: Station::new(auto),
            is_streaming: false,
            is_settled: false,
        }
    }

    /// A link has come up: what it says first.
    pub(crate) fn connected(&mut self) -> Vec<Json> {
        (self.is_streaming, self.is_settled) = (false, false);
        let init = json!({"type": "init", "version": 2, "name": "Practice twin"});
        vec![init, json!({"type": "import_request", "version": 2})]
    }

    /// A text of the hub: what it answers. What it cannot read it passes over.
    pub(crate) fn take(&mut self, text: &str) -> Vec<Json> {
        let Ok(Json::Object(mut message)) = serde_json::from_str(text) else {
            return Vec::new();
        };
        let signals = match message.remove("signals") {
            Some(Json::Object(signals)) => signals,
            _ => Signals::new(),
        };
        match message.get("type").and_then(Json::as_str) {
            Some("import_answer") => {
                self.is_streaming = true;
                let subscribe = json!({"type": "subscribe", "version": 2, "subscribe": READS});
                vec![subscribe, data(self.station.full())]
            }
            Some("snapshot") => {
                self.station.take_baseline(&signals);
                self.is_settled = true;
                Vec::new()
            }
            Some("data") if self.is_settled => {
                self.station.take_news(&signals);
                Vec::new()
            }
            Some("data") => {
                self.station.take_baseline(&signals);
                Vec::new()
            }
            Some("import_request") => {
                let (signals, types) = self.station.catalog();
                vec![json!({"type": "import_answer", "version": 2, "signals": signals, "signalTypes": types})]
            }
            _ => Vec::new(),
        }
    }

    /// Lets so much pass: what has changed, if its data flows. Without a link the line stands still.
    pub(crate) fn advance(&mut self, dt_ms: u32) -> Option<Json> {
        if !self.is_streaming {
            return None;
        }
        self.station.advance(dt_ms).map(data)
    }
}

fn data(signals: Signals) -> Json {
    json!({"type": "data", "version": 2, "signals": signals})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_begins_as_over_a_socket_and_the_line_stays_when_it_ends() {
        let mut twin = TwinInMemory::new(true);
        assert_eq!(twin.advance(1_000), None, "nobody is there to stop it");
        let types = |said: Vec<Json>| -> Vec<String> {
            let types = said.iter().map(|message| message["type"].as_str().unwrap().to_owned());
            types.collect()
        };
        assert_eq!(types(twin.connected()), ["init", "import_request"]);
        assert_eq!(
            types(twin.take(r#"{"type": "import_answer", "signals": {}}"#)),
            ["subscribe", "data"]
        );
        assert!(twin.take("no message").is_empty());
        twin.take(r#"{"type": "snapshot", "signals": {}}"#);
        let said = twin.advance(6_000).unwrap();
        assert_ne!(said["signals"]["ConveyorPosition"], 0.0);
        let stood = twin.station.full();
        twin.connected();
        assert_eq!(twin.advance(1_000), None);
        assert_eq!(twin.station.full(), stood);
    }
}
