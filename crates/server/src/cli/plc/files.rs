//! `crosstie plc check` and `convert`: programs in files, without a hub.

use super::found;
use crate::cli::CliError;
use crate::cli::check::counted;
use crate::http::plc::rows::{DiagnosticRow, diagnostics};
use clap::Args;
use crosstie_hub::plc::Program;
use crosstie_hub::plc::program::DOCUMENT_LEN_MAX;
use crosstie_ladder::check as checks;
use crosstie_ladder::compile::CompiledProgram;
use crosstie_ladder::diagnostic::Diagnostic;
use crosstie_ladder::program::Program as Logic;
use crosstie_ladder::project::{Project, read_multi_project, read_project};
use crosstie_ladder::text;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

/// The arguments of `crosstie plc check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Programs: .plcproj, .mplcproj, or texts with one rung per line
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Print an array of objects instead of text
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `crosstie plc convert`.
#[derive(Debug, Args)]
pub struct ConvertArgs {
    /// A .plcproj, or a text with one rung per line
    pub file: PathBuf,
    /// File to write: a .plcproj, or else the text; `-` prints the text
    pub out: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// A document and what its file is called.
#[derive(Debug)]
pub(super) struct DocumentFile {
    pub(super) name: String,
    pub(super) text: String,
}

impl DocumentFile {
    /// Reads a file. One that cannot be read, or is longer than a program may be, is a mistake.
    pub(super) fn read(path: &Path) -> Result<DocumentFile, CliError> {
        let name = path.display().to_string();
        let mut text = String::new();
        let limit = DOCUMENT_LEN_MAX as u64;
        let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_string(&mut text));
        read.map_err(|error| CliError::Usage(format!("{name}: {error}")))?;
        match text.len() > DOCUMENT_LEN_MAX {
            true => Err(CliError::Usage(format!(
                "{name}: expected a file of at most {DOCUMENT_LEN_MAX} bytes"
            ))),
            false => Ok(DocumentFile { name, text }),
        }
    }

    fn is_xml(&self) -> bool {
        is_xml(&self.text)
    }

    fn project(&self) -> Result<Project, Vec<Diagnostic>> {
        match self.is_xml() {
            true => read_project(&self.text),
            false => text::read(&self.text).map(Project::new),
        }
    }
}

fn is_xml(document: &str) -> bool {
    document.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// The `.plcproj` of a text with one rung per line; `None` for a document that is one already, or that cannot be read.
pub(super) fn project_document(document: &str) -> Option<String> {
    match is_xml(document) {
        true => None,
        false => text::read(document).ok().map(|program| Project::new(program).write()),
    }
}

/// Writes a file that must not exist, unless it may be replaced.
pub(super) fn write_new(path: &Path, bytes: &[u8], may_replace: bool) -> Result<(), CliError> {
    let mut options = File::options();
    options.write(true);
    match may_replace {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| {
        let shown = path.display();
        CliError::Failed(match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{shown} exists and is left as it is; --force replaces it"),
            _ => format!("{shown}: {error}"),
        })
    })
}

/// What the check of a file has found.
struct Checked {
    /// What it holds, in words; `None` when a program cannot run.
    summary: Option<String>,
    found: Vec<Diagnostic>,
}

/// Prints everything that is wrong or doubtful; exit code 2 when a program cannot run.
pub(super) fn check(args: &CheckArgs, out: &mut impl Write) -> Result<(), CliError> {
    let (mut objects, mut is_sound) = (Vec::new(), true);
    for path in &args.files {
        let file = match DocumentFile::read(path) {
            Ok(file) => file,
            Err(error) => {
                // The other files are looked at all the same.
                drop(writeln!(io::stderr(), "{error}"));
                is_sound = false;
                continue;
            }
        };
        let Checked { summary, found } = checked(&file);
        is_sound &= summary.is_some();
        let rows = diagnostics(&found);
        if args.json {
            objects.extend(rows.iter().map(|row| object(&file.name, row)));
            continue;
        }
        found::print(&file.name, &rows, out)?;
        match summary {
            Some(summary) => writeln!(out, "{}: {summary}", file.name)?,
            None => writeln!(out, "{}: cannot run", file.name)?,
        }
    }
    if args.json {
        writeln!(out, "{:#}", Value::from(objects))?;
    }
    match is_sound {
        true => Ok(()),
        false => Err(CliError::Told { exit_code: 2 }),
    }
}

fn object(file: &str, row: &DiagnosticRow) -> Value {
    json!({"file": file, "code": row.code, "severity": row.severity, "refuses": row.refuses, "rung": row.rung,
           "column": row.column, "line": row.line, "character": row.character, "text": row.text})
}

fn checked(file: &DocumentFile) -> Checked {
    if file.is_xml() && has_ending(Path::new(&file.name), "mplcproj") {
        return checked_contexts(&file.text);
    }
    match Program::read(&file.text) {
        Ok(program) => {
            let compiled = &program.compiled;
            Checked {
                summary: Some(summary(compiled.rungs(), compiled.instructions())),
                found: program.diagnostics,
            }
        }
        Err(found) => Checked { summary: None, found },
    }
}

/// All programs of a file with several.
fn checked_contexts(document: &str) -> Checked {
    let multi = match read_multi_project(document) {
        Ok(multi) => multi,
        Err(found) => return Checked { summary: None, found },
    };
    let mut found = multi.warnings;
    let (mut rungs, mut instructions, mut can_run) = (0, 0, true);
    for project in multi.contexts.iter().filter_map(|context| context.project.as_ref()) {
        match compiled(&project.program, &mut found) {
            Some(compiled) => {
                rungs += compiled.rungs();
                instructions += compiled.instructions();
            }
            None => can_run = false,
        }
    }
    let contexts = counted(multi.contexts.len(), "context");
    Checked {
        summary: can_run.then(|| format!("{contexts}, {}", summary(rungs, instructions))),
        found,
    }
}

fn compiled(logic: &Logic, found: &mut Vec<Diagnostic>) -> Option<CompiledProgram> {
    match CompiledProgram::new(logic) {
        Ok(compiled) => {
            found.extend(checks::check(logic));
            found.extend(compiled.warnings().iter().cloned());
            Some(compiled)
        }
        Err(problems) => {
            found.extend(problems);
            None
        }
    }
}

fn summary(rungs: usize, instructions: usize) -> String {
    format!("{}, {}", counted(rungs, "rung"), counted(instructions, "instruction"))
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// Turns a project file into text, or back.
pub(super) fn convert(args: &ConvertArgs, out: &mut impl Write) -> Result<(), CliError> {
    let file = DocumentFile::read(&args.file)?;
    let project = file.project().map_err(|found| refused(&file, &found))?;
    found::print(&file.name, &diagnostics(&project.warnings), &mut io::stderr())?;
    let is_project = has_ending(&args.out, "plcproj");
    if !is_project && has_more(&project) {
        drop(writeln!(
            io::stderr(),
            "{}: the text holds the name, the symbols and the rungs; what else the project has is not in it",
            file.name
        ));
    }
    let written = match is_project {
        true => project.write(),
        false => text::write(&project.program),
    };
    if args.out == Path::new("-") {
        out.write_all(written.as_bytes())?;
        return Ok(());
    }
    write_new(&args.out, written.as_bytes(), args.force)?;
    writeln!(
        out,
        "wrote {}: {}",
        args.out.display(),
        counted(project.program.rungs.len(), "rung")
    )?;
    Ok(())
}

fn refused(file: &DocumentFile, found: &[Diagnostic]) -> CliError {
    match found::print(&file.name, &diagnostics(found), &mut io::stderr()) {
        Ok(()) => CliError::Told { exit_code: 2 },
        Err(error) => error,
    }
}

/// Whether a project holds something that a text cannot.
fn has_more(project: &Project) -> bool {
    let has_description = project.description.as_ref().is_some_and(|text| !text.is_empty());
    has_description
        || !project.watch_list.is_empty()
        || project.remote.is_some()
        || project.hmi_path.is_some()
        || !project.kept.is_empty()
}
