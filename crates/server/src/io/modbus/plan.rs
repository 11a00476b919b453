//! Which requests move the mappings of a Modbus server: neighbouring addresses go together, within the limits of the protocol.
//!
//! Only addresses that are mapped are touched: a gap between two of them may be none of the device's.

/// Bits that one request reads at most.
pub(super) const READ_BITS_MAX: usize = 2_000;
/// Registers that one request reads at most.
pub(super) const READ_REGISTERS_MAX: usize = 125;
/// Bits that one request writes at most.
pub(super) const WRITE_BITS_MAX: usize = 1_968;
/// Registers that one request writes at most.
pub(super) const WRITE_REGISTERS_MAX: usize = 123;

/// Neighbouring addresses that one request moves, and what each of them is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span<T> {
    /// The first address.
    pub(super) addr: u16,
    /// One for each address, in order; never empty.
    pub(super) items: Vec<T>,
}

/// Spans over these addresses, none longer than `max`. No address stands twice in the list.
pub(super) fn spans<T>(mappings: impl IntoIterator<Item = (u16, T)>, max: usize) -> Vec<Span<T>> {
    let mut sorted: Vec<(u16, T)> = mappings.into_iter().collect();
    sorted.sort_by_key(|(addr, _)| *addr);
    let mut spans: Vec<Span<T>> = Vec::new();
    for (addr, item) in sorted {
        match spans.last_mut() {
            Some(span) if span.items.len() < max && usize::from(span.addr) + span.items.len() == usize::from(addr) => {
                span.items.push(item);
            }
            _ => spans.push(Span {
                addr,
                items: vec![item],
            }),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(addresses: impl IntoIterator<Item = u16>, max: usize) -> Vec<(u16, usize)> {
        let mappings = addresses.into_iter().map(|addr| (addr, addr));
        let spans = spans(mappings, max);
        for span in &spans {
            let expected: Vec<u16> = (span.addr..=u16::MAX).take(span.items.len()).collect();
            assert_eq!(span.items, expected, "each item stands at its address");
        }
        spans.iter().map(|span| (span.addr, span.items.len())).collect()
    }

    #[test]
    fn neighbours_go_together_and_gaps_are_never_touched() {
        assert_eq!(lengths([], 10), []);
        assert_eq!(lengths([7], 10), [(7, 1)]);
        assert_eq!(lengths([3, 1, 2, 9, 8, 0], 10), [(0, 4), (8, 2)]);
        assert_eq!(lengths([0, 2, 4], 10), [(0, 1), (2, 1), (4, 1)]);
        assert_eq!(lengths([u16::MAX, u16::MAX - 1, 0], 10), [(0, 1), (u16::MAX - 1, 2)]);
    }

    #[test]
    fn no_request_is_larger_than_the_protocol_allows() {
        assert_eq!(lengths(0..2_001, READ_BITS_MAX), [(0, 2_000), (2_000, 1)]);
        assert_eq!(lengths(10..136, READ_REGISTERS_MAX), [(10, 125), (135, 1)]);
        assert_eq!(lengths(0..1_968, WRITE_BITS_MAX), [(0, 1_968)]);
        assert_eq!(lengths(0..247, WRITE_REGISTERS_MAX), [(0, 123), (123, 123), (246, 1)]);
    }
}
