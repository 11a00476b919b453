//! The GPIO device over a chip that is made up, and the kernel's own simulator where there is one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crosstie_ladder::address::INTEGER_WORDS;

use super::*;

/// How long anything may take before a test fails.
const LIMIT: Duration = Duration::from_secs(20);

/// The error of a chip that is gone.
const NO_DEVICE: i32 = 19;

#[derive(Debug, Default)]
struct Board {
    /// What is on, by line.
    levels: BTreeMap<u32, bool>,
    /// Lines that somebody has.
    taken: Vec<u32>,
    is_gone: bool,
    /// Calls that set lines.
    sets: usize,
}

#[derive(Debug, Clone, Default)]
struct FakeChip(Arc<Mutex<Board>>);

impl FakeChip {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap()
    }

    fn is_on(&self, line: u32) -> bool {
        self.board().levels.get(&line).copied().unwrap_or_default()
    }
}

impl Chip for FakeChip {
    fn request(&self, direction: Direction, pins: &[DigitalPin]) -> Result<Box<dyn Lines>, String> {
        let mut board = self.board();
        if board.is_gone {
            return Err(String::from("there is no chip"));
        }
        let lines: Vec<u32> = pins.iter().map(|pin| pin.gpio_line).collect();
        if let Some(line) = lines.iter().find(|line| board.taken.contains(line)) {
            return Err(format!("line {line} is in use"));
        }
        board.taken.extend(&lines);
        if direction == Direction::Output {
            board.levels.extend(lines.iter().map(|line| (*line, false)));
        }
        Ok(Box::new(FakeLines {
            chip: self.clone(),
            lines,
        }))
    }
}

#[derive(Debug)]
struct FakeLines {
    chip: FakeChip,
    lines: Vec<u32>,
}

impl Lines for FakeLines {
    fn get(&mut self) -> Result<u64, i32> {
        if self.chip.board().is_gone {
            return Err(NO_DEVICE);
        }
        let lines = self.lines.iter().enumerate();
        Ok(lines.fold(0, |bits, (at, line)| bits | u64::from(self.chip.is_on(*line)) << at))
    }

    fn set(&mut self, bits: u64) -> Result<(), i32> {
        let mut board = self.chip.board();
        if board.is_gone {
            return Err(NO_DEVICE);
        }
        board.sets += 1;
        let lines = self.lines.iter().enumerate();
        board
            .levels
            .extend(lines.map(|(at, line)| (*line, bits >> at & 1 == 1)));
        Ok(())
    }
}

impl Drop for FakeLines {
    fn drop(&mut self) {
        self.chip.board().taken.retain(|line| !self.lines.contains(line));
    }
}

/// A configuration of these pins: line, direction, word and bit, safe state.
fn config(pins: &[(u32, &str, u8, u8, &str)]) -> IoConfig {
    let pins: Vec<serde_json::Value> = pins
        .iter()
        .map(|(line, direction, word, bit, safe)| {
            serde_json::json!({"gpioLine": line, "direction": direction, "plcWord": word, "plcBit": bit, "safeState": safe})
        })
        .collect();
    let text = serde_json::json!({"version": 1, "provider": "gpio", "gpioChip": "/dev/gpiochip0", "digitalPins": pins});
    IoConfig::from_json(&text).unwrap()
}

struct Bench {
    chip: FakeChip,
    device: Option<GpioDevice>,
    status: Arc<Status>,
    alive: Receiver<()>,
    inputs: DeviceInputs,
}

impl Bench {
    fn new(config: &IoConfig, hold_all: bool) -> Bench {
        let chip = FakeChip::default();
        let status = Arc::new(Status::new(|| ()));
        let (sender, alive) = sync_channel(0);
        let device = GpioDevice::open(Box::new(chip.clone()), config, (&status, hold_all), sender);
        Bench {
            chip,
            device: Some(device.unwrap()),
            status,
            alive,
            inputs: DeviceInputs::default(),
        }
    }

    /// One border: gives the words of I.
    fn read(&mut self) -> [u32; IO_WORDS] {
        self.inputs.bits.driven = [0; IO_WORDS];
        self.device.as_mut().unwrap().read(&mut self.inputs);
        self.inputs.bits.words
    }

    fn write(&mut self, words: Option<[u32; IO_WORDS]>) {
        self.device.as_mut().unwrap().write(&Outputs {
            bits: words.as_ref(),
            numbers: &[0; INTEGER_WORDS],
        });
    }

    #[track_caller]
    fn eventually(&mut self, what: &str, mut is_true: impl FnMut(&mut Bench) -> bool) {
        let until = Instant::now() + LIMIT;
        while !is_true(self) {
            assert!(Instant::now() < until, "not within {LIMIT:?}: {what}");
            std::thread::yield_now();
        }
    }
}

fn words(word: usize, bits: u32) -> [u32; IO_WORDS] {
    let mut words = [0; IO_WORDS];
    words[word] = bits;
    words
}

#[test]
fn pl72_inputs_are_read_and_outputs_are_set_when_they_change() {
    let pins = [
        (17, "input", 0, 3, "off"),
        (4, "input", 1, 31, "off"),
        (22, "output", 0, 2, "off"),
        (5, "output", 2, 0, "off"),
    ];
    let mut bench = Bench::new(&config(&pins), false);
    assert!(!bench.status.is_up());
    assert_eq!(bench.read(), [0; IO_WORDS]);
    assert!(bench.status.is_up());
    assert_eq!(bench.inputs.bits.driven[..2], [1 << 3, 1 << 31]);
    bench.chip.board().levels.insert(17, true);
    // What others have said of the same word stays.
    bench.inputs.bits.words[0] = 1;
    assert_eq!(bench.read()[0], 0b1001);
    bench.write(Some(words(0, 1 << 2)));
    assert!(bench.chip.is_on(22) && !bench.chip.is_on(5));
    bench.write(Some(words(0, 1 << 2)));
    assert_eq!(bench.chip.board().sets, 1, "nothing has changed");
    bench.write(Some(words(2, 1)));
    assert!(!bench.chip.is_on(22) && bench.chip.is_on(5));
}

#[test]
fn pl72_a_stop_turns_outputs_off_or_holds_them_as_their_pins_say() {
    let pins = [
        (1, "output", 0, 0, "off"),
        (2, "output", 0, 1, "hold"),
        (3, "output", 0, 2, "hold"),
    ];
    let mut bench = Bench::new(&config(&pins), false);
    bench.write(Some(words(0, 0b011)));
    bench.write(None);
    assert_eq!([1, 2, 3].map(|line| bench.chip.is_on(line)), [false, true, false]);
    let mut holding = Bench::new(&config(&pins), true);
    holding.write(Some(words(0, 0b011)));
    holding.write(None);
    assert_eq!([1, 2, 3].map(|line| holding.chip.is_on(line)), [true, true, false]);
    // The end of the device is a stop too, whatever came before it.
    bench.write(Some(words(0, 0b111)));
    bench.device = None;
    assert_eq!([1, 2, 3].map(|line| bench.chip.is_on(line)), [false, true, true]);
    assert!(bench.chip.board().taken.is_empty());
    assert!(bench.alive.recv().is_err(), "the keeper has ended");
}

#[test]
fn pl72_a_chip_that_goes_is_down_and_is_taken_up_again_when_it_is_back() {
    let pins = [(1, "input", 0, 0, "off"), (2, "output", 0, 1, "off")];
    let mut bench = Bench::new(&config(&pins), false);
    bench.chip.board().levels.insert(1, true);
    assert_eq!(bench.read()[0], 1);
    bench.write(Some(words(0, 0b10)));
    bench.chip.board().is_gone = true;
    assert_eq!(bench.read()[0], 1, "the last value stays");
    assert!(!bench.status.is_up());
    bench.write(Some(words(0, 0b10)));
    bench.eventually("the reason is said", |bench| {
        bench.status.report().reason.as_deref() == Some("there is no chip")
    });
    assert!(bench.chip.board().taken.is_empty(), "the lines are given back first");
    bench.chip.board().is_gone = false;
    bench.eventually("it works again", |bench| {
        bench.read();
        bench.status.is_up()
    });
    bench.write(Some(words(0, 0b10)));
    assert!(bench.chip.is_on(2), "outputs are set anew");
}

#[test]
fn pl72_more_lines_than_a_request_takes_are_several_requests() {
    let lines: Vec<_> = (0_u8..80)
        .map(|at| (u32::from(at), "input", at / 32, at % 32, "off"))
        .collect();
    let mut bench = Bench::new(&config(&lines), false);
    bench.chip.board().levels.insert(79, true);
    assert_eq!(bench.read()[2], 1 << 15);
    assert_eq!(bench.device.as_ref().unwrap().said.len(), 2);
}

#[test]
fn pl72_what_no_chip_has_is_refused_in_words() {
    let channel_3 = serde_json::json!({
        "channel": 3, "direction": "input", "plcNWord": 0, "rawMin": 0, "rawMax": 4095, "scaledMin": 0, "scaledMax": 1000,
    });
    let analog = serde_json::json!({
        "version": 1, "provider": "gpio", "gpioChip": "/dev/gpiochip0", "analogChannels": [channel_3],
    });
    let open = |config: &IoConfig, chip: Box<dyn Chip>| {
        let status = Arc::new(Status::new(|| ()));
        GpioDevice::open(chip, config, (&status, false), sync_channel(0).0).map(|_| ())
    };
    let refused = crate::io::not_built_in(&IoConfig::from_json(&analog).unwrap()).unwrap_or_default();
    assert!(refused.contains("channel 3 of `analogChannels` needs one"), "{refused}");
    assert_eq!(crate::io::not_built_in(&config(&[(7, "input", 0, 0, "off")])), None);
    let taken = FakeChip::default();
    taken.board().taken.push(7);
    let refused = open(&config(&[(7, "input", 0, 0, "off")]), Box::new(taken)).unwrap_err();
    assert_eq!(refused, "line 7 is in use");
    let none = kernel::KernelChip::new("/dev/gpiochip-that-is-not-there");
    let refused = open(&config(&[(7, "input", 0, 0, "off")]), Box::new(none)).unwrap_err();
    assert!(
        refused.starts_with("there is no /dev/gpiochip-that-is-not-there: name a chip"),
        "{refused}"
    );
}

/// Where the kernel's simulator of GPIO chips is configured.
const GPIO_SIM: &str = "/sys/kernel/config/gpio-sim";

#[test]
fn pl72_lines_of_the_kernel_are_read_and_set() {
    if !Path::new(GPIO_SIM).is_dir() {
        // To say so is all that can be done: the module gpio-sim and the right to use it are of the machine.
        println!("skipped: this kernel has no {GPIO_SIM} (modprobe gpio-sim, as root)");
        return;
    }
    let sim = Simulated::new();
    let pins = [(2, "input", 0, 0, "off"), (5, "output", 0, 1, "off")];
    let config = IoConfig {
        gpio_chip: sim.chip.clone(),
        ..config(&pins)
    };
    let status = Arc::new(Status::new(|| ()));
    let mut device = open(&config, (&status, false), sync_channel(0).0).unwrap();
    let mut inputs = DeviceInputs::default();
    sim.pull(2, "pull-up");
    device.read(&mut inputs);
    assert_eq!((inputs.bits.words[0], status.is_up()), (1, true));
    device.write(&Outputs {
        bits: Some(&words(0, 0b10)),
        numbers: &[0; INTEGER_WORDS],
    });
    assert_eq!(sim.value(5), "1");
    let again = open(&config, (&status, false), sync_channel(0).0).unwrap_err();
    assert!(
        again.contains("line 2") && again.contains("in use by crosstie"),
        "{again}"
    );
}

/// A chip of eight lines that the kernel simulates, until it is dropped.
struct Simulated {
    folder: std::path::PathBuf,
    lines: std::path::PathBuf,
    chip: String,
}

impl Simulated {
    fn new() -> Simulated {
        let folder = Path::new(GPIO_SIM).join(format!("crosstie-{}", std::process::id()));
        let bank = folder.join("bank");
        std::fs::create_dir_all(&bank).unwrap();
        std::fs::write(bank.join("num_lines"), "8").unwrap();
        std::fs::write(folder.join("live"), "1").unwrap();
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap().trim().to_owned();
        let (chip, device) = (read(bank.join("chip_name")), read(folder.join("dev_name")));
        Simulated {
            folder,
            lines: Path::new("/sys/devices/platform").join(device).join(&chip),
            chip: format!("/dev/{chip}"),
        }
    }

    fn pull(&self, line: u32, how: &str) {
        std::fs::write(self.lines.join(format!("sim_gpio{line}/pull")), how).unwrap();
    }

    fn value(&self, line: u32) -> String {
        let path = self.lines.join(format!("sim_gpio{line}/value"));
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = std::fs::write(self.folder.join("live"), "0");
        let _ = std::fs::remove_dir(self.folder.join("bank"));
        let _ = std::fs::remove_dir(&self.folder);
    }
}
