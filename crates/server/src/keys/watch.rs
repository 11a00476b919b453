//! The look at the file with the keys, once a second: what the command line or an editor has changed is taken over.

use super::FILE_NAME;
use super::gate::Gate;
use crate::core_task::{Door, Event};
use crosstie_hub::api::Report;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Time between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// Name of the problem that says that the file cannot be used.
const PROBLEM: &str = "keys";

/// What tells one state of the file from another; `None` when it cannot be looked at.
type Mark = Option<(Option<SystemTime>, u64, u64)>;

/// Looks at the file for ever.
pub(crate) async fn watch(gate: Arc<Gate>, door: Door) {
    let mut pace = tokio::time::interval(PERIOD);
    pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = None;
    let mut is_in_trouble = false;
    loop {
        pace.tick().await;
        let (gate, door) = (Arc::clone(&gate), door.clone());
        let look = tokio::task::spawn_blocking(move || {
            let mark = mark(gate.folder());
            // Permissions can come back without a mark, so a file that could not be used is tried again each time.
            if is_in_trouble || seen != Some(mark) {
                is_in_trouble = !take_over(&gate, &door, is_in_trouble && seen == Some(mark));
            }
            (Some(mark), is_in_trouble)
        });
        // The task fails only when the runtime ends.
        let Ok(looked) = look.await else { return };
        (seen, is_in_trouble) = looked;
    }
}

/// Takes over what stands in the file, and ends the connections of keys that are gone. False when the file cannot be used.
pub(crate) fn take_over(gate: &Gate, door: &Door, is_known: bool) -> bool {
    match gate.reload() {
        Ok(revoked) => {
            for input in revoked {
                door.tell(Event::Input(input));
            }
            door.clear(PROBLEM);
            true
        }
        Err(_) if is_known => false,
        Err(diagnostics) => {
            let text = match diagnostics.first() {
                Some(first) => first.to_string(),
                None => String::from("the file with the keys has vanished"),
            };
            tracing::warn!(reason = text, "the keys that are in force stay in force");
            door.report(Report {
                id: PROBLEM.to_owned(),
                is_error: true,
                subject: format!("state/{FILE_NAME}"),
                text,
                hint: String::from(
                    "put a sound file back, or make the keys anew; until then the keys in force stay so",
                ),
            });
            false
        }
    }
}

fn mark(folder: &Path) -> Mark {
    let data = fs::metadata(folder.join(FILE_NAME)).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&data);
    #[cfg(not(unix))]
    let inode = 0;
    Some((data.modified().ok(), data.len(), inode))
}
