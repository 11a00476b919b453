//! Texts inside GAML: the one place where a name becomes part of an expression (GA-3).

/// Writes a text in double quotes, so that nothing in it can end it.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for sign in text.chars() {
        match sign {
            '"' | '\\' => {
                out.push('\\');
                out.push(sign);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            sign if sign.is_control() => out.push(' '),
            sign => out.push(sign),
        }
    }
    out.push('"');
}

/// The expression that makes a player.
pub fn create_player(id: &str) -> String {
    call("create_player", id)
}

/// The expression that takes a player away.
pub fn remove_player(id: &str) -> String {
    call("remove_player", id)
}

fn call(action: &str, id: &str) -> String {
    let mut expr = format!("do {action}(");
    write_string(&mut expr, id);
    expr.push_str(");");
    expr
}

/// An expression of a player: every `$id` becomes the player's id (SI-34).
pub fn with_player(expr: &str, id: &str) -> String {
    let mut quoted = String::new();
    write_string(&mut quoted, id);
    expr.replace("$id", &quoted)
}

/// A value as GAML writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a point; one that is not finite is written as `0.0`.
    Float(f64),
    /// A text in quotes.
    Text(&'a str),
}

/// An expression with a value in it: every `$value` becomes the literal.
pub fn with_value(expr: &str, value: Literal<'_>) -> String {
    let mut literal = String::new();
    match value {
        Literal::Bool(value) => literal.push_str(if value { "true" } else { "false" }),
        Literal::Int(value) => literal = value.to_string(),
        Literal::Float(value) => literal = format!("{:?}", if value.is_finite() { value } else { 0.0 }),
        Literal::Text(text) => write_string(&mut literal, text),
    }
    // Behind a minus a negative number would be another operator.
    if literal.starts_with('-') {
        literal = format!("({literal})");
    }
    expr.replace("$value", &literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ga13_a_value_becomes_one_literal_of_gaml() {
        let put = |value| with_value("x <- 1-$value;", value);
        assert_eq!(put(Literal::Bool(true)), "x <- 1-true;");
        assert_eq!(put(Literal::Int(7)), "x <- 1-7;");
        assert_eq!(put(Literal::Int(-7)), "x <- 1-(-7);");
        assert_eq!(put(Literal::Float(2.0)), "x <- 1-2.0;");
        assert_eq!(put(Literal::Float(f64::NAN)), "x <- 1-0.0;");
        assert_eq!(put(Literal::Text("a\"b\\$value")), "x <- 1-\"a\\\"b\\\\$value\";");
    }
}
