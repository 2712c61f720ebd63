//! Changes a user's own password.

use super::SetPasswordError;
use crate::actions::Actions;
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::store::sessions::{self, SessionId};
use crate::store::users::User;
use crate::store::{self, user_changes};

impl Actions {
    /// Sets the password of a user, whose current one has been checked, and ends all sessions but one.
    ///
    /// # Errors
    /// See [`SetPasswordError`].
    pub async fn change_password(
        &self,
        user: &User,
        password: &str,
        session: SessionId,
        actor: &Actor,
    ) -> Result<(), SetPasswordError> {
        let hash = self.hash_new_password(password, &user.email).await?;
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        user_changes::update_password(&mut tx, user.id, &hash).await?;
        sessions::delete_of_user(&mut tx, user.id, Some(session)).await?;
        let object = AuditObject::user(user.id, &user.email);
        self.record(&mut tx, actor, [AuditEntry::new(AuditAction::PasswordChanged, object)])
            .await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(())
    }
}
