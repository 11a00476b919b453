//! The walk over the tree: reads it once, hands it to each rule, collects what they find.
//!
//! Rules are plain functions from the [`Tree`] to [`Finding`]s and stand in one table, [`RULES`]. They see the tree only
//! through that value, so each is tested with a tree of a few lines in which one mistake is planted.

mod docs;
mod floors;
mod habits;
mod licences;
mod source;
mod tree;

use std::fmt;
use std::path::Path;

pub(crate) use tree::{ReadError, Tree};

/// One thing that the tree promises about itself.
pub(crate) struct Rule {
    /// The word that stands in brackets behind a finding.
    pub(crate) name: &'static str,
    /// What the rule keeps, in one line.
    pub(crate) what: &'static str,
    check: fn(&Tree) -> Vec<Finding>,
}

/// Every rule, in the order in which findings are printed.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "floors",
        what: "each crate depends only on the floors below it, and no runtime stands below the server",
        check: floors::dependencies,
    },
    Rule {
        name: "pure",
        what: "below the server: no socket, file, thread, clock, environment or randomness",
        check: floors::calls,
    },
    Rule {
        name: "mod-rs",
        what: "a folder of modules is named by foo.rs beside foo/, never by mod.rs",
        check: habits::mod_rs,
    },
    Rule {
        name: "unsafe",
        what: "unsafe code only in the server and the load generator, each with its SAFETY comment",
        check: habits::unsafe_code,
    },
    Rule {
        name: "bounded",
        what: "no channel without a limit",
        check: habits::unbounded_channels,
    },
    Rule {
        name: "ignored",
        what: "no test that does not run",
        check: habits::ignored_tests,
    },
    Rule {
        name: "sleep",
        what: "no test sleeps, but for the pause of a function named eventually…",
        check: habits::sleeping_tests,
    },
    Rule {
        name: "unfinished",
        what: "no marks of unfinished work",
        check: habits::unfinished,
    },
    Rule {
        name: "dead-comment",
        what: "no code in comments",
        check: habits::commented_code,
    },
    Rule {
        name: "missing-docs",
        what: "the lint for missing documentation is on in every package and nowhere switched off",
        check: habits::missing_docs,
    },
    Rule {
        name: "adr",
        what: "decision records have unique numbers which their headings repeat",
        check: docs::decision_records,
    },
    Rule {
        name: "claims",
        what: "each row of docs/compat names a test that exists",
        check: docs::claims,
    },
    Rule {
        name: "links",
        what: "each link between documents leads to a file, and to a heading where one is named",
        check: docs::links,
    },
    Rule {
        name: "licences",
        what: "each dependency's licence is on the list in xtask/licences.txt",
        check: licences::dependencies,
    },
];

/// One place where the tree breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// Path from the top of the repository, with `/`.
    pub(crate) path: String,
    /// Line from 1, or 0 when the file as a whole is meant.
    pub(crate) line: usize,
    /// What was found and what to do about it.
    pub(crate) message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

/// All findings with the names of their rules, and how much was looked at.
pub(crate) struct Report {
    /// Each finding beside the name of its rule.
    pub(crate) findings: Vec<(&'static str, Finding)>,
    files: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, Finding { path, line, message }) in &self.findings {
            match line {
                0 => writeln!(f, "{path}: {message} [{rule}]")?,
                _ => writeln!(f, "{path}:{line}: {message} [{rule}]")?,
            }
        }
        writeln!(
            f,
            "tidy: {} rules over {} files, {} findings",
            RULES.len(),
            self.files,
            self.findings.len()
        )
    }
}

/// Reads the repository at `root` and applies every rule.
///
/// Errors: a folder or file that cannot be read, or a `cargo metadata` that fails.
pub(crate) fn check(root: &Path) -> Result<Report, ReadError> {
    Ok(check_tree(&Tree::read(root)?))
}

fn check_tree(tree: &Tree) -> Report {
    let mut findings = Vec::new();
    for rule in RULES {
        let mut found = (rule.check)(tree);
        found.sort();
        findings.extend(found.into_iter().map(|finding| (rule.name, finding)));
    }
    Report {
        findings,
        files: tree.file_count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plants `files` in an empty tree, applies the rule called `name` and compares where it finds something.
    pub(super) fn check_rule(name: &str, files: &[(&str, &str)], expected: &[(&str, usize)]) {
        let tree = Tree::of(files);
        let rule = RULES
            .iter()
            .find(|rule| rule.name == name)
            .expect("the rule is in the table");
        let mut found = (rule.check)(&tree);
        found.sort();
        let places: Vec<_> = found
            .iter()
            .map(|finding| (finding.path.as_str(), finding.line))
            .collect();
        assert_eq!(places, expected, "{found:#?}");
    }

    #[test]
    fn the_real_tree_is_tidy() {
        let report = check(&crate::root()).expect("the tree can be read");
        assert!(report.findings.is_empty(), "\n{report}");
        assert!(
            report.files > 50,
            "only {} files were seen: the walk has lost its way",
            report.files
        );
    }

    #[test]
    fn an_empty_tree_has_nothing_to_complain_about() {
        let report = check_tree(&Tree::of(&[]));
        assert_eq!(
            report.to_string(),
            format!("tidy: {} rules over 0 files, 0 findings\n", RULES.len())
        );
    }

    #[test]
    fn a_finding_is_printed_with_path_line_and_rule() {
        let report = check_tree(&Tree::of(&[
            ("crates/wire/src/mod.rs", ""),
            ("web/src/a.ts", "// TODO later"),
        ]));
        let text = report.to_string();
        assert!(text.contains("crates/wire/src/mod.rs: "), "{text}");
        assert!(text.contains("web/src/a.ts:1: "), "{text}");
        assert!(text.contains("[mod-rs]") && text.contains("[unfinished]"), "{text}");
    }

    #[test]
    fn rule_names_are_unique() {
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }
}
