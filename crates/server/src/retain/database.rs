//! The file of retentive memory: `state/retain.db`, a SQLite database with one row for each context.
//!
//! An image is written in one transaction, and a transaction is on the disk when it returns (write-ahead log, `synchronous =
//! FULL`): whoever reads after a crash finds the whole image of the last or of an earlier one, never a mixture. One process
//! has the file to itself while it is open; a second one is told so.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use crate::state;

/// Name of the file in the state folder.
pub(crate) const RETAIN_FILE: &str = "retain.db";

/// Endings of the files that SQLite keeps beside a database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Damaged files that are set aside under names of their own. A further one takes the place of the last.
const ASIDE_MAX: u32 = 9;

/// How long to wait for a process that is just ending.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(1);

/// Pages of the write-ahead log after which it is written back: it stays below a megabyte.
const LOG_PAGES: u32 = 200;

/// Number of the arrangement of the tables.
const LAYOUT: i64 = 1;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS image (
    context  TEXT PRIMARY KEY NOT NULL,
    saved_at TEXT NOT NULL,
    bytes    BLOB,
    lost     TEXT
)";

const SAVE: &str = "INSERT INTO image (context, saved_at, bytes, lost) VALUES (?1, ?2, ?3, NULL)
    ON CONFLICT (context) DO UPDATE SET saved_at = ?2, bytes = ?3, lost = NULL";

const MARK_LOST: &str = "INSERT INTO image (context, saved_at, bytes, lost) VALUES (?1, ?2, NULL, ?3)
    ON CONFLICT (context) DO UPDATE SET saved_at = ?2, bytes = NULL, lost = ?3";

/// What is kept of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// The bytes of an image.
    Image(Vec<u8>),
    /// Nothing any more, for this reason.
    Lost(String),
}

/// Why values cannot be kept or read; the text is for people.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// Another process has the file.
    #[error("another hub runs on this project and holds {RETAIN_FILE}; end it, then start this one again")]
    InUse,
    /// It holds values that this run has not begun with, and would replace them.
    #[error(
        "{RETAIN_FILE} holds values that this run has not begun with; they are left alone until the hub is started again"
    )]
    NotRead,
    /// The file is not what was written.
    #[error("{RETAIN_FILE} is damaged ({0})")]
    Damaged(String),
    /// The file is there and has no bytes, as a power loss or a full disk leaves it.
    #[error("{RETAIN_FILE} is empty")]
    Empty,
    /// A newer Crosstie has written it.
    #[error("{RETAIN_FILE} has layout {0}, and this Crosstie reads layout {LAYOUT}")]
    TooNew(i64),
    /// The folder or the file cannot be made.
    #[error("{RETAIN_FILE} cannot be made: {0}")]
    Make(#[source] io::Error),
    /// Something else, such as a full disk.
    #[error("{RETAIN_FILE}: {0}")]
    Other(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> DatabaseError {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DatabaseError::InUse,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => DatabaseError::Damaged(error.to_string()),
            _ => DatabaseError::Other(error),
        }
    }
}

/// The open file.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
}

impl Database {
    /// Opens the file in a state folder, or makes it; both are for their owner only.
    ///
    /// # Errors
    ///
    /// See [`DatabaseError`].
    pub fn open(folder: &Path) -> Result<Database, DatabaseError> {
        Database::open_or(folder, false)
    }

    /// The same, and takes a file without bytes for a new one: whoever calls it has nothing to lose.
    pub(super) fn open_or_begin(folder: &Path) -> Result<Database, DatabaseError> {
        Database::open_or(folder, true)
    }

    fn open_or(folder: &Path, begins: bool) -> Result<Database, DatabaseError> {
        let path = folder.join(RETAIN_FILE);
        let is_blank = fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() == 0);
        state::make_folder(folder).map_err(DatabaseError::Make)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        state::private(&mut options).open(&path).map_err(DatabaseError::Make)?;
        let connection = Connection::open(&path)?;
        connection.busy_timeout(LOCK_WAIT_MAX)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if layout > LAYOUT {
            return Err(DatabaseError::TooNew(layout));
        }
        let found: String = connection.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
        if found != "ok" {
            return Err(DatabaseError::Damaged(found));
        }
        // Takes the file for this process, as long as it is open.
        connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;")?;
        if is_blank && !begins {
            return Err(DatabaseError::Empty);
        }
        if layout < LAYOUT {
            connection.execute(CREATE, ())?;
            connection.pragma_update(None, "user_version", LAYOUT)?;
        }
        Ok(Database { connection })
    }

    /// What is kept of a context; `None` when there has never been anything.
    ///
    /// # Errors
    ///
    /// See [`DatabaseError`].
    pub fn read(&self, context: &str) -> Result<Option<Stored>, DatabaseError> {
        let mut statement = self
            .connection
            .prepare("SELECT bytes, lost FROM image WHERE context = ?1")?;
        let found: Option<(Option<Vec<u8>>, Option<String>)> = statement
            .query_row([context], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(found.map(|(bytes, lost)| match bytes {
            Some(bytes) => Stored::Image(bytes),
            None => Stored::Lost(lost.unwrap_or_default()),
        }))
    }

    /// Whether nothing was ever kept in it.
    ///
    /// # Errors
    ///
    /// See [`DatabaseError`].
    pub fn is_empty(&self) -> Result<bool, DatabaseError> {
        let rows: i64 = self
            .connection
            .query_row("SELECT count(*) FROM image", (), |row| row.get(0))?;
        Ok(rows == 0)
    }

    /// Keeps the image of a context in the place of the one before. It is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// See [`DatabaseError`]; the one before stands then.
    pub fn save(&mut self, context: &str, image: &[u8]) -> Result<(), DatabaseError> {
        let now = state::rfc3339(SystemTime::now());
        // One statement is one transaction.
        let mut statement = self.connection.prepare(SAVE)?;
        statement.execute(params![context, now, image])?;
        Ok(())
    }

    /// Says of a context that what it kept is lost.
    ///
    /// # Errors
    ///
    /// See [`DatabaseError`].
    pub fn mark_lost(&mut self, context: &str, why: &str) -> Result<(), DatabaseError> {
        let now = state::rfc3339(SystemTime::now());
        self.connection.execute(MARK_LOST, params![context, now, why])?;
        Ok(())
    }
}

/// Gives a damaged file another name, with what belongs to it. Returns that name.
pub(super) fn set_aside(folder: &Path) -> io::Result<String> {
    let name = |number: u32| format!("{RETAIN_FILE}.damaged-{number}");
    let is_free = |number: &u32| !folder.join(name(*number)).exists();
    let aside = name((1..ASIDE_MAX).find(is_free).unwrap_or(ASIDE_MAX));
    for ending in COMPANIONS {
        let from = beside(folder, RETAIN_FILE, ending);
        if from.exists() {
            fs::rename(from, beside(folder, &aside, ending))?;
        }
    }
    fs::rename(folder.join(RETAIN_FILE), folder.join(&aside))?;
    Ok(aside)
}

/// A damaged file that was set aside, if there is one.
pub(super) fn found_aside(folder: &Path) -> Option<String> {
    let mut names = (1..=ASIDE_MAX).map(|number| format!("{RETAIN_FILE}.damaged-{number}"));
    names.find(|name| folder.join(name).exists())
}

fn beside(folder: &Path, name: &str, ending: &str) -> PathBuf {
    folder.join(format!("{name}{ending}"))
}
