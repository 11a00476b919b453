//! The few expressions that the stand-in understands. It is no GAML: what is not in the list is refused with the list.

/// What can be said, for people.
pub(super) const UNDERSTOOD: &str = "do create_player(\"ID\");, do remove_player(\"ID\");, do set_gate(true|false);, cycle, \
                                     water_level, gate_closed, length(people), length(people where each.is_safe), \
                                     length(unity_player), \
                                     length(unity_player where each.at_gate), numbers, texts in quotes, true, false";

/// An expression or a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    CreatePlayer(String),
    RemovePlayer(String),
    SetGate(bool),
    Cycle,
    WaterLevel,
    GateClosed,
    People,
    SafePeople,
    Players,
    /// Players at the gate.
    PlayersAtGate,
    /// A literal, as it is shown.
    Literal(String),
}

/// Reads an expression; `None` where it is none of those that are understood.
pub(super) fn parse(text: &str) -> Option<Expr> {
    let text = text.trim();
    if let Some(statement) = text.strip_prefix("do ") {
        let call = statement.trim().strip_suffix(';').unwrap_or(statement).trim();
        let (action, arguments) = call.split_once('(')?;
        let argument = arguments.trim_end().strip_suffix(')')?.trim();
        return match action.trim() {
            "create_player" => quoted(argument).map(Expr::CreatePlayer),
            "remove_player" => quoted(argument).map(Expr::RemovePlayer),
            "set_gate" => argument.parse().ok().map(Expr::SetGate),
            _ => None,
        };
    }
    let text = text.strip_suffix(';').unwrap_or(text).trim_end();
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(match words.join(" ").as_str() {
        "cycle" => Expr::Cycle,
        "water_level" => Expr::WaterLevel,
        "gate_closed" => Expr::GateClosed,
        "length(people)" => Expr::People,
        "length(people where each.is_safe)" => Expr::SafePeople,
        "length(unity_player)" => Expr::Players,
        "length(unity_player where each.at_gate)" => Expr::PlayersAtGate,
        word @ ("true" | "false") => Expr::Literal(word.to_owned()),
        number if is_number(number) => Expr::Literal(number.to_owned()),
        _ => Expr::Literal(quoted(text)?),
    })
}

/// Digits with at most one sign before and one point between them.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(part)
}

/// A text in double or single quotes, and nothing behind it.
fn quoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|sign| matches!(sign, '"' | '\''))?;
    let mut out = String::new();
    let mut signs = text.chars().skip(1);
    loop {
        match signs.next()? {
            '\\' => match signs.next()? {
                'n' => out.push('\n'),
                'r' => out.push('\r'),
                't' => out.push('\t'),
                sign => out.push(sign),
            },
            sign if sign == quote => return signs.next().is_none().then_some(out),
            sign => out.push(sign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_list_names_is_read() {
        let check = |text: &str, expected: Expr| assert_eq!(parse(text), Some(expected), "{text}");
        check(
            r#"do create_player("Player_101");"#,
            Expr::CreatePlayer("Player_101".into()),
        );
        check(r#" do create_player( "a" ) ; "#, Expr::CreatePlayer("a".into()));
        check(r#"do create_player("a\"b\\c");"#, Expr::CreatePlayer(r#"a"b\c"#.into()));
        check(r#"do remove_player('x');"#, Expr::RemovePlayer("x".into()));
        check("do set_gate(true);", Expr::SetGate(true));
        check("do set_gate(false)", Expr::SetGate(false));
        check("cycle", Expr::Cycle);
        check(" water_level ;", Expr::WaterLevel);
        check("gate_closed", Expr::GateClosed);
        check("length(people)", Expr::People);
        check("length(people  where each.is_safe)", Expr::SafePeople);
        check("length(unity_player)", Expr::Players);
        check("length(unity_player where each.at_gate)", Expr::PlayersAtGate);
        check("-12.5", Expr::Literal("-12.5".into()));
        check(r#""two  words""#, Expr::Literal("two  words".into()));
        check("true", Expr::Literal("true".into()));
    }

    #[test]
    fn everything_else_is_not() {
        for text in [
            "",
            "do ",
            "do dance();",
            "do create_player(Player_101);",
            r#"do create_player("a"); do remove_player("b");"#,
            r#"do create_player("a", 1);"#,
            r#"do create_player("a"#,
            "do set_gate(maybe);",
            "1 + 1",
            "1.",
            ".5",
            "--1",
            r#""open"#,
            r#""a" + "b""#,
            "length(animals)",
            "\\",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
