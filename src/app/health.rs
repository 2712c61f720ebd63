//! Health checks: liveness and readiness.

use axum::extract::State;
use axum::http::StatusCode;

use crate::health::Health;

/// Liveness: the process responds.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Readiness: the database responds and is migrated. Status 503 with the reason otherwise.
pub(super) async fn readyz(State(health): State<Health>) -> (StatusCode, String) {
    match health.check_readiness().await {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
