//! The list of events, with its filters and its search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::EventView;
use crate::model::{EventId, Trigger};
use crate::store::event_search::{self, EventQuery, ResultFilter};
use crate::web::components::SelectOption;
use crate::web::display_time::DisplayTime;
use crate::web::list_filters::{ContinuedSearch, FilterError, parse_times, query_string};
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
    /// The number of rows that the page has already, if a search is continued.
    found: Option<usize>,
}

#[derive(Default)]
struct TableView {
    rows: Vec<EventView>,
    /// Address of the next page; empty on the last one.
    older: String,
    /// Address of the first page; empty on it.
    newest: String,
    /// The rest of a search that stopped before it had read all events.
    search: Option<ContinuedSearch>,
    filtered: bool,
    /// The number of rows that the page had before, if the rows continue a search.
    rows_before: Option<usize>,
    /// Whether there are no events at all.
    is_blank: bool,
    errors: Vec<FilterError>,
}

impl TableView {
    /// Whether the page has rows.
    fn found_any(&self) -> bool {
        self.rows_before.is_some_and(|count| count > 0) || !self.rows.is_empty()
    }

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

#[derive(Template)]
#[template(path = "events/_rows.html")]
struct ListRows {
    table: TableView,
}

/// `GET /events`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Response, Error> {
    let is_htmx = is_htmx(&headers);
    let found = query.found.filter(|_| is_htmx);
    let table = load(&state, &current, &query, found).await?;
    let is_valid = table.errors.is_empty();
    let status = if is_valid { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let html = if found.is_some() {
        page::html(&ListRows { table })?
    } else if is_htmx {
        page::html(&ListTable { table })?
    } else {
        let page = Page::new(&current, "Events", Nav::Events).await?;
        let (triggers, results) = (query.triggers(), query.results());
        page::html(&ListPage { page, query, triggers, results, table })?
    };
    Ok((status, html).into_response())
}

/// Loads a page, or the rows that a page with some `found` rows still lacks.
async fn load(
    state: &WebState,
    current: &CurrentUser,
    query: &ListQuery,
    found: Option<usize>,
) -> Result<TableView, Error> {
    let (from, until) = match parse_times(&query.from, &query.to) {
        Ok(times) => times,
        Err(errors) => return Ok(TableView { errors, filtered: true, ..TableView::default() }),
    };
    let shown = found.unwrap_or_default();
    let text = query.q.trim().replace('\0', "");
    let search = EventQuery {
        text: &text,
        trigger: query.trigger(),
        result: ResultFilter::from_name(&query.result),
        from,
        until,
        after: query.after.parse().ok(),
        limit: PAGE_ROWS.saturating_sub(shown).max(1),
    };
    let page = event_search::list(&state.db, &search).await?;
    let now = current.now(state);
    let rows: Vec<EventView> =
        page.events.iter().map(|(event, result)| EventView::new(event, *result, now)).collect();
    let filtered = !text.is_empty()
        || search.trigger.is_some()
        || search.result.is_some()
        || from.is_some()
        || until.is_some();
    let older = page.next.map(|id| query.href(Some(id))).unwrap_or_default();
    let continued = page.searched_to.map(|time| {
        let shown = shown + rows.len();
        ContinuedSearch::new(older.clone(), shown, DisplayTime::new(time, now))
    });
    Ok(TableView {
        older: if continued.is_some() { String::new() } else { older },
        newest: if search.after.is_some() { query.href(None) } else { String::new() },
        search: continued,
        filtered,
        rows_before: found,
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
        Trigger::from_name(&self.trigger).filter(|trigger| *trigger != Trigger::Manual)
    }

    fn triggers(&self) -> Vec<SelectOption> {
        let chosen = self.trigger();
        let option = |trigger: Trigger| {
            SelectOption::new(trigger.as_str(), trigger.as_str(), chosen == Some(trigger))
        };
        let samples = SelectOption::new(SAMPLES, "Samples", chosen == Some(Trigger::Manual));
        let triggers = Trigger::EVENTS.into_iter().chain([Trigger::Audit]);
        triggers.map(option).chain([samples]).collect()
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
        let query = query_string([
            ("q", self.q.as_str()),
            ("trigger", self.trigger.as_str()),
            ("result", self.result.as_str()),
            ("from", self.from.as_str()),
            ("to", self.to.as_str()),
            ("after", after.as_str()),
        ]);
        format!("/events?{query}")
    }
}
