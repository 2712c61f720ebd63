//! Ends sessions of a user.

use crate::actions::Actions;
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::store;
use crate::store::sessions::{self, SessionId};
use crate::store::users::User;

impl Actions {
    /// Ends one session of a user, or all. Returns whether there were any.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn end_sessions(
        &self,
        user: &User,
        session: Option<SessionId>,
        actor: &Actor,
    ) -> Result<bool, store::Error> {
        let mut tx = store::begin(&self.parts.db).await?;
        let count = match session {
            Some(session) => sessions::delete_own(&mut tx, user.id, session).await?,
            None => sessions::delete_of_user(&mut tx, user.id, None).await?,
        };
        if count > 0 {
            let object = AuditObject::user(user.id, &user.email);
            let entry = AuditEntry::new(AuditAction::SessionsEnded, object).with("count", count);
            self.record(&mut tx, actor, [entry]).await?;
        }
        // Also without a session: a sign-in may be in progress.
        tx.commit().await?;
        Ok(count > 0)
    }
}
