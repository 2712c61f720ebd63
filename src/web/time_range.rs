//! Ranges of time in forms, as `datetime-local` fields send them, in UTC.

use chrono::{NaiveDateTime, TimeDelta};

use crate::model::Timestamp;

/// A range of time. Either end may be open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TimeRange {
    /// The start, which is included.
    pub(super) from: Option<Timestamp>,
    /// The end, which is not included. The time that the user enters as the end is.
    pub(super) until: Option<Timestamp>,
}

/// A time that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeError {
    /// Name of the field: `from` or `to`.
    pub(super) field: &'static str,
    /// The problem and the fix.
    pub(super) message: String,
}

impl TimeRange {
    /// Parses the fields `from` and `to`.
    ///
    /// # Errors
    /// Every invalid field.
    pub(super) fn parse(from: &str, to: &str) -> Result<Self, Vec<TimeError>> {
        let from = parse_time("from", from).map(|time| time.map(|(at, _)| at));
        let until = parse_time("to", to).map(|time| time.map(|(at, step)| at + step));
        match (from, until) {
            (Ok(Some(from)), Ok(Some(until))) if from >= until => {
                let message = "The start of the range is after its end. Swap the two times.";
                Err(vec![TimeError { field: "from", message: message.to_owned() }])
            }
            (Ok(from), Ok(until)) => Ok(Self { from, until }),
            (from, until) => Err(from.err().into_iter().chain(until.err()).collect()),
        }
    }
}

/// Parses a time as `datetime-local` fields send it, in UTC. Also returns its precision.
fn parse_time(
    field: &'static str,
    text: &str,
) -> Result<Option<(Timestamp, TimeDelta)>, TimeError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    [("%Y-%m-%dT%H:%M", TimeDelta::minutes(1)), ("%Y-%m-%dT%H:%M:%S", TimeDelta::seconds(1))]
        .into_iter()
        .find_map(|(format, step)| {
            let time = NaiveDateTime::parse_from_str(text, format).ok()?.and_utc();
            // Ids contain the milliseconds since 1970 in 48 bits.
            let is_storable = (1970..10_000).contains(&chrono::Datelike::year(&time));
            is_storable.then_some(Some((time, step)))
        })
        .ok_or_else(|| TimeError {
            field,
            message: format!(
                "\"{}\" is not a time. Enter a date and a time in UTC, such as 2026-11-27T09:30.",
                text.chars().take(40).collect::<String>()
            ),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(from: &str, to: &str) -> Result<(Option<String>, Option<String>), Vec<&'static str>> {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_rfc3339());
        TimeRange::parse(from, to)
            .map(|range| (text(range.from), text(range.until)))
            .map_err(|errors| errors.into_iter().map(|error| error.field).collect())
    }

    #[test]
    fn the_end_of_a_range_is_included() {
        let text = |time: &str| Some(time.to_owned());
        assert_eq!(times("", ""), Ok((None, None)));
        assert_eq!(
            times("2026-11-27T09:30", "2026-11-27T09:30"),
            Ok((text("2026-11-27T09:30:00+00:00"), text("2026-11-27T09:31:00+00:00")))
        );
        assert_eq!(times("", "2026-11-27T09:30:05"), Ok((None, text("2026-11-27T09:30:06+00:00"))));
    }

    #[test]
    fn invalid_times_are_reported_at_their_fields() {
        assert_eq!(times("yesterday", "2026-13-01T00:00"), Err(vec!["from", "to"]));
        assert_eq!(times("2026-11-27T09:31", "2026-11-27T09:30"), Err(vec!["from"]));
        assert_eq!(times("0001-01-01T00:00", "+99999-01-01T00:00"), Err(vec!["from", "to"]));
    }
}
