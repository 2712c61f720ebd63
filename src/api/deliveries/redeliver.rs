//! `POST /api/v1/deliveries/{id}/redeliver`: one more attempt of a finished delivery.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Serialize;

use crate::actions::ChangeDeliveryError;
use crate::api::{ApiState, Problem, ProblemId, bearer};
use crate::identity::Permission;
use crate::model::{Actor, DeliveryId, Origin};

/// The response body.
#[derive(Debug, Serialize)]
pub(in crate::api) struct RedeliverResponse {
    delivery: String,
}

/// Queues a redelivery. Responds when it is committed.
pub(in crate::api) async fn redeliver(
    State(state): State<Arc<ApiState>>,
    Extension(origin): Extension<Origin>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<RedeliverResponse>), Problem> {
    let token = bearer::require(&state, origin, &headers, Permission::Send).await?;
    let not_found = || Problem::new(ProblemId::NotFound, "There is no delivery with this id.");
    let id: DeliveryId = id.parse().map_err(|_error: uuid::Error| not_found())?;
    match state.actions.redeliver(id, &Actor::token(token.name.clone(), origin)).await {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(RedeliverResponse { delivery: id.to_string() }))),
        Err(ChangeDeliveryError::NotFound) => Err(not_found()),
        Err(ChangeDeliveryError::State(problem)) => Err(Problem::new(ProblemId::Conflict, problem)),
        Err(ChangeDeliveryError::Store(error)) if error.is_unavailable() => {
            let detail = "The database is not available. Send the request again.";
            Err(Problem::new(ProblemId::Unavailable, detail))
        }
        Err(ChangeDeliveryError::Store(error)) => {
            tracing::error!(error = error.chain(), "could not queue a redelivery");
            let detail = "Internal error. Nothing was sent. See the log of the server.";
            Err(Problem::new(ProblemId::Internal, detail))
        }
    }
}
