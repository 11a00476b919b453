//! The log: lines to stderr, written by a thread of their own.
//!
//! Whoever logs must never wait, the core least of all, and a pipe that nobody reads makes a plain write wait for ever.
//! So a line is put into a bounded queue and a thread writes it. When the queue is full the line is dropped and counted,
//! and the next line that gets through says how many are missing.

use std::io::{self, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Lines that wait for the log's thread. A further one is dropped and counted.
const LINES_MAX: usize = 4_096;

/// How long the end of the process waits for the last lines.
const FLUSH_MAX: Duration = Duration::from_millis(500);

static LANE: OnceLock<Lane> = OnceLock::new();

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
/// Shape of `filter`: `debug`, or `info,crosstie_server=debug`, as the `tracing` filters are written.
///
/// # Errors
///
/// The filter cannot be understood.
pub fn install(filter: &str) -> Result<(), ParseError> {
    let filter = without_secrets(EnvFilter::builder().parse(filter)?);
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
        .with_env_filter(filter)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_target(false)
        .with_writer(|| LineWriter)
        .finish();
    // Somebody who drives this library may have a log of their own: theirs stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
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
