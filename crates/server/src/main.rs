//! The binary: everything it does is in the library, so that tests drive the same code.

use std::process::ExitCode;

fn main() -> ExitCode {
    crosstie_server::cli::main(std::env::args_os())
}
