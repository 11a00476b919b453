//! The inputs of a recording, handed once more to the hub of the project as it is now.
//!
//! Whatever came from outside comes in the same order again; each engine hears what routes and people say through *this* hub, at the
//! scan at which it was heard then. A project that was not changed does the same to the bit.

use super::budget::Budget;
use super::stage::Stage;
use crate::recording::format::{Entered, Sample, Session};
use crate::reexecution::Watch;
use crosstie_hub::Time;
use crosstie_hub::input_log::{self, Logged};
use crosstie_hub::reexecution::Reexecution;

/// Inputs between two looks at the budget.
const BUDGET_EVERY: u64 = 1_024;

/// Everything that entered the hub of a recording.
#[derive(Debug)]
pub(super) struct Inputs {
    list: Vec<Entered>,
    /// Patterns of the signals that were recorded.
    signals: Vec<String>,
}

impl Inputs {
    /// None of them yet.
    pub(super) fn of(session: &Session) -> Inputs {
        Inputs {
            list: Vec::new(),
            signals: session.signals.clone(),
        }
    }

    /// The next one; false when one before it is missing.
    pub(super) fn put(&mut self, entered: Entered) -> bool {
        let follows = entered.number == self.list.len() as u64 + 1;
        self.list.push(entered);
        follows
    }

    /// There is nothing to execute.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Executes them with the project of `stage`, and tells its samples: the hub's time, whether it is one of the begin, and what it is.
    ///
    /// # Errors
    ///
    /// In words: the project has other endpoints or contexts than then, or the budget is used up.
    pub(super) fn execute(
        &self,
        stage: &Stage,
        budget: &Budget,
        mut tell: impl FnMut(Time, bool, Sample),
    ) -> Result<(), String> {
        let Some((first, inputs)) = self.list.split_first() else {
            return Ok(());
        };
        let mut settings = stage.settings.clone();
        match input_log::decode(&first.input) {
            Ok(Logged::Start(start)) => start.put_into(&mut settings)?,
            Ok(_) => return Err(String::from("the recording does not begin with the start of a hub")),
            Err(error) => return Err(error.to_string()),
        }
        let mut again = Reexecution::of_changed(settings);
        let mut watch = Watch::begin(again.hub_mut(), &self.signals);
        let mut last = Time::ZERO;
        for entered in inputs {
            let now = Time::from_nanos(entered.now_ns);
            if now != last {
                // Whoever recorded looked when everything of a moment was over.
                watch.look(again.hub_mut(), &mut tell);
                last = now;
            }
            let executed = again.execute(now, &entered.input);
            executed.map_err(|why| {
                let at = now.as_nanos() as f64 / 1e9;
                format!(
                    "input {} at {at:.3} s cannot be executed with this project: {why}",
                    entered.number
                )
            })?;
            if entered.number.is_multiple_of(BUDGET_EVERY) {
                budget.check()?;
            }
        }
        watch.look(again.hub_mut(), tell);
        Ok(())
    }
}
