//! The page of a webhook, with its recent deliveries and its history.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::history::RevisionView;
use super::parse_id;
use super::replay_progress::ReplayView;
use crate::identity::Permission;
use crate::model::webhook::Draft;
use crate::model::{Trigger, filter};
use crate::store::delivery_search::{self, DeliveryFilter};
use crate::store::{replays, revisions, webhooks};
use crate::web::deliveries::Badge;
use crate::web::display_time::DisplayTime;
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
    let replays = replays::list_by_webhook(&state.db, id, RECENT_REPLAYS).await?;
    let revisions = revisions::list(&state.db, id).await?;
    let newest = revisions.first().map(|newest| newest.number);
    let current_revision = newest.filter(|_| shown.deleted_at.is_none());
    let restorable = current_revision.filter(|_| current.can(Permission::EditWebhooks));
    let draft = shown.draft;
    let triggers: Vec<Trigger> =
        draft.triggers.iter().filter_map(|word| Trigger::from_name(word)).collect();
    page::html(&ShowPage {
        page: Page::new(&current, draft.name.clone(), Nav::Webhooks).await?,
        condition: filter::explain(&triggers, &draft.filters),
        tls: tls_label(&draft.tls.verify),
        auth: auth_label(&draft.authentication.kind),
        paused_because: shown.paused_because.unwrap_or_default(),
        deleted: shown.deleted_at.map(|at| DisplayTime::new(at, now)),
        is_manual: triggers.contains(&Trigger::Manual),
        recent: recent.collect(),
        replays: replays.iter().map(|replay| ReplayView::new(replay, now)).collect(),
        revisions: RevisionView::all(&id.to_string(), &revisions, restorable, now),
        current_revision: current_revision.unwrap_or_default(),
        id: id.to_string(),
        draft,
    })
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
