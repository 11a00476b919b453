//! What the documents promise: decision records with unique numbers, claims with tests, links that lead somewhere.

use super::source::Source;
use super::{Finding, Tree};
use std::collections::{BTreeMap, BTreeSet};

const ADR_FOLDER: &str = "docs/adr/";
const CLAIM_FOLDER: &str = "docs/compat/";

/// Where the checks of the conformance suite stand, each with its id as a text.
const CONFORM_PATHS: &[&str] = &["crates/server/src/conform.rs", "crates/server/src/conform/"];

/// A decision record is `NNNN-what.md`, its number is its own, and its heading repeats the number.
pub(super) fn decision_records(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut first_with: BTreeMap<&str, &str> = BTreeMap::new();
    for (path, text) in tree
        .texts()
        .filter(|(path, _)| path.starts_with(ADR_FOLDER) && path.ends_with(".md"))
    {
        let name = &path[ADR_FOLDER.len()..];
        if name == "README.md" {
            continue;
        }
        let number = name
            .get(..4)
            .filter(|number| number.bytes().all(|b| b.is_ascii_digit()) && name[4..].starts_with('-'));
        let Some(number) = number else {
            findings.push(Finding::new(path, 0, "name a decision record NNNN-what-was-decided.md"));
            continue;
        };
        if let Some(first) = first_with.insert(number, path) {
            findings.push(Finding::new(
                path,
                0,
                format!("the number {number} is taken by {first}"),
            ));
        }
        let heading = text.lines().next().unwrap_or_default();
        if !heading.strip_prefix("# ").is_some_and(|rest| rest.starts_with(number)) {
            findings.push(Finding::new(
                path,
                1,
                format!("the heading does not begin with {number}"),
            ));
        }
    }
    findings
}

/// A row of a claim table whose first cell is a claim number names at least one test, and each one exists.
pub(super) fn claims(tree: &Tree) -> Vec<Finding> {
    let tests: BTreeSet<&str> = tree.rust().flat_map(|(_, source)| test_functions(source)).collect();
    let conform: Vec<&str> = tree
        .texts()
        .filter(|(path, _)| CONFORM_PATHS.iter().any(|start| path.starts_with(start)))
        .map(|(_, text)| text)
        .collect();
    let mut findings = Vec::new();
    for (path, text) in tree
        .texts()
        .filter(|(path, _)| path.starts_with(CLAIM_FOLDER) && path.ends_with(".md"))
    {
        let mut test_column = None;
        for (index, line) in text.lines().enumerate() {
            let Some(cells) = cells(line) else {
                test_column = None;
                continue;
            };
            if let Some(column) = cells.iter().position(|cell| cell.to_lowercase().starts_with("test")) {
                test_column = Some(column);
                continue;
            }
            if !is_claim(cells[0]) {
                continue;
            }
            let mut complain = |message| findings.push(Finding::new(path, index + 1, message));
            let Some(cell) = test_column.and_then(|column| cells.get(column)) else {
                complain(format!("{}: the table has no column of tests", cells[0]));
                continue;
            };
            let references: Vec<&str> = references(cell).collect();
            if references.is_empty() {
                complain(format!("{}: name the test that proves it", cells[0]));
            }
            for reference in references {
                let exists = if is_check_id(reference) {
                    conform.iter().any(|text| text.contains(&format!("\"{reference}\"")))
                } else if reference.contains('/') {
                    tree.has(reference)
                } else {
                    tests.contains(reference.rsplit("::").next().unwrap_or(reference))
                };
                if !exists {
                    complain(format!("{}: there is no test {reference}", cells[0]));
                }
            }
        }
    }
    findings
}

/// Names of the functions that carry an attribute with the word `test`.
fn test_functions(source: &Source) -> impl Iterator<Item = &str> {
    let functions = source
        .tokens
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| pair[0].text == "fn");
    functions
        .filter(|(index, _)| has_test_attribute(source, *index))
        .map(|(_, pair)| pair[1].text.as_str())
}

/// Walks back from `fn` over its qualifiers and attributes.
fn has_test_attribute(source: &Source, function: usize) -> bool {
    let mut index = function;
    while index > 0 && matches!(source.token(index - 1), "async" | "pub" | "const") {
        index -= 1;
    }
    while index > 0 && source.token(index - 1) == "]" {
        let end = index;
        let mut depth = 0usize;
        while index > 0 {
            index -= 1;
            match source.token(index) {
                "]" => depth += 1,
                "[" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        if source.tokens[index..end].iter().any(|token| token.text == "test") {
            return true;
        }
        index = index.saturating_sub(1);
    }
    false
}

/// The cells of a table row, trimmed; `None` for any other line.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inside.split('|').map(str::trim).collect())
}

/// True for `RV-13` and the like, also in bold or with a letter behind.
fn is_claim(cell: &str) -> bool {
    let Some((protocol, number)) = cell.trim_matches('*').split_once('-') else {
        return false;
    };
    (2..=4).contains(&protocol.len())
        && protocol.bytes().all(|b| b.is_ascii_uppercase())
        && number.starts_with(|c: char| c.is_ascii_digit())
}

/// True for the id of a check of the conformance suite: `RV-13.echo`.
fn is_check_id(reference: &str) -> bool {
    reference
        .split_once('.')
        .is_some_and(|(claim, check)| is_claim(claim) && !check.is_empty())
}

/// What in a cell has the form of a test: a path or name in snake case, a check id, a file. Other words are prose.
fn references(cell: &str) -> impl Iterator<Item = &str> {
    let words = cell.split(|c: char| c.is_whitespace() || matches!(c, '`' | ',' | ';' | '(' | ')' | '·' | '<' | '>'));
    let words = words.map(|word| word.trim_end_matches(['.', ':']));
    words.filter(|word| word.contains("::") || is_check_id(word) || (word.contains(['_', '/']) && word.len() > 2))
}

/// Links between documents lead to files, and anchors to headings.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".md")) {
        for (line, target) in targets(text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let Some(resolved) = resolve(path, file) else {
                findings.push(Finding::new(path, line, format!("{target} leaves the repository")));
                continue;
            };
            if !tree.has(&resolved) {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("{target} leads nowhere: there is no {resolved}"),
                ));
            } else if !anchor.is_empty()
                && resolved.ends_with(".md")
                && !anchors(tree.text(&resolved).unwrap_or_default()).contains(anchor)
            {
                findings.push(Finding::new(
                    path,
                    line,
                    format!("{target} leads nowhere: {resolved} has no such heading"),
                ));
            }
        }
    }
    findings
}

/// Every link target and image source outside of code, with its line from 1.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut is_fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
            continue;
        }
        // Four spaces open a code block too, but also continue a list: only what is no list is skipped.
        if is_fenced {
            continue;
        }
        // Between an odd and an even back-tick stands code.
        let mut offset = 0;
        for (piece, part) in line.split('`').enumerate() {
            let is_code = piece % 2 == 1;
            for (open, close) in [("](", ')'), ("src=\"", '"')] {
                for (at, _) in part.match_indices(open).filter(|_| !is_code) {
                    let start = offset + at + open.len();
                    if let Some(len) = line[start..].find(close) {
                        found.push((index + 1, &line[start..start + len]));
                    }
                }
            }
            offset += part.len() + 1;
        }
    }
    found
}

/// The path that a link in the file `from` means; an empty one is the file itself. `None` above the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    if link.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = if link.starts_with('/') {
        Vec::new()
    } else {
        from.split('/').collect()
    };
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchors that a renderer makes of the headings: small letters, no punctuation, hyphens for spaces.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| line.trim_start_matches('#').trim());
    let mut anchors = BTreeSet::new();
    for heading in headings {
        let kept = heading.to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let again = seen.entry(anchor.clone()).or_insert(0);
        anchors.insert(if *again == 0 {
            anchor
        } else {
            format!("{anchor}-{again}")
        });
        *again += 1;
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_rule;

    #[test]
    fn decision_records_have_their_own_numbers() {
        let files = [
            ("docs/adr/0001-a.md", "# 0001 a\n"),
            ("docs/adr/0001-b.md", "# 0001 b\n"),
            ("docs/adr/0002-c.md", "# 3 c\n"),
            ("docs/adr/notes.md", ""),
        ];
        check_rule(
            "adr",
            &files,
            &[
                ("docs/adr/0001-b.md", 0),
                ("docs/adr/0002-c.md", 1),
                ("docs/adr/notes.md", 0),
            ],
        );
        check_rule(
            "adr",
            &[
                ("docs/adr/0001-a.md", "# 0001 a\n"),
                ("docs/adr/README.md", "# Decisions\n"),
            ],
            &[],
        );
    }

    #[test]
    fn claims_without_a_test_that_exists_are_found() {
        let page = "| claim | kept | test |\n|---|---|---|\n\
            | RV-1 | a | `hub::it::an_init_changes_nothing` |\n\
            | RV-2 | b | `RV-2.shape`, `RV-2.gone` |\n\
            | RV-3 | c | `it::no_such_test` |\n\
            | RV-4 | d | by looking at it |\n\
            | RV-5 | e | `helper_of_tests` |\n\
            | RV-6 | f | web/tests/stories/a.mjs and web/tests/stories/b.mjs |\n";
        let files = [
            ("docs/compat/realvirtual.md", page),
            (
                "crates/hub/tests/it/main.rs",
                "#[tokio::test(flavor = \"x\")]\nasync fn an_init_changes_nothing() {}\nfn helper_of_tests() {}",
            ),
            ("crates/server/src/conform/checks.rs", "check(\"RV-2.shape\")"),
            ("web/tests/stories/a.mjs", ""),
        ];
        let page = "docs/compat/realvirtual.md";
        check_rule(
            "claims",
            &files,
            &[(page, 4), (page, 5), (page, 6), (page, 7), (page, 8)],
        );
    }

    #[test]
    fn a_claim_table_has_a_column_of_tests() {
        check_rule(
            "claims",
            &[("docs/compat/piplc.md", "| claim | kept |\n|---|---|\n| PL-1 | a |\n")],
            &[("docs/compat/piplc.md", 3)],
        );
        check_rule("claims", &[("docs/manual/x.md", "| RV-1 | elsewhere |\n")], &[]);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let readme = "[a](docs/a.md) [b](docs/none.md)\n![i](docs/img/i.png)\n`[c](none.md)` [w](https://example.org/x)\n\
            ```\n[d](none.md)\n```\n[e](docs/a.md#two-words) [f](docs/a.md#three)\n[g](../up.md) [h](#here)\n# Here\n";
        let files = [
            ("README.md", readme),
            ("docs/a.md", "# Two words\n[up](../README.md) [dir](img/)\n"),
            ("docs/img/i.png", ""),
        ];
        check_rule(
            "links",
            &files,
            &[("README.md", 1), ("README.md", 7), ("README.md", 8), ("docs/a.md", 2)],
        );
    }
}
