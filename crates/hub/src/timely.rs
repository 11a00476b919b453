//! Orders that say when they were given are carried out soon, or not at all.
//!
//! A frame or a request may lie in a socket or a proxy for seconds while whoever gave it was told that the link is lost. An epoch does not
//! help there: it is that of the connection on which the order waits. So an order may carry the hub's time at which it was given.

use std::time::Duration;

use crate::time::Time;

/// How old an order may be. The page of the hub calls a link lost that was silent for a little longer.
pub const ORDER_AGE_MAX: Duration = Duration::from_secs(3);

/// Why an order of this age is not carried out; `None` where it is in time. `given_at_ms` is in milliseconds since the start of the hub, as
/// the world goes, as well as the one who gave the order knows that time.
pub fn late(given_at_ms: u64, now: Time) -> Option<String> {
    let (now_ms, limit) = (now.as_millis(), ORDER_AGE_MAX.as_millis());
    let age = u128::from(now_ms.saturating_sub(given_at_ms));
    if age > limit {
        return Some(format!(
            "this order was given {age} ms ago; one that is older than {limit} ms is not carried out"
        ));
    }
    (u128::from(given_at_ms.saturating_sub(now_ms)) > limit).then(|| {
        format!(
            "this order was given at {given_at_ms} ms, and the hub runs for {now_ms} ms: it was meant for an earlier run and is not carried out"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_in_time_or_late_or_of_an_earlier_run() {
        let now = Time::from_millis(10_000);
        for given in [7_000, 9_999, 10_000, 10_001, 13_000] {
            assert_eq!(late(given, now), None, "{given}");
        }
        assert!(late(6_999, now).is_some_and(|why| why.contains("given 3001 ms ago")));
        assert!(late(13_001, now).is_some_and(|why| why.contains("earlier run")));
        assert!(late(u64::MAX, now).is_some() && late(0, Time::from_nanos(u64::MAX)).is_some());
    }
}
