//! What GAMA does for us: the state of the experiment, and what may be asked of it (SI-13, SI-14, SI-18 to SI-20, GA-5, GA-6).
//!
//! Everything that happens goes through one [table](table::Standing::row). Nobody polls a state: what has to wait for one is
//! told when it comes.

mod failure;
pub(crate) mod table;

use crate::api::Refused;
use crate::api::classroom::OrderWord;
use crate::hub::Hub;
use crate::time::Time;
use crosstie_wire::monitor::GamaState;
pub(crate) use failure::{About, Failure, unanswered};
use std::time::Duration;
use table::{Command, Happening, Row, Stage, Standing, Stopping};

/// GAMA with a window reports changes only: a reload that leads to the state before is not reported, so the state that holds
/// for so long after its answer is the one that it has led to.
const SETTLES_AFTER: Duration = Duration::from_secs(2);

/// What somebody wants of the experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClassOrder {
    /// Load the active model.
    Launch,
    Pause,
    Resume,
    /// End it and send all headsets away.
    Stop,
    Step,
    StepBack,
    Reload,
    /// Try to reach GAMA now.
    Connect,
}

/// The orders and their words.
const WORDS: [(ClassOrder, OrderWord); 8] = [
    (ClassOrder::Launch, OrderWord::Launch),
    (ClassOrder::Pause, OrderWord::Pause),
    (ClassOrder::Resume, OrderWord::Resume),
    (ClassOrder::Stop, OrderWord::Stop),
    (ClassOrder::Step, OrderWord::Step),
    (ClassOrder::StepBack, OrderWord::StepBack),
    (ClassOrder::Reload, OrderWord::Reload),
    (ClassOrder::Connect, OrderWord::Connect),
];

/// The experiment as far as we know it.
#[derive(Debug, Default)]
pub(crate) struct Experiment {
    stage: Stage,
    /// GAMA's word where it is none that we know.
    foreign: String,
    /// Its id at GAMA; empty while there was none on this link.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The experiment of the last load.
    pub(crate) asked: Option<String>,
    stopping: Option<Stopping>,
    settles_at: Option<Time>,
    pub(crate) failure: Option<Failure>,
}

impl Experiment {
    /// GAMA has one that players can be in: neither NONE nor NOTREADY (SI-34).
    pub(crate) fn takes_players(&self) -> bool {
        self.stage.takes_players()
    }

    /// The state as a value of the table.
    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    /// The state as GAMA spells it.
    pub(crate) fn word(&self) -> &str {
        match self.stage {
            Stage::Other => &self.foreign,
            stage => stage.word(),
        }
    }

    /// The id that commands carry.
    pub(crate) fn exp_id(&self) -> &str {
        match self.id.as_str() {
            // GAMA with a window has one experiment and calls it so (GA-5).
            "" => "0",
            id => id,
        }
    }

    /// A stop is on its way.
    pub(crate) fn stopping(&self) -> Option<Stopping> {
        self.stopping
    }

    /// When the state counts that a reload has led to.
    pub(crate) fn settles_at(&self) -> Option<Time> {
        self.settles_at
    }
}

impl Hub {
    /// Carries out an order, or says why not now. Nothing is kept for later.
    pub(crate) fn order_class(&mut self, order: ClassOrder) -> Result<(), Refused> {
        let row = self.check_order(order).map_err(Refused::Classroom)?;
        match order {
            ClassOrder::Connect => self.gama_connect_now(),
            _ => self.experiment_moves(row),
        }
        Ok(())
    }

    /// What an order comes to, or why it cannot be carried out now.
    pub(crate) fn check_order(&self, order: ClassOrder) -> Result<Row, String> {
        let Some(class) = &self.classroom else {
            return Err(String::from("this project has no [classroom]"));
        };
        if class.settings.gama.is_none() {
            return Err(String::from(
                "this class runs without GAMA: set gamaless = false under [classroom] to have experiments",
            ));
        }
        let lanes = &class.link.lanes;
        if order == ClassOrder::Connect {
            return class.link.may_connect().map(|()| Row::default());
        }
        // A stop without an experiment only tells how things stand (SI-20).
        if let Some(down) = class.link.down_text(self.now)
            && order != ClassOrder::Stop
        {
            return Err(down);
        }
        let row = self.standing().row(Happening::Order(order))?;
        if lanes.is_out(Command::Load) && class.experiment.stage() == Stage::None {
            let name = class.experiment.asked.as_deref().unwrap_or_default();
            return Err(format!(
                "GAMA still loads '{name}'; wait until it has, or until it is given up"
            ));
        }
        if let Some(command) = row.send.filter(|command| lanes.is_out(*command))
            && order != ClassOrder::Stop
        {
            return Err(format!("GAMA is not done with the last '{}' yet", command.word()));
        }
        if order == ClassOrder::Launch && class.active_model().is_none() {
            return Err(String::from(
                "there is no model to launch: the learning packages hold none that can be read",
            ));
        }
        Ok(row)
    }

    /// The orders that can be carried out now. A stop of nothing is not among them, although it is never refused.
    pub(crate) fn class_orders(&self) -> Vec<OrderWord> {
        let nothing = |order| order == ClassOrder::Stop && self.standing().stage == Stage::None;
        let orders = WORDS.into_iter();
        let orders = orders.filter(|(order, _)| !nothing(*order) && self.check_order(*order).is_ok());
        orders.map(|(_, word)| word).collect()
    }

    fn standing(&self) -> Standing {
        self.classroom.as_ref().map_or(Standing::default(), |class| Standing {
            stage: class.experiment.stage,
            stopping: class.experiment.stopping,
            is_headless: class.link.is_headless(),
            is_loading: [Command::Load, Command::RELOAD].map(|command| class.link.lanes.awaits_effect(command))
                != [false; 2],
        })
    }

    /// Something has happened to the experiment.
    pub(crate) fn experiment_sees(&mut self, what: Happening) {
        if let Ok(row) = self.standing().row(what) {
            self.experiment_moves(row);
        }
    }

    /// GAMA reports a state (GA-5).
    pub(crate) fn experiment_reported(&mut self, word: &str, exp_id: Option<String>) {
        let Some(class) = &mut self.classroom else { return };
        let (from, to) = (class.experiment.stage, Stage::of(word));
        if to == Stage::Other {
            class.experiment.foreign = cut(word, FOREIGN_MAX);
        }
        if let Some(id) = exp_id {
            class.experiment.id = cut(&id, FOREIGN_MAX);
        }
        let row = self.standing().row(Happening::Status(to));
        if let Some(class) = &mut self.classroom {
            class.link.lanes.effect(from, to);
        }
        if let Ok(row) = row {
            self.experiment_moves(row);
        }
    }

    /// Carries out a row of the table.
    fn experiment_moves(&mut self, row: Row) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        let experiment = &mut class.experiment;
        let from = experiment.stage;
        let to = row.to.unwrap_or(from);
        experiment.stage = to;
        experiment.stopping = match row.is_over || to == Stage::None {
            true => None,
            false => row.stopping.or(experiment.stopping),
        };
        if from != to {
            experiment.settles_at = None;
        }
        if from != to && to == Stage::None {
            class.link.lanes.end_orders();
            class.launched = None;
        }
        let experiment = &mut class.experiment;
        if row.settles {
            experiment.settles_at = Some(now + SETTLES_AFTER);
        }
        let begins_anew = row.is_new || row.settles;
        if from.takes_players() && (!to.takes_players() || begins_anew) {
            class.link.lanes.dissolve();
            self.class_dissolved();
        }
        if let Some(command) = row.send {
            self.gama_command(command);
        }
        if to.is_ready() && !row.settles && (!from.is_ready() || row.is_new) {
            self.experiment_ready();
        }
        if from != to || begins_anew {
            self.class_stage_changed(to);
        }
        if row.is_over {
            self.class_dismissed();
        }
        self.class_changed();
    }

    /// The state holds that a reload has led to.
    pub(crate) fn experiment_settles(&mut self) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        if class.experiment.settles_at.take_if(|at| now >= *at).is_none() {
            return;
        }
        class.link.lanes.settled();
        if class.experiment.stage.is_ready() {
            self.experiment_ready();
        }
        self.class_changed();
    }

    fn experiment_ready(&mut self) {
        self.class_writes_again();
        self.class_ready();
    }

    /// The `gama` part of a `json_state`; `None` in GAMALESS mode.
    pub(crate) fn gama_state(&self) -> Option<GamaState> {
        let class = self.classroom.as_ref()?;
        class.settings.gama.as_ref()?;
        let experiment = &class.experiment;
        let failure = experiment.failure.as_ref();
        Some(GamaState {
            connected: class.link.is_up(),
            experiment_state: experiment.word().to_owned(),
            loading: !class.link.is_up() || class.link.lanes.is_busy() || experiment.stopping.is_some(),
            content_error: failure.map_or_else(
                || String::from("\"\""),
                |failure| failure.content(class.settings.error_as_text),
            ),
            experiment_id: experiment.id.clone(),
            experiment_name: experiment.name.clone(),
        })
    }
}

/// Bytes of a word or an id of GAMA that are kept.
const FOREIGN_MAX: usize = 200;

/// The front of a text, whole characters, at most so many bytes.
pub(crate) fn cut(text: &str, max: usize) -> String {
    match text.len() <= max {
        true => text.to_owned(),
        false => {
            let ends = text.char_indices().map(|(at, sign)| at + sign.len_utf8());
            let end = ends.take_while(|end| *end <= max).last().unwrap_or(0);
            format!("{}…", &text[..end])
        }
    }
}
