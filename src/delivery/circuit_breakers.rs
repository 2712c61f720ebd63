//! Circuit breakers. While the breaker of a failing webhook is open, its deliveries wait and only one at a time is sent
//! as a probe. The state is in the database. This is a copy of it.

use std::collections::HashMap;

use chrono::TimeDelta;
use parking_lot::Mutex;

use crate::model::breaker::Breaker;
use crate::model::{Timestamp, WebhookId};
use crate::store::{Error, PgPool, breakers};

/// After this time, another instance may send a probe, in case the instance that claimed the last one was killed. Longer
/// than any timeout of an attempt.
pub(super) const PROBE_HOLD: TimeDelta = TimeDelta::seconds(90);

/// The breakers of webhooks whose last attempt failed.
#[derive(Debug, Default)]
pub(super) struct CircuitBreakers(Mutex<HashMap<WebhookId, Breaker>>);

impl CircuitBreakers {
    /// Returns whether deliveries of this webhook wait.
    pub(super) fn is_open(&self, webhook: WebhookId) -> bool {
        self.0.lock().get(&webhook).is_some_and(Breaker::is_open)
    }

    /// Returns the open breakers.
    pub(super) fn list_open(&self) -> Vec<(WebhookId, Breaker)> {
        let breakers = self.0.lock();
        let open = breakers.iter().filter(|(_, breaker)| breaker.is_open());
        open.map(|(id, breaker)| (*id, breaker.clone())).collect()
    }

    /// Replaces the breaker of a webhook.
    pub(super) fn insert(&self, webhook: WebhookId, breaker: Breaker) {
        self.0.lock().insert(webhook, breaker);
    }

    /// Removes and returns the breaker of a webhook.
    pub(super) fn remove(&self, webhook: WebhookId) -> Option<Breaker> {
        self.0.lock().remove(&webhook)
    }

    /// Reads the breakers that this and other instances have recorded.
    pub(super) async fn refresh(&self, db: &PgPool) -> Result<(), Error> {
        let all = breakers::list(db).await?;
        *self.0.lock() = all.into_iter().collect();
        Ok(())
    }
}

/// Claims the next probe of an open breaker, if it is due. Returns whether this instance may send it.
pub(super) async fn claim_probe(
    db: &PgPool,
    webhook: WebhookId,
    breaker: &Breaker,
    now: Timestamp,
) -> Result<bool, Error> {
    if breaker.probe_at.is_none_or(|at| at > now) {
        return Ok(false);
    }
    breakers::claim_probe(db, webhook, now, now + PROBE_HOLD).await
}
