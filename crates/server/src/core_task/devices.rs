//! The devices of all PLC contexts as the core sees them: it has them opened, hands them to the scan threads and tells how they
//! stand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crosstie_hub::plc::{IoSetup, IoTold, PlcId};
use tokio::runtime::Handle;

use super::{Door, Event};
use crate::io::{Devices, Job, Jobs, Opened, Status};

/// How long devices may take at the end to say what their outputs do from now on.
const LAST_VALUES_MAX: Duration = Duration::from_millis(600);

/// The devices of all contexts.
#[derive(Debug)]
pub(super) struct Houses {
    door: Door,
    runtime: Handle,
    /// An event that says that there is news stands in the door.
    is_told: Arc<AtomicBool>,
    houses: BTreeMap<PlcId, House>,
    /// Whatever serves a device holds a clone. Nothing is ever sent: that the last one is dropped is the message.
    alive: Option<SyncSender<()>>,
    gone: Receiver<()>,
    /// When all were told to end.
    ended_at: Option<Instant>,
}

/// The devices of one context.
#[derive(Debug, Default)]
struct House {
    /// What is there, or comes back when a job fails.
    current: Option<Opened>,
    opening: Option<Opened>,
    job: Option<Jobs>,
    /// Of each status, the version that was told last.
    told: Vec<u64>,
}

/// A message of the driver to the hub, before it has a context.
pub(super) type Told = (PlcId, u64, IoTold);

impl Houses {
    pub(super) fn new(door: Door, runtime: Handle) -> Houses {
        let (alive, gone) = sync_channel(0);
        Houses {
            door,
            runtime,
            is_told: Arc::default(),
            houses: BTreeMap::new(),
            alive: Some(alive),
            gone,
            ended_at: None,
        }
    }

    /// Begins to open other devices for a context. `back` gives what its scan thread had.
    pub(super) fn open(&mut self, plc: PlcId, setup: IoSetup, back: Receiver<Box<Devices>>) -> Option<Told> {
        let alive = self.alive.clone()?;
        let house = self.houses.entry(plc).or_default();
        if let Some(job) = house.job.take() {
            job.end();
        }
        let status = |_: &_| Arc::new(Status::new(waker(&self.door, &self.is_told)));
        let new = Opened {
            statuses: setup.configs.iter().map(status).collect(),
            setup: Arc::new(setup),
        };
        let number = new.setup.number;
        let old = match new.setup.retries {
            // The project says so: there is nothing to go back to, and reports begin before all is open.
            true => {
                house.follow(new.clone());
                None
            }
            false => {
                house.opening = Some(new.clone());
                house.current.clone()
            }
        };
        let job = Job {
            new,
            old,
            back,
            runtime: self.runtime.clone(),
            alive,
        };
        let door = self.door.clone();
        let tell = move |plc, number, result, devices| {
            door.tell(Event::DevicesOpened {
                plc,
                number,
                result,
                devices,
            });
        };
        match Jobs::begin(&plc.0.to_string(), plc, job, Box::new(tell)) {
            Ok(job) => {
                house.job = Some(job);
                None
            }
            Err(error) => {
                let text = format!("the system gives no thread to open devices: {error}");
                Some((plc, number, IoTold::Opened(Err(text))))
            }
        }
    }

    /// A job has something: gives the devices that are to be used from now on, and what the hub is told first.
    pub(super) fn opened(&mut self, plc: PlcId, number: u64, result: Result<(), String>) -> Option<Told> {
        let house = self.houses.get_mut(&plc)?;
        let opening = house.opening.take_if(|opening| opening.setup.number == number)?;
        if result.is_ok() {
            house.follow(opening);
        }
        Some((plc, number, IoTold::Opened(result)))
    }

    /// How devices stand, where that is news.
    pub(super) fn news(&mut self) -> Vec<Told> {
        self.is_told.store(false, Ordering::SeqCst);
        let houses = self.houses.iter_mut();
        let news = houses.filter_map(|(plc, house)| {
            let current = house.current.as_ref()?;
            let mut is_news = false;
            for (status, told) in current.statuses.iter().zip(&mut house.told) {
                let version = status.version();
                is_news |= std::mem::replace(told, version) != version;
            }
            let reports = || current.statuses.iter().map(|status| status.report()).collect();
            is_news.then(|| (*plc, current.setup.number, IoTold::Devices(reports())))
        });
        news.collect()
    }

    /// A context is gone.
    pub(super) fn end(&mut self, plc: PlcId) {
        if let Some(job) = self.houses.remove(&plc).and_then(|house| house.job) {
            job.end();
        }
    }

    /// No device is opened any more, and those that are open have been let go by their scan threads or are about to be.
    pub(super) fn end_all(&mut self) {
        for (_, house) in std::mem::take(&mut self.houses) {
            if let Some(job) = house.job {
                job.end();
            }
        }
        self.alive = None;
        self.ended_at.get_or_insert_with(Instant::now);
    }

    /// Waits until all devices have said their last values, not for long.
    pub(super) fn join(&mut self) {
        self.end_all();
        let until = self.ended_at.unwrap_or_else(Instant::now) + LAST_VALUES_MAX;
        let rest = until.saturating_duration_since(Instant::now());
        if let Err(RecvTimeoutError::Timeout) = self.gone.recv_timeout(rest) {
            tracing::warn!("a device has not taken its last values in time: look at the state of its outputs");
        }
    }
}

impl House {
    fn follow(&mut self, opened: Opened) {
        // A version that no status has: the first report is always news.
        self.told = vec![u64::MAX; opened.statuses.len()];
        self.current = Some(opened);
    }
}

/// Puts one event into the door, however often it is called until the core looks.
fn waker(door: &Door, is_told: &Arc<AtomicBool>) -> impl Fn() + Send + Sync + 'static {
    let (door, is_told) = (door.clone(), Arc::clone(is_told));
    move || {
        if !is_told.swap(true, Ordering::SeqCst) {
            door.tell(Event::DevicesTold);
        }
    }
}
