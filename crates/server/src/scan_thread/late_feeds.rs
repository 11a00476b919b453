//! What routes say to an engine that does not take it: the newest value of each place waits, the rest is forgotten.

use std::collections::BTreeMap;

use crosstie_hub::Time;
use crosstie_hub::plc::{Numbered, Order};
use crosstie_ladder::address::Address;
use crosstie_ladder::data_table::{CellValue, Place};
use rtrb::Producer;

use super::ring::ORDERS_RESERVED;

/// Values of routes that have not found a place in the ring. There are at most as many as there are places in a memory.
#[derive(Debug, Default)]
pub(super) struct LateFeeds {
    /// In the order of addresses, words come before their bits: a bit that was said after its word must come after it.
    values: BTreeMap<Address, (CellValue, Time)>,
}

impl LateFeeds {
    /// A route says a value: into the ring, or here until there is room.
    pub(super) fn put(&mut self, address: Address, value: CellValue, at: Time, ring: &mut Producer<Numbered>) {
        self.flush(ring);
        if !self.values.is_empty() || !push(address, value, at, ring) {
            // An older value of a larger or a smaller place must not come later.
            self.forget(address);
            self.values.insert(address, (value, at));
        }
    }

    /// Somebody else writes the place: what waits for it is older.
    pub(super) fn forget(&mut self, address: Address) {
        let Some((word, bits)) = Place::of(address).map(|place| place.bits()) else {
            return;
        };
        self.values.retain(|other, _| {
            let other = Place::of(*other).map(|place| place.bits());
            other.is_some_and(|(other, others)| other != word || others & !bits != 0)
        });
    }

    /// Puts into the ring what has found room meanwhile.
    pub(super) fn flush(&mut self, ring: &mut Producer<Numbered>) {
        if !self.values.is_empty() {
            self.values
                .retain(|address, (value, at)| !push(*address, *value, *at, ring));
        }
    }
}

fn push(address: Address, value: CellValue, at: Time, ring: &mut Producer<Numbered>) -> bool {
    let order = Order::Feed { address, value };
    let numbered = Numbered { number: 0, at, order };
    ring.slots() > ORDERS_RESERVED && ring.push(numbered).is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::ring::{self, ORDERS_MAX};
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    #[test]
    fn when_the_ring_is_full_the_newest_value_of_each_place_waits() {
        let (mut orders, mut taken) = ring::orders();
        let mut late = LateFeeds::default();
        for number in 0..ORDERS_MAX as i32 {
            late.put(address("N:1"), CellValue::Word(number), Time::ZERO, &mut orders);
        }
        assert_eq!(
            orders.slots(),
            ORDERS_RESERVED,
            "room for orders of other kinds is left"
        );
        late.put(address("N:2"), CellValue::Word(7), Time::ZERO, &mut orders);
        late.put(address("I:0/3"), CellValue::Bit(true), Time::ZERO, &mut orders);
        late.forget(address("I:0"));
        assert_eq!(late.values.len(), 2);

        while taken.pop().is_ok() {}
        late.flush(&mut orders);
        let mut values: Vec<(String, CellValue)> = Vec::new();
        while let Ok(Numbered { order, .. }) = taken.pop() {
            let Order::Feed { address, value } = order else {
                panic!("{order:?}")
            };
            values.push((address.to_string(), value));
        }
        values.sort_by(|a, b| a.0.cmp(&b.0));
        let newest = CellValue::Word(ORDERS_MAX as i32 - 1);
        let expected = [("N:1", newest), ("N:2", CellValue::Word(7))];
        assert_eq!(values, expected.map(|(place, value)| (place.to_owned(), value)));
    }
}
