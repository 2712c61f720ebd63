//! Webhooks with the settings that were in force at an earlier time.

use uuid::Uuid;

use super::webhooks::from_text;
use super::{Error, PgPool};
use crate::model::webhook::Draft;
use crate::model::{Timestamp, WebhookId};

/// A webhook as it was at a time.
#[derive(Debug)]
pub struct PastWebhook {
    /// The webhook's id.
    pub id: WebhookId,
    /// Its current name, or its last one.
    pub name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
    /// The settings that were in force. `None` if they are not stored any more, or were not stored yet.
    pub in_force: Option<Draft>,
    /// Whether Gatepost had paused it.
    pub was_paused: bool,
    /// The current settings, or the last ones.
    pub current: Draft,
    /// Whether Gatepost has paused it.
    pub is_paused: bool,
}

/// A selection of webhooks, in the order of their ids.
#[derive(Debug, Clone, Copy)]
pub struct PastQuery<'a> {
    /// Only webhooks whose name contains this text, ignoring case.
    pub text: &'a str,
    /// Only webhooks with greater ids than this one.
    pub after: Option<WebhookId>,
    /// Maximum number of webhooks.
    pub limit: i64,
}

/// Returns the ids of those of the given webhooks that a query selects.
pub async fn list_among(
    db: &PgPool,
    query: &PastQuery<'_>,
    among: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from webhooks
         where id = any($1) and id > $2 and ($3 = '' or position(lower($3) in lower(name)) > 0)
         order by id limit $4",
        among,
        query.after.map_or(Uuid::nil(), WebhookId::uuid),
        query.text,
        query.limit
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}

/// Returns the ids of the webhooks that a query selects, without the given ones. Includes deleted webhooks.
pub async fn list_except(
    db: &PgPool,
    query: &PastQuery<'_>,
    except: &[Uuid],
) -> Result<Vec<Uuid>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from webhooks
         where id <> all($1) and id > $2 and ($3 = '' or position(lower($3) in lower(name)) > 0)
         order by id limit $4",
        except,
        query.after.map_or(Uuid::nil(), WebhookId::uuid),
        query.text,
        query.limit
    )
    .fetch_all(db)
    .await?;
    Ok(ids)
}

/// Returns webhooks as they were at a time, in the order of their ids.
///
/// The current settings were in force if they were saved before. Otherwise the newest revision of that time was.
pub async fn list(db: &PgPool, ids: &[Uuid], at: Timestamp) -> Result<Vec<PastWebhook>, Error> {
    let rows = sqlx::query!(
        r#"select w.id, w.name, w.created_at, w.deleted_at, w.definition,
                  w.paused_because is not null as "is_paused!",
                  w.updated_at <= $2 as "is_current!",
                  past.definition as "past_definition?",
                  status.act = 'Paused' as was_paused
           from webhooks w
           left join lateral (
               select r.number, r.definition from webhook_revisions r
               where r.webhook_id = w.id and w.updated_at > $2 and r.made_at <= $2
               order by r.number desc limit 1
           ) past on true
           -- The change by which the webhook became active, inactive or paused.
           left join lateral (
               select r.act from webhook_revisions r
               where r.webhook_id = w.id and r.number <= past.number
                 and 'Status' = any(string_to_array(r.changed, ', '))
               order by r.number desc limit 1
           ) status on true
           where w.id = any($1)
           order by w.id"#,
        ids,
        at
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let current = from_text(&row.definition)?;
            let (in_force, was_paused) = if row.is_current {
                (Some(current.clone()), row.is_paused)
            } else {
                // An earlier version may have stored settings that this one cannot read.
                let past = row.past_definition.and_then(|text| from_text(&text).ok());
                (past, row.was_paused.unwrap_or_default())
            };
            Ok(PastWebhook {
                id: row.id.into(),
                name: row.name,
                created_at: row.created_at,
                deleted_at: row.deleted_at,
                in_force,
                was_paused,
                current,
                is_paused: row.is_paused,
            })
        })
        .collect()
}
