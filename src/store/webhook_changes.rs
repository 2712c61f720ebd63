//! Changes a webhook together with everything that depends on it: its history, its circuit breaker, its waiting
//! deliveries, and the other instances.

use uuid::Uuid;

use super::deliveries::hold;
use super::revisions::{self, WebhookChange};
use super::{Error, PgConnection, breakers, notify, webhooks};
use crate::model::audit::{AuditEntry, webhook_changed};
use crate::model::webhook::Draft;
use crate::model::{Timestamp, WebhookId};

/// A webhook whose row is locked until the transaction ends.
#[derive(Debug)]
pub struct LockedWebhook {
    /// The webhook.
    pub draft: Draft,
    /// The number of its current revision.
    pub revision: i32,
}

/// Locks a webhook and makes sure that its current definition is in its history.
pub async fn lock(db: &mut PgConnection, id: WebhookId) -> Result<Option<LockedWebhook>, Error> {
    let Some(draft) = webhooks::find_for_update(db, id).await? else {
        return Ok(None);
    };
    let revision = revisions::backfill_revision(db, id, &draft).await?;
    Ok(Some(LockedWebhook { draft, revision }))
}

/// Applies a change. A change without a difference adds no revision. Returns the entry for the audit log, which the caller
/// appends at the end of the transaction.
///
/// `change_id` identifies the notification of the change, see [`notify::notify_webhooks`].
///
/// # Errors
/// A conflict if the name is taken, see [`webhooks::is_name_taken`].
pub async fn apply(
    db: &mut PgConnection,
    change_id: Uuid,
    change: &WebhookChange<'_>,
    now: Timestamp,
) -> Result<Option<AuditEntry>, Error> {
    let WebhookChange { webhook, before, after, secret_names, changed_secrets, .. } = *change;
    let is_changed = before != Some(after) || !changed_secrets.is_empty();
    if is_changed {
        if before.is_some() {
            webhooks::update(db, webhook, after, secret_names, now).await?;
        } else {
            webhooks::insert(db, webhook, after, secret_names.unwrap_or_default(), now).await?;
        }
        revisions::record(db, change, now).await?;
    }
    if before.is_some() {
        if after.active {
            // The change may have fixed the failures: do not wait for the next probe.
            breakers::close(db, webhook).await?;
            hold::release(db, webhook, now).await?;
        } else {
            hold::hold(db, webhook).await?;
        }
    }
    notify::notify_webhooks(db, change_id).await?;
    let kind = (change.kind, change.note);
    Ok(is_changed.then(|| webhook_changed(webhook, (before, after), kind, changed_secrets)))
}
