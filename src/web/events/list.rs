//! The list of events, with its filters and its search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{NaiveDateTime, TimeDelta};
use serde::Deserialize;
use url::form_urlencoded;

use super::EventView;
use crate::model::{EventId, Timestamp, Trigger};
use crate::store::event_search::{self, EventQuery, ResultFilter};
use crate::web::components::SelectOption;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// Maximum number of rows on a page.
const PAGE_ROWS: usize = 50;
/// Value of the option for samples in the menu of triggers.
const SAMPLES: &str = "sample";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ListQuery {
    q: String,
    trigger: String,
    result: String,
    from: String,
    to: String,
    after: String,
}

#[derive(Default)]
struct TableView {
    rows: Vec<EventView>,
    /// Address of the next page; empty on the last one.
    older: String,
    /// Address of the first page; empty on it.
    newest: String,
    /// The number of events that were searched, if the search stopped before it had read all. `older` continues it.
    searched: Option<i64>,
    filtered: bool,
    /// Whether there are no events at all.
    is_blank: bool,
    errors: Vec<TimeError>,
}

impl TableView {
    fn has_error(&self, field: &str) -> bool {
        self.errors.iter().any(|error| error.field == field)
    }
}

/// A time that cannot be searched for.
#[derive(Debug, PartialEq, Eq)]
struct TimeError {
    /// Name of the field.
    field: &'static str,
    message: String,
}

#[derive(Template)]
#[template(path = "events/list.html")]
struct ListPage {
    page: Page,
    query: ListQuery,
    triggers: Vec<SelectOption>,
    results: Vec<SelectOption>,
    table: TableView,
}

#[derive(Template)]
#[template(path = "events/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

/// `GET /events`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Response, Error> {
    let table = load(&state, &query).await?;
    let is_valid = table.errors.is_empty();
    let status = if is_valid { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let html = if is_htmx(&headers) {
        page::html(&ListTable { table })?
    } else {
        let page = Page::new(&current, "Events", Nav::Events).await?;
        let (triggers, results) = (query.triggers(), query.results());
        page::html(&ListPage { page, query, triggers, results, table })?
    };
    Ok((status, html).into_response())
}

async fn load(state: &WebState, query: &ListQuery) -> Result<TableView, Error> {
    let (from, until) = match query.times() {
        Ok(times) => times,
        Err(errors) => return Ok(TableView { errors, filtered: true, ..TableView::default() }),
    };
    let text = query.q.trim().replace('\0', "");
    let search = EventQuery {
        text: &text,
        trigger: query.trigger(),
        result: ResultFilter::from_name(&query.result),
        from,
        until,
        after: query.after.parse().ok(),
        limit: PAGE_ROWS,
    };
    let found = event_search::list(&state.db, &search).await?;
    let now = state.sources.now();
    let rows: Vec<EventView> =
        found.events.iter().map(|(event, result)| EventView::new(event, *result, now)).collect();
    let filtered = !text.is_empty()
        || search.trigger.is_some()
        || search.result.is_some()
        || from.is_some()
        || until.is_some();
    Ok(TableView {
        older: found.next.map(|id| query.href(Some(id))).unwrap_or_default(),
        newest: if search.after.is_some() { query.href(None) } else { String::new() },
        searched: found.searched,
        filtered,
        is_blank: rows.is_empty() && !filtered && search.after.is_none(),
        rows,
        errors: Vec::new(),
    })
}

impl ListQuery {
    fn trigger(&self) -> Option<Trigger> {
        if self.trigger == SAMPLES {
            return Some(Trigger::Manual);
        }
        Trigger::EVENTS.into_iter().find(|trigger| trigger.as_str() == self.trigger)
    }

    fn triggers(&self) -> Vec<SelectOption> {
        let chosen = self.trigger();
        let option = |trigger: Trigger| {
            SelectOption::new(trigger.as_str(), trigger.as_str(), chosen == Some(trigger))
        };
        let samples = SelectOption::new(SAMPLES, "Samples", chosen == Some(Trigger::Manual));
        Trigger::EVENTS.into_iter().map(option).chain([samples]).collect()
    }

    fn results(&self) -> Vec<SelectOption> {
        let chosen = ResultFilter::from_name(&self.result);
        let option = |result: ResultFilter| {
            SelectOption::new(result.as_str(), result.label(), chosen == Some(result))
        };
        ResultFilter::ALL.into_iter().map(option).collect()
    }

    /// The range of time, whose end is not included. The time that the user enters as its end is.
    fn times(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), Vec<TimeError>> {
        let from = parse_time("from", &self.from).map(|time| time.map(|(at, _)| at));
        let until = parse_time("to", &self.to).map(|time| time.map(|(at, step)| at + step));
        match (from, until) {
            (Ok(Some(from)), Ok(Some(until))) if from >= until => {
                let message = "The start of the range is after its end. Swap the two times.";
                Err(vec![TimeError { field: "from", message: message.to_owned() }])
            }
            (Ok(from), Ok(until)) => Ok((from, until)),
            (from, until) => Err(from.err().into_iter().chain(until.err()).collect()),
        }
    }

    fn href(&self, after: Option<EventId>) -> String {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", self.q.as_str()),
            ("trigger", self.trigger.as_str()),
            ("result", self.result.as_str()),
            ("from", self.from.as_str()),
            ("to", self.to.as_str()),
            ("after", after.as_str()),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/events?{}", query.finish())
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
        let query = ListQuery { from: from.to_owned(), to: to.to_owned(), ..ListQuery::default() };
        let text = |time: Option<Timestamp>| time.map(|time| time.to_rfc3339());
        query
            .times()
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
