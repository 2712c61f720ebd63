//! Adds how long attempts took to the roll-ups by hour. They are counted in memory and written every few seconds, so that
//! they cost the delivery path nothing. A crash loses the newest ones; the counts of deliveries are written with the
//! results, and lose nothing.

use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::MissedTickBehavior;

use crate::model::delivery::DeliveryState;
use crate::model::{LatencyCounts, Sources, Timestamp, WebhookId};
use crate::store::deliveries::complete::Completion;
use crate::store::hours::{self, WebhookLatencies, hour_of};
use crate::store::{PgPool, within};

/// Time between two writes.
const WRITE_INTERVAL: Duration = Duration::from_secs(5);
/// Timeout of a write.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// What was counted and not yet written.
#[derive(Debug, Default)]
pub(super) struct Latencies(Mutex<Pending>);

#[derive(Debug, Default)]
struct Pending {
    counts: HashMap<(WebhookId, Timestamp), LatencyCounts>,
    /// Whether there are results that the sums of all webhooks do not have.
    has_results: bool,
}

impl Latencies {
    /// Counts the attempts of a batch that delivered.
    pub(super) fn record(&self, batch: &[Completion], now: Timestamp) {
        let hour = hour_of(now);
        let mut pending = self.0.lock();
        pending.has_results = true;
        for done in batch.iter().filter(|done| done.state == DeliveryState::Delivered) {
            if let Some(duration) = done.duration {
                pending.counts.entry((done.webhook_id, hour)).or_default().record(duration);
            }
        }
    }

    /// Returns what was counted, in the order in which it is written. `None` if there are no results.
    fn take(&self) -> Option<Vec<WebhookLatencies>> {
        let Pending { counts, has_results } = std::mem::take(&mut *self.0.lock());
        let mut all: Vec<_> = counts
            .into_iter()
            .map(|((webhook, hour), counts)| WebhookLatencies { webhook, hour, counts })
            .collect();
        all.sort_unstable_by_key(|one| (one.webhook.uuid(), one.hour));
        has_results.then_some(all)
    }

    fn put_back(&self, latencies: Vec<WebhookLatencies>) {
        let mut pending = self.0.lock();
        pending.has_results = true;
        for WebhookLatencies { webhook, hour, counts } in latencies {
            pending.counts.entry((webhook, hour)).or_default().add(&counts);
        }
    }
}

/// Runs until all attempts are finished after a stop, and writes what is left then.
pub(super) async fn run(
    latencies: &Latencies,
    db: &PgPool,
    sources: &Sources,
    drained: impl Future<Output = ()>,
) {
    let mut interval = tokio::time::interval(WRITE_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(drained);
    // What an earlier run wrote may not be summed up yet.
    latencies.put_back(Vec::new());
    loop {
        let is_last = tokio::select! {
            _instant = interval.tick() => false,
            () = &mut drained => true,
        };
        if let Some(counted) = latencies.take()
            && let Err(error) =
                within(db, WRITE_TIMEOUT, hours::write(db, &counted, sources.now())).await
        {
            tracing::warn!(error = error.chain(), "could not write roll-ups for charts; retrying");
            latencies.put_back(counted);
        }
        if is_last {
            return;
        }
    }
}
