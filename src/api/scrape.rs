//! `GET /metrics`: the metrics of this server in Prometheus' text format.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use chrono::TimeDelta;
use parking_lot::Mutex;

use super::{ApiState, Problem, ProblemId, bearer};
use crate::identity::{Permission, hash_token};
use crate::model::{Origin, Timestamp};
use crate::store::tokens::Token;

/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long a token can be used after it was checked, while the database does not respond. Without this, metrics could not
/// report that.
const MAX_UNCHECKED_TIME: TimeDelta = TimeDelta::hours(1);

/// Returns the metrics.
pub(super) async fn show(
    State(state): State<Arc<ApiState>>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    require(&state, origin, &headers).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], state.monitor.render().await))
}

async fn require(state: &ApiState, origin: Origin, headers: &HeaderMap) -> Result<(), Problem> {
    let now = state.sources.now();
    let text = bearer::token_text(headers).unwrap_or_default();
    match bearer::require(state, origin, headers, Permission::Read).await {
        Ok(token) => {
            state.recent_scrapers.insert(text, token, now);
            Ok(())
        }
        Err(problem)
            if problem.id() == ProblemId::Unavailable && state.recent_scrapers.allow(text, now) =>
        {
            Ok(())
        }
        Err(problem) => {
            state.recent_scrapers.remove(text, &problem);
            Err(problem)
        }
    }
}

/// Tokens that have read metrics recently, by their hashes.
#[derive(Debug, Clone, Default)]
pub struct RecentScrapers(Arc<Mutex<HashMap<Vec<u8>, Scraper>>>);

#[derive(Debug)]
struct Scraper {
    checked_at: Timestamp,
    token: Arc<Token>,
}

impl Scraper {
    fn is_recent(&self, now: Timestamp) -> bool {
        // A clock that was set back must not extend the time.
        (now - self.checked_at).abs() < MAX_UNCHECKED_TIME && !self.token.is_expired(now)
    }
}

impl RecentScrapers {
    fn insert(&self, text: &str, token: Arc<Token>, now: Timestamp) {
        let mut recent = self.0.lock();
        recent.retain(|_, scraper| scraper.is_recent(now));
        recent.insert(hash_token(text), Scraper { checked_at: now, token });
    }

    fn allow(&self, text: &str, now: Timestamp) -> bool {
        self.0.lock().get(&hash_token(text)).is_some_and(|scraper| scraper.is_recent(now))
    }

    /// Removes a token that was rejected.
    fn remove(&self, text: &str, problem: &Problem) {
        if problem.id() != ProblemId::Unavailable {
            self.0.lock().remove(&hash_token(text));
        }
    }
}
