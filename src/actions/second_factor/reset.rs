//! Removes the second factor of a user who has lost it.

use crate::actions::{Actions, ChangeUserError, UserRef};
use crate::model::Actor;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::store::{self, second_factors, sessions, user_changes};

/// Why a second factor was not reset.
#[derive(Debug, thiserror::Error)]
pub enum ResetSecondFactorError {
    /// The user does not exist.
    #[error("there is no such user")]
    NotFound,
    /// The user has no second factor.
    #[error("the user has no second factor")]
    Off,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Removes the second factor of a user, and ends their sessions. Returns the email address.
    ///
    /// # Errors
    /// See [`ResetSecondFactorError`].
    pub async fn reset_second_factor(
        &self,
        user: UserRef<'_>,
        actor: &Actor,
    ) -> Result<String, ResetSecondFactorError> {
        let id = self.find_user(user).await.map_err(|error| match error {
            ChangeUserError::Store(error) => ResetSecondFactorError::Store(error),
            ChangeUserError::NotFound | ChangeUserError::LastAdministrator => {
                ResetSecondFactorError::NotFound
            }
        })?;
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let found = user_changes::find_for_update(&mut tx, id).await?;
        let user = found.ok_or(ResetSecondFactorError::NotFound)?.user;
        if !second_factors::delete(&mut tx, id).await? {
            return Err(ResetSecondFactorError::Off);
        }
        sessions::delete_of_user(&mut tx, id, None).await?;
        let object = AuditObject::user(id, &user.email);
        let entry = AuditEntry::new(AuditAction::SecondFactorReset, object);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(user.email)
    }
}
