//! Updates circuit breakers with the results of attempts.

use std::collections::HashMap;

use super::auto_pause;
use super::shared::Shared;
use crate::model::WebhookId;
use crate::model::breaker::{PAUSE_AFTER, probe_delay};
use crate::model::delivery::DeliveryState;
use crate::store::deliveries::complete::Completion;
use crate::store::{Error, QUICK_TIMEOUT, breakers, within};

/// 410 Gone: the target will not be available again (RFC 9110, section 15.5.11).
const STATUS_GONE: i32 = 410;

/// The results of one webhook within a batch.
#[derive(Debug, Default)]
struct Tally {
    succeeded: bool,
    /// Failures since the last success.
    failures: i32,
    last_error: String,
    is_gone: bool,
}

/// Records the results of a batch. Rare and large futures are boxed.
pub(super) async fn record(shared: &Shared, batch: &[Completion]) {
    for (webhook, tally) in tally(batch) {
        if let Err(error) = record_webhook(shared, webhook, &tally).await {
            // Not retried: the next result updates the breaker again.
            tracing::warn!(webhook.id = %webhook, error = error.chain(), "could not update a circuit breaker");
        }
    }
}

fn tally(batch: &[Completion]) -> HashMap<WebhookId, Tally> {
    let mut tallies: HashMap<WebhookId, Tally> = HashMap::new();
    for completion in batch.iter().filter(|completion| completion.counts) {
        let tally = tallies.entry(completion.webhook_id).or_default();
        if completion.state == DeliveryState::Delivered {
            *tally = Tally { succeeded: true, ..Tally::default() };
        } else {
            tally.failures += 1;
            tally.last_error = completion.error.clone().unwrap_or_default();
            tally.is_gone |= completion.status == Some(STATUS_GONE);
        }
    }
    tallies
}

async fn record_webhook(shared: &Shared, webhook: WebhookId, tally: &Tally) -> Result<(), Error> {
    let deps = &shared.deps;
    if tally.succeeded
        && let Some(closed) = shared.breakers.remove(webhook)
    {
        let closing = async {
            let mut connection = Box::pin(deps.db.acquire()).await?;
            breakers::close(&mut connection, webhook).await
        };
        within(&deps.db, QUICK_TIMEOUT, closing).await?;
        if closed.is_open() {
            tracing::info!(webhook.id = %webhook, "closed a circuit breaker");
        }
        shared.note_backlog([webhook]);
    }
    if tally.failures == 0 {
        return Ok(());
    }
    if tally.is_gone {
        let reason = "The server responded with 410 Gone";
        return Box::pin(auto_pause::pause(shared, webhook, reason)).await;
    }
    let now = deps.sources.now();
    let mut breaker =
        breakers::record_failures(&deps.db, webhook, tally.failures, &tally.last_error, now)
            .await?;
    if breaker.should_pause(now) {
        let days = PAUSE_AFTER.num_days();
        let reason = format!("All attempts failed for {days} days: {}", tally.last_error);
        return Box::pin(auto_pause::pause(shared, webhook, &reason)).await;
    }
    // Updated before the next statement, so that events received meanwhile wait.
    shared.breakers.insert(webhook, breaker.clone());
    if breaker.is_open() {
        if breaker.probe_at.is_none() {
            let failures = breaker.failures;
            tracing::warn!(webhook.id = %webhook, failures, "opened a circuit breaker");
        }
        let probes = if breaker.probe_at.is_some() { breaker.probes + 1 } else { 0 };
        let at = now + probe_delay(probes);
        breakers::schedule_probe(&deps.db, webhook, probes, at).await?;
        (breaker.probes, breaker.probe_at) = (probes, Some(at));
        shared.breakers.insert(webhook, breaker);
        Box::pin(auto_pause::hand_back_queued(shared, webhook, DeliveryState::Due)).await;
    }
    Ok(())
}
