//! Files of projects: `.plcproj` with one program (PL-70), `.mplcproj` with several (PL-71), `.ioconfig` with what the inputs
//! and outputs are wired to (PL-72).
//!
//! Texts enter and leave; nothing here opens a file. XML is read in any spelling that the published engine takes and written in
//! its own, byte for byte. What a file holds beyond what is understood is kept and written again where it stood ([`Kept`]).
//!
//! | room | what it does |
//! |---|---|
//! | `document` | text to XML tree, with limits and places |
//! | `reader` | what all readers share: attributes, children, problems, what is kept |
//! | `read`, `logic` | tree to [`Project`]: sections, rungs |
//! | `write` | [`Project`] to text |
//! | `multi` | [`MultiProject`] and its routes |
//! | `io_config` | [`IoConfig`] |

mod document;
mod io_config;
mod kept;
mod logic;
mod multi;
mod read;
mod reader;
mod write;
mod xml;

use std::fmt;

pub use io_config::{
    AnalogChannel, Bias, BitMapping, DigitalPin, Direction, IoClaims, IoConfig, IoConfigError, IoConflict, IoProvider,
    ModbusClient, NumberSet, SafeState, WordMapping, io_conflict,
};
pub use kept::Kept;
pub use multi::{Context, MultiProject, Route, read_multi_project};
pub use read::read_project;

use crate::diagnostic::Diagnostic;
use crate::program::Program;

/// The longest text of a project. A longer one is refused before it is looked at.
pub const MAX_DOCUMENT_BYTES: usize = 8 * 1024 * 1024;
/// How deep elements may stand in each other. A program with branches of the allowed depth needs 72.
const MAX_ELEMENT_DEPTH: usize = 128;
/// Attributes of one element. More are refused, because comparing them with each other takes the square of the time.
const MAX_ATTRIBUTES: usize = 256;
/// Elements, texts and comments of a file, blank ones included. More are refused; they bound the memory of a tree.
const MAX_NODES: u32 = 500_000;
/// Problems that are told; a file with more is no project. Warnings beyond it are dropped.
const MAX_PROBLEMS: usize = 1000;

/// The version of a project file: `3.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Grows when older readers cannot read a file any more.
    pub major: u32,
    /// Grows when something is added that older readers may ignore.
    pub minor: u32,
}

impl Version {
    /// The oldest that is read.
    pub const OLDEST: Version = Version { major: 2, minor: 0 };
    /// What is written, unless a file comes from a newer minor version.
    pub const WRITTEN: Version = Version { major: 3, minor: 2 };

    /// Reads `3.2`, or `3` for `3.0`; `None` when it is none.
    pub fn parse(text: &str) -> Option<Version> {
        let (major, minor) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
            true => text.parse().ok(),
            false => None,
        };
        Some(Version {
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A project with one program: what a `.plcproj` file holds (PL-70).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The version that it is written with: 3.2, or that of the file when it is a higher 3.x.
    pub version: Version,
    /// `Metadata/Name`; `None` when the file has none.
    pub name: Option<String>,
    /// `Metadata/Description`; `None` when the file has none.
    pub description: Option<String>,
    /// The program that runs, with the symbols of the file.
    pub program: Program,
    /// `Program@type`: `Main`, or what the file says.
    pub program_type: String,
    /// What an editor watches: addresses or symbols as they were written. They are not checked.
    pub watch_list: Vec<String>,
    /// The engine that an editor connects to.
    pub remote: Option<RemoteConnection>,
    /// The file of the operator panel that belongs to it.
    pub hmi_path: Option<String>,
    /// Everything else in the file.
    pub kept: Kept,
    /// What reading found doubtful. It is not written.
    pub warnings: Vec<Diagnostic>,
}

/// The engine that an editor connects to. Crosstie keeps it and does nothing with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RemoteConnection {
    /// Name or address of the machine.
    pub host: Option<String>,
    /// The TCP port, as it was written.
    pub port: Option<String>,
    /// The context on that engine, by its id.
    pub context_id: Option<String>,
    /// The context on that engine, by its name.
    pub context_name: Option<String>,
}

impl Project {
    /// A project around a program, with the name of the program and nothing else.
    pub fn new(program: Program) -> Project {
        Project {
            version: Version::WRITTEN,
            name: Some(program.name.clone()),
            description: None,
            program,
            program_type: MAIN.to_owned(),
            watch_list: Vec::new(),
            remote: None,
            hmi_path: None,
            kept: Kept::default(),
            warnings: Vec::new(),
        }
    }

    /// Forgets where everything stood in its file, and the warnings of reading it: two readings of the same project are equal
    /// then.
    pub fn without_places(mut self) -> Project {
        self.program = self.program.without_places();
        self.warnings = Vec::new();
        self
    }

    /// The text of the file, in the spelling of the original. [`read_project`] gives the same project back. Characters that XML
    /// cannot hold become U+FFFD; a preset that is missing becomes the one that reading fills in.
    pub fn write(&self) -> String {
        write::project(self).to_document()
    }
}

/// `Program@type` of the program that runs.
const MAIN: &str = "Main";
