//! Pauses webhooks that cannot be delivered to, and records the reason.

use uuid::Uuid;

use super::shared::Shared;
use crate::model::delivery::DeliveryState;
use crate::model::webhook::{Draft, RevisionKind};
use crate::model::{Actor, WebhookId};
use crate::store::deliveries::complete::{self, Completion};
use crate::store::revisions::WebhookChange;
use crate::store::webhook_changes;
use crate::store::{self, Error, SLOW_TIMEOUT, audit, webhooks, within};

/// Pauses a webhook. Its deliveries are held until a user activates it again.
pub(super) async fn pause(shared: &Shared, webhook: WebhookId, reason: &str) -> Result<(), Error> {
    let deps = &shared.deps;
    let change_id = deps.sources.uuid();
    let pausing = deactivate(shared, webhook, reason, change_id);
    if !within(&deps.db, SLOW_TIMEOUT, pausing).await? {
        return Ok(());
    }
    tracing::warn!(webhook.id = %webhook, reason, "paused a webhook");
    shared.router.apply_change(&deps.db, &deps.vault, change_id).await?;
    hand_back_queued(shared, webhook, DeliveryState::Held).await;
    Ok(())
}

/// Returns false if the webhook was deleted or is inactive already.
async fn deactivate(
    shared: &Shared,
    webhook: WebhookId,
    reason: &str,
    change_id: Uuid,
) -> Result<bool, Error> {
    let deps = &shared.deps;
    let mut tx = store::begin(&deps.db).await?;
    let Some(before) = webhook_changes::lock(&mut tx, webhook).await? else {
        return Ok(false);
    };
    let before = before.draft;
    if !before.active {
        return Ok(false);
    }
    let after = Draft { active: false, ..before.clone() };
    let change = WebhookChange {
        webhook,
        before: Some(&before),
        after: &after,
        actor: &Actor::GATEPOST,
        kind: RevisionKind::Paused,
        note: reason,
        secret_names: None,
        changed_secrets: &[],
    };
    let now = deps.sources.now();
    let entry = webhook_changes::apply(&mut tx, change_id, &change, now).await?;
    webhooks::set_pause_reason(&mut tx, webhook, reason).await?;
    audit::append(&mut tx, &Actor::GATEPOST, now, entry.as_slice()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Hands back the queued deliveries of a webhook that are not in flight. Their attempts do not count.
pub(super) async fn hand_back_queued(shared: &Shared, webhook: WebhookId, state: DeliveryState) {
    let completions: Vec<Completion> = shared
        .queue
        .take_queued(webhook)
        .into_iter()
        .map(|job| Completion::unsent(job.id, webhook, job.attempt, state))
        .collect();
    if completions.is_empty() {
        return;
    }
    let deps = &shared.deps;
    // Not through the completion task, because that one may be the caller. Deliveries that cannot be handed back here
    // are taken over when their lease expires.
    let writing = async {
        let mut connection = deps.db.acquire().await?;
        let now = deps.sources.now();
        complete::complete(&mut connection, shared.lease_id, now, &completions).await
    };
    if let Err(error) = within(&deps.db, SLOW_TIMEOUT, writing).await {
        tracing::warn!(
            error = error.chain(),
            "could not hand back deliveries; their leases will expire"
        );
    }
    shared.queue.released(completions.iter().map(|completion| (completion.id, webhook)));
}
