//! Chooses where notifications are sent to, and sends a test.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::show;
use crate::actions::NotificationsError;
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// Address of the page.
const PAGE: &str = "/status/notifications";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ChooseForm {
    webhook_name: String,
}

/// `POST /status/notifications`
pub(in crate::web) async fn choose(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(form): Form<ChooseForm>,
) -> Result<Response, Error> {
    let name = form.webhook_name.replace('\0', "");
    match state.actions.choose_notification_webhook(&name, &current.actor()).await {
        Ok(chosen) => {
            let text = match chosen {
                Some(_) => format!("Notifications are sent to “{}”.", name.trim()),
                None => "Notifications are not sent to a webhook.".to_owned(),
            };
            current.session.notify(text).await?;
            Ok(Redirect::to(PAGE).into_response())
        }
        Err(error @ (NotificationsError::UnknownWebhook | NotificationsError::Nowhere)) => {
            invalid(&state, &current, name, &error).await
        }
        Err(NotificationsError::Store(error)) => Err(error.into()),
    }
}

/// `POST /status/notifications/test`
pub(in crate::web) async fn test(
    State(state): State<WebState>,
    current: CurrentUser,
    Form(form): Form<ChooseForm>,
) -> Result<Response, Error> {
    match state.actions.test_notifications(&current.actor()).await {
        Ok(_delivery) => {
            current.session.notify("The test notification is being sent.".to_owned()).await?;
            Ok(Redirect::to(PAGE).into_response())
        }
        Err(error @ (NotificationsError::UnknownWebhook | NotificationsError::Nowhere)) => {
            invalid(&state, &current, form.webhook_name, &error).await
        }
        Err(NotificationsError::Store(error)) => Err(error.into()),
    }
}

async fn invalid(
    state: &WebState,
    current: &CurrentUser,
    name: String,
    error: &NotificationsError,
) -> Result<Response, Error> {
    let page = show::render(state, current, Some((name, error.to_string()))).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
