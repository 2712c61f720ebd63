//! `POST /api/v1/webhooks/{id}/invoke`: sends an event by hand.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use crate::actions::SendNowError;
use crate::api::{ApiState, Problem, ProblemId, bearer};
use crate::identity::Scope;
use crate::model::event::{EventChoice, EventError};
use crate::model::{Actor, EventId, Trigger, WebhookId};

/// What is to be sent: one of the two.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    event_id: Option<EventId>,
    sample: Option<Trigger>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(in crate::api) struct Answer {
    delivery: String,
}

/// Queues the delivery; answers when that is committed.
pub(in crate::api) async fn invoke(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let token = bearer::require(&state, &headers, Scope::Manage).await?;
    let id: WebhookId = id.parse().map_err(|_error: uuid::Error| no_webhook())?;
    let body = body.map_err(|_longer| {
        Problem::new(ProblemId::TooLarge, "Name the event by its id: the request is too long.")
    })?;
    let choice = read(&body)?;
    match state.actions.send_now(id, choice, &Actor::Token(token.name)).await {
        Ok(delivery) => Ok((StatusCode::ACCEPTED, Json(Answer { delivery: delivery.to_string() }))),
        Err(SendNowError::NotFound) => Err(no_webhook()),
        Err(SendNowError::Refused(why)) => Err(Problem::new(ProblemId::Invalid, why.to_string())),
        Err(SendNowError::Gone) => {
            let detail = "This event is not stored, or no longer. Nothing was sent.";
            let message = "is not stored".to_owned();
            let errors = [EventError { pointer: "/event_id".to_owned(), message }];
            Err(Problem::new(ProblemId::Invalid, detail).with_errors(errors))
        }
        Err(SendNowError::Store(error)) if error.is_unavailable() => {
            let detail = "The database is not available: send it again.";
            Err(Problem::new(ProblemId::Unavailable, detail))
        }
        Err(SendNowError::Store(error)) => {
            tracing::error!(error = error.chain(), "nothing could be sent by hand");
            Err(Problem::new(ProblemId::Internal, "Nothing was sent: the server's log says why."))
        }
    }
}

fn read(body: &[u8]) -> Result<EventChoice, Problem> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| {
        let id = if error.is_data() { ProblemId::Invalid } else { ProblemId::NotJson };
        Problem::new(
            id,
            format!("Send {{\"event_id\": …}} or {{\"sample\": \"Granted\"}}: {error}."),
        )
    })?;
    match (asked.event_id, asked.sample) {
        (Some(id), None) => Ok(EventChoice::Stored(id)),
        (None, Some(trigger)) => Ok(EventChoice::Sample(trigger)),
        (None, None) | (Some(_), Some(_)) => {
            let detail = "Name either event_id, a stored event, or sample, such as \"Granted\".";
            Err(Problem::new(ProblemId::Invalid, detail))
        }
    }
}

fn no_webhook() -> Problem {
    Problem::new(ProblemId::NotFound, "There is no webhook of this id.")
}
