//! The store of retentive memory: what PLC contexts keep over a power loss (PL-37), on a thread of its own.
//!
//! ```text
//!   hub ─▶ Output::Retain ─▶ a slot for each context ─▶ retain thread ─▶ state/retain.db (one transaction each)
//!                                                        └─▶ Input::Retained at the core's door
//! ```
//!
//! The core lays the newest image of a context into its slot and goes on; one that still waits there is replaced. What could
//! not be written stays in its slot and is tried again. What an earlier run has kept is read before the hub begins.

mod database;

pub(crate) use database::RETAIN_FILE;
pub use database::{Database, DatabaseError, Stored};

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crosstie_hub::Input;
use crosstie_hub::plc::PlcId;
use crosstie_hub::settings::{PlcSettings, RetainStart};
use crosstie_ladder::retain::RetainImage;

use crate::core_task::{Door, Event};

/// How often what could not be written is tried again when no newer image comes.
const TRY_EVERY: Duration = Duration::from_secs(5);

/// The core's end of the store. The thread writes what waits and ends when this is dropped.
#[derive(Debug)]
pub(crate) struct RetainStore {
    shared: Arc<Shared>,
}

/// What both ends look at.
#[derive(Debug, Default)]
struct Shared {
    slots: Mutex<Slots>,
    changed: Condvar,
}

/// The newest image of each context that is not written.
#[derive(Debug, Default)]
struct Slots {
    waiting: BTreeMap<PlcId, Waiting>,
    /// There is one that was not tried yet.
    is_fresh: bool,
    /// No further image comes.
    is_over: bool,
}

/// An image in its slot.
#[derive(Clone, Debug)]
struct Waiting {
    context: String,
    number: u64,
    image: Arc<RetainImage>,
}

impl RetainStore {
    /// Starts the thread. Without a database it tries to open one with every image.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn start(
        folder: PathBuf,
        database: Option<Database>,
        door: Door,
    ) -> io::Result<(RetainStore, JoinHandle<()>)> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name(String::from("retain"))
            .spawn(move || write_until_over(&theirs, &folder, database, &door))?;
        Ok((RetainStore { shared }, thread))
    }

    /// Lays an image into the slot of its context. Never waits for the disk.
    pub(crate) fn hand_in(&self, plc: PlcId, context: String, number: u64, image: Arc<RetainImage>) {
        let mut slots = self.shared.lock();
        let waiting = Waiting { context, number, image };
        slots.waiting.insert(plc, waiting);
        slots.is_fresh = true;
        self.shared.changed.notify_one();
    }
}

impl Drop for RetainStore {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        // Nothing that holds the lock can panic between two changes that belong together.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for images; with some that could not be written, not for ever. Also gives whether these are the last.
    fn take(&self) -> (Vec<(PlcId, Waiting)>, bool) {
        let mut slots = self.lock();
        while !slots.is_fresh && !slots.is_over {
            if slots.waiting.is_empty() {
                slots = self.changed.wait(slots).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.changed.wait_timeout(slots, TRY_EVERY);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            slots = after;
            if timeout.timed_out() {
                break;
            }
        }
        slots.is_fresh = false;
        let waiting = slots.waiting.iter().map(|(plc, waiting)| (*plc, waiting.clone()));
        (waiting.collect(), slots.is_over)
    }

    /// An image is written: its slot is free, when no newer one lies there.
    fn written(&self, plc: PlcId, number: u64) {
        let mut slots = self.lock();
        if slots.waiting.get(&plc).is_some_and(|waiting| waiting.number == number) {
            slots.waiting.remove(&plc);
        }
    }
}

fn write_until_over(shared: &Shared, folder: &Path, database: Option<Database>, door: &Door) {
    let mut file = database.map_or(File::Closed, File::Open);
    loop {
        let (images, is_over) = shared.take();
        for (plc, waiting) in images {
            let Waiting { context, number, image } = waiting;
            let written = write(&mut file, folder, &context, &image);
            match &written {
                Ok(()) => shared.written(plc, number),
                Err(error) if is_over => {
                    tracing::error!(context, %error, "the last values of the retentive memory are not kept");
                }
                // The hub tells it as a problem.
                Err(_) => {}
            }
            let result = written.map_err(|error| error.to_string());
            door.tell(Event::Input(Input::Retained { plc, number, result }));
        }
        if is_over {
            return;
        }
    }
}

/// The file as the thread has it.
#[derive(Debug)]
enum File {
    Open(Database),
    /// It could not be opened so far.
    Closed,
    /// It holds what this run did not begin with.
    Barred,
}

fn write(file: &mut File, folder: &Path, context: &str, image: &RetainImage) -> Result<(), DatabaseError> {
    let open = match file {
        File::Open(open) => open,
        File::Barred => return Err(DatabaseError::NotRead),
        File::Closed => {
            let open = Database::open_or_begin(folder)?;
            // It could not be read at the start. What others have kept in it since, or before, is not this run's to replace.
            if !open.is_empty()? {
                *file = File::Barred;
                return Err(DatabaseError::NotRead);
            }
            *file = File::Open(open);
            return write(file, folder, context, image);
        }
    };
    open.save(context, &image.to_bytes())
}

/// Looks up what the contexts of a project have kept, and says with what each begins. The database is for
/// [`RetainStore::start`]; `None` when it cannot be opened. `is_cold` asks for zeros.
pub(crate) fn read(folder: &Path, plcs: &mut [PlcSettings], is_cold: bool) -> Option<Database> {
    let (database, lost) = match Database::open(folder) {
        Ok(database) => missed(database, folder, plcs, is_cold),
        Err(error @ (DatabaseError::Damaged(_) | DatabaseError::Empty)) => replace(folder, plcs, &error, is_cold),
        Err(error) => (None, Some(error.to_string())),
    };
    for plc in plcs {
        let Some(retain) = &mut plc.retain else { continue };
        retain.start = match (is_cold, &lost, &database) {
            (true, ..) | (false, None, None) => RetainStart::Cold,
            (false, Some(lost), _) => RetainStart::Lost(lost.clone()),
            (false, None, Some(database)) => start_of(database.read(&plc.name)),
        };
    }
    database
}

fn start_of(stored: Result<Option<Stored>, DatabaseError>) -> RetainStart {
    match stored {
        Ok(None) => RetainStart::Cold,
        Ok(Some(Stored::Lost(why))) => RetainStart::Lost(why),
        Ok(Some(Stored::Image(bytes))) => match RetainImage::from_bytes(&bytes) {
            Ok(image) => RetainStart::Warm(Arc::new(image)),
            Err(error) => RetainStart::Lost(error.to_string()),
        },
        Err(error) => RetainStart::Lost(error.to_string()),
    }
}

/// A database in which nothing was ever kept, beside one that was set aside: the power went, or the disk was full, before the loss
/// was written down. It is now.
fn missed(
    mut database: Database,
    folder: &Path,
    plcs: &[PlcSettings],
    is_cold: bool,
) -> (Option<Database>, Option<String>) {
    let aside = match database.is_empty() {
        Ok(true) if !is_cold => database::found_aside(folder),
        _ => None,
    };
    let Some(aside) = aside else {
        return (Some(database), None);
    };
    let why = format!("what was kept stands in {aside}, which was set aside as damaged");
    match mark_all(&mut database, plcs, &why) {
        Ok(()) => (Some(database), Some(why)),
        Err(error) => (None, Some(format!("{why}; {error}"))),
    }
}

fn mark_all(database: &mut Database, plcs: &[PlcSettings], why: &str) -> Result<(), DatabaseError> {
    let keeping = plcs.iter().filter(|plc| plc.retain.is_some());
    for plc in keeping {
        database.mark_lost(&plc.name, why)?;
    }
    Ok(())
}

/// A damaged database is set aside for whoever wants to look at it. The new one says of every context that its values are
/// lost, so that they are missed at the next start, too, until somebody has looked.
fn replace(
    folder: &Path,
    plcs: &[PlcSettings],
    error: &DatabaseError,
    is_cold: bool,
) -> (Option<Database>, Option<String>) {
    let aside = match database::set_aside(folder) {
        Ok(aside) => aside,
        Err(io_error) => {
            let text = format!("{error}, and it cannot be set aside: {io_error}");
            return (None, Some(text));
        }
    };
    let why = format!("{error}; it is set aside as {aside}");
    tracing::error!("{why}");
    let marked = Database::open(folder).and_then(|mut database| {
        if !is_cold {
            mark_all(&mut database, plcs, &why)?;
        }
        Ok(database)
    });
    match marked {
        Ok(database) => (Some(database), Some(why)),
        Err(error) => (None, Some(format!("{why}; no new one can be made: {error}"))),
    }
}

#[cfg(test)]
mod tests;
