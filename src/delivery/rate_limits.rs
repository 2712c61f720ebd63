//! Rate limits of webhooks, shared by all instances. An instance takes permits from the database in small batches and
//! uses them up locally.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::model::WebhookId;
use crate::store::rates::{self, PermitRequest};
use crate::store::{Error, PgPool};

/// Minimum time between two requests for permits.
const REQUEST_INTERVAL: Duration = Duration::from_millis(50);
/// Maximum burst: a webhook may use the permits of this time at once.
const BURST: Duration = Duration::from_secs(1);

/// The permits that this instance has and those that it needs.
#[derive(Debug, Default)]
pub(super) struct RateLimits {
    webhooks: Mutex<HashMap<WebhookId, Permits>>,
    needed: Notify,
}

#[derive(Debug)]
struct Permits {
    left: u32,
    /// When unused permits expire.
    expires_at: Instant,
    /// The time between two attempts, if more permits are needed.
    needed: Option<Duration>,
}

impl RateLimits {
    /// Uses up a permit. Returns false if there is none yet.
    pub(super) fn try_acquire(&self, webhook: WebhookId, per_minute: Option<u32>) -> bool {
        let Some(per_minute) = per_minute else { return true };
        let now = Instant::now();
        let mut webhooks = self.webhooks.lock();
        let permits =
            webhooks.entry(webhook).or_insert(Permits { left: 0, expires_at: now, needed: None });
        if permits.left > 0 && permits.expires_at > now {
            permits.left -= 1;
            return true;
        }
        permits.left = 0;
        permits.needed = Some(Duration::from_mins(1) / per_minute.max(1));
        self.needed.notify_one();
        false
    }

    fn requests(&self) -> Vec<PermitRequest> {
        let mut webhooks = self.webhooks.lock();
        webhooks.retain(|_, permits| permits.needed.is_some() || permits.left > 0);
        let request = |(webhook, permits): (&WebhookId, &Permits)| {
            Some(PermitRequest { webhook: *webhook, interval: permits.needed? })
        };
        webhooks.iter().filter_map(request).collect()
    }

    fn grant(&self, granted: &[(WebhookId, u32)]) {
        let expires_at = Instant::now() + BURST;
        self.webhooks.lock().extend(
            granted.iter().map(|(webhook, left)| {
                (*webhook, Permits { left: *left, expires_at, needed: None })
            }),
        );
    }
}

/// Takes permits from the database while some are needed, until stopped. Calls `on_granted` when there are new ones.
pub(super) async fn run(
    limits: Arc<RateLimits>,
    db: PgPool,
    stop: CancellationToken,
    on_granted: impl Fn() + Send,
) {
    let mut interval = tokio::time::interval(REQUEST_INTERVAL);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let requests = limits.requests();
        let waiting = async {
            if requests.is_empty() {
                limits.needed.notified().await;
            }
            interval.tick().await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = waiting => {}
        }
        if requests.is_empty() {
            continue;
        }
        match take(&db, &requests, &limits).await {
            Ok(true) => on_granted(),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(error = error.chain(), "could not take permits of rate limits");
            }
        }
    }
}

async fn take(db: &PgPool, requests: &[PermitRequest], limits: &RateLimits) -> Result<bool, Error> {
    let granted = rates::take_permits(db, requests, BURST).await?;
    limits.grant(&granted);
    Ok(!granted.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn requests_more_permits_when_they_are_used_up() {
        let limits = RateLimits::default();
        let webhook = WebhookId::from(Uuid::nil());
        assert!((0..1000).all(|_| limits.try_acquire(webhook, None)));
        assert!(!limits.try_acquire(webhook, Some(600)));
        let requests = limits.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].interval, Duration::from_millis(100));
        limits.grant(&[(webhook, 3)]);
        assert!(limits.requests().is_empty());
        assert_eq!((0..10).filter(|_| limits.try_acquire(webhook, Some(600))).count(), 3);
        assert_eq!(limits.requests().len(), 1);
    }
}
