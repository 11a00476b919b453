//! The devices of a context as the hub sees them: what they move, how they stand, and what follows from that (PL-30, PL-35).
//!
//! Devices live with the driver. The hub says which there are to be, hears how they stand, and decides: a start waits for them,
//! what they have read is stale while they do not answer, and a person is told.

use super::PlcId;
use super::act::subject;
use super::context::Context;
use super::devices::{DeviceReport, DeviceState, IoSetup, IoTold};
use super::order::Order;
use super::orders::{Asked, Effect, OrderError};
use crate::access::Actor;
use crate::api::plc::{IoDeviceRow, IoRow};
use crate::hub::Hub;
use crate::output::Output;
use crate::settings::OnStale;
use crosstie_ladder::Region;
use crosstie_ladder::controller::{Command, ControllerState};
use crosstie_ladder::data_table::{Cell, Place};
use crosstie_ladder::project::{IoClaims, IoConfig, IoProvider};
use serde_json::Value as Json;

/// What is wired to one context.
#[derive(Debug, Default)]
pub(crate) struct ContextIo {
    /// Never more than the project or one request names; empty is the virtual provider.
    configs: Vec<IoConfig>,
    /// Counts what was given to the driver; its reports name it.
    number: u64,
    devices: Vec<Device>,
    opening: Option<Opening>,
    /// The context is to start as soon as its devices answer.
    pub(crate) starts: bool,
    /// What people were told last.
    said: Option<String>,
}

/// A device that is not virtual.
#[derive(Debug)]
struct Device {
    name: String,
    claims: IoClaims,
    report: DeviceReport,
}

/// Devices that the driver is opening for somebody.
#[derive(Debug)]
struct Opening {
    configs: Vec<IoConfig>,
    number: u64,
    asked: Asked,
    by: Option<Actor>,
}

impl ContextIo {
    /// These, which the driver has not opened.
    pub(crate) fn new(configs: &[IoConfig]) -> ContextIo {
        let mut io = ContextIo::default();
        io.take(configs.to_vec(), 1);
        io
    }

    fn take(&mut self, configs: Vec<IoConfig>, number: u64) {
        let devices = configs.iter().filter(|config| is_device(config));
        self.devices = devices
            .map(|config| Device {
                name: config.provider_name(),
                claims: config.claims(),
                report: DeviceReport {
                    state: DeviceState::Waiting,
                    reason: None,
                    errors: 0,
                },
            })
            .collect();
        self.configs = configs;
        self.number = number;
    }

    /// All of it, the newest.
    pub(crate) fn configs(&self) -> &[IoConfig] {
        &self.configs
    }

    /// What clients are shown as the configuration: that of the first provider.
    pub(crate) fn first(&self) -> IoConfig {
        self.configs.first().cloned().unwrap_or_default()
    }

    /// The names of all devices, or of the virtual provider.
    pub(crate) fn provider_name(&self) -> String {
        let names: Vec<&str> = self.devices.iter().map(|device| device.name.as_str()).collect();
        match names.is_empty() {
            true => IoConfig::default().provider_name(),
            false => names.join(" + "),
        }
    }

    /// There is something besides the virtual provider.
    pub(crate) fn has_devices(&self) -> bool {
        !self.devices.is_empty()
    }

    /// Lines that are on or off are among it (PL-3).
    pub(crate) fn has_pins(&self) -> bool {
        let mut configs = self.configs.iter();
        configs.any(|config| config.provider == IoProvider::Gpio && !config.digital_pins.is_empty())
    }

    /// Numbers are among it (PL-3).
    pub(crate) fn has_numbers(&self) -> bool {
        let mut claims = self.devices.iter().map(|device| &device.claims);
        claims.any(|claims| {
            claims
                .numbers_in
                .iter()
                .chain(claims.numbers_out.iter())
                .next()
                .is_some()
        })
    }

    /// What all devices move.
    pub(crate) fn claims(&self) -> IoClaims {
        claims_of(self.devices.iter())
    }

    /// What those move that do not answer.
    fn lost(&self) -> IoClaims {
        claims_of(self.devices.iter().filter(|device| !device.is_up()))
    }

    /// The first device that does not answer, and its place among all.
    pub(crate) fn first_lost(&self) -> Option<(u8, &str)> {
        let mut devices = (0..).zip(&self.devices);
        let (index, device) = devices.find(|(_, device)| !device.is_up())?;
        Some((index, &device.name))
    }

    /// The device that writes a place, which nobody else can then.
    pub(crate) fn driver_of(&self, place: Place) -> Option<&str> {
        let mut devices = self.devices.iter();
        let device = devices.find(|device| is_claimed(&device.claims, place))?;
        Some(&device.name)
    }

    /// Why scans cannot begin, if they cannot.
    pub(crate) fn why_not(&self) -> Option<String> {
        if self.opening.is_some() {
            return Some(String::from("its devices are being opened; try again"));
        }
        let lost = self.devices.iter().find(|device| !device.is_up())?;
        Some(lost.complaint())
    }

    /// What the API shows.
    pub(crate) fn row(&self) -> IoRow {
        let worst = [DeviceState::Down, DeviceState::Waiting];
        let mut worst = worst.into_iter().filter_map(|state| {
            let mut devices = self.devices.iter();
            devices.find(|device| device.report.state == state)
        });
        let (state, reason) = match (worst.next(), self.has_devices()) {
            (Some(device), _) => (device.report.state.word(), Some(device.complaint())),
            (None, true) => (DeviceState::Up.word(), None),
            (None, false) => ("virtual", None),
        };
        IoRow {
            provider: self.provider_name(),
            state,
            reason,
            drives: self.claims().input_places(),
            devices: self.devices.iter().map(Device::row).collect(),
        }
    }
}

impl Device {
    fn is_up(&self) -> bool {
        self.report.state == DeviceState::Up
    }

    /// That it does not answer, and why.
    fn complaint(&self) -> String {
        let name = &self.name;
        match (&self.report.reason, self.report.state) {
            (Some(reason), _) => format!("{name} is not there: {reason}"),
            (None, DeviceState::Down) => format!("{name} does not answer"),
            (None, _) => format!("{name} has not answered yet"),
        }
    }

    fn row(&self) -> IoDeviceRow {
        IoDeviceRow {
            name: self.name.clone(),
            state: self.report.state,
            reason: self.report.reason.clone(),
            errors: self.report.errors,
        }
    }
}

fn is_device(config: &IoConfig) -> bool {
    config.provider != IoProvider::Virtual
}

fn claims_of<'a>(devices: impl Iterator<Item = &'a Device>) -> IoClaims {
    let mut all = IoClaims::default();
    devices.for_each(|device| all.add(&device.claims));
    all
}

/// Whether devices with these claims write a place or a part of it.
pub(crate) fn is_claimed(claims: &IoClaims, place: Place) -> bool {
    let (word, bits) = place.bits();
    match word.cell() {
        Cell::Word {
            region: Region::Input,
            word,
        } => claims
            .inputs
            .get(usize::from(word))
            .is_some_and(|driven| driven & bits != 0),
        Cell::Word {
            region: Region::Integer,
            word,
        } => claims.numbers_in.holds(word),
        _ => false,
    }
}

impl Context {
    fn setup(&self, configs: &[IoConfig], number: u64, retries: bool) -> IoSetup {
        IoSetup {
            number,
            configs: configs.iter().filter(|config| is_device(config)).cloned().collect(),
            hold_outputs: self.settings.hold_outputs,
            zero_lost: self.settings.on_io_failure == OnStale::Zero,
            retries,
        }
    }
}

impl Hub {
    /// The devices of a context of the project: the driver opens them, and tries again where one is not there.
    pub(crate) fn begin_io(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get(plc).filter(|context| context.io.has_devices()) else {
            return;
        };
        let setup = Box::new(context.setup(context.io.configs(), context.io.number, true));
        self.outputs.push(Output::PlcIo { plc, setup });
        self.show_lost(plc);
    }

    /// The context starts when all its devices answer, if it is to start at all.
    pub(crate) fn start_when_io_answers(&mut self, plc: PlcId, starts: bool) {
        if let Some(context) = self.plcs.get_mut(plc) {
            context.io.starts = starts;
        }
    }

    /// Somebody gives a stopped context other inputs and outputs (PL-18); `asked` hears whether they could be opened.
    pub(crate) fn plc_open_io(&mut self, plc: PlcId, config: IoConfig, by: Option<Actor>, asked: Asked) {
        let Some(context) = self.plcs.get_mut(plc) else {
            self.plc_answered(plc, asked, Err(OrderError::Gone));
            return;
        };
        if context.io.opening.is_some() {
            let text = String::from("another I/O configuration is being opened; try again");
            self.plc_answered(plc, asked, Err(OrderError::Io(text)));
            return;
        }
        let number = context.io.number + 1;
        let configs = vec![config];
        let setup = Box::new(context.setup(&configs, number, false));
        let needs_driver = context.io.has_devices() || !setup.configs.is_empty();
        context.io.opening = Some(Opening {
            configs,
            number,
            asked,
            by,
        });
        match needs_driver {
            true => self.outputs.push(Output::PlcIo { plc, setup }),
            false => self.plc_io_opened(plc, number, Ok(())),
        }
    }

    /// What the driver tells of devices.
    pub(crate) fn plc_io_told(&mut self, plc: PlcId, number: u64, told: IoTold) {
        match told {
            IoTold::Opened(result) => self.plc_io_opened(plc, number, result),
            IoTold::Devices(reports) => {
                let Some(context) = self.plcs.get_mut(plc) else { return };
                if context.io.number != number || context.io.devices.len() != reports.len() {
                    return;
                }
                for (device, report) in context.io.devices.iter_mut().zip(reports) {
                    device.report = report;
                }
                self.io_moved(plc);
            }
        }
    }

    fn plc_io_opened(&mut self, plc: PlcId, number: u64, result: Result<(), String>) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let Some(opening) = context.io.opening.take_if(|opening| opening.number == number) else {
            return;
        };
        if let Err(text) = result {
            self.plc_answered(plc, opening.asked, Err(OrderError::Io(text)));
            return;
        }
        let old = context.io.provider_name();
        context.io.take(opening.configs, number);
        let (new, subject) = (context.io.provider_name(), subject(context));
        if let Some(by) = opening.by {
            self.audit(&by, "plc.io_config", subject, (Json::from(old), Json::from(new)));
        }
        self.io_moved(plc);
        self.note_all_driven(plc);
        self.plc_answered(plc, opening.asked, Ok(()));
    }

    /// A context goes away while its devices are being opened.
    pub(crate) fn give_up_opening(&mut self, plc: PlcId) {
        let opening = self.plcs.get_mut(plc).and_then(|context| context.io.opening.take());
        if let Some(opening) = opening {
            self.plc_answered(plc, opening.asked, Err(OrderError::Gone));
        }
    }

    /// Somebody decides for himself what the context does: it no longer starts by itself.
    pub(crate) fn forget_start(&mut self, plc: PlcId, order: &Order) {
        let decides = matches!(
            order,
            Order::Command(Command::Start | Command::Stop | Command::Reset | Command::StepScan | Command::StepRung)
                | Order::Load(_)
                | Order::ClearProgram
        );
        let Some(context) = self.plcs.get_mut(plc) else { return };
        if decides && std::mem::take(&mut context.io.starts) {
            self.note_io(plc);
        }
    }

    /// How devices stand may have changed.
    fn io_moved(&mut self, plc: PlcId) {
        self.show_lost(plc);
        let Some(context) = self.plcs.get_mut(plc) else { return };
        if context.io.why_not().is_none() && std::mem::take(&mut context.io.starts) {
            self.plc_order(plc, Order::Command(Command::Start), Effect::None, Asked::Start);
        }
        self.note_io(plc);
        self.fault_if_stale(plc);
    }

    /// What devices have read is good again, or is old.
    fn show_lost(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let (lost, driven) = (context.io.lost(), context.io.claims());
        let engine = context.tags.shown;
        for (id, quality) in context.tags.set_devices(lost, driven, engine) {
            self.ledger.mark(id, quality);
        }
    }

    /// A device that does not answer is a problem as long as it lasts. One that was never asked is none yet.
    pub(crate) fn note_io(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let mut devices = context.io.devices.iter();
        let lost = devices.find(|device| !device.is_up() && device.report.reason.is_some());
        let text = lost.map(|device| format!("{}; {}", device.complaint(), context.follows()));
        if context.io.said == text {
            return;
        }
        context.io.said.clone_from(&text);
        match text {
            Some(text) => {
                let hint = "look at the device, its power and its cable, and at the I/O file; its values are fresh again as soon as it answers";
                self.plc_trouble(plc, (true, "io"), text, hint);
            }
            None => self.end_plc_trouble(plc, "io"),
        }
    }
}

impl Context {
    /// What a lost device means for the program, for people.
    fn follows(&self) -> &'static str {
        let runs = self.state == ControllerState::Running;
        match (self.io.starts, runs, self.settings.on_io_failure) {
            (true, ..) => "the context starts as soon as it answers",
            (false, false, _) => "the context cannot start",
            (false, true, OnStale::Hold) => "the program goes on with what it read last",
            (false, true, OnStale::Zero) => "the program goes on and reads 0 there",
            (false, true, OnStale::Fault) => "that is a fault",
        }
    }
}
