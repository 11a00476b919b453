//! What a headset may send into the simulation (SI-34, SI-35, SI-40).
//!
//! Without an experiment nothing goes to GAMA. A headset acts as its own player only. On a listener that anybody in the room can
//! reach it may do what the project lists, and an expression has a form in which nothing else can be hidden. So may one that came in
//! by the join code, whatever the listener allows: a code is for everybody in the room.

use super::{HeadsetSocket, Membership, SeatNo};
use crate::classroom::Classroom;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::output::Level;
use crosstie_wire::headset::Ask;

/// Characters of a peer's word that a line of the log repeats.
const WORD_MAX: usize = 64;

/// What is to be done with something that a headset sends.
enum Verdict {
    /// It goes to GAMA.
    Pass,
    /// There is nothing in which it could act; nobody needs a line for that.
    Drop,
    /// It must not, for this reason.
    Refuse(String),
}

impl Classroom {
    /// Is there an experiment in which this player could act? One for whom the class is full cannot act in it either.
    fn can_act(&self, no: SeatNo) -> bool {
        let is_waiting = self
            .players
            .seat(no)
            .is_none_or(|seat| seat.membership == Membership::Out);
        self.settings.gama.is_some() && self.experiment.takes_players() && !(is_waiting && self.full().is_some())
    }

    fn allows(&self, is_free: bool, action: &str) -> bool {
        is_free || self.settings.allowed_actions.iter().any(|allowed| allowed == action)
    }

    fn judge_expression(&self, is_free: bool, no: SeatNo, expr: &str) -> Verdict {
        if !self.can_act(no) {
            return Verdict::Drop;
        }
        if is_free {
            return Verdict::Pass;
        }
        let own = self.players.seat(no).map(|seat| &*seat.id);
        let is_another = |text: &&str| Some(*text) != own && self.players.of_id(text).is_some();
        match plain_call(expr) {
            Some(call) if !self.allows(is_free, call.name) => Verdict::Refuse(not_listed(call.name)),
            Some(call) if call.texts.iter().any(is_another) => Verdict::Refuse(String::from(
                "a headset acts as its own player only, and the expression names another",
            )),
            Some(_) => Verdict::Pass,
            None => Verdict::Refuse(String::from(
                "an expression here is `do name($id, ...);` with numbers, texts and booleans behind $id, none of them called id or player",
            )),
        }
    }

    fn judge_ask(&self, is_free: bool, no: SeatNo, ask: &Ask) -> Verdict {
        if !self.can_act(no) {
            return Verdict::Drop;
        }
        if !self.allows(is_free, &ask.action) {
            return Verdict::Refuse(not_listed(&ask.action));
        }
        let concerns = match ask.concerns() {
            Ok(concerns) => concerns,
            Err(_) if is_free => return Verdict::Pass,
            Err(error) => return Verdict::Refuse(format!("the arguments of an ask are an object: {error}")),
        };
        let is_path = |sign: char| sign.is_ascii_alphanumeric() || "_.[]".contains(sign);
        if !is_free && concerns.agent.is_some_and(|agent| !agent.chars().all(is_path)) {
            let text = "the agent of an ask is a path such as simulation[0].unity_linker[0]";
            return Verdict::Refuse(String::from(text));
        }
        let own = self.players.seat(no).map(|seat| &*seat.id);
        let Some(player) = concerns.player.filter(|player| Some(player.as_str()) != own) else {
            return Verdict::Pass;
        };
        // Where everything is allowed an `id` may also name a thing of the simulation.
        match is_free && self.players.of_id(&player).is_none() {
            true => Verdict::Pass,
            false => Verdict::Refuse(String::from(
                "a headset acts as its own player only, and the `id` is another",
            )),
        }
    }
}

fn not_listed(action: &str) -> String {
    let action: String = action.chars().take(WORD_MAX).collect();
    format!("'{action}' is not among the allowed_actions of the project")
}

impl Hub {
    /// May this headset send everything?
    fn is_free(&self, conn: ConnId) -> bool {
        let is_allowed = (self.classroom.as_ref()).is_some_and(|class| class.settings.allow_expression);
        let is_by_code = (self.clients.get(&conn)).is_none_or(|client| client.access.is_by_code());
        is_allowed && !is_by_code
    }

    pub(super) fn headset_expression(&mut self, conn: ConnId, no: SeatNo, expr: &str) {
        let is_free = self.is_free(conn);
        let Some(class) = &self.classroom else { return };
        let verdict = class.judge_expression(is_free, no, expr);
        if let Some(id) = self.carry_out_verdict(conn, no, verdict) {
            self.gama_expression(&id, expr);
        }
    }

    pub(super) fn headset_ask(&mut self, conn: ConnId, no: SeatNo, ask: &Ask) {
        let is_free = self.is_free(conn);
        let Some(class) = &self.classroom else { return };
        let verdict = class.judge_ask(is_free, no, ask);
        if let Some(id) = self.carry_out_verdict(conn, no, verdict) {
            self.gama_ask(&id, ask);
        }
    }

    /// Counts, and says the first refusal of a connection; gives the player where it passes.
    fn carry_out_verdict(&mut self, conn: ConnId, no: SeatNo, verdict: Verdict) -> Option<Box<str>> {
        let players = &mut self.classroom.as_mut()?.players;
        let seat = players.seat_mut(no)?;
        if matches!(verdict, Verdict::Pass) {
            seat.said += 1;
            return Some(seat.id.clone());
        }
        seat.said_dropped += 1;
        if let Verdict::Refuse(reason) = verdict {
            let socket: &mut HeadsetSocket = players.socket(conn)?;
            if !std::mem::replace(&mut socket.said.refused, true) {
                self.log(
                    Level::Warn,
                    Some(conn),
                    format!("refused what the headset sends: {reason}"),
                );
            }
        }
        None
    }
}

/// An expression of the form `do name($id, ...);` in which only literals stand behind `$id`.
#[derive(Debug, PartialEq)]
struct PlainCall<'a> {
    name: &'a str,
    /// The texts among the literals.
    texts: Vec<&'a str>,
}

/// The labels that may name the player itself; none of them may name anything else.
const OWN_LABELS: [&str; 2] = ["id", "player"];

/// Reads an expression of that form, each argument with or without a label. `$id` has none or one that names the player, no
/// literal has such a one, and no label stands twice. Anything else gives nothing.
fn plain_call(expr: &str) -> Option<PlainCall<'_>> {
    let rest = expr.trim().strip_prefix("do")?;
    let (name, rest) = word(rest.strip_prefix(char::is_whitespace)?.trim_start())?;
    let rest = rest.trim_start().strip_prefix('(')?;
    let (label, rest) = label(rest);
    if label.is_some_and(|label| !OWN_LABELS.contains(&label)) {
        return None;
    }
    let mut rest = rest.strip_prefix("$id")?.trim_start();
    let (mut labels, mut texts) = (OWN_LABELS.to_vec(), Vec::new());
    while let Some(next) = rest.strip_prefix(',') {
        let (label, literal) = self::label(next);
        if let Some(label) = label {
            if labels.contains(&label) {
                return None;
            }
            labels.push(label);
        }
        let behind = behind_literal(literal)?;
        let written = &literal[..literal.len() - behind.len()];
        texts.extend(
            written
                .strip_prefix(['"', '\''])
                .and_then(|text| text.strip_suffix(['"', '\''])),
        );
        rest = behind.trim_start();
    }
    let end = rest.strip_prefix(')')?.trim_start();
    (end == ";").then_some(PlainCall { name, texts })
}

/// A name at the front of a text, and what stands behind it.
fn word(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'))
        .unwrap_or(text.len());
    let is_name = text.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_');
    is_name.then(|| text.split_at(end))
}

/// The label of an argument, where it has one, and what stands behind it.
fn label(text: &str) -> (Option<&str>, &str) {
    let text = text.trim_start();
    let labelled = word(text).and_then(|(label, rest)| Some((label, rest.trim_start().strip_prefix(':')?)));
    match labelled {
        Some((label, rest)) => (Some(label), rest.trim_start()),
        None => (None, text),
    }
}

/// What stands behind a number, a text or a boolean.
fn behind_literal(text: &str) -> Option<&str> {
    match text.chars().next()? {
        quote @ ('"' | '\'') => {
            let (inside, rest) = text[1..].split_once(quote)?;
            // A name that is put in the place of `$id` would end the text; a backslash could hide its end.
            let is_plain = !inside.contains("$id") && !inside.contains(|sign: char| sign == '\\' || sign.is_control());
            is_plain.then_some(rest)
        }
        sign if sign.is_ascii_alphabetic() => {
            let (word, rest) = word(text)?;
            matches!(word, "true" | "false").then_some(rest)
        }
        _ => behind_number(text),
    }
}

fn behind_number(text: &str) -> Option<&str> {
    let is_part = |sign: char| sign.is_ascii_digit() || matches!(sign, '.' | 'e' | 'E' | '+' | '-');
    let end = text.find(|sign| !is_part(sign)).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let is_number =
        number.parse::<f64>().is_ok_and(f64::is_finite) && number.ends_with(|sign: char| sign.is_ascii_digit());
    is_number.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::{PlainCall, plain_call};

    #[test]
    fn si40_the_texts_of_a_call_are_known_so_that_none_can_be_another_player() {
        let call = plain_call("do jump(id: $id, with: \"Player_102\", 'x', 3);");
        let texts = vec!["Player_102", "x"];
        assert_eq!(call, Some(PlainCall { name: "jump", texts }));
    }

    #[test]
    fn si40_only_calls_with_the_own_player_and_literals_have_the_form() {
        for expr in [
            "do jump($id);",
            " do  jump ( $id ) ; ",
            "do jump($id, 1, -2.5e3, true, false, \"a, b)\", 'it');",
            "do jump(player: $id, height: 3);",
        ] {
            assert_eq!(plain_call(expr).map(|call| call.name), Some("jump"), "{expr}");
        }
        for expr in [
            "",
            "do",
            "do ;",
            "dojump($id);",
            "do jump();",
            "do jump(\"Player_2\");",
            "do jump($id)",
            "do jump($id);;",
            "do jump($id); do die;",
            "do jump($id, die());",
            "do jump($id, $id);",
            "do jump($idx);",
            "do jump($id + 1);",
            "do jump($id, \"$id\");",
            "do jump($id, \"\\\");",
            "do jump($id, \"a\\\", b\");",
            "do jump($id, 1 + 1);",
            "do jump($id, 1-1);",
            "do jump($id, inf);",
            "do jump($id, x);",
            "do jump($id, \"a\" + \"b\");",
            "do jump($id, );",
            "do jump($id,,1);",
            "do jump($id, a::1);",
            "do jump($id) {}",
            "ask world { do jump($id); }",
            "do jump($id, \"a\nb\");",
            "do jump.other($id);",
            "do é($id);",
            "do jump(who: $id);",
            "do jump($id, id: \"Player_102\");",
            "do jump(id: $id, id: \"Player_102\");",
            "do jump(angle: $id, id: \"Player_102\", x: 1);",
            "do jump($id, player: 2);",
            "do jump($id, x: 1, x: 2);",
        ] {
            assert_eq!(plain_call(expr), None, "{expr}");
        }
    }
}
