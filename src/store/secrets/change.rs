//! Inserts, changes and deletes secrets.

use secrecy::{ExposeSecret, SecretString};

use super::row::{Row, corrupt, place};
use crate::model::secret::{AllowedHost, NewSecret, Secret, SecretLimits, SecretName};
use crate::model::{Actor, SecretId, Timestamp, WebhookId};
use crate::store::{Error, PgConnection};
use crate::vault::Vault;

/// The unique index on the names of shared secrets.
const SHARED_NAME_KEY: &str = "secrets_shared_name_key";

/// Returns whether a secret could not be stored because its name is taken.
pub fn is_name_taken(error: &Error) -> bool {
    error.is_conflict(SHARED_NAME_KEY)
}

fn host_texts(hosts: &[AllowedHost]) -> Vec<String> {
    hosts.iter().map(AllowedHost::to_string).collect()
}

fn token_columns(limits: &SecretLimits) -> (Option<&str>, Vec<String>) {
    let tokens = limits.tokens.as_ref();
    let hosts = tokens.map(|tokens| host_texts(&tokens.hosts)).unwrap_or_default();
    (tokens.map(|tokens| tokens.scopes.as_str()), hosts)
}

fn seal(vault: &Vault, id: SecretId, value: &SecretString) -> Result<Vec<u8>, Error> {
    let plain = value.expose_secret().as_bytes();
    vault.seal(&place(id.uuid()), plain).map_err(|error| corrupt(&error))
}

/// Inserts a secret.
///
/// # Errors
/// A conflict if the name is taken, see [`is_name_taken`].
pub async fn insert(
    db: &mut PgConnection,
    vault: &Vault,
    secret: &Secret,
    value: &SecretString,
) -> Result<(), Error> {
    let (token_scopes, token_hosts) = token_columns(&secret.limits);
    let (kind, name) = secret.updated_by.parts();
    sqlx::query!(
        "insert into secrets (id, webhook_id, name, sealed, hosts, token_scopes, token_hosts, description,
                              created_at, updated_at, who_kind, who_name)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)",
        secret.id.uuid(),
        secret.webhook.map(WebhookId::uuid),
        secret.name.as_str(),
        seal(vault, secret.id, value)?,
        &host_texts(&secret.limits.hosts),
        token_scopes,
        &token_hosts,
        secret.description,
        secret.updated_at,
        kind,
        name
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces the limits and the description of a secret, and its value if there is a new one. The name and the webhook stay.
/// Returns false if there is no such secret.
pub async fn update(
    db: &mut PgConnection,
    vault: &Vault,
    secret: &Secret,
    value: Option<&SecretString>,
) -> Result<bool, Error> {
    let (token_scopes, token_hosts) = token_columns(&secret.limits);
    let (kind, name) = secret.updated_by.parts();
    let sealed = value.map(|value| seal(vault, secret.id, value)).transpose()?;
    let done = sqlx::query!(
        "update secrets
         set sealed = coalesce($2, sealed), hosts = $3, token_scopes = $4, token_hosts = $5, description = $6,
             updated_at = $7, who_kind = $8, who_name = $9
         where id = $1",
        secret.id.uuid(),
        sealed,
        &host_texts(&secret.limits.hosts),
        token_scopes,
        &token_hosts,
        secret.description,
        secret.updated_at,
        kind,
        name
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Inserts a secret of a webhook, or a shared one without an owner. A secret of the webhook with the same name is replaced if
/// its value or limits differ. `id` is for a new one. Returns the id of the secret, and whether it is new.
///
/// # Errors
/// A conflict if there is a shared secret of this name, see [`is_name_taken`].
pub async fn save(
    db: &mut PgConnection,
    vault: &Vault,
    (id, owner): (SecretId, Option<WebhookId>),
    new: &NewSecret,
    (actor, now): (&Actor, Timestamp),
) -> Result<(SecretId, bool), Error> {
    let known = match owner {
        Some(owner) => find_private_for_update(db, owner, &new.name).await?,
        None => None,
    };
    let secret = Secret {
        id: known.as_ref().map_or(id, |known| known.id),
        name: new.name.clone(),
        webhook: owner,
        limits: new.limits.clone(),
        description: known.as_ref().map(|known| known.description.clone()).unwrap_or_default(),
        updated_at: now,
        updated_by: actor.clone(),
    };
    let value = SecretString::from(new.value.expose());
    if known.is_some() {
        update(db, vault, &secret, Some(&value)).await?;
    } else {
        insert(db, vault, &secret, &value).await?;
    }
    Ok((secret.id, known.is_none()))
}

/// Locks the named secrets of a webhook and the shared ones, so that none is deleted before the transaction ends. Returns
/// whether all exist.
pub async fn lock(
    db: &mut PgConnection,
    webhook: WebhookId,
    names: &[String],
) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        "select name from secrets where (webhook_id = $1 or webhook_id is null) and name = any($2) for key share",
        webhook.uuid(),
        names
    )
    .fetch_all(db)
    .await?;
    Ok(names.iter().all(|name| found.contains(name)))
}

/// Returns a webhook's own secret of this name, and locks its row until the transaction ends.
async fn find_private_for_update(
    db: &mut PgConnection,
    webhook: WebhookId,
    name: &SecretName,
) -> Result<Option<Secret>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, webhook_id, name, hosts, token_scopes, token_hosts, description, updated_at, who_kind, who_name
         from secrets where webhook_id = $1 and name = $2 for update",
        webhook.uuid(),
        name.as_str()
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::into_secret).transpose()
}

/// Deletes a secret. Returns false if there is none with this id.
pub async fn delete(db: &mut PgConnection, id: SecretId) -> Result<bool, Error> {
    let done = sqlx::query!("delete from secrets where id = $1", id.uuid()).execute(db).await?;
    Ok(done.rows_affected() > 0)
}

/// Deletes the secrets of a webhook other than these. Returns their names.
pub async fn delete_unused(
    db: &mut PgConnection,
    webhook: WebhookId,
    used: &[String],
) -> Result<Vec<String>, Error> {
    let names = sqlx::query_scalar!(
        "delete from secrets where webhook_id = $1 and name <> all($2) returning name",
        webhook.uuid(),
        used
    )
    .fetch_all(db)
    .await?;
    Ok(names)
}
