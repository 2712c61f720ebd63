//! Signs a user out.

use crate::actions::Actions;
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::store;
use crate::store::sessions::{self, SessionId};

impl Actions {
    /// Ends a session.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn sign_out(&self, session: SessionId, actor: &Actor) -> Result<(), store::Error> {
        let (_, email) = actor.parts();
        let object = AuditObject::new("user", "", email);
        let mut tx = store::begin(&self.parts.db).await?;
        sessions::delete(&mut *tx, session).await?;
        self.record(&mut tx, actor, [AuditEntry::new(AuditAction::SignedOut, object)]).await?;
        Ok(tx.commit().await?)
    }
}
