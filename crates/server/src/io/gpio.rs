//! GPIO lines of this machine as a device: asked for and set at the border of each scan, one call to the kernel for each direction.
//!
//! ```text
//!   scan thread: GpioDevice ──lines that failed──▶ keeper: closes them, requests them again
//!                           ◀──lines that work───          until they work
//! ```
//!
//! A chip can go: an expander on USB, a driver that is unloaded. The border only notes it and hands the lines to the keeper, because closing and
//! requesting lines may wait; until they are back, inputs stay what they were, and outputs are set to what they should be as soon as it is possible.

mod keeper;
mod kernel;
mod lines;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread::Thread;

use crosstie_hub::plc::DeviceInputs;
use crosstie_ladder::address::IO_WORDS;
use crosstie_ladder::project::{DigitalPin, Direction, IoConfig, SafeState};

use super::{Device, Outputs, Status};
use keeper::Keeper;
use lines::{Chip, LINES_MAX, Lines};

/// Requests the lines of a configuration. The keeper holds `alive` until it has ended.
///
/// # Errors
///
/// Why they cannot be had and what to do, for people.
pub(super) fn open(
    config: &IoConfig,
    (status, hold_all): (&Arc<Status>, bool),
    alive: SyncSender<()>,
) -> Result<Box<dyn Device>, String> {
    let chip = kernel::KernelChip::new(&config.gpio_chip);
    let device = GpioDevice::open(Box::new(chip), config, (status, hold_all), alive)?;
    Ok(Box::new(device))
}

/// Lines of one direction that the kernel has in one request.
#[derive(Debug, Clone)]
struct Group {
    /// In the order of their numbers.
    pins: Vec<DigitalPin>,
    /// The lines that keep their value when the PLC stops; bit n is the nth line.
    held: u64,
}

/// The lines of a configuration, requested.
#[derive(Debug)]
struct Requested {
    inputs: Vec<Box<dyn Lines>>,
    outputs: Vec<Box<dyn Lines>>,
}

/// What is requested: again and again, when a chip comes back.
#[derive(Debug, Clone)]
struct Wanted {
    inputs: Vec<Group>,
    outputs: Vec<Group>,
}

impl Wanted {
    fn new(config: &IoConfig, hold_all: bool) -> Wanted {
        let groups = |direction: Direction| {
            let pins = config.digital_pins.iter().filter(|pin| pin.direction == direction);
            let mut pins: Vec<DigitalPin> = pins.cloned().collect();
            pins.sort_by_key(|pin| pin.gpio_line);
            let group = |pins: &[DigitalPin]| {
                let holds = |pin: &DigitalPin| hold_all || pin.safe_state == SafeState::Hold;
                let held = pins.iter().enumerate();
                Group {
                    pins: pins.to_vec(),
                    held: held.fold(0, |held, (at, pin)| held | u64::from(holds(pin)) << at),
                }
            };
            pins.chunks(LINES_MAX).map(group).collect()
        };
        Wanted {
            inputs: groups(Direction::Input),
            outputs: groups(Direction::Output),
        }
    }

    fn request(&self, chip: &dyn Chip) -> Result<Requested, String> {
        let all = |groups: &[Group], direction| {
            let requested = groups.iter().map(|group| chip.request(direction, &group.pins));
            requested.collect::<Result<Vec<_>, _>>()
        };
        Ok(Requested {
            inputs: all(&self.inputs, Direction::Input)?,
            outputs: all(&self.outputs, Direction::Output)?,
        })
    }
}

/// The device. What it has said and was told last stands here, so that it outlives the lines.
#[derive(Debug)]
struct GpioDevice {
    wanted: Wanted,
    /// What each group of inputs said last.
    said: Vec<u64>,
    /// What each group of outputs should show.
    shown: Vec<u64>,
    /// What each group of outputs was told last; lines begin as off.
    told: Vec<u64>,
    lines: Option<Requested>,
    status: Arc<Status>,
    /// Lines that failed, to the keeper; `None` when the device ends, which ends the keeper too.
    lost: Option<rtrb::Producer<Requested>>,
    /// Lines that work again, from the keeper.
    back: rtrb::Consumer<Requested>,
    keeper: Thread,
}

impl GpioDevice {
    fn open(
        chip: Box<dyn Chip>,
        config: &IoConfig,
        (status, hold_all): (&Arc<Status>, bool),
        alive: SyncSender<()>,
    ) -> Result<GpioDevice, String> {
        let wanted = Wanted::new(config, hold_all);
        let lines = wanted.request(&*chip)?;
        // One set of lines is all there is, so neither ring is ever full.
        let (lost, to_keeper) = rtrb::RingBuffer::new(1);
        let (from_keeper, back) = rtrb::RingBuffer::new(1);
        let keeper = Keeper {
            chip,
            wanted: wanted.clone(),
            status: Arc::clone(status),
            lost: to_keeper,
            back: from_keeper,
        };
        let keeper = keeper
            .start(alive)
            .map_err(|error| format!("the system grants no thread to watch over GPIO lines: {error}"))?;
        Ok(GpioDevice {
            said: vec![0; wanted.inputs.len()],
            shown: vec![0; wanted.outputs.len()],
            told: vec![0; wanted.outputs.len()],
            wanted,
            lines: Some(lines),
            status: Arc::clone(status),
            lost: Some(lost),
            back,
            keeper,
        })
    }

    /// The lines are of no use any more.
    fn lose(&mut self, os_error: i32) {
        self.status.border_failed(os_error);
        if let (Some(lines), Some(lost)) = (self.lines.take(), &mut self.lost) {
            let _ = lost.push(lines);
        }
    }

    /// What the outputs should show: with no words what they hold.
    fn show(&mut self, words: Option<&[u32; IO_WORDS]>) {
        for (group, shown) in self.wanted.outputs.iter().zip(&mut self.shown) {
            *shown = match words {
                None => *shown & group.held,
                Some(words) => {
                    let bits = group.pins.iter().map(|pin| bit_of(words, pin)).enumerate();
                    bits.fold(0, |shown, (at, on)| shown | u64::from(on) << at)
                }
            };
        }
    }

    /// Sets the lines that should show something else.
    fn set(&mut self) -> Result<(), i32> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        let groups = lines.outputs.iter_mut().zip(self.shown.iter().zip(&mut self.told));
        for (lines, (shown, told)) in groups {
            if shown != told {
                lines.set(*shown)?;
                *told = *shown;
            }
        }
        Ok(())
    }

    /// Asks all inputs.
    fn ask(&mut self) -> Result<(), i32> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        for (lines, said) in lines.inputs.iter_mut().zip(&mut self.said) {
            *said = lines.get()?;
        }
        Ok(())
    }
}

impl Device for GpioDevice {
    fn read(&mut self, inputs: &mut DeviceInputs) {
        if self.lines.is_none()
            && let Ok(lines) = self.back.pop()
        {
            self.told.fill(0);
            self.lines = Some(lines);
        }
        match self.ask() {
            Ok(()) if self.lines.is_some() => self.status.border_worked(),
            Ok(()) => {}
            Err(os_error) => self.lose(os_error),
        }
        for (group, said) in self.wanted.inputs.iter().zip(&self.said) {
            for (at, pin) in group.pins.iter().enumerate() {
                let (word, mask) = (usize::from(pin.plc_word), 1_u32 << pin.plc_bit);
                let bits = &mut inputs.bits;
                if let (Some(word), Some(driven)) = (bits.words.get_mut(word), bits.driven.get_mut(word)) {
                    *word = if said >> at & 1 == 1 {
                        *word | mask
                    } else {
                        *word & !mask
                    };
                    *driven |= mask;
                }
            }
        }
    }

    fn write(&mut self, outputs: &Outputs<'_>) {
        self.show(outputs.bits);
        if let Err(os_error) = self.set() {
            self.lose(os_error);
        }
    }
}

impl Drop for GpioDevice {
    /// Leaves the outputs in their safe state. Not at the border of a scan.
    fn drop(&mut self) {
        self.show(None);
        // A chip that is gone has no state to be left in.
        let _ = self.set();
        self.lines = None;
        self.lost = None;
        self.keeper.unpark();
    }
}

fn bit_of(words: &[u32; IO_WORDS], pin: &DigitalPin) -> bool {
    let word = words.get(usize::from(pin.plc_word)).copied().unwrap_or_default();
    word >> pin.plc_bit & 1 == 1
}
