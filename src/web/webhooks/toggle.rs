//! Activates and deactivates a webhook.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::parse_id;
use super::row::{RowPart, RowView};
use crate::actions::ChangeWebhookError;
use crate::store::{self, webhook_health, webhook_list};
use crate::web::form::Form;
use crate::web::page;
use crate::web::session::{CurrentUser, is_htmx};
use crate::web::{Error, WebState};

#[derive(Debug, Deserialize)]
pub(in crate::web) struct ToggleForm {
    active: bool,
    /// `page` to return to the webhook's page instead of the list.
    #[serde(default)]
    back: String,
}

/// `POST /webhooks/{id}/active`
pub(in crate::web) async fn toggle(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    headers: HeaderMap,
    Form(form): Form<ToggleForm>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    match state.actions.toggle_webhook(id, form.active, &current.actor()).await {
        Ok(()) => {}
        Err(ChangeWebhookError::NotFound) => return Err(Error::NotFound),
        Err(ChangeWebhookError::Store(error)) => return Err(error.into()),
    }
    if is_htmx(&headers) {
        let webhook = webhook_list::find(&state.db, id).await?.ok_or(Error::NotFound)?;
        let now = current.now(&state);
        let mut db = state.db.acquire().await.map_err(store::Error::from)?;
        let health = webhook_health::health(&mut db, now.time, &[id]).await?.remove(&id);
        let row = RowView::new(webhook, &health.unwrap_or_default(), now);
        return page::html(&RowPart { row });
    }
    let message = if form.active {
        "Activated."
    } else {
        "Deactivated. Its deliveries wait until it is active again."
    };
    current.session.notify(message).await?;
    let back = if form.back == "page" { format!("/webhooks/{id}") } else { "/webhooks".to_owned() };
    Ok(Redirect::to(&back).into_response())
}
