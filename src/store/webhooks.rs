//! Webhooks. Their definitions contain references to secrets and no secrets.

use sqlx::{Postgres, Transaction};

use super::{Error, PgConnection, PgPool};
use crate::model::webhook::{Draft, WebhookFile, fold_name};
use crate::model::{Timestamp, WebhookId};

/// The unique index on names in lower case, by the rules of the database.
const NAME_KEY: &str = "webhooks_name_key";
/// The unique index on names as they are compared.
const FOLDED_NAME_KEY: &str = "webhooks_folded_name_key";

const TABLE: &str = "webhooks";

pub(super) fn corrupt(detail: &dyn std::fmt::Display) -> Error {
    Error::Corrupt { table: TABLE, detail: detail.to_string() }
}

/// Returns whether a webhook could not be stored because its name is taken.
pub fn is_name_taken(error: &Error) -> bool {
    error.is_conflict(NAME_KEY) || error.is_conflict(FOLDED_NAME_KEY)
}

pub(super) fn to_text(draft: &Draft) -> Result<String, Error> {
    serde_json::to_string(&WebhookFile::from_draft(draft)).map_err(|error| corrupt(&error))
}

pub(super) fn from_text(text: &str) -> Result<Draft, Error> {
    let file: WebhookFile = serde_json::from_str(text).map_err(|error| corrupt(&error))?;
    file.into_draft().map_err(|error| corrupt(&error))
}

/// Inserts a webhook. `secret_names` are the names of the secrets that it refers to.
///
/// # Errors
/// A conflict if the name is taken, see [`is_name_taken`].
pub async fn insert(
    db: &mut PgConnection,
    id: WebhookId,
    draft: &Draft,
    secret_names: &[String],
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into webhooks
             (id, name, active, definition, secret_names, created_at, updated_at, folded_name, method, url, triggers, unverified)
         values ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11)",
        id.uuid(),
        draft.name,
        draft.active,
        to_text(draft)?,
        secret_names,
        now,
        fold_name(&draft.name),
        draft.method,
        draft.url,
        &draft.triggers,
        draft.tls.verify == "none"
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces a webhook, and the names of the secrets that it refers to if they are given. Returns false if there is none with this id.
///
/// # Errors
/// A conflict if the name is taken, see [`is_name_taken`].
pub async fn update(
    db: &mut PgConnection,
    id: WebhookId,
    draft: &Draft,
    secret_names: Option<&[String]>,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update webhooks
         set name = $2, active = $3, definition = $4, secret_names = coalesce($5, secret_names), updated_at = $6, folded_name = $7,
             method = $8, url = $9, triggers = $10, unverified = $11,
             paused_because = case when $3 then null else paused_because end
         where id = $1 and deleted_at is null",
        id.uuid(),
        draft.name,
        draft.active,
        to_text(draft)?,
        secret_names,
        now,
        fold_name(&draft.name),
        draft.method,
        draft.url,
        &draft.triggers,
        draft.tls.verify == "none"
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Folds the names that were stored by a version that did not. Of two names that are the same, the second stays as it is
/// until one of them is changed.
pub async fn fold_names(db: &PgPool) -> Result<(), Error> {
    let rows = sqlx::query!(
        "select id, name from webhooks where folded_name is null and deleted_at is null order by id"
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let folding = sqlx::query!(
            "update webhooks set folded_name = $2 where id = $1 and folded_name is null",
            row.id,
            fold_name(&row.name)
        );
        match folding.execute(db).await.map_err(Error::from) {
            Ok(_) => {}
            Err(error) if is_name_taken(&error) => {
                tracing::warn!(webhook.id = %row.id, name = row.name, "two webhooks have the same name; change one");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Records why Gatepost paused a webhook. Activating the webhook deletes the reason.
pub async fn set_pause_reason(
    db: &mut PgConnection,
    id: WebhookId,
    reason: &str,
) -> Result<(), Error> {
    sqlx::query!("update webhooks set paused_because = $2 where id = $1", id.uuid(), reason)
        .execute(db)
        .await?;
    Ok(())
}

/// Marks a webhook as deleted. Returns false if there is none with this id.
pub async fn delete(db: &mut PgConnection, id: WebhookId, now: Timestamp) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update webhooks set deleted_at = $2, active = false
         where id = $1 and deleted_at is null",
        id.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Returns a webhook, and locks its row until the transaction ends.
pub async fn find_for_update(db: &mut PgConnection, id: WebhookId) -> Result<Option<Draft>, Error> {
    let row = sqlx::query_scalar!(
        "select definition from webhooks where id = $1 and deleted_at is null for update",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    row.as_deref().map(from_text).transpose()
}

/// Returns a webhook.
pub async fn find(db: &PgPool, id: WebhookId) -> Result<Option<Draft>, Error> {
    let row = sqlx::query_scalar!(
        "select definition from webhooks where id = $1 and deleted_at is null",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    row.as_deref().map(from_text).transpose()
}

/// A webhook with the fields shown on its page.
#[derive(Debug)]
pub struct WebhookDetails {
    /// The webhook.
    pub draft: Draft,
    /// Why Gatepost paused it.
    pub paused_because: Option<String>,
    /// When it was deleted, if it was.
    pub deleted_at: Option<Timestamp>,
}

/// Returns a webhook, even if it was deleted.
pub async fn find_including_deleted(
    db: &PgPool,
    id: WebhookId,
) -> Result<Option<WebhookDetails>, Error> {
    let row = sqlx::query!(
        "select definition, paused_because, deleted_at from webhooks where id = $1",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (paused_because, deleted_at) = (row.paused_because, row.deleted_at);
    Ok(Some(WebhookDetails { draft: from_text(&row.definition)?, paused_because, deleted_at }))
}

/// Returns the id of the webhook with this name, ignoring case.
pub async fn find_id_by_name(
    db: &mut PgConnection,
    name: &str,
) -> Result<Option<WebhookId>, Error> {
    let id = sqlx::query_scalar!(
        "select id from webhooks where folded_name = $1 and deleted_at is null",
        fold_name(name)
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(WebhookId::from))
}

/// Returns the names that contain a text, ignoring case, by name.
pub async fn search_names(db: &PgPool, text: &str, limit: i64) -> Result<Vec<String>, Error> {
    let names = sqlx::query_scalar!(
        "select name from webhooks
         where deleted_at is null and position(lower($1) in lower(name)) > 0
         order by lower(name) limit $2",
        text,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(names)
}

/// Returns the name of a webhook, even if it was deleted.
pub async fn find_name(db: &PgPool, id: WebhookId) -> Result<Option<String>, Error> {
    let name = sqlx::query_scalar!("select name from webhooks where id = $1", id.uuid())
        .fetch_optional(db)
        .await?;
    Ok(name)
}

/// Returns all webhooks, by name.
pub async fn list(db: &PgPool) -> Result<Vec<(WebhookId, Draft)>, Error> {
    let rows = sqlx::query!(
        "select id, definition from webhooks where deleted_at is null order by lower(name)"
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((row.id.into(), from_text(&row.definition)?))).collect()
}

/// A webhook as the dispatcher needs it.
#[derive(Debug)]
pub struct StoredWebhook {
    /// The webhook's id.
    pub id: WebhookId,
    /// The webhook.
    pub draft: Draft,
    /// Whether Gatepost paused it.
    pub is_paused: bool,
}

/// Begins a transaction whose statements all see the same state of the database.
pub async fn begin_snapshot(db: &PgPool) -> Result<Transaction<'static, Postgres>, Error> {
    Ok(db.begin_with("begin isolation level repeatable read read only").await?)
}

/// Returns all webhooks with what the dispatcher needs.
pub async fn list_all(db: &mut PgConnection) -> Result<Vec<StoredWebhook>, Error> {
    let rows = sqlx::query!(
        r#"select id, definition, paused_because is not null as "is_paused!" from webhooks
           where deleted_at is null order by id"#
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let draft = from_text(&row.definition)?;
            Ok(StoredWebhook { id: row.id.into(), draft, is_paused: row.is_paused })
        })
        .collect()
}
