//! Chores of the repository that the compiler does not do, as `cargo xtask <chore>`.
//!
//! `cargo xtask tidy` walks the tree and prints every place where it differs from what the project promises about
//! itself: which floor may use which, what may not be called below the server, that every claim names its test.
//! It changes nothing. The same walk is a test of this package, so `cargo test` alone already guards the tree.

mod tidy;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str =
    "usage: cargo xtask tidy    checks the tree, prints each finding as path:line and exits 1 if there is one
       cargo xtask rules   prints what tidy checks";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("tidy"), None) => tidy(),
        (Some("rules"), None) => {
            for rule in tidy::RULES {
                println!("{:<14} {}", rule.name, rule.what);
            }
            ExitCode::SUCCESS
        }
        _ => {
            println!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn tidy() -> ExitCode {
    match tidy::check(&root()) {
        Ok(report) => {
            print!("{report}");
            if report.findings.is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            println!("tidy cannot look at the tree: {error}");
            ExitCode::from(2)
        }
    }
}

/// The top folder of the repository, the parent of this package's.
///
/// Cargo names the package's folder to what it runs, so the chores work from any folder below the top. What was known
/// when the binary was built is only for a binary started by hand: the tree may have been moved since.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(package).join("..")
}
