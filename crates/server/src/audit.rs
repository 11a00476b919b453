//! The audit log: who has changed what, written down so that a later change of the writing is noticed.
//!
//! ```text
//!   core ─▶ Output::Audit ─┐  (never waits)          state/audit.jsonl       the entries, one JSON object per line
//!   API: keys ─────────────┼─▶ queue ─▶ thread ─┬─▶  state/audit-000001.jsonl  …, the full files before it
//!   command line: keys ────┴────────────────────┘    state/audit.head        number and hash of the last entry
//! ```
//!
//! Each entry carries the hash of the one before it ([`chain`]), so the whole is a chain: changing, adding or removing an entry breaks
//! it at that place. The head says where the chain ended, so a removed end is noticed, too. There is no secret in it: whoever
//! may write the state folder can make a whole new chain with a new head. Against that only a copy of the head elsewhere helps.
//!
//! A running hub and the command line write into the same chain. Each batch takes the lock, finds the end, and appends to it.

mod chain;
mod file;
mod read;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use chain::Record;
pub(crate) use file::{append, lock};
pub(crate) use read::{Entry, read_before};
pub(crate) use verify::{Broken, verify};

use crate::core_task::Door;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use crosstie_hub::api::Report;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Entries that wait for the thread. A further one is not written; how many are missing is, as an entry of its own.
const QUEUE_MAX: usize = 8_192;

/// Entries that are written and put on the disk together at most.
const BATCH_MAX: usize = 1_024;

/// How soon a log that could not be written is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Name of the problem that says that entries cannot be written.
const PROBLEM: &str = "audit";

/// A handle to hand entries in. Cloning is cheap; the thread ends with the last one.
#[derive(Clone, Debug)]
pub(crate) struct AuditLog {
    queue: Sender<Record>,
    /// Entries for which there was no room.
    missing: Arc<AtomicU64>,
}

impl AuditLog {
    /// Starts the thread that writes the audit log of a state folder. The end of the log is put in order first.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn start(folder: PathBuf, door: Door) -> io::Result<(AuditLog, JoinHandle<()>)> {
        let (queue, records) = crossbeam_channel::bounded(QUEUE_MAX);
        let missing = Arc::new(AtomicU64::new(0));
        let mut writer = Writer {
            folder,
            door,
            missing: Arc::clone(&missing),
            is_in_trouble: false,
        };
        let thread = std::thread::Builder::new()
            .name(String::from("audit"))
            .spawn(move || writer.write_all(&records))?;
        Ok((AuditLog { queue, missing }, thread))
    }

    /// Hands in an entry. Never waits: what does not fit is counted, and the count is written.
    pub(crate) fn hand_in(&self, record: Record) {
        if self.queue.try_send(record).is_err() {
            self.missing.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Writer {
    folder: PathBuf,
    door: Door,
    missing: Arc<AtomicU64>,
    is_in_trouble: bool,
}

impl Writer {
    fn write_all(&mut self, queue: &Receiver<Record>) {
        self.write(Vec::new());
        loop {
            let first = if self.is_in_trouble {
                queue.recv_timeout(RETRY)
            } else {
                queue.recv().map_err(|_| RecvTimeoutError::Disconnected)
            };
            match first {
                Ok(first) => {
                    let rest = queue.try_iter().take(BATCH_MAX - 1);
                    self.write(std::iter::once(first).chain(rest).collect());
                }
                Err(RecvTimeoutError::Timeout) => self.write(Vec::new()),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn write(&mut self, mut records: Vec<Record>) {
        let missing = self.missing.swap(0, Ordering::Relaxed);
        let batch = records.len() as u64;
        if missing > 0 {
            records.push(Record::of_log(
                "audit.missing",
                format!("{missing} entries are missing"),
            ));
        }
        match append(&self.folder, &records) {
            Ok(()) => {
                if std::mem::take(&mut self.is_in_trouble) {
                    tracing::info!("the audit log is written again");
                    self.door.clear(PROBLEM);
                }
            }
            Err(error) => {
                let missing = self.missing.fetch_add(missing + batch, Ordering::Relaxed) + missing + batch;
                let is_new = !std::mem::replace(&mut self.is_in_trouble, true);
                if is_new {
                    tracing::error!(%error, "the audit log cannot be written");
                }
                // Said again only when the text changes with the count: a problem counts its reports.
                if is_new || batch > 0 {
                    self.door.report(trouble(missing, &error));
                }
            }
        }
    }
}

fn trouble(missing: u64, error: &io::Error) -> Report {
    Report {
        id: PROBLEM.to_owned(),
        is_error: true,
        subject: String::from("state/audit.jsonl"),
        text: format!("the audit log cannot be written ({missing} entries are missing so far): {error}"),
        hint: String::from(
            "make room on the disk, or let the hub write into the state folder; it tries again every second",
        ),
    }
}

/// Path of the file with the newest entries.
fn current(folder: &Path) -> PathBuf {
    folder.join("audit.jsonl")
}

/// Path of a file that became full.
fn full(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("audit-{number:06}.jsonl"))
}

/// Numbers of the files that became full, in their order.
fn full_files(folder: &Path) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            let digits = name.strip_prefix("audit-")?.strip_suffix(".jsonl")?;
            digits
                .parse::<u32>()
                .ok()
                .filter(|number| format!("{number:06}") == digits)
        });
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}
