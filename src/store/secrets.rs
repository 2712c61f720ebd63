//! Secrets, whose values are encrypted.

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Error, PgConnection};
use crate::model::secret::{
    AllowedHost, ResolvedSecret, Secret, SecretLimits, SecretName, SecretSet, TokenLimits,
};
use crate::model::{Actor, SecretId, Timestamp, WebhookId};
use crate::vault::Vault;

/// The unique index on the names of shared secrets.
const SHARED_NAME_KEY: &str = "secrets_shared_name_key";

pub(super) fn place(id: Uuid) -> String {
    format!("secrets.sealed/{id}")
}

fn corrupt(detail: &dyn std::fmt::Display) -> Error {
    Error::Corrupt { table: "secrets", detail: detail.to_string() }
}

/// Returns whether a secret could not be stored because its name is taken.
pub fn is_name_taken(error: &Error) -> bool {
    error.is_conflict(SHARED_NAME_KEY)
}

/// The columns that describe a secret.
struct Row {
    id: Uuid,
    webhook_id: Option<Uuid>,
    name: String,
    hosts: Vec<String>,
    token_scopes: Option<String>,
    token_hosts: Vec<String>,
    description: String,
    updated_at: Timestamp,
    who_kind: String,
    who_name: String,
}

impl Row {
    fn into_secret(self) -> Result<Secret, Error> {
        Ok(Secret {
            id: self.id.into(),
            name: parse_name(&self.name)?,
            webhook: self.webhook_id.map(WebhookId::from),
            limits: parse_limits(&self.hosts, self.token_scopes, &self.token_hosts)?,
            description: self.description,
            updated_at: self.updated_at,
            updated_by: Actor::from_parts(&self.who_kind, self.who_name),
        })
    }
}

fn parse_name(name: &str) -> Result<SecretName, Error> {
    name.parse().map_err(|error| corrupt(&error))
}

fn parse_limits(
    hosts: &[String],
    token_scopes: Option<String>,
    token_hosts: &[String],
) -> Result<SecretLimits, Error> {
    let tokens = match token_scopes {
        Some(scopes) => Some(TokenLimits { scopes, hosts: parse_hosts(token_hosts)? }),
        None => None,
    };
    Ok(SecretLimits { hosts: parse_hosts(hosts)?, tokens })
}

fn parse_hosts(hosts: &[String]) -> Result<Vec<AllowedHost>, Error> {
    hosts.iter().map(|host| host.parse().map_err(|error| corrupt(&error))).collect()
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

fn open(vault: &Vault, id: Uuid, sealed: &[u8]) -> Result<SecretString, Error> {
    let plain =
        vault.open(&place(id), sealed).map_err(|error| corrupt(&format!("{id}: {error}")))?;
    String::from_utf8(plain).map(SecretString::from).map_err(|_bytes| corrupt(&"not UTF-8"))
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

/// Returns a secret.
pub async fn find(db: &mut PgConnection, id: SecretId) -> Result<Option<Secret>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, webhook_id, name, hosts, token_scopes, token_hosts, description, updated_at, who_kind, who_name
         from secrets where id = $1",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::into_secret).transpose()
}

/// Returns a secret, and locks its row until the transaction ends.
pub async fn find_for_update(db: &mut PgConnection, id: SecretId) -> Result<Option<Secret>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, webhook_id, name, hosts, token_scopes, token_hosts, description, updated_at, who_kind, who_name
         from secrets where id = $1 for update",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::into_secret).transpose()
}

/// Returns the shared secret of this name, and locks its row until the transaction ends.
pub async fn find_shared_for_update(
    db: &mut PgConnection,
    name: &SecretName,
) -> Result<Option<Secret>, Error> {
    let row = sqlx::query_as!(
        Row,
        "select id, webhook_id, name, hosts, token_scopes, token_hosts, description, updated_at, who_kind, who_name
         from secrets where webhook_id is null and name = $1 for update",
        name.as_str()
    )
    .fetch_optional(db)
    .await?;
    row.map(Row::into_secret).transpose()
}

/// A webhook that uses a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUser {
    /// The webhook's id.
    pub id: WebhookId,
    /// The webhook's name.
    pub name: String,
}

/// Returns the webhooks that use a secret, by name.
pub async fn list_users(db: &mut PgConnection, secret: &Secret) -> Result<Vec<SecretUser>, Error> {
    let rows = sqlx::query!(
        "select w.id, w.name from webhooks w
         where w.deleted_at is null and w.secret_names @> array[$1]
           and (w.id = $2 or ($2::uuid is null and not exists (
               select from secrets own where own.webhook_id = w.id and own.name = $1
           )))
         order by lower(w.name)",
        secret.name.as_str(),
        secret.webhook.map(WebhookId::uuid)
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| SecretUser { id: row.id.into(), name: row.name }).collect())
}

/// A secret with the number of webhooks that use it.
#[derive(Debug, Clone)]
pub struct ListedSecret {
    /// The secret.
    pub secret: Secret,
    /// The name of its webhook, if only one may use it.
    pub webhook_name: Option<String>,
    /// The number of webhooks that use it.
    pub uses: i64,
}

/// Returns secrets after a name, or all from the start, sorted by name. At most `limit`.
pub async fn list(
    db: &mut PgConnection,
    search: &str,
    after: Option<(&str, SecretId)>,
    limit: i64,
) -> Result<Vec<ListedSecret>, Error> {
    let (after_name, after_id) = after.unzip();
    let rows = sqlx::query!(
        r#"select s.id, s.webhook_id, s.name, hosts, token_scopes, token_hosts, description, s.updated_at, who_kind,
                  who_name, owner.name as "webhook_name?",
                  (select count(*) from webhooks w
                   where w.deleted_at is null and w.secret_names @> array[s.name]
                     and (w.id = s.webhook_id or (s.webhook_id is null and not exists (
                         select from secrets own where own.webhook_id = w.id and own.name = s.name
                     )))) as "uses!"
           from secrets s left join webhooks owner on owner.id = s.webhook_id
           where ($1 = '' or strpos(s.name, lower($1)) > 0 or strpos(lower(coalesce(owner.name, '')), lower($1)) > 0
                  or strpos(lower(description), lower($1)) > 0)
             and ($2::text is null or (s.name, s.id) > ($2, $3))
           order by s.name, s.id limit $4"#,
        search,
        after_name,
        after_id.map(SecretId::uuid),
        limit
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let (webhook_name, uses) = (row.webhook_name, row.uses);
            let secret = Row {
                id: row.id,
                webhook_id: row.webhook_id,
                name: row.name,
                hosts: row.hosts,
                token_scopes: row.token_scopes,
                token_hosts: row.token_hosts,
                description: row.description,
                updated_at: row.updated_at,
                who_kind: row.who_kind,
                who_name: row.who_name,
            }
            .into_secret()?;
            Ok(ListedSecret { secret, webhook_name, uses })
        })
        .collect()
}

/// Returns the secrets that a webhook may use, without values and sorted by name. Its own hide shared ones of the same name.
pub async fn list_usable(
    db: &mut PgConnection,
    webhook: Option<WebhookId>,
) -> Result<Vec<Secret>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "select id, webhook_id, name, hosts, token_scopes, token_hosts, description, updated_at, who_kind, who_name
         from secrets s
         where webhook_id = $1 or (webhook_id is null and not exists (
             select from secrets own where own.webhook_id = $1 and own.name = s.name
         ))
         order by name",
        webhook.map(WebhookId::uuid)
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(Row::into_secret).collect()
}

/// Returns the secrets that a webhook may use, with their values.
pub async fn resolve(
    db: &mut PgConnection,
    vault: &Vault,
    webhook: Option<WebhookId>,
) -> Result<SecretSet, Error> {
    let rows = sqlx::query!(
        "select id, name, sealed, hosts, token_scopes, token_hosts from secrets
         where webhook_id is null or webhook_id = $1 order by webhook_id nulls first",
        webhook.map(WebhookId::uuid)
    )
    .fetch_all(db)
    .await?;
    let mut set = SecretSet::default();
    for row in rows {
        set.insert(Arc::new(ResolvedSecret {
            name: parse_name(&row.name)?,
            value: open(vault, row.id, &row.sealed)?,
            limits: parse_limits(&row.hosts, row.token_scopes, &row.token_hosts)?,
        }));
    }
    Ok(set)
}

/// All secrets with their values, by webhook.
#[derive(Debug, Default)]
pub struct AllSecrets {
    shared: SecretSet,
    private: HashMap<WebhookId, SecretSet>,
}

impl AllSecrets {
    /// Returns those of the named secrets that a webhook may use.
    pub fn of_webhook(&self, webhook: WebhookId, names: &[String]) -> SecretSet {
        let own = self.private.get(&webhook);
        let mut set = SecretSet::default();
        for name in names {
            let found = own.and_then(|own| own.find(name)).or_else(|| self.shared.find(name));
            found.into_iter().for_each(|secret| set.insert(Arc::clone(secret)));
        }
        set
    }
}

/// Returns all secrets with their values.
pub async fn resolve_all(db: &mut PgConnection, vault: &Vault) -> Result<AllSecrets, Error> {
    let rows = sqlx::query!(
        "select id, webhook_id, name, sealed, hosts, token_scopes, token_hosts from secrets"
    )
    .fetch_all(db)
    .await?;
    let mut all = AllSecrets::default();
    for row in rows {
        let secret = ResolvedSecret {
            name: parse_name(&row.name)?,
            value: open(vault, row.id, &row.sealed)?,
            limits: parse_limits(&row.hosts, row.token_scopes, &row.token_hosts)?,
        };
        let set = match row.webhook_id {
            Some(webhook) => all.private.entry(webhook.into()).or_default(),
            None => &mut all.shared,
        };
        set.insert(Arc::new(secret));
    }
    Ok(all)
}
