//! `POST /api/v1/webhooks/{id}/invoke`: a manual send.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use crate::actions::SendNowError;
use crate::api::{ApiState, MAX_INVOKE_BYTES, Problem, ProblemId, bearer, request_body};
use crate::identity::Permission;
use crate::model::event::{EventChoice, EventError};
use crate::model::{Actor, EventId, Origin, Trigger, WebhookId};

/// Detail of the problem with a larger request than [`MAX_INVOKE_BYTES`].
const TOO_LARGE: &str = "The request is too long. Refer to the event by its id.";

/// The request body. Exactly one of the fields is required.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct InvokeRequest {
    event_id: Option<EventId>,
    sample: Option<Trigger>,
}

/// The response body.
#[derive(Debug, Serialize)]
pub(in crate::api) struct InvokeResponse {
    delivery: String,
}

/// Queues a delivery. Responds when it is committed.
pub(in crate::api) async fn invoke(
    State(state): State<Arc<ApiState>>,
    Extension(origin): Extension<Origin>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<InvokeResponse>), Problem> {
    let token = bearer::require(&state, origin, &headers, Permission::Send).await?;
    let id: WebhookId = id.parse().map_err(|_error: uuid::Error| no_webhook())?;
    let body = request_body::read(body, MAX_INVOKE_BYTES, TOO_LARGE).await?;
    let choice = read(&body)?;
    match state.actions.send_now(id, choice, &Actor::token(token.name.clone(), origin)).await {
        Ok(delivery) => {
            Ok((StatusCode::ACCEPTED, Json(InvokeResponse { delivery: delivery.to_string() })))
        }
        Err(SendNowError::NotFound) => Err(no_webhook()),
        Err(SendNowError::Refused(why)) => Err(Problem::new(ProblemId::Invalid, why.to_string())),
        Err(SendNowError::Gone) => {
            let detail = "This event is not stored, or was removed by the retention policy. Nothing was sent.";
            let message = "is not stored".to_owned();
            let errors = [EventError { pointer: "/event_id".to_owned(), message }];
            Err(Problem::new(ProblemId::Invalid, detail).with_errors(errors))
        }
        Err(SendNowError::Store(error)) if error.is_unavailable() => {
            let detail = "The database is not available. Send the request again.";
            Err(Problem::new(ProblemId::Unavailable, detail))
        }
        Err(SendNowError::Store(error)) => {
            tracing::error!(error = error.chain(), "could not queue a manual send");
            Err(Problem::new(
                ProblemId::Internal,
                "Internal error. Nothing was sent. See the log of the server.",
            ))
        }
    }
}

fn read(body: &[u8]) -> Result<EventChoice, Problem> {
    let request: InvokeRequest = serde_json::from_slice(body).map_err(|error| {
        let id = if error.is_data() { ProblemId::Invalid } else { ProblemId::NotJson };
        Problem::new(
            id,
            format!("Send {{\"event_id\": …}} or {{\"sample\": \"Granted\"}}: {error}."),
        )
    })?;
    match (request.event_id, request.sample) {
        (Some(id), None) => Ok(EventChoice::Stored(id)),
        (None, Some(trigger)) => Ok(EventChoice::Sample(trigger)),
        (None, None) | (Some(_), Some(_)) => {
            let detail =
                "Send either event_id, the id of a stored event, or sample, such as \"Granted\".";
            Err(Problem::new(ProblemId::Invalid, detail))
        }
    }
}

fn no_webhook() -> Problem {
    Problem::new(ProblemId::NotFound, "There is no webhook with this id.")
}
