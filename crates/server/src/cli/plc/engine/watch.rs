//! `crosstie plc watch --engine`: the stream of snapshots as lines, one for each change.

use super::Engine;
use super::client::Client;
use super::memory::{json_of, value};
use crate::cli::CliError;
use crate::cli::live::{Change, Form};
use crate::cli::plc::memory::{WatchArgs, signal};
use crosstie_hub::plc::PlcId;
use crosstie_hub::signal::Quality;
use crosstie_ladder::Address;
use crosstie_ladder::data_table::CellValue;
use crosstie_wire::piplc::{EngineState, Request, STREAM_INTERVAL_MS_MAX, Snapshot};
use std::io::Write;
use std::time::Duration;
use tokio::time::Instant;

/// How much longer than its interval a snapshot may take to come before the engine counts as silent.
const LATE_MAX: Duration = Duration::from_secs(5);

/// What was told last of each place.
struct Watched {
    places: Vec<Address>,
    told: Vec<Option<CellValue>>,
    state: Option<EngineState>,
}

impl Watched {
    /// The places that a snapshot shows otherwise than the last one; all of them when the engine's state is another.
    fn changes(&mut self, snapshot: &Snapshot) -> Vec<(Address, CellValue)> {
        let state = EngineState::of_byte(snapshot.header.state);
        let is_all = self.state != state;
        self.state = state;
        let mut changes = Vec::new();
        for (address, told) in self.places.iter().zip(&mut self.told) {
            let shown = value(&snapshot.body, *address);
            if is_all || *told != Some(shown) {
                *told = Some(shown);
                changes.push((*address, shown));
            }
        }
        changes
    }
}

impl Engine {
    /// Prints places and then their changes, until the engine is gone or enough was seen. Times count from the first snapshot.
    pub(in crate::cli::plc) async fn watch(&mut self, args: &WatchArgs, out: &mut impl Write) -> Result<(), CliError> {
        let mut places = Vec::new();
        for place in &args.addresses {
            places.push(self.address(place).await?);
        }
        let mut watched = Watched {
            told: vec![None; places.len()],
            places,
            state: None,
        };
        let interval_ms = args.cycle_ms.min(STREAM_INTERVAL_MS_MAX);
        let subscribe = Request::Subscribe {
            interval_ms: Some(interval_ms.into()),
        };
        self.ask(&subscribe).await?;
        let limit = Duration::from_millis(interval_ms.into()) + LATE_MAX;
        let form = Form::of(args.json, args.csv);
        form.begin(out)?;
        let (mut began, mut lines) = (None, 0);
        loop {
            let snapshot = next(&mut self.client, limit).await?;
            let changed_at_ms = began.get_or_insert_with(Instant::now).elapsed().as_millis() as u64;
            for (address, shown) in watched.changes(&snapshot) {
                if args.count.is_some_and(|count| lines >= count) {
                    return Ok(());
                }
                let quality = quality_of(watched.state);
                let change = Change {
                    name: signal(&self.row.name, address),
                    value: json_of(shown),
                    quality: quality.word().to_owned(),
                    reason: quality.reason().map(str::to_owned),
                    changed_at_ms,
                };
                change.print(form, out)?;
                lines += 1;
            }
            out.flush()?;
            if args.count.is_some_and(|count| lines >= count) {
                return Ok(());
            }
        }
    }
}

async fn next(client: &mut Client, limit: Duration) -> Result<Box<Snapshot>, CliError> {
    let frame = client.frame(limit).await?;
    frame.ok_or_else(|| client.no_snapshot())
}

/// Whether a value of an engine in this state can be believed, in the words that a hub has for it.
fn quality_of(state: Option<EngineState>) -> Quality {
    match state {
        Some(EngineState::Running) => Quality::Good,
        Some(EngineState::Stopped) => Quality::PlcStopped,
        Some(EngineState::Paused) => Quality::PlcPaused,
        Some(EngineState::Stepping) => Quality::PlcStepping,
        Some(EngineState::Fault) => Quality::PlcFault(PlcId(0)),
        None => Quality::Stale,
    }
}
