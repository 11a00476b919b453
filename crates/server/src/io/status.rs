//! How a device stands: written by whoever serves it, read by the core when it is told that there is news.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crosstie_hub::plc::{DeviceReport, DeviceState};

const WAITING: u8 = 0;
const UP: u8 = 1;
const DOWN: u8 = 2;

/// How one device stands. Tasks and threads of devices say it in words; the border of a scan says it without a lock.
pub(crate) struct Status {
    state: AtomicU8,
    errors: AtomicU64,
    /// What the system said at the border of a scan; 0 where the reason stands in words.
    os_error: AtomicI32,
    reason: Mutex<String>,
    /// Counts everything that a report shows.
    version: AtomicU64,
    /// Tells the core that there is news. Not called at the border of a scan: the scan itself is news.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Status").field(&self.report()).finish()
    }
}

impl Status {
    /// A device that has not answered yet. `wake` tells the core that there is news; it may be called often.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Status {
        Status {
            state: AtomicU8::new(WAITING),
            errors: AtomicU64::new(0),
            os_error: AtomicI32::new(0),
            reason: Mutex::default(),
            version: AtomicU64::new(0),
            wake: Box::new(wake),
        }
    }

    /// The device is being opened: it has not answered. Not for the border of a scan.
    pub(crate) fn opening(&self) {
        self.set(WAITING, String::new());
    }

    /// The device answers. Not for the border of a scan.
    pub(crate) fn up(&self) {
        self.set(UP, String::new());
    }

    /// The device does not answer; `reason` says why and what to do. Not for the border of a scan.
    pub(crate) fn down(&self, reason: String) {
        // One that has never answered is still waited for.
        let is_new = self.state.load(Ordering::Acquire) == WAITING;
        self.set(if is_new { WAITING } else { DOWN }, reason);
    }

    /// The device cannot be opened: nobody waits for it. Not for the border of a scan.
    pub(crate) fn broken(&self, reason: String) {
        self.set(DOWN, reason);
    }

    /// Something went wrong. Not for the border of a scan.
    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.changed();
        (self.wake)();
    }

    /// At the border of a scan: the device could not be read or written, and the system says this.
    #[cfg_attr(
        not(any(test, all(feature = "gpio", target_os = "linux"))),
        expect(dead_code, reason = "for devices that are moved at the border itself: GPIO lines")
    )]
    pub(crate) fn border_failed(&self, os_error: i32) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        self.os_error.store(os_error, Ordering::Relaxed);
        self.state.store(DOWN, Ordering::Release);
        self.changed();
    }

    /// At the border of a scan: the device was read and written.
    #[cfg_attr(
        not(any(test, all(feature = "gpio", target_os = "linux"))),
        expect(dead_code, reason = "for devices that are moved at the border itself: GPIO lines")
    )]
    pub(crate) fn border_worked(&self) {
        if self.state.load(Ordering::Relaxed) != UP {
            self.state.store(UP, Ordering::Release);
            self.changed();
        }
    }

    /// Whether it answers.
    pub(crate) fn is_up(&self) -> bool {
        self.state.load(Ordering::Acquire) == UP
    }

    /// Counts everything that a report shows.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// All of it.
    pub(crate) fn report(&self) -> DeviceReport {
        let state = match self.state.load(Ordering::Acquire) {
            UP => DeviceState::Up,
            DOWN => DeviceState::Down,
            _ => DeviceState::Waiting,
        };
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reason = match self.os_error.load(Ordering::Relaxed) {
            0 => reason,
            code => io::Error::from_raw_os_error(code).to_string(),
        };
        DeviceReport {
            state,
            reason: Some(reason).filter(|reason| state != DeviceState::Up && !reason.is_empty()),
            errors: self.errors.load(Ordering::Relaxed),
        }
    }

    fn set(&self, state: u8, reason: String) {
        {
            let mut told = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
            self.os_error.store(0, Ordering::Relaxed);
            let before = self.state.swap(state, Ordering::AcqRel);
            if before == state && *told == reason {
                return;
            }
            *told = reason;
        }
        self.changed();
        (self.wake)();
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }
}
