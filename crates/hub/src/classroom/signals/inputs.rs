//! From signals to GAMA: values that are written into the simulation, and orders.

use crate::hub::Hub;
use crate::session::gama::lanes::For;
use crate::signal::{Quality, Value, Writer};
use crosstie_wire::gama::gaml::{self, Literal};

impl Hub {
    /// Takes what was written to signals of the class in this turn; true where that changed something that signals show.
    pub(crate) fn class_takes_signals(&mut self) -> bool {
        if self.classroom.is_none() {
            return false;
        }
        self.take_orders();
        self.take_writes();
        self.classroom.as_ref().is_some_and(|class| class.signals.is_due)
    }

    /// A signal that has become true is an order: carried out now or not at all.
    fn take_orders(&mut self) {
        let (Some(class), space) = (&mut self.classroom, &self.ledger.space) else {
            return;
        };
        let mut orders = Vec::new();
        for signal in &mut class.signals.orders {
            let cell = space.cell(signal.id);
            let is = cell.value == Value::Bool(true);
            let was = std::mem::replace(&mut signal.was, is);
            // A value that nobody stands for any more orders nothing.
            if is && !was && cell.quality == Quality::Good {
                orders.push((signal.order, signal.word));
            }
        }
        for (order, word) in orders {
            let problem = format!("sim:order:{word}");
            match self.order_class(order) {
                Ok(()) => self.problems.clear(&problem),
                Err(refused) => {
                    let text = format!("the order of the signal was refused: {refused}");
                    let hint = "let it become false, and true again when the order can be carried out";
                    self.trouble(false, problem, &format!("sim/order/{word}"), text, hint);
                }
            }
        }
    }

    /// Values that the experiment has not been told go out, one of each signal at a time: the newest.
    fn take_writes(&mut self) {
        let (Some(class), space) = (&mut self.classroom, &self.ledger.space) else {
            return;
        };
        if !class.link.is_up() || !class.experiment.stage().is_ready() {
            return;
        }
        let mut told = Vec::new();
        for (index, write) in class.signals.writes.iter_mut().enumerate() {
            let Some(id) = write.id.filter(|_| !write.is_out) else {
                continue;
            };
            let cell = space.cell(id);
            let is_said = cell.writer != Writer::Nobody && cell.quality != Quality::NeverWritten;
            let is_told = write.told.as_ref().is_some_and(|told| told.is_same(&cell.value));
            if is_said && !is_told {
                write.told = Some(cell.value.clone());
                write.is_out = true;
                told.push((index, gaml::with_value(&write.expr, literal(&cell.value))));
            }
        }
        if told.is_empty() {
            return;
        }
        for (index, expr) in told {
            self.gama_express(For::Write(index), &expr);
        }
        self.gama_set_alarm();
    }

    /// Another experiment has begun: it is told every value, as that is now.
    pub(crate) fn class_writes_again(&mut self) {
        if let Some(class) = &mut self.classroom {
            for write in &mut class.signals.writes {
                write.told = None;
                write.is_out = false;
            }
        }
    }

    /// GAMA has taken a value, or has not.
    pub(crate) fn write_answered(&mut self, index: usize, result: Result<(), String>) {
        let write = self
            .classroom
            .as_mut()
            .and_then(|class| class.signals.writes.get_mut(index));
        let Some(write) = write else { return };
        write.is_out = false;
        let (name, expr) = (write.name.clone(), write.expr.clone());
        let problem = format!("gama:write:{name}");
        match result {
            Ok(()) => self.problems.clear(&problem),
            Err(error) => {
                let text = format!("GAMA did not take '{expr}': {error}");
                let hint = "correct the expression under [[gama.write]]; the next value and the next experiment are tried anew";
                self.trouble(false, problem, &name, text, hint);
            }
        }
    }
}

fn literal(value: &Value) -> Literal<'_> {
    match value {
        Value::Bool(value) => Literal::Bool(*value),
        Value::Int(value) => Literal::Int(*value),
        Value::Float(value) => Literal::Float(*value),
        Value::Text(text) => Literal::Text(text),
    }
}
