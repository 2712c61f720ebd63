//! The list of secrets, with its search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::count_uses;
use crate::identity::Permission;
use crate::model::SecretId;
use crate::store::secrets::{self, ListedSecret};
use crate::web::display_time::{DisplayTime, LocalNow};
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
    /// Name and id of the last row of the page before, separated by a colon.
    after: String,
}

/// A secret, ready to print.
struct RowView {
    id: String,
    name: String,
    description: String,
    /// Name of the webhook that alone may use it; none for a shared secret.
    webhook_name: Option<String>,
    webhook_href: String,
    /// The first allowed host; none if there are no hosts.
    host: Option<String>,
    /// Number of hosts that are not shown.
    more: usize,
    all_hosts: String,
    uses: String,
    is_used: bool,
    updated: DisplayTime,
    updated_by: String,
}

impl RowView {
    fn new(listed: ListedSecret, now: LocalNow) -> Self {
        let secret = listed.secret;
        let hosts: Vec<String> = secret.limits.hosts.iter().map(ToString::to_string).collect();
        Self {
            id: secret.id.to_string(),
            name: secret.name.as_str().to_owned(),
            description: secret.description,
            webhook_name: listed.webhook_name,
            webhook_href: secret.webhook.map(|id| format!("/webhooks/{id}")).unwrap_or_default(),
            more: hosts.len().saturating_sub(1),
            all_hosts: hosts.join(", "),
            host: hosts.into_iter().next(),
            uses: count_uses(listed.uses),
            is_used: listed.uses > 0,
            updated: DisplayTime::new(secret.updated_at, now),
            updated_by: secret.updated_by.to_string(),
        }
    }
}

struct TableView {
    rows: Vec<RowView>,
    /// Address of the next page; empty on the last one.
    next: String,
    /// Address of the first page; empty on it.
    first: String,
    /// Whether there are no secrets at all.
    is_blank: bool,
    can_manage: bool,
}

#[derive(Template)]
#[template(path = "secrets/list.html")]
struct ListPage {
    page: Page,
    q: String,
    table: TableView,
}

#[derive(Template)]
#[template(path = "secrets/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

/// `GET /secrets`
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
    let page = Page::new(&current, "Secrets", Nav::Secrets).await?;
    page::html(&ListPage { page, q: query.q, table })
}

async fn load(
    state: &WebState,
    current: &CurrentUser,
    query: &ListQuery,
) -> Result<TableView, Error> {
    let search = query.q.trim().replace('\0', "");
    let after = query.after();
    let mut db = state.db.acquire().await.map_err(crate::store::Error::from)?;
    let limit = i64::try_from(PAGE_ROWS + 1).unwrap_or(i64::MAX);
    let found = secrets::list(&mut db, &search, after, limit).await?;
    let has_more = found.len() > PAGE_ROWS;
    let last = found.get(PAGE_ROWS - 1).filter(|_| has_more).map(|last| &last.secret);
    let next = last.map(|last| query.href(&format!("{}:{}", last.name, last.id)));
    let next = next.unwrap_or_default();
    let first = if after.is_some() { query.href("") } else { String::new() };
    let now = current.now(state);
    let rows: Vec<RowView> =
        found.into_iter().take(PAGE_ROWS).map(|listed| RowView::new(listed, now)).collect();
    let is_blank = rows.is_empty() && search.is_empty() && after.is_none();
    let can_manage = current.can(Permission::ManageSecrets);
    Ok(TableView { rows, next, first, is_blank, can_manage })
}

impl ListQuery {
    /// The last row of the page before. An invalid one counts as none.
    fn after(&self) -> Option<(&str, SecretId)> {
        let (name, id) = self.after.split_once(':')?;
        Some((name, id.parse().ok()?)).filter(|_| !name.contains('\0'))
    }

    fn href(&self, after: &str) -> String {
        format!("/secrets?{}", query_string([("q", self.q.as_str()), ("after", after)]))
    }
}
