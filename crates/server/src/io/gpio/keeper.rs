//! The keeper of GPIO lines: a thread that requests lines again which have failed.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::Thread;
use std::time::Duration;

use super::lines::Chip;
use super::{Requested, Status, Wanted};

/// How often it looks whether lines have failed, and how long it waits before it requests them once more.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What the thread works with.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) chip: Box<dyn Chip>,
    pub(super) wanted: Wanted,
    pub(super) status: Arc<Status>,
    /// Lines that have failed.
    pub(super) lost: rtrb::Consumer<Requested>,
    /// Lines that work again.
    pub(super) back: rtrb::Producer<Requested>,
}

impl Keeper {
    /// Starts the thread. It ends with its device, and holds `alive` until then.
    pub(super) fn start(mut self, alive: SyncSender<()>) -> io::Result<Thread> {
        let builder = std::thread::Builder::new().name(String::from("gpio keeper"));
        let handle = builder.spawn(move || {
            self.run();
            drop(alive);
        })?;
        Ok(handle.thread().clone())
    }

    fn run(&mut self) {
        while !self.lost.is_abandoned() {
            if let Ok(lines) = self.lost.pop() {
                // They must be given back before they can be had again.
                drop(lines);
                self.bring_back();
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
    }

    fn bring_back(&mut self) {
        while !self.lost.is_abandoned() {
            match self.wanted.request(&*self.chip) {
                Ok(lines) => {
                    let _ = self.back.push(lines);
                    return;
                }
                Err(text) => self.status.down(text),
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
    }
}
