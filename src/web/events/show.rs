//! The page of an event: what became of it at every webhook, its payload, and the other events of its access request.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::EventView;
use crate::actions::{EventExplanation, ExplainQuery, ExplainedPart, ExplainedWebhook};
use crate::identity::Permission;
use crate::model::delivery::DeliveryState;
use crate::model::webhook::NotSent;
use crate::model::{EventId, WebhookId};
use crate::store::deliveries::by_event::EventDelivery;
use crate::store::event_search::{self, MAX_REQUEST_EVENTS};
use crate::web::components::SelectOption;
use crate::web::deliveries::Badge;
use crate::web::list_filters::query_string;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx, is_live};
use crate::web::{Error, WebState, highlight, text};

/// Maximum number of webhooks on a page.
const PAGE_ROWS: usize = 50;
/// Maximum length of the access request in the title, in characters. Browsers cut longer titles.
const MAX_TITLE_CHARS: usize = 24;
/// Number of webhooks from which on they can be filtered.
const MIN_FILTERED_ROWS: usize = 10;
/// The parts of the list of webhooks: value and label.
const PARTS: [(ExplainedPart, &str, &str); 3] = [
    (ExplainedPart::All, "", "all"),
    (ExplainedPart::Sent, "sent", "sent"),
    (ExplainedPart::NotSent, "not_sent", "not sent"),
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ShowQuery {
    q: String,
    show: String,
    after: String,
}

/// What became of the event at a webhook.
struct WebhookView {
    name: String,
    href: String,
    is_deleted: bool,
    lines: Vec<LineView>,
    /// Address at which the event can be sent manually; empty if it cannot be.
    send_href: String,
}

/// A delivery, or the reason why there is none.
struct LineView {
    badge: Badge,
    /// Address of the delivery; empty if there is none.
    href: String,
    text: String,
}

struct WebhooksView {
    /// Address of the event.
    path: String,
    q: String,
    parts: Vec<SelectOption>,
    /// Whether there are enough webhooks to filter them.
    can_filter: bool,
    rows: Vec<WebhookView>,
    /// Whether the user may add webhooks.
    can_add: bool,
    /// Whether a filter is set.
    is_filtered: bool,
    /// Address of the next page; empty on the last one.
    next: String,
    /// Address of the first page; empty on it.
    first: String,
}

#[derive(Template)]
#[template(path = "events/show.html")]
struct EventPage {
    page: Page,
    heading: String,
    event: EventView,
    event_type: String,
    /// Address of the sample access request that the event belongs to; empty if there is none.
    sample_href: String,
    webhooks: WebhooksView,
    /// The event as safe HTML.
    payload: String,
    /// The events of the access request, oldest first.
    timeline: Vec<EventView>,
    /// Whether older events of the access request are not shown.
    is_timeline_cut: bool,
}

#[derive(Template)]
#[template(path = "events/show.html", block = "webhooks_table")]
struct WebhooksTable {
    webhooks: WebhooksView,
}

/// `GET /events/{id}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(query): Query<ShowQuery>,
) -> Result<Response, Error> {
    let id: EventId = id.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    let text = query.q.trim().replace('\0', "");
    let explain = ExplainQuery {
        part: query.part(),
        text: &text,
        after: query.after.parse().ok(),
        limit: PAGE_ROWS,
    };
    let explained = state.actions.explain_event(id, &explain).await?.ok_or(Error::NotFound)?;
    let webhooks = WebhooksView::new(&current, &query, &explain, &explained);
    if is_htmx(&headers) && !is_live(&headers) {
        return page::html(&WebhooksTable { webhooks });
    }
    let now = current.now(&state);
    let related = event_search::list_of_request(&state.db, id).await?;
    let is_timeline_cut = i64::try_from(related.len()).is_ok_and(|len| len >= MAX_REQUEST_EVENTS);
    let timeline =
        related.iter().rev().map(|(event, result)| EventView::new(event, *result, now)).collect();
    let event = EventView::new(&explained.event, explained.result, now);
    let heading = format!("{} · {}", text::isolate(&event.request), event.trigger);
    let title =
        format!("{} · {}", text::isolate_within(&event.request, MAX_TITLE_CHARS), event.trigger);
    let pretty = highlight::pretty_json(&explained.payload);
    page::html(&EventPage {
        page: Page::new(&current, title, Nav::Events).await?,
        heading,
        event,
        event_type: explained.event.event_type,
        sample_href: explained.sample.map(|id| format!("/events/samples/{id}")).unwrap_or_default(),
        webhooks,
        payload: highlight::to_html(pretty.as_deref().unwrap_or(&explained.payload)),
        timeline,
        is_timeline_cut,
    })
}

impl ShowQuery {
    fn part(&self) -> ExplainedPart {
        let named = PARTS.into_iter().find(|(_, value, _)| *value == self.show);
        named.map_or(ExplainedPart::All, |(part, ..)| part)
    }

    fn href(&self, path: &str, after: Option<WebhookId>) -> String {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let filters = [("q", self.q.as_str()), ("show", &self.show), ("after", &after)];
        format!("{path}?{}", query_string(filters))
    }
}

impl WebhooksView {
    fn new(
        current: &CurrentUser,
        query: &ShowQuery,
        explain: &ExplainQuery<'_>,
        explained: &EventExplanation,
    ) -> Self {
        let can_send = current.can(Permission::Send);
        let event = explained.event.id;
        let path = format!("/events/{event}");
        let is_filtered = !explain.text.is_empty() || explain.part != ExplainedPart::All;
        let part = |(part, value, label)| SelectOption::new(value, label, part == explain.part);
        Self {
            q: query.q.clone(),
            parts: PARTS.into_iter().map(part).collect(),
            can_filter: is_filtered
                || explain.after.is_some()
                || explained.webhooks.len() >= MIN_FILTERED_ROWS,
            rows: explained
                .webhooks
                .iter()
                .map(|one| WebhookView::new(one, event, can_send))
                .collect(),
            can_add: current.can(Permission::EditWebhooks),
            is_filtered,
            next: explained.next.map(|id| query.href(&path, Some(id))).unwrap_or_default(),
            first: if explain.after.is_some() { query.href(&path, None) } else { String::new() },
            path,
        }
    }
}

impl WebhookView {
    fn new(webhook: &ExplainedWebhook, event: EventId, can_send: bool) -> Self {
        let id = webhook.id;
        let line = |delivery: &EventDelivery| {
            let is_clear = delivery.state == DeliveryState::Delivered && delivery.sender.is_none();
            LineView {
                badge: Badge::of(delivery.state, delivery.attempts),
                href: format!("/deliveries/{}", delivery.id),
                text: if is_clear { String::new() } else { webhook.describe(delivery) },
            }
        };
        let not_sent = |reason: &NotSent| {
            let was_sent_later = !webhook.deliveries.is_empty();
            LineView {
                badge: Badge { text: "Not sent", tone: "quiet" },
                href: String::new(),
                text: if was_sent_later {
                    format!("When received: {reason}")
                } else {
                    reason.to_string()
                },
            }
        };
        Self {
            name: webhook.name.clone(),
            href: format!("/webhooks/{id}"),
            is_deleted: webhook.is_deleted(),
            lines: webhook
                .deliveries
                .iter()
                .map(line)
                .chain(webhook.not_sent.as_ref().map(not_sent))
                .collect(),
            send_href: if webhook.can_send && can_send {
                format!("/webhooks/{id}/send?event={event}")
            } else {
                String::new()
            },
        }
    }
}
