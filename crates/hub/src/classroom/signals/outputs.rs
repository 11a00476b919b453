//! From the class and GAMA to signals: how things stand, and what watches say.

use super::{PLAYERS_SHOWN_MAX, Seat};
use crate::classroom::experiment::table::Stage;
use crate::hub::Hub;
use crate::session::gama::lanes::For;
use crate::signal::name::escape_segment;
use crate::signal::{Kind, Quality, SignalId, Value, Writer};
use crate::time::Time;

impl Hub {
    /// Shows how the class stands, where something may have changed.
    pub(crate) fn show_class(&mut self) {
        let Some(class) = &mut self.classroom else { return };
        if !std::mem::take(&mut class.signals.is_due) {
            return;
        }
        let signals = &class.signals;
        let (state, connected, error) = (signals.state, signals.connected, signals.error);
        let is_up = class.link.is_up();
        let words = class.experiment.failure.as_ref().map(|failure| failure.words.as_str());
        let (word, words) = (class.experiment.word().to_owned(), words.unwrap_or_default().to_owned());
        let quality = if is_up { Quality::Good } else { Quality::GamaUnreachable };
        self.show_of_class(state, Value::Text(word.into()), quality);
        self.show_of_class(connected, Value::Bool(is_up), Quality::Good);
        self.show_of_class(error, Value::Text(words.into()), Quality::Good);
        self.show_seats();
    }

    fn show_of_class(&mut self, id: Option<SignalId>, value: Value, quality: Quality) {
        if let Some(id) = id {
            self.ledger.store(self.now, id, value, Writer::Nobody, quality);
        }
    }

    fn show_seats(&mut self) {
        let rows = self.player_rows();
        let in_game = rows.iter().filter(|row| row.in_game).count();
        let Some(class) = &self.classroom else { return };
        let count = Value::Int(i64::try_from(in_game).unwrap_or(i64::MAX));
        let gone = class.signals.seats.iter();
        let gone = gone.filter(|(id, _)| !rows.iter().any(|row| row.id == **id));
        let gone: Vec<Seat> = gone.map(|(_, seat)| *seat).collect();
        self.show_of_class(class.signals.players, count, Quality::Good);
        for seat in gone {
            self.show_seat(seat, (false, false), Quality::Stale);
        }
        for row in rows {
            if let Some(seat) = self.seat_signals(&row.id) {
                self.show_seat(seat, (row.connected, row.in_game), Quality::Good);
            }
        }
    }

    fn show_seat(&mut self, seat: Seat, (connected, in_game): (bool, bool), quality: Quality) {
        self.show_of_class(seat.connected, Value::Bool(connected), quality);
        self.show_of_class(seat.in_game, Value::Bool(in_game), quality);
    }

    /// The signals of a player, made when there are none.
    fn seat_signals(&mut self, id: &str) -> Option<Seat> {
        let class = self.classroom.as_ref()?;
        if let Some(seat) = class.signals.seats.get(id) {
            return Some(*seat);
        }
        if class.signals.seats.len() >= PLAYERS_SHOWN_MAX {
            let text = format!("only the first {PLAYERS_SHOWN_MAX} players of a run have signals of their own");
            let hint = "let headsets keep their names; restart the hub to begin anew";
            self.trouble(false, String::from("sim:players"), "sim/player", text, hint);
            return None;
        }
        let name = escape_segment(id);
        let seat = Seat {
            connected: self.class_signal(&format!("sim/player/{name}/connected"), Value::Bool(false)),
            in_game: self.class_signal(&format!("sim/player/{name}/in_game"), Value::Bool(false)),
        };
        let class = self.classroom.as_mut()?;
        class.signals.seats.insert(id.to_owned(), seat);
        Some(seat)
    }

    // Watches.

    /// The experiment has come to another state, or is another one: what GAMA is asked for begins or ends.
    pub(crate) fn class_stage_changed(&mut self, to: Stage) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        let is_up = class.link.is_up();
        let mut old = Vec::new();
        for watch in &mut class.signals.watches {
            match to.is_ready() {
                true => watch.due = Some(now),
                false => {
                    watch.due = None;
                    old.extend(watch.id);
                }
            }
            // What it was asked for in another experiment is for nobody.
            if !to.takes_players() {
                watch.is_out = false;
            }
        }
        let quality = match (is_up, to.takes_players()) {
            (false, _) => Quality::GamaUnreachable,
            (true, false) => Quality::NoExperiment,
            (true, true) => Quality::Stale,
        };
        for id in old {
            self.ledger.mark(id, quality);
        }
        self.gama_set_alarm();
    }

    /// The experiment has made a step.
    pub(crate) fn class_stepped(&mut self) {
        let now = self.now;
        if let Some(class) = &mut self.classroom
            && class.experiment.stage().is_ready()
        {
            class.signals.watches.iter_mut().for_each(|watch| watch.due = Some(now));
        }
    }

    /// Asks GAMA for what is due; one question of each watch is out at most.
    pub(crate) fn class_watches_due(&mut self) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        if !class.link.is_up() {
            return;
        }
        let runs = class.experiment.stage() == Stage::Running;
        let mut asked = Vec::new();
        for (index, watch) in class.signals.watches.iter_mut().enumerate() {
            if watch.is_out || watch.due.is_none_or(|due| now < due) {
                continue;
            }
            watch.is_out = true;
            watch.due = (runs || !watch.only_running).then(|| next(now, watch.due, watch.every));
            asked.push((index, watch.expr.clone()));
        }
        for (index, expr) in asked {
            self.gama_express(For::Watch(index), &expr);
        }
    }

    /// GAMA has said what a watch asks for, or that it cannot.
    pub(crate) fn watch_answered(&mut self, index: usize, result: Result<String, String>) {
        let len_max = self.limits.text_len_max;
        let watch = self
            .classroom
            .as_mut()
            .and_then(|class| class.signals.watches.get_mut(index));
        let Some(watch) = watch else { return };
        watch.is_out = false;
        let (id, name, expr, kind) = (watch.id, watch.name.clone(), watch.expr.clone(), watch.kind);
        let refusal = match &result {
            Ok(answer) => match read(answer, kind, len_max) {
                Some(value) => {
                    self.show_of_class(id, value, Quality::Good);
                    self.problems.clear(&watch_problem(&name));
                    return;
                }
                None => {
                    let answer: String = answer.chars().take(80).collect();
                    format!("GAMA answers '{answer}' to '{expr}', which is no {}", kind.word())
                }
            },
            Err(error) => format!("GAMA cannot evaluate '{expr}': {error}"),
        };
        if let Some(id) = id {
            self.ledger.mark(id, Quality::GamaMisfit);
        }
        if result.is_err()
            && let Some(class) = &mut self.classroom
        {
            // It will not be able to in this experiment; fifty errors a second help nobody.
            class.signals.watches[index].due = None;
        }
        let is_own = index == 0;
        // Models without a cycle are rare and no mistake of the project.
        if !is_own {
            let hint = "correct the expression or its type under [[gama.watch]]; it is asked again when an experiment begins or is paused";
            self.trouble(false, watch_problem(&name), &name, refusal, hint);
        }
    }

    /// GAMA has not said what a watch asks for.
    pub(crate) fn watch_unanswered(&mut self, index: usize) {
        let watch = self
            .classroom
            .as_mut()
            .and_then(|class| class.signals.watches.get_mut(index));
        let Some(watch) = watch else { return };
        watch.is_out = false;
        if let Some(id) = watch.id {
            self.ledger.mark(id, Quality::GamaSilent);
        }
    }
}

/// When something is due again that was due then: in step, but never twice at once.
fn next(now: Time, due: Option<Time>, every: std::time::Duration) -> Time {
    let in_step = due.map_or(now, |due| due + every);
    if in_step > now { in_step } else { now + every }
}

/// Id of the problem of a watch.
fn watch_problem(name: &str) -> String {
    format!("gama:watch:{name}")
}

/// The value that an answer means.
fn read(answer: &str, kind: Kind, len_max: usize) -> Option<Value> {
    let text = answer.trim();
    match kind {
        Kind::Bool => text.parse().ok().map(Value::Bool),
        Kind::Int => {
            let whole = |float: &f64| float.fract() == 0.0 && float.abs() < 9e15;
            let float = || text.parse().ok().filter(whole).map(|float| float as i64);
            text.parse().ok().or_else(float).map(Value::Int)
        }
        Kind::Float => text
            .parse()
            .ok()
            .filter(|float: &f64| float.is_finite())
            .map(Value::Float),
        Kind::Text => {
            // GAMA writes a text of its own in quotes.
            let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
            let text = inner('\'').or_else(|| inner('"')).unwrap_or(answer);
            (text.len() <= len_max).then(|| Value::Text(text.into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_gama_are_read_as_values_of_their_kind_or_not_at_all() {
        let read = |answer: &str, kind| read(answer, kind, 9);
        assert_eq!(read(" 12 ", Kind::Int), Some(Value::Int(12)));
        assert_eq!(read("12.0", Kind::Int), Some(Value::Int(12)));
        assert_eq!(read("12.5", Kind::Int), None);
        assert_eq!(read("1.5E3", Kind::Float), Some(Value::Float(1500.0)));
        assert_eq!(read("NaN", Kind::Float), None);
        assert_eq!(read("true", Kind::Bool), Some(Value::Bool(true)));
        assert_eq!(read("1", Kind::Bool), None);
        assert_eq!(read("'wet'", Kind::Text), Some(Value::Text("wet".into())));
        assert_eq!(read("\"wet\"", Kind::Text), Some(Value::Text("wet".into())));
        assert_eq!(read("'", Kind::Text), Some(Value::Text("'".into())));
        assert_eq!(read("ten letters", Kind::Text), None);
        assert_eq!(read("", Kind::Int), None);
    }
}
