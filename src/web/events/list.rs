//! The list of events, with its filters and its search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use url::form_urlencoded;

use super::EventView;
use crate::model::{EventId, Trigger};
use crate::store::event_search::{self, EventQuery, ResultFilter};
use crate::web::components::SelectOption;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::time_range::{TimeError, TimeRange};
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
    let TimeRange { from, until } = match TimeRange::parse(&query.from, &query.to) {
        Ok(range) => range,
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
