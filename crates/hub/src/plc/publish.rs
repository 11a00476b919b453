//! Which places of a PLC's memory are signals, and under which names.
//!
//! What a program and its symbols name is published when the program is there; everything else when somebody names it. A
//! symbol is an alias of the signal of its address and follows it from program to program.

use super::PlcId;
use super::context::Context;
use super::tags::{StateSignals, kind, members, named, written_outputs};
use crate::access::Access;
use crate::api::Refused;
use crate::hub::Hub;
use crate::route::Maker;
use crate::settings::{EndpointId, Owner, RouteSetting, SignalSetting};
use crate::signal::name::{canonical, escape_segment};
use crate::signal::space::CreateError;
use crate::signal::{Quality, SignalId, Value, Writer};
use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::Place;
use crosstie_ladder::program::Program;

/// What the hub says of contexts stands under this; nobody else writes there.
pub(crate) const STATE_PREFIX: &str = "sys/plc/";

impl Hub {
    /// Makes the signals that say how a context stands, and publishes the program that it is to begin with. Routes that wait
    /// for signals of the context begin.
    pub(crate) fn begin_tags(&mut self, plc: PlcId) {
        let Some(context) = self.plcs.get(plc) else { return };
        let (name, prefix) = (context.settings.name.clone(), context.tags.prefix.clone());
        let program = context.settings.program.clone();
        let is_remote = context.settings.remote.is_some();
        let mut signal = |what, initial| self.state_signal(STATE_PREFIX, &name, what, initial);
        let state = signal("state", Value::Text("".into()));
        let running = signal("running", Value::Bool(false));
        let fault = signal("fault", Value::Text("".into()));
        let scan_us = signal("scan_us", Value::Int(0));
        let overruns = signal("overruns", Value::Int(0));
        let link = match is_remote {
            true => signal("link", Value::Text("".into())),
            false => None,
        };
        let signals = (|| {
            Some(StateSignals {
                state: state?,
                running: running?,
                fault: fault?,
                scan_us: scan_us?,
                overruns: overruns?,
                link,
            })
        })();
        if let Some(context) = self.plcs.get_mut(plc) {
            context.tags.signals = signals;
        }
        self.show_state(plc);
        // Routes wait for some of its names, and signals of a context of this name that is gone live again.
        let mut names = self.routes.missing(&prefix);
        let space = &self.ledger.space;
        let known = (0..space.len() as u32).map(|id| space.name(SignalId(id)));
        names.extend(known.filter(|name| name.starts_with(&prefix)).map(str::to_owned));
        for name in names {
            let place = self.place_named(&name).ok().flatten();
            // A name that can be no place stays missing, and its route says so.
            let id = place.and_then(|(plc, address)| self.make_tag(plc, address).ok());
            if let Some(id) = id {
                self.routes.want_into(id);
            }
        }
        self.make_places_of_patterns();
        if let Some(program) = program {
            self.publish(plc, Some(&program.logic));
        }
    }

    /// A program is there, or none: its places become signals, its symbols names of theirs.
    pub(crate) fn publish(&mut self, plc: PlcId, program: Option<&Program>) {
        let Some(context) = self.plcs.get_mut(plc) else { return };
        let prefix = context.tags.prefix.clone();
        context.tags.written = program.map(written_outputs).unwrap_or_default();
        self.ledger.space.forget_aliases(&prefix);
        let mut refused = None;
        for address in program.map(named).into_iter().flatten() {
            refused = self.make_tag(plc, address).err().or(refused);
        }
        for (symbol, address) in program.map(symbols).into_iter().flatten() {
            for member in members(address) {
                match self.make_tag(plc, member) {
                    Ok(id) => {
                        let symbol = called(&symbol, address, member);
                        let alias = format!("{prefix}{symbol}");
                        self.ledger.space.add_alias(alias.clone(), &symbol, id);
                        self.named_anew.push((alias, id));
                    }
                    Err(error) => refused = Some(error),
                }
            }
        }
        if let Some(refused) = refused {
            let text = format!("not every place of the program is a signal: {refused}");
            let hint = "rename the signal or raise the limit";
            self.trouble(false, format!("plc:{prefix}"), &prefix, text, hint);
        }
        self.routes.follow_symbols(&mut self.ledger.space, &prefix);
        self.settle_routes();
        self.note_routes_without_symbols(plc, &prefix);
        self.note_all_driven(plc);
    }

    /// A context is gone: nothing that it held is believed any more, and its names stay without a program.
    pub(crate) fn end_tags(&mut self, context: &Context) {
        let now = self.now;
        for tag in context.tags.all() {
            self.plcs.tag_of.remove(&tag.id);
            self.ledger.mark(tag.id, Quality::PlcGone);
        }
        self.ledger.space.forget_aliases(&context.tags.prefix);
        if let Some(signals) = context.tags.signals {
            let state = Value::Text("Gone".into());
            self.ledger
                .store(now, signals.state, state, Writer::Nobody, Quality::PlcGone);
            let others = [signals.fault, signals.scan_us, signals.overruns];
            for id in others.into_iter().chain(signals.link) {
                self.ledger.mark(id, Quality::PlcGone);
            }
            self.ledger.store(
                now,
                signals.running,
                Value::Bool(false),
                Writer::Nobody,
                Quality::PlcGone,
            );
        }
        self.routes.follow_symbols(&mut self.ledger.space, &context.tags.prefix);
        self.settle_routes();
    }

    /// Is this a name of an existing context?
    pub(crate) fn is_of_plc(&self, text: &str) -> bool {
        let contexts = &self.plcs.contexts;
        text.starts_with("plc/") && contexts.iter().any(|context| text.starts_with(&context.tags.prefix))
    }

    /// The place that a name means; `None` when it is none of an existing context, a symbol among them.
    ///
    /// # Errors
    ///
    /// A name of a context that is neither an address nor a symbol, or a timer or counter as a whole.
    pub(crate) fn place_named(&self, text: &str) -> Result<Option<(PlcId, Address)>, Refused> {
        let Ok(name) = canonical(text, self.limits.name_len_max) else {
            return Ok(None);
        };
        let is_meant = |context: &&Context| name.starts_with(&context.tags.prefix);
        let Some(context) = self.plcs.contexts.iter().find(is_meant) else {
            return Ok(None);
        };
        let cell = &name[context.tags.prefix.len()..];
        let refused = |expected: String| Refused::BadValue {
            name: name.clone(),
            expected,
        };
        match Address::parse(cell) {
            Ok(address @ (Address::Timer { .. } | Address::Counter { .. })) => {
                Err(refused(format!("expected a member such as {address}.ACC")))
            }
            Ok(address) => Ok(Some((context.plc, address))),
            Err(_) if !cell.contains(':') => Ok(None),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    /// Publishes the place that a name means, where it means one; gives the signal of the name if there is one.
    pub(crate) fn make_tag_named(&mut self, text: &str) -> Result<Option<SignalId>, Refused> {
        if let Some(id) = self.ledger.space.find(text) {
            return Ok(Some(id));
        }
        match self.place_named(text)? {
            Some((plc, address)) => self.make_tag(plc, address).map(Some),
            None => Ok(None),
        }
    }

    /// Publishes the place that a name means for somebody who may see it. Where it means none the name stays unknown.
    pub(crate) fn make_tag_seen(&mut self, access: &Access, text: &str) {
        let name = canonical(text, self.limits.name_len_max);
        if name.is_ok_and(|name| access.sees(&name)) {
            drop(self.make_tag_named(text));
        }
    }

    /// The signal of a place, made when there is none.
    fn make_tag(&mut self, plc: PlcId, address: Address) -> Result<SignalId, Refused> {
        let gone = || Refused::NotFound {
            what: "PLC context",
            name: plc.0.to_string(),
        };
        let context = self.plcs.get(plc).ok_or_else(gone)?;
        if let Some(id) = context.tags.id_of(address) {
            return Ok(id);
        }
        let name = format!("{}{address}", context.tags.prefix);
        let place = Place::of(address).ok_or_else(|| Refused::BadValue {
            name: name.clone(),
            expected: format!("expected a member such as {address}.ACC"),
        })?;
        let time = self.time();
        let space = &mut self.ledger.space;
        let known = space.find(&name);
        if known.is_some_and(|id| !space.cell(id).is_tag) {
            let text =
                format!("'{name}' is a signal of an endpoint; make the PLC context before it, or rename the signal");
            return Err(Refused::Conflict(text));
        }
        let zero = Value::zero(kind(place));
        let id = space
            .create(time, &name, Owner::Hub, zero)
            .map_err(|error| match error {
                CreateError::Full { limit } => Refused::Limit { what: "signals", limit },
                error => Refused::Conflict(error.to_string()),
            })?;
        space.set_tag(id);
        if known.is_none() {
            self.created.push(id);
        }
        let context = self.plcs.get_mut(plc).ok_or_else(gone)?;
        let index = context.tags.add(id, address, place);
        let shown = context.tags.shown.is_some();
        self.plcs.tag_of.insert(id, (plc, index));
        match shown {
            true => self.show_word(plc, place.bits().0, None),
            false => self.ledger.mark(id, Quality::NeverWritten),
        }
        Ok(id)
    }

    /// Shows a place of a PLC on an endpoint: a signal of the endpoint, and a route between the two. A peer that writes it is
    /// not told its own value by the engine, and what it reads is what the outputs drive.
    pub(crate) fn add_signal_of_plc(&mut self, endpoint_id: EndpointId, setting: &SignalSetting) -> Option<SignalId> {
        let endpoint = &self.endpoints[endpoint_id.0 as usize].settings.name;
        let own = SignalSetting {
            signal: format!("twin/{endpoint}/{}", escape_segment(&setting.wire_name)),
            ..setting.clone()
        };
        let id = self.add_signal(endpoint_id, &own, false)?;
        let route = match setting.owner {
            Owner::Peer => RouteSetting::plain(&own.signal, &setting.signal),
            Owner::Hub => RouteSetting::plain(&setting.signal, &own.signal),
        };
        if let Err(refused) = self.add_route(&route, Maker::Signal) {
            let text = format!("'{}' is not tied to '{}': {refused}", own.signal, setting.signal);
            let hint = "correct the signal in the project file";
            self.trouble(true, format!("signal:{}", own.signal), &own.signal, text, hint);
        }
        Some(id)
    }
}

/// The symbols of a program with their addresses.
fn symbols(program: &Program) -> Vec<(String, Address)> {
    let entries = program.symbols.iter();
    entries
        .map(|entry| (entry.name.as_str().to_owned(), entry.address))
        .collect()
}

/// A symbol of a timer or counter as a whole names its members with theirs.
fn called(symbol: &str, address: Address, member: Address) -> String {
    match member {
        _ if member == address => symbol.to_owned(),
        Address::TimerMember { member, .. } => format!("{symbol}.{}", member.as_str()),
        Address::CounterMember { member, .. } => format!("{symbol}.{}", member.as_str()),
        _ => symbol.to_owned(),
    }
}
