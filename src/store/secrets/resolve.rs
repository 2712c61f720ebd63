//! Reads secrets with their values.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::row::{corrupt, parse_limits, parse_name, place};
use crate::model::WebhookId;
use crate::model::secret::{ResolvedSecret, SecretSet, SecretValue};
use crate::store::{Error, PgConnection};
use crate::vault::Vault;

fn open(vault: &Vault, id: Uuid, sealed: &[u8]) -> Result<SecretValue, Error> {
    let plain =
        vault.open(&place(id), sealed).map_err(|error| corrupt(&format!("{id}: {error}")))?;
    String::from_utf8(plain).map(SecretValue::from).map_err(|_bytes| corrupt(&"not UTF-8"))
}

/// Returns the secrets that a webhook may use, with their values.
pub async fn resolve(
    db: &mut PgConnection,
    vault: &Vault,
    webhook: Option<WebhookId>,
) -> Result<SecretSet, Error> {
    let rows = sqlx::query!(
        "select id, webhook_id, name, sealed, hosts, token_scopes, token_hosts from secrets
         where webhook_id is null or webhook_id = $1 order by webhook_id nulls first",
        webhook.map(WebhookId::uuid)
    )
    .fetch_all(db)
    .await?;
    let mut set = SecretSet::default();
    for row in rows {
        let secret = ResolvedSecret::new(
            parse_name(&row.name)?,
            open(vault, row.id, &row.sealed)?,
            parse_limits(&row.hosts, row.token_scopes, &row.token_hosts)?,
        );
        set.insert(Arc::new(ResolvedSecret { is_private: row.webhook_id.is_some(), ..secret }));
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
            if let Some(secret) = found {
                set.insert(Arc::clone(secret));
            }
        }
        set
    }
}

/// Returns all secrets with their values. One that cannot be decrypted is reported in the log and left out, so that the webhooks
/// that do not use it are not affected.
pub async fn resolve_all(db: &mut PgConnection, vault: &Vault) -> Result<AllSecrets, Error> {
    let rows = sqlx::query!(
        "select id, webhook_id, name, sealed, hosts, token_scopes, token_hosts from secrets"
    )
    .fetch_all(db)
    .await?;
    let mut all = AllSecrets::default();
    for row in rows {
        let value = match open(vault, row.id, &row.sealed) {
            Ok(value) => value,
            Err(error) => {
                tracing::error!(secret.id = %row.id, error = error.chain(), "could not decrypt a secret; enter its value again");
                continue;
            }
        };
        let limits = parse_limits(&row.hosts, row.token_scopes, &row.token_hosts)?;
        let secret = ResolvedSecret::new(parse_name(&row.name)?, value, limits);
        let set = match row.webhook_id {
            Some(webhook) => all.private.entry(webhook.into()).or_default(),
            None => &mut all.shared,
        };
        set.insert(Arc::new(secret));
    }
    Ok(all)
}
