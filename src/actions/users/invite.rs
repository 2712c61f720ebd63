//! Invites users by one-time links.

use chrono::TimeDelta;

use super::INVALID_EMAIL;
use crate::actions::{Actions, email};
use crate::identity::{InvitationToken, Role, hash_invitation};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, Timestamp, UserId};
use crate::store::users::{User, UserStatus};
use crate::store::{self, invitations, user_changes};

/// How long a one-time link is valid.
const INVITATION_VALIDITY: TimeDelta = TimeDelta::hours(72);

/// A new one-time link.
#[derive(Debug)]
pub struct Invitation {
    /// The invited user.
    pub user: User,
    /// The token of the link. It is not stored, so the caller must show it.
    pub token: InvitationToken,
    /// When the link ends.
    pub expires_at: Timestamp,
}

/// Why no link was created.
#[derive(Debug, thiserror::Error)]
pub enum InviteUserError {
    /// The email address is invalid.
    #[error("{INVALID_EMAIL}")]
    InvalidEmail,
    /// There is a user with this address.
    #[error("there is already a user with this email address")]
    EmailTaken,
    /// The user does not exist.
    #[error("there is no such user")]
    NotFound,
    /// The user has a password, or is disabled.
    #[error("only a user who has not accepted an invitation can get a new link")]
    NotInvited,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Adds a user, who sets a password with the one-time link.
    ///
    /// # Errors
    /// See [`InviteUserError`].
    pub async fn invite_user(
        &self,
        email: &str,
        role: Role,
        actor: &Actor,
    ) -> Result<Invitation, InviteUserError> {
        let email = email.trim();
        if !email::is_plausible(email) {
            return Err(InviteUserError::InvalidEmail);
        }
        let parts = &self.parts;
        let user = User {
            id: UserId::new(&parts.sources),
            email: email.to_owned(),
            role: role.as_str().to_owned(),
        };
        let invitation = self.new_invitation(user);
        let Invitation { user, token, expires_at } = &invitation;
        let hash = hash_invitation(token.reveal());
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let inserted =
            invitations::insert(&mut tx, user, &hash, *expires_at, parts.sources.now()).await;
        inserted.map_err(|error| match error {
            error if error.is_conflict("users_email_key") => InviteUserError::EmailTaken,
            error => error.into(),
        })?;
        self.record(&mut tx, actor, [invited(user).with("role", role.as_str())]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(invitation)
    }

    /// Replaces the one-time link of an invited user.
    ///
    /// # Errors
    /// See [`InviteUserError`].
    pub async fn renew_invitation(
        &self,
        id: UserId,
        actor: &Actor,
    ) -> Result<Invitation, InviteUserError> {
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let found = user_changes::find_for_update(&mut tx, id).await?;
        let found = found.ok_or(InviteUserError::NotFound)?;
        if found.status != UserStatus::Invited {
            return Err(InviteUserError::NotInvited);
        }
        let invitation = self.new_invitation(found.user);
        let hash = hash_invitation(invitation.token.reveal());
        invitations::renew(&mut tx, id, &hash, invitation.expires_at).await?;
        let entry = invited(&invitation.user).with("replaces", true);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(invitation)
    }

    fn new_invitation(&self, user: User) -> Invitation {
        let sources = &self.parts.sources;
        let expires_at = sources.now() + INVITATION_VALIDITY;
        Invitation { user, token: InvitationToken::new(sources), expires_at }
    }
}

fn invited(user: &User) -> AuditEntry {
    AuditEntry::new(AuditAction::UserInvited, AuditObject::user(user.id, &user.email))
}
