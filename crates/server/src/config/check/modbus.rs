//! `[[modbus]]`: the Modbus TCP servers of a project, and their maps.

use super::super::keys::{Form, MODBUS_KEYS};
use super::super::limits::Limits;
use super::super::modbus::{ModbusMap, TABLE_LEN, fits, places_from};
use super::super::raw::{RawConfig, RawModbus, RawTable, RawValue, shortened};
use super::super::{ModbusConfig, ModbusTable};
use super::{Checker, Listener, is_named};
use crosstie_hub::settings::PlcSettings;
use crosstie_ladder::address::Address;

/// The keys of one entry of a map.
const ENTRY_KEYS: [&str; 3] = ["address", "count", "place"];

impl Checker<'_> {
    pub(super) fn modbuses(&mut self, raw: &RawConfig, contexts: &[PlcSettings]) -> Vec<ModbusConfig> {
        let limit = Limits::DEFAULT.modbuses_max;
        if let Some(beyond) = raw.modbuses.get(limit) {
            let place = self.in_file(&beyond.table.span);
            let found = format!("{} Modbus servers", raw.modbuses.len());
            self.findings
                .error(&place, "too_large", found, format!("at most {limit}"));
        }
        if let Some(first) = raw.modbuses.first().filter(|_| !cfg!(feature = "modbus")) {
            let place = self.in_file(&first.table.span);
            let found = "[[modbus]], and this crosstie was built without Modbus";
            self.findings
                .error(&place, "not_built_in", found, "a crosstie with the feature `modbus`");
        }
        let mut modbuses: Vec<ModbusConfig> = Vec::new();
        for raw in raw.modbuses.iter().take(limit) {
            let name = self.text(&raw.table, "name", "[[modbus]]", Form::Segment);
            let is_taken = (name.as_ref()).is_some_and(|(name, _)| modbuses.iter().any(|other| other.name == *name));
            if let Some((name, place)) = &name
                && is_taken
            {
                let found = format!("two Modbus servers are named `{name}`");
                let expected = "a name that no other Modbus server has";
                self.findings.error(place, "duplicate_name", found, expected);
            }
            let name = name.map(|(name, _)| name);
            let section = (name.as_ref().filter(|_| !is_taken)).map(|name| format!("modbus.{name}"));
            let mut modbus = ModbusConfig::named(name.as_deref().unwrap_or("unnamed"));
            let settings = raw.table.without("name");
            self.settle(MODBUS_KEYS, section.as_deref(), "[[modbus]]", &settings, &mut modbus);
            self.context_of(section.as_deref(), &settings, &modbus, contexts);
            self.maps(raw, &mut modbus);
            // A second server of the same name would hide the first.
            if section.is_some() {
                modbuses.push(modbus);
            }
        }
        modbuses
    }

    /// The context is there: a server without one would answer nothing but failures.
    fn context_of(&mut self, section: Option<&str>, raw: &RawTable, modbus: &ModbusConfig, contexts: &[PlcSettings]) {
        let place = self.place_of_key(section, "context", raw);
        let names = contexts.iter().map(|context| context.name.as_str());
        match &modbus.context {
            None if contexts.is_empty() => {
                let found = "[[modbus]] in a project without a PLC context";
                self.findings.error(&place, "missing_key", found, "a [[plc]]");
            }
            Some(context) if !contexts.iter().any(|known| [&known.name, &known.id].contains(&context)) => {
                let found = format!("no PLC context is named `{}`", shortened(context));
                let near = super::super::diagnostic::nearest(context, names);
                let finding = self
                    .findings
                    .error(&place, "unknown_context", found, "the name of a [[plc]]");
                if let Some(near) = near {
                    finding.help(format!("did you mean `{near}`?"));
                }
            }
            _ => {}
        }
    }

    /// The maps that the project gives; the others keep their default.
    fn maps(&mut self, raw: &RawModbus, modbus: &mut ModbusConfig) {
        for (table, entries) in &raw.maps {
            let limit = Limits::DEFAULT.modbus_entries_max;
            if let Some(beyond) = entries.get(limit) {
                let place = self.in_file(&beyond.span);
                let found = format!("{} entries in `{}`", entries.len(), table.key());
                self.findings
                    .error(&place, "too_large", found, format!("at most {limit}"));
            }
            let mut map = ModbusMap::default();
            for entry in entries.iter().take(limit) {
                self.map_entry(*table, entry, &mut map);
            }
            modbus.maps.set(*table, map);
        }
    }

    fn map_entry(&mut self, table: ModbusTable, raw: &RawTable, map: &mut ModbusMap) {
        let section = format!("`{}` of [[modbus]]", table.key());
        self.report_unknown(raw, &section, &ENTRY_KEYS);
        let last = TABLE_LEN as i64 - 1;
        let first = self.whole(raw, "address", &section, (0, last), None);
        let count = self.whole(raw, "count", &section, (1, last + 1), Some(1));
        let (Some(first), Some(count)) = (first, count) else {
            return;
        };
        let Some((text, place)) = self.text(raw, "place", &section, Form::Text) else {
            return;
        };
        let expected = match table.is_bits() {
            true => "a bit such as I:0/0, N:5/3 or T:1.DN",
            false => "a number such as N:0, T:1.ACC or C:1.PRE",
        };
        let address = match Address::parse(&text) {
            Ok(address) => address,
            Err(error) => {
                let found = format!("`place` is \"{}\": {error}", shortened(&text));
                self.findings.error(&place, "bad_value", found, expected);
                return;
            }
        };
        if !fits(table, address) {
            let found = format!("{address} in `{}`", table.key());
            self.findings.error(&place, "bad_value", found, expected);
            return;
        }
        // Both lie within a table.
        let (count, first) = (count as usize, first as u16);
        if usize::from(first) + count > TABLE_LEN {
            let found = format!("{count} addresses from {first}");
            let expected = "addresses up to 65535";
            self.findings.error(&place, "out_of_range", found, expected);
            return;
        }
        let Some(places) = places_from(address, count) else {
            let found = format!("{count} places from {address}, and there are not so many");
            self.findings
                .error(&place, "out_of_range", found, "fewer, or an earlier place");
            return;
        };
        if let Err(taken) = map.add(first, &places) {
            let found = format!("two places for the address {taken} in `{}`", table.key());
            let expected = "one place for each address";
            self.findings.error(&place, "duplicate_name", found, expected);
        }
    }

    /// A whole number of a range; `default` when it may be left out.
    pub(super) fn whole(
        &mut self,
        raw: &RawTable,
        key: &str,
        section: &str,
        (min, max): (i64, i64),
        default: Option<i64>,
    ) -> Option<i64> {
        let form = Form::Whole { min, max };
        let Some(entry) = raw.get(key) else {
            if default.is_none() {
                let place = self.in_file(&raw.span);
                super::missing_key(&mut self.findings, &place, key, section, form);
            }
            return default;
        };
        match (form.check(&entry.value), &entry.value) {
            (Ok(_), RawValue::Whole(number)) => Some(*number),
            (Err(code), value) => {
                let place = self.in_file(&entry.value_span);
                let found = format!("`{key}` is {}", value.shown());
                self.findings.error(&place, code, found, form.expected());
                None
            }
            _ => None,
        }
    }

    /// Where the servers listen. Modbus knows no keys, so one that other machines reach is said to people.
    pub(super) fn listen_for_modbus(
        &mut self,
        raw: &[RawModbus],
        modbuses: &mut [ModbusConfig],
        taken: &mut Vec<Listener>,
    ) {
        let offset = self.overrides.port_offset;
        let default = RawTable::default();
        for modbus in modbuses {
            let label = format!("[[modbus]] \"{}\"", modbus.name);
            let section = format!("modbus.{}", modbus.name);
            let table = raw
                .iter()
                .map(|raw| &raw.table)
                .find(|table| is_named(table, &modbus.name));
            let table = table.unwrap_or(&default);
            // Whether somebody may come in without a key is no question here: nobody has one.
            let mut listener = Listener::new(&label, &section, modbus.bind, modbus.port, true);
            modbus.address = self.address_of(&listener, table, offset);
            listener.address = modbus.address;
            self.take_port(listener, table, taken);
            if !modbus.bind.to_canonical().is_loopback() {
                let place = self.place_of(&format!("{section}.bind"), table);
                let (bind, may) = (modbus.bind, if modbus.read_only { "reads" } else { "reads and writes" });
                let found =
                    format!("{label} listens on {bind}: whoever reaches this machine {may} there without a key");
                let expected = "a loopback address, or a network that only the right machines reach";
                self.findings.warning(&place, "open_listener", found, expected);
            }
        }
    }
}
