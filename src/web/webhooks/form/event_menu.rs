//! Choosing an event for a test, a preview or a manual send: menus, and a search of the stored events.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::model::event::EventChoice;
use crate::model::{Timestamp, Trigger};
use crate::store::events::{self, StoredEvent};
use crate::web::components::SelectOption;
use crate::web::display_time::{self, DisplayTime, LocalNow};
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState, text};

/// Number of the newest events in a menu. Older ones can be searched.
const MENU_EVENTS: i64 = 20;
/// Maximum number of search results.
const MAX_RESULTS: i64 = 50;

/// Message if retention has removed the chosen event.
pub(in crate::web::webhooks) const EVENT_REMOVED: &str =
    "This event was removed by the retention policy. Choose another one.";

/// The options of a menu.
#[derive(Debug, Clone, Default)]
pub(in crate::web::webhooks) struct EventMenu {
    pub(in crate::web::webhooks) samples: Vec<SelectOption>,
    pub(in crate::web::webhooks) stored: Vec<SelectOption>,
}

impl EventMenu {
    /// Loads the sample events and the newest stored events, and selects one. A selected event that is older is added.
    pub(in crate::web::webhooks) async fn load(
        state: &WebState,
        chosen: EventChoice,
    ) -> Result<Self, Error> {
        let mut newest = events::list_newest(&state.db, "", MENU_EVENTS).await?;
        if let EventChoice::Stored(id) = chosen
            && !newest.iter().any(|event| event.id == id)
            && let Some((older, _)) = events::find(&state.db, id).await?
        {
            newest.push(older);
        }
        let now = state.sources.now();
        let option = |choice: EventChoice, label: String| {
            SelectOption::new(value(choice), label, choice == chosen)
        };
        let sample = |trigger| option(EventChoice::Sample(trigger), format!("Sample: {trigger}"));
        let stored = |event: &StoredEvent| option(EventChoice::Stored(event.id), label(event, now));
        Ok(Self {
            samples: Trigger::EVENTS.into_iter().chain([Trigger::Audit]).map(sample).collect(),
            stored: newest.iter().map(stored).collect(),
        })
    }
}

/// Parses the value of an option: the name of a trigger for its sample event, or the id of a stored event.
pub(in crate::web::webhooks) fn parse(value: &str) -> Option<EventChoice> {
    let sample = Trigger::from_name(value).map(EventChoice::Sample);
    sample.or_else(|| value.parse().ok().map(EventChoice::Stored))
}

/// The value of an option.
fn value(choice: EventChoice) -> String {
    match choice {
        EventChoice::Sample(trigger) => trigger.as_str().to_owned(),
        EventChoice::Stored(id) => id.to_string(),
    }
}

/// The label of a stored event, such as `AR-123 · Granted · 5 min ago`.
pub(super) fn label(event: &StoredEvent, now: Timestamp) -> String {
    let when = display_time::ago(event.received_at, now);
    format!("{} · {} · {when}", text::isolate(&event.request), event.trigger)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct EventsQuery {
    /// Search text.
    q: String,
    /// Whether the search is in the panel, where an event can be chosen.
    choosing: bool,
}

/// A search result.
struct EventView {
    id: String,
    label: String,
    request: String,
    trigger: Trigger,
    requester: String,
    integrations: String,
    received: DisplayTime,
}

#[derive(Template)]
#[template(path = "webhooks/form/events.html")]
struct EventsPage {
    page: Page,
    q: String,
    /// Whether an event can be chosen for a form.
    choosing: bool,
    found: Vec<EventView>,
}

#[derive(Template)]
#[template(path = "webhooks/form/events.html", block = "panel")]
struct EventsPanel {
    q: String,
    /// Whether an event can be chosen for a form.
    choosing: bool,
    found: Vec<EventView>,
}

#[derive(Template)]
#[template(path = "webhooks/form/events.html", block = "found")]
struct EventsResults {
    choosing: bool,
    found: Vec<EventView>,
}

/// `GET /webhooks/events`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Error> {
    let now = current.now(&state);
    let found = events::list_newest(&state.db, query.q.trim(), MAX_RESULTS).await?;
    let found = found.iter().map(|event| EventView::new(event, now)).collect();
    if headers.get("hx-target").is_some_and(|target| target == "events-found") {
        return page::html(&EventsResults { choosing: query.choosing, found });
    }
    if is_htmx(&headers) {
        return page::html(&EventsPanel { q: query.q, choosing: true, found });
    }
    let page = Page::new(&current, "Stored events", Nav::Webhooks).await?;
    page::html(&EventsPage { page, q: query.q, choosing: false, found })
}

impl EventView {
    fn new(event: &StoredEvent, now: LocalNow) -> Self {
        Self {
            id: event.id.to_string(),
            label: label(event, now.time),
            request: event.request.clone(),
            trigger: event.trigger,
            requester: event.requester.clone(),
            integrations: event.integrations.clone(),
            received: DisplayTime::new(event.received_at, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_values_are_parsed() {
        let id = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
        for text in ["Created", "Failed", id] {
            assert_eq!(value(parse(text).unwrap()), text);
        }
        assert_eq!(parse("nothing"), None);
    }
}
