//! A Rust file as the rules see it: per line the code without comments and without the contents of literals, and
//! the comment beside it; over all lines the identifiers and paths.
//!
//! This is a scanner, not a parser: it knows comments, literals, attributes of tests, and use trees. It refuses to
//! know types or macros. Because literals are blanked, a rule may name in a string what it forbids in code.

use std::ops::Range;

/// One line of a Rust file.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The code: literals are empty (`""`), comments are gone.
    pub(crate) code: String,
    /// The text of a comment on this line, without its slashes.
    pub(crate) comment: Option<Comment>,
    /// True inside of an item that is compiled only for tests, and everywhere in a file of tests.
    pub(crate) is_test: bool,
}

/// The comment of one line.
#[derive(Debug)]
pub(crate) struct Comment {
    /// What stands behind the slashes or the star.
    pub(crate) text: String,
    /// True for documentation: `///`, `//!`, `/** */`, `/*! */`.
    pub(crate) is_doc: bool,
}

/// An identifier or a piece of punctuation; `::` is one token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// Line from 1.
    pub(crate) line: usize,
    /// The text itself.
    pub(crate) text: String,
}

/// A path as written, `a::b::c`; a use tree yields one path for each leaf.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WrittenPath {
    /// Line of the last segment, from 1.
    pub(crate) line: usize,
    /// The segments, at least one.
    pub(crate) segments: Vec<String>,
    /// Index of the token behind the path.
    pub(crate) next: usize,
}

impl WrittenPath {
    /// True if the path has these segments side by side; a single one must be the first of several.
    pub(crate) fn mentions(&self, wanted: &[&str]) -> bool {
        match wanted {
            [root] => self.segments.len() > 1 && self.segments[0] == *root,
            _ => self
                .segments
                .windows(wanted.len())
                .any(|part| part.iter().zip(wanted).all(|(a, b)| a == b)),
        }
    }

    /// The last segment.
    pub(crate) fn last(&self) -> &str {
        self.segments.last().map_or("", String::as_str)
    }
}

/// A whole Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The lines, first line at index 0.
    pub(crate) lines: Vec<Line>,
    /// All tokens of the code.
    pub(crate) tokens: Vec<Token>,
    /// All paths of the code, also those of one segment.
    pub(crate) paths: Vec<WrittenPath>,
}

impl Source {
    /// Scans `text`. With `is_test` the whole file counts as test code.
    pub(crate) fn read(text: &str, is_test: bool) -> Self {
        let mut lines = split(text);
        let tokens = tokens(&lines);
        for line in &mut lines {
            line.is_test = is_test;
        }
        for range in test_items(&tokens) {
            for line in &mut lines[range] {
                line.is_test = true;
            }
        }
        let paths = paths(&tokens);
        Self { lines, tokens, paths }
    }

    /// Lines with their numbers from 1.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &Line)> {
        self.lines.iter().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// True if the line with this number from 1 is test code.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        self.lines[line - 1].is_test
    }

    /// The text of the token at `index`, empty behind the end.
    pub(crate) fn token(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| &token.text)
    }

    /// The name of the last function that begins at or above this line; empty if there is none.
    pub(crate) fn function_at(&self, line: usize) -> &str {
        let above = self.tokens.windows(2).take_while(|pair| pair[0].line <= line);
        above
            .filter(|pair| pair[0].text == "fn")
            .last()
            .map_or("", |pair| &pair[1].text)
    }
}

/// What the scanner is inside of.
enum State {
    Code,
    LineComment,
    /// Block comments nest.
    BlockComment(usize),
    Text,
    /// Ends at a quote with this many `#`.
    RawText(usize),
}

fn split(text: &str) -> Vec<Line> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut lines = vec![Line::default()];
    let mut state = State::Code;
    let mut is_doc = false;
    let mut index = 0;
    while index < chars.len() {
        let c = chars[index];
        if c == '\n' {
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            lines.push(Line::default());
            index += 1;
            continue;
        }
        let line = lines.last_mut().expect("there is always a line");
        match state {
            State::Code => match (c, at(index + 1)) {
                ('/', '/') => {
                    is_doc = at(index + 2) == '!' || (at(index + 2) == '/' && at(index + 3) != '/');
                    line.comment = Some(Comment {
                        text: String::new(),
                        is_doc,
                    });
                    state = State::LineComment;
                    index += if is_doc { 3 } else { 2 };
                }
                ('/', '*') => {
                    is_doc = matches!(at(index + 2), '*' | '!') && at(index + 3) != '/';
                    state = State::BlockComment(1);
                    index += 2;
                }
                ('"', _) => {
                    line.code.push_str("\"\"");
                    state = State::Text;
                    index += 1;
                }
                ('\'', next) => {
                    // A quote opens a character only if it also closes behind one; else it names a lifetime.
                    if next == '\\' {
                        let mut end = index + 3;
                        while end < chars.len() && chars[end] != '\'' && chars[end] != '\n' {
                            end += 1;
                        }
                        line.code.push_str("' '");
                        index = end + 1;
                    } else if at(index + 2) == '\'' {
                        line.code.push_str("' '");
                        index += 3;
                    } else {
                        line.code.push('\'');
                        index += 1;
                    }
                }
                ('r', '"' | '#') if !line.code.ends_with(is_word) || ends_with_literal_prefix(&line.code) => {
                    let hashes = chars[index + 1..].iter().take_while(|c| **c == '#').count();
                    if at(index + 1 + hashes) == '"' {
                        line.code.push_str("\"\"");
                        state = State::RawText(hashes);
                        index += hashes + 2;
                    } else {
                        line.code.push(c);
                        index += 1;
                    }
                }
                _ => {
                    line.code.push(c);
                    index += 1;
                }
            },
            State::LineComment => {
                line.comment
                    .get_or_insert_with(|| Comment {
                        text: String::new(),
                        is_doc,
                    })
                    .text
                    .push(c);
                index += 1;
            }
            State::BlockComment(depth) => match (c, at(index + 1)) {
                ('*', '/') => {
                    state = if depth == 1 {
                        State::Code
                    } else {
                        State::BlockComment(depth - 1)
                    };
                    index += 2;
                }
                ('/', '*') => {
                    state = State::BlockComment(depth + 1);
                    index += 2;
                }
                _ => {
                    line.comment
                        .get_or_insert_with(|| Comment {
                            text: String::new(),
                            is_doc,
                        })
                        .text
                        .push(c);
                    index += 1;
                }
            },
            State::Text => match c {
                // A backslash at the end of a line continues the text: the line break itself is still counted.
                '\\' if at(index + 1) != '\n' => index += 2,
                '"' => {
                    state = State::Code;
                    index += 1;
                }
                _ => index += 1,
            },
            State::RawText(hashes) => {
                if c == '"' && chars[index + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
                    state = State::Code;
                    index += hashes;
                }
                index += 1;
            }
        }
    }
    lines
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// True behind the `b` or `c` of `br"…"` and `cr"…"`.
fn ends_with_literal_prefix(code: &str) -> bool {
    let mut back = code.chars().rev();
    matches!(back.next(), Some('b' | 'c')) && !back.next().is_some_and(is_word)
}

fn tokens(lines: &[Line]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let mut rest = line.code.as_str();
        while let Some(c) = rest.chars().next() {
            let len = if is_word(c) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                c.len_utf8()
            };
            let (text, behind) = rest.split_at(len);
            if !c.is_whitespace() {
                tokens.push(Token {
                    line: index + 1,
                    text: text.to_owned(),
                });
            }
            rest = behind;
        }
    }
    tokens
}

/// Indices of the lines of items behind `#[cfg(test)]` or `#[cfg(all(test, …))]`, attribute included.
fn test_items(tokens: &[Token]) -> Vec<Range<usize>> {
    let text = |index: usize| tokens.get(index).map_or("", |token: &Token| token.text.as_str());
    let mut items = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let is_plain = text(index) == "cfg" && text(index + 1) == "(" && text(index + 2) == "test";
        let is_all = text(index) == "cfg" && text(index + 2) == "all" && text(index + 4) == "test";
        if !(is_plain || is_all) {
            index += 1;
            continue;
        }
        let first = tokens[index].line - 1;
        // The item ends at its semicolon or at the brace that closes its first one.
        let mut depth = 0usize;
        while index < tokens.len() {
            match text(index) {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(text(index), ";" | "}") {
                break;
            }
            index += 1;
        }
        let last = tokens
            .get(index)
            .or(tokens.last())
            .map_or(first, |token| token.line - 1);
        items.push(first..last + 1);
    }
    items
}

fn paths(tokens: &[Token]) -> Vec<WrittenPath> {
    let mut paths = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if is_name(tokens, index) {
            index = path(tokens, index, &[], &mut paths);
        } else {
            index += 1;
        }
    }
    paths
}

fn is_name(tokens: &[Token], index: usize) -> bool {
    tokens
        .get(index)
        .is_some_and(|token| token.text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_'))
}

/// Reads one path from `index` on, with the segments of the use tree around it, and returns the index behind it.
fn path(tokens: &[Token], mut index: usize, outer: &[String], paths: &mut Vec<WrittenPath>) -> usize {
    let mut segments = outer.to_vec();
    loop {
        segments.push(tokens[index].text.clone());
        let behind = index + 1;
        if tokens.get(behind).is_some_and(|token| token.text == "::") {
            if is_name(tokens, behind + 1) {
                index = behind + 1;
                continue;
            }
            if tokens.get(behind + 1).is_some_and(|token| token.text == "{") {
                return tree(tokens, behind + 2, &segments, paths);
            }
        }
        paths.push(WrittenPath {
            line: tokens[index].line,
            segments,
            next: behind,
        });
        return behind;
    }
}

/// Reads the leaves of a use tree behind its opening brace and returns the index behind the closing one.
fn tree(tokens: &[Token], mut index: usize, outer: &[String], paths: &mut Vec<WrittenPath>) -> usize {
    while let Some(token) = tokens.get(index) {
        if token.text == "}" {
            return index + 1;
        }
        // The name behind `as` is our own word for the leaf before it.
        index = match token.text.as_str() {
            "as" => index + 2,
            _ if is_name(tokens, index) => path(tokens, index, outer, paths),
            _ => index + 1,
        };
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_code(text: &str, expected: &[&str]) {
        let source = Source::read(text, false);
        let code: Vec<_> = source.lines.iter().map(|line| line.code.trim()).collect();
        assert_eq!(code, expected);
    }

    #[test]
    fn literals_are_blanked_and_comments_taken_out() {
        check_code("let a = \"// no {\"; // why", &["let a = \"\";"]);
        check_code("let a = r#\"one \" two\"#; b", &["let a = \"\"; b"]);
        check_code("let a = br\"x\\\"; b", &["let a = b\"\"; b"]);
        check_code("let a = \"one \\\" // two\nthree\"; b", &["let a = \"\"", "; b"]);
        check_code(
            "let q = '\"'; let l: &'static str = x; '\\'' '\\u{1F600}'",
            &["let q = ' '; let l: &'static str = x; ' ' ' '"],
        );
        check_code("a /* b /* c */ d */ e", &["a  e"]);
        check_code("let for_r = wonder\"x\";", &["let for_r = wonder\"\";"]);
    }

    #[test]
    fn comments_know_whether_they_are_documentation() {
        let source = Source::read(
            "/// one\n//! two\n// three\n//// four\n/** five\nsix */\nx /* seven */",
            false,
        );
        let docs: Vec<_> = source
            .lines
            .iter()
            .map(|line| line.comment.as_ref().map(|comment| comment.is_doc))
            .collect();
        assert_eq!(
            docs,
            [
                Some(true),
                Some(true),
                Some(false),
                Some(false),
                Some(true),
                Some(true),
                Some(false)
            ]
        );
        assert_eq!(
            source.lines[2].comment.as_ref().map(|comment| comment.text.as_str()),
            Some(" three")
        );
    }

    #[test]
    fn test_items_are_marked_to_their_closing_brace() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nuse x;\nfn d() {}\n#[cfg(all(test, unix))]\nfn e() {\n}";
        let marked: Vec<_> = Source::read(text, false)
            .lines
            .iter()
            .map(|line| line.is_test)
            .collect();
        assert_eq!(
            marked,
            [
                false, true, true, true, true, false, true, true, false, true, true, true
            ]
        );
        assert!(Source::read("fn a() {}", true).is_test(1));
    }

    #[test]
    fn use_trees_yield_a_path_for_each_leaf() {
        let source = Source::read(
            "use std::{fs, net::{IpAddr, TcpStream as S}};\nlet t = std :: thread::sleep(d);",
            false,
        );
        let written: Vec<_> = source
            .paths
            .iter()
            .filter(|path| path.segments.len() > 1)
            .map(|path| path.segments.join("::"))
            .collect();
        assert_eq!(
            written,
            [
                "std::fs",
                "std::net::IpAddr",
                "std::net::TcpStream",
                "std::thread::sleep"
            ]
        );
    }

    #[test]
    fn a_path_mentions_roots_and_runs_of_segments() {
        let source = Source::read("rand::random(); a::rand(); x::std::fs::read()", false);
        let hits: Vec<_> = source
            .paths
            .iter()
            .map(|path| (path.mentions(&["rand"]), path.mentions(&["std", "fs"])))
            .collect();
        assert_eq!(hits, [(true, false), (false, false), (false, true)]);
    }

    #[test]
    fn the_function_around_a_line_is_the_last_one_above() {
        let source = Source::read("fn one() {\n  a();\n}\nfn two() {\n  b();\n}", false);
        assert_eq!((source.function_at(2), source.function_at(5)), ("one", "two"));
    }
}
