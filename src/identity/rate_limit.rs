//! Limits how much each user or sender may do within a minute.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use chrono::TimeDelta;
use parking_lot::Mutex;

use crate::model::Timestamp;

const MINUTE: TimeDelta = TimeDelta::minutes(1);

/// A bucket for each key. A full one permits what is allowed per minute at once, and it refills evenly.
#[derive(Debug)]
pub(super) struct RateLimit<K> {
    /// When each bucket will be full again.
    full_at: Mutex<HashMap<K, Timestamp>>,
}

impl<K> Default for RateLimit<K> {
    fn default() -> Self {
        Self { full_at: Mutex::default() }
    }
}

impl<K: Eq + Hash> RateLimit<K> {
    /// Takes `count` from a bucket that holds `per_minute`, which must be at least as much.
    ///
    /// # Errors
    /// How long to wait until the bucket holds enough. Nothing is taken then.
    pub(super) fn take(
        &self,
        key: K,
        count: u32,
        per_minute: NonZeroU32,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let mut all = self.full_at.lock();
        if all.len() == all.capacity() && !all.contains_key(&key) {
            // Before the map grows.
            all.retain(|_, full_at| *full_at > now);
        }
        let full_at = all.entry(key).or_insert(now);
        // An empty bucket is full after a minute, also if the clock was set back.
        *full_at = (*full_at).clamp(now, now + MINUTE);
        let next = *full_at + refill_time(count, per_minute);
        match (next - (now + MINUTE)).to_std() {
            Ok(wait) if !wait.is_zero() => Err(wait),
            // A negative time to wait.
            Ok(_) | Err(_) => {
                *full_at = next;
                Ok(())
            }
        }
    }
}

/// Returns the seconds to wait, rounded up.
pub fn whole_seconds(wait: Duration) -> u16 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    seconds.try_into().unwrap_or(u16::MAX)
}

/// How long a bucket takes to receive `count`.
fn refill_time(count: u32, per_minute: NonZeroU32) -> TimeDelta {
    const NANOSECONDS: u64 = 60_000_000_000;
    let time = u128::from(NANOSECONDS) * u128::from(count) / u128::from(per_minute.get());
    TimeDelta::nanoseconds(i64::try_from(time).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn per_minute(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn at(milliseconds: i64) -> Timestamp {
        DateTime::from_timestamp_millis(1_800_000_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn a_full_bucket_permits_a_minute_at_once_and_refills_evenly() {
        let limit = RateLimit::default();
        let take = |count, milliseconds| limit.take("a", count, per_minute(60), at(milliseconds));
        assert_eq!(take(59, 0), Ok(()));
        assert_eq!(take(2, 0), Err(Duration::from_secs(1)));
        assert_eq!(take(1, 0), Ok(()));
        assert_eq!(take(1, 0), Err(Duration::from_secs(1)));
        assert_eq!(take(1, 999), Err(Duration::from_millis(1)));
        assert_eq!(take(1, 1000), Ok(()));
        assert_eq!(take(60, 1000), Err(Duration::from_mins(1)));
        // A bucket holds no more than a minute, however long it was not used.
        assert_eq!(take(60, 3_600_000), Ok(()));
        assert!(take(1, 3_600_000).is_err());
        assert_eq!(limit.take("b", 60, per_minute(60), at(0)), Ok(()));
    }

    #[test]
    fn the_seconds_to_wait_are_enough() {
        for (milliseconds, seconds) in [(0, 0), (1, 1), (999, 1), (1000, 1), (1001, 2)] {
            assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), seconds);
        }
        assert_eq!(whole_seconds(Duration::from_hours(100_000)), u16::MAX);
    }

    #[test]
    fn a_clock_that_is_set_back_extends_no_wait() {
        let limit = RateLimit::default();
        let take = |milliseconds| limit.take("a", 1, per_minute(1), at(milliseconds));
        assert_eq!(take(3_600_000), Ok(()));
        assert_eq!(take(0), Err(Duration::from_mins(1)));
        assert_eq!(take(60_000), Ok(()));
    }

    #[test]
    fn full_buckets_are_removed() {
        let limit = RateLimit::default();
        for key in 0..10_000 {
            // Each is full again when the next is used.
            limit.take(key, 1, per_minute(60), at(key * 1000)).unwrap();
        }
        assert!(limit.full_at.lock().len() < 10, "{}", limit.full_at.lock().len());
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_two_buckets(
            steps in proptest::collection::vec((1_u32..50, 0_i64..20_000), 1..60),
            limit in 1_u32..100,
        ) {
            let (buckets, mut now) = (RateLimit::default(), 0);
            let mut taken: Vec<(i64, u32)> = Vec::new();
            for (count, pause) in steps {
                now += pause;
                match buckets.take((), count, per_minute(limit), at(now)) {
                    Ok(()) => taken.push((now, count)),
                    // It is enough to wait as long as that, if there is ever enough.
                    Err(wait) if count <= limit => {
                        now += i64::try_from(wait.as_millis()).unwrap() + 1;
                        prop_assert_eq!(buckets.take((), count, per_minute(limit), at(now)), Ok(()));
                        taken.push((now, count));
                    }
                    Err(_) => {}
                }
            }
            for (start, _) in &taken {
                let minute = taken.iter().filter(|(at, _)| (*start..*start + 60_000).contains(at));
                prop_assert!(minute.map(|(_, count)| count).sum::<u32>() <= 2 * limit);
            }
        }
    }
}
