//! The page of a delivery, with its event and its attempts.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::DeliveryView;
use crate::identity::Permission;
use crate::model::DeliveryId;
use crate::model::delivery::DeliveryState;
use crate::store::deliveries::{self, Delivery, manual};
use crate::store::redeliveries::Redelivery;
use crate::store::{invocations, redeliveries};
use crate::web::display_time::{self, DisplayTime, LocalNow};
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState, highlight};

struct AttemptView {
    number: u32,
    ok: bool,
    verdict: String,
    href: String,
    started: DisplayTime,
    took: String,
}

#[derive(Template)]
#[template(path = "deliveries/show.html")]
struct DeliveryPage {
    page: Page,
    delivery: DeliveryView,
    attempts: Vec<AttemptView>,
    /// Actor of a manual send; empty for other deliveries.
    sender: String,
    /// The event as safe HTML; empty if retention has removed it.
    payload: String,
    redeliveries: Vec<RedeliveryView>,
    actions: ActionsView,
    /// Why the delivery was not changed; empty if nothing was requested.
    problem: &'static str,
}

/// A redelivery, ready to print.
struct RedeliveryView {
    who: String,
    requested: DisplayTime,
    tone: &'static str,
    result: String,
}

/// What the user can do with the delivery.
#[derive(Default)]
struct ActionsView {
    can_redeliver: bool,
    can_retry: bool,
    can_cancel: bool,
}

impl RedeliveryView {
    fn new(redelivery: Redelivery, now: LocalNow) -> Self {
        let (tone, result) = match (redelivery.error, redelivery.finished_at) {
            (Some(error), _) => ("bad", error),
            (None, Some(_)) if redelivery.is_stopped => ("quiet", "Stopped".to_owned()),
            (None, Some(_)) => ("good", "Delivered".to_owned()),
            (None, None) => ("busy", "Queued".to_owned()),
        };
        let requested = DisplayTime::new(redelivery.requested_at, now);
        Self { who: redelivery.who, requested, tone, result }
    }
}

impl ActionsView {
    fn new(delivery: &Delivery, redeliveries: &[Redelivery]) -> Self {
        let is_queued = redeliveries.iter().any(|redelivery| redelivery.finished_at.is_none());
        Self {
            can_redeliver: delivery.finished_at.is_some()
                && !delivery.webhook_deleted
                && !is_queued,
            can_retry: delivery.state == DeliveryState::Due,
            can_cancel: matches!(
                delivery.state,
                DeliveryState::Due | DeliveryState::Held | DeliveryState::Waiting
            ),
        }
    }
}

/// `GET /deliveries/{id}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id: DeliveryId = id.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    page(&state, &current, id, "").await
}

/// The page of a delivery, with the reason for which it was not changed.
pub(super) async fn page(
    state: &WebState,
    current: &CurrentUser,
    id: DeliveryId,
    problem: &'static str,
) -> Result<Response, Error> {
    let (found, payload) = deliveries::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let now = current.now(state);
    let attempts = invocations::list_by_delivery(&state.db, id)
        .await?
        .iter()
        .map(|invocation| AttemptView {
            number: invocation.attempt,
            ok: invocation.succeeded(),
            verdict: match (&invocation.failure, &invocation.exchange.response) {
                (Some(cause), _) => cause.summary(),
                (None, Some(response)) => format!("HTTP {}", response.status),
                (None, None) => "Delivered".to_owned(),
            },
            href: format!("/invocations/{}", invocation.id),
            started: DisplayTime::new(invocation.started_at, now),
            took: display_time::duration(invocation.exchange.timings.total_us),
        })
        .collect();
    let sender = manual::find_sender(&state.db, id).await?.unwrap_or_default();
    let title = format!("Delivery to {}", found.webhook_name);
    let delivery = DeliveryView::new(&found, now);
    let payload =
        highlight::to_html(highlight::pretty_json(&payload).as_deref().unwrap_or(&payload));
    let redeliveries = redeliveries::list_by_delivery(&state.db, id).await?;
    let actions = if current.can(Permission::Send) {
        ActionsView::new(&found, &redeliveries)
    } else {
        ActionsView::default()
    };
    page::html(&DeliveryPage {
        page: Page::new(current, title, Nav::Deliveries).await?,
        delivery,
        attempts,
        sender,
        payload,
        redeliveries: redeliveries.into_iter().map(|it| RedeliveryView::new(it, now)).collect(),
        actions,
        problem,
    })
}
