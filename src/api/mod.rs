//! The JSON API.

mod bearer;
mod events;
mod problem;
mod webhooks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::post;

use crate::actions::Actions;
use crate::delivery::Intake;
use crate::identity::TokenCache;
use crate::model::Sources;

pub use problem::{Problem, ProblemId};

/// Largest request, in bytes.
const MAX_REQUEST: usize = 16 * 1024 * 1024;

/// Largest request to invoke, in bytes: it names an event.
const MAX_INVOKE: usize = 64 * 1024;

/// What the API works with.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// Who may.
    pub tokens: TokenCache,
    /// Where events go.
    pub intake: Intake,
    /// What a program can ask for.
    pub actions: Actions,
    /// Time.
    pub sources: Sources,
}

/// All routes of the API.
pub fn router(state: ApiState) -> Router {
    Router::new()
        .route("/api/v1/events", post(events::accept).fallback(problem::method_not_allowed))
        .route(
            "/api/v1/webhooks/{id}/invoke",
            post(webhooks::invoke)
                .fallback(problem::method_not_allowed)
                .layer(DefaultBodyLimit::max(MAX_INVOKE)),
        )
        .route("/api/{*rest}", axum::routing::any(problem::not_found))
        // The handler itself refuses what is too long, in words.
        .layer(DefaultBodyLimit::disable())
        .with_state(state)
}
