//! Notices changes of webhooks' health, and reports them to the chosen webhook.

use chrono::TimeDelta;
use url::Url;

use super::NotifierParts;
use crate::model::alert::{AlertStep, HealthChange, ObservedHealth, next_step};
use crate::model::notification::Notification;
use crate::model::{DeliveryId, EventId, Sources, Timestamp, WebhookId};
use crate::store::deliveries::manual::{self, NewManualDelivery};
use crate::store::notifications::{self, ObservedWebhook};
use crate::store::{self, Error, PgConnection, notify, webhooks};

/// Who sends notifications, as displayed.
const SENDER: &str = "Gatepost";
/// Maximum number of notifications in [`WINDOW`], however many webhooks change. Later changes are reported together.
const MAX_NOTIFICATIONS: i64 = 12;
const WINDOW: TimeDelta = TimeDelta::hours(1);

/// Reports what has changed since the last report. Does nothing if another instance does.
pub(super) async fn report_changes(parts: &NotifierParts) -> Result<(), Error> {
    let now = parts.sources.now();
    let mut tx = store::begin(&parts.db).await?;
    let Some(chosen) = notifications::lock_settings(&mut tx).await? else { return Ok(()) };
    let observed = notifications::observe(&mut tx).await?;
    let steps = || observed.iter().map(|one| (one, next_step(one.reported, one.health, now)));
    let forgotten: Vec<WebhookId> =
        steps().filter_map(|(one, step)| (step == AlertStep::Forget).then_some(one.id)).collect();
    if !forgotten.is_empty() {
        notifications::forget(&mut tx, &forgotten).await?;
    }
    let reports: Vec<_> = steps()
        .filter_map(|(one, step)| match step {
            AlertStep::Report(reported) => Some((one, reported)),
            AlertStep::Wait | AlertStep::Forget => None,
        })
        .collect();
    let is_allowed = reports.is_empty()
        || notifications::count_between(&mut tx, now - WINDOW, now).await? < MAX_NOTIFICATIONS;
    if !reports.is_empty() && is_allowed {
        let changes = reports.iter().map(|(one, reported)| HealthChange {
            webhook_id: one.id,
            webhook: one.name.clone(),
            state: reported.state,
            reason: one.reason.clone(),
        });
        let notification = Notification::new(parts.sources.uuid(), now, changes.collect());
        let target = chosen.filter(|chosen| can_send(*chosen, &observed));
        let delivery =
            send(&mut tx, &parts.sources, parts.public_url.as_ref(), &notification, target).await?;
        notifications::insert(&mut tx, &notification, delivery, parts.mailer.is_some()).await?;
        let remembered: Vec<_> =
            reports.iter().map(|(one, reported)| (one.id, *reported)).collect();
        notifications::remember(&mut tx, &remembered, now).await?;
        tracing::warn!(title = notification.title(), "reported changes of webhooks' health");
    }
    tx.commit().await?;
    Ok(())
}

/// Whether the chosen webhook works. A report about a webhook is never sent through that webhook.
fn can_send(chosen: WebhookId, observed: &[ObservedWebhook]) -> bool {
    let health = observed.iter().find(|one| one.id == chosen).map(|one| one.health);
    matches!(health, None | Some(ObservedHealth::Healthy | ObservedHealth::Unclear))
}

/// Queues a notification for a webhook, if it exists and is active.
async fn send(
    db: &mut PgConnection,
    sources: &Sources,
    public_url: Option<&Url>,
    notification: &Notification,
    target: Option<WebhookId>,
) -> Result<Option<DeliveryId>, Error> {
    let Some(webhook_id) = target else { return Ok(None) };
    // Locks the webhook, so that it is not deactivated or deleted before the commit.
    let draft = webhooks::find_for_update(db, webhook_id).await?;
    if !draft.is_some_and(|draft| draft.active) {
        return Ok(None);
    }
    let event = notification.event(public_url).map_err(|_faults| Error::Corrupt {
        table: "notifications",
        detail: format!("{} is not a valid event", notification.id),
    })?;
    let event_id = EventId::new(sources);
    manual::insert_event(db, event_id, &event, event.trigger, notification.at).await?;
    let id = DeliveryId::new(sources);
    let new = NewManualDelivery { id, event_id, webhook_id, lane: None, actor: SENDER };
    manual::insert(db, &new, notification.at).await?;
    notify::notify_deliveries(db).await?;
    Ok(Some(id))
}

/// Stores a test notification, which is sent like any other one. Returns its delivery, if the chosen webhook is active.
///
/// # Errors
/// If the database fails.
pub async fn insert_test(
    db: &mut PgConnection,
    sources: &Sources,
    chosen: Option<WebhookId>,
    mails: bool,
    now: Timestamp,
) -> Result<Option<DeliveryId>, Error> {
    let notification = Notification::new(sources.uuid(), now, Vec::new());
    let delivery = send(db, sources, None, &notification, chosen).await?;
    notifications::insert(db, &notification, delivery, mails).await?;
    Ok(delivery)
}
