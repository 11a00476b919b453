//! Addresses that show wrong keys or join codes: how often, and for how long they are told to wait.
//!
//! A key has 256 random bits, so nobody finds one by trying, and the pause does not have to stop that. It keeps a program
//! with a wrong key from filling the log and the hub's time. A right key is therefore taken during the pause, too:
//! otherwise one such program would lock out everybody behind the same address. A join code is short and can be found by trying: no
//! code of a waiting address is heard.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failures of one address within [`WINDOW`] that are answered with 401. From the next one on it is 429 for [`PAUSE`].
const FAILURES_MAX: u32 = 20;

/// In what time failures are counted together, and how often at most a line of the log speaks of one address.
const WINDOW: Duration = Duration::from_secs(60);

/// How long an address is told to wait.
const PAUSE: Duration = Duration::from_secs(60);

/// Addresses that are remembered. For a further one the one that has been quiet for longest is forgotten.
const ADDRESSES_MAX: usize = 1_024;

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The address has failed too often: it should wait.
    pub(super) is_too_often: bool,
    /// It deserves a line in the log.
    pub(super) is_news: bool,
}

/// The addresses with their failures.
#[derive(Debug, Default)]
pub(super) struct Failures {
    addresses: HashMap<IpAddr, Count>,
}

#[derive(Debug)]
struct Count {
    since: Instant,
    last: Instant,
    failures: u32,
    said: Option<Instant>,
    waits_until: Option<Instant>,
}

impl Failures {
    /// A request without a key where one is wanted. It is no attempt to guess one, so it is not counted.
    pub(super) fn without_key(&mut self, address: IpAddr, now: Instant) -> Verdict {
        Verdict {
            is_too_often: false,
            is_news: self.count_of(address, now).is_news(now),
        }
    }

    /// A request with a wrong key.
    pub(super) fn wrong_key(&mut self, address: IpAddr, now: Instant) -> Verdict {
        let count = self.count_of(address, now);
        if count.waits_until.is_some_and(|until| now >= until) {
            count.waits_until = None;
            count.failures = 0;
        }
        if count.failures == 0 || now.duration_since(count.since) >= WINDOW {
            count.since = now;
            count.failures = 0;
        }
        count.failures += 1;
        if count.failures > FAILURES_MAX && count.waits_until.is_none() {
            count.waits_until = Some(now + PAUSE);
        }
        Verdict {
            is_too_often: count.waits_until.is_some(),
            is_news: count.is_news(now),
        }
    }

    /// Is this address told to wait?
    pub(super) fn waits(&self, address: IpAddr, now: Instant) -> bool {
        let count = self.addresses.get(&network_of(address));
        count
            .and_then(|count| count.waits_until)
            .is_some_and(|until| now < until)
    }

    fn count_of(&mut self, address: IpAddr, now: Instant) -> &mut Count {
        let address = network_of(address);
        if self.addresses.len() >= ADDRESSES_MAX
            && !self.addresses.contains_key(&address)
            && let Some(quiet) = self
                .addresses
                .iter()
                .min_by_key(|(_, count)| count.last)
                .map(|(address, _)| *address)
        {
            self.addresses.remove(&quiet);
        }
        let count = self.addresses.entry(address).or_insert(Count {
            since: now,
            last: now,
            failures: 0,
            said: None,
            waits_until: None,
        });
        count.last = now;
        count
    }
}

impl Count {
    fn is_news(&mut self, now: Instant) -> bool {
        let is_news = self.said.is_none_or(|said| now.duration_since(said) >= WINDOW);
        if is_news {
            self.said = Some(now);
        }
        is_news
    }
}

/// One customer of the internet has a whole /64 of IPv6, so that counts as one address.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn the_twenty_first_failure_within_a_minute_makes_an_address_wait_for_a_minute() {
        let mut failures = Failures::default();
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut fail = |seconds: u64| failures.wrong_key(address(1), at(seconds)).is_too_often;
        assert!((0..20).all(|second| !fail(second)));
        assert!(fail(20) && fail(79));
        assert!(!fail(80), "the minute is over");
        assert!((81..100).all(|second| !fail(second)));
        assert!(!fail(140), "the first of these are more than a minute ago");
        assert!(!failures.wrong_key(address(2), at(20)).is_too_often, "another address");
    }

    #[test]
    fn an_address_waits_for_as_long_as_it_is_told() {
        let mut failures = Failures::default();
        let start = Instant::now();
        let waits = |failures: &Failures, seconds| failures.waits(address(1), start + Duration::from_secs(seconds));
        for _ in 0..20 {
            failures.wrong_key(address(1), start);
        }
        assert!(!waits(&failures, 0));
        failures.wrong_key(address(1), start);
        assert!(waits(&failures, 0) && waits(&failures, 59));
        assert!(!waits(&failures, 60) && !failures.waits(address(2), start));
    }

    #[test]
    fn a_missing_key_is_no_attempt_and_one_line_per_minute_is_enough() {
        let mut failures = Failures::default();
        let start = Instant::now();
        let said = (0..600)
            .map(|tenth| failures.without_key(address(1), start + Duration::from_millis(100 * tenth)))
            .filter(|verdict| verdict.is_news);
        assert_eq!(said.count(), 1);
        let verdict = failures.wrong_key(address(1), start + Duration::from_secs(60));
        assert_eq!((verdict.is_news, verdict.is_too_often), (true, false));
    }

    #[test]
    fn the_table_is_bounded_and_forgets_the_quietest() {
        let mut failures = Failures::default();
        let start = Instant::now();
        for number in 0..ADDRESSES_MAX as u32 + 10 {
            let now = start + Duration::from_millis(u64::from(number));
            for _ in 0..=FAILURES_MAX {
                failures.wrong_key(address(number), now);
            }
        }
        assert_eq!(failures.addresses.len(), ADDRESSES_MAX);
        assert!(!failures.addresses.contains_key(&address(9)));
        assert!(failures.addresses.contains_key(&address(10)));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:2"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
    }
}
