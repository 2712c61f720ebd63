//! `GET /api/v1/events/{id}/explain`: what became of an event at every webhook.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;

use crate::actions::{ExplainQuery, ExplainedPart};
use crate::api::{ApiState, Problem, ProblemId, bearer};
use crate::identity::Permission;
use crate::model::event::EventError;
use crate::model::{EventId, Origin, WebhookId};

/// Maximum number of webhooks in a response.
const PAGE_ROWS: usize = 50;

/// The query string.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::api) struct ExplainParams {
    /// The last webhook of the previous page.
    after: String,
}

/// Explains an event.
pub(in crate::api) async fn explain(
    State(state): State<Arc<ApiState>>,
    Extension(origin): Extension<Origin>,
    Path(id): Path<String>,
    Query(params): Query<ExplainParams>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    bearer::require(&state, origin, &headers, Permission::Read).await?;
    let id: EventId = id.parse().map_err(|_error: uuid::Error| no_event())?;
    let query = ExplainQuery {
        part: ExplainedPart::All,
        text: "",
        after: parse_after(&params.after)?,
        limit: PAGE_ROWS,
    };
    match state.actions.explain_event(id, &query).await {
        Ok(Some(explanation)) => Ok(Json(explanation.to_json())),
        Ok(None) => Err(no_event()),
        Err(error) if error.is_unavailable() => {
            let detail = "The database is not available. Try again.";
            Err(Problem::new(ProblemId::Unavailable, detail))
        }
        Err(error) => {
            tracing::error!(error = error.chain(), event.id = %id, "could not explain an event");
            let detail = "Internal error. See the log of the server.";
            Err(Problem::new(ProblemId::Internal, detail))
        }
    }
}

fn parse_after(after: &str) -> Result<Option<WebhookId>, Problem> {
    if after.is_empty() {
        return Ok(None);
    }
    after.parse().map(Some).map_err(|_error: uuid::Error| {
        let message = "is not the id of a webhook".to_owned();
        let errors = [EventError { pointer: "/after".to_owned(), message }];
        let detail = "Set after to the value of next in the previous response.";
        Problem::new(ProblemId::Invalid, detail).with_errors(errors)
    })
}

fn no_event() -> Problem {
    let detail = "There is no event with this id, or it was removed by the retention policy.";
    Problem::new(ProblemId::NotFound, detail)
}
