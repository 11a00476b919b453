//! Licences of the dependencies, as the packages state them, against the list that the project accepts.
//!
//! A statement is an SPDX expression: `MIT OR Apache-2.0`, `(MIT OR ISC) AND Unicode-3.0`, `Apache-2.0 WITH
//! LLVM-exception`; older packages write `MIT/Apache-2.0`. Of an OR one side must be accepted, of an AND both. Packages
//! of the page are judged by what npm wrote into the lock file. A package that states nothing there, but has a file with its licence,
//! stands in the list with its version, as `name@version: LICENCE`: another version is read anew.

use super::{Finding, Tree};
use serde_json::Value;

const LIST: &str = "xtask/licences.txt";
const CARGO_LOCK: &str = "Cargo.lock";

/// Judges every package of the two registries.
pub(super) fn dependencies(tree: &Tree) -> Vec<Finding> {
    let list = tree.text(LIST).unwrap_or_default();
    let accepted: Vec<&str> = list
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let mut findings = Vec::new();
    for package in tree.packages().filter(|package| package["source"].is_string()) {
        let name = package["name"].as_str().unwrap_or_default();
        if let Some(complaint) = complaint(&package["license"], &accepted) {
            findings.push(Finding::new(
                CARGO_LOCK,
                line_of(tree, CARGO_LOCK, &format!("name = \"{name}\"")),
                format!("{name} {complaint}"),
            ));
        }
    }
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with("package-lock.json")) {
        let Ok(lock) = serde_json::from_str::<Value>(text) else {
            findings.push(Finding::new(path, 0, "this is not JSON"));
            continue;
        };
        // The empty key is the package itself.
        for (key, package) in lock["packages"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| !key.is_empty())
        {
            let name = key.rsplit("node_modules/").next().unwrap_or(key);
            let license = if package["license"].is_null() {
                read_by_a_person(name, &package["version"], list)
            } else {
                package["license"].clone()
            };
            if let Some(complaint) = complaint(&license, &accepted) {
                findings.push(Finding::new(
                    path,
                    line_of(tree, path, &format!("\"{key}\"")),
                    format!("{name} {complaint}"),
                ));
            }
        }
    }
    findings
}

/// What the list says of this version of a package that states nothing itself; null where it says nothing.
fn read_by_a_person(name: &str, version: &Value, list: &str) -> Value {
    let version = version.as_str().unwrap_or_default();
    let entry = format!("{name}@{version}: ");
    let licence = list.lines().find_map(|line| line.trim().strip_prefix(&entry));
    licence.map_or(Value::Null, Value::from)
}

fn complaint(license: &Value, accepted: &[&str]) -> Option<String> {
    let Some(expression) = license.as_str() else {
        return Some("states no licence: ask its authors, or do without it".to_owned());
    };
    match is_accepted(expression, accepted) {
        Some(true) => None,
        Some(false) => Some(format!("is under {expression}, which is not on the list in {LIST}")),
        None => Some(format!(
            "states its licence as `{expression}`, which is no SPDX expression"
        )),
    }
}

/// Evaluates an SPDX expression; `None` if it is malformed.
fn is_accepted(expression: &str, accepted: &[&str]) -> Option<bool> {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let answer = either(&mut words, accepted, DEPTH_MAX)?;
    words.next().is_none().then_some(answer)
}

/// Deeper nesting than this counts as malformed.
const DEPTH_MAX: usize = 8;

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, accepted: &[&str], depth: usize) -> Option<bool> {
    let mut answer = both(words, accepted, depth)?;
    while words.next_if_eq(&"OR").is_some() {
        answer |= both(words, accepted, depth)?;
    }
    Some(answer)
}

fn both(words: &mut Words<'_>, accepted: &[&str], depth: usize) -> Option<bool> {
    let mut answer = one(words, accepted, depth)?;
    while words.next_if_eq(&"AND").is_some() {
        answer &= one(words, accepted, depth)?;
    }
    Some(answer)
}

fn one(words: &mut Words<'_>, accepted: &[&str], depth: usize) -> Option<bool> {
    match words.next()? {
        "(" => {
            let answer = either(words, accepted, depth.checked_sub(1)?)?;
            (words.next()? == ")").then_some(answer)
        }
        ")" | "AND" | "OR" | "WITH" => None,
        licence if words.next_if_eq(&"WITH").is_some() => {
            let exception = words.next()?;
            Some(accepted.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        licence => Some(accepted.contains(&licence)),
    }
}

/// The first line of a file that contains `needle`, 0 if there is none.
fn line_of(tree: &Tree, path: &str, needle: &str) -> usize {
    let mut lines = tree.text(path).unwrap_or_default().lines();
    lines
        .position(|line| line.contains(needle))
        .map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_rule;
    use super::*;

    #[test]
    fn expressions_are_judged_by_both_sides_of_and_and_one_of_or() {
        let accepted = ["MIT", "ISC", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];
        for (expression, expected) in [
            ("MIT", Some(true)),
            ("GPL-3.0", Some(false)),
            ("GPL-3.0 OR MIT", Some(true)),
            ("GPL-3.0/MIT", Some(true)),
            ("MIT AND GPL-3.0", Some(false)),
            ("MIT AND ISC OR GPL-3.0", Some(true)),
            ("GPL-3.0 OR MIT AND GPL-2.0", Some(false)),
            ("(MIT OR GPL-3.0) AND Unicode-3.0", Some(true)),
            ("Apache-2.0 WITH LLVM-exception", Some(true)),
            ("Apache-2.0", Some(false)),
            ("MIT WITH LLVM-exception", Some(false)),
            ("", None),
            ("MIT OR", None),
            ("(MIT", None),
            ("MIT)", None),
            ("MIT ISC", None),
            ("AND", None),
            ("((((((((((MIT))))))))))", None),
        ] {
            assert_eq!(is_accepted(expression, &accepted), expected, "{expression}");
        }
    }

    #[test]
    fn a_crate_off_the_list_is_named() {
        let metadata = r#"{"packages":[{"name":"a","license":"MIT","source":"registry"},{"name":"b","license":"GPL-3.0","source":"registry"},
            {"name":"c","license":null,"source":"registry"},{"name":"ours","license":null,"source":null}]}"#;
        let files = [
            ("metadata.json", metadata),
            ("xtask/licences.txt", "# kept\nMIT\n"),
            ("Cargo.lock", "name = \"a\"\nname = \"b\"\nname = \"c\"\n"),
        ];
        check_rule("licences", &files, &[("Cargo.lock", 2), ("Cargo.lock", 3)]);
    }

    #[test]
    fn a_package_of_the_page_off_the_list_is_named() {
        let lock = "{\"packages\":{\n\"\":{},\n\"node_modules/a\":{\"license\":\"MIT\"},\n\"node_modules/a/node_modules/@b/c\":{\"license\":\"SSPL-1.0\"}}}";
        check_rule(
            "licences",
            &[("xtask/licences.txt", "MIT\n"), ("web/package-lock.json", lock)],
            &[("web/package-lock.json", 4)],
        );
        check_rule(
            "licences",
            &[("web/package-lock.json", "{")],
            &[("web/package-lock.json", 0)],
        );
    }

    #[test]
    fn a_package_that_states_nothing_is_taken_in_the_version_that_was_read() {
        let lock = "{\"packages\":{\n\"node_modules/a\":{\"version\":\"1.0.0\"},\n\"node_modules/b\":{\"version\":\"2.0.0\"}}}";
        check_rule(
            "licences",
            &[
                ("xtask/licences.txt", "MIT\na@1.0.0: MIT\nb@1.0.0: MIT\n"),
                ("web/package-lock.json", lock),
            ],
            &[("web/package-lock.json", 3)],
        );
    }
}
