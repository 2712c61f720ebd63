//! The page of a delivery, with its event and its attempts.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::DeliveryView;
use crate::model::DeliveryId;
use crate::store::deliveries::{self, manual};
use crate::store::invocations;
use crate::web::display_time::{self, DisplayTime};
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
}

/// `GET /deliveries/{id}`
pub(in crate::web) async fn show(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
) -> Result<Response, Error> {
    let id: DeliveryId = id.parse().map_err(|_error: uuid::Error| Error::NotFound)?;
    let (found, payload) = deliveries::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    let now = state.sources.now();
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
    let page = Page::new(&current, title, Nav::Deliveries).await?;
    page::html(&DeliveryPage { page, delivery, attempts, sender, payload })
}
