//! Retentive memory (PL-37): when an image of the listed places is taken, and what becomes of it.
//!
//! ```text
//!   change of a listed place ─▶ due (a second after the last) ─▶ Order::TellRetained ─▶ engine, between two scans
//!   stop, fault, reset, download, end of the hub ─▶ at once ─┘                            │
//!   Output::Retain ◀─ differs from the last one? ◀─ Entry::Retained ◀────────────────────┘
//! ```
//!
//! The engine takes the image itself, between two scans, so that it never holds half of one; the mirror would not do, because
//! it does not know what stands under a force. The hub never waits for the store: it hands an image over and hears later what
//! became of it.

use super::PlcId;
use super::context::Context;
use super::order::Order;
use super::orders::{Asked, Effect};
use crate::api::plc::RetainRow;
use crate::hub::Hub;
use crate::output::{Level, Output};
use crate::settings::{RetainSettings, RetainStart};
use crate::time::Time;
use crate::timers::Alarm;
use crosstie_ladder::controller::ControllerState;
use crosstie_ladder::data_table::WordIndex;
use crosstie_ladder::retain::{RetainImage, RetainList};
use std::sync::Arc;
use std::time::Duration;

/// Pause between two images of a context that scans on: what a power loss can cost at most, and what wears a disk.
pub const KEEP_EVERY: Duration = Duration::from_secs(1);

/// What a context with a list remembers of it.
#[derive(Debug)]
pub(crate) struct Keeper {
    list: Arc<RetainList>,
    /// Something of the list may have changed since an image was asked for.
    is_due: bool,
    /// The engine was asked and has not answered.
    is_asked: bool,
    /// The next image is asked for then at the earliest.
    not_before: Time,
    /// When the hub looks again.
    alarm: Option<Time>,
    /// What was kept is lost and nobody has looked at it yet: nothing takes its place.
    is_held: bool,
    /// A listed place is forced: what the program writes under it is not told.
    is_forced: bool,
    /// The image that the store was given last, or has given.
    newest: Option<Arc<RetainImage>>,
    /// Its number.
    number: u64,
    /// The store has not said yet what became of it.
    is_saving: bool,
    is_restored: bool,
    saved_at: Option<Time>,
    error: Option<String>,
}

impl Keeper {
    pub(crate) fn new(settings: &RetainSettings) -> Keeper {
        let newest = match &settings.start {
            RetainStart::Warm(image) => Some(Arc::new(image.within(&settings.list))),
            RetainStart::Cold | RetainStart::Lost(_) => None,
        };
        Keeper {
            list: Arc::clone(&settings.list),
            is_due: false,
            is_asked: false,
            not_before: Time::ZERO,
            alarm: None,
            is_held: matches!(settings.start, RetainStart::Lost(_)),
            is_forced: false,
            newest,
            number: 0,
            is_saving: false,
            is_restored: false,
            saved_at: None,
            error: None,
        }
    }

    pub(crate) fn row(&self) -> RetainRow {
        RetainRow {
            places: self.list.texts().to_vec(),
            saved_at: self.saved_at,
            is_restored: self.is_restored,
            error: self.error.clone(),
        }
    }

    /// The engine could not tell: it is asked again, later.
    fn ask_later(&mut self, now: Time) {
        self.is_asked = false;
        self.is_due = true;
        self.not_before = now + KEEP_EVERY;
    }
}

impl Context {
    /// A word has changed.
    pub(crate) fn note_kept(&mut self, word: WordIndex) {
        if let Some(keeper) = &mut self.keeper {
            keeper.is_due |= keeper.list.mask(word) != 0;
        }
    }

    /// The forced bits of a word are others.
    pub(crate) fn note_forced(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        let words = self.mirror.masks().iter().enumerate();
        let mut forced = words.filter(|(_, mask)| **mask != 0);
        keeper.is_forced = forced.any(|(index, mask)| {
            let kept = WordIndex::new(index).map_or(0, |word| keeper.list.mask(word));
            kept & mask != 0
        });
        keeper.is_due = true;
    }
}

impl Hub {
    /// Gives a new context what was kept. True when it may start by itself.
    pub(crate) fn begin_memory(&mut self, plc: PlcId, settings: &RetainSettings) -> bool {
        match &settings.start {
            RetainStart::Cold => {
                // What an earlier run may have kept is not to come back.
                self.keep_now(plc);
                true
            }
            RetainStart::Warm(image) => {
                let image = Box::new(image.within(&settings.list));
                self.plc_order(plc, Order::Restore(image), Effect::Restored, Asked::Start);
                true
            }
            RetainStart::Lost(why) => {
                let why = why.clone();
                if let Some(keeper) = self.keeper(plc) {
                    keeper.error = Some(why.clone());
                }
                self.plc_memory_is_lost(plc, &why);
                false
            }
        }
    }

    /// What the list names is 0 by somebody's will, or there is another program: that is kept at once.
    pub(crate) fn keep_now(&mut self, plc: PlcId) {
        let now = self.now;
        let Some(keeper) = self.keeper(plc) else { return };
        keeper.is_due = true;
        keeper.not_before = now;
        self.keep_when_due(plc);
    }

    /// A reset has cleared the memory: nobody waits any more for what was lost.
    pub(crate) fn keep_emptied(&mut self, plc: PlcId) {
        if let Some(keeper) = self.keeper(plc) {
            keeper.is_held = false;
        }
        self.keep_now(plc);
    }

    /// Memory is there again after a power loss.
    pub(crate) fn memory_is_restored(&mut self, plc: PlcId) {
        let Some(keeper) = self.keeper(plc) else { return };
        keeper.is_restored = true;
        if let Some(context) = self.plcs.get(plc) {
            let text = format!("{}: the retentive memory is restored", context.settings.name);
            self.log(Level::Info, None, text);
        }
    }

    /// Asks the engine for an image when one is due, or sets the time for it.
    pub(crate) fn keep_when_due(&mut self, plc: PlcId) {
        let now = self.now;
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let Some(keeper) = &mut context.keeper else { return };
        if context.state == ControllerState::Running {
            // Somebody has started it although what it kept is lost: what it does from now on counts.
            keeper.is_due |= keeper.is_forced || std::mem::take(&mut keeper.is_held);
        }
        if !keeper.is_due || keeper.is_asked || keeper.is_held {
            return;
        }
        if context.next_rung.is_some() && keeper.not_before <= now {
            // Half a scan is no image.
            keeper.not_before = now + KEEP_EVERY;
        }
        if keeper.not_before > now {
            let at = keeper.not_before;
            if keeper.alarm.replace(at) != Some(at) {
                self.timers.set(at, Alarm::PlcMemory(plc));
            }
            return;
        }
        keeper.is_due = false;
        keeper.is_asked = true;
        keeper.not_before = now + KEEP_EVERY;
        let blank = Box::new(RetainImage::blank(&keeper.list));
        self.plc_order(plc, Order::TellRetained(blank), Effect::None, Asked::Memory);
    }

    /// The time of [`Hub::keep_when_due`] has come.
    pub(crate) fn memory_alarm(&mut self, plc: PlcId, at: Time) {
        if let Some(keeper) = self.keeper(plc)
            && keeper.alarm.take_if(|alarm| *alarm == at).is_some()
        {
            self.keep_when_due(plc);
        }
    }

    /// An engine could not tell its memory.
    pub(crate) fn memory_not_told(&mut self, plc: PlcId) {
        let now = self.now;
        if let Some(keeper) = self.keeper(plc) {
            keeper.ask_later(now);
            self.keep_when_due(plc);
        }
    }

    /// An engine tells what stands in its listed places. The store gets what is new in it.
    pub(crate) fn memory_told(&mut self, plc: PlcId, image: RetainImage) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let Some(keeper) = &mut context.keeper else { return };
        keeper.is_asked = false;
        if keeper.newest.as_deref() == Some(&image) {
            return;
        }
        let image = Arc::new(image);
        keeper.newest = Some(Arc::clone(&image));
        keeper.number += 1;
        keeper.is_saving = true;
        self.outputs.push(Output::Retain {
            plc,
            context: context.settings.name.clone(),
            number: keeper.number,
            image,
        });
    }

    /// What became of an image.
    pub(crate) fn memory_saved(&mut self, plc: PlcId, number: u64, result: Result<(), String>) {
        let now = self.time();
        let Some(keeper) = self.keeper(plc) else { return };
        if number == keeper.number {
            keeper.is_saving = false;
        }
        match result {
            Ok(()) => {
                keeper.saved_at = Some(now);
                keeper.error = None;
                self.plc_memory_is_kept(plc);
            }
            Err(why) => {
                keeper.error = Some(why.clone());
                self.plc_memory_is_not_kept(plc, &why);
            }
        }
    }

    /// The hub ends: what stands in the listed places is kept once more. [`Hub::keeps_memory`] says when that is done.
    pub(crate) fn keep_all_now(&mut self) {
        let plcs: Vec<PlcId> = self.plcs.contexts.iter().map(|context| context.plc).collect();
        plcs.into_iter().for_each(|plc| self.keep_now(plc));
    }

    /// Whether an image is on its way from an engine or to the store. A driver that ends waits for it, as long as it likes.
    pub fn keeps_memory(&self) -> bool {
        let mut keepers = self.plcs.contexts.iter().filter_map(|context| context.keeper.as_ref());
        keepers.any(|keeper| keeper.is_asked || keeper.is_saving)
    }

    fn keeper(&mut self, plc: PlcId) -> Option<&mut Keeper> {
        self.plcs.get_mut(plc)?.keeper.as_mut()
    }
}
