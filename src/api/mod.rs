//! The JSON API.

mod bearer;
mod deliveries;
mod events;
mod problem;
mod request_body;
mod scrape;
mod sender_signature;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tower_http::decompression::RequestDecompressionLayer;

use crate::actions::Actions;
use crate::delivery::Intake;
use crate::identity::{SenderKeys, SenderLimit, TokenCache};
use crate::metrics::Metrics;
use crate::model::Sources;
use crate::monitoring::Monitor;

pub use problem::{Problem, ProblemId};
pub use scrape::RecentScrapers;

/// Maximum size of a request, in bytes.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// Maximum size of a request to invoke a webhook, in bytes. It only names an event.
const MAX_INVOKE_BYTES: usize = 64 * 1024;

/// Dependencies of the API.
#[derive(Debug)]
pub struct ApiState {
    /// Looks up tokens.
    pub tokens: TokenCache,
    /// Looks up the keys of senders that sign.
    pub sender_keys: SenderKeys,
    /// Limits the events of each sender. `None` without a limit.
    pub sender_limit: Option<SenderLimit>,
    /// Accepts events.
    pub intake: Intake,
    /// The actions.
    pub actions: Actions,
    /// The clock.
    pub sources: Sources,
    /// Counts rejected requests.
    pub metrics: Metrics,
    /// Reads metrics.
    pub monitor: Monitor,
    /// Tokens that have read metrics recently.
    pub recent_scrapers: RecentScrapers,
}

/// Returns the routes of the API.
pub fn router(state: ApiState) -> Router {
    Router::new()
        .route(
            "/api/v1/events",
            post(events::accept)
                .fallback(problem::method_not_allowed)
                // The handler limits the decompressed size, and rejects other encodings.
                .layer(RequestDecompressionLayer::new().pass_through_unaccepted(true)),
        )
        .route("/api/v1/events/{id}/explain", get(events::explain).fallback(problem::only_get))
        .route(
            "/api/v1/webhooks/{id}/invoke",
            post(webhooks::invoke).fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/deliveries/{id}/redeliver",
            post(deliveries::redeliver).fallback(problem::method_not_allowed),
        )
        .route("/metrics", get(scrape::show).fallback(problem::only_get))
        .route("/api/{*rest}", axum::routing::any(problem::not_found))
        // Each layer of each request clones the state.
        .with_state(Arc::new(state))
}
