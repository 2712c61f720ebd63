//! How a webhook's deliveries go out: in which order, how many at once, how often, and when again.

use std::time::Duration;

use super::draft::Draft;
use super::errors::{Field, FieldErrors};
use crate::model::retry;

/// How deliveries go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// Whether events of one access request arrive in order.
    pub ordered: bool,
    /// Exchanges at once.
    pub max_in_flight: usize,
    /// Exchanges a minute; as many as there are where none is given.
    pub rate_per_minute: Option<u32>,
    /// The waits between attempts.
    pub retry_schedule: Vec<Duration>,
}

impl DeliveryPolicy {
    /// Exchanges at once where nothing is said.
    pub const DEFAULT_MAX_IN_FLIGHT: usize = 8;
    /// Most exchanges at once.
    pub const MAX_IN_FLIGHT: usize = 64;
    /// Most exchanges a minute that can be asked for; more is no limit.
    pub const MAX_RATE_PER_MINUTE: u32 = 100_000;
    /// Most waits in a schedule.
    pub const MAX_RETRIES: usize = 20;
    /// Longest wait.
    pub const MAX_RETRY_DELAY: Duration = Duration::from_hours(24);

    /// Checks what was typed; what is empty is as usual.
    pub(super) fn check(draft: &Draft, errors: &mut FieldErrors) -> Self {
        Self {
            ordered: draft.ordered,
            max_in_flight: check_in_flight(&draft.max_in_flight, errors),
            rate_per_minute: check_per_minute(&draft.rate_per_minute, errors),
            retry_schedule: check_schedule(&draft.retry_schedule, errors),
        }
    }
}

fn check_in_flight(text: &str, errors: &mut FieldErrors) -> usize {
    if text.is_empty() {
        return DeliveryPolicy::DEFAULT_MAX_IN_FLIGHT;
    }
    if let Ok(count @ 1..=DeliveryPolicy::MAX_IN_FLIGHT) = text.parse() {
        return count;
    }
    errors.add(
        Field::MaxInFlight,
        format!("A whole number from 1 to {}.", DeliveryPolicy::MAX_IN_FLIGHT),
    );
    DeliveryPolicy::DEFAULT_MAX_IN_FLIGHT
}

fn check_per_minute(text: &str, errors: &mut FieldErrors) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    if let Ok(count @ 1..=DeliveryPolicy::MAX_RATE_PER_MINUTE) = text.parse() {
        return Some(count);
    }
    errors.add(
        Field::RatePerMinute,
        format!(
            "A whole number from 1 to {}, or nothing for no limit.",
            DeliveryPolicy::MAX_RATE_PER_MINUTE
        ),
    );
    None
}

fn check_schedule(text: &str, errors: &mut FieldErrors) -> Vec<Duration> {
    let words: Vec<&str> =
        text.split([' ', ',', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return retry::DEFAULT_SCHEDULE.to_vec();
    }
    if words.len() > DeliveryPolicy::MAX_RETRIES {
        errors.add(Field::RetrySchedule, format!("At most {} waits.", DeliveryPolicy::MAX_RETRIES));
        return Vec::new();
    }
    let mut schedule = Vec::new();
    for word in words {
        if let Some(wait) = parse_wait(word) {
            schedule.push(wait);
        } else {
            let message = format!(
                "\"{word}\" is not a wait: write seconds, minutes or hours such as 5s 2m 1h, each from 1s to 24h."
            );
            errors.add(Field::RetrySchedule, message);
        }
    }
    schedule
}

/// From `30s`, `2m` or `12h`.
fn parse_wait(word: &str) -> Option<Duration> {
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "s" => number,
        "m" => number.checked_mul(60)?,
        "h" => number.checked_mul(3600)?,
        _ => return None,
    };
    let wait = Duration::from_secs(seconds);
    (wait >= Duration::from_secs(1) && wait <= DeliveryPolicy::MAX_RETRY_DELAY).then_some(wait)
}

/// A schedule as it is typed.
pub fn format_schedule(schedule: &[Duration]) -> String {
    let words: Vec<String> = schedule
        .iter()
        .map(|wait| match wait.as_secs() {
            seconds if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
            seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
            seconds => format!("{seconds}s"),
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_schedule_reads_as_it_is_written() {
        let written = format_schedule(&retry::DEFAULT_SCHEDULE);
        assert_eq!(written, "5s 30s 2m 10m 30m 1h 3h 6h 12h");
        let mut errors = FieldErrors::default();
        assert_eq!(check_schedule(&written, &mut errors), retry::DEFAULT_SCHEDULE);
        assert!(errors.is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        for text in ["5", "s", "0s", "25h", "1d", "5 s", "-1s", "5s 2x"] {
            let mut errors = FieldErrors::default();
            check_schedule(text, &mut errors);
            assert!(!errors.is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_without_panic(text in ".{0,60}") {
            let mut errors = FieldErrors::default();
            for wait in check_schedule(&text, &mut errors) {
                prop_assert!(wait >= Duration::from_secs(1) && wait <= DeliveryPolicy::MAX_RETRY_DELAY);
            }
        }

        #[test]
        fn a_schedule_survives_writing(seconds in proptest::collection::vec(1u64..=86_400, 1..20)) {
            let schedule: Vec<Duration> = seconds.into_iter().map(Duration::from_secs).collect();
            let mut errors = FieldErrors::default();
            prop_assert_eq!(check_schedule(&format_schedule(&schedule), &mut errors), schedule);
        }
    }
}
