//! One webhook that fails does not wear out its deliveries: they wait while one at a time is sent as
//! a probe. What is known of it is in the database, and here a copy of it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::{Shared, pause};
use crate::model::WebhookId;
use crate::model::breaker::{Breaker, PAUSE_AFTER, probe_delay};
use crate::model::delivery::DeliveryState;
use crate::store::deliveries::queue::Completion;
use crate::store::{Error, QUICK_TIMEOUT, breakers, within};

/// A probe whose instance is gone is sent again after this: longer than any timeout.
pub(super) const PROBE_HELD: TimeDelta = TimeDelta::seconds(90);
/// The server says that nothing will ever be there again (RFC 9110, section 15.5.11).
const GONE: i32 = 410;

/// The webhooks whose newest exchange failed.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<WebhookId, Breaker>>);

/// What a batch of results says of one webhook.
#[derive(Debug, Default)]
struct Tally {
    succeeded: bool,
    /// Since the last success.
    failures: i32,
    last_error: String,
    gone: bool,
}

impl Breakers {
    fn known(&self) -> MutexGuard<'_, HashMap<WebhookId, Breaker>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether deliveries of this webhook wait.
    pub(super) fn is_open(&self, webhook: WebhookId) -> bool {
        self.known().get(&webhook).is_some_and(Breaker::is_open)
    }

    /// Those that are open.
    pub(super) fn open(&self) -> Vec<(WebhookId, Breaker)> {
        let known = self.known();
        known.iter().filter(|(_, one)| one.is_open()).map(|(id, one)| (*id, one.clone())).collect()
    }
}

/// Reads what other instances have noted.
pub(super) async fn refresh(shared: &Shared) -> Result<(), Error> {
    let all = breakers::list(&shared.deps.db).await?;
    *shared.breakers.known() = all.into_iter().collect();
    Ok(())
}

/// Whether this instance may send a probe to an open webhook now.
pub(super) async fn take_probe(
    shared: &Shared,
    webhook: WebhookId,
    breaker: &Breaker,
) -> Result<bool, Error> {
    let now = shared.deps.sources.now();
    if breaker.probe_at.is_none_or(|at| at > now) {
        return Ok(false);
    }
    breakers::take_probe(&shared.deps.db, webhook, now, now + PROBE_HELD).await
}

/// Notes what results say of their webhooks.
pub(super) async fn note(shared: &Shared, done: &[Completion]) {
    for (webhook, tally) in tally(done) {
        if let Err(error) = note_one(shared, webhook, &tally).await {
            // The next result says it again.
            tracing::warn!(webhook.id = %webhook, error = error.chain(), "a failure was not counted");
        }
    }
}

fn tally(done: &[Completion]) -> HashMap<WebhookId, Tally> {
    let mut tallies: HashMap<WebhookId, Tally> = HashMap::new();
    for completion in done.iter().filter(|one| one.counts) {
        let tally = tallies.entry(completion.webhook_id).or_default();
        if completion.state == DeliveryState::Delivered {
            *tally = Tally { succeeded: true, ..Tally::default() };
        } else {
            tally.failures += 1;
            tally.last_error = completion.error.clone().unwrap_or_default();
            tally.gone |= completion.status == Some(GONE);
        }
    }
    tallies
}

async fn note_one(shared: &Shared, webhook: WebhookId, tally: &Tally) -> Result<(), Error> {
    let deps = &shared.deps;
    if tally.succeeded && shared.breakers.known().remove(&webhook).is_some() {
        let closing = async {
            let mut connection = deps.db.acquire().await?;
            breakers::close(&mut connection, webhook).await
        };
        within(&deps.db, QUICK_TIMEOUT, closing).await?;
        shared.note_backlog([webhook]);
    }
    if tally.failures == 0 {
        return Ok(());
    }
    if tally.gone {
        return pause::pause(shared, webhook, "The server answered 410 Gone").await;
    }
    let now = deps.sources.now();
    let mut breaker =
        breakers::note_failures(&deps.db, webhook, tally.failures, &tally.last_error, now).await?;
    if breaker.should_pause(now) {
        let days = PAUSE_AFTER.num_days();
        let reason = format!("Nothing but failures for {days} days: {}", tally.last_error);
        return pause::pause(shared, webhook, &reason).await;
    }
    // Known at once: what comes in from now on waits.
    shared.breakers.known().insert(webhook, breaker.clone());
    if breaker.is_open() {
        let probes = if breaker.probe_at.is_some() { breaker.probes + 1 } else { 0 };
        let at = now + probe_delay(probes);
        breakers::plan_probe(&deps.db, webhook, probes, at).await?;
        (breaker.probes, breaker.probe_at) = (probes, Some(at));
        shared.breakers.known().insert(webhook, breaker);
        pause::hand_back_queued(shared, webhook, DeliveryState::Due).await;
    }
    Ok(())
}
