//! Switches a webhook off where sending on makes no sense, and says why.

use super::{Shared, send};
use crate::model::delivery::DeliveryState;
use crate::model::webhook::{Draft, RevisionKind};
use crate::model::{Actor, WebhookId};
use crate::store::deliveries::queue;
use crate::store::revisions::{self, NewRevision};
use crate::store::{Error, SLOW_TIMEOUT, notify, webhooks, within};

/// Pauses it: what waits is held until a person switches it on again.
pub(super) async fn pause(shared: &Shared, webhook: WebhookId, reason: &str) -> Result<(), Error> {
    let deps = &shared.deps;
    if !within(&deps.db, SLOW_TIMEOUT, switch_off(shared, webhook, reason)).await? {
        return Ok(());
    }
    tracing::warn!(webhook.id = %webhook, reason, "paused a webhook");
    shared.routing.reload(deps).await?;
    hand_back_queued(shared, webhook, DeliveryState::Held).await;
    Ok(())
}

/// False where it is gone, or off already.
async fn switch_off(shared: &Shared, webhook: WebhookId, reason: &str) -> Result<bool, Error> {
    let deps = &shared.deps;
    let mut tx = deps.db.begin().await?;
    let Some(before) =
        webhooks::find_with_secrets_for_update(&mut tx, &deps.vault, webhook).await?
    else {
        return Ok(false);
    };
    if !before.active {
        return Ok(false);
    }
    let now = deps.sources.now();
    let after = Draft { active: false, ..before.clone() };
    revisions::backfill_revision(&mut tx, &deps.vault, webhook, &before).await?;
    webhooks::update(&mut tx, &deps.vault, webhook, &after, now).await?;
    let new = NewRevision {
        webhook,
        before: Some(&before),
        after: &after,
        actor: &Actor::Gatepost,
        kind: RevisionKind::Paused,
        note: reason,
    };
    revisions::record(&mut tx, &deps.vault, &new, now).await?;
    webhooks::say_why_paused(&mut tx, webhook, reason).await?;
    queue::hold(&mut tx, webhook).await?;
    notify::notify(&mut tx, notify::WEBHOOKS).await?;
    tx.commit().await?;
    Ok(true)
}

/// Hands back what is queued for a webhook and not in flight; the attempts do not count.
pub(super) async fn hand_back_queued(shared: &Shared, webhook: WebhookId, state: DeliveryState) {
    let completions: Vec<queue::Completion> = shared
        .flight
        .take_queued(webhook)
        .into_iter()
        .map(|job| send::hand_back((job.id, webhook, job.attempt), state))
        .collect();
    if completions.is_empty() {
        return;
    }
    let deps = &shared.deps;
    // Not through the completer, which may be the one that calls. What is not written here is
    // handed over when its lease runs out.
    let writing = async {
        let mut connection = deps.db.acquire().await?;
        queue::complete(&mut connection, shared.lease, deps.sources.now(), &completions).await
    };
    if let Err(error) = within(&deps.db, SLOW_TIMEOUT, writing).await {
        tracing::warn!(
            error = error.chain(),
            "deliveries were not handed back; their leases run out"
        );
    }
    shared.flight.let_go(completions.iter().map(|one| (one.id, webhook)));
}
