//! `crosstie classroom watch` and `console`: the class and GAMA's console as lines.

use super::{CLASS, show};
use crate::cli::api::Hub;
use crate::cli::live::Channel;
use crate::cli::{At, CliError};
use crate::http::classroom::rows::{ClassConsole, ClassLine, ClassState};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;

/// The flags of `crosstie classroom watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// End after this many lines
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Print the whole state as one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The flags of `crosstie classroom console`.
#[derive(Debug, Args)]
pub struct ConsoleArgs {
    /// Go on with new lines until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// End after this many lines
    #[arg(long, value_name = "N", requires = "follow")]
    pub count: Option<u64>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// A live channel that watches the class.
struct Frames {
    channel: Channel,
}

impl Frames {
    async fn open(at: &At) -> Result<Frames, CliError> {
        let request = json!({"type": "watch_classroom", "id": 1, "on": true});
        let channel = Channel::open(at, &request).await?;
        Ok(Frames { channel })
    }

    /// The next frame.
    async fn next(&mut self) -> Result<Value, CliError> {
        loop {
            let message = self.channel.next().await?;
            match message["type"].as_str() {
                Some("classroom") => return Ok(message),
                Some("error") => {
                    let word = |key: &str| message[key].as_str().unwrap_or("?");
                    return Err(CliError::Failed(format!("{} ({})", word("message"), word("code"))));
                }
                _ => {}
            }
        }
    }
}

/// Counts lines up to the end that was asked for.
struct Lines {
    left: Option<u64>,
}

impl Lines {
    fn new(count: Option<u64>) -> Lines {
        Lines { left: count }
    }

    fn is_over(&self) -> bool {
        self.left == Some(0)
    }

    fn print(&mut self, line: &str, out: &mut impl Write) -> Result<(), CliError> {
        if !self.is_over() {
            writeln!(out, "{line}")?;
            self.left = self.left.map(|left| left - 1);
        }
        Ok(())
    }
}

/// Prints the class and then what changes of it, until the hub is gone or enough was seen.
pub(super) async fn watch(args: &WatchArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut frames = Frames::open(&args.at).await?;
    let mut lines = Lines::new(args.count);
    let mut told = BTreeSet::new();
    while !lines.is_over() {
        let frame = frames.next().await?;
        if args.json {
            lines.print(&frame.to_string(), out)?;
        } else {
            let class: ClassState = serde_json::from_value(frame).map_err(|error| CliError::failed(&error))?;
            let (now_ms, new) = (class.now_ms, news(&class, &mut told));
            for text in new {
                lines.print(&timed(now_ms, &text), out)?;
            }
        }
        out.flush()?;
    }
    Ok(())
}

/// What a class says that it did not say in the frame before, in order.
fn news(class: &ClassState, told: &mut BTreeSet<String>) -> Vec<String> {
    let mut all = vec![show::stands(class)];
    if let Some(error) = class.gama.as_ref().and_then(|gama| gama.error.as_ref()) {
        all.push(format!("{}: {} ({})", error.kind, error.text, error.hint));
    }
    all.extend(class.players.iter().map(show::seat));
    all.push(format!("a launch loads {}", show::model(class)));
    let new = all.iter().filter(|text| !told.contains(*text)).cloned().collect();
    *told = all.into_iter().collect();
    new
}

/// Prints the newest lines of GAMA's console, and the new ones when they are wanted.
pub(super) async fn console(args: &ConsoleArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut lines = Lines::new(args.count);
    if !args.follow {
        let console: ClassConsole = Hub::at(&args.at)?.get(&format!("{CLASS}/console")).await?;
        for line in &console.lines {
            lines.print(&printed(line, args.json)?, out)?;
        }
        return Ok(());
    }
    let mut frames = Frames::open(&args.at).await?;
    while !lines.is_over() {
        let new: Vec<ClassLine> =
            serde_json::from_value(frames.next().await?["console"].take()).map_err(|error| CliError::failed(&error))?;
        for line in &new {
            lines.print(&printed(line, args.json)?, out)?;
        }
        out.flush()?;
    }
    Ok(())
}

fn printed(line: &ClassLine, as_json: bool) -> Result<String, CliError> {
    if as_json {
        return serde_json::to_string(line).map_err(|error| CliError::failed(&error));
    }
    // Lines of GAMA may hold several; the following ones stand below the first.
    let text = line.text.trim_end().replace('\n', "\n            ");
    Ok(timed(line.at_ms, &format!("{:<7} {}: {text}", line.level, line.kind)))
}

/// A text behind the hub's time.
fn timed(at_ms: u64, text: &str) -> String {
    format!("{:>6}.{:03}  {text}", at_ms / 1_000, at_ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::classroom::show::tests::read;
    use crate::http::classroom::rows::tests::class;
    use crosstie_hub::Time;

    #[test]
    fn only_what_has_changed_is_told() {
        let (mut row, mut told) = (class(), BTreeSet::new());
        let first = news(&read(&row), &mut told);
        assert_eq!(first.len(), 4, "{first:?}");
        row.now = Time::from_millis(9_000);
        row.players[0].worlds += 1;
        assert_eq!(news(&read(&row), &mut told), Vec::<String>::new());
        (row.players[0].in_game, row.players[0].waits_for) = (true, None);
        row.players[0].is_doubled = false;
        assert_eq!(news(&read(&row), &mut told), ["Player_101 is in the game"]);
        row.gama.as_mut().unwrap().error = None;
        assert_eq!(news(&read(&row), &mut told), Vec::<String>::new());
        assert_eq!(
            news(&read(&class()), &mut told).len(),
            2,
            "an error that comes back is told again"
        );
    }

    #[test]
    fn a_line_of_the_console_has_its_time_and_its_level() {
        let line = ClassLine {
            number: 7,
            at_ms: 8_005,
            level: "error".into(),
            kind: "RuntimeError".into(),
            text: "nil\nin line 3\n".into(),
        };
        assert_eq!(
            printed(&line, false).unwrap(),
            "     8.005  error   RuntimeError: nil\n            in line 3"
        );
        let json: Value = serde_json::from_str(&printed(&line, true).unwrap()).unwrap();
        assert_eq!(json["number"], 7);
    }

    #[test]
    fn counting_ends_the_output() {
        let (mut lines, mut out) = (Lines::new(Some(2)), Vec::new());
        for line in ["a", "b", "c"] {
            lines.print(line, &mut out).unwrap();
        }
        assert_eq!((out.as_slice(), lines.is_over()), (&b"a\nb\n"[..], true));
    }
}
