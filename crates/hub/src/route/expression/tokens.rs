//! The words, numbers and signs of an expression, each with its column.

use super::machine::Item;

/// Bytes of an expression. A longer one is refused.
const EXPRESSION_LEN_MAX: usize = 1_024;
/// Words, numbers and signs of an expression. One with more is refused: what an evaluation costs follows from them.
pub(super) const TOKENS_MAX: usize = 256;
/// Signs, longer ones first.
const SIGNS: [&str; 22] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", "(", ")", "[", "]", ",", ".",
];

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {text}")]
pub(super) struct Mistake {
    /// In characters, from 1.
    column: usize,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sort {
    Name,
    Number,
    Text,
    Sign,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) sort: Sort,
    pub(super) text: &'a str,
    column: usize,
}

impl Token<'_> {
    pub(super) fn is(&self, sign: &str) -> bool {
        self.sort == Sort::Sign && self.text == sign
    }

    pub(super) fn fail<T>(&self, text: impl Into<String>) -> Result<T, Mistake> {
        Err(Mistake {
            column: self.column,
            text: text.into(),
        })
    }

    /// It stands where something else should.
    pub(super) fn expected<T>(&self, what: &str) -> Result<T, Mistake> {
        match self.sort {
            Sort::End => self.fail(format!("the expression ends where {what} is expected")),
            _ => self.fail(format!("expected {what}, found '{}'", self.text)),
        }
    }
}

/// Takes an expression apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Mistake> {
    let mistake = |column: usize, text: String| Err(Mistake { column, text });
    if text.len() > EXPRESSION_LEN_MAX {
        let text = format!(
            "an expression of {} bytes is longer than {EXPRESSION_LEN_MAX}",
            text.len()
        );
        return mistake(1, text);
    }
    let (mut rest, mut column) = (text, 1);
    let mut tokens = Vec::new();
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        column += rest.len() - trimmed.len();
        rest = trimmed;
        let Some(first) = rest.chars().next() else { break };
        if tokens.len() == TOKENS_MAX {
            let text = format!("an expression has at most {TOKENS_MAX} words, numbers and signs");
            return mistake(column, text);
        }
        let (sort, len) = match first {
            'a'..='z' | 'A'..='Z' | '_' => (Sort::Name, name_len(rest)),
            '0'..='9' => (Sort::Number, number_len(rest)),
            '\'' | '"' => match text_len(rest) {
                Ok(len) => (Sort::Text, len),
                Err((at, text)) => return mistake(column + at, text),
            },
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(_) if rest.starts_with("//") => {
                    return mistake(column, String::from("expressions have no comments"));
                }
                Some(sign) => (Sort::Sign, sign.len()),
                None => {
                    let sign = first.escape_debug();
                    return mistake(column, format!("'{sign}' has no meaning in expressions of routes"));
                }
            },
        };
        let (word, after) = rest.split_at(len);
        tokens.push(Token {
            sort,
            text: word,
            column,
        });
        column += word.chars().count();
        rest = after;
    }
    tokens.push(Token {
        sort: Sort::End,
        text: "",
        column,
    });
    Ok(tokens)
}

fn name_len(text: &str) -> usize {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    text.find(|sign| !is_sign(sign)).unwrap_or(text.len())
}

/// Everything that looks like one number, right or wrong.
fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut len = 0;
    while let Some(byte) = bytes.get(len) {
        let goes_on = match byte {
            b'.' => bytes.get(len + 1).is_some_and(u8::is_ascii_digit),
            b'+' | b'-' => matches!(bytes[len - 1], b'e' | b'E') && !text.starts_with("0x") && !text.starts_with("0X"),
            byte => byte.is_ascii_alphanumeric() || *byte == b'_',
        };
        if !goes_on {
            break;
        }
        len += 1;
    }
    len
}

/// Bytes of a text with its quotes, or at which character it goes wrong.
fn text_len(text: &str) -> Result<usize, (usize, String)> {
    let quote = text.chars().next().unwrap_or('"');
    let mut signs = text.char_indices().enumerate().skip(1);
    while let Some((at, (index, sign))) = signs.next() {
        match sign {
            '\\' => match signs.next() {
                Some((_, (_, '\\' | '\'' | '"' | 'n' | 'r' | 't'))) => {}
                _ => return Err((at, String::from("expected \\\\, \\', \\\", \\n, \\r or \\t"))),
            },
            sign if sign == quote => return Ok(index + 1),
            sign if sign.is_control() => return Err((at, String::from("a text holds a control character"))),
            _ => {}
        }
    }
    Err((0, String::from("this text has no end")))
}

/// The value of a number.
pub(super) fn number(token: Token<'_>) -> Result<Item, Mistake> {
    let text = token.text;
    let (digits, is_unsigned) = match text.strip_suffix(['u', 'U']) {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    let (hex, is_whole) = (
        digits.strip_prefix("0x"),
        digits.bytes().all(|byte| byte.is_ascii_digit()),
    );
    let item = match (hex, is_unsigned) {
        (Some(hex), true) => u64::from_str_radix(hex, 16).ok().map(Item::Uint),
        (Some(hex), false) => i64::from_str_radix(hex, 16).ok().map(Item::Int),
        (None, true) => digits.parse().ok().map(Item::Uint),
        (None, false) if is_whole => digits.parse().ok().map(Item::Int),
        // A number begins with a digit, so this is none of the words that stand for numbers.
        (None, false) => digits
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Item::Double),
    };
    match item {
        Some(item) => Ok(item),
        None => token.fail(format!("'{text}' is no number of 64 bits")),
    }
}

/// A text without its quotes and escapes, which are known to be right.
pub(super) fn unquoted(text: &str) -> String {
    let mut signs = text[1..text.len() - 1].chars();
    let mut out = String::with_capacity(text.len());
    while let Some(sign) = signs.next() {
        out.push(match sign {
            '\\' => match signs.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(sign) => sign,
                None => break,
            },
            sign => sign,
        });
    }
    out
}
