//! The samples of a hub that executes inputs again, as a recorder takes them.

use crate::core_task::{Ring, Sample as TakenSample, Taken, Tap, Taps};
use crate::recording::format::Sample;
use crate::recording::{by_word, kind_word};
use crosstie_hub::signal::Value;
use crosstie_hub::{Hub, Time};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A tap on a hub, and what comes out of it.
pub(crate) struct Watch {
    taps: Taps,
    ring: Ring,
    names: BTreeMap<u32, String>,
}

impl Watch {
    /// Watches the signals that fit one of these patterns, or all of them when there is none.
    pub(crate) fn begin(hub: &mut Hub, patterns: &[String]) -> Watch {
        let (tap, ring) = Tap::new(patterns, false);
        let mut taps = Taps::default();
        taps.begin(hub, tap);
        let names = BTreeMap::new();
        Watch { taps, ring, names }
    }

    /// Everything of a moment is over: tells what was at the begin (`is_state`) and what has changed since the last look.
    pub(crate) fn look(&mut self, hub: &mut Hub, mut tell: impl FnMut(Time, bool, Sample)) {
        loop {
            self.taps.turn(hub);
            let mut is_over = true;
            while let Ok(taken) = self.ring.taken().try_recv() {
                self.ring.took(&taken);
                is_over = false;
                let (time, samples, is_state) = match taken {
                    Taken::Changes { time, samples, .. } => (time, samples, false),
                    Taken::State { time, samples, .. } => (time, samples, true),
                    _ => continue,
                };
                for mut sample in samples {
                    if let Some(name) = sample.name.take() {
                        self.names.insert(sample.id.0, name.into());
                    }
                    if let Some(name) = self.names.get(&sample.id.0) {
                        tell(time, is_state, shown(name, sample));
                    }
                }
            }
            if is_over {
                return;
            }
        }
    }
}

/// A sample as a recording shows it.
fn shown(name: &str, sample: TakenSample) -> Sample {
    let value = match &sample.value {
        Value::Bool(on) => Json::from(*on),
        Value::Int(number) => Json::from(*number),
        // As it is read again: readers of JSON round.
        Value::Float(number) => serde_json::from_str(&Json::from(*number).to_string()).unwrap_or(Json::Null),
        Value::Text(text) => Json::from(&**text),
    };
    let word = sample.quality.word();
    Sample {
        name: name.to_owned(),
        kind: kind_word(sample.value.kind()).to_owned(),
        value,
        quality: (word != "good").then(|| word.to_owned()),
        by: by_word(sample.writer, name).map(str::to_owned),
        scan: sample.scan,
    }
}
