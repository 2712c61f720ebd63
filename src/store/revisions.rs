//! The history of webhooks. Revisions are written in the transaction that changes the webhook, with its row locked.

use std::collections::BTreeSet;

use super::{Error, PgConnection, PgPool, webhooks};
use crate::model::webhook::{Draft, RevisionKind, differences};
use crate::model::{Actor, Timestamp, WebhookId};

/// Maximum number of revisions kept per webhook.
pub const MAX_REVISIONS: i32 = 100;

/// Start of the label of a secret with a new value. The name follows.
pub const SECRET_LABEL: &str = "Secret ";

/// A revision with the fields shown in the history.
#[derive(Debug, Clone)]
pub struct Revision {
    /// The number of the revision, from 1.
    pub number: i32,
    /// When it was saved.
    pub made_at: Timestamp,
    /// Who saved it.
    pub actor: Actor,
    /// The kind of change.
    pub kind: RevisionKind,
    /// The reason for a pause, or the number of the restored revision.
    pub note: String,
    /// The labels of the changed fields, separated by commas.
    pub changed: String,
}

/// A change of one webhook.
#[derive(Debug)]
pub struct WebhookChange<'a> {
    /// The webhook.
    pub webhook: WebhookId,
    /// The webhook before the change. `None` for a new one.
    pub before: Option<&'a Draft>,
    /// The webhook after the change.
    pub after: &'a Draft,
    /// Who makes the change.
    pub actor: &'a Actor,
    /// The kind of change.
    pub kind: RevisionKind,
    /// See [`Revision::note`].
    pub note: &'a str,
    /// The names of the secrets that the webhook refers to after the change. `None` if they are the same as before.
    pub secret_names: Option<&'a [String]>,
    /// The secrets of the webhook that have new values.
    pub changed_secrets: &'a [String],
}

/// Adds a change to the history, dated like the webhook's `updated_at`, and deletes revisions beyond [`MAX_REVISIONS`].
pub async fn record(
    db: &mut PgConnection,
    change: &WebhookChange<'_>,
    now: Timestamp,
) -> Result<(), Error> {
    let number = newest(db, change.webhook).await? + 1;
    let changed: Vec<String> = match change.before {
        Some(before) => {
            let fields = differences(before, change.after).into_iter().map(|one| one.label);
            let secrets = change.changed_secrets.iter().map(|name| format!("{SECRET_LABEL}{name}"));
            fields.chain(secrets).collect()
        }
        None => Vec::new(),
    };
    let (kind, name) = change.actor.parts();
    sqlx::query!(
        "insert into webhook_revisions
             (webhook_id, number, made_at, who_kind, who_name, act, note, changed, definition)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        change.webhook.uuid(),
        number,
        now,
        kind,
        name,
        change.kind.as_str(),
        change.note,
        changed.join(", "),
        webhooks::to_text(change.after)?
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from webhook_revisions where webhook_id = $1 and number <= $2",
        change.webhook.uuid(),
        number - MAX_REVISIONS
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds a revision if the webhook was saved by a version of Gatepost without a history. Returns the number of the
/// current revision.
pub async fn backfill_revision(
    db: &mut PgConnection,
    webhook: WebhookId,
    current: &Draft,
) -> Result<i32, Error> {
    let number = newest(db, webhook).await?;
    let saved_at = sqlx::query_scalar!(
        "select updated_at from webhooks w
         where w.id = $1 and not exists (
             select from webhook_revisions r
             where r.webhook_id = w.id and r.number = $2 and r.made_at = w.updated_at
         )",
        webhook.uuid(),
        number
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(saved_at) = saved_at else { return Ok(number) };
    let before = if number == 0 { None } else { find(db, webhook, number).await? };
    let kind = if before.is_none() { RevisionKind::Added } else { RevisionKind::Changed };
    let actor = &Actor::UNKNOWN;
    let change = WebhookChange {
        webhook,
        before: before.as_ref(),
        after: current,
        actor,
        kind,
        note: "",
        secret_names: None,
        changed_secrets: &[],
    };
    record(db, &change, saved_at).await?;
    Ok(number + 1)
}

async fn newest(db: &mut PgConnection, webhook: WebhookId) -> Result<i32, Error> {
    let number = sqlx::query_scalar!(
        "select max(number) from webhook_revisions where webhook_id = $1",
        webhook.uuid()
    )
    .fetch_one(db)
    .await?;
    Ok(number.unwrap_or_default())
}

/// Returns the number of the current revision, or the one that [`backfill_revision`] would give it. 0 if there is no
/// such webhook.
pub async fn current_number(db: &PgPool, webhook: WebhookId) -> Result<i32, Error> {
    let number = sqlx::query_scalar!(
        r#"select coalesce(r.number, 0) + (r.made_at is distinct from w.updated_at)::int as "number!"
           from webhooks w
           left join lateral (
               select number, made_at from webhook_revisions
               where webhook_id = w.id order by number desc limit 1
           ) r on true
           where w.id = $1"#,
        webhook.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(number.unwrap_or_default())
}

/// Returns the history of a webhook, newest first.
pub async fn list(db: &PgPool, webhook: WebhookId) -> Result<Vec<Revision>, Error> {
    let rows = sqlx::query!(
        "select number, made_at, who_kind, who_name, act, note, changed from webhook_revisions
         where webhook_id = $1 order by number desc",
        webhook.uuid()
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Revision {
            number: row.number,
            made_at: row.made_at,
            actor: Actor::from_parts(&row.who_kind, row.who_name),
            kind: RevisionKind::from_name(&row.act),
            note: row.note,
            changed: row.changed,
        })
        .collect())
}

/// Returns the labels of the fields and secrets that were changed after one revision and up to another one.
pub async fn list_changed(
    db: &mut PgConnection,
    webhook: WebhookId,
    after: i32,
    to: i32,
) -> Result<BTreeSet<String>, Error> {
    let changed = sqlx::query_scalar!(
        "select changed from webhook_revisions where webhook_id = $1 and number > $2 and number <= $3",
        webhook.uuid(),
        after,
        to
    )
    .fetch_all(db)
    .await?;
    Ok(changed.iter().flat_map(|labels| labels.split(", ")).map(str::to_owned).collect())
}

/// Returns a revision.
pub async fn find(
    db: &mut PgConnection,
    webhook: WebhookId,
    number: i32,
) -> Result<Option<Draft>, Error> {
    let definition = sqlx::query_scalar!(
        "select definition from webhook_revisions where webhook_id = $1 and number = $2",
        webhook.uuid(),
        number
    )
    .fetch_optional(db)
    .await?;
    definition.as_deref().map(webhooks::from_text).transpose()
}

/// Adds a revision for the deletion of a webhook.
pub async fn record_deletion(
    db: &mut PgConnection,
    webhook: WebhookId,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), Error> {
    let (kind, name) = actor.parts();
    let number = newest(db, webhook).await? + 1;
    sqlx::query!(
        "insert into webhook_revisions
             (webhook_id, number, made_at, who_kind, who_name, act, note, changed, definition)
         select id, $2, $3, $4, $5, $6, '', '', definition from webhooks where id = $1",
        webhook.uuid(),
        number,
        now,
        kind,
        name,
        RevisionKind::Deleted.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}
