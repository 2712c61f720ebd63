//! The progress of a replay.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::parse_id;
use crate::identity::Permission;
use crate::model::WebhookId;
use crate::store::replays::{self, Replay, ReplayResult};
use crate::store::webhooks;
use crate::web::display_time::{DisplayTime, LocalNow};
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

/// A replay, ready to print.
pub(super) struct ReplayView {
    pub(super) href: String,
    pub(super) status: &'static str,
    pub(super) requested: DisplayTime,
    pub(super) who: String,
    pub(super) queued: i64,
    from: DisplayTime,
    until: DisplayTime,
    total: i64,
    read: i64,
    is_open: bool,
    ignores_filters: bool,
    repeats: bool,
}

#[derive(Template)]
#[template(path = "webhooks/replay_progress.html")]
struct ProgressPage {
    page: Page,
    webhook_id: String,
    webhook_name: String,
    is_paused: bool,
    replay: ReplayView,
    result: ReplayResult,
    csrf: String,
    /// Whether the user may stop it.
    can_stop: bool,
}

#[derive(Template)]
#[template(path = "webhooks/replay_progress.html", block = "progress")]
struct ProgressPart {
    is_paused: bool,
    replay: ReplayView,
    result: ReplayResult,
    csrf: String,
    /// Whether the user may stop it.
    can_stop: bool,
}

impl ReplayView {
    pub(super) fn new(replay: &Replay, now: LocalNow) -> Self {
        let Replay { range, .. } = replay;
        Self {
            href: format!("/webhooks/{}/replays/{}", range.webhook, replay.id),
            status: match (replay.finished_at, replay.is_stopped) {
                (None, _) => "Queuing events",
                (Some(_), true) => "Stopped",
                (Some(_), false) => "All events queued",
            },
            requested: DisplayTime::new(replay.requested_at, now),
            who: replay.who.clone(),
            queued: replay.queued,
            from: DisplayTime::new(range.from, now),
            until: DisplayTime::new(range.until, now),
            total: replay.total,
            read: replay.read,
            is_open: replay.finished_at.is_none(),
            ignores_filters: range.ignores_filters,
            repeats: range.repeats,
        }
    }
}

/// `GET /webhooks/{id}/replays/{replay}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    headers: HeaderMap,
    Path((id, replay)): Path<(String, String)>,
) -> Result<Response, Error> {
    let (id, replay) = find(&state, &id, &replay).await?;
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let result = replays::count_results(&state.db, replay.id).await?;
    let replay = ReplayView::new(&replay, current.now(&state));
    let (is_paused, csrf) = (!draft.active, current.session.csrf.clone());
    let can_stop = current.can(Permission::Send);
    if is_htmx(&headers) {
        return page::html(&ProgressPart { is_paused, replay, result, csrf, can_stop });
    }
    page::html(&ProgressPage {
        page: Page::new(&current, format!("Replay to {}", draft.name), Nav::Webhooks).await?,
        webhook_id: id.to_string(),
        webhook_name: draft.name,
        is_paused,
        replay,
        result,
        csrf,
        can_stop,
    })
}

/// `POST /webhooks/{id}/replays/{replay}/stop`
pub(in crate::web) async fn stop(
    State(state): State<WebState>,
    current: CurrentUser,
    Path((id, replay)): Path<(String, String)>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let (id, replay) = find(&state, &id, &replay).await?;
    state.actions.stop_replay(replay.id, &current.actor()).await?;
    Ok(Redirect::to(&format!("/webhooks/{id}/replays/{}", replay.id)).into_response())
}

async fn find(state: &WebState, id: &str, replay: &str) -> Result<(WebhookId, Replay), Error> {
    let id = parse_id(id)?;
    let replay: Uuid = replay.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    let found = replays::find(&state.db, replay).await?;
    found
        .filter(|replay| replay.range.webhook == id)
        .map(|replay| (id, replay))
        .ok_or(Error::NotFound)
}
