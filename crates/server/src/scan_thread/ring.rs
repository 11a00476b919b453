//! The two rings between the core and a scan thread: of fixed size, without a lock on either side.

use std::sync::mpsc::SyncSender;

use crate::io::Devices;
use crosstie_hub::plc::engine::ROOM_MIN;
use crosstie_hub::plc::{Entry, EntrySink, Numbered};
use rtrb::{Consumer, Producer, RingBuffer};

/// Entries that wait for the core. While there is room for less than one full report the engine merges what its scans
/// change, and takes no orders.
const ENTRIES_MAX: usize = 4 * ROOM_MIN;

/// Orders that wait for a scan thread. What routes say waits beside the ring when only [`ORDERS_RESERVED`] places are free;
/// another order that finds none is answered as refused.
pub(super) const ORDERS_MAX: usize = 4_096;

/// Places of the ring of orders that routes leave free: the hub has at most 256 other orders on their way to one engine.
pub(super) const ORDERS_RESERVED: usize = 512;

/// Exchanges of devices that wait for a scan thread: one is asked for when the one before is done, and one more at the end.
pub(super) const EXCHANGES_MAX: usize = 8;

/// Makes the ring of entries.
pub(super) fn entries() -> (RingSink, Consumer<Entry>) {
    let (producer, consumer) = RingBuffer::new(ENTRIES_MAX);
    (RingSink { producer }, consumer)
}

/// Makes the ring of orders.
pub(super) fn orders() -> (Producer<Numbered>, Consumer<Numbered>) {
    RingBuffer::new(ORDERS_MAX)
}

/// Other devices for a scan thread.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// What it is to have from now on.
    pub(crate) devices: Box<Devices>,
    /// Where those go that it had; when nobody waits for them they are closed.
    pub(crate) give_back: SyncSender<Box<Devices>>,
}

/// Makes the ring of exchanges.
pub(super) fn exchanges() -> (Producer<Exchange>, Consumer<Exchange>) {
    RingBuffer::new(EXCHANGES_MAX)
}

/// The scan thread's end of the ring of entries.
#[derive(Debug)]
pub(super) struct RingSink {
    producer: Producer<Entry>,
}

impl EntrySink for RingSink {
    fn room(&self) -> usize {
        self.producer.slots()
    }

    fn push(&mut self, entry: Entry) {
        // The engine has asked for room, and keeps the rest of it for the events that it tells without asking.
        let pushed = self.producer.push(entry);
        debug_assert!(pushed.is_ok(), "an engine pushes no more than there is room for");
    }
}
