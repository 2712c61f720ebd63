//! The list of webhooks.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use futures_util::future::try_join;
use serde::Deserialize;

use super::row::{Last, RowView};
use crate::model::webhook::preset::{PRESETS, Preset};
use crate::model::{Trigger, WebhookId};
use crate::store::webhook_list::{self, WebhookCounts, WebhookQuery};
use crate::store::{self, webhook_health, webhook_ranks};
use crate::web::list_filters::query_string;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// Maximum number of rows on a page.
const PAGE_ROWS: usize = 50;
/// Maximum number of webhooks whose order by last delivery or success rate is calculated at each view. With more, the order
/// is up to a minute old.
const MAX_EXACTLY_RANKED: i64 = 1_000;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ListQuery {
    q: String,
    status: String,
    trigger: String,
    sort: String,
    after: String,
}

/// The header of a column.
struct Column {
    label: &'static str,
    /// Address of the list sorted by this column; empty if it cannot be sorted.
    href: String,
    /// Value of `aria-sort`.
    sorted: &'static str,
    class: &'static str,
}

/// The table, ready to print.
struct TableView {
    /// Whether there are no webhooks at all. The page then shows how to add one.
    is_blank: bool,
    columns: Vec<Column>,
    rows: Vec<RowView>,
    /// Address of the next page; empty on the last one.
    next: String,
    /// Address of the first page; empty on it.
    first: String,
}

#[derive(Template)]
#[template(path = "webhooks/list.html")]
struct ListPage {
    page: Page,
    query: ListQuery,
    /// Such as `3 webhooks · 2 active`.
    summary: String,
    triggers: [Trigger; 8],
    presets: Vec<&'static Preset>,
    table: TableView,
}

#[derive(Template)]
#[template(path = "webhooks/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

/// `GET /webhooks`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(query): Query<ListQuery>,
) -> Result<Response, Error> {
    let now = current.now(&state);
    let (text, after) = (query.text(), query.after());
    let asked = query.to_store(&text, after.as_ref());
    let listing = async {
        if ["last", "rate"].contains(&asked.sort) {
            webhook_ranks::refresh_few(&state.db, now.time, MAX_EXACTLY_RANKED).await?;
        }
        let mut db = state.db.acquire().await.map_err(store::Error::from)?;
        let mut found = webhook_list::list(&mut db, &asked).await?;
        let has_more = found.len() > PAGE_ROWS;
        found.truncate(PAGE_ROWS);
        let ids: Vec<WebhookId> = found.iter().map(|webhook| webhook.id).collect();
        let health = webhook_health::health(&mut db, now.time, &ids).await?;
        Ok((found, has_more, health))
    };
    let (counts, (found, has_more, health)) =
        try_join(webhook_list::count(&state.db), listing).await?;
    let next = found.last().filter(|_| has_more).map(|last| query.page_href(&last.key, last.id));
    let unknown = webhook_health::Health::default();
    let rows = found.into_iter().map(|webhook| {
        let health = health.get(&webhook.id).unwrap_or(&unknown);
        RowView::new(webhook, health, now)
    });
    let table = TableView {
        is_blank: counts.all == 0,
        columns: query.columns(),
        rows: rows.collect(),
        next: next.unwrap_or_default(),
        first: if after.is_some() { query.href_with(&query.sort, "") } else { String::new() },
    };
    let summary = summarize(counts);
    if is_htmx(&headers) {
        return page::html(&ListTable { table });
    }
    let page = Page::new(&current, "Webhooks", Nav::Webhooks).await?;
    let triggers = Trigger::ALL;
    let presets = PRESETS.iter().filter(|preset| preset.is_logpoint()).collect();
    page::html(&ListPage { page, query, summary, triggers, presets, table })
}

impl ListQuery {
    /// The text to search for, without characters that cannot be stored.
    fn text(&self) -> String {
        self.q.trim().replace('\0', "")
    }

    /// The key and id of the last webhook of the previous page.
    fn after(&self) -> Option<(String, WebhookId)> {
        let (id, key) = self.after.split_once(' ')?;
        Some((key.replace('\0', ""), id.parse().ok()?))
    }

    fn to_store<'a>(
        &'a self,
        text: &'a str,
        after: Option<&'a (String, WebhookId)>,
    ) -> WebhookQuery<'a> {
        let known = |word: &'a str, known: &[&str]| if known.contains(&word) { word } else { "" };
        let sort = self.sort.trim_start_matches('-');
        WebhookQuery {
            text,
            status: known(&self.status, &["active", "inactive", "failing", "paused"]),
            trigger: Trigger::from_name(&self.trigger).map_or("", Trigger::as_str),
            sort: known(sort, &["status", "url", "last", "rate"]),
            is_reversed: self.sort.starts_with('-'),
            after: after.map(|(key, id)| (key.as_str(), *id)),
            limit: i64::try_from(PAGE_ROWS + 1).unwrap_or(i64::MAX),
        }
    }

    /// Address of the next page.
    fn page_href(&self, key: &str, id: WebhookId) -> String {
        self.href_with(&self.sort, &format!("{id} {key}"))
    }

    fn columns(&self) -> Vec<Column> {
        let column = |label, key: &str, class| Column {
            label,
            href: if key.is_empty() { String::new() } else { self.href(key) },
            sorted: self.sorted(key),
            class,
        };
        vec![
            column("Status", "status", ""),
            column("Name", "name", ""),
            column("Method", "", ""),
            column("URL", "url", ""),
            column("Triggers", "", ""),
            column("Last delivery", "last", ""),
            column("24 h", "rate", "number"),
        ]
    }

    fn sorted(&self, key: &str) -> &'static str {
        let (descending, by) = match self.sort.strip_prefix('-') {
            Some(by) => (true, by),
            None => (false, if self.sort.is_empty() { "name" } else { self.sort.as_str() }),
        };
        match (by == key, descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }

    /// Address of the same list sorted by a column, or in reverse order if it is sorted by it already.
    fn href(&self, key: &str) -> String {
        let sort = if self.sorted(key) == "ascending" { format!("-{key}") } else { key.to_owned() };
        self.href_with(&sort, "")
    }

    fn href_with(&self, sort: &str, after: &str) -> String {
        let filters = [
            ("q", self.q.as_str()),
            ("status", &self.status),
            ("trigger", &self.trigger),
            ("sort", sort),
            ("after", after),
        ];
        format!("/webhooks?{}", query_string(filters))
    }
}

fn summarize(counts: WebhookCounts) -> String {
    let WebhookCounts { all, active, failing } = counts;
    let noun = if all == 1 { "webhook" } else { "webhooks" };
    let summary = format!("{all} {noun} · {active} active");
    if failing > 0 { format!("{summary} · {failing} failing") } else { summary }
}
