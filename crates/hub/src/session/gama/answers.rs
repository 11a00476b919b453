//! What GAMA says, and what comes of answers that it does not give (GA-4 to GA-10).

use super::lanes::{ANSWER_MAX, For, Late, Owner, Wish, limit};
use super::{ERROR_PROBLEM, NAME_MAX, SILENT_PROBLEM, SUBJECT};
use crate::api::classroom::ClassroomReply;
use crate::api::{Refused, Reply};
use crate::classroom::experiment::table::{Command, Happening};
use crate::classroom::experiment::{About, Failure, cut, unanswered};
use crate::hub::Hub;
use crate::settings::Flavour;
use crosstie_wire::gama::{Answer, Control, ErrorMessage, Outcome, ServerMessage};

/// Bytes of an answer that a person or a signal is given.
const ANSWER_LEN_MAX: usize = 64 * 1024;

impl Hub {
    pub(super) fn gama_says(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Greeting(content) => self.gama_greeted(&content),
            ServerMessage::Status { status, exp_id } => {
                // Whoever reports its states has a window (GA-6).
                self.gama_is(Flavour::Gui);
                self.experiment_reported(&status, exp_id);
            }
            ServerMessage::Answer(answer) => self.gama_answers(answer),
            ServerMessage::World(world) => {
                if let Some(problem) = &world.problem {
                    self.gama_not_understood(&format!("a world could not be read: {problem}"));
                }
                self.world(world);
            }
            ServerMessage::Console(text) => self.console_line("console", "SimulationOutput", &text),
            ServerMessage::Error(error) => self.gama_error(error, About::Experiment),
            ServerMessage::Note { kind, text } => {
                self.console_line("note", &kind, &text);
                if kind == "SimulationEnded" {
                    self.experiment_sees(Happening::Ended);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn console_line(&mut self, level: &'static str, kind: &str, text: &str) {
        let now = self.now;
        if let Some(class) = &mut self.classroom
            && class.console.add(now, level, kind, text)
        {
            self.class_changed();
        }
    }

    /// What kind of GAMA it is shows itself; what the project says of it holds.
    fn gama_is(&mut self, flavour: Flavour) {
        let Some(class) = &mut self.classroom else { return };
        let is_open = class
            .link
            .settings
            .as_ref()
            .is_some_and(|settings| settings.flavour == Flavour::Auto);
        if is_open {
            class.link.flavour = Some(flavour);
        }
        if class.link.is_headless() {
            class.link.lanes.expect_no_effects();
        }
    }

    fn gama_answers(&mut self, answer: Answer) {
        let Some(class) = &mut self.classroom else { return };
        let echoed = answer.command.as_ref();
        let owner = echoed.and_then(|echoed| class.link.lanes.answered(echoed));
        // An order that was given up may still be carried out: its answer counts when it comes.
        let order = echoed.and_then(|echoed| Command::of(&echoed.kind));
        match (owner, order) {
            (Some(Owner::Order(command)), _) | (None, Some(command)) => self.order_answered(command, &answer),
            (Some(Owner::Other(whom)), _) => self.other_answered(whom, &answer),
            (None, None) => {
                if let Some(error) = answer.error {
                    self.gama_error(error, About::Experiment);
                }
            }
        }
        if let Some(world) = answer.world {
            self.world(world);
        }
    }

    fn order_answered(&mut self, command: Command, answer: &Answer) {
        let (Some(class), done) = (&mut self.classroom, answer.outcome == Outcome::Executed) else {
            return;
        };
        if !done {
            class.link.lanes.fail(command);
            if let Some(error) = answer.error.clone() {
                self.gama_error(error, About::Experiment);
            }
            self.experiment_sees(Happening::Failed(command));
            return;
        }
        if command == Command::Load {
            self.loaded(&answer.content);
        }
        self.gama_recovers(&About::Experiment);
        self.experiment_sees(Happening::Done(command));
        if matches!(command, Command::Control(Control::Step | Control::StepBack)) {
            self.class_stepped();
        }
    }

    /// An experiment is loaded: what the answer says of it tells what kind of GAMA it is (GA-6, GA-9).
    fn loaded(&mut self, content: &str) {
        let Some(class) = &mut self.classroom else { return };
        match class.experiment.asked.clone() {
            Some(asked) if asked != content && class.link.flavour.is_none() => self.gama_is(Flavour::Headless),
            Some(asked) if asked == content && class.link.flavour.is_none() => self.gama_is(Flavour::Gui),
            _ => {}
        }
        let Some(class) = &mut self.classroom else { return };
        let asked = class.experiment.asked.clone();
        class.experiment.name = asked.unwrap_or_else(|| cut(content, NAME_MAX));
        if class.link.is_headless() {
            class.experiment.id = cut(content, NAME_MAX);
        }
    }

    fn other_answered(&mut self, whom: For, answer: &Answer) {
        if matches!(whom, For::Player(_) | For::Watch(_)) {
            self.gama_is_heard();
        }
        let result = match (&answer.error, answer.outcome) {
            (None, Outcome::Executed) => Ok(cut(&answer.content, ANSWER_LEN_MAX)),
            (Some(error), _) => Err(error.clone()),
            (None, _) => Err(unanswered(answer.content.clone())),
        };
        match whom {
            For::Seat(id, wish) => self.wish_answered(&id, wish, result.map(drop)),
            For::Player(_) => {
                if let Err(error) = result {
                    self.gama_error(error, About::Experiment);
                }
            }
            For::Evaluation(ticket) => {
                let reply = match result {
                    Ok(text) => Reply::Classroom(ClassroomReply::Evaluated(text)),
                    Err(error) => Reply::Refused(Refused::Classroom(format!("GAMA: {}", error.words))),
                };
                self.reply(ticket, reply);
            }
            For::Watch(index) => self.watch_answered(index, result.map_err(|error| error.words)),
            For::Write(index) => self.write_answered(index, result.map(drop).map_err(|error| error.words)),
            For::Nobody => {
                if let Err(error) = result {
                    self.console_line("note", &error.kind, &error.words);
                }
            }
        }
    }

    /// GAMA has made a player or taken one away, or has not.
    fn wish_answered(&mut self, id: &str, wish: Wish, result: Result<(), ErrorMessage>) {
        let about = About::Player(id.into());
        let told = match &result {
            Ok(()) => Ok(()),
            Err(error) => Err(error.words.clone()),
        };
        match result {
            Ok(()) if wish == Wish::Create => self.gama_recovers(&about),
            Ok(()) => {}
            Err(error) => self.gama_error(error, about),
        }
        let next = self.classroom.as_mut().and_then(|class| class.link.lanes.wished(id));
        if let Some(next) = next {
            self.gama_send_wish(id, next);
        }
        // A player that is to be taken away at once is none.
        if wish == Wish::Create && next.is_none() {
            self.player_created(id, told);
        }
    }

    /// An error stands until a command about the same has succeeded.
    fn gama_error(&mut self, error: ErrorMessage, about: About) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        let failure = Failure::new(error, about, now);
        class.console.add(now, "error", &failure.kind, &failure.words);
        let text = format!("{}: {}", failure.kind, failure.words);
        let hint = failure.hint();
        class.experiment.failure = Some(failure);
        self.trouble(true, ERROR_PROBLEM.to_owned(), SUBJECT, text, hint);
        self.class_changed();
    }

    fn gama_recovers(&mut self, about: &About) {
        let Some(class) = &mut self.classroom else { return };
        let is_over = |failure: &mut Failure| *about == About::Experiment || failure.about == *about;
        if class.experiment.failure.take_if(is_over).is_some() {
            self.problems.clear(ERROR_PROBLEM);
            self.class_changed();
        }
    }

    // What does not come.

    pub(super) fn gama_late(&mut self, late: Late) {
        let silent = |what: &str| unanswered(format!("GAMA did not answer {what} within {} s", ANSWER_MAX.as_secs()));
        match late {
            Late::Answer(command) => {
                let (word, seconds) = (command.word(), limit(command).as_secs());
                let words = format!("GAMA did not answer '{word}' within {seconds} s");
                self.gama_error(unanswered(words), About::Experiment);
                self.experiment_sees(Happening::Failed(command));
            }
            Late::Effect(command) => {
                let (word, seconds) = (command.word(), limit(command).as_secs());
                let words =
                    format!("GAMA answered '{word}' but did not report the state it leads to within {seconds} s");
                self.gama_error(unanswered(words), About::Experiment);
                self.experiment_sees(Happening::Failed(command));
            }
            Late::Other(For::Seat(id, wish)) => {
                let what = format!("'{}' for '{id}'", wish.word());
                self.wish_answered(&id, wish, Err(silent(&what)));
            }
            Late::Other(For::Evaluation(ticket)) => {
                let words = silent("the expression").words;
                self.reply(ticket, Reply::Refused(Refused::Classroom(words)));
            }
            Late::Other(For::Watch(index)) => {
                self.watch_unanswered(index);
                self.gama_is_silent();
            }
            Late::Other(For::Write(index)) => self.write_answered(index, Err(silent("it").words)),
            Late::Other(For::Player(_)) => self.gama_is_silent(),
            Late::Other(For::Nobody) => {}
        }
    }

    fn gama_is_heard(&mut self) {
        if let Some(class) = &mut self.classroom
            && std::mem::take(&mut class.link.unanswered) > 0
        {
            self.problems.clear(SILENT_PROBLEM);
        }
    }

    /// Something that a player says or that is watched has no answer: worth a line, not an error of the class.
    fn gama_is_silent(&mut self) {
        let Some(class) = &mut self.classroom else { return };
        class.link.unanswered += 1;
        let count = class.link.unanswered;
        let text = format!(
            "{count} asks or expressions were not answered within {} s",
            ANSWER_MAX.as_secs()
        );
        let hint = "look whether GAMA is busy or stands at a dialog";
        self.trouble(false, SILENT_PROBLEM.to_owned(), SUBJECT, text, hint);
    }
}
