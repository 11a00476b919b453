//! From configurations to devices that are open. Opening and closing may wait, so it happens on a thread of its own.
//!
//! What was open before is closed first, because two cannot have the same line. Where the new devices cannot be opened, the old
//! ones are opened again.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread::Thread;
use std::time::Duration;

use crosstie_hub::plc::{IoSetup, PlcId};
use crosstie_ladder::project::{IoConfig, IoProvider};
use tokio::runtime::Handle;

use super::{Device, Devices, Slot, Status};

/// How long the scan thread may take to hand back the old devices: a slow scan, and time for a machine that is busy.
const BACK_MAX: Duration = Duration::from_secs(2);

/// A device of the project that cannot be opened is tried again after this.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What every device is given besides its configuration.
#[derive(Debug, Clone)]
struct Opening {
    /// Outputs hold what they were told last when the PLC stops, whatever their own safe state is (`safe_state = "hold"`).
    hold_all: bool,
    /// Where tasks of devices run.
    runtime: Handle,
    /// Whatever serves a device holds a clone until it has said its last values.
    alive: SyncSender<()>,
}

/// Why no device of this configuration can ever be opened here, if so: its provider was left out when this was built.
pub(crate) fn not_built_in(config: &IoConfig) -> Option<String> {
    let (is_there, feature) = match config.provider {
        IoProvider::Virtual => return None,
        IoProvider::Gpio => (HAS_GPIO, "gpio"),
        IoProvider::ModbusTcpClient => (cfg!(feature = "modbus"), "modbus"),
    };
    if !is_there {
        let name = config.provider_name();
        return Some(format!(
            "{name} is not built in: use a Crosstie with the feature `{feature}`, or the provider virtual"
        ));
    }
    config.analog_channels.first().map(|channel| {
        format!(
            "no driver for converters is built in, and channel {} of `analogChannels` needs one: a GPIO chip has digital lines only; \
             remove the channels, or have a Modbus device for them",
            channel.channel
        )
    })
}

/// GPIO lines can be opened.
const HAS_GPIO: bool = cfg!(all(feature = "gpio", target_os = "linux"));

/// Opens the device of a configuration; the virtual provider is none.
///
/// # Errors
///
/// Why it cannot be opened and what to do, for people.
fn open(config: &IoConfig, status: &Arc<Status>, opening: &Opening) -> Result<Option<Box<dyn Device>>, String> {
    if let Some(reason) = not_built_in(config) {
        return Err(reason);
    }
    match (config.provider, &config.modbus_client) {
        #[cfg(feature = "modbus")]
        (IoProvider::ModbusTcpClient, Some(client)) => {
            let state = (status, opening.hold_all);
            let alive = opening.alive.clone();
            let device = super::modbus::open(client, config.claims(), state, &opening.runtime, alive);
            Ok(Some(device))
        }
        #[cfg(all(feature = "gpio", target_os = "linux"))]
        (IoProvider::Gpio, _) => {
            let state = (status, opening.hold_all);
            super::gpio::open(config, state, opening.alive.clone()).map(Some)
        }
        _ => Ok(None),
    }
}

/// Devices with how they stand, while they are opened and afterwards.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) setup: Arc<IoSetup>,
    /// One for each configuration.
    pub(crate) statuses: Arc<[Arc<Status>]>,
}

/// What is to be opened, and what was before.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) new: Opened,
    pub(crate) old: Option<Opened>,
    /// The scan thread hands back the old devices here.
    pub(crate) back: Receiver<Box<Devices>>,
    pub(crate) runtime: Handle,
    pub(crate) alive: SyncSender<()>,
}

/// Tells the core what became of a job: the devices to use from now on, and why they are not the new ones.
pub(crate) type Tell = Box<dyn Fn(PlcId, u64, Result<(), String>, Option<Box<Devices>>) + Send>;

/// The thread that opens the devices of one PLC.
#[derive(Debug)]
pub(crate) struct Jobs {
    is_over: Arc<AtomicBool>,
    thread: Thread,
}

impl Jobs {
    /// Begins a job. `name` is for people.
    ///
    /// # Errors
    ///
    /// The system grants no thread.
    pub(crate) fn begin(name: &str, plc: PlcId, job: Job, tell: Tell) -> io::Result<Jobs> {
        let is_over = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&is_over);
        let handle = std::thread::Builder::new()
            .name(format!("devices {name}"))
            .spawn(move || job.run(plc, &theirs, &tell))?;
        Ok(Jobs {
            is_over,
            thread: handle.thread().clone(),
        })
    }

    /// Nobody wants the devices any more.
    pub(crate) fn end(self) {
        self.is_over.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Job {
    fn run(self, plc: PlcId, is_over: &AtomicBool, tell: &Tell) {
        // Closes them. A thread that does not come back has its devices closed with it.
        drop(self.back.recv_timeout(BACK_MAX));
        let number = self.new.setup.number;
        let retries = self.new.setup.retries;
        match self.open_all(&self.new, retries, is_over) {
            Ok(devices) => tell(plc, number, Ok(()), Some(devices)),
            Err(_) if is_over.load(Ordering::Acquire) => {}
            Err(text) => {
                tell(plc, number, Err(text), None);
                if let Some(old) = &self.old
                    && let Ok(devices) = self.open_all(old, true, is_over)
                {
                    tell(plc, old.setup.number, Ok(()), Some(devices));
                }
            }
        }
    }

    /// Opens the devices of a setup. With `retries` until all are open, or nobody wants them any more.
    fn open_all(&self, opened: &Opened, retries: bool, is_over: &AtomicBool) -> Result<Box<Devices>, String> {
        let opening = Opening {
            hold_all: opened.setup.hold_outputs,
            runtime: self.runtime.clone(),
            alive: self.alive.clone(),
        };
        let mut slots: Vec<Option<Slot>> = opened.setup.configs.iter().map(|_| None).collect();
        loop {
            let mut missing = None;
            let configs = opened.setup.configs.iter().zip(opened.statuses.iter());
            for (slot, (config, status)) in slots.iter_mut().zip(configs) {
                if slot.is_some() {
                    continue;
                }
                status.opening();
                match open(config, status, &opening) {
                    Ok(device) => {
                        *slot = device.map(|device| Slot {
                            device,
                            claims: config.claims(),
                            status: Arc::clone(status),
                        });
                    }
                    Err(text) => {
                        status.broken(text.clone());
                        missing = Some(text);
                    }
                }
            }
            match missing {
                None => {
                    let slots = slots.into_iter().flatten().collect();
                    return Ok(Box::new(Devices::new(slots, opened.setup.zero_lost)));
                }
                Some(text) if !retries || is_over.load(Ordering::Acquire) => return Err(text),
                Some(_) => std::thread::park_timeout(RETRY_AFTER),
            }
        }
    }
}
