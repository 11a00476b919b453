//! The log: lines to stderr, written by a thread of their own.
//!
//! Whoever logs must never wait, the core least of all, and a pipe that nobody reads makes a plain write wait for ever.
//! So a line is put into a bounded queue and a thread writes it. When the queue is full the line is dropped and counted,
//! and the next line that gets through says how many are missing.
//!
//! How much is said can be changed while the process runs: [`change`].

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tracing_subscriber::EnvFilter;

/// Lines that wait for the log's thread. A further one is dropped and counted.
const LINES_MAX: usize = 4_096;

/// How long the end of the process waits for the last lines.
const FLUSH_MAX: Duration = Duration::from_millis(500);

/// Bytes of a filter. A longer one is refused: it is compared with every place that logs.
const FILTER_LEN_MAX: usize = 1_024;

/// The words of a filter for how much is said.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

static LANE: OnceLock<Lane> = OnceLock::new();
static FILTER: OnceLock<Filter> = OnceLock::new();

/// Puts a new filter in the place of the one in force; false when the log is not ours any more.
type Reload = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

/// The filter in force and the way to another.
struct Filter {
    text: Mutex<String>,
    reload: Reload,
}

/// Why a filter is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It has too many bytes.
    #[error("a filter of at most {FILTER_LEN_MAX} bytes was expected")]
    TooLong,
    /// A piece of it says nothing that is understood.
    #[error(
        "`{0}` is neither a level (off, error, warn, info, debug, trace) nor a target with one, such as crosstie_server=debug"
    )]
    Unknown(String),
    /// The log of this process belongs to somebody else.
    #[error("the log of this process is not the hub's own, so its level cannot be changed here")]
    NotOurs,
}

/// The queue to the log's thread.
#[derive(Debug)]
struct Lane {
    lines: Sender<Line>,
    missing: AtomicU64,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Everything before this is written: say so.
    Flush(Sender<()>),
}

/// Sends everything that is logged in this process to stderr from now on. Only the first call does anything.
///
/// Shape of `filter`: `debug`, or `info,crosstie_server=debug`: levels, and targets with a level, with commas between them.
///
/// # Errors
///
/// The filter cannot be understood.
pub fn install(filter: &str) -> Result<(), FilterError> {
    let checked = parse(filter)?;
    let (sender, lines) = crossbeam_channel::bounded(LINES_MAX);
    let lane = Lane {
        lines: sender,
        missing: AtomicU64::new(0),
    };
    if LANE.set(lane).is_err() {
        return Ok(());
    }
    let writer = std::thread::Builder::new().name(String::from("log"));
    // A system that grants no thread for the log gets none; the hub itself says so better.
    let _ = writer.spawn(move || write_lines(&lines));
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_target(false)
        .with_writer(|| LineWriter)
        .with_env_filter(checked)
        .with_filter_reloading();
    let handle = subscriber.reload_handle();
    // Somebody who drives this library may have a log of their own: theirs stays.
    if tracing::subscriber::set_global_default(subscriber.finish()).is_ok() {
        let _ = FILTER.set(Filter {
            text: Mutex::new(filter.to_owned()),
            reload: Box::new(move |filter| handle.reload(filter).is_ok()),
        });
    }
    Ok(())
}

/// Libraries that log whole requests at their most talkative level: keys stand in queries and headers.
const QUIETED: [&str; 3] = [
    "tungstenite=info",
    "tungstenite::handshake=info",
    "tungstenite::handshake::client=info",
];

/// Whatever the filter says, no line holds a key.
fn without_secrets(filter: EnvFilter) -> EnvFilter {
    QUIETED.into_iter().fold(filter, |filter, quieted| {
        filter.add_directive(quieted.parse().expect("a target and a level are a directive"))
    })
}

/// The filter in force; `None` when the log of this process is not ours.
pub fn filter() -> Option<String> {
    let filter = FILTER.get()?;
    Some(filter.text.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Puts another filter in force, until the process ends or the next change.
///
/// # Errors
///
/// See [`FilterError`]; then nothing changes.
pub fn change(filter: &str) -> Result<(), FilterError> {
    let checked = parse(filter)?;
    let in_force = FILTER.get().ok_or(FilterError::NotOurs)?;
    let mut text = in_force.text.lock().unwrap_or_else(PoisonError::into_inner);
    if !(in_force.reload)(checked) {
        return Err(FilterError::NotOurs);
    }
    filter.clone_into(&mut text);
    Ok(())
}

/// Is this a filter that [`install`] and [`change`] take?
///
/// # Errors
///
/// See [`FilterError`].
pub fn check(filter: &str) -> Result<(), FilterError> {
    parse(filter).map(|_| ())
}

/// A word that is no level would be taken for a target by the filter of `tracing`, and silence everything else.
fn parse(filter: &str) -> Result<EnvFilter, FilterError> {
    if filter.len() > FILTER_LEN_MAX {
        return Err(FilterError::TooLong);
    }
    let unknown = |piece: &str| FilterError::Unknown(piece.escape_debug().to_string());
    for piece in filter.split(',') {
        let level = match piece.split_once('=') {
            None => piece,
            Some((target, level)) if is_target(target) => level,
            Some(_) => return Err(unknown(piece)),
        };
        if !LEVELS.iter().any(|known| level.eq_ignore_ascii_case(known)) {
            return Err(unknown(piece));
        }
    }
    let parsed = EnvFilter::builder().parse(filter).map_err(|_| unknown(filter))?;
    Ok(without_secrets(parsed))
}

/// The path of a module, as log lines carry it.
fn is_target(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte))
}

/// Waits until the lines so far are written, but not for long. For the end of the process.
pub fn flush() {
    let Some(lane) = LANE.get() else { return };
    let (done, written) = crossbeam_channel::bounded(1);
    if lane.lines.send_timeout(Line::Flush(done), FLUSH_MAX).is_ok() {
        // When the time is over the lines are lost with the process, which must end all the same.
        let _ = written.recv_timeout(FLUSH_MAX);
    }
}

/// What the formatter writes into: it hands over one whole line per call.
#[derive(Debug)]
struct LineWriter;

impl io::Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(lane) = LANE.get()
            && let Err(TrySendError::Full(_)) = lane.lines.try_send(Line::Text(line.to_vec()))
        {
            lane.missing.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(lines: &Receiver<Line>) {
    let mut stderr = io::stderr();
    for line in lines {
        // There is nobody left to whom a failing stderr could be reported.
        match line {
            Line::Text(text) => {
                let missing = (LANE.get()).map_or(0, |lane| lane.missing.swap(0, Ordering::Relaxed));
                if missing > 0 {
                    let _ = writeln!(
                        stderr,
                        "({missing} lines were dropped: the log is not read fast enough)"
                    );
                }
                let _ = stderr.write_all(&text);
            }
            Line::Flush(done) => {
                let _ = stderr.flush();
                let _ = done.send(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_targets_with_levels_and_nothing_else() {
        for good in [
            "info",
            "OFF",
            "warn,crosstie_server=debug",
            "crosstie::messages=off,trace",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "bogus",
            "info,",
            "info debug",
            "3",
            "a=b=c",
            "=debug",
            "crosstie=loud",
            "crosstie",
            "a[b]=info",
            "é=info",
        ] {
            assert!(matches!(check(bad), Err(FilterError::Unknown(_))), "{bad}");
        }
        let long = |bytes: usize| format!("{}=off", "a".repeat(bytes - 4));
        assert_eq!(check(&long(FILTER_LEN_MAX)), Ok(()));
        assert_eq!(check(&long(FILTER_LEN_MAX + 1)), Err(FilterError::TooLong));
    }
}
