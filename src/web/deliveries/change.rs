//! **Redeliver**, **Retry now** and **Cancel** on the page of a delivery.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::show;
use crate::actions::ChangeDeliveryError;
use crate::model::DeliveryId;
use crate::web::form::Form;
use crate::web::session::CurrentUser;
use crate::web::{Error, WebState};

/// `POST /deliveries/{id}/redeliver`
pub(in crate::web) async fn redeliver(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let done = state.actions.redeliver(id, &current.actor()).await;
    respond(&state, &current, id, done, "Queued to be sent again.").await
}

/// `POST /deliveries/{id}/retry`
pub(in crate::web) async fn retry(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let done = state.actions.retry_now(id, &current.actor()).await;
    respond(&state, &current, id, done, "The next attempt is due now.").await
}

/// `POST /deliveries/{id}/cancel`
pub(in crate::web) async fn cancel(
    State(state): State<WebState>,
    current: CurrentUser,
    Path(id): Path<String>,
    _form: Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let id = parse_id(&id)?;
    let done = state.actions.cancel_delivery(id, &current.actor()).await;
    respond(&state, &current, id, done, "Cancelled.").await
}

fn parse_id(id: &str) -> Result<DeliveryId, Error> {
    id.parse().map_err(|_error: uuid::Error| Error::NotFound)
}

async fn respond(
    state: &WebState,
    current: &CurrentUser,
    id: DeliveryId,
    done: Result<(), ChangeDeliveryError>,
    message: &str,
) -> Result<Response, Error> {
    match done {
        Ok(()) => {
            current.session.notify(message).await?;
            Ok(Redirect::to(&format!("/deliveries/{id}")).into_response())
        }
        Err(ChangeDeliveryError::NotFound) => Err(Error::NotFound),
        Err(ChangeDeliveryError::Store(error)) => Err(error.into()),
        Err(ChangeDeliveryError::State(problem)) => {
            let page = show::page(state, current, id, problem).await?;
            Ok((StatusCode::CONFLICT, page).into_response())
        }
    }
}
