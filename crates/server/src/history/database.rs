//! The file of the historian: one table of samples and one for each width of roll-up, by signal and time.

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crosstie_hub::signal::Value;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use super::rollup::Rolled;
use crate::state;

/// Name of the file in the state folder.
pub(super) const HISTORY_FILE: &str = "history.db";

/// Number of the arrangement of the tables.
const LAYOUT: i64 = 1;

/// How long a reader waits for the writer, and the writer for another process.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(2);

/// Rows that one cleaning removes at most, so that samples do not wait for it.
const CLEAN_ROWS_MAX: usize = 20_000;

/// The tables of roll-ups, by the index of their width.
pub(super) const ROLLED: [&str; 2] = ["second", "minute"];

const CREATE: &str = "
CREATE TABLE signal (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL);
CREATE TABLE raw (signal INTEGER NOT NULL, at_us INTEGER NOT NULL, value NOT NULL, quality TEXT,
    PRIMARY KEY (signal, at_us)) WITHOUT ROWID;
CREATE INDEX raw_at ON raw (at_us);
CREATE TABLE second (signal INTEGER NOT NULL, at_s INTEGER NOT NULL, min REAL NOT NULL, max REAL NOT NULL,
    area REAL NOT NULL, weight INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (signal, at_s)) WITHOUT ROWID;
CREATE INDEX second_at ON second (at_s);
CREATE TABLE minute (signal INTEGER NOT NULL, at_s INTEGER NOT NULL, min REAL NOT NULL, max REAL NOT NULL,
    area REAL NOT NULL, weight INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (signal, at_s)) WITHOUT ROWID;
CREATE INDEX minute_at ON minute (at_s);
";

/// Why the history cannot be kept or read; the text is for people.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryError {
    /// The folder or the file cannot be made.
    #[error("{HISTORY_FILE} cannot be made: {0}")]
    Make(#[source] io::Error),
    /// There is none.
    #[error("nothing was kept yet")]
    None,
    /// A newer Crosstie has written it.
    #[error("{HISTORY_FILE} has layout {0}, and this Crosstie reads layout {LAYOUT}")]
    TooNew(i64),
    /// What SQLite says, such as a full disk or a damaged file.
    #[error("{HISTORY_FILE}: {0}")]
    Other(#[from] rusqlite::Error),
}

impl HistoryError {
    /// The file, or the disk below it, is damaged: what is open of it is of no use any more.
    pub(super) fn is_damage(&self) -> bool {
        let HistoryError::Other(error) = self else { return false };
        let damage = [
            ErrorCode::DatabaseCorrupt,
            ErrorCode::NotADatabase,
            ErrorCode::SystemIoFailure,
        ];
        error.sqlite_error_code().is_some_and(|code| damage.contains(&code))
    }
}

/// The file, open for the one thread that writes.
#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
    /// The file and what SQLite keeps beside it, each as it was when it was opened.
    files: Vec<(PathBuf, Option<(u64, u64)>)>,
}

impl Database {
    /// Opens the file in a state folder, or makes it; both are for their owner only.
    pub(super) fn open(folder: &Path) -> Result<Database, HistoryError> {
        state::make_folder(folder).map_err(HistoryError::Make)?;
        let path = folder.join(HISTORY_FILE);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        state::private(&mut options).open(&path).map_err(HistoryError::Make)?;
        let connection = Connection::open(&path)?;
        connection.busy_timeout(LOCK_WAIT_MAX)?;
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        let layout: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if layout > LAYOUT {
            return Err(HistoryError::TooNew(layout));
        }
        if layout < LAYOUT {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute_batch(CREATE)?;
            transaction.pragma_update(None, "user_version", LAYOUT)?;
            transaction.commit()?;
        }
        let identified = ["", "-wal", "-shm"].map(|ending| {
            let path = folder.join(format!("{HISTORY_FILE}{ending}"));
            let data = path.metadata().ok();
            data.map(|data| (path, state::identity(&data)))
        });
        Ok(Database {
            connection,
            files: identified.into_iter().flatten().collect(),
        })
    }

    /// The path still leads to the file that is open: it was not removed, moved away or replaced.
    pub(super) fn is_in_place(&self) -> bool {
        self.files
            .first()
            .is_some_and(|(path, file)| state::is_still(path, *file))
    }

    /// Lets go of a file that is not in its place any more. What SQLite kept beside it goes, too: it belongs to no other file.
    pub(super) fn abandon(self) {
        let Database { connection, files } = self;
        drop(connection);
        for (path, file) in files.into_iter().skip(1) {
            if state::is_still(&path, file) {
                // It may have gone with the connection.
                drop(std::fs::remove_file(path));
            }
        }
    }

    /// The number of a signal in the file.
    pub(super) fn signal(&self, name: &str, kind: &str) -> Result<i64, HistoryError> {
        let mut statement = self.connection.prepare(
            "INSERT INTO signal (name, kind) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET kind = ?2 RETURNING id",
        )?;
        Ok(statement.query_row([name, kind], |row| row.get(0))?)
    }

    /// Writes samples and rows of roll-ups, all or none.
    pub(super) fn write(
        &mut self,
        samples: &[(i64, i64, &Value, &'static str)],
        rolled: &[(i64, usize, Rolled)],
    ) -> Result<(), HistoryError> {
        let transaction = self.connection.transaction()?;
        {
            let mut raw = transaction.prepare(
                "INSERT INTO raw (signal, at_us, value, quality) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (signal, at_us) DO UPDATE SET value = ?3, quality = ?4",
            )?;
            for (signal, at_us, value, quality) in samples {
                let quality = Some(*quality).filter(|word| *word != "good");
                match value {
                    Value::Bool(value) => raw.execute(params![signal, at_us, i64::from(*value), quality])?,
                    Value::Int(value) => raw.execute(params![signal, at_us, value, quality])?,
                    Value::Float(value) => raw.execute(params![signal, at_us, value, quality])?,
                    Value::Text(value) => raw.execute(params![signal, at_us, &**value, quality])?,
                };
            }
            for (index, table) in ROLLED.into_iter().enumerate() {
                let mut add = transaction.prepare(&format!(
                    "INSERT INTO {table} (signal, at_s, min, max, area, weight, count) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                     ON CONFLICT (signal, at_s) DO UPDATE SET min = min(min, ?3), max = max(max, ?4),
                         area = area + ?5, weight = weight + ?6, count = count + ?7"
                ))?;
                for (signal, _, row) in rolled.iter().filter(|(_, of, _)| *of == index) {
                    add.execute(params![
                        signal, row.at_s, row.min, row.max, row.area, row.weight, row.count
                    ])?;
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Samples in the file. Reads all of it.
    pub(super) fn rows(&self) -> Result<u64, HistoryError> {
        let rows: i64 = self
            .connection
            .query_row("SELECT count(*) FROM raw", (), |row| row.get(0))?;
        Ok(rows.unsigned_abs())
    }

    /// Removes what is older than these times (microseconds for samples, seconds for the roll-ups), a part at a time. Gives how many
    /// samples went, and whether there may be more that is too old.
    pub(super) fn clean(&self, raw_us: i64, rolled_s: [i64; 2]) -> Result<(usize, bool), HistoryError> {
        let samples = self.connection.execute(
            "DELETE FROM raw WHERE (signal, at_us) IN
                (SELECT signal, at_us FROM raw WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)",
            params![raw_us, CLEAN_ROWS_MAX as i64],
        )?;
        let mut removed = samples;
        for (table, before) in ROLLED.into_iter().zip(rolled_s) {
            let delete = format!(
                "DELETE FROM {table} WHERE (signal, at_s) IN
                    (SELECT signal, at_s FROM {table} WHERE at_s < ?1 ORDER BY at_s LIMIT ?2)"
            );
            removed = removed.max(
                self.connection
                    .execute(&delete, params![before, CLEAN_ROWS_MAX as i64])?,
            );
        }
        Ok((samples, removed >= CLEAN_ROWS_MAX))
    }

    /// Removes the oldest samples, and where there are none the oldest rows of roll-ups, whatever their age: the file is to be
    /// smaller. Gives how many samples went; `None` when nothing is left.
    pub(super) fn shed(&self) -> Result<Option<usize>, HistoryError> {
        for (table, at) in [("raw", "at_us"), ("second", "at_s"), ("minute", "at_s")] {
            let delete = format!(
                "DELETE FROM {table} WHERE (signal, {at}) IN (SELECT signal, {at} FROM {table} ORDER BY {at} LIMIT ?1)"
            );
            let removed = self.connection.execute(&delete, [CLEAN_ROWS_MAX as i64])?;
            if removed > 0 {
                return Ok(Some(if table == "raw" { removed } else { 0 }));
            }
        }
        Ok(None)
    }

    /// Gives the room of removed rows back to the system.
    pub(super) fn shrink(&self) -> Result<(), HistoryError> {
        Ok(self.connection.execute_batch("PRAGMA incremental_vacuum(20000)")?)
    }

    /// Bytes of the file that hold something.
    pub(super) fn bytes(&self) -> Result<u64, HistoryError> {
        let number = |pragma: &str| {
            self.connection
                .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
        };
        let pages = number("page_count")?.saturating_sub(number("freelist_count")?);
        Ok(u64::try_from(pages * number("page_size")?).unwrap_or_default())
    }
}

/// A connection that only reads.
pub(super) fn reader(folder: &Path) -> Result<Connection, HistoryError> {
    let path = folder.join(HISTORY_FILE);
    if !path.exists() {
        return Err(HistoryError::None);
    }
    let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
        // The hub has only begun to make it.
        0 => Err(HistoryError::None),
        layout if layout > LAYOUT => Err(HistoryError::TooNew(layout)),
        _ => Ok(connection),
    }
}
