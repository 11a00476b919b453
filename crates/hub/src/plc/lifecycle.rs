//! How contexts begin and end: those of the project at the start of the hub, others when somebody asks for them.

use super::PlcId;
use super::act::subject;
use super::order::Order;
use super::orders::{Asked, Effect};
use crate::access::Actor;
use crate::api::Refused;
use crate::hub::Hub;
use crate::output::Output;
use crate::rights;
use crate::settings::PlcSettings;
use crate::signal::name::is_dots;
use crosstie_ladder::controller::{Command, ControllerState};
use serde_json::Value as Json;

/// Bytes of the name of a context. A longer one is refused: it stands in the name of each of its signals.
const NAME_LEN_MAX: usize = 64;

impl Hub {
    /// Makes a context of the project, with its program and what it has kept, and starts it when the project says so.
    pub(crate) fn begin_plc_of_project(&mut self, settings: PlcSettings) {
        let (program, autostart) = (settings.program.clone(), settings.autostart);
        let retain = settings.retain.clone();
        let plc = self.begin_plc(settings);
        if let Some(program) = program {
            let order = Order::Load(program.compiled.clone());
            self.plc_order(plc, order, Effect::Loaded(program, "project file".into()), Asked::Start);
        }
        let starts = retain.is_none_or(|retain| self.begin_memory(plc, &retain)) && autostart;
        self.begin_io(plc);
        let waits = self.plcs.get(plc).is_some_and(|context| context.io.has_devices());
        if waits {
            // A coupler may boot slower than the hub.
            self.start_when_io_answers(plc, starts);
        } else if starts {
            self.plc_order(plc, Order::Command(Command::Start), Effect::None, Asked::Start);
        }
    }

    /// Makes a context in the name of somebody; it is gone when the hub ends.
    pub(crate) fn plc_create(&mut self, by: &Actor, name: Option<&str>) -> Result<PlcId, Refused> {
        check_role(by)?;
        let limit = self.piplc.settings.contexts_max;
        if self.plcs.contexts.len() >= limit {
            return Err(Refused::Limit {
                what: "contexts",
                limit,
            });
        }
        let is_taken = |name: &str| {
            let mut settings = self.plcs.contexts.iter().map(|context| &context.settings);
            settings.any(|settings| settings.name == name || settings.id == name)
        };
        let name = match name {
            Some(name) => {
                check_name(name)?;
                // Before the names of others are looked at, which it may not see.
                rights::check_new_context(&by.access, name)?;
                if is_taken(name) {
                    let text = format!("a context is called '{name}' already; expected another name");
                    return Err(Refused::Conflict(text));
                }
                name.to_owned()
            }
            // One of the first `limit + 1` numbers is free.
            None => {
                let mut names = (1..).map(|number: usize| format!("PLC {number}"));
                let name = names.find(|name| !is_taken(name)).unwrap_or_default();
                rights::check_new_context(&by.access, &name)?;
                name
            }
        };
        if self.plcs.is_out_of_ids() {
            return Err(Refused::Limit {
                what: "contexts since the start of the hub",
                limit: usize::from(u16::MAX),
            });
        }
        let settings = PlcSettings {
            is_temporary: true,
            ..PlcSettings::named(&name)
        };
        let plc = self.begin_plc(settings);
        let subject = self.plcs.get(plc).map(subject).unwrap_or_default();
        self.audit(by, "plc.create", subject, (Json::Null, Json::from(name)));
        Ok(plc)
    }

    /// Removes a context in the name of somebody: not the last one, and none that runs (PL-21).
    pub(crate) fn plc_remove(&mut self, by: &Actor, plc: PlcId) -> Result<(), Refused> {
        check_role(by)?;
        let Some(context) = self.plcs.get(plc) else {
            return Err(Refused::Plc(String::from("the context is gone")));
        };
        let name = context.settings.name.clone();
        if self.plcs.contexts.len() == 1 {
            return Err(Refused::Plc(format!(
                "'{name}' is the last context, and one has to stay"
            )));
        }
        if context.state == ControllerState::Running {
            return Err(Refused::Plc(format!("'{name}' is running; stop it first")));
        }
        let subject = subject(context);
        self.end_plc(plc);
        self.audit(by, "plc.remove", subject, (Json::from(name), Json::Null));
        Ok(())
    }

    /// Everything that hangs on a context ends with it.
    fn end_plc(&mut self, plc: PlcId) {
        self.give_up_opening(plc);
        self.forget_plc_troubles(plc);
        self.end_watches_of(plc);
        self.piplc_context_gone(plc);
        if let Some(index) = self.plcs.contexts.iter().position(|context| context.plc == plc) {
            let context = self.plcs.contexts.remove(index);
            self.end_tags(&context);
        }
        self.answer_orders_of_gone(plc);
        match self.is_remote(plc) {
            true => self.end_engine_client(plc),
            false => self.outputs.push(Output::PlcEnd { plc }),
        }
    }
}

fn check_role(by: &Actor) -> Result<(), Refused> {
    let (role, what) = rights::CHANGE_CONTEXTS;
    match by.access.role >= role {
        true => Ok(()),
        false => Err(rights::forbidden(&by.access, what)),
    }
}

fn check_name(name: &str) -> Result<(), Refused> {
    let is_good = !name.trim().is_empty()
        && name.len() <= NAME_LEN_MAX
        && !name.contains(char::is_control)
        && !name.split('/').any(is_dots);
    match is_good {
        true => Ok(()),
        false => Err(Refused::BadValue {
            name: String::from("name"),
            expected: format!(
                "expected 1 to {NAME_LEN_MAX} bytes without control characters, no part of it '.' or '..'"
            ),
        }),
    }
}
