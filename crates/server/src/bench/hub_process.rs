//! A hub in a process of its own, with a project that is made for the measurement and removed after it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::BenchError;
use crate::cli::At;

/// A folder with a project, removed when this is dropped.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes a folder of this name and this process, and the project in it.
    pub(super) fn with_project(name: &str, project: &str, signals_csv: &str) -> Result<Folder, BenchError> {
        Folder::with_files(name, &[("crosstie.toml", project), ("signals.csv", signals_csv)])
    }

    /// The same with these files.
    pub(super) fn with_files(name: &str, files: &[(&str, &str)]) -> Result<Folder, BenchError> {
        let system = |what| move |source| BenchError::System { what, source };
        let path = std::env::temp_dir().join(format!("crosstie-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).map_err(system("making a folder for the project"))?;
        let folder = Folder(path);
        for (file, text) in files {
            fs::write(folder.0.join(file), text).map_err(system("writing the project"))?;
        }
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // When it is gone already, so much the better.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A hub that runs a project; it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct HubProcess {
    child: Child,
    /// What it said at its start.
    summary: String,
}

impl HubProcess {
    /// Starts this very program on a project and waits until its ports take connections.
    pub(super) fn run(folder: &Path) -> Result<HubProcess, BenchError> {
        let system = |what| move |source| BenchError::System { what, source };
        let program = std::env::current_exe().map_err(system("finding this program"))?;
        let mut child = Command::new(program)
            .args(["run", "--log", "error"])
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(system("starting the hub"))?;
        let summary = child.stdout.take().and_then(read_summary);
        let mut hub = HubProcess {
            child,
            summary: String::new(),
        };
        hub.summary = summary.ok_or(BenchError::Hub)?;
        Ok(hub)
    }

    /// Number of the process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where an endpoint listens.
    pub(super) fn url(&self, endpoint: &str) -> Result<&str, BenchError> {
        let marker = format!("{endpoint}: ");
        let line = self.summary.lines().find_map(|line| line.split_once(&marker));
        line.map(|(_, url)| url.trim()).ok_or(BenchError::Hub)
    }

    /// Where its page is.
    fn page(&self) -> Result<&str, BenchError> {
        self.line("  page ")
    }

    /// Where its API is, without a key.
    pub(super) fn at(&self) -> Result<At, BenchError> {
        Ok(At {
            at: self.page()?.to_owned(),
            key_file: None,
            ca: None,
        })
    }

    /// Where clients of PiPLC's protocol connect.
    pub(super) fn piplc(&self) -> Result<&str, BenchError> {
        self.line("  PiPLC ")
    }

    /// Where headsets connect.
    pub(super) fn headset(&self) -> Result<&str, BenchError> {
        self.line("  headsets ")
    }

    fn line(&self, head: &str) -> Result<&str, BenchError> {
        let line = self.summary.lines().find_map(|line| line.strip_prefix(head));
        line.map(|url| url.trim().trim_end_matches('/')).ok_or(BenchError::Hub)
    }

    /// Time of a processor that its threads have used; zero where the system does not tell.
    pub(super) fn cpu(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let nanos_of = |thread: fs::DirEntry| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<u64>().ok()
        };
        let nanos = threads.into_iter().flatten().flatten().filter_map(nanos_of).sum();
        Duration::from_nanos(nanos)
    }

    /// Its private memory in kilobytes; 0 where the system does not tell.
    pub(super) fn private_kb(&self) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let rollup = fs::read_to_string(path).unwrap_or_default();
        let private = rollup.lines().filter(|line| line.starts_with("Private_"));
        private
            .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum()
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        // It has nothing to save; when it is gone already, so much the better.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A hub says where it listens when it takes connections, and then how to end it.
fn read_summary(stdout: ChildStdout) -> Option<String> {
    let mut lines = BufReader::new(stdout);
    let mut summary = String::new();
    while !summary.contains("end with Ctrl+C") {
        if lines.read_line(&mut summary).ok()? == 0 {
            return None;
        }
    }
    // What it may say later must not fill the pipe.
    std::thread::spawn(move || {
        let mut rest = [0; 512];
        while lines.read(&mut rest).is_ok_and(|len| len > 0) {}
    });
    Some(summary)
}
