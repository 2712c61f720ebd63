//! Health checks: liveness and readiness.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use crate::store::{self, PgPool, migrate};

/// Timeout of the readiness check. Load balancers do not wait longer either.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Liveness: the process responds.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Readiness: the database responds and is migrated. Status 503 with the reason otherwise.
pub(super) async fn readyz(State(db): State<PgPool>) -> (StatusCode, &'static str) {
    let unavailable = (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached\n");
    match tokio::time::timeout(CHECK_TIMEOUT, store::ping(&db)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = error.chain(), "could not reach the database");
            return unavailable;
        }
        Err(tokio::time::error::Elapsed { .. }) => return unavailable,
    }
    match migrate::is_current(&db).await {
        Ok(true) => (StatusCode::OK, "ok\n"),
        Ok(false) => (StatusCode::SERVICE_UNAVAILABLE, "the database is not migrated\n"),
        Err(error) => {
            tracing::warn!(error = error.chain(), "could not read the applied migrations");
            (StatusCode::SERVICE_UNAVAILABLE, "the database's migrations cannot be read\n")
        }
    }
}
