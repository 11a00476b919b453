//! `crosstie signals watch`: the live channel of a running hub as lines, and the channel itself for other verbs.
//!
//! The channel tells names once, in its snapshot, and then speaks of ids. [`Names`] keeps the two together; everything else
//! goes straight to the output.

use super::api::Hub;
use super::{At, CliError};
use crate::socket::Stream;
use crate::spreadsheet;
use axum::http::header::AUTHORIZATION;
use clap::Args;
use crosstie_hub::signal::Pattern;
use crosstie_hub::signal::name::canonical;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::Write;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// The flags of `crosstie signals watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Names and patterns of signals; all of them when none is given
    pub names: Vec<String>,
    /// Shortest time between two reports of one signal, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    pub cycle_ms: u32,
    /// End after this many lines
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Print one JSON object per line
    #[arg(long)]
    pub json: bool,
    /// Print a table for spreadsheets: time in milliseconds, name, value, quality, reason
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// How lines are printed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
    /// Cells between commas, under a heading.
    Csv,
}

impl Form {
    /// What the flags ask for; at most one of them is given.
    pub(super) fn of(json: bool, csv: bool) -> Form {
        match (json, csv) {
            (true, _) => Form::Json,
            (false, true) => Form::Csv,
            (false, false) => Form::Text,
        }
    }

    /// Prints what stands above the first line.
    pub(super) fn begin(self, out: &mut impl Write) -> Result<(), CliError> {
        match self {
            Form::Csv => print_cells(["time_ms", "name", "value", "quality", "reason"], out),
            Form::Text | Form::Json => Ok(()),
        }
    }
}

fn print_cells(cells: [&str; 5], out: &mut impl Write) -> Result<(), CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells).map_err(|error| CliError::failed(&error))?;
    let line = writer.into_inner().map_err(|error| CliError::failed(&error))?;
    out.write_all(&line)?;
    Ok(())
}

/// A live channel of a running hub.
pub(super) struct Channel {
    socket: WebSocketStream<Stream>,
    /// The address of the hub, for messages.
    at: String,
}

impl Channel {
    /// Opens a channel and sends its first request.
    pub(super) async fn open(at: &At, request: &Value) -> Result<Channel, CliError> {
        let hub = Hub::at(at)?;
        let stream = hub.connect().await?;
        let url = format!("ws://{}/api/v1/live", hub.authority());
        let mut upgrade = url.into_client_request().map_err(|error| CliError::failed(&error))?;
        if let Some(bearer) = hub.bearer() {
            upgrade.headers_mut().insert(AUTHORIZATION, bearer.clone());
        }
        let (socket, _) = tokio_tungstenite::client_async(upgrade, stream)
            .await
            .map_err(|error| CliError::Failed(format!("{} has no live channel: {error}", at.at)))?;
        let mut channel = Channel {
            socket,
            at: at.at.clone(),
        };
        let sent = channel.socket.send(Message::text(request.to_string())).await;
        sent.map_err(|error| channel.lost(&error))?;
        Ok(channel)
    }

    /// The next message of the hub.
    pub(super) async fn next(&mut self) -> Result<Value, CliError> {
        while let Some(message) = self.socket.next().await {
            match message.map_err(|error| self.lost(&error))? {
                Message::Text(text) => return serde_json::from_str(&text).map_err(|error| CliError::failed(&error)),
                Message::Close(_) => break,
                _ => {}
            }
        }
        Err(self.lost(&"closed by the hub"))
    }

    fn lost(&self, error: &dyn std::fmt::Display) -> CliError {
        CliError::NoHub {
            at: self.at.clone(),
            source: std::io::Error::other(format!("the live channel ended: {error}")),
        }
    }
}

/// Prints the values of the signals and then each change, until the hub is gone or enough was seen.
pub(super) async fn watch(args: &WatchArgs, out: &mut impl Write) -> Result<(), CliError> {
    let mut channel = Channel::open(&args.at, &subscription(args)).await?;
    let form = Form::of(args.json, args.csv);
    form.begin(out)?;
    let mut names = Names::in_order(&args.names);
    let mut lines = 0;
    loop {
        let message = channel.next().await?;
        for name in unknown(&message) {
            // The output is for values; whoever waits for one that is misspelt learns it here.
            drop(writeln!(
                std::io::stderr(),
                "no signal is called {name}; waiting for it"
            ));
        }
        for change in names.take(&message)? {
            if args.count.is_some_and(|count| lines >= count) {
                return Ok(());
            }
            change.print(form, out)?;
            lines += 1;
        }
        out.flush()?;
        if args.count.is_some_and(|count| lines >= count) {
            return Ok(());
        }
    }
}

/// The names of a snapshot that nobody has.
fn unknown(message: &Value) -> impl Iterator<Item = String> {
    let names = message["unknown"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = names.iter().filter_map(Value::as_str);
    names.map(|name| name.escape_debug().to_string())
}

fn subscription(args: &WatchArgs) -> Value {
    let (mut patterns, names): (Vec<&str>, Vec<&str>) = args
        .names
        .iter()
        .map(String::as_str)
        .partition(|name| name.split('/').any(|segment| segment.contains('*')));
    if args.names.is_empty() {
        patterns.push("**");
    }
    json!({ "type": "subscribe", "id": 1, "names": names, "patterns": patterns, "cycle_ms": args.cycle_ms })
}

/// One line of the output.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) quality: String,
    pub(super) reason: Option<String>,
    pub(super) changed_at_ms: u64,
}

impl Change {
    pub(super) fn print(&self, form: Form, out: &mut impl Write) -> Result<(), CliError> {
        let Change {
            name,
            value,
            quality,
            reason,
            changed_at_ms,
        } = self;
        match form {
            Form::Json => {
                let line = json!({ "changed_at_ms": changed_at_ms, "name": name, "value": value, "quality": quality, "reason": reason });
                writeln!(out, "{line}")?;
                return Ok(());
            }
            Form::Csv => {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string().into(), spreadsheet::plain);
                let (name, reason) = (spreadsheet::plain(name), reason.as_deref().unwrap_or_default());
                return print_cells([&changed_at_ms.to_string(), &name, &value, quality, reason], out);
            }
            Form::Text => {}
        }
        let (seconds, millis) = (changed_at_ms / 1000, changed_at_ms % 1000);
        let quality = match (quality.as_str(), reason) {
            ("good", _) => String::new(),
            (quality, None) => format!("  ({quality})"),
            (quality, Some(reason)) => format!("  ({quality}: {reason})"),
        };
        writeln!(out, "{seconds:>6}.{millis:03}  {name} = {value}{quality}")?;
        Ok(())
    }
}

/// The names of the ids that the channel speaks of, and the order in which people asked for them.
#[derive(Debug, Default)]
struct Names {
    by_id: HashMap<u64, String>,
    order: Vec<Pattern>,
}

impl Names {
    /// Changes of one message are told in the order of these names and patterns.
    fn in_order(names: &[String]) -> Names {
        let canonical = |name: &String| canonical(name, usize::MAX).unwrap_or_else(|_| name.clone());
        Names {
            by_id: HashMap::new(),
            order: names.iter().map(|name| Pattern::new(&canonical(name))).collect(),
        }
    }

    /// What one message of the channel says about values, in the order that was asked for.
    fn take(&mut self, message: &Value) -> Result<Vec<Change>, CliError> {
        let mut changes = self.changes(message)?;
        let place = |change: &Change| self.order.iter().position(|pattern| pattern.fits(&change.name));
        changes.sort_by_cached_key(|change| place(change).unwrap_or(usize::MAX));
        Ok(changes)
    }

    fn changes(&mut self, message: &Value) -> Result<Vec<Change>, CliError> {
        let rows = message["signals"].as_array().map(Vec::as_slice).unwrap_or_default();
        match message["type"].as_str().unwrap_or_default() {
            "snapshot" => {
                self.by_id.clear();
                // A name that does not exist yet is in the view all the same and appears with `added`.
                Ok(rows.iter().filter_map(|row| self.introduce(row)).collect())
            }
            "added" => Ok(rows.iter().filter_map(|row| self.introduce(row)).collect()),
            "removed" => {
                rows.iter().filter_map(Value::as_u64).for_each(|id| {
                    self.by_id.remove(&id);
                });
                Ok(Vec::new())
            }
            "data" => Ok(rows.iter().filter_map(|row| self.change(row)).collect()),
            "error" => {
                let word = |key: &str| message[key].as_str().unwrap_or("?");
                Err(CliError::Failed(format!("{} ({})", word("message"), word("code"))))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// A signal in full, as snapshots tell it.
    fn introduce(&mut self, row: &Value) -> Option<Change> {
        let name = row["name"].as_str()?.to_owned();
        self.by_id.insert(row["id"].as_u64()?, name.clone());
        Some(Change {
            name,
            value: row["value"].clone(),
            quality: row["quality"].as_str()?.to_owned(),
            reason: row["reason"].as_str().map(str::to_owned),
            changed_at_ms: row["changed_at_ms"].as_u64().unwrap_or(0),
        })
    }

    /// `[id, value, quality, changed_at_ms, writer]`; quality is a word or a word with its reason.
    fn change(&self, row: &Value) -> Option<Change> {
        let quality = if row[2].is_array() { &row[2][0] } else { &row[2] };
        Some(Change {
            name: self.by_id.get(&row[0].as_u64()?)?.clone(),
            value: row[1].clone(),
            quality: quality.as_str()?.to_owned(),
            reason: row[2][1].as_str().map(str::to_owned),
            changed_at_ms: row[3].as_u64().unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_by_the_names_of_the_snapshot() {
        let mut names = Names::default();
        let snapshot = json!({"type":"snapshot","signals":[
            {"id":7,"name":"twin/line/Level","value":1.5,"quality":"good","reason":null,"changed_at_ms":1200}]});
        let lines = |changes: Vec<Change>, form: Form| {
            let mut out = Vec::new();
            changes.iter().for_each(|change| change.print(form, &mut out).unwrap());
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            lines(names.take(&snapshot).unwrap(), Form::Text),
            "     1.200  twin/line/Level = 1.5\n"
        );
        let data = json!({"type":"data","signals":[[7,2.5,["bad","not finite"],2003,null],[8,1,"good",1,null]]});
        assert_eq!(
            lines(names.take(&data).unwrap(), Form::Text),
            "     2.003  twin/line/Level = 2.5  (bad: not finite)\n"
        );
        assert_eq!(
            lines(names.take(&data).unwrap(), Form::Json),
            "{\"changed_at_ms\":2003,\"name\":\"twin/line/Level\",\"value\":2.5,\"quality\":\"bad\",\"reason\":\"not finite\"}\n"
        );
        assert_eq!(
            lines(names.take(&data).unwrap(), Form::Csv),
            "2003,twin/line/Level,2.5,bad,not finite\n"
        );
        names.take(&json!({"type":"removed","signals":[7]})).unwrap();
        assert_eq!(names.take(&data).unwrap(), []);
        assert!(names.take(&json!({"type":"error","code":"x","message":"y"})).is_err());
        assert_eq!(names.take(&json!({"type":"tick"})).unwrap(), []);
    }

    #[test]
    fn changes_come_in_the_order_that_was_asked_for() {
        let asked = ["twin/b", "twin/z/*", "twin/a"].map(str::to_owned);
        let mut names = Names::in_order(&asked);
        let row = |id: u64, name: &str| json!({"id":id,"name":name,"value":id,"quality":"good","changed_at_ms":1});
        let rows = json!([
            row(1, "twin/a"),
            row(2, "twin/b"),
            row(3, "twin/z/2"),
            row(4, "twin/z/1")
        ]);
        let snapshot = json!({"type":"snapshot","signals":rows,"unknown":["twin/\nno"]});
        let told = |changes: Vec<Change>| changes.into_iter().map(|change| change.name).collect::<Vec<_>>();
        assert_eq!(
            told(names.take(&snapshot).unwrap()),
            ["twin/b", "twin/z/2", "twin/z/1", "twin/a"]
        );
        let data = json!({"type":"data","signals":[[1,1,"good",1,null],[2,2,"good",1,null]]});
        assert_eq!(told(names.take(&data).unwrap()), ["twin/b", "twin/a"]);
        assert_eq!(unknown(&snapshot).collect::<Vec<_>>(), ["twin/\\nno"]);
    }

    #[test]
    fn patterns_and_names_are_told_apart_by_their_stars() {
        let args = |names: &[&str]| WatchArgs {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            cycle_ms: 100,
            count: None,
            json: false,
            csv: false,
            at: At::default(),
        };
        let check = |names: &[&str], expected: Value| {
            let subscription = subscription(&args(names));
            assert_eq!(json!([subscription["names"], subscription["patterns"]]), expected);
        };
        check(&[], json!([[], ["**"]]));
        check(&["twin/a", "twin/*"], json!([["twin/a"], ["twin/*"]]));
    }
}
