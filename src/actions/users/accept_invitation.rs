//! Sets the password of an invited user, who has opened the one-time link.

use crate::actions::{Actions, SignedIn};
use crate::identity::hash_invitation;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, Origin};
use crate::store::users::{self, User, UserStatus};
use crate::store::{self, invitations};

/// Why a one-time link cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AcceptInvitationError {
    /// No user has this link. It may have been replaced.
    #[error("the link is invalid")]
    Unknown,
    /// The link has been used.
    #[error("the link has been used")]
    Used,
    /// The link has expired.
    #[error("the link has expired")]
    Expired,
    /// Users sign in only with single sign-on.
    #[error("users sign in only with single sign-on")]
    PasswordsOff,
    /// The password is too weak, or has leaked.
    #[error("{0}")]
    Password(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Returns the user of a one-time link that can be used.
    ///
    /// # Errors
    /// See [`AcceptInvitationError`].
    pub async fn find_invited_user(&self, token: &str) -> Result<User, AcceptInvitationError> {
        let found = invitations::find(&self.parts.db, &hash_invitation(token)).await?;
        let found = found.ok_or(AcceptInvitationError::Unknown)?;
        if !self.allows_passwords() {
            return Err(AcceptInvitationError::PasswordsOff);
        }
        match found.status {
            UserStatus::Invited if found.expires_at > self.parts.sources.now() => Ok(found.user),
            UserStatus::Invited => Err(AcceptInvitationError::Expired),
            UserStatus::Active => Err(AcceptInvitationError::Used),
            UserStatus::Disabled => Err(AcceptInvitationError::Unknown),
        }
    }

    /// Sets the password of an invited user, and signs them in.
    ///
    /// # Errors
    /// See [`AcceptInvitationError`].
    pub async fn accept_invitation(
        &self,
        token: &str,
        password: &str,
        origin: Origin,
    ) -> Result<SignedIn, AcceptInvitationError> {
        let user = self.find_invited_user(token).await?;
        let checked = self.passwords.check_new(password, &user.email).await;
        checked.map_err(AcceptInvitationError::Password)?;
        let hash = self.passwords.hash(password).await;
        let hash = hash.map_err(|error| AcceptInvitationError::Password(error.to_string()))?;
        let parts = &self.parts;
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let now = parts.sources.now();
        if !invitations::accept(&mut tx, &hash_invitation(token), &hash, now).await? {
            // Another request used the link in the meantime.
            return Err(AcceptInvitationError::Used);
        }
        let actor = Actor::person(user.email.clone(), origin);
        let object = AuditObject::user(user.id, &user.email);
        self.record(&mut tx, &actor, [AuditEntry::new(AuditAction::UserJoined, object)]).await?;
        let session_version = users::session_version(&mut tx, user.id).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(self.signed_in(user, session_version))
    }
}
