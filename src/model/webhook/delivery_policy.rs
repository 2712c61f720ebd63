//! Delivery policy: order, concurrency, rate and retry schedule of a webhook's deliveries.

use std::time::Duration;

use super::draft::Draft;
use super::errors::{Field, FieldErrors};
use crate::model::retry;

/// How the deliveries of a webhook are scheduled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPolicy {
    /// Whether events of one access request are delivered in order.
    pub ordered: bool,
    /// Maximum number of concurrent attempts.
    pub max_in_flight: usize,
    /// Maximum number of attempts per minute; `None` for no limit.
    pub rate_per_minute: Option<u32>,
    /// Delays between attempts.
    pub retry_schedule: Vec<Duration>,
}

impl DeliveryPolicy {
    /// Concurrent attempts if the webhook sets no limit.
    pub const DEFAULT_MAX_IN_FLIGHT: usize = 8;
    /// Highest limit of concurrent attempts.
    pub const MAX_IN_FLIGHT: usize = 64;
    /// Highest rate limit, in attempts per minute.
    pub const MAX_RATE_PER_MINUTE: u32 = 100_000;
    /// Maximum number of delays in a retry schedule.
    pub const MAX_RETRIES: usize = 20;
    /// Shortest delay between attempts.
    pub const MIN_RETRY_DELAY: Duration = Duration::from_secs(1);
    /// Longest delay between attempts.
    pub const MAX_RETRY_DELAY: Duration = Duration::from_hours(24);

    /// Validates the fields of a draft. Empty fields get their default.
    pub(super) fn check(draft: &Draft, errors: &mut FieldErrors) -> Self {
        Self {
            ordered: draft.ordered,
            max_in_flight: check_max_in_flight(&draft.max_in_flight, errors),
            rate_per_minute: check_rate_per_minute(&draft.rate_per_minute, errors),
            retry_schedule: check_schedule(&draft.retry_schedule, errors),
        }
    }
}

fn check_max_in_flight(text: &str, errors: &mut FieldErrors) -> usize {
    const MAX: usize = DeliveryPolicy::MAX_IN_FLIGHT;
    if text.is_empty() {
        return DeliveryPolicy::DEFAULT_MAX_IN_FLIGHT;
    }
    if let Ok(count @ 1..=MAX) = text.parse() {
        return count;
    }
    let message = format!("\"{text}\" is not valid: enter a whole number from 1 to {MAX}.");
    errors.add(Field::MaxInFlight, message);
    DeliveryPolicy::DEFAULT_MAX_IN_FLIGHT
}

fn check_rate_per_minute(text: &str, errors: &mut FieldErrors) -> Option<u32> {
    const MAX: u32 = DeliveryPolicy::MAX_RATE_PER_MINUTE;
    if text.is_empty() {
        return None;
    }
    if let Ok(count @ 1..=MAX) = text.parse() {
        return Some(count);
    }
    let message = format!(
        "\"{text}\" is not valid: enter a whole number from 1 to {MAX}, or nothing for no limit."
    );
    errors.add(Field::RatePerMinute, message);
    None
}

fn check_schedule(text: &str, errors: &mut FieldErrors) -> Vec<Duration> {
    let words: Vec<&str> =
        text.split([' ', ',', '\n']).map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return retry::DEFAULT_SCHEDULE.to_vec();
    }
    if words.len() > DeliveryPolicy::MAX_RETRIES {
        let message = format!("Too many delays: use at most {}.", DeliveryPolicy::MAX_RETRIES);
        errors.add(Field::RetrySchedule, message);
        return Vec::new();
    }
    let mut schedule = Vec::new();
    for word in words {
        if let Some(delay) = parse_delay(word) {
            schedule.push(delay);
        } else {
            let message = format!(
                "\"{word}\" is not a delay: use seconds, minutes or hours from 1s to 24h, such as 5s 2m 1h."
            );
            errors.add(Field::RetrySchedule, message);
        }
    }
    schedule
}

/// Parses `30s`, `2m` or `12h`.
fn parse_delay(word: &str) -> Option<Duration> {
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "s" => number,
        "m" => number.checked_mul(60)?,
        "h" => number.checked_mul(3600)?,
        _ => return None,
    };
    let allowed = DeliveryPolicy::MIN_RETRY_DELAY..=DeliveryPolicy::MAX_RETRY_DELAY;
    Some(Duration::from_secs(seconds)).filter(|delay| allowed.contains(delay))
}

/// Formats a schedule as it is entered, such as `5s 2m 1h`.
pub fn format_schedule(schedule: &[Duration]) -> String {
    let words: Vec<String> = schedule
        .iter()
        .map(|delay| match delay.as_secs() {
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
    fn the_default_schedule_is_formatted_and_parsed() {
        let formatted = format_schedule(&retry::DEFAULT_SCHEDULE);
        assert_eq!(formatted, "5s 30s 2m 10m 30m 1h 3h 6h 12h");
        let mut errors = FieldErrors::default();
        assert_eq!(check_schedule(&formatted, &mut errors), retry::DEFAULT_SCHEDULE);
        assert!(errors.is_empty());
    }

    #[test]
    fn rejects_an_invalid_delay() {
        for text in ["5", "s", "0s", "25h", "1d", "5 s", "-1s", "5s 2x"] {
            let mut errors = FieldErrors::default();
            check_schedule(text, &mut errors);
            assert!(!errors.is_empty(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_rejected_without_panic(text in ".{0,60}") {
            let mut errors = FieldErrors::default();
            for delay in check_schedule(&text, &mut errors) {
                prop_assert!(delay >= DeliveryPolicy::MIN_RETRY_DELAY);
                prop_assert!(delay <= DeliveryPolicy::MAX_RETRY_DELAY);
            }
        }

        #[test]
        fn formatting_and_parsing_preserve_a_schedule(
            seconds in proptest::collection::vec(1u64..=86_400, 1..20)
        ) {
            let schedule: Vec<Duration> = seconds.into_iter().map(Duration::from_secs).collect();
            let mut errors = FieldErrors::default();
            prop_assert_eq!(check_schedule(&format_schedule(&schedule), &mut errors), schedule);
        }
    }
}
