//! The floors of the house: which crate may use which, and what may not be called below the server.
//!
//! Dependencies are judged by what cargo resolved, so an async runtime cannot come in behind another crate's back.
//! Calls are judged by the text of the code outside of tests.

use super::source::WrittenPath;
use super::{Finding, Tree};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A crate and its place in the house.
struct Floor {
    package: &'static str,
    folder: &'static str,
    /// The packages of ours that it may depend on.
    may_use: &'static [&'static str],
    /// True for the crates that only think: no clock, no socket, no thread.
    is_pure: bool,
}

const FLOORS: &[Floor] = &[
    Floor {
        package: "crosstie-wire",
        folder: "crates/wire",
        may_use: &[],
        is_pure: true,
    },
    Floor {
        package: "crosstie-ladder",
        folder: "crates/ladder",
        may_use: &[],
        is_pure: true,
    },
    Floor {
        package: "crosstie-hub",
        folder: "crates/hub",
        may_use: &["crosstie-wire", "crosstie-ladder"],
        is_pure: true,
    },
    Floor {
        package: "crosstie",
        folder: "crates/server",
        may_use: &["crosstie-wire", "crosstie-ladder", "crosstie-hub"],
        is_pure: false,
    },
    Floor {
        package: "xtask",
        folder: "xtask",
        may_use: &[],
        is_pure: false,
    },
];

/// Packages that a pure crate may not reach through normal or build dependencies, however far away.
const RUNTIMES: &[&str] = &[
    "async-io",
    "async-std",
    "mio",
    "polling",
    "rand",
    "smol",
    "socket2",
    "tokio",
];

/// Paths that a pure crate may not write, with what to do instead.
const FORBIDDEN_PATHS: &[(&[&str], &str)] = &[
    (&["tokio"], "asynchronous work belongs to the server"),
    (&["mio"], "sockets belong to the server"),
    (&["socket2"], "sockets belong to the server"),
    (&["rand"], "randomness is an input: take it as a parameter"),
    (
        &["std", "net"],
        "sockets and addresses belong to the server: take an address as text",
    ),
    (
        &["std", "fs"],
        "files belong to the server: take the text as a parameter",
    ),
    (&["std", "thread"], "threads belong to the server"),
    (
        &["std", "env"],
        "the environment belongs to the server: take the setting as a parameter",
    ),
    (&["std", "process"], "processes belong to the server"),
    (&["Instant", "now"], "take `now` as a parameter"),
    (&["SystemTime", "now"], "take `now` as a parameter"),
];

/// Calls that start a thread or a task.
const SPAWNS: &[&str] = &["spawn", "spawn_blocking", "spawn_local"];

/// Judges the packages of the workspace and what they reach.
pub(super) fn dependencies(tree: &Tree) -> Vec<Finding> {
    let ours: BTreeSet<&str> = strings(&tree.metadata["workspace_members"]).collect();
    let mut findings = Vec::new();
    for package in tree
        .packages()
        .filter(|package| package["id"].as_str().is_some_and(|id| ours.contains(id)))
    {
        let name = text(&package["name"]);
        let Some(floor) = FLOORS.iter().find(|floor| floor.package == name) else {
            let message = format!(
                "the package {name} has no floor: a new one needs a decision record and a line in xtask/src/tidy/floors.rs"
            );
            findings.push(Finding::new("Cargo.toml", 0, message));
            continue;
        };
        let manifest = format!("{}/Cargo.toml", floor.folder);
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = text(&dependency["name"]);
            let is_ours = FLOORS.iter().any(|floor| floor.package == used);
            if is_ours && !floor.may_use.contains(&used) {
                let allowed = if floor.may_use.is_empty() {
                    "none of ours".to_owned()
                } else {
                    floor.may_use.join(", ")
                };
                let message = format!("{name} depends on {used}, but may use {allowed}");
                findings.push(Finding::new(&manifest, line_of(tree, &manifest, used), message));
            }
        }
        if floor.is_pure {
            for (direct, runtime) in runtimes_behind(tree, text(&package["id"])) {
                let message = format!(
                    "{name} reaches {runtime} through {direct}: no runtime, socket or randomness stands below the server"
                );
                findings.push(Finding::new(&manifest, line_of(tree, &manifest, &direct), message));
            }
        }
    }
    findings
}

/// Judges the code of the pure crates.
pub(super) fn calls(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust() {
        let is_pure = FLOORS
            .iter()
            .any(|floor| floor.is_pure && path.starts_with(&format!("{}/src/", floor.folder)));
        if !is_pure {
            continue;
        }
        for written in source.paths.iter().filter(|written| !source.is_test(written.line)) {
            if let Some((wanted, instead)) = FORBIDDEN_PATHS.iter().find(|(wanted, _)| written.mentions(wanted)) {
                findings.push(Finding::new(
                    path,
                    written.line,
                    format!("`{}` below the server: {instead}", wanted.join("::")),
                ));
            } else if is_spawn(written) && source.token(written.next) == "(" {
                findings.push(Finding::new(
                    path,
                    written.line,
                    format!("`{}` below the server: threads and tasks belong to it", written.last()),
                ));
            }
        }
    }
    findings
}

fn is_spawn(written: &WrittenPath) -> bool {
    SPAWNS.contains(&written.last())
}

/// Pairs of a direct dependency and a runtime that it leads to, by normal and build dependencies.
fn runtimes_behind(tree: &Tree, id: &str) -> Vec<(String, String)> {
    let names: BTreeMap<&str, &str> = tree
        .packages()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let nodes = tree.metadata["resolve"]["nodes"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let edges: BTreeMap<&str, Vec<&str>> = nodes
        .iter()
        .map(|node| (text(&node["id"]), shipped(node).collect()))
        .collect();
    let mut found = Vec::new();
    for direct in edges.get(id).into_iter().flatten() {
        let mut open = vec![*direct];
        let mut seen = BTreeSet::new();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
        let reached = seen
            .iter()
            .filter_map(|id| names.get(id))
            .filter(|name| RUNTIMES.contains(name));
        found.extend(reached.map(|runtime| {
            (
                names.get(direct).copied().unwrap_or_default().to_owned(),
                (*runtime).to_owned(),
            )
        }));
    }
    found
}

/// The packages that a package is built with outside of its tests.
fn shipped(node: &Value) -> impl Iterator<Item = &str> {
    let dependencies = node["deps"].as_array().into_iter().flatten();
    let built = dependencies.filter(|dependency| {
        let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        kinds.any(|kind| kind["kind"].as_str() != Some("dev"))
    });
    built.map(|dependency| text(&dependency["pkg"]))
}

/// The line of a manifest that begins with a dependency's name, 0 if there is none.
fn line_of(tree: &Tree, manifest: &str, dependency: &str) -> usize {
    let lines = tree.text(manifest).unwrap_or_default().lines();
    let mut begins = lines.map(|line| {
        line.strip_prefix(dependency)
            .is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    });
    begins.position(|begins| begins).map_or(0, |index| index + 1)
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::check_rule;

    /// Metadata of one workspace package, and of `far` reached from it over `near` by an edge of this kind.
    fn metadata(package: &str, dependency: &str, far: &str, kind: &str) -> String {
        format!(
            r#"{{"workspace_members":["ours"],
                "packages":[{{"id":"ours","name":"{package}","dependencies":[{{"name":"{dependency}"}}]}},
                            {{"id":"near","name":"near"}},{{"id":"far","name":"{far}"}}],
                "resolve":{{"nodes":[{{"id":"ours","deps":[{{"pkg":"near","dep_kinds":[{{"kind":{kind}}}]}}]}},
                                     {{"id":"near","deps":[{{"pkg":"far","dep_kinds":[{{"kind":null}}]}}]}},
                                     {{"id":"far","deps":[]}}]}}}}"#
        )
    }

    #[test]
    fn a_floor_uses_only_the_floors_below() {
        let wire = "[dependencies]\ncrosstie-hub.workspace = true\n";
        let upward = metadata("crosstie-wire", "crosstie-hub", "itoa", "null");
        check_rule(
            "floors",
            &[("metadata.json", &upward), ("crates/wire/Cargo.toml", wire)],
            &[("crates/wire/Cargo.toml", 2)],
        );
        let sideways = metadata("crosstie-ladder", "crosstie-wire", "itoa", "null");
        check_rule(
            "floors",
            &[("metadata.json", &sideways)],
            &[("crates/ladder/Cargo.toml", 0)],
        );
        let downward = metadata("crosstie-hub", "crosstie-wire", "itoa", "null");
        check_rule("floors", &[("metadata.json", &downward)], &[]);
    }

    #[test]
    fn a_runtime_is_found_behind_another_crate_but_not_behind_tests() {
        let hub = "near = \"1\"\n";
        let shipped = metadata("crosstie-hub", "near", "tokio", "null");
        check_rule(
            "floors",
            &[("metadata.json", &shipped), ("crates/hub/Cargo.toml", hub)],
            &[("crates/hub/Cargo.toml", 1)],
        );
        let in_tests = metadata("crosstie-hub", "near", "tokio", "\"dev\"");
        check_rule("floors", &[("metadata.json", &in_tests)], &[]);
        let in_server = metadata("crosstie", "near", "tokio", "null");
        check_rule("floors", &[("metadata.json", &in_server)], &[]);
    }

    #[test]
    fn a_package_without_a_floor_is_named() {
        let stranger = metadata("crosstie-fabric", "near", "itoa", "null");
        check_rule("floors", &[("metadata.json", &stranger)], &[("Cargo.toml", 0)]);
    }

    #[test]
    fn what_does_io_is_found_in_pure_code_and_only_there() {
        for code in [
            "use std::{fmt, net::IpAddr};",
            "let t = std::time::Instant::now();",
            "let t = SystemTime::now();",
            "tokio::task::yield_now().await;",
            "let x: u8 = rand::random();",
            "let s = std::fs::read_to_string(p);",
            "let v = std::env::var(\"X\");",
            "std::thread::yield_now();",
            "scope.spawn(|| {});",
        ] {
            check_rule(
                "pure",
                &[("crates/hub/src/route.rs", code)],
                &[("crates/hub/src/route.rs", 1)],
            );
            check_rule("pure", &[("crates/server/src/run.rs", code)], &[]);
            check_rule("pure", &[("crates/hub/tests/it/main.rs", code)], &[]);
        }
    }

    #[test]
    fn pure_code_may_speak_of_what_it_does_not_do() {
        let code = "// Instant::now is not called here.\nlet text = \"std::fs\";\nlet spawn = 1;\nlet rand = env!(\"X\");\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        check_rule("pure", &[("crates/hub/src/route.rs", code)], &[]);
    }
}
