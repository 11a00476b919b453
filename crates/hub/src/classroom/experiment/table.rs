//! What leads where: state of the experiment × what happens → state, what is sent, what is told. Nothing here sends or stores.

use super::ClassOrder;
use crosstie_wire::gama::Control;

/// The states of an experiment (SI-13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// `NONE`: there is no experiment.
    #[default]
    None,
    /// `NOTREADY`: GAMA prepares one, or takes it down.
    NotReady,
    /// `PAUSED`
    Paused,
    /// `RUNNING`
    Running,
    /// `FINISHED`
    Finished,
    /// A word that we do not know; it is passed on.
    Other,
}

impl Stage {
    /// The one of a word of GAMA.
    pub(crate) fn of(word: &str) -> Stage {
        [
            Stage::None,
            Stage::NotReady,
            Stage::Paused,
            Stage::Running,
            Stage::Finished,
        ]
        .into_iter()
        .find(|stage| stage.word() == word)
        .unwrap_or(Stage::Other)
    }

    /// GAMA's word; empty for a foreign one.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Stage::None => "NONE",
            Stage::NotReady => "NOTREADY",
            Stage::Paused => "PAUSED",
            Stage::Running => "RUNNING",
            Stage::Finished => "FINISHED",
            Stage::Other => "",
        }
    }

    /// Players can be in it (SI-34).
    pub(crate) const fn takes_players(self) -> bool {
        !matches!(self, Stage::None | Stage::NotReady)
    }

    /// Players are made when it is reached (SI-18).
    pub(crate) const fn is_ready(self) -> bool {
        matches!(self, Stage::Paused | Stage::Running)
    }
}

/// A command about the experiment as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Load,
    Control(Control),
}

impl Command {
    const PLAY: Command = Command::Control(Control::Play);
    const PAUSE: Command = Command::Control(Control::Pause);
    const STOP: Command = Command::Control(Control::Stop);
    /// `reload`
    pub(crate) const RELOAD: Command = Command::Control(Control::Reload);

    /// Its `type` on the wire.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Command::Load => "load",
            Command::Control(control) => control.word(),
        }
    }

    /// The one of a `type`.
    pub(crate) fn of(word: &str) -> Option<Command> {
        use Control::{Pause, Play, Reload, Step, StepBack, Stop};
        let controls = [Play, Pause, Stop, Step, StepBack, Reload].map(Command::Control);
        [Command::Load]
            .into_iter()
            .chain(controls)
            .find(|command| command.word() == word)
    }

    /// It leads to a state that GAMA with a window reports; the others are done with their answer.
    pub(crate) const fn has_effect(self) -> bool {
        !matches!(self, Command::Control(Control::Step | Control::StepBack))
    }

    /// A reported state is what the command was to lead to, or rules that out.
    pub(crate) fn leads_to(self, from: Stage, to: Stage) -> bool {
        match self {
            // What was there before may be reported as gone first; a load that GAMA gives up ends so too.
            Command::Load => to.takes_players() || (from, to) == (Stage::NotReady, Stage::None),
            // A pause on the way to it is not yet the experiment anew.
            Command::RELOAD => (!from.is_ready() && to.takes_players()) || (from, to) == (Stage::NotReady, Stage::None),
            Command::STOP => to == Stage::None,
            _ => true,
        }
    }
}

/// How far a stop has come (SI-20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopping {
    /// It is to pause first.
    Pausing,
    /// `stop` is sent.
    Ending,
}

/// What happens to an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// Somebody wants something of it.
    Order(ClassOrder),
    /// GAMA reports a state.
    Status(Stage),
    /// GAMA has carried out a command.
    Done(Command),
    /// GAMA has refused a command, or has not answered within its time.
    Failed(Command),
    /// `SimulationEnded`
    Ended,
    /// There is no link any more.
    LinkLost,
}

/// What comes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// The state afterwards; the same one where there is none.
    pub(crate) to: Option<Stage>,
    /// What is sent.
    pub(crate) send: Option<Command>,
    /// How far a stop has come by it.
    pub(crate) stopping: Option<Stopping>,
    /// It is another experiment than before, in whatever state: whoever was in the game is not.
    pub(crate) is_new: bool,
    /// The stop is over: all headsets are sent away.
    pub(crate) is_over: bool,
    /// The experiment begins anew, and a window need not report that: what counts is the state a moment later.
    pub(crate) settles: bool,
}

impl Row {
    const NOTHING: Row = Row {
        to: None,
        send: None,
        stopping: None,
        is_new: false,
        is_over: false,
        settles: false,
    };

    const fn send(command: Command) -> Row {
        Row {
            send: Some(command),
            ..Row::NOTHING
        }
    }

    const fn to(stage: Stage) -> Row {
        Row {
            to: Some(stage),
            ..Row::NOTHING
        }
    }

    const fn anew(self) -> Row {
        Row { is_new: true, ..self }
    }

    const fn over(self) -> Row {
        Row { is_over: true, ..self }
    }

    /// A stop goes on: the pause is sent, or the stop itself.
    const fn stop(self, stopping: Stopping) -> Row {
        let send = match stopping {
            Stopping::Pausing => Command::PAUSE,
            Stopping::Ending => Command::STOP,
        };
        Row {
            send: Some(send),
            stopping: Some(stopping),
            ..self
        }
    }
}

/// Where an experiment stands when something happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) stage: Stage,
    /// A stop is on its way.
    pub(crate) stopping: Option<Stopping>,
    /// GAMA reports no states: they follow from its answers (GA-6).
    pub(crate) is_headless: bool,
    /// A load or a reload was sent and its effect has not come.
    pub(crate) is_loading: bool,
}

impl Standing {
    /// The table. An order that cannot be carried out is refused with the reason.
    pub(crate) fn row(self, what: Happening) -> Result<Row, &'static str> {
        use ClassOrder::{Connect, Launch, Pause, Reload, Resume, Step, StepBack, Stop};
        use Happening::{Done, Ended, Failed, LinkLost, Order, Status};
        use Stage::{Finished, None, NotReady, Other, Paused, Running};
        use Stopping::{Ending, Pausing};
        let headless = self.is_headless;
        let pausing = self.stopping == Some(Pausing);
        Ok(match (what, self.stage) {
            // What is ordered.
            (Order(Connect), _) => Row::NOTHING,
            (Order(_), _) if self.stopping.is_some() => {
                return Err("the experiment is being stopped; wait until it is gone");
            }
            (Order(Launch), None | Finished) => Row::send(Command::Load),
            (Order(Launch), NotReady) => return Err("GAMA prepares an experiment already; wait for it, or stop it"),
            (Order(Launch), Paused | Running | Other) => return Err("there is an experiment already; stop it first"),
            (Order(Pause), Running) => Row::send(Command::PAUSE),
            (Order(Pause), _) => return Err("only an experiment that runs can be paused"),
            (Order(Resume), Paused) => Row::send(Command::PLAY),
            (Order(Resume), _) => return Err("only an experiment that is paused can be resumed"),
            (Order(Step), Paused) => Row::send(Command::Control(Control::Step)),
            (Order(StepBack), Paused) => Row::send(Command::Control(Control::StepBack)),
            (Order(Step | StepBack), _) => return Err("only an experiment that is paused can be stepped"),
            (Order(Reload), None | NotReady) => return Err("there is no experiment to reload; launch one"),
            (Order(Reload), _) => Row::send(Command::RELOAD),
            (Order(Stop), None) => Row::NOTHING,
            (Order(Stop), Running) => Row::NOTHING.stop(Pausing),
            (Order(Stop), NotReady | Paused | Finished | Other) => Row::NOTHING.stop(Ending),
            // What GAMA reports.
            (Status(None), _) if self.stopping.is_some() => Row::to(None).over(),
            (Status(to), _) if pausing && to != Running => Row::to(to).stop(Ending),
            (Status(to @ (Paused | Running)), Finished | Other) if self.is_loading => Row::to(to).anew(),
            (Status(to), _) => Row::to(to),
            // What it has carried out. One without a window reports nothing else.
            (Done(Command::Load | Command::RELOAD), _) if headless => Row::to(Paused).anew(),
            (Done(Command::PLAY), _) if headless => Row::to(Running),
            (Done(Command::PAUSE), _) if headless && pausing => Row::to(Paused).stop(Ending),
            (Done(Command::PAUSE), _) if headless => Row::to(Paused),
            (Done(Command::STOP), _) if headless => Row::to(None).over(),
            (Done(Command::RELOAD), from) if from.takes_players() && self.is_loading => Row {
                settles: true,
                ..Row::NOTHING
            },
            (Done(_), _) => Row::NOTHING,
            (Ended, Paused | Running) if headless => Row::to(Finished),
            (Ended, _) => Row::NOTHING,
            // What it has not.
            (Failed(Command::PAUSE), _) if pausing => Row::NOTHING.stop(Ending),
            (Failed(Command::STOP), _) if headless => Row::to(None).over(),
            (Failed(Command::STOP), _) => Row::NOTHING.over(),
            (Failed(_), _) => Row::NOTHING,
            (LinkLost, _) if self.stopping.is_some() => Row::to(None).over(),
            (LinkLost, _) => Row::to(None),
        })
    }
}
