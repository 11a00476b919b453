//! One realvirtual endpoint: its settings, its flat names, and the text of every signal as its clients get it.

use crate::api::Counters;
use crate::session::link::state::Link;
use crate::settings::{DirectionConvention, EndpointSettings, Owner};
use crate::signal::{Cell, Generation, Kind, SignalId, Value};
use crosstie_wire::realvirtual as wire;
use rustc_hash::FxHashMap;

/// Position of a signal in the catalog of one endpoint.
pub(crate) type Slot = u32;

const NO_SLOT: Slot = u32::MAX;

/// One signal as an endpoint shows it.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) signal: SignalId,
    pub(crate) owner: Owner,
    pub(crate) convention: Option<DirectionConvention>,
    /// The type is shown without a PLC prefix.
    pub(crate) neutral: bool,
    /// It was made from the first value that a peer sent, so its number kind may still widen.
    pub(crate) guessed: bool,
    /// Somebody on this side has said its value, or the project gives one. What nobody has said is not sent over a link: it
    /// would be a command that nobody gave.
    pub(crate) said: bool,
    /// The slot whose name followed this one in the last message.
    followed_by: Slot,
    /// `"name":value` as of `encoded_at`.
    text: Vec<u8>,
    /// Bytes of `"name":` in `text`.
    head_len: u32,
    /// The name stands in `text` as it is, without escapes.
    is_plain: bool,
    encoded_at: Generation,
}

impl Binding {
    /// Compares with the name in the encoded text, which is at hand anyway; a name with escapes is found by its hash.
    fn is_called(&self, name: &str) -> bool {
        let head_len = self.head_len as usize;
        self.is_plain && name.len() + 3 == head_len && self.text[1..head_len - 2] == *name.as_bytes()
    }
}

/// The state of one endpoint.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) settings: EndpointSettings,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) counters: Counters,
    pub(crate) clients: usize,
    /// Clients that have sent data so far; echoes need two.
    pub(crate) senders: usize,
    /// Its link, in the client role.
    pub(crate) link: Option<Link>,
    by_name: FxHashMap<Box<str>, Slot>,
    by_signal: Vec<Slot>,
    first_name: Slot,
}

impl Endpoint {
    pub(crate) fn new(settings: EndpointSettings) -> Endpoint {
        Endpoint {
            link: settings.link.clone().map(Link::new),
            settings,
            bindings: Vec::new(),
            counters: Counters::default(),
            clients: 0,
            senders: 0,
            by_name: FxHashMap::default(),
            by_signal: Vec::new(),
            first_name: NO_SLOT,
        }
    }

    /// Shows a signal under a name; false when the name or the signal is shown already.
    pub(crate) fn bind(
        &mut self,
        signal: SignalId,
        name: &str,
        owner: Owner,
        convention: Option<DirectionConvention>,
        neutral: bool,
    ) -> bool {
        if self.by_name.contains_key(name) || self.slot_of(signal).is_some() {
            return false;
        }
        let slot = self.bindings.len() as Slot;
        let mut text = Vec::with_capacity(name.len() + 16);
        wire::write_name(&mut text, name);
        let head_len = text.len() as u32;
        self.bindings.push(Binding {
            signal,
            owner,
            convention,
            neutral,
            guessed: false,
            said: false,
            followed_by: slot + 1,
            text,
            head_len,
            is_plain: head_len as usize == name.len() + 3,
            encoded_at: Generation(0),
        });
        self.by_name.insert(name.into(), slot);
        let index = signal.0 as usize;
        if self.by_signal.len() <= index {
            self.by_signal.resize(index + 1, NO_SLOT);
        }
        self.by_signal[index] = slot;
        true
    }

    /// The slot of a name. Messages repeat their order, so the name that followed `previous` last time is tried first: one
    /// comparison instead of a hash.
    pub(crate) fn slot_named(&mut self, name: &str, previous: Option<Slot>) -> Option<Slot> {
        let guess = match previous {
            Some(previous) => self.bindings[previous as usize].followed_by,
            None => self.first_name,
        };
        if let Some(binding) = self.bindings.get(guess as usize)
            && binding.is_called(name)
        {
            return Some(guess);
        }
        let slot = *self.by_name.get(name)?;
        match previous {
            Some(previous) => self.bindings[previous as usize].followed_by = slot,
            None => self.first_name = slot,
        }
        Some(slot)
    }

    /// The slot of a name, without a guess.
    pub(crate) fn find(&self, name: &str) -> Option<Slot> {
        self.by_name.get(name).copied()
    }

    /// Every signal it shows, in the order of its catalog.
    pub(crate) fn catalog(&self) -> Vec<SignalId> {
        self.bindings.iter().map(|binding| binding.signal).collect()
    }

    /// Every name that it shows, in the order of its catalog.
    pub(crate) fn names(&self) -> Vec<(&str, Slot)> {
        let mut names: Vec<(&str, Slot)> = self.by_name.iter().map(|(name, slot)| (&**name, *slot)).collect();
        names.sort_unstable_by_key(|(_, slot)| *slot);
        names
    }

    /// The signals that this side writes and has said, in the order of its catalog.
    pub(crate) fn said(&self) -> Vec<SignalId> {
        let said = self
            .bindings
            .iter()
            .filter(|binding| binding.owner == Owner::Hub && binding.said);
        said.map(|binding| binding.signal).collect()
    }

    /// The slot that shows a signal.
    pub(crate) fn slot_of(&self, signal: SignalId) -> Option<Slot> {
        match self.by_signal.get(signal.0 as usize) {
            None | Some(&NO_SLOT) => None,
            Some(slot) => Some(*slot),
        }
    }

    /// Appends `"name":value`, encoded once per generation and endpoint.
    pub(crate) fn write_current(&mut self, slot: Slot, cell: &Cell, out: &mut Vec<u8>) {
        let binding = &mut self.bindings[slot as usize];
        if binding.encoded_at != cell.generation {
            binding.encoded_at = cell.generation;
            binding.text.truncate(binding.head_len as usize);
            // A cell never holds a number that is not finite, so every value can be written.
            wire::write_value(&mut binding.text, cell.value.as_wire());
        }
        out.extend_from_slice(&binding.text);
    }

    /// Appends `"name":value` with another value than the stored one.
    pub(crate) fn write_shown(&self, slot: Slot, value: &Value, out: &mut Vec<u8>) {
        let binding = &self.bindings[slot as usize];
        out.extend_from_slice(&binding.text[..binding.head_len as usize]);
        wire::write_value(out, value.as_wire());
    }

    /// Appends `"name":"type"` for the catalog.
    pub(crate) fn write_type(&self, slot: Slot, kind: Kind, out: &mut Vec<u8>) {
        let binding = &self.bindings[slot as usize];
        out.extend_from_slice(&binding.text[..binding.head_len as usize]);
        out.push(b'"');
        out.extend_from_slice(self.signal_type(binding, kind).as_str().as_bytes());
        out.push(b'"');
    }

    /// The type string is made only here, at the border (RV-40): we answer as the side that owns the hub's signals.
    fn signal_type(&self, binding: &Binding, kind: Kind) -> wire::SignalType {
        let convention = binding.convention.unwrap_or(self.settings.direction_convention);
        let prefix =
            match (binding.neutral, binding.owner, convention) {
                (true, ..) => None,
                (false, Owner::Hub, DirectionConvention::Plc)
                | (false, Owner::Peer, DirectionConvention::Simulation) => Some(wire::Prefix::PlcOutput),
                (false, Owner::Peer, DirectionConvention::Plc)
                | (false, Owner::Hub, DirectionConvention::Simulation) => Some(wire::Prefix::PlcInput),
            };
        wire::SignalType { prefix, kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::SignalSpace;
    use crate::time::Time;

    fn endpoint(names: &[&str]) -> (SignalSpace, Endpoint) {
        let mut space = SignalSpace::new(99, 99);
        let mut endpoint = Endpoint::new(EndpointSettings::named("line"));
        for name in names {
            let path = format!("twin/line/{name}");
            let id = space.create(Time::ZERO, &path, Owner::Hub, Value::Float(0.0)).unwrap();
            assert!(endpoint.bind(id, name, Owner::Hub, None, false));
        }
        (space, endpoint)
    }

    #[test]
    fn a_name_is_found_whatever_was_guessed() {
        let (_, mut endpoint) = endpoint(&["a", "b", "c"]);
        let mut walk = |names: &[&str]| {
            let mut previous = None;
            for name in names {
                let slot = endpoint.slot_named(name, previous).unwrap();
                assert_eq!(Some(slot), endpoint.find(name));
                previous = Some(slot);
            }
        };
        walk(&["a", "b", "c"]);
        walk(&["c", "a"]);
        walk(&["c", "a", "b", "c"]);
        assert_eq!(endpoint.slot_named("A", None), None);
        assert_eq!(endpoint.slot_named("d", Some(2)), None);
    }

    #[test]
    fn a_name_that_looks_like_the_escapes_of_another_is_not_taken_for_it() {
        let (_, mut endpoint) = endpoint(&["a\"b"]);
        assert_eq!(endpoint.slot_named("a\"b", None), Some(0));
        assert_eq!(endpoint.slot_named("a\"b", None), Some(0));
        assert_eq!(endpoint.slot_named("a\\\"b", None), None);
    }

    #[test]
    fn the_type_string_follows_owner_and_convention() {
        let (_, mut endpoint) = endpoint(&["a"]);
        let mut check = |owner, convention, neutral, expected: &str| {
            endpoint.bindings[0].owner = owner;
            endpoint.bindings[0].convention = convention;
            endpoint.bindings[0].neutral = neutral;
            let mut out = Vec::new();
            endpoint.write_type(0, Kind::Float, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"a\":\"{expected}\""));
        };
        check(Owner::Hub, None, false, "PLCOutputFloat");
        check(Owner::Peer, None, false, "PLCInputFloat");
        check(
            Owner::Hub,
            Some(DirectionConvention::Simulation),
            false,
            "PLCInputFloat",
        );
        check(
            Owner::Peer,
            Some(DirectionConvention::Simulation),
            false,
            "PLCOutputFloat",
        );
        check(Owner::Hub, None, true, "Float");
    }

    #[test]
    fn the_text_of_a_signal_is_made_anew_when_its_value_changes() {
        let (mut space, mut endpoint) = endpoint(&["a"]);
        let text = |space: &SignalSpace, endpoint: &mut Endpoint| {
            let mut out = Vec::new();
            endpoint.write_current(0, space.cell(SignalId(0)), &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(&space, &mut endpoint), r#""a":0"#);
        space.close_batch();
        space.write(
            Time::ZERO,
            SignalId(0),
            Value::Float(520.5),
            crate::signal::Writer::Nobody,
            crate::signal::Quality::Good,
        );
        assert_eq!(text(&space, &mut endpoint), r#""a":520.5"#);
        let mut out = Vec::new();
        endpoint.write_shown(0, &Value::Float(1.0), &mut out);
        assert_eq!(out, br#""a":1"#);
    }
}
