//! The text form of a program: one rung per line, in the mnemonic style of ladder exports (PL-73).
//!
//! ```text
//! PROGRAM "Line 1"
//! SYM Start I:0/0 BOOL "the green button"
//! RUNG "Motor" "seals itself in"
//! SOR BST XIC Start NXB XIC O:0/0 BND XIO I:0/1 TON T:0 500 OTE O:0/0 EOR
//! SOR XIC I:0/2 {TON T:3 100} {OSR} BSL N:1 1 N:2 ? OTE O:0/1 EOR
//! ```
//!
//! A branch is `BST path NXB path … BND`. Decorators follow their contact in braces. `?` stands for a missing operand, the
//! optional control word of BSL and BSR included, so that every instruction has a fixed number of operands. `RUNG` gives the
//! title and comment of the next rung. Lines that begin with `#`, and empty ones, are skipped. Texts in quotes know `\"`, `\\`,
//! `\n`, `\r` and `\t`.
//!
//! The logic of a document survives both ways; columns become the number of the instruction in its rung, a branch without
//! paths becomes one with an empty path, and what only a project file has (watch lists and the like) is not here.

mod read;
mod write;

pub use read::{operand, read};
pub use write::{rung, write};

/// Stands for a missing operand.
const MISSING: &str = "?";
const RUNG_START: &str = "SOR";
const RUNG_END: &str = "EOR";
const BRANCH_START: &str = "BST";
const NEXT_PATH: &str = "NXB";
const BRANCH_END: &str = "BND";
const RUNG_TEXTS: &str = "RUNG";
const SYMBOL: &str = "SYM";
const PROGRAM: &str = "PROGRAM";
