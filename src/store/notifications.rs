//! Notifications of webhooks that fail, are paused or have recovered, and what was reported about each webhook.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Error, PgConnection, PgPool};
use crate::model::alert::{AlertState, ObservedHealth, Reported};
use crate::model::breaker::FAILURES_TO_OPEN;
use crate::model::notification::Notification;
use crate::model::{DeliveryId, Timestamp, WebhookId};

/// Maximum number of webhooks with a problem to count for the banner.
pub const MAX_PROBLEMS: i64 = 100;

/// A webhook about which something may be reported.
#[derive(Debug, Clone)]
pub struct ObservedWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// Its name.
    pub name: String,
    /// Its health.
    pub health: ObservedHealth,
    /// Why, if it fails or is paused.
    pub reason: String,
    /// What was last reported.
    pub reported: Option<Reported>,
}

/// Webhooks with a problem, for the banner on every page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// Those that Gatepost has paused, at most [`MAX_PROBLEMS`].
    pub paused: i64,
    /// Those with an open circuit breaker, at most [`MAX_PROBLEMS`].
    pub failing: i64,
    /// Id and name, if there is only one.
    pub only: Option<(WebhookId, String)>,
}

/// A notification as the list shows it.
#[derive(Debug, Clone)]
pub struct StoredNotification {
    /// The notification.
    pub notification: Notification,
    /// The delivery to the chosen webhook.
    pub delivery: Option<DeliveryId>,
    /// Whether mails are still being sent.
    pub is_mailing: bool,
    /// Who got a mail.
    pub mailed_to: Vec<String>,
    /// Why a mail could not be sent.
    pub mail_error: Option<String>,
}

/// A notification whose mails are due.
#[derive(Debug, Clone)]
pub struct DueMail {
    /// The notification.
    pub notification: Notification,
    /// Who already got a mail.
    pub mailed_to: Vec<String>,
    /// The number of this attempt, from 1.
    pub attempt: i32,
}

/// Locks the settings. `None` if another instance is sending notifications, otherwise the chosen webhook.
pub async fn lock_settings(db: &mut PgConnection) -> Result<Option<Option<WebhookId>>, Error> {
    let chosen =
        sqlx::query_scalar!("select webhook_id from notification_settings for update skip locked")
            .fetch_optional(db)
            .await?;
    Ok(chosen.map(|id| id.map(WebhookId::from)))
}

/// Returns the webhook that notifications are sent to, with its name.
pub async fn chosen_webhook(db: &PgPool) -> Result<Option<(WebhookId, String)>, Error> {
    let row = sqlx::query!(
        "select w.id, w.name from notification_settings s join webhooks w on w.id = s.webhook_id
         where w.deleted_at is null"
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.id.into(), row.name)))
}

/// Chooses the webhook that notifications are sent to.
pub async fn choose_webhook(
    db: &mut PgConnection,
    webhook: Option<WebhookId>,
) -> Result<(), Error> {
    sqlx::query!("update notification_settings set webhook_id = $1", webhook.map(WebhookId::uuid))
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the webhooks that have a problem, or about which something was reported.
pub async fn observe(db: &mut PgConnection) -> Result<Vec<ObservedWebhook>, Error> {
    let rows = sqlx::query!(
        r#"select w.id, w.name, w.active, w.paused_because, b.last_error as "last_error?",
                  b.failures >= $1 as "is_open?", a.state as "state?",
                  a.counted_since as "counted_since?", a.reported as "reported?",
                  exists (select from webhook_hours h where h.webhook_id = w.id and h.last_delivered_at > a.reported_at)
                      as "has_delivered!"
           from (select webhook_id from webhook_alerts
                 union select webhook_id from webhook_breakers where failures >= $1
                 union select id from webhooks where paused_because is not null and deleted_at is null) c
           join webhooks w on w.id = c.webhook_id and w.deleted_at is null
           left join webhook_breakers b on b.webhook_id = w.id
           left join webhook_alerts a on a.webhook_id = w.id
           order by lower(w.name)"#,
        FAILURES_TO_OPEN
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let health = match (&row.paused_because, row.active, &row.last_error) {
                (Some(_), _, _) => ObservedHealth::Paused,
                (None, false, _) => ObservedHealth::Inactive,
                // A change of a webhook closes its circuit breaker, which is no proof that deliveries succeed.
                (None, true, None) if row.has_delivered => ObservedHealth::Healthy,
                (None, true, Some(_)) if row.is_open == Some(true) => ObservedHealth::Failing,
                (None, true, None | Some(_)) => ObservedHealth::Unclear,
            };
            let reported = match (row.state, row.counted_since, row.reported) {
                (Some(state), Some(counted_since), Some(count)) => {
                    Some(Reported { state: read_state(&state)?, counted_since, count })
                }
                _ => None,
            };
            let reason = row.paused_because.or(row.last_error).unwrap_or_default();
            Ok(ObservedWebhook { id: row.id.into(), name: row.name, health, reason, reported })
        })
        .collect()
}

fn read_state(state: &str) -> Result<AlertState, Error> {
    state.parse().map_err(|_unknown| Error::Corrupt {
        table: "webhook_alerts",
        detail: format!("the state {state} is unknown"),
    })
}

/// Remembers what was reported about webhooks.
pub async fn remember(
    db: &mut PgConnection,
    reported: &[(WebhookId, Reported)],
    now: Timestamp,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = reported.iter().map(|(id, _)| id.uuid()).collect();
    let states: Vec<&str> = reported.iter().map(|(_, reported)| reported.state.into()).collect();
    let since: Vec<Timestamp> =
        reported.iter().map(|(_, reported)| reported.counted_since).collect();
    let counts: Vec<i32> = reported.iter().map(|(_, reported)| reported.count).collect();
    sqlx::query!(
        "insert into webhook_alerts (webhook_id, state, counted_since, reported, reported_at)
         select i.*, $5 from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[]) i
         on conflict (webhook_id) do update
         set state = excluded.state, counted_since = excluded.counted_since, reported = excluded.reported,
             reported_at = excluded.reported_at",
        &ids,
        &states as _,
        &since,
        &counts,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets what was reported about webhooks.
pub async fn forget(db: &mut PgConnection, webhooks: &[WebhookId]) -> Result<(), Error> {
    let ids: Vec<Uuid> = webhooks.iter().map(|id| id.uuid()).collect();
    sqlx::query!("delete from webhook_alerts where webhook_id = any($1)", &ids).execute(db).await?;
    Ok(())
}

/// Counts the notifications of a time except tests.
pub async fn count_between(
    db: &mut PgConnection,
    from: Timestamp,
    to: Timestamp,
) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from notifications where created_at between $1 and $2 and changes <> '[]'"#,
        from,
        to
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Stores a notification. `mails` tells whether it is mailed, too.
pub async fn insert(
    db: &mut PgConnection,
    notification: &Notification,
    delivery: Option<DeliveryId>,
    mails: bool,
) -> Result<(), Error> {
    let changes = serde_json::to_string(&notification.changes).map_err(|error| corrupt(&error))?;
    let omitted = serde_json::to_string(&notification.omitted).map_err(|error| corrupt(&error))?;
    sqlx::query!(
        "insert into notifications (id, created_at, changes, omitted, delivery_id, mail_due_at) values ($1, $2, $3, $4, $5, $6)",
        notification.id,
        notification.at,
        changes,
        omitted,
        delivery.map(DeliveryId::uuid),
        mails.then_some(notification.at)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the newest notifications.
pub async fn list(db: &PgPool, limit: i64) -> Result<Vec<StoredNotification>, Error> {
    let rows = sqlx::query!(
        r#"select id, created_at, changes, omitted, delivery_id, mail_due_at is not null as "is_mailing!", mailed_to, mail_error
           from notifications order by created_at desc, id desc limit $1"#,
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(StoredNotification {
                notification: read(row.id, row.created_at, (&row.changes, &row.omitted))?,
                delivery: row.delivery_id.map(DeliveryId::from),
                is_mailing: row.is_mailing,
                mailed_to: row.mailed_to,
                mail_error: row.mail_error,
            })
        })
        .collect()
}

fn read(id: Uuid, at: Timestamp, (changes, omitted): (&str, &str)) -> Result<Notification, Error> {
    let changes = serde_json::from_str(changes).map_err(|error| corrupt(&error))?;
    let omitted = serde_json::from_str(omitted).map_err(|error| corrupt(&error))?;
    Ok(Notification { id, at, changes, omitted })
}

fn corrupt(error: &serde_json::Error) -> Error {
    Error::Corrupt { table: "notifications", detail: error.to_string() }
}

/// Claims the next notification whose mails are due. It is due again after `hold` if its mails are neither sent nor postponed
/// by then.
pub async fn claim_mail(
    db: &PgPool,
    now: Timestamp,
    hold: TimeDelta,
) -> Result<Option<DueMail>, Error> {
    let row = sqlx::query!(
        "update notifications set mail_due_at = $2, mail_attempts = mail_attempts + 1
         -- A time far in the future is from a clock that was set back.
         where id = (select id from notifications where mail_due_at <= $1 or mail_due_at > $3
                     order by mail_due_at limit 1 for update skip locked)
         returning id, created_at, changes, omitted, mailed_to, mail_attempts",
        now,
        now + hold,
        now + hold * 10
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        let notification = read(row.id, row.created_at, (&row.changes, &row.omitted))?;
        Ok(DueMail { notification, mailed_to: row.mailed_to, attempt: row.mail_attempts })
    })
    .transpose()
}

/// Records who got a mail, and when the next attempt is due, if there is one.
pub async fn set_mailed(
    db: &PgPool,
    notification: Uuid,
    mailed_to: &[String],
    error: Option<&str>,
    due_at: Option<Timestamp>,
) -> Result<(), Error> {
    sqlx::query!(
        "update notifications set mailed_to = $2, mail_error = $3, mail_due_at = $4 where id = $1",
        notification,
        mailed_to,
        error,
        due_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes notifications before a time.
pub async fn delete_before(db: &mut PgConnection, before: Timestamp) -> Result<(), Error> {
    sqlx::query!("delete from notifications where created_at < $1", before).execute(db).await?;
    Ok(())
}

/// Returns the webhooks with a problem. Reads few rows however many webhooks there are.
///
/// Every page shows them. A statement without parameters is planned once per connection, which took most of its time: 100 is
/// [`MAX_PROBLEMS`], 10 is [`FAILURES_TO_OPEN`].
pub async fn problems(db: &PgPool) -> Result<Problems, Error> {
    const { assert!(MAX_PROBLEMS == 100 && FAILURES_TO_OPEN == 10) };
    let rows = sqlx::query!(
        r#"(select id as "id!", name as "name!", true as "is_paused!" from webhooks
            where paused_because is not null and deleted_at is null limit 100)
           union all
           (select w.id, w.name, false from webhook_breakers b join webhooks w on w.id = b.webhook_id
            where b.failures >= 10 and w.active and w.deleted_at is null limit 100)"#
    )
    .fetch_all(db)
    .await?;
    let count = |is_paused| {
        let count = rows.iter().filter(|row| row.is_paused == is_paused).count();
        i64::try_from(count).unwrap_or(MAX_PROBLEMS)
    };
    let only = match rows.as_slice() {
        [one] => Some((one.id.into(), one.name.clone())),
        _ => None,
    };
    Ok(Problems { paused: count(true), failing: count(false), only })
}
