//! Reading an expression: from its text to the steps that evaluate it. Its length, its words and its nesting are bounded, so that
//! reading is quick and shallow whatever the text is.

use super::VALUE;
use super::functions::{Call, FUNCTIONS, MATH, METHODS};
use super::machine::{Binary, Item, Step};
use super::tokens::{Mistake, Sort, Token, number, tokens, unquoted};

/// How deep brackets, lists, calls and conditions may stand in each other. A deeper expression is refused.
pub(crate) const DEPTH_MAX: usize = 16;

/// Words that the language keeps for itself.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "math",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
];

/// What stands between two values, and how strongly it binds them.
const OPERATORS: [(&str, u8); 14] = [
    ("||", 0),
    ("&&", 1),
    ("==", 2),
    ("!=", 2),
    ("<=", 2),
    (">=", 2),
    ("<", 2),
    (">", 2),
    ("in", 2),
    ("+", 3),
    ("-", 3),
    ("*", 4),
    ("/", 4),
    ("%", 4),
];

/// Reads an expression that may name these variables.
pub(super) fn read(text: &str, variables: &[String]) -> Result<Vec<Step>, Mistake> {
    let tokens = tokens(text)?;
    let mut reader = Reader {
        tokens: &tokens,
        next: 0,
        variables,
        steps: Vec::new(),
    };
    reader.expression(0)?;
    match reader.peek() {
        Token { sort: Sort::End, .. } => Ok(reader.steps),
        token => token.expected("an operator or the end"),
    }
}

/// Checks the name of a variable.
pub(crate) fn variable_name(name: &str) -> Result<(), String> {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let is_name = name.chars().all(is_sign) && name.starts_with(|sign: char| sign.is_ascii_alphabetic() || sign == '_');
    let is_function = FUNCTIONS.iter().any(|function| function.name == name);
    if !is_name || name.len() > 64 {
        return Err(format!(
            "'{name}' is no name of a variable: expected letters, digits and '_', beginning with a letter, 64 at most"
        ));
    }
    if RESERVED.contains(&name) || is_function || name == VALUE {
        return Err(format!(
            "'{name}' means something else in expressions; expected another name"
        ));
    }
    Ok(())
}

/// The word that is most like the one that was typed, when one is near enough.
fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near_enough = (typed.chars().count() / 3).max(1);
    let distances = known.into_iter().map(|word| (edits(typed, word), word));
    let nearest = distances.filter(|(edits, _)| *edits <= near_enough).min();
    nearest.map(|(_, word)| word)
}

/// Insertions, deletions and replacements that turn one word into the other, in any case.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, sign) in from.to_lowercase().chars().enumerate() {
        let mut row = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let replaced = last[j] + usize::from(sign != *other);
            row.push(replaced.min(last[j + 1] + 1).min(row[j] + 1));
        }
        last = row;
    }
    last[to.len()]
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    next: usize,
    variables: &'a [String],
    steps: Vec<Step>,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Token<'a> {
        // The last token is the end, and it is never taken.
        self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.peek().is(sign);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        match self.eat(sign) {
            true => Ok(()),
            false => self.peek().expected(&format!("'{sign}'")),
        }
    }

    /// A condition with its two values, or what stands there instead.
    fn expression(&mut self, depth: usize) -> Result<(), Mistake> {
        if depth > DEPTH_MAX {
            let text = format!("brackets, lists, calls and conditions stand in each other at most {DEPTH_MAX} deep");
            return self.peek().fail(text);
        }
        self.chain(depth, 0)?;
        if !self.eat("?") {
            return Ok(());
        }
        let choice = self.steps.len();
        self.steps.push(Step::Choose { otherwise: 0, end: 0 });
        self.chain(depth, 0)?;
        self.expect(":")?;
        let jump = self.steps.len();
        self.steps.push(Step::Jump { to: 0 });
        let otherwise = self.steps.len();
        self.expression(depth + 1)?;
        let end = self.steps.len();
        self.steps[choice] = Step::Choose { otherwise, end };
        self.steps[jump] = Step::Jump { to: end };
        Ok(())
    }

    /// Values with operators between them that bind at least so strongly.
    fn chain(&mut self, depth: usize, strength_min: u8) -> Result<(), Mistake> {
        self.signed(depth)?;
        loop {
            let token = self.peek();
            let found = OPERATORS.iter().find(|(sign, _)| *sign == token.text);
            let is_word = matches!(token.sort, Sort::Sign | Sort::Name);
            let Some((sign, strength)) = found.filter(|(_, strength)| is_word && *strength >= strength_min) else {
                return Ok(());
            };
            self.next += 1;
            let is_and = match *sign {
                "&&" => Some(true),
                "||" => Some(false),
                _ => None,
            };
            let Some(is_and) = is_and else {
                self.chain(depth, strength + 1)?;
                self.steps.push(Step::Binary(Binary::of(sign)));
                continue;
            };
            let test = self.steps.len();
            self.steps.push(Step::Jump { to: 0 });
            self.chain(depth, strength + 1)?;
            self.steps.push(Step::Both { is_and });
            let to = self.steps.len();
            self.steps[test] = Step::SkipIf { value: !is_and, to };
        }
    }

    /// A value with signs before it.
    fn signed(&mut self, depth: usize) -> Result<(), Mistake> {
        let (sign, step) = match (self.peek().is("!"), self.peek().is("-")) {
            (true, _) => ("!", Step::Not),
            (_, true) => ("-", Step::Negate),
            _ => return self.member(depth),
        };
        let first = self.next;
        while self.eat(sign) {}
        let count = self.next - first;
        self.member(depth)?;
        self.steps.extend(std::iter::repeat_n(step, count));
        Ok(())
    }

    /// A value with what is written behind it.
    fn member(&mut self, depth: usize) -> Result<(), Mistake> {
        self.primary(depth)?;
        loop {
            if self.eat("[") {
                self.expression(depth + 1)?;
                self.expect("]")?;
                self.steps.push(Step::Binary(Binary::Index));
            } else if self.eat(".") {
                let name = self.take();
                if name.sort != Sort::Name {
                    return name.expected("the name of a function");
                }
                if !self.peek().is("(") {
                    return name.fail(format!("values have no parts: '.{}' means nothing", name.text));
                }
                self.call(name, &METHODS, (1, depth))?;
            } else {
                return Ok(());
            }
        }
    }

    fn primary(&mut self, depth: usize) -> Result<(), Mistake> {
        let token = self.take();
        match token.sort {
            Sort::Text => {
                self.steps.push(Step::Constant(Item::Text(unquoted(token.text).into())));
                Ok(())
            }
            Sort::Number => {
                self.steps.push(Step::Constant(number(token)?));
                Ok(())
            }
            Sort::Name => self.name(token, depth),
            Sort::Sign if token.text == "(" => {
                self.expression(depth + 1)?;
                self.expect(")")
            }
            Sort::Sign if token.text == "[" => {
                let count = self.list("]", depth)?;
                self.steps.push(Step::List { count });
                Ok(())
            }
            Sort::Sign | Sort::End => token.expected("a value"),
        }
    }

    fn name(&mut self, token: Token<'a>, depth: usize) -> Result<(), Mistake> {
        if token.text == "math" && self.eat(".") {
            let name = self.take();
            return self.call(name, &MATH, (0, depth));
        }
        if self.peek().is("(") {
            return self.call(token, &FUNCTIONS, (0, depth));
        }
        let step = match token.text {
            "true" | "false" => Some(Step::Constant(Item::Bool(token.text == "true"))),
            name => {
                let index = self.variables.iter().position(|known| known == name);
                index.map(|index| Step::Variable { index })
            }
        };
        if let Some(step) = step {
            self.steps.push(step);
            return Ok(());
        }
        if RESERVED.contains(&token.text) {
            return token.expected("a value");
        }
        let hint = match nearest(token.text, self.variables.iter().map(String::as_str)) {
            Some(near) => format!("did you mean '{near}'?"),
            None => String::from("name its signal in inputs"),
        };
        token.fail(format!("there is no variable '{}'; {hint}", token.text))
    }

    /// A function that is one of these, with its values; so many stand before its name.
    fn call(&mut self, name: Token<'a>, known: &[Call], (before, depth): (usize, usize)) -> Result<(), Mistake> {
        let Some(function) = known.iter().find(|function| function.name == name.text) else {
            let near = nearest(name.text, known.iter().map(|function| function.name));
            let hint = near.map_or(String::new(), |near| format!("; did you mean '{near}'?"));
            return name.fail(format!(
                "expressions of routes have no function '{}' here{hint}",
                name.text
            ));
        };
        self.expect("(")?;
        let count = self.list(")", depth)?;
        if count < function.least || count > function.most {
            let wanted = match function.least == function.most {
                true => function.least.to_string(),
                false => format!("at least {}", function.least),
            };
            return name.fail(format!(
                "'{}' takes {wanted} values in its brackets, not {count}",
                name.text
            ));
        }
        self.steps.push(Step::Call {
            function: function.function,
            count: count + before,
        });
        Ok(())
    }

    /// Values with commas up to a bracket; how many.
    fn list(&mut self, end: &str, depth: usize) -> Result<usize, Mistake> {
        let mut count = 0;
        if self.eat(end) {
            return Ok(count);
        }
        loop {
            self.expression(depth + 1)?;
            count += 1;
            if !self.eat(",") {
                self.expect(end)?;
                return Ok(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        let variables = ["value", "running"].map(String::from);
        match read(text, &variables) {
            Ok(_) => String::from("right"),
            Err(mistake) => mistake.to_string(),
        }
    }

    #[test]
    fn every_mistake_is_named_with_its_column() {
        let check = |text: &str, expected: &str| assert_eq!(said(text), expected, "{text}");
        check("", "column 1: the expression ends where a value is expected");
        check("value >", "column 8: the expression ends where a value is expected");
        check("value > > 1", "column 9: expected a value, found '>'");
        check("(value", "column 7: the expression ends where ')' is expected");
        check("value 1", "column 7: expected an operator or the end, found '1'");
        check(
            "runing && value",
            "column 1: there is no variable 'runing'; did you mean 'running'?",
        );
        check(
            "pressure > 1",
            "column 1: there is no variable 'pressure'; name its signal in inputs",
        );
        check("value = 1", "column 7: '=' has no meaning in expressions of routes");
        check("value.x", "column 7: values have no parts: '.x' means nothing");
        check(
            "'é' + value.tiny",
            "column 13: values have no parts: '.tiny' means nothing",
        );
        check(
            "[1].map(x, x)",
            "column 5: expressions of routes have no function 'map' here",
        );
        check(
            "value.startswith('a')",
            "column 7: expressions of routes have no function 'startswith' here; did you mean 'startsWith'?",
        );
        check(
            "timestamp('x')",
            "column 1: expressions of routes have no function 'timestamp' here",
        );
        check(
            "math.max(1, 2)",
            "column 6: expressions of routes have no function 'max' here",
        );
        check("size(1, 2)", "column 1: 'size' takes 1 values in its brackets, not 2");
        check(
            "math.greatest()",
            "column 6: 'greatest' takes at least 1 values in its brackets, not 0",
        );
        check(
            "99999999999999999999",
            "column 1: '99999999999999999999' is no number of 64 bits",
        );
        check("1e999", "column 1: '1e999' is no number of 64 bits");
        check("12ab", "column 1: '12ab' is no number of 64 bits");
        check("'abc", "column 1: this text has no end");
        check("'a\\q'", "column 3: expected \\\\, \\', \\\", \\n, \\r or \\t");
        check("value // why", "column 7: expressions have no comments");
        check("null", "column 1: expected a value, found 'null'");
        check("{}", "column 1: '{' has no meaning in expressions of routes");
        check(
            "a ? 1 : 2",
            "column 1: there is no variable 'a'; name its signal in inputs",
        );
        check("running ? 1", "column 12: the expression ends where ':' is expected");
    }

    #[test]
    fn what_is_too_much_is_refused_before_it_is_read() {
        assert!(said(&format!("{}value", "(".repeat(17))).contains("at most 16 deep"));
        assert!(said(&"1 ? 2 : ".repeat(20)).contains("at most 16 deep"));
        assert!(said(&"1+".repeat(200)).contains("at most 256 words"));
        assert!(said(&"1".repeat(2_000)).contains("2000 bytes is longer than 1024"));
    }

    #[test]
    fn names_of_variables_are_names_and_mean_nothing_else() {
        assert_eq!(variable_name("tank_1"), Ok(()));
        for (name, words) in [
            ("1st", "no name"),
            ("a b", "no name"),
            ("", "no name"),
            ("ä", "no name"),
            ("value", "something else"),
            ("in", "something else"),
            ("size", "something else"),
            ("math", "something else"),
        ] {
            assert!(variable_name(name).unwrap_err().contains(words), "{name}");
        }
    }
}
