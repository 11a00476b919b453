//! What a Modbus server has been told, so that only what changed is written, and everything again after a reconnect.

use crosstie_ladder::project::SafeState;

use super::plan::{Span, spans};

/// An output of the server: a coil or a holding register.
#[derive(Debug, Clone)]
pub(super) struct Output<P, V> {
    pub(super) addr: u16,
    /// Where its value stands in the memory of the PLC.
    pub(super) place: P,
    /// It keeps its value when the PLC stops.
    holds: bool,
    /// What the server has confirmed; `None`: nothing, or nobody knows since the connection was lost.
    confirmed: Option<V>,
    /// What it was to be last; a held output is that again after a reconnect.
    wanted: Option<V>,
}

/// All outputs of one kind.
#[derive(Debug, Clone)]
pub(super) struct Outputs<P, V> {
    list: Vec<Output<P, V>>,
    max: usize,
}

impl<P: Copy, V: Copy + Default + PartialEq> Outputs<P, V> {
    /// These addresses, none of which stands twice. `max`: how many one request writes.
    pub(super) fn new(mappings: impl IntoIterator<Item = (u16, P, SafeState)>, hold_all: bool, max: usize) -> Self {
        let list = mappings.into_iter().map(|(addr, place, safe_state)| Output {
            addr,
            place,
            holds: hold_all || safe_state == SafeState::Hold,
            confirmed: None,
            wanted: None,
        });
        Outputs {
            list: list.collect(),
            max,
        }
    }

    /// What is to be written, each with its place in the list, so that it can be confirmed.
    pub(super) fn due(&mut self, is_safe: bool, value: impl Fn(P) -> V) -> Vec<Span<(usize, V)>> {
        for output in &mut self.list {
            output.wanted = match (is_safe, output.holds) {
                (false, _) => Some(value(output.place)),
                (true, false) => Some(V::default()),
                // One that was never told anything is left as it is.
                (true, true) => output.wanted,
            };
        }
        let list = self.list.iter().enumerate();
        let due = list.filter_map(|(index, output)| {
            let wanted = output.wanted.filter(|wanted| output.confirmed != Some(*wanted))?;
            Some((output.addr, (index, wanted)))
        });
        spans(due, self.max)
    }

    /// The server has taken these.
    pub(super) fn confirm(&mut self, span: &Span<(usize, V)>) {
        for (index, value) in &span.items {
            if let Some(output) = self.list.get_mut(*index) {
                output.confirmed = Some(*value);
            }
        }
    }

    /// Nobody knows what the server has: the connection is new.
    pub(super) fn forget(&mut self) {
        self.list.iter_mut().for_each(|output| output.confirmed = None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(hold_all: bool) -> Outputs<u8, bool> {
        let mappings = [(0, 0, SafeState::Off), (1, 1, SafeState::Hold), (3, 3, SafeState::Off)];
        Outputs::new(mappings, hold_all, 10)
    }

    /// Addresses and values that are written, and confirmed.
    fn write(outputs: &mut Outputs<u8, bool>, is_safe: bool, bits: u8) -> Vec<(u16, Vec<bool>)> {
        let due = outputs.due(is_safe, |place| bits >> place & 1 == 1);
        due.iter().for_each(|span| outputs.confirm(span));
        let values = |span: &Span<(usize, bool)>| span.items.iter().map(|(_, on)| *on).collect();
        due.iter().map(|span| (span.addr, values(span))).collect()
    }

    #[test]
    fn only_what_changed_is_written_and_all_of_it_after_a_reconnect() {
        let mut outputs = outputs(false);
        let all = [(0, vec![true, true]), (3, vec![false])];
        assert_eq!(write(&mut outputs, false, 0b0011), all);
        assert_eq!(write(&mut outputs, false, 0b0011), []);
        assert_eq!(write(&mut outputs, false, 0b1011), [(3, vec![true])]);
        outputs.forget();
        assert_eq!(
            write(&mut outputs, false, 0b1011),
            [(0, vec![true, true]), (3, vec![true])]
        );
    }

    #[test]
    fn what_was_not_confirmed_is_written_again() {
        let mut outputs = outputs(false);
        assert_eq!(outputs.due(false, |_| true).len(), 2);
        assert_eq!(outputs.due(false, |_| true).len(), 2);
    }

    #[test]
    fn at_a_stop_outputs_go_off_or_hold_also_over_a_reconnect() {
        let mut outputs = outputs(false);
        // Before the first scan: nobody knows what a held one is to be.
        assert_eq!(write(&mut outputs, true, 0), [(0, vec![false]), (3, vec![false])]);
        write(&mut outputs, false, 0b1011);
        assert_eq!(write(&mut outputs, true, 0), [(0, vec![false]), (3, vec![false])]);
        outputs.forget();
        assert_eq!(write(&mut outputs, true, 0), [(0, vec![false, true]), (3, vec![false])]);
    }

    #[test]
    fn a_context_that_holds_holds_all() {
        let mut outputs = outputs(true);
        assert_eq!(write(&mut outputs, true, 0), []);
        write(&mut outputs, false, 0b1011);
        assert_eq!(write(&mut outputs, true, 0), []);
    }
}
