//! The page of a webhook, with its recent deliveries and its history.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::history::RevisionView;
use super::parse_id;
use super::replay_progress::ReplayView;
use crate::identity::Permission;
use crate::model::breaker::Breaker;
use crate::model::webhook::Draft;
use crate::model::{Trigger, WebhookId, filter};
use crate::store::delivery_search::{self, DeliveryFilter};
use crate::store::webhook_health::{self, MAX_COUNTED};
use crate::store::{breakers, hours, replays, revisions, webhooks};
use crate::web::charts::{ChartsView, Period};
use crate::web::deliveries::Badge;
use crate::web::display_time::{DisplayTime, LocalNow};
use crate::web::notifications::banner::ProblemBanner;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// Number of recent deliveries on the page.
const RECENT_DELIVERIES: usize = 5;
/// Number of recent replays on the page.
const RECENT_REPLAYS: i64 = 3;

struct RecentDelivery {
    href: String,
    badge: Badge,
    event_type: String,
    request: String,
    is_sample: bool,
    created: DisplayTime,
}

/// Why deliveries fail, and when the next attempt follows.
struct Failing {
    since: DisplayTime,
    failures: i32,
    last_error: String,
    /// When the next attempt is made, if the circuit breaker is open.
    probe: Option<DisplayTime>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ShowQuery {
    period: String,
}

#[derive(Template)]
#[template(path = "webhooks/show.html")]
struct ShowPage {
    page: Page,
    id: String,
    draft: Draft,
    condition: String,
    tls: &'static str,
    /// Empty if there is no authentication.
    auth: &'static str,
    paused_because: String,
    deleted: Option<DisplayTime>,
    is_manual: bool,
    failing: Option<Failing>,
    charts: ChartsView,
    recent: Vec<RecentDelivery>,
    replays: Vec<ReplayView>,
    revisions: Vec<RevisionView>,
    /// Number of the current revision; 0 if the webhook is deleted.
    current_revision: i32,
}

/// `GET /webhooks/{id}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Query(query): Query<ShowQuery>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let shown = webhooks::find_including_deleted(&state.db, id).await?.ok_or(Error::NotFound)?;
    let now = current.now(&state);
    let filter = DeliveryFilter { webhook: Some(id), ..DeliveryFilter::default() };
    let recent = delivery_search::list(&state.db, filter, RECENT_DELIVERIES).await?.deliveries;
    let recent = recent.iter().map(|delivery| RecentDelivery {
        href: format!("/deliveries/{}", delivery.id),
        badge: Badge::new(delivery),
        event_type: delivery.event_type.clone(),
        request: delivery.request.clone(),
        is_sample: delivery.is_sample,
        created: DisplayTime::new(delivery.created_at, now),
    });
    let failing = breakers::find(&state.db, id).await?;
    let replays = replays::list_by_webhook(&state.db, id, RECENT_REPLAYS).await?;
    let revisions = revisions::list(&state.db, id).await?;
    let newest = revisions.first().map(|newest| newest.number);
    let current_revision = newest.filter(|_| shown.deleted_at.is_none());
    let restorable = current_revision.filter(|_| current.can(Permission::EditWebhooks));
    let draft = shown.draft;
    let triggers: Vec<Trigger> =
        draft.triggers.iter().filter_map(|word| Trigger::from_name(word)).collect();
    let mut page = Page::new(&current, draft.name.clone(), Nav::Webhooks).await?;
    // The page itself says so, with the reason.
    if shown.paused_because.is_some() {
        page.problem = ProblemBanner::default();
    }
    page::html(&ShowPage {
        page,
        condition: filter::explain(&triggers, &draft.filters),
        tls: tls_label(&draft.tls.verify),
        auth: auth_label(&draft.authentication.kind),
        paused_because: shown.paused_because.unwrap_or_default(),
        deleted: shown.deleted_at.map(|at| DisplayTime::new(at, now)),
        is_manual: triggers.contains(&Trigger::Manual),
        failing: failing.map(|failing| Failing::new(failing, now)),
        charts: charts(&state, id, Period::from_query(&query.period), now).await?,
        recent: recent.collect(),
        replays: replays.iter().map(|replay| ReplayView::new(replay, now)).collect(),
        revisions: RevisionView::all(&id.to_string(), &revisions, restorable, now),
        current_revision: current_revision.unwrap_or_default(),
        id: id.to_string(),
        draft,
    })
}

async fn charts(
    state: &WebState,
    id: WebhookId,
    period: Period,
    now: LocalNow,
) -> Result<ChartsView, Error> {
    let first = ChartsView::first_hour(period, now.time);
    let hours = hours::of_webhook(&state.db, id, first).await?;
    let waiting = match webhook_health::count_waiting(&state.db, id).await? {
        MAX_COUNTED.. => format!("{MAX_COUNTED}+"),
        count => count.to_string(),
    };
    Ok(ChartsView::new(&format!("/webhooks/{id}"), period, now, &hours, waiting))
}

impl Failing {
    fn new((breaker, last_error): (Breaker, String), now: LocalNow) -> Self {
        Self {
            since: DisplayTime::new(breaker.failing_since, now),
            failures: breaker.failures,
            last_error: last_error.trim_end_matches('.').to_owned(),
            probe: breaker.probe_at.map(|at| DisplayTime::new(at, now)),
        }
    }
}

fn auth_label(kind: &str) -> &'static str {
    match kind {
        "bearer" => "Bearer token",
        "basic" => "Basic",
        "oauth" => "OAuth client credentials",
        _ => "",
    }
}

fn tls_label(verify: &str) -> &'static str {
    match verify {
        "pinned" => "Pinned certificate",
        "ca" => "Private CA",
        "none" => "None",
        _ => "Public CAs",
    }
}
