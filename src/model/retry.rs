//! Retry policy: when a failed delivery is attempted again.

use std::time::{Duration, SystemTime};

use super::exchange::Response;
use super::sources::Timestamp;

/// Delays between attempts for webhooks without a schedule of their own: the first retry follows after
/// 5 seconds, the last after 12 hours, about a day in total. Then the delivery has failed.
pub const DEFAULT_SCHEDULE: [Duration; 9] = [
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

/// Largest relative deviation of a delay from the schedule. Jitter keeps deliveries that failed
/// together from being retried together.
const JITTER: f64 = 0.2;

/// Longest delay that a response can ask for with `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(12);

/// Returns the delay after attempt number `attempts` (from 1), or `None` if the schedule has no further
/// attempt. `fraction` in `0.0..1.0` determines the jitter. A longer `retry_after` takes precedence.
pub fn delay_after(
    schedule: &[Duration],
    attempts: u32,
    retry_after: Option<Duration>,
    fraction: f64,
) -> Option<Duration> {
    let index = usize::try_from(attempts.max(1) - 1).ok()?;
    let base = schedule.get(index)?;
    let jittered = base.mul_f64(1.0 + JITTER * (2.0 * fraction.clamp(0.0, 1.0) - 1.0));
    Some(jittered.max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER)))
}

/// Returns the longest delay that [`delay_after`] can return for this number of attempts (0 means no
/// delay). A delivery that is due later than that was scheduled while the clock was ahead.
pub fn max_delay(schedule: &[Duration], attempts: u32, has_retry_after: bool) -> Duration {
    let Some(index) = attempts.checked_sub(1).and_then(|index| usize::try_from(index).ok()) else {
        return Duration::ZERO;
    };
    let base = schedule.get(index).or(schedule.last()).copied().unwrap_or_default();
    let jittered = base.mul_f64(1.0 + JITTER);
    if has_retry_after { jittered.max(MAX_RETRY_AFTER) } else { jittered }
}

/// Returns the delay that a 429 or 503 response asks for with `Retry-After`: a number of seconds or an
/// HTTP date (RFC 9110, section 10.2.3). A date in the past asks for no delay.
pub fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    if !matches!(response.status, 429 | 503) {
        return None;
    }
    let (_, value) =
        response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::from(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn requested_delay(status: u16, value: &str) -> Option<Duration> {
        let response = Response {
            status,
            headers: vec![("Retry-After".to_owned(), value.to_owned())],
            ..Response::default()
        };
        retry_after(&response, "2026-03-01T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn retry_after_is_a_number_of_seconds_or_an_http_date() {
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 01 Mar 2026 12:02:00 GMT", Some(120)),
            ("Sunday, 01-Mar-26 12:02:00 GMT", Some(120)),
            ("Sun Mar  1 12:02:00 2026", Some(120)),
            ("Sun, 01 Mar 2026 11:00:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("tomorrow", None),
            ("2026-03-01T12:02:00Z", None),
        ] {
            assert_eq!(requested_delay(503, value), seconds.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn only_429_and_503_can_ask_for_a_delay() {
        let statuses = [200, 301, 429, 500, 503];
        let heeded = statuses.map(|status| requested_delay(status, "5").is_some());
        assert_eq!(heeded, [false, false, true, false, true]);
    }

    #[test]
    fn a_distant_date_is_bounded_like_a_large_number_of_seconds() {
        for value in ["Fri, 01 Mar 2030 12:00:00 GMT", "126230400"] {
            let requested = requested_delay(429, value);
            assert_eq!(delay_after(&DEFAULT_SCHEDULE, 1, requested, 0.5), Some(MAX_RETRY_AFTER));
        }
    }

    proptest! {
        #[test]
        fn delays_stay_within_their_bounds(
            attempts in 1u32..15, fraction in 0.0f64..1.0, after in proptest::option::of(0u64..1_000_000)
        ) {
            let after = after.map(Duration::from_secs);
            match delay_after(&DEFAULT_SCHEDULE, attempts, after, fraction) {
                None => prop_assert!(attempts > 9),
                Some(delay) => {
                    let base = DEFAULT_SCHEDULE[usize::try_from(attempts).unwrap() - 1];
                    prop_assert!(delay >= base.mul_f64(0.799));
                    prop_assert!(delay <= base.mul_f64(1.201).max(MAX_RETRY_AFTER));
                    if let Some(after) = after {
                        prop_assert!(delay >= after.min(MAX_RETRY_AFTER));
                    }
                }
            }
        }

        #[test]
        fn no_delay_exceeds_the_maximum(
            attempts in 1u32..10, fraction in 0.0f64..1.0, after in proptest::option::of(0u64..1_000_000)
        ) {
            let after = after.map(Duration::from_secs);
            let delay = delay_after(&DEFAULT_SCHEDULE, attempts, after, fraction).unwrap();
            prop_assert!(delay <= max_delay(&DEFAULT_SCHEDULE, attempts, after.is_some()));
            prop_assert_eq!(max_delay(&DEFAULT_SCHEDULE, 0, after.is_some()), Duration::ZERO);
        }

        #[test]
        fn later_delays_are_longer(attempts in 1u32..9, a in 0.0f64..1.0, b in 0.0f64..1.0) {
            let (earlier, later) = (
                delay_after(&DEFAULT_SCHEDULE, attempts, None, a),
                delay_after(&DEFAULT_SCHEDULE, attempts + 1, None, b),
            );
            prop_assert!(earlier < later);
        }
    }
}
