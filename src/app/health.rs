//! Is it up, and can it work?

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use crate::store::{self, PgPool, migrate};

/// Whoever asks has little patience too.
const PATIENCE: Duration = Duration::from_secs(2);

/// The process is up.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers and is migrated; 503 with the reason otherwise.
pub(super) async fn readyz(State(db): State<PgPool>) -> (StatusCode, &'static str) {
    let away = (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached\n");
    match tokio::time::timeout(PATIENCE, store::ping(&db)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = error.chain(), "not ready");
            return away;
        }
        Err(tokio::time::error::Elapsed { .. }) => return away,
    }
    match migrate::is_current(&db).await {
        Ok(true) => (StatusCode::OK, "ok\n"),
        Ok(false) => (StatusCode::SERVICE_UNAVAILABLE, "the database is not migrated\n"),
        Err(error) => {
            tracing::warn!(error = error.chain(), "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database's migrations cannot be read\n")
        }
    }
}
