//! Circuit breaker of a webhook. While it is open, deliveries wait and only single probes are sent; after
//! days without success the webhook is paused.

use std::time::Duration;

use chrono::TimeDelta;

use super::Timestamp;

/// Number of consecutive failures that open the breaker.
pub const FAILURES_TO_OPEN: i32 = 10;
/// Time without any success after which the webhook is paused.
pub const PAUSE_AFTER: TimeDelta = TimeDelta::days(5);
/// Delays between probes. The last one repeats.
const PROBE_DELAYS: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
];

/// State of a circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// Number of consecutive failures.
    pub failures: i32,
    /// Time of the first of these failures.
    pub failing_since: Timestamp,
    /// Number of failed probes.
    pub probes: i32,
    /// Time of the next probe; `None` while the breaker is closed.
    pub probe_at: Option<Timestamp>,
}

impl Breaker {
    /// Whether the breaker is open, so that deliveries wait.
    pub fn is_open(&self) -> bool {
        self.failures >= FAILURES_TO_OPEN
    }

    /// Whether the webhook has failed for so long that it should be paused.
    pub fn should_pause(&self, now: Timestamp) -> bool {
        self.is_open() && now - self.failing_since >= PAUSE_AFTER
    }
}

/// Returns the delay before the next probe after this number of failed probes.
pub fn probe_delay(probes: i32) -> Duration {
    let index = usize::try_from(probes.max(0)).unwrap_or_default();
    PROBE_DELAYS.get(index).or(PROBE_DELAYS.last()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn breaker(failures: i32, days: i64) -> (Breaker, Timestamp) {
        let failing_since = Timestamp::UNIX_EPOCH;
        let breaker = Breaker { failures, failing_since, probes: 0, probe_at: None };
        (breaker, failing_since + TimeDelta::days(days))
    }

    #[test]
    fn opens_after_ten_failures_and_pauses_after_five_days() {
        assert!(!breaker(9, 0).0.is_open());
        assert!(breaker(10, 0).0.is_open());
        for (failures, days, expected) in [(9, 6, false), (10, 4, false), (10, 5, true)] {
            let (breaker, now) = breaker(failures, days);
            assert_eq!(breaker.should_pause(now), expected, "{failures} in {days} days");
        }
    }

    proptest! {
        #[test]
        fn probe_delays_increase_up_to_ten_minutes(probes in 0i32..1000) {
            prop_assert!(probe_delay(probes) <= probe_delay(probes + 1));
            prop_assert!(probe_delay(probes) <= Duration::from_mins(10));
        }
    }
}
