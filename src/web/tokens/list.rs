//! The list of API tokens, with its search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::TokenView;
use crate::store::{sender_keys, tokens};
use crate::web::list_filters::query_string;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// Maximum number of rows on a page.
const PAGE_ROWS: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ListQuery {
    q: String,
    /// Name of the last row of the page before.
    after: String,
}

struct TableView {
    rows: Vec<TokenView>,
    /// Address of the next page; empty on the last one.
    next: String,
    /// Address of the first page; empty on it.
    first: String,
    /// Whether there are no tokens at all.
    is_blank: bool,
}

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct ListPage {
    page: Page,
    q: String,
    table: TableView,
}

#[derive(Template)]
#[template(path = "tokens/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

/// `GET /tokens`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Response, Error> {
    let table = load(&state, &current, &query).await?;
    if is_htmx(&headers) {
        return page::html(&ListTable { table });
    }
    let page = Page::new(&current, "API tokens", Nav::Tokens).await?;
    page::html(&ListPage { page, q: query.q, table })
}

async fn load(
    state: &WebState,
    current: &CurrentUser,
    query: &ListQuery,
) -> Result<TableView, Error> {
    let search = query.q.trim().replace('\0', "");
    let after = query.after.replace('\0', "");
    let limit = i64::try_from(PAGE_ROWS + 1).unwrap_or(i64::MAX);
    let found = tokens::list(&state.db, &search, &after, limit).await?;
    let last = found.get(PAGE_ROWS - 1).filter(|_| found.len() > PAGE_ROWS);
    let next = last.map(|last| query.href(&last.name)).unwrap_or_default();
    let first = if after.is_empty() { String::new() } else { query.href("") };
    let is_blank = found.is_empty() && search.is_empty() && after.is_empty();
    let now = current.now(state);
    let ids: Vec<Uuid> = found.iter().map(|token| token.id.uuid()).collect();
    let schemes = sender_keys::schemes(&state.db, &ids).await?;
    let rows = found.into_iter().take(PAGE_ROWS).map(|token| {
        let signature = schemes.iter().find(|(id, ..)| *id == token.id);
        let signature = signature.map(|(_, scheme, replaces_token)| (*scheme, *replaces_token));
        TokenView::new(token, signature, now)
    });
    let rows = rows.collect();
    Ok(TableView { rows, next, first, is_blank })
}

impl ListQuery {
    fn href(&self, after: &str) -> String {
        format!("/tokens?{}", query_string([("q", self.q.as_str()), ("after", after)]))
    }
}
