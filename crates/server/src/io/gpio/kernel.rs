//! GPIO chips of Linux, through their character devices.

use std::io;

use crosstie_ladder::project::{Bias, DigitalPin, Direction};
use gpiocdev::line::{self, Value, Values};
use gpiocdev::{Error, Request};

use super::lines::{Chip, Lines};

/// What the kernel shows as the user of a line.
const CONSUMER: &str = "crosstie";

/// The system's numbers for what can be said in better words.
const NO_ENTRY: i32 = 2;
const NO_PERMISSION: i32 = 13;
const BUSY: i32 = 16;

/// A chip by its path, such as `/dev/gpiochip0`.
#[derive(Debug)]
pub(super) struct KernelChip {
    path: String,
}

impl KernelChip {
    pub(super) fn new(path: &str) -> KernelChip {
        KernelChip { path: path.to_owned() }
    }

    fn explained(&self, error: &Error) -> String {
        let path = &self.path;
        match code_of(error) {
            Some(NO_ENTRY) => {
                format!("there is no {path}: name a chip of this machine as `gpioChip` (gpiodetect lists them)")
            }
            Some(NO_PERMISSION) => {
                format!("{path} may not be opened: give the user of this process the group of the device, often `gpio`")
            }
            Some(BUSY) => format!("a line of {path} is in use by another program"),
            _ => format!("{path}: {error}"),
        }
    }

    /// Refuses a line that is not there or that somebody else has, and says who.
    fn check(&self, pins: &[DigitalPin]) -> Result<(), String> {
        let chip = gpiocdev::Chip::from_path(&self.path).map_err(|error| self.explained(&error))?;
        let count = chip.info().map_err(|error| self.explained(&error))?.num_lines;
        for DigitalPin { gpio_line, label, .. } in pins {
            let path = &self.path;
            if *gpio_line >= count {
                return Err(format!(
                    "{path} has no line {gpio_line} ({label}): its lines are 0 to {}",
                    count.saturating_sub(1)
                ));
            }
            let info = chip.line_info(*gpio_line).map_err(|error| self.explained(&error))?;
            if info.used {
                let by = match info.consumer.as_str() {
                    "" => "somebody who gives no name",
                    name => name,
                };
                return Err(format!("line {gpio_line} of {path} ({label}) is in use by {by}"));
            }
        }
        Ok(())
    }
}

impl Chip for KernelChip {
    fn request(&self, direction: Direction, pins: &[DigitalPin]) -> Result<Box<dyn Lines>, String> {
        self.check(pins)?;
        let mut builder = Request::builder();
        builder.on_chip(&self.path).with_consumer(CONSUMER);
        let mut values = Values::default();
        for pin in pins {
            builder
                .with_line(pin.gpio_line)
                .from_line_config(&config_of(direction, pin));
            values.set(pin.gpio_line, Value::Inactive);
        }
        let request = builder.request().map_err(|error| self.explained(&error))?;
        let offsets = pins.iter().map(|pin| pin.gpio_line).collect();
        Ok(Box::new(KernelLines {
            request,
            offsets,
            values,
        }))
    }
}

fn config_of(direction: Direction, pin: &DigitalPin) -> line::Config {
    let bias = match pin.bias {
        Bias::PullUp => Some(line::Bias::PullUp),
        Bias::PullDown => Some(line::Bias::PullDown),
        Bias::Disabled => Some(line::Bias::Disabled),
    };
    let (direction, value, bias) = match direction {
        Direction::Input => (line::Direction::Input, None, bias),
        // An output drives its line; what would pull at it stays as it is.
        Direction::Output => (line::Direction::Output, Some(Value::Inactive), None),
    };
    line::Config {
        direction: Some(direction),
        active_low: pin.active_low,
        bias,
        value,
        ..line::Config::default()
    }
}

/// Lines of one request. Room for all values is there from the start.
#[derive(Debug)]
struct KernelLines {
    request: Request,
    offsets: Vec<u32>,
    values: Values,
}

impl Lines for KernelLines {
    fn get(&mut self) -> Result<u64, i32> {
        self.request
            .values(&mut self.values)
            .map_err(|error| number_of(&error))?;
        let lines = self.offsets.iter().enumerate();
        Ok(lines.fold(0, |bits, (at, offset)| {
            let is_on = self.values.get(*offset) == Some(Value::Active);
            bits | u64::from(is_on) << at
        }))
    }

    fn set(&mut self, bits: u64) -> Result<(), i32> {
        for (at, offset) in self.offsets.iter().enumerate() {
            self.values.set(*offset, Value::from(bits >> at & 1 == 1));
        }
        self.request.set_values(&self.values).map_err(|error| number_of(&error))
    }
}

/// What the system said. The library keeps the number of a failed call to itself, and the system still has it.
fn number_of(error: &Error) -> i32 {
    code_of(error).unwrap_or_default()
}

fn code_of(error: &Error) -> Option<i32> {
    match error {
        Error::Os(errno) => Some(errno.0),
        Error::Uapi(..) => io::Error::last_os_error().raw_os_error(),
        _ => None,
    }
}
