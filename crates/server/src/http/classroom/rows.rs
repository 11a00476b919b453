//! The class as JSON: its state as programs read it, the catalog, lines of the console.
//!
//! The state is written by the hub itself, for answers and live channels alike ([`ClassRow::write_json`]); [`ClassState`]
//! describes that for the API's own description and for the command line, and a test holds the two together.
//!
//! [`ClassRow::write_json`]: crosstie_hub::api::classroom::ClassRow::write_json

use crosstie_hub::Time;
use crosstie_hub::api::classroom::ConsoleLine;
use crosstie_hub::classroom::catalog::{self, Catalog};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The whole class.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[cfg_attr(test, derive(Serialize), serde(deny_unknown_fields))]
pub(crate) struct ClassState {
    /// Hub time of the answer, in milliseconds.
    pub(crate) now_ms: u64,
    /// `gama`, or `gamaless`: players connect, and nothing goes to GAMA.
    pub(crate) mode: String,
    /// The link to GAMA and its experiment; null in GAMALESS mode.
    pub(crate) gama: Option<ClassGama>,
    /// The model that a launch would load; null without models.
    pub(crate) model: Option<ClassModel>,
    /// The seats in the order of arrival.
    pub(crate) players: Vec<ClassPlayer>,
    /// Connected monitors.
    pub(crate) monitors: usize,
    /// What monitors show: any JSON, null until somebody has said it.
    pub(crate) screen: Option<serde_json::Value>,
    /// The orders that can be carried out now.
    pub(crate) orders: Vec<String>,
    /// What passed.
    pub(crate) counters: ClassCounts,
    /// Models in the catalog.
    pub(crate) models: usize,
    /// Errors and warnings of the catalog.
    pub(crate) catalog_problems: usize,
}

/// How the link to GAMA stands, and the experiment.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[cfg_attr(test, derive(Serialize), serde(deny_unknown_fields))]
pub(crate) struct ClassGama {
    /// Where GAMA is looked for.
    pub(crate) url: String,
    /// `connecting`, `greeting`, `connected` or `waiting`.
    pub(crate) link: String,
    /// The same in words, with the reason and what to do.
    pub(crate) text: String,
    /// Hub time since when the link stands so, in milliseconds.
    pub(crate) since_ms: u64,
    /// How long until the next attempt, in milliseconds.
    pub(crate) retry_in_ms: Option<u64>,
    /// `gui` or `headless`; null until that is known.
    pub(crate) flavour: Option<String>,
    /// The experiment's state as GAMA spells it: NONE, NOTREADY, PAUSED, RUNNING, FINISHED.
    pub(crate) state: String,
    /// What is waited for, in words.
    pub(crate) waits_for: Option<String>,
    /// Id of the experiment at GAMA.
    pub(crate) experiment_id: String,
    /// Its name.
    pub(crate) experiment_name: String,
    /// The last error that no success has cleared yet.
    pub(crate) error: Option<ClassError>,
    /// It is a stand-in for practice.
    pub(crate) practice: bool,
}

/// An error of GAMA.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[cfg_attr(test, derive(Serialize), serde(deny_unknown_fields))]
pub(crate) struct ClassError {
    /// The type of GAMA's message.
    pub(crate) kind: String,
    /// What it says.
    pub(crate) text: String,
    /// What to do.
    pub(crate) hint: String,
    /// Hub time when it came, in milliseconds.
    pub(crate) at_ms: u64,
}

/// The active model.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[cfg_attr(test, derive(Serialize), serde(deny_unknown_fields))]
pub(crate) struct ClassModel {
    /// Its index in the catalog.
    pub(crate) index: usize,
    /// Its name.
    pub(crate) name: String,
    /// Players that it needs at least; null where its settings say no number.
    pub(crate) minimal_players: Option<u32>,
    /// Players that it takes at most; null where its settings say no number.
    pub(crate) maximal_players: Option<u32>,
}

/// One seat.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[cfg_attr(test, derive(Serialize), serde(deny_unknown_fields))]
pub(crate) struct ClassPlayer {
    /// The name that the headset gives itself.
    #[schema(example = "Player_101")]
    pub(crate) id: String,
    /// Address and port of its last connection.
    pub(crate) address: String,
    /// Its socket is open.
    pub(crate) connected: bool,
    /// GAMA knows it as a player.
    pub(crate) in_game: bool,
    /// It has given a sign of life since the last ping.
    pub(crate) alive: bool,
    /// Local time of its first arrival, `HH:MM`.
    #[schema(example = "09:16")]
    pub(crate) arrived: String,
    /// The interval of its heartbeat, in milliseconds.
    pub(crate) heartbeat_ms: u64,
    /// Age of its last sign of life, in milliseconds.
    pub(crate) seen_ms: u64,
    /// Why it is not in the game, in words.
    pub(crate) waits_for: Option<String>,
    /// A second headset that says the same name was refused.
    pub(crate) doubled: bool,
    /// Pieces of worlds that went to it.
    pub(crate) worlds: u64,
    /// Pieces that were dropped because it did not read.
    pub(crate) worlds_dropped: u64,
    /// Asks and expressions that went to GAMA.
    pub(crate) said: u64,
    /// Asks and expressions that were dropped or refused.
    pub(crate) said_dropped: u64,
}

/// What passed in the class since the hub began.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, ToSchema)]
#[cfg_attr(test, derive(Serialize), serde(deny_unknown_fields))]
pub(crate) struct ClassCounts {
    /// Worlds that came from GAMA.
    pub(crate) worlds: u64,
    /// Pieces of them that went to headsets.
    pub(crate) pieces: u64,
    /// Ids that belong to no player.
    pub(crate) unknown_ids: u64,
    /// Pieces without a list of ids.
    pub(crate) skipped: u64,
    /// Messages of GAMA that could not be read.
    pub(crate) unreadable: u64,
}

/// The models of the learning packages.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ClassCatalog {
    /// Index of the model that a launch would load; null without models.
    pub(crate) active: Option<usize>,
    /// The models by their index.
    pub(crate) models: Vec<CatalogModel>,
    /// The same nested, as a list shows them.
    pub(crate) entries: Vec<CatalogEntry>,
    /// What was found wrong while reading.
    pub(crate) problems: Vec<CatalogProblem>,
    /// The folders that were read.
    pub(crate) roots: Vec<String>,
}

/// One model.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CatalogModel {
    /// Its index.
    pub(crate) index: usize,
    /// Its name.
    pub(crate) name: String,
    /// The experiment in it.
    pub(crate) experiment: String,
    /// The `.gaml` file as GAMA is to open it.
    pub(crate) file: String,
    /// The file is on this machine.
    pub(crate) is_here: bool,
    /// Path of its picture on this port.
    pub(crate) splash: Option<String>,
    /// Players that it needs at least.
    pub(crate) minimal_players: Option<u32>,
    /// Players that it takes at most.
    pub(crate) maximal_players: Option<u32>,
}

/// One line of the nested list.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum CatalogEntry {
    /// A model.
    Model {
        /// Its index.
        model: usize,
    },
    /// A catalog in the catalog.
    Catalog {
        /// Its name.
        name: String,
        /// Path of its picture on this port.
        splash: Option<String>,
        /// What is in it.
        #[schema(no_recursion)]
        entries: Vec<CatalogEntry>,
    },
}

/// Something wrong in a learning package.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CatalogProblem {
    /// What is named there is missing from the list; else it is a warning.
    pub(crate) error: bool,
    /// The file or folder.
    pub(crate) file: String,
    /// Line, counted from 1.
    pub(crate) line: Option<usize>,
    /// Character in the line, counted from 1.
    pub(crate) column: Option<usize>,
    /// What is wrong.
    pub(crate) text: String,
}

impl ClassCatalog {
    /// The catalog, with the index of the model that was selected last.
    pub(crate) fn new(catalog: &Catalog, active: usize) -> ClassCatalog {
        let models = catalog.models.iter().enumerate();
        ClassCatalog {
            active: catalog.models.get(active).map(|_| active),
            models: models.map(|(index, model)| CatalogModel::new(index, model)).collect(),
            entries: catalog.entries.iter().map(CatalogEntry::from).collect(),
            problems: catalog.problems.iter().map(CatalogProblem::from).collect(),
            roots: catalog.roots.clone(),
        }
    }
}

impl CatalogModel {
    fn new(index: usize, model: &catalog::Model) -> CatalogModel {
        CatalogModel {
            index,
            name: model.name.clone(),
            experiment: model.experiment.clone(),
            file: model.file.clone(),
            is_here: model.is_here,
            splash: model.splash.clone(),
            minimal_players: model.minimal_players,
            maximal_players: model.maximal_players,
        }
    }
}

impl From<&catalog::Entry> for CatalogEntry {
    fn from(entry: &catalog::Entry) -> CatalogEntry {
        match entry {
            catalog::Entry::Model(index) => CatalogEntry::Model { model: *index },
            catalog::Entry::Catalog { name, splash, entries } => CatalogEntry::Catalog {
                name: name.clone(),
                splash: splash.clone(),
                entries: entries.iter().map(CatalogEntry::from).collect(),
            },
        }
    }
}

impl From<&catalog::CatalogProblem> for CatalogProblem {
    fn from(problem: &catalog::CatalogProblem) -> CatalogProblem {
        CatalogProblem {
            error: problem.is_error,
            file: problem.file.clone(),
            line: problem.place.map(|(line, _)| line),
            column: problem.place.map(|(_, column)| column),
            text: problem.text.clone(),
        }
    }
}

/// Lines of GAMA's console.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ClassConsole {
    /// Hub time of the answer, in milliseconds.
    pub(crate) now_ms: u64,
    /// The lines, the oldest first.
    pub(crate) lines: Vec<ClassLine>,
}

/// One line of GAMA's console.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ClassLine {
    /// Counts up over all lines.
    pub(crate) number: u64,
    /// Hub time when it came, in milliseconds.
    pub(crate) at_ms: u64,
    /// `error`, `note`, `console`, or `order` for what was asked of GAMA.
    pub(crate) level: String,
    /// The type of the message.
    pub(crate) kind: String,
    /// What it says; cut where it is long.
    pub(crate) text: String,
}

impl ClassConsole {
    pub(crate) fn new(lines: Vec<ConsoleLine>, now: Time) -> ClassConsole {
        let line = |line: ConsoleLine| ClassLine {
            number: line.number,
            at_ms: line.at.as_millis(),
            level: line.level.to_owned(),
            kind: line.kind,
            text: line.text,
        };
        ClassConsole {
            now_ms: now.as_millis(),
            lines: lines.into_iter().map(line).collect(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crosstie_hub::api::classroom as hub;
    use serde_json::{Value, json};
    use std::time::Duration;

    /// A class in which everything is there.
    pub(crate) fn class() -> hub::ClassRow {
        let player = hub::PlayerRow {
            id: "Player_101".into(),
            address: "127.0.0.1:5000".into(),
            connected: true,
            in_game: false,
            is_alive: true,
            arrived: "09:16".into(),
            heartbeat: Duration::from_secs(5),
            last_seen_at: Time::from_millis(880),
            waits_for: Some("the experiment is not running".into()),
            is_doubled: true,
            worlds: 10,
            worlds_dropped: 1,
            said: 3,
            said_dropped: 2,
        };
        let error = hub::ClassError {
            kind: "SimulationError".into(),
            text: "no such file".into(),
            hint: "look at the path".into(),
            at: Time::from_millis(700),
        };
        hub::ClassRow {
            now: Time::from_millis(1_000),
            gama: Some(hub::GamaRow {
                url: "ws://localhost:1000".into(),
                link: hub::GamaLinkState::Connected,
                text: "connected".into(),
                retry_at: None,
                since: Time::from_millis(900),
                flavour: Some("gui"),
                state: "NOTREADY".into(),
                waits_for: Some("GAMA to load 'vr_xp'".into()),
                experiment_id: "0".into(),
                experiment_name: "vr_xp".into(),
                error: Some(error),
                practice: true,
            }),
            model: Some((0, "Flood".into())),
            minimal_players: Some(0),
            maximal_players: Some(4),
            players: vec![player],
            monitors: 1,
            screen: Some(r#"{"x":[1]}"#.into()),
            orders: vec![hub::OrderWord::Stop],
            counters: hub::ClassCounters {
                worlds: 1,
                pieces: 2,
                unknown_ids: 3,
                skipped: 4,
                unreadable: 5,
            },
            models: 3,
            catalog_problems: 1,
        }
    }

    #[test]
    fn the_description_of_the_state_is_what_the_hub_writes() {
        let check = |row: hub::ClassRow| {
            let mut text = Vec::new();
            row.write_json(&mut text);
            let written: Value = serde_json::from_slice(&text).unwrap();
            // Every field is known, and none is missing.
            let read: ClassState = serde_json::from_slice(&text).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), written);
        };
        check(class());
        check(hub::ClassRow {
            gama: None,
            model: None,
            players: Vec::new(),
            screen: None,
            ..class()
        });
    }

    #[test]
    fn a_catalog_is_shown_flat_and_nested() {
        let model = catalog::Model {
            name: "Flood".into(),
            experiment: "vr_xp".into(),
            file: "/p/flood.gaml".into(),
            is_here: true,
            splash: Some("/learning-packages/flood.svg".into()),
            minimal_players: None,
            maximal_players: Some(4),
            ..catalog::Model::default()
        };
        let nested = catalog::Entry::Catalog {
            name: "Water".into(),
            splash: None,
            entries: vec![catalog::Entry::Model(0)],
        };
        let problem = catalog::CatalogProblem {
            is_error: true,
            file: "/p/settings.json".into(),
            place: Some((3, 5)),
            text: "expected a value".into(),
        };
        let found = Catalog {
            models: vec![model],
            entries: vec![nested],
            problems: vec![problem],
            roots: vec!["/p".into()],
            ..Catalog::default()
        };
        let shown = serde_json::to_value(ClassCatalog::new(&found, 0)).unwrap();
        assert_eq!(
            shown,
            json!({"active": 0, "models": [{"index": 0, "name": "Flood", "experiment": "vr_xp", "file": "/p/flood.gaml", "is_here": true,
                "splash": "/learning-packages/flood.svg", "minimal_players": null, "maximal_players": 4}],
                "entries": [{"name": "Water", "splash": null, "entries": [{"model": 0}]}],
                "problems": [{"error": true, "file": "/p/settings.json", "line": 3, "column": 5, "text": "expected a value"}],
                "roots": ["/p"]})
        );
        assert!(matches!(
            serde_json::from_value::<ClassCatalog>(shown).unwrap().entries[..],
            [CatalogEntry::Catalog { .. }]
        ));
        assert_eq!(ClassCatalog::new(&Catalog::default(), 0).active, None);
    }
}
