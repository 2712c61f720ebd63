//! How often durations occurred, in buckets, from which percentiles are estimated.

use std::time::Duration;

/// Number of buckets. The last one has no upper bound, and begins at 131 seconds.
pub const LATENCY_BUCKETS: usize = 36;
/// Index of the last bucket.
const LAST: u8 = 35;

/// How often durations occurred. Bucket 0 has those below 1 ms; the upper bound of each next one is √2 times as long. An
/// estimated percentile is therefore at most a factor of √2 from the exact one, from 1 ms to 131 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencyCounts([i32; LATENCY_BUCKETS]);

impl Default for LatencyCounts {
    fn default() -> Self {
        Self([0; LATENCY_BUCKETS])
    }
}

impl LatencyCounts {
    /// Reads stored counts. Missing buckets count as empty.
    pub fn from_stored(counts: &[i32]) -> Self {
        let mut all = Self::default();
        all.add_each(counts);
        all
    }

    /// The counts as they are stored.
    pub fn as_slice(&self) -> &[i32] {
        &self.0
    }

    /// Counts a duration.
    pub fn record(&mut self, duration: Duration) {
        let index = (0..LAST).find(|index| duration < upper_bound(*index)).unwrap_or(LAST);
        if let Some(count) = self.0.get_mut(usize::from(index)) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds the counts of another one.
    pub fn add(&mut self, other: &Self) {
        self.add_each(&other.0);
    }

    fn add_each(&mut self, counts: &[i32]) {
        for (sum, count) in self.0.iter_mut().zip(counts) {
            *sum = sum.saturating_add(*count);
        }
    }

    /// Estimates the duration that this percentage of all durations does not exceed; `None` if there are none.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let total: i64 = self.0.iter().map(|count| i64::from(*count)).sum();
        let rank = (total * i64::from(percent) + 99) / 100;
        let mut before = 0;
        for (index, count) in (0..).zip(self.0) {
            let count = i64::from(count);
            if count > 0 && before + count >= rank {
                return Some(interpolate(index, share(2 * (rank - before) - 1, 2 * count)));
            }
            before += count;
        }
        None
    }
}

/// `part / whole`, where `part` is from 0 to `whole`.
fn share(part: i64, whole: i64) -> f64 {
    let permyriad = (part.max(0) * 10_000 / whole.max(1)).min(10_000);
    u32::try_from(permyriad).map_or(0.0, f64::from) / 10_000.0
}

/// The upper bound of a bucket.
fn upper_bound(index: u8) -> Duration {
    Duration::from_secs_f64(0.001 * 2_f64.powf(f64::from(index) / 2.0))
}

/// The duration at this position in a bucket, from 0 to 1. The last one has no upper bound, so that its lower bound is returned.
fn interpolate(index: u8, position: f64) -> Duration {
    let Some(previous) = index.checked_sub(1) else {
        return upper_bound(0).mul_f64(position);
    };
    let lower = upper_bound(previous);
    if index == LAST { lower } else { lower.mul_f64(2_f64.powf(position / 2.0)) }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn counts(millis: &[u64]) -> LatencyCounts {
        let mut counts = LatencyCounts::default();
        for one in millis {
            counts.record(Duration::from_millis(*one));
        }
        counts
    }

    #[test]
    fn nothing_has_no_percentiles() {
        assert_eq!(LatencyCounts::default().percentile(50), None);
        assert_eq!(usize::from(LAST) + 1, LATENCY_BUCKETS);
    }

    #[test]
    fn very_short_and_very_long_durations_are_counted() {
        let mut counts = counts(&[0]);
        assert!(counts.percentile(99) < Some(Duration::from_millis(1)));
        counts.record(Duration::from_hours(5));
        assert_eq!(counts.percentile(99), Some(upper_bound(LAST - 1)));
    }

    proptest! {
        #[test]
        fn percentiles_are_close_to_the_exact_ones(mut millis in vec(1_u64..100_000, 1..200), percent in 1..=100_u8) {
            let estimate = counts(&millis).percentile(percent).unwrap();
            millis.sort_unstable();
            let rank = (millis.len() * usize::from(percent)).div_ceil(100);
            let exact = Duration::from_millis(millis[rank - 1]);
            let (low, high) = (exact.mul_f64(1.0 / 1.415), exact.mul_f64(1.415));
            prop_assert!(estimate >= low && estimate <= high, "{estimate:?} for {exact:?}");
        }

        #[test]
        fn a_sum_is_the_same_as_counting_everything(
            first in vec(0_u64..300_000, 0..50), second in vec(0_u64..300_000, 0..50)
        ) {
            let mut sum = counts(&first);
            sum.add(&LatencyCounts::from_stored(counts(&second).as_slice()));
            prop_assert_eq!(sum, counts(&[first, second].concat()));
        }
    }
}
