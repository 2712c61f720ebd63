//! When a webhook fails again and again: deliveries wait while one at a time is sent as a probe, and
//! after days the webhook is paused.

use std::time::Duration;

use chrono::TimeDelta;

use super::Timestamp;

/// So many failures in a row open it.
pub const FAILURES_TO_OPEN: i32 = 10;
/// A webhook that has only failed for so long is paused.
pub const PAUSE_AFTER: TimeDelta = TimeDelta::days(5);
/// The waits between probes; the last one stays.
const PROBES: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
];

/// A row of failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// How many in a row.
    pub failures: i32,
    /// When the first of them was.
    pub failing_since: Timestamp,
    /// How many probes have failed.
    pub probes: i32,
    /// When the next probe is sent; none while deliveries go out as usual.
    pub probe_at: Option<Timestamp>,
}

impl Breaker {
    /// Whether deliveries wait.
    pub fn is_open(&self) -> bool {
        self.failures >= FAILURES_TO_OPEN
    }

    /// Whether the webhook is to be paused.
    pub fn should_pause(&self, now: Timestamp) -> bool {
        self.is_open() && now - self.failing_since >= PAUSE_AFTER
    }
}

/// How long after a failed probe the next one is sent.
pub fn probe_delay(probes: i32) -> Duration {
    let index = usize::try_from(probes.max(0)).unwrap_or_default();
    PROBES.get(index).or(PROBES.last()).copied().unwrap_or_default()
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
    fn ten_failures_open_it_and_five_days_of_them_are_enough() {
        assert!(!breaker(9, 0).0.is_open());
        assert!(breaker(10, 0).0.is_open());
        for (failures, days, expected) in [(9, 6, false), (10, 4, false), (10, 5, true)] {
            let (breaker, now) = breaker(failures, days);
            assert_eq!(breaker.should_pause(now), expected, "{failures} in {days} days");
        }
    }

    proptest! {
        #[test]
        fn probes_come_ever_more_seldom_but_always(probes in 0i32..1000) {
            prop_assert!(probe_delay(probes) <= probe_delay(probes + 1));
            prop_assert!(probe_delay(probes) <= Duration::from_mins(10));
        }
    }
}
