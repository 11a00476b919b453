//! The classroom: GAMA's experiment, the players, the monitors and the models that can be launched (SI-10 to SI-40, GA-1 to GA-13).
//!
//! ```text
//!   monitor, API ─▶ order ─▶ experiment ─▶ gama (lanes) ─▶ GAMA          headset ─▶ players ─▶ gama (lane of a player)
//!   GAMA ─▶ gama ─▶ experiment ─▶ players, monitors, signals               GAMA ─▶ worlds ─▶ headsets
//! ```
//!
//! Nothing here polls: every change says once that the class has changed, and whoever shows it is told.
//!
//! | room | what it does |
//! |---|---|
//! | `catalog` | the models of the learning packages |
//! | `experiment` | what GAMA does for us, and what may be asked of it |
//! | `players` | the seats: who sits there, who is in the game |
//! | `monitors` | what monitors are told, and when |
//! | `worlds` | what a simulation shows, on its way to the headsets |
//! | `console` | what GAMA has said lately |
//! | `signals` | `sim/...`: state, players, watches and writes |
//! | `requests`, `rows`, `watch` | the API: orders, state, live channels |

pub mod catalog;
pub(crate) mod console;
pub(crate) mod experiment;
pub(crate) mod monitors;
pub(crate) mod players;
pub(crate) mod requests;
pub(crate) mod rows;
pub(crate) mod signals;
pub(crate) mod watch;
pub(crate) mod worlds;

use crate::hub::Hub;
use crate::input::{ConnId, Face};
use crate::output::Level;
use crate::session::gama::GamaLink;
use crate::settings::ClassroomSettings;
use catalog::{Catalog, Model, ModelIdentity};
use console::Console;
use experiment::Experiment;
use experiment::table::{Command, Stage};
use monitors::Monitors;
use players::{GameSize, Players};
use signals::ClassSignals;
use std::sync::Arc;
use watch::ClassWatches;

/// What the hub knows of a classroom.
#[derive(Debug)]
pub(crate) struct Classroom {
    pub(crate) settings: ClassroomSettings,
    pub(crate) catalog: Arc<Catalog>,
    /// Position of the model that was selected last (SI-10).
    pub(crate) active: usize,
    /// The model that was selected and that the packages do not hold at the moment: a file is being written, a folder moved. It is
    /// the active one again when it is back.
    missed: Option<ModelIdentity>,
    /// The model of the last load.
    pub(crate) launched: Option<Launched>,
    pub(crate) link: GamaLink,
    pub(crate) experiment: Experiment,
    pub(crate) players: Players,
    pub(crate) monitors: Monitors,
    pub(crate) console: Console,
    pub(crate) signals: ClassSignals,
    pub(crate) watches: ClassWatches,
}

/// The model that was launched last: another one may be selected while it runs.
#[derive(Clone, Debug)]
pub(crate) struct Launched {
    pub(crate) index: usize,
    pub(crate) name: String,
    pub(crate) size: GameSize,
}

impl Classroom {
    /// A model was selected by somebody.
    pub(crate) fn select(&mut self, index: usize) {
        self.active = index;
        self.missed = None;
    }

    /// The model of the lesson: what runs or is being loaded, else what a launch would load.
    pub(crate) fn model_of_lesson(&self) -> Option<Launched> {
        let runs = self.experiment.stage() != Stage::None || self.link.lanes.is_out(Command::Load);
        let launched = self.launched.clone().filter(|_| runs);
        launched.or_else(|| {
            let model = self.active_model()?;
            Some(Launched {
                index: self.active,
                name: model.name.clone(),
                size: GameSize::of(model),
            })
        })
    }

    /// The model that a launch would load.
    pub(crate) fn active_model(&self) -> Option<&Model> {
        self.catalog.models.get(self.active)
    }
}

impl Hub {
    /// The project has a classroom: its signals are made, and the first attempt to reach GAMA is due at once.
    pub(crate) fn begin_classroom(&mut self, settings: ClassroomSettings) {
        self.classroom = Some(Box::new(Classroom {
            link: GamaLink::new(settings.gama.as_ref()),
            experiment: Experiment::default(),
            catalog: Arc::default(),
            active: 0,
            missed: None,
            launched: None,
            players: Players::default(),
            monitors: Monitors::default(),
            console: Console::default(),
            signals: ClassSignals::default(),
            watches: ClassWatches::default(),
            settings,
        }));
        self.begin_class_signals();
        self.begin_gama();
    }

    /// A connection of the class is gone, or is being closed; called once or twice for the same one.
    pub(crate) fn classroom_left(&mut self, conn: ConnId, face: Face, reason: &str) {
        match face {
            Face::Monitor => self.monitor_left(conn),
            Face::Headset => self.headset_left(conn),
            Face::Gama => self.gama_closed(conn, reason),
            Face::Realvirtual(_) | Face::Link(_) | Face::Live | Face::Piplc | Face::Engine(_) => {}
        }
    }

    /// The learning packages were read, for the first time or again (SI-55). The active model stays the same one by its file
    /// and experiment where it is still there, else it is the first.
    pub(crate) fn packages_read(&mut self, catalog: Arc<Catalog>) {
        let Some(class) = &mut self.classroom else { return };
        let wanted = class
            .missed
            .take()
            .or_else(|| class.active_model().map(Model::identity));
        let position = |wanted: &ModelIdentity| catalog.models.iter().position(|model| model.identity() == *wanted);
        let again = wanted.as_ref().and_then(position);
        class.active = again.unwrap_or(0);
        class.catalog = catalog;
        class.missed = wanted.filter(|_| again.is_none());
        if let Some((file, _)) = &class.missed {
            let text = format!(
                "the packages no longer hold the model that was selected ({file}); it is the active one again when it is back"
            );
            self.log(Level::Warn, None, text);
        }
        self.settings_have_come();
        self.class_changed();
    }
}
