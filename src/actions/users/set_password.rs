//! Creates users and resets passwords, for commands on the server.

use super::{ChangeUserError, INVALID_EMAIL, UserRef};
use crate::actions::{Actions, email};
use crate::identity::Role;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, UserId};
use crate::store::second_factors::{self, SecondFactorState};
use crate::store::user_changes::{self, UserDetails};
use crate::store::users::{self, User};
use crate::store::{self, sessions};

/// Why a user was not created, or a password was not set.
#[derive(Debug, thiserror::Error)]
pub enum SetPasswordError {
    /// The email address is invalid.
    #[error("{INVALID_EMAIL}")]
    InvalidEmail,
    /// There is a user with this address.
    #[error("there is already a user with this email address")]
    EmailTaken,
    /// The user does not exist.
    #[error("there is no such user")]
    NotFound,
    /// The password is too weak, or has leaked.
    #[error("{0}")]
    Password(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Returns all users with their second factors, sorted by email address.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn list_users(&self) -> Result<Vec<(UserDetails, SecondFactorState)>, store::Error> {
        let db = &self.parts.db;
        let users = user_changes::list(db, "", None, i64::MAX).await?;
        let ids: Vec<_> = users.iter().map(|details| details.user.id).collect();
        let states = second_factors::list_states(db, &ids, self.parts.policy.second_factor).await?;
        let with_state = |details: UserDetails| {
            let state = states.get(&details.user.id).copied().unwrap_or_default();
            (details, state)
        };
        Ok(users.into_iter().map(with_state).collect())
    }

    /// Creates an active user.
    ///
    /// # Errors
    /// See [`SetPasswordError`].
    pub async fn create_user(
        &self,
        email: &str,
        role: Role,
        password: &str,
        actor: &Actor,
    ) -> Result<(), SetPasswordError> {
        let email = email.trim();
        if !email::is_plausible(email) {
            return Err(SetPasswordError::InvalidEmail);
        }
        let hash = self.hash_new_password(password, email).await?;
        let parts = &self.parts;
        let user = User {
            id: UserId::new(&parts.sources),
            email: email.to_owned(),
            role: role.as_str().to_owned(),
        };
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let inserted = users::insert(&mut tx, &user, &hash, parts.sources.now()).await;
        inserted.map_err(|error| match error {
            error if error.is_conflict("users_email_key") => SetPasswordError::EmailTaken,
            error => error.into(),
        })?;
        let object = AuditObject::user(user.id, &user.email);
        let entry = AuditEntry::new(AuditAction::UserCreated, object).with("role", role.as_str());
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(())
    }

    /// Sets the password of a user and ends their sessions.
    ///
    /// # Errors
    /// See [`SetPasswordError`].
    pub async fn reset_password(
        &self,
        email: &str,
        password: &str,
        actor: &Actor,
    ) -> Result<(), SetPasswordError> {
        let id = self.find_user(UserRef::Email(email)).await.map_err(|error| match error {
            ChangeUserError::Store(error) => SetPasswordError::Store(error),
            ChangeUserError::NotFound | ChangeUserError::LastAdministrator => {
                SetPasswordError::NotFound
            }
        })?;
        let hash = self.hash_new_password(password, email).await?;
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        user_changes::update_password(&mut tx, id, &hash).await?;
        sessions::delete_of_user(&mut tx, id, None).await?;
        let object = AuditObject::user(id, email.trim());
        self.record(&mut tx, actor, [AuditEntry::new(AuditAction::PasswordReset, object)]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(())
    }

    /// Checks and hashes a new password of a user.
    pub(super) async fn hash_new_password(
        &self,
        password: &str,
        email: &str,
    ) -> Result<String, SetPasswordError> {
        let checked = self.passwords.check_new(password, email).await;
        checked.map_err(SetPasswordError::Password)?;
        let hash = self.passwords.hash(password).await;
        hash.map_err(|error| SetPasswordError::Password(error.to_string()))
    }
}
