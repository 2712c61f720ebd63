//! The events that something can be tried out with: the menus of the form, and a search.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::model::event::EventChoice;
use crate::model::{Timestamp, Trigger};
use crate::store::events::{self, StoredEvent};
use crate::web::moment::Moment;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState, text};

/// So many of the newest events stand in a menu; others are searched for.
const IN_MENU: i64 = 20;
/// So many a search gives.
const FOUND: i64 = 50;

/// What is said where retention has removed the event that was chosen.
pub(super) const GONE: &str = "This event was removed by the retention policy. Choose another one.";

/// An entry of the menu.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

/// The menu.
#[derive(Debug, Clone, Default)]
pub(super) struct EventMenu {
    pub(super) samples: Vec<Entry>,
    pub(super) stored: Vec<Entry>,
}

impl EventMenu {
    /// The samples and the newest events, with this one chosen; it stands there too where it is older.
    pub(super) async fn load(state: &WebState, chosen: EventChoice) -> Result<Self, Error> {
        let mut newest = events::list_newest(&state.db, "", IN_MENU).await?;
        if let EventChoice::Stored(id) = chosen
            && !newest.iter().any(|event| event.id == id)
            && let Some((older, _)) = events::find(&state.db, id).await?
        {
            newest.push(older);
        }
        let now = state.sources.now();
        let entry = |choice: EventChoice, label| Entry {
            value: choice.value(),
            label,
            chosen: choice == chosen,
        };
        let sample = |trigger| entry(EventChoice::Sample(trigger), format!("Sample: {trigger}"));
        let stored = |event: &StoredEvent| entry(EventChoice::Stored(event.id), label(event, now));
        Ok(Self {
            samples: Trigger::EVENTS.into_iter().map(sample).collect(),
            stored: newest.iter().map(stored).collect(),
        })
    }
}

/// Such as `AR-123 · Granted · 5 min ago`.
pub(super) fn label(event: &StoredEvent, now: Timestamp) -> String {
    let when = Moment::new(event.received_at, now).relative;
    format!("{} · {} · {when}", text::foreign(&event.request), event.trigger)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    q: String,
    /// Whether the search is the panel's.
    choosing: bool,
}

/// A row of what was found.
struct Found {
    id: String,
    label: String,
    request: String,
    trigger: Trigger,
    requester: String,
    integrations: String,
    received: Moment,
}

#[derive(Template)]
#[template(path = "webhooks/events.html")]
struct EventsPage {
    page: Page,
    q: String,
    /// Whether a form wants one of them.
    choosing: bool,
    found: Vec<Found>,
}

#[derive(Template)]
#[template(path = "webhooks/events.html", block = "panel")]
struct EventsPanel {
    q: String,
    /// Whether a form wants one of them.
    choosing: bool,
    found: Vec<Found>,
}

#[derive(Template)]
#[template(path = "webhooks/events.html", block = "found")]
struct EventsFound {
    choosing: bool,
    found: Vec<Found>,
}

/// `GET /webhooks/events`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Error> {
    let now = state.sources.now();
    let found = events::list_newest(&state.db, asked.q.trim(), FOUND).await?;
    let found = found.iter().map(|event| Found::new(event, now)).collect();
    if headers.get("hx-target").is_some_and(|target| target == "events-found") {
        return page::html(&EventsFound { choosing: asked.choosing, found });
    }
    if is_htmx(&headers) {
        return page::html(&EventsPanel { q: asked.q, choosing: true, found });
    }
    let page = Page::new(&current, "Stored events", Nav::Webhooks).await?;
    page::html(&EventsPage { page, q: asked.q, choosing: false, found })
}

impl Found {
    fn new(event: &StoredEvent, now: Timestamp) -> Self {
        Self {
            id: event.id.to_string(),
            label: label(event, now),
            request: event.request.clone(),
            trigger: event.trigger,
            requester: event.requester.clone(),
            integrations: event.integrations.clone(),
            received: Moment::new(event.received_at, now),
        }
    }
}
