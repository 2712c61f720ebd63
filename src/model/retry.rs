//! When to try again.

use std::time::Duration;

/// The waits between attempts: the first retry after 5 seconds, the last after 12 hours, then the
/// delivery has failed. About a day in all.
pub const SCHEDULE: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(12),
];

/// Each wait is stretched or shortened by up to this part, so that many failures at once do not
/// come back at once.
const JITTER: f64 = 0.2;

/// A `Retry-After` counts up to this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(12);

/// How long to wait after attempt number `attempts` (from 1) has failed by this schedule; `None` when
/// that was the last. `fraction` in `0.0..1.0` decides the jitter. The receiver's `Retry-After` (RFC 9110,
/// section 10.2.3) counts where it is longer.
pub fn wait(
    schedule: &[Duration],
    attempts: u32,
    retry_after: Option<Duration>,
    fraction: f64,
) -> Option<Duration> {
    let index = usize::try_from(attempts.max(1) - 1).ok()?;
    let base = schedule.get(index)?;
    let stretched = base.mul_f64(1.0 + JITTER * (2.0 * fraction.clamp(0.0, 1.0) - 1.0));
    Some(stretched.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER)))
}

/// The longest that [`wait`] can ask for after so many attempts (from 0, which wait for nothing). What is
/// further away than that was planned by a clock that was ahead.
pub fn longest_wait(schedule: &[Duration], attempts: u32, has_retry_after: bool) -> Duration {
    let Some(index) = attempts.checked_sub(1).and_then(|index| usize::try_from(index).ok()) else {
        return Duration::ZERO;
    };
    let base = schedule.get(index).or(schedule.last()).copied().unwrap_or_default();
    let stretched = base.mul_f64(1.0 + JITTER);
    if has_retry_after { stretched.max(LONGEST_RETRY_AFTER) } else { stretched }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(
            attempts in 1u32..15, fraction in 0.0f64..1.0, after in proptest::option::of(0u64..1_000_000)
        ) {
            let after = after.map(Duration::from_secs);
            match wait(&SCHEDULE, attempts, after, fraction) {
                None => prop_assert!(attempts > 9),
                Some(wait) => {
                    let base = SCHEDULE[usize::try_from(attempts).unwrap() - 1];
                    prop_assert!(wait >= base.mul_f64(0.799));
                    prop_assert!(wait <= base.mul_f64(1.201).max(LONGEST_RETRY_AFTER));
                    if let Some(after) = after {
                        prop_assert!(wait >= after.min(LONGEST_RETRY_AFTER));
                    }
                }
            }
        }

        #[test]
        fn no_wait_is_longer_than_the_longest(
            attempts in 1u32..10, fraction in 0.0f64..1.0, after in proptest::option::of(0u64..1_000_000)
        ) {
            let after = after.map(Duration::from_secs);
            let longest = longest_wait(&SCHEDULE, attempts, after.is_some());
            prop_assert!(wait(&SCHEDULE, attempts, after, fraction).unwrap() <= longest);
            prop_assert_eq!(longest_wait(&SCHEDULE, 0, after.is_some()), Duration::ZERO);
        }

        #[test]
        fn later_waits_are_longer(attempts in 1u32..9, a in 0.0f64..1.0, b in 0.0f64..1.0) {
            prop_assert!(wait(&SCHEDULE, attempts, None, a) < wait(&SCHEDULE, attempts + 1, None, b));
        }
    }
}
