//! Reads secrets without their values.

use super::row::Row;
use crate::model::secret::{Secret, SecretName};
use crate::model::{SecretId, WebhookId};
use crate::store::{Error, PgConnection};

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
