//! The state of the class as the API shows it: in an answer, and in every frame of a live channel.

use crate::api::classroom::{ClassError, ClassRow, ConsoleLine, GamaRow, PlayerRow};
use crate::hub::Hub;
use crate::time::Time;
use crosstie_wire::live as wire;
use serde_json::value::RawValue;

impl Hub {
    /// The whole class; `None` where the project has no classroom.
    pub(crate) fn class_row(&self) -> Option<ClassRow> {
        let class = self.classroom.as_deref()?;
        let model = class.model_of_lesson();
        Some(ClassRow {
            now: self.now,
            gama: self.gama_row(),
            minimal_players: model.as_ref().and_then(|model| model.size.minimal),
            maximal_players: model.as_ref().and_then(|model| model.size.maximal),
            model: model.map(|model| (model.index, model.name)),
            players: self.player_rows(),
            monitors: class.monitors.len(),
            screen: class.monitors.screen().map(serde_json::Value::to_string),
            orders: self.class_orders(),
            counters: self.class_counters(),
            models: class.catalog.models.len(),
            catalog_problems: class.catalog.problems.len(),
        })
    }
}

impl ClassRow {
    /// Appends the row as `GET /api/v1/classroom` answers it; a live channel's frames have the same fields.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        wire::write_class_state(out, &self.shown());
    }

    /// The row as it goes over the wire.
    pub(crate) fn shown(&self) -> wire::ClassState<'_> {
        let now = self.now;
        wire::ClassState {
            now_ms: now.as_millis(),
            mode: if self.gama.is_some() { "gama" } else { "gamaless" },
            gama: self.gama.as_ref().map(|gama| gama.shown(now)),
            model: self.model.as_ref().map(|(index, name)| wire::ClassModel {
                index: *index,
                name,
                minimal_players: self.minimal_players,
                maximal_players: self.maximal_players,
            }),
            players: self.players.iter().map(|player| player.shown(now)).collect(),
            monitors: self.monitors,
            // A text that is no JSON would spoil the whole frame.
            screen: self.screen.as_deref().and_then(json),
            orders: self.orders.iter().map(|order| order.word()).collect(),
            counters: wire::ClassCounts {
                worlds: self.counters.worlds,
                pieces: self.counters.pieces,
                unknown_ids: self.counters.unknown_ids,
                skipped: self.counters.skipped,
                unreadable: self.counters.unreadable,
            },
            models: self.models,
            catalog_problems: self.catalog_problems,
        }
    }

    /// Whether somebody who was told that has nothing to learn from this: all but the time and the signs of life is the same.
    pub(crate) fn is_told_by(&self, told: &ClassRow) -> bool {
        let mut told = told.clone();
        told.now = self.now;
        for (told, now) in told.players.iter_mut().zip(&self.players) {
            told.last_seen_at = now.last_seen_at;
        }
        told == *self
    }
}

fn json(text: &str) -> Option<&RawValue> {
    serde_json::from_str(text).ok()
}

impl GamaRow {
    fn shown(&self, now: Time) -> wire::ClassGama<'_> {
        wire::ClassGama {
            url: &self.url,
            link: self.link.word(),
            text: &self.text,
            since_ms: self.since.as_millis(),
            retry_in_ms: self.retry_at.map(|at| millis(at.since(now))),
            flavour: self.flavour,
            state: &self.state,
            waits_for: self.waits_for.as_deref(),
            experiment_id: &self.experiment_id,
            experiment_name: &self.experiment_name,
            error: self.error.as_ref().map(ClassError::shown),
            practice: self.practice,
        }
    }
}

impl ClassError {
    fn shown(&self) -> wire::ClassError<'_> {
        wire::ClassError {
            kind: &self.kind,
            text: &self.text,
            hint: &self.hint,
            at_ms: self.at.as_millis(),
        }
    }
}

impl PlayerRow {
    fn shown(&self, now: Time) -> wire::ClassPlayer<'_> {
        wire::ClassPlayer {
            id: &self.id,
            address: &self.address,
            connected: self.connected,
            in_game: self.in_game,
            alive: self.is_alive,
            arrived: &self.arrived,
            heartbeat_ms: millis(self.heartbeat),
            seen_ms: millis(now.since(self.last_seen_at)),
            waits_for: self.waits_for.as_deref(),
            doubled: self.is_doubled,
            worlds: self.worlds,
            worlds_dropped: self.worlds_dropped,
            said: self.said,
            said_dropped: self.said_dropped,
        }
    }
}

impl ConsoleLine {
    pub(crate) fn shown(&self) -> wire::ClassLine<'_> {
        wire::ClassLine {
            number: self.number,
            at_ms: self.at.as_millis(),
            level: self.level,
            kind: &self.kind,
            text: &self.text,
        }
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::classroom::{ClassCounters, GamaLinkState, OrderWord};
    use std::time::Duration;

    fn row() -> ClassRow {
        let player = PlayerRow {
            id: "Player_101".into(),
            address: "127.0.0.1:5000".into(),
            connected: true,
            in_game: true,
            is_alive: true,
            arrived: "09:16".into(),
            heartbeat: Duration::from_secs(5),
            last_seen_at: Time::from_millis(880),
            waits_for: None,
            is_doubled: false,
            worlds: 10,
            worlds_dropped: 0,
            said: 3,
            said_dropped: 0,
        };
        ClassRow {
            now: Time::from_millis(1_000),
            gama: Some(GamaRow {
                url: "ws://localhost:1000".into(),
                link: GamaLinkState::Waiting,
                text: "not reachable".into(),
                retry_at: Some(Time::from_millis(5_000)),
                since: Time::from_millis(900),
                flavour: Some("gui"),
                state: "NONE".into(),
                waits_for: None,
                experiment_id: "0".into(),
                experiment_name: String::new(),
                error: None,
                practice: true,
            }),
            model: Some((2, "Flood".into())),
            minimal_players: Some(0),
            maximal_players: None,
            players: vec![player],
            monitors: 1,
            screen: Some(r#"{"x":1}"#.into()),
            orders: OrderWord::ALL.to_vec(),
            counters: ClassCounters::default(),
            models: 3,
            catalog_problems: 0,
        }
    }

    #[test]
    fn ages_and_waits_are_counted_from_the_moment_of_the_answer() {
        let mut out = Vec::new();
        row().write_json(&mut out);
        let shown: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(shown["gama"]["retry_in_ms"], 4_000);
        assert_eq!(shown["players"][0]["seen_ms"], 120);
        assert_eq!(shown["players"][0]["heartbeat_ms"], 5_000);
        assert_eq!(shown["screen"]["x"], 1);
        assert_eq!(shown["orders"][5], "step_back");
        assert_eq!(shown["model"]["index"], 2);
    }

    #[test]
    fn a_screen_that_is_no_json_is_left_out_and_the_rest_is_told() {
        let mut out = Vec::new();
        let row = ClassRow {
            screen: Some("{\"x\":".into()),
            ..row()
        };
        row.write_json(&mut out);
        let shown: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            [&shown["screen"], &shown["models"]],
            [&serde_json::Value::Null, &serde_json::Value::from(3)]
        );
    }

    #[test]
    fn signs_of_life_and_the_time_are_no_news() {
        let told = row();
        let mut later = row();
        later.now = Time::from_millis(2_000);
        later.players[0].last_seen_at = Time::from_millis(1_999);
        assert!(later.is_told_by(&told));
        later.players[0].worlds += 1;
        assert!(!later.is_told_by(&told));
        later = row();
        later.players.clear();
        assert!(!later.is_told_by(&told) && !told.is_told_by(&later));
    }
}
