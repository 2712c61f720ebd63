//! **Send now**: sends an event that the user chooses to one webhook.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::form::event_menu::{self, EVENT_REMOVED, EventMenu};
use super::parse_id;
use crate::actions::{ManualSendRefusal, SendNowError, check_manual_send};
use crate::model::event::EventChoice;
use crate::model::{Trigger, WebhookId};
use crate::store::webhooks;
use crate::web::form::Form;
use crate::web::page::{self, Nav, Page};
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct SendNowQuery {
    /// The event to select, in the form of the menu's values.
    event: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::web) struct SendNowForm {
    #[serde(default)]
    event: String,
}

#[derive(Template)]
#[template(path = "webhooks/send_now.html")]
struct SendNowPage {
    page: Page,
    id: String,
    name: String,
    events: EventMenu,
    /// Why this webhook does not allow manual sends.
    forbidden: Option<ManualSendRefusal>,
    /// Why the chosen event was not sent; empty before the first attempt.
    error: String,
}

/// `GET /webhooks/{id}/send`
pub(in crate::web) async fn choose(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Query(query): Query<SendNowQuery>,
) -> Result<Response, Error> {
    if let Some(choice) = event_menu::parse(&query.event) {
        return show(&state, &current, parse_id(&id)?, choice, "").await;
    }
    // Usually a user wants to send the newest event again.
    let newest = crate::store::events::list_newest(&state.db, "", 1).await?;
    let choice = newest
        .first()
        .map_or(EventChoice::Sample(Trigger::Granted), |event| EventChoice::Stored(event.id));
    show(&state, &current, parse_id(&id)?, choice, "").await
}

/// `POST /webhooks/{id}/send`
pub(in crate::web) async fn send(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    Form(form): Form<SendNowForm>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let default = EventChoice::Sample(Trigger::Granted);
    let error = match event_menu::parse(&form.event) {
        None => "Choose an event.".to_owned(),
        Some(choice) => {
            match state.actions.send_now(id, choice, &current.actor()).await {
                Ok(delivery) => {
                    current.session.notify("Queued for delivery.").await?;
                    return Ok(Redirect::to(&format!("/deliveries/{delivery}")).into_response());
                }
                Err(SendNowError::NotFound) => return Err(Error::NotFound),
                Err(SendNowError::Store(error)) => return Err(error.into()),
                Err(SendNowError::Gone) => EVENT_REMOVED.to_owned(),
                // The page shows this reason itself.
                Err(SendNowError::Refused(_)) => String::new(),
            }
        }
    };
    let choice = event_menu::parse(&form.event).unwrap_or(default);
    let page = show(&state, &current, id, choice, &error).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

async fn show(
    state: &WebState,
    current: &CurrentUser,
    id: WebhookId,
    choice: EventChoice,
    error: &str,
) -> Result<Response, Error> {
    let draft = webhooks::find(&state.db, id).await?.ok_or(Error::NotFound)?;
    page::html(&SendNowPage {
        page: Page::new(current, format!("Send now · {}", draft.name), Nav::Webhooks).await?,
        id: id.to_string(),
        events: EventMenu::load(state, choice).await?,
        forbidden: check_manual_send(&draft).err(),
        name: draft.name,
        error: error.to_owned(),
    })
}
