//! The list of webhooks.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use url::form_urlencoded;

use super::row::{Last, RowView};
use crate::model::Trigger;
use crate::model::webhook::preset::{PRESETS, Preset};
use crate::store::{webhook_health, webhooks};
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ListQuery {
    q: String,
    status: String,
    trigger: String,
    sort: String,
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
    csrf: String,
}

#[derive(Template)]
#[template(path = "webhooks/list.html")]
struct ListPage {
    page: Page,
    query: ListQuery,
    /// Such as `3 webhooks · 2 active`.
    summary: String,
    triggers: [Trigger; 7],
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
    let now = state.sources.now();
    let health = webhook_health::health(&state.db, now).await?;
    let all = webhooks::list(&state.db).await?;
    let unknown = webhook_health::Health::default();
    let mut rows: Vec<RowView> = all
        .iter()
        .map(|(id, draft)| RowView::new(*id, draft, health.get(id).unwrap_or(&unknown), now))
        .collect();
    let summary = summarize(&rows);
    let has_trigger = |row: &RowView| {
        query.trigger.is_empty() || row.all_triggers.split(", ").any(|word| word == query.trigger)
    };
    rows.retain(|row| query.matches(row) && has_trigger(row));
    query.sort(&mut rows);
    let csrf = current.session.csrf.clone();
    let table = TableView { is_blank: all.is_empty(), columns: query.columns(), rows, csrf };
    if is_htmx(&headers) {
        return page::html(&ListTable { table });
    }
    let page = Page::new(&current, "Webhooks", Nav::Webhooks).await?;
    let triggers = Trigger::ALL;
    let presets = PRESETS.iter().filter(|preset| preset.is_logpoint()).collect();
    page::html(&ListPage { page, query, summary, triggers, presets, table })
}

impl ListQuery {
    /// Whether a row matches the search and the status.
    fn matches(&self, row: &RowView) -> bool {
        let text = self.q.trim().to_lowercase();
        let found = text.is_empty()
            || row.name.to_lowercase().contains(&text)
            || row.url.to_lowercase().contains(&text);
        found
            && match self.status.as_str() {
                "active" => row.active,
                "inactive" => !row.active,
                "failing" => row.is_failing(),
                _ => true,
            }
    }

    /// Sorts rows that are sorted by name.
    fn sort(&self, rows: &mut [RowView]) {
        match self.sort.trim_start_matches('-') {
            "status" => rows.sort_by_key(|row| !row.active),
            "last" => rows.sort_by_key(|row| std::cmp::Reverse(row.last_at)),
            "rate" => rows.sort_by_key(|row| row.per_mille),
            "url" => rows.sort_by(|a, b| (&a.host, &a.path).cmp(&(&b.host, &b.path))),
            _ => {}
        }
        if self.sort.starts_with('-') {
            rows.reverse();
        }
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
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", &self.q), ("status", &self.status), ("trigger", &self.trigger)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/webhooks?{}", query.append_pair("sort", &sort).finish())
    }
}

fn summarize(rows: &[RowView]) -> String {
    let count = rows.len();
    let active = rows.iter().filter(|row| row.active).count();
    let failing = rows.iter().filter(|row| row.is_failing()).count();
    let noun = if count == 1 { "webhook" } else { "webhooks" };
    let summary = format!("{count} {noun} · {active} active");
    if failing > 0 { format!("{summary} · {failing} failing") } else { summary }
}
