//! The memory of a hub over a trial: does it grow?

use serde::Serialize;

/// The memory of a hub may be larger in the last third of the time than in the first by this part and so many kilobytes.
const GROWTH_MAX: (f64, u64) = (0.05, 2_048);

/// Private memory in kilobytes; 0 where the system does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct MemoryThirds {
    /// On average, in the first third of the time.
    #[serde(rename = "memory_first_third_kb")]
    pub(super) first_kb: u64,
    /// In the last.
    #[serde(rename = "memory_last_third_kb")]
    pub(super) last_kb: u64,
    /// At most.
    #[serde(rename = "memory_max_kb")]
    pub(super) max_kb: u64,
}

impl MemoryThirds {
    /// Of samples at even times.
    pub(super) fn of(samples: &[u64]) -> MemoryThirds {
        let third = samples.len().div_ceil(3);
        let average = |samples: &[u64]| samples.iter().sum::<u64>() / samples.len().max(1) as u64;
        MemoryThirds {
            first_kb: average(&samples[..third]),
            last_kb: average(&samples[samples.len() - third..]),
            max_kb: samples.iter().copied().max().unwrap_or_default(),
        }
    }

    /// What is to be said against it.
    pub(super) fn complaint(self) -> Option<String> {
        let MemoryThirds { first_kb, last_kb, .. } = self;
        let (part, kb) = GROWTH_MAX;
        let has_grown = last_kb as f64 > first_kb as f64 * (1.0 + part) + kb as f64;
        has_grown.then(|| format!("the hub's memory has grown from {first_kb} kB to {last_kb} kB"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_are_averages_and_growth_beyond_the_limit_is_said() {
        let thirds = MemoryThirds::of(&[10, 20, 30, 40, 50, 60]);
        assert_eq!((thirds.first_kb, thirds.last_kb, thirds.max_kb), (15, 55, 60));
        assert_eq!(MemoryThirds::of(&[]), MemoryThirds::default());
        let grown = |last_kb| MemoryThirds {
            first_kb: 10_000,
            last_kb,
            max_kb: 0,
        };
        assert_eq!(grown(12_500).complaint(), None);
        let expected = "the hub's memory has grown from 10000 kB to 12600 kB";
        assert_eq!(grown(12_600).complaint().as_deref(), Some(expected));
    }
}
