//! Habits of the code: no mod.rs, no unsafe outside of its place, nothing unbounded, no test that sleeps or does not
//! run, nothing unfinished, no code in comments, documentation lints on.

use super::source::Source;
use super::{Finding, Tree};

/// Folders in which unsafe code may stand, each piece under a comment that begins with `SAFETY:`.
const UNSAFE_FOLDERS: &[&str] = &["crates/server/", "bench/wsload/"];

/// Words that mark unfinished work in comments of any language.
const UNFINISHED_MARKS: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];

/// Macros that stand in for code that is not written.
const UNFINISHED_MACROS: &[&str] = &["todo", "unimplemented"];

/// Endings of the files that are scanned for unfinished marks as plain text; Rust is scanned by its comments.
const MARKED_ENDINGS: &[&str] = &[".cjs", ".mjs", ".py", ".svelte", ".toml", ".ts"];

/// Calls by which a browser or library test is left out, or all others are.
const SKIPPED_WEB_TESTS: &[&str] = &[
    "describe.only(",
    "describe.skip(",
    "it.only(",
    "it.skip(",
    "it.todo(",
    "test.only(",
    "test.skip(",
    "test.todo(",
];

/// Names of channel types that have no limit.
const UNBOUNDED_NAMES: &[&str] = &["UnboundedReceiver", "UnboundedSender", "unbounded_channel"];

/// Pieces that prose does not contain: a comment line with one of them that ends in a semicolon is code.
const CODE_SIGNS: &[&str] = &[" = ", "()", "::", "(&", ").", "let ", "return ", "use ", "+= "];

/// `foo.rs` beside `foo/` shows its name in every list of open files; `mod.rs` does not.
pub(super) fn mod_rs(tree: &Tree) -> Vec<Finding> {
    let paths = tree
        .rust()
        .map(|(path, _)| path)
        .filter(|path| path.ends_with("/mod.rs"));
    paths
        .map(|path| Finding::new(path, 0, "name the file after its folder, beside it"))
        .collect()
}

/// Unsafe code has a place and a proof.
pub(super) fn unsafe_code(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust() {
        for token in source.tokens.iter().filter(|token| token.text == "unsafe") {
            if !UNSAFE_FOLDERS.iter().any(|folder| path.starts_with(folder)) {
                findings.push(Finding::new(
                    path,
                    token.line,
                    "unsafe code belongs to the server, with a decision record",
                ));
                continue;
            }
            // The proof stands on the line itself or in the comment right above, attributes between them allowed.
            let own = source.lines[token.line - 1].comment.iter();
            let above = source.lines[..token.line - 1].iter().rev();
            let above = above.take_while(|line| line.code.trim().is_empty() || line.code.trim().starts_with("#["));
            let above = above.map_while(|line| {
                if line.code.trim().is_empty() {
                    line.comment.as_ref().map(Some)
                } else {
                    Some(None)
                }
            });
            if !own
                .chain(above.flatten())
                .any(|comment| comment.text.trim_start().starts_with("SAFETY:"))
            {
                findings.push(Finding::new(
                    path,
                    token.line,
                    "say in a comment that begins with `SAFETY:` why this is sound",
                ));
            }
        }
    }
    findings
}

/// Whatever waits in a channel has a limit.
pub(super) fn unbounded_channels(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust() {
        for written in &source.paths {
            let next = behind_turbofish(source, written.next);
            let is_call = source.token(next) == "(";
            // A constructor without a capacity has no limit; only a one-shot channel needs none.
            let is_capless = is_call && source.token(next + 1) == ")";
            let is_oneshot = written.segments.iter().any(|segment| segment == "oneshot");
            let is_found = match written.last() {
                "unbounded" => is_call,
                "channel" => (is_capless && !is_oneshot) || written.mentions(&["std", "sync", "mpsc", "channel"]),
                last => UNBOUNDED_NAMES.contains(&last),
            };
            if is_found {
                findings.push(Finding::new(
                    path,
                    written.line,
                    format!(
                        "`{}` has no limit: use a bounded channel and state what happens when it is full",
                        written.segments.join("::")
                    ),
                ));
            }
        }
    }
    findings
}

/// The index behind `::<…>`, or the same index if there is none.
fn behind_turbofish(source: &Source, index: usize) -> usize {
    if source.token(index) != "::" || source.token(index + 1) != "<" {
        return index;
    }
    let mut depth = 0usize;
    for (behind, token) in source.tokens.iter().enumerate().skip(index + 1) {
        match token.text.as_str() {
            "<" => depth += 1,
            ">" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return behind + 1;
        }
    }
    index
}

/// A test that does not run proves nothing.
pub(super) fn ignored_tests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust() {
        let attributes = source
            .tokens
            .windows(3)
            .filter(|part| part[0].text == "#" && part[1].text == "[" && part[2].text == "ignore");
        findings.extend(attributes.map(|part| Finding::new(path, part[2].line, "let the test run or take it out")));
    }
    for (path, text) in tree.texts().filter(|(path, _)| path.starts_with("web/")) {
        for (line, _) in numbered(text).filter(|(_, text)| SKIPPED_WEB_TESTS.iter().any(|call| has_call(text, call))) {
            findings.push(Finding::new(path, line, "let every test run or take it out"));
        }
    }
    findings
}

/// A test that sleeps is slow on a fast machine and wrong on a slow one.
pub(super) fn sleeping_tests(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust() {
        for written in source.paths.iter().filter(|written| source.is_test(written.line)) {
            let is_sleep =
                matches!(written.last(), "sleep" | "sleep_until" | "sleep_ms") && source.token(written.next) == "(";
            if is_sleep && !source.function_at(written.line).starts_with("eventually") {
                findings.push(Finding::new(
                    path,
                    written.line,
                    "move the clock by hand, or wait for a condition in a function named eventually…",
                ));
            }
        }
    }
    findings
}

/// What is not finished is not in the tree.
pub(super) fn unfinished(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust() {
        for (number, line) in source.numbered() {
            let comment = line.comment.as_ref().map_or("", |comment| &comment.text);
            if let Some(mark) = UNFINISHED_MARKS.iter().find(|mark| has_word(comment, mark)) {
                findings.push(Finding::new(path, number, format!("{mark}: finish it or take it out")));
            }
        }
        for part in source
            .tokens
            .windows(2)
            .filter(|part| part[1].text == "!" && UNFINISHED_MACROS.contains(&part[0].text.as_str()))
        {
            findings.push(Finding::new(
                path,
                part[0].line,
                format!("{}!: write the code or take it out", part[0].text),
            ));
        }
    }
    let is_marked = |path: &str| {
        MARKED_ENDINGS.iter().any(|ending| path.ends_with(ending)) || path.starts_with("scripts/") || path == "Makefile"
    };
    for (path, text) in tree.texts().filter(|(path, _)| is_marked(path)) {
        for (number, line) in numbered(text) {
            if let Some(mark) = UNFINISHED_MARKS.iter().find(|mark| has_word(line, mark)) {
                findings.push(Finding::new(path, number, format!("{mark}: finish it or take it out")));
            }
        }
    }
    findings
}

/// Version control remembers old code better than a comment does.
pub(super) fn commented_code(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust() {
        for (number, line) in source.numbered() {
            let is_code = line
                .comment
                .as_ref()
                .is_some_and(|comment| !comment.is_doc && looks_like_code(comment.text.trim()));
            if is_code {
                findings.push(Finding::new(
                    path,
                    number,
                    "this comment reads like code: take it out, or say in words why",
                ));
            }
        }
    }
    findings
}

fn looks_like_code(comment: &str) -> bool {
    let opens_block = comment.ends_with('{') && !comment.ends_with("`{");
    let is_statement = comment.ends_with(';') && CODE_SIGNS.iter().any(|sign| comment.contains(sign));
    opens_block || is_statement
}

/// Public items are documented in every package of the workspace.
pub(super) fn missing_docs(tree: &Tree) -> Vec<Finding> {
    const LINT: &str = "missing_docs";
    let mut findings = Vec::new();
    for (path, source) in tree.rust() {
        for (index, token) in source.tokens.iter().enumerate() {
            let is_switch = matches!(token.text.as_str(), "allow" | "expect") && source.token(index + 1) == "(";
            let mut inside = source.tokens[index..].iter().take_while(|token| token.text != ")");
            if is_switch && inside.any(|token| token.text == LINT) {
                findings.push(Finding::new(
                    path,
                    token.line,
                    "document the items instead of switching the lint off",
                ));
            }
        }
    }
    if let Some(text) = tree.text("Cargo.toml") {
        let is_on = text
            .lines()
            .any(|line| line.starts_with(LINT) && (line.contains("\"warn\"") || line.contains("\"deny\"")));
        if !is_on {
            findings.push(Finding::new(
                "Cargo.toml",
                0,
                "[workspace.lints.rust] lacks missing_docs = \"warn\"",
            ));
        }
    }
    let is_member =
        |path: &str| path == "xtask/Cargo.toml" || (path.starts_with("crates/") && path.ends_with("/Cargo.toml"));
    for (path, text) in tree.texts().filter(|(path, _)| is_member(path)) {
        if !text.contains("[lints]\nworkspace = true") {
            findings.push(Finding::new(
                path,
                0,
                "take the lints of the workspace: [lints] workspace = true",
            ));
        }
    }
    findings
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// True if `word` stands in `text` with no letter, digit or underscore at either side.
fn has_word(text: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_word) && !text[at + word.len()..].starts_with(is_word))
}

/// True if `call` stands in `text` and is not the end of a longer name.
fn has_call(text: &str, call: &str) -> bool {
    text.match_indices(call)
        .any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_rule;

    const SRC: &str = "crates/server/src/run.rs";
    const IT: &str = "crates/server/tests/it/main.rs";

    #[test]
    fn mod_rs_is_found() {
        check_rule(
            "mod-rs",
            &[
                ("crates/wire/src/realvirtual/mod.rs", ""),
                ("crates/wire/src/realvirtual.rs", ""),
            ],
            &[("crates/wire/src/realvirtual/mod.rs", 0)],
        );
    }

    #[test]
    fn unsafe_code_needs_its_place_and_its_proof() {
        check_rule(
            "unsafe",
            &[("crates/wire/src/lib.rs", "// SAFETY: fine.\nunsafe { x() }")],
            &[("crates/wire/src/lib.rs", 2)],
        );
        check_rule("unsafe", &[(SRC, "fn a() {\n    unsafe { x() }\n}")], &[(SRC, 2)]);
        check_rule(
            "unsafe",
            &[(SRC, "// SAFETY: too far.\nlet a = 1;\nunsafe { x() }")],
            &[(SRC, 3)],
        );
        check_rule(
            "unsafe",
            &[(
                SRC,
                "// SAFETY: the pointer is\n// not null.\n#[inline]\nunsafe { x() }",
            )],
            &[],
        );
        check_rule(
            "unsafe",
            &[(SRC, "#![forbid(unsafe_code)]\n// unsafe in words\nlet a = \"unsafe\";")],
            &[],
        );
    }

    #[test]
    fn channels_without_a_limit_are_found() {
        for code in [
            "let (a, b) = tokio::sync::mpsc::unbounded_channel();",
            "let (a, b) = crossbeam_channel::unbounded();",
            "let (a, b) = unbounded::<u8>();",
            "let (a, b) = mpsc::channel();",
            "let (a, b) = mpsc::channel::<Vec<(u8, u8)>>();",
            "use std::sync::mpsc::channel;",
            "struct A { b: UnboundedSender<u8> }",
        ] {
            check_rule("bounded", &[(SRC, code)], &[(SRC, 1)]);
        }
        check_rule(
            "bounded",
            &[(
                SRC,
                "tokio::sync::mpsc::channel(64); mpsc::channel::<u8>(64); oneshot::channel(); crossbeam_channel::bounded(1)",
            )],
            &[],
        );
    }

    #[test]
    fn tests_that_do_not_run_are_found() {
        check_rule(
            "ignored",
            &[(SRC, "#[test]\n#[ignore = \"slow\"]\nfn a() {}")],
            &[(SRC, 2)],
        );
        let web = "web/src/lib/age.test.ts";
        check_rule(
            "ignored",
            &[(
                web,
                "it('a', f)\nit.skip('b', f)\ndescribe.only('c', f)\nrows.skip(3)\nunit.skip(1)",
            )],
            &[(web, 2), (web, 3)],
        );
    }

    #[test]
    fn tests_that_sleep_are_found() {
        check_rule("sleep", &[(IT, "fn a() {\n    std::thread::sleep(d);\n}")], &[(IT, 2)]);
        check_rule(
            "sleep",
            &[(
                SRC,
                "fn a() { sleep(d).await }\n#[cfg(test)]\nmod tests {\n    async fn b() { tokio::time::sleep(d).await }\n}",
            )],
            &[(SRC, 4)],
        );
        check_rule(
            "sleep",
            &[(IT, "fn eventually() {\n    std::thread::sleep(d);\n}")],
            &[],
        );
    }

    #[test]
    fn marks_of_unfinished_work_are_found() {
        check_rule(
            "unfinished",
            &[(SRC, "// TODO: more\nlet a = \"TODO\";\ntodo!();\nfn todo() {}")],
            &[(SRC, 1), (SRC, 3)],
        );
        check_rule(
            "unfinished",
            &[("web/src/a.svelte", "<!-- FIXME -->\nTODOS"), ("Makefile", "# HACK")],
            &[("Makefile", 1), ("web/src/a.svelte", 1)],
        );
    }

    #[test]
    fn code_in_comments_is_found_and_prose_is_not() {
        for (comment, is_found) in [
            ("// let a = b(c);", true),
            ("// if a.is_empty() {", true),
            ("// return;", false),
            ("// self.told = now;", true),
            ("// The member leaves the group; it comes back in step;", false),
            ("// A frame begins with `{", false),
            ("/// let a = b();", false),
        ] {
            let expected: &[_] = if is_found { &[(SRC, 1)] } else { &[] };
            check_rule("dead-comment", &[(SRC, comment)], expected);
        }
    }

    #[test]
    fn switching_the_documentation_lint_off_is_found() {
        check_rule(
            "missing-docs",
            &[(SRC, "#![allow(dead_code, missing_docs)]")],
            &[(SRC, 1)],
        );
        check_rule(
            "missing-docs",
            &[(SRC, "#![warn(missing_docs)]\na.expect(\"missing_docs\")")],
            &[],
        );
        check_rule(
            "missing-docs",
            &[("Cargo.toml", "[workspace.lints.rust]\nmissing_docs = \"allow\"")],
            &[("Cargo.toml", 0)],
        );
        check_rule(
            "missing-docs",
            &[("crates/hub/Cargo.toml", "[package]")],
            &[("crates/hub/Cargo.toml", 0)],
        );
        check_rule(
            "missing-docs",
            &[("crates/hub/Cargo.toml", "[lints]\nworkspace = true\n")],
            &[],
        );
    }
}
