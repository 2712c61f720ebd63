//! Encrypts all stored values with the current master key.

use std::time::Duration;

use crate::actions::Actions;
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::store::{self, sealed_values};

/// How long to wait for values that are locked by other transactions.
const LOCKED_INTERVAL: Duration = Duration::from_millis(100);

impl Actions {
    /// Encrypts every stored value with the current master key, in batches that are a transaction each. Returns their
    /// number. Values are readable at any time, and a later call continues after an interruption.
    ///
    /// # Errors
    /// If a value cannot be decrypted, or the database failed.
    pub async fn reencrypt(&self, actor: &Actor) -> Result<u64, store::Error> {
        let (db, vault) = (&self.parts.db, &self.parts.vault);
        let mut tick = tokio::time::interval(LOCKED_INTERVAL);
        let mut total = 0;
        loop {
            let mut tx = store::begin(db).await?;
            let count = sealed_values::reencrypt_batch(&mut tx, vault).await?;
            let is_done = count == 0 && sealed_values::are_current(&mut tx, vault).await?;
            if count > 0 {
                let entry =
                    AuditEntry::new(AuditAction::SecretsReencrypted, AuditObject::default());
                self.record(&mut tx, actor, [entry.with("values", count)]).await?;
            }
            tx.commit().await?;
            total += count;
            if is_done {
                return Ok(total);
            }
            if count == 0 {
                tick.tick().await;
            }
        }
    }
}
