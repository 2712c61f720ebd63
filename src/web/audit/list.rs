//! The list of entries, newest first.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::EntryView;
use super::filters::AuditQuery;
use crate::store::audit;
use crate::web::components::SelectOption;
use crate::web::list_filters::FilterError;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// Maximum number of rows on a page.
const PAGE_ROWS: usize = 50;

#[derive(Default)]
struct TableView {
    rows: Vec<EntryView>,
    /// Address of the next page; empty on the last one.
    older: String,
    /// Address of the first page; empty on it.
    newest: String,
    filtered: bool,
    errors: Vec<FilterError>,
    /// The filters, for exports.
    query: AuditQuery,
    csrf: String,
}

impl TableView {
    fn has_error(&self, field: &str) -> bool {
        self.errors.iter().any(|error| error.field == field)
    }

    /// Whether there are no entries at all.
    fn is_blank(&self) -> bool {
        self.rows.is_empty() && !self.filtered && self.newest.is_empty()
    }
}

#[derive(Template)]
#[template(path = "audit/list.html")]
struct ListPage {
    page: Page,
    actions: Vec<SelectOption>,
    table: TableView,
}

#[derive(Template)]
#[template(path = "audit/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

/// `GET /audit`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(query): Query<AuditQuery>,
) -> Result<Response, Error> {
    let table =
        TableView { csrf: current.session.csrf.clone(), ..load(&state, &current, query).await? };
    let is_valid = table.errors.is_empty();
    let status = if is_valid { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let html = if is_htmx(&headers) {
        page::html(&ListTable { table })?
    } else {
        let page = Page::new(&current, "Audit log", Nav::Audit).await?;
        page::html(&ListPage { page, actions: table.query.actions(), table })?
    };
    Ok((status, html).into_response())
}

async fn load(
    state: &WebState,
    current: &CurrentUser,
    query: AuditQuery,
) -> Result<TableView, Error> {
    let query = query.cleaned();
    let filtered = query.is_filtered();
    let times = match query.times() {
        Ok(times) => times,
        Err(errors) => return Ok(TableView { filtered, errors, query, ..TableView::default() }),
    };
    let after: Option<i64> = query.after.parse().ok();
    let limit = i64::try_from(PAGE_ROWS + 1).unwrap_or(i64::MAX);
    let found = audit::list(&state.db, &query.filter(times), after, limit).await?;
    let last = found.get(PAGE_ROWS - 1).filter(|_| found.len() > PAGE_ROWS);
    let older = last.map(|last| query.href(Some(last.seq))).unwrap_or_default();
    let newest = after.map(|_| query.href(None)).unwrap_or_default();
    let now = current.now(state);
    let rows = found.iter().take(PAGE_ROWS).map(|entry| EntryView::new(entry, now)).collect();
    Ok(TableView { rows, older, newest, filtered, query, ..TableView::default() })
}
