//! The files that the hub makes itself, in the state folder of a project: private, written whole, changed under a lock.
//!
//! A running hub and the command line change the same files. Whoever changes one holds its lock file meanwhile, so that
//! neither loses what the other has written; the system takes the lock back from a process that ends.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use data_encoding::HEXLOWER;

/// How long to wait for a lock that somebody else holds. Then the change is given up: the holder hangs.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// Pause between two looks at a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Locked {
    _file: File,
}

/// Makes the state folder if there is none; only its owner may look into a new one.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Takes the lock of this name in a state folder, which is made if there is none.
///
/// # Errors
///
/// The folder takes no file, or somebody else has held the lock for five seconds.
pub(crate) fn lock(folder: &Path, name: &str) -> io::Result<Locked> {
    make_folder(folder)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = private(&mut options).open(folder.join(name))?;
    let until = Instant::now() + LOCK_WAIT_MAX;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Locked { _file: file }),
            Err(TryLockError::WouldBlock) if Instant::now() < until => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {
                let text = format!("another process holds {name} in the state folder and does not let go of it");
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Files made with these options are for their owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Which file this is whatever it is called: device and inode. `None` where the system has no such numbers.
#[cfg(unix)]
pub(crate) fn identity(data: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((data.dev(), data.ino()))
}

/// Which file this is; this system has no such numbers.
#[cfg(not(unix))]
pub(crate) fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Whether a path still leads to the file that was opened. Where the system does not say, it does.
pub(crate) fn is_still(path: &Path, opened: Option<(u64, u64)>) -> bool {
    match fs::metadata(path) {
        Ok(data) => identity(&data) == opened,
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

/// Puts a new private file in the place of an old one in one step: whoever reads meets the one or the other, also after a
/// power failure.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let temporary = path.with_file_name(format!(".{name}.{}.{number}.new", std::process::id()));
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    match written {
        Ok(()) => sync_folder(path),
        Err(error) => {
            // The error that counts is the one above; a file left over does no harm.
            drop(fs::remove_file(&temporary));
            Err(error)
        }
    }
}

fn write_new(temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let mut file = private(&mut options).open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts the names of a folder's files on the disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and a rename is on the disk when it returns.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Name of the file with the id of the engine.
const ENGINE_ID: &str = "engine-id";

/// The id by which clients know the PLC engines again: a random UUID that is made once and kept in the state folder (PL-3).
///
/// # Errors
///
/// The folder takes no file, or the system gives no chance.
pub(crate) fn engine_id(folder: &Path) -> io::Result<String> {
    let path = folder.join(ENGINE_ID);
    // One that is there is read without the lock: the folder may be for reading only.
    if let Ok(kept) = fs::read_to_string(&path)
        && is_uuid(kept.trim())
    {
        return Ok(kept.trim().to_owned());
    }
    let _locked = lock(folder, "engine-id.lock")?;
    match fs::read_to_string(&path) {
        Ok(kept) if is_uuid(kept.trim()) => return Ok(kept.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        // One that somebody has spoilt is made anew: nothing but the recognition hangs on it.
        _ => {}
    }
    let mut chance = [0; 16];
    getrandom::fill(&mut chance).map_err(io::Error::other)?;
    let made = uuid(chance);
    write_whole(&path, format!("{made}\n").as_bytes())?;
    Ok(made)
}

/// A name that nobody else has, for a folder of a moment.
///
/// # Errors
///
/// The system gives no chance.
pub(crate) fn random_name() -> io::Result<String> {
    let mut chance = [0; 16];
    getrandom::fill(&mut chance).map_err(io::Error::other)?;
    Ok(uuid(chance))
}

/// A UUID of version 4 (RFC 9562) of these random bytes.
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}

fn is_uuid(text: &str) -> bool {
    let is_sign = |(at, sign): (usize, u8)| match at {
        8 | 13 | 18 | 23 => sign == b'-',
        _ => sign.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_sign)
}

/// A time as people and programs read it: RFC 3339 in UTC with milliseconds, `2026-03-01T09:30:00.250Z`.
pub(crate) fn rfc3339(at: SystemTime) -> String {
    // A clock before 1970 is a clock that nobody has set.
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let millis = since.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a number of days since 1970-01-01. Years are counted from March, so that a leap day stands last.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    const DAYS_BEFORE_1970: u64 = 719_468;
    let days = days + DAYS_BEFORE_1970;
    let (era, day) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let day = day - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        let check = |millis: u64, expected: &str| {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_millis(millis)), expected);
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_709_251_199_999, "2024-02-29T23:59:59.999Z");
        check(1_709_251_200_000, "2024-03-01T00:00:00.000Z");
        check(1_798_761_599_001, "2026-12-31T23:59:59.001Z");
        check(4_107_542_400_000, "2100-03-01T00:00:00.000Z");
        assert_eq!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn the_id_of_the_engine_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let id = engine_id(folder.path()).unwrap();
        assert!(is_uuid(&id) && id.as_bytes()[14] == b'4', "{id}");
        assert_eq!(engine_id(folder.path()).unwrap(), id);
        fs::write(folder.path().join(ENGINE_ID), "what is this?").unwrap();
        let other = engine_id(folder.path()).unwrap();
        assert!(is_uuid(&other) && other != id);
        assert_eq!(uuid([0xFF; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn a_file_is_replaced_whole_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a/state");
        let _locked = lock(&state, "x.lock").unwrap();
        let path = state.join("x");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(&state).unwrap().count(), 2, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&state), mode(&path)), (0o700, 0o600));
        }
    }

    #[test]
    fn what_two_change_under_the_lock_is_not_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("count");
        fs::write(&path, "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let _locked = lock(folder.path(), "count.lock").unwrap();
                        let count: u32 = fs::read_to_string(&path).unwrap().parse().unwrap();
                        write_whole(&path, (count + 1).to_string().as_bytes()).unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read_to_string(&path).unwrap(), "100");
    }
}
