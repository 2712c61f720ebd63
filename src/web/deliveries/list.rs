//! The deliveries' table.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use url::form_urlencoded;

use super::DeliveryView;
use crate::model::WebhookId;
use crate::model::delivery::DeliveryState;
use crate::store::{deliveries, webhooks};
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// Rows on a page.
const PAGE: usize = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    state: String,
    webhook: String,
    after: String,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct TableView {
    rows: Vec<DeliveryView>,
    /// Empty on the last page.
    older: String,
    /// Empty on the first page.
    newest: String,
    filtered: bool,
    /// Whether there is nothing at all yet.
    is_blank: bool,
}

#[derive(Template)]
#[template(path = "deliveries/list.html")]
struct ListPage {
    page: Page,
    states: Vec<Choice>,
    webhooks: Vec<Choice>,
    table: TableView,
}

#[derive(Template)]
#[template(path = "deliveries/list.html", block = "table")]
struct ListTable {
    table: TableView,
}

/// `GET /deliveries`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let query = deliveries::Query {
        id: None,
        state: DeliveryState::from_name(&asked.state),
        webhook: asked.webhook.parse::<WebhookId>().ok(),
        after: asked.after.parse().ok(),
        limit: i64::try_from(PAGE + 1).unwrap_or(i64::MAX),
    };
    let found = deliveries::list(&state.db, &query).await?;
    let more = found.len() > PAGE;
    let now = state.sources.now();
    let rows: Vec<DeliveryView> =
        found.iter().take(PAGE).map(|delivery| DeliveryView::new(delivery, now)).collect();
    let last = rows.last().map(|row| row.id.clone()).unwrap_or_default();
    let filtered = query.state.is_some() || query.webhook.is_some();
    let table = TableView {
        older: if more { asked.href(&last) } else { String::new() },
        newest: if query.after.is_some() { asked.href("") } else { String::new() },
        filtered,
        is_blank: rows.is_empty() && !filtered && query.after.is_none(),
        rows,
    };
    if is_htmx(&headers) {
        return page::html(&ListTable { table });
    }
    let states = DeliveryState::ALL.into_iter().map(|state| Choice {
        value: state.as_str().to_owned(),
        label: state.label().to_owned(),
        chosen: query.state == Some(state),
    });
    let webhooks = webhooks::list(&state.db).await?.into_iter().map(|(id, draft)| Choice {
        value: id.to_string(),
        label: draft.name,
        chosen: query.webhook == Some(id),
    });
    let page = Page::new(&current, "Deliveries", Nav::Deliveries).await?;
    let (states, webhooks) = (states.collect(), webhooks.collect());
    page::html(&ListPage { page, states, webhooks, table })
}

impl Asked {
    fn href(&self, after: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in
            [("state", self.state.as_str()), ("webhook", self.webhook.as_str()), ("after", after)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/deliveries?{}", query.finish())
    }
}
