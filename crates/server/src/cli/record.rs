//! `crosstie record`: start, stop and look at recordings of a running hub; export one without a hub.

use super::api::{Hub, escaped};
use super::{At, CliError, table};
use crate::config::record::{MAX_MB, MAX_MINUTES};
use crate::config::{self, Overrides};
use crate::recording::export::{self, ExportError, Wanted};
use crate::recording::{Recording, file_of};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What can be done with recordings.
#[derive(Debug, Subcommand)]
pub enum RecordCommand {
    /// Start a recording
    #[command(
        after_help = "Example:\n  crosstie record start --name shift-2 --signals 'twin/**' --signals 'plc/**' --max-minutes 30"
    )]
    Start(StartArgs),
    /// End the recording that runs
    Stop(AtArgs),
    /// Print the recordings
    List(ListArgs),
    /// Print what is in a recording
    Show(ShowArgs),
    /// Remove a recording
    Delete(NameArgs),
    /// Print the samples of a recording as CSV; no hub has to run
    #[command(
        after_help = "Example:\n  crosstie record export my-line/recordings/shift-2.mcap --signals 'twin/**' > shift-2.csv"
    )]
    Export(ExportArgs),
}

/// The flags of `crosstie record start`.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Its name; the time of its begin without it
    #[arg(long)]
    pub name: Option<String>,
    /// Patterns of the signals in it; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    pub signals: Vec<String>,
    /// It ends at so many megabytes, 1 to 1000000
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(MAX_MB))]
    pub max_mb: Option<u64>,
    /// It ends after so many minutes, 1 to 100000
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(MAX_MINUTES))]
    pub max_minutes: Option<u64>,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// Which hub.
#[derive(Debug, Args)]
pub struct AtArgs {
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The flags of `crosstie record list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Print the answer of the hub instead of a table
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie record show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Name of the recording
    pub name: String,
    /// Print the answer of the hub
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// A recording of a hub.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// Name of the recording
    pub name: String,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie record export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The file, or the name of a recording of the project in this folder
    #[arg(value_name = "NAME|FILE")]
    pub file: PathBuf,
    /// Patterns of the signals that are wanted; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    pub signals: Vec<String>,
    /// What to make of it
    #[arg(long, value_parser = ["csv"], default_value = "csv")]
    pub format: String,
}

/// What a table shows of a recording.
#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    bytes: u64,
    started: String,
    duration_ms: u64,
    signals: u64,
    samples: u64,
    inputs: u64,
    gaps: u64,
    #[serde(default)]
    running: bool,
    whole: bool,
    ended: Option<String>,
    error: Option<String>,
}

/// What is printed of the recording that runs.
#[derive(Debug, Deserialize)]
struct Active {
    name: String,
    duration_ms: u64,
    bytes: u64,
    samples: u64,
    gaps: u64,
    by: String,
}

#[derive(Debug, Deserialize)]
struct List {
    folder: String,
    active: Option<Active>,
    recordings: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(flatten)]
    row: Row,
    project: String,
    signal_names: Vec<String>,
}

/// The file that is meant: as it is given, or of that name in the folder of recordings of a project.
///
/// # Errors
///
/// There is neither.
pub(super) fn recording_file(given: &Path, project: &Path) -> Result<PathBuf, CliError> {
    if given.exists() {
        return Ok(given.to_owned());
    }
    let loaded = config::load(project, &Overrides::default());
    let Some(config) = loaded.config else {
        // What is wrong with a project is said when it is taken; without one the file is what is missing.
        return Ok(given.to_owned());
    };
    let folder = config.folder.join(config.record.folder);
    let name = given.file_name().unwrap_or_default().to_string_lossy();
    let plain = name.strip_suffix(".mcap").unwrap_or(&name);
    let file = file_of(&folder, plain).ok().filter(|file| file.is_file());
    file.ok_or_else(|| {
        let (given, folder) = (given.display(), folder.display());
        CliError::Usage(format!("there is no recording '{given}' in {folder}"))
    })
}

/// Carries out a verb on recordings.
pub(super) async fn record(command: RecordCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        RecordCommand::Start(args) => start(&args, out).await,
        RecordCommand::Stop(args) => {
            let answer = Hub::at(&args.at)?
                .send(Method::POST, "/api/v1/recordings/stop", None)
                .await?;
            let row: Row = understood(answer)?;
            writeln!(out, "'{}' has ended: {}", row.name, in_words(&row))?;
            Ok(())
        }
        RecordCommand::List(args) => list(&args, out).await,
        RecordCommand::Show(args) => show(&args, out).await,
        RecordCommand::Delete(args) => {
            let path = format!("/api/v1/recordings/{}", escaped(&args.name));
            Hub::at(&args.at)?.send(Method::DELETE, &path, None).await?;
            writeln!(out, "'{}' is removed", args.name)?;
            Ok(())
        }
        RecordCommand::Export(args) => {
            let file = recording_file(&args.file, Path::new("."))?;
            let mut recording = Recording::open(&file).map_err(|error| CliError::failed(&error))?;
            if !recording.is_whole() {
                writeln!(
                    std::io::stderr(),
                    "the recording was cut: it ends at its last whole chunk"
                )?;
            }
            match export::csv(&mut recording, &Wanted::of(&args.signals), out) {
                Ok(()) => Ok(()),
                // Whoever read it may have seen enough.
                Err(ExportError::Write(error)) => Err(CliError::Output(error)),
                Err(error) => Err(CliError::failed(&error)),
            }
        }
    }
}

async fn start(args: &StartArgs, out: &mut impl Write) -> Result<(), CliError> {
    let body = json!({
        "name": args.name,
        "max_mb": args.max_mb,
        "max_minutes": args.max_minutes,
        "signals": (!args.signals.is_empty()).then_some(&args.signals),
    });
    let answer = Hub::at(&args.at)?
        .send(Method::POST, "/api/v1/recordings", Some(&body))
        .await?;
    let active: Active = understood(answer)?;
    writeln!(out, "'{}' is being recorded", active.name)?;
    Ok(())
}

async fn list(args: &ListArgs, out: &mut impl Write) -> Result<(), CliError> {
    let answer: Value = Hub::at(&args.at)?.get("/api/v1/recordings").await?;
    if args.json {
        writeln!(out, "{answer:#}")?;
        return Ok(());
    }
    let List {
        folder,
        active,
        recordings,
    } = understood(answer)?;
    writeln!(out, "{folder}")?;
    if let Some(active) = active {
        writeln!(
            out,
            "'{}' is being recorded for {} ({} samples, {} gaps, {}), started by {}",
            active.name,
            seconds(active.duration_ms),
            active.samples,
            active.gaps,
            size(active.bytes),
            active.by
        )?;
    }
    let rows: Vec<[String; 8]> = recordings.into_iter().map(cells).collect();
    let heading = [
        "NAME", "STARTED", "DURATION", "SIZE", "SIGNALS", "SAMPLES", "GAPS", "END",
    ];
    table::print(heading, &rows, out)
}

async fn show(args: &ShowArgs, out: &mut impl Write) -> Result<(), CliError> {
    let path = format!("/api/v1/recordings/{}", escaped(&args.name));
    let answer: Value = Hub::at(&args.at)?.get(&path).await?;
    if args.json {
        writeln!(out, "{answer:#}")?;
        return Ok(());
    }
    let Detail {
        row,
        project,
        signal_names,
    } = understood(answer)?;
    writeln!(out, "'{}' of the project '{project}', begun {}", row.name, row.started)?;
    writeln!(out, "{}, {} inputs", in_words(&row), row.inputs)?;
    writeln!(out, "end: {}", end_of(&row))?;
    for name in signal_names {
        writeln!(out, "  {name}")?;
    }
    Ok(())
}

fn understood<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, CliError> {
    serde_json::from_value(answer).map_err(|error| CliError::failed(&error))
}

fn cells(row: Row) -> [String; 8] {
    let end = end_of(&row);
    [
        row.name,
        row.started,
        seconds(row.duration_ms),
        size(row.bytes),
        row.signals.to_string(),
        row.samples.to_string(),
        row.gaps.to_string(),
        end,
    ]
}

fn in_words(row: &Row) -> String {
    format!(
        "{}, {}, {} samples of {} signals, {} gaps",
        seconds(row.duration_ms),
        size(row.bytes),
        row.samples,
        row.signals,
        row.gaps
    )
}

fn end_of(row: &Row) -> String {
    match (&row.error, &row.ended) {
        (Some(error), _) => error.clone(),
        (None, None) if row.running => String::from("it is being recorded"),
        (None, Some(reason)) if row.whole => reason.clone(),
        _ => String::from("cut: the hub was killed, or the machine lost power"),
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1_000, ms % 1_000)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} B"),
        10_240..10_485_760 => format!("{} KB", bytes >> 10),
        _ => format!("{} MB", bytes >> 20),
    }
}
