//! The devices of a PLC: what moves its inputs and what its outputs move.
//!
//! ```text
//!                    ┌─ virtual: nothing
//!   scan thread ─ Devices ─ GPIO: asks the kernel at the border
//!                    └─ Modbus TCP: an image of atomics ─ task ─ socket
//! ```
//!
//! A scan thread reads all devices before a scan and writes all of them after it. Neither waits, takes a lock or allocates:
//! a device that is slow keeps an image, which something else brings up to date. Devices are opened and closed elsewhere too,
//! and how they stand is told beside the entries of the engine, newest only.

#[cfg(all(feature = "gpio", target_os = "linux"))]
mod gpio;
#[cfg(feature = "modbus")]
mod image;
#[cfg(feature = "modbus")]
mod modbus;
mod open;
#[cfg(feature = "modbus")]
mod register;
mod status;

use std::fmt::Debug;
use std::sync::Arc;

use crosstie_hub::plc::DeviceInputs;
use crosstie_ladder::address::{INTEGER_WORDS, IO_WORDS};
use crosstie_ladder::project::IoClaims;

pub(crate) use open::{Job, Jobs, Opened, not_built_in};
pub(crate) use status::Status;

/// What a PLC has for its devices after a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outputs<'a> {
    /// The words of O. `None`: every output goes to its safe state, which for one that holds is what it was told last.
    pub(crate) bits: Option<&'a [u32; IO_WORDS]>,
    /// The words of N as the memory has them, an `i32` in each. They count only where `bits` is there.
    pub(crate) numbers: &'a [u32; INTEGER_WORDS],
}

/// A device as a scan thread has it. Its methods are called at the border of a scan: they never wait, take no lock, allocate
/// nothing and write no log. What goes wrong is told to the device's [`Status`].
pub(crate) trait Device: Debug + Send {
    /// Says what stands at its inputs: sets its bits in `inputs.bits.words` and marks them in `inputs.bits.driven`, and pushes
    /// its words of N to `inputs.numbers`, which has room for all. What it cannot read it leaves as it said it last.
    fn read(&mut self, inputs: &mut DeviceInputs);

    /// Carries what the PLC has. Called after every scan and every order, also when nothing has changed: the device compares.
    fn write(&mut self, outputs: &Outputs<'_>);
}

/// A device that is open, with what it moves and how it stands.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) device: Box<dyn Device>,
    pub(crate) claims: IoClaims,
    pub(crate) status: Arc<Status>,
}

/// All devices of one PLC.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    slots: Vec<Slot>,
    /// Inputs of a device that does not answer read as 0 (`on_io_failure = "zero"`).
    zero_lost: bool,
}

impl Devices {
    /// These devices. `zero_lost`: inputs of one that does not answer read as 0 instead of what they were.
    pub(crate) fn new(slots: Vec<Slot>, zero_lost: bool) -> Devices {
        Devices { slots, zero_lost }
    }

    /// Reads all devices before a scan.
    pub(crate) fn read(&mut self, inputs: &mut DeviceInputs) {
        inputs.bits.driven = [0; IO_WORDS];
        inputs.numbers.clear();
        for slot in &mut self.slots {
            let before = inputs.numbers.len();
            slot.device.read(inputs);
            if self.zero_lost && !slot.status.is_up() {
                let words = inputs.bits.words.iter_mut().zip(slot.claims.inputs);
                words.for_each(|(word, claimed)| *word &= !claimed);
                inputs.numbers[before..].iter_mut().for_each(|(_, number)| *number = 0);
            }
        }
    }

    /// Writes all devices after a scan or an order.
    pub(crate) fn write(&mut self, outputs: &Outputs<'_>) {
        self.slots.iter_mut().for_each(|slot| slot.device.write(outputs));
    }
}
