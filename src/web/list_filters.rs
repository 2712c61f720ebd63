//! Filters that several lists have, and searches that continue by themselves.

use chrono::{Datelike, NaiveDateTime, TimeDelta};
use url::form_urlencoded;

use super::display_time::DisplayTime;
use crate::model::Timestamp;

/// A value that cannot be searched for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FilterError {
    /// Name of the field.
    pub(super) field: &'static str,
    pub(super) message: String,
}

impl FilterError {
    /// An error whose message begins with the quoted value.
    pub(super) fn new(field: &'static str, value: &str, message: &str) -> Self {
        let value: String = value.chars().take(40).collect();
        Self { field, message: format!("\"{value}\" {message}") }
    }
}

/// A range of time, whose end is not included.
pub(super) type TimeRange = (Option<Timestamp>, Option<Timestamp>);

/// Parses the fields `from` and `to`. The time that the user enters as the end is included.
pub(super) fn parse_times(from: &str, to: &str) -> Result<TimeRange, Vec<FilterError>> {
    let from = parse_time("from", from).map(|time| time.map(|(at, _)| at));
    let until = parse_time("to", to).map(|time| time.map(|(at, step)| at + step));
    match (from, until) {
        (Ok(Some(from)), Ok(Some(until))) if from >= until => {
            let message = "The start of the range is after its end. Swap the two times.";
            Err(vec![FilterError { field: "from", message: message.to_owned() }])
        }
        (Ok(from), Ok(until)) => Ok((from, until)),
        (from, until) => Err(from.err().into_iter().chain(until.err()).collect()),
    }
}

/// Parses a time as `datetime-local` fields send it, in UTC. Also returns its precision.
fn parse_time(
    field: &'static str,
    text: &str,
) -> Result<Option<(Timestamp, TimeDelta)>, FilterError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    [("%Y-%m-%dT%H:%M", TimeDelta::minutes(1)), ("%Y-%m-%dT%H:%M:%S", TimeDelta::seconds(1))]
        .into_iter()
        .find_map(|(format, step)| {
            let time = NaiveDateTime::parse_from_str(text, format).ok()?.and_utc();
            // Ids contain the milliseconds since 1970 in 48 bits.
            let is_storable = (1970..10_000).contains(&time.year());
            is_storable.then_some(Some((time, step)))
        })
        .ok_or_else(|| {
            let message =
                "is not a time. Enter a date and a time in UTC, such as 2026-11-27T09:30.";
            FilterError::new(field, text, message)
        })
}

/// Formats the filters that are set as a query string.
pub(super) fn query_string<'a>(filters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(filters.into_iter().filter(|(_, value)| !value.is_empty()));
    query.finish()
}

/// A search that stopped before it had read everything, ready to print.
pub(super) struct ContinuedSearch {
    /// Address of a page that continues it.
    pub(super) href: String,
    /// Address of more rows of the same page.
    pub(super) rows_href: String,
    /// How far back was searched.
    pub(super) searched_to: DisplayTime,
}

impl ContinuedSearch {
    /// `href` is the address of the next page, which has a query string. `found` is the number of rows so far.
    pub(super) fn new(href: String, found: usize, searched_to: DisplayTime) -> Self {
        Self { rows_href: format!("{href}&found={found}"), href, searched_to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(from: &str, to: &str) -> Result<(Option<String>, Option<String>), Vec<&'static str>> {
        let text = |time: Option<Timestamp>| time.map(|time| time.to_rfc3339());
        parse_times(from, to)
            .map(|(from, until)| (text(from), text(until)))
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
