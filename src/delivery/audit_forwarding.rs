//! Forwards entries of the audit log as events, so that they reach webhooks with the trigger `Audit`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::intake::Intake;
use super::planner::SubmittedEvent;
use super::shared::Shared;
use crate::model::audit::AuditFilter;
use crate::store::{self, Error, SLOW_TIMEOUT, audit, audit_forwarding, within};

/// Time between two checks for new entries.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Maximum number of entries that are forwarded at once.
const BATCH_ENTRIES: i64 = 100;

/// Forwards until stopped.
pub(super) async fn run(shared: Arc<Shared>, intake: Intake) {
    let mut interval = tokio::time::interval(POLL_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !shared.stop.is_cancelled() {
        let db = &shared.deps.background;
        let forwarded = within(db, SLOW_TIMEOUT, forward_next(&shared, &intake)).await;
        let has_more = forwarded.unwrap_or_else(|error: Error| {
            tracing::warn!(error = error.chain(), "could not forward the audit log; retrying");
            false
        });
        if !has_more {
            tokio::select! {
                () = shared.stop.cancelled() => {}
                _instant = interval.tick() => {}
            }
        }
    }
}

/// Forwards the next entries. Returns whether there may be more. Entries from a time without such a webhook are skipped.
async fn forward_next(shared: &Shared, intake: &Intake) -> Result<bool, Error> {
    if !audit_forwarding::is_behind(&shared.deps.background).await? {
        return Ok(false);
    }
    let mut tx = store::begin(&shared.deps.background).await?;
    let Some(last) = audit_forwarding::lock(&mut tx).await? else { return Ok(false) };
    if !audit_forwarding::has_webhook(&mut tx).await? {
        audit_forwarding::skip_all(&mut tx).await?;
        tx.commit().await?;
        return Ok(false);
    }
    let entries = audit::list_after(&mut tx, &AuditFilter::default(), last, BATCH_ENTRIES).await?;
    let Some(newest) = entries.last().map(|entry| entry.seq) else { return Ok(false) };
    let mut submitted = Vec::with_capacity(entries.len());
    for entry in &entries {
        let event = entry.event().map_err(|_faults| Error::Corrupt {
            table: "audit_log",
            detail: format!("entry {} is not a valid event", entry.seq),
        })?;
        // If this transaction fails after the events were accepted, the next attempt submits the same events: duplicates.
        submitted.push(SubmittedEvent { event, key: None, is_sample: false });
    }
    let is_full = i64::try_from(entries.len()).is_ok_and(|count| count == BATCH_ENTRIES);
    if intake.accept(submitted).await.is_err() {
        return Ok(false);
    }
    audit_forwarding::set(&mut tx, newest).await?;
    tx.commit().await?;
    Ok(is_full)
}
