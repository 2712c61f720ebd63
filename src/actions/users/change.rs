//! Changes the role of a user, ends sessions, and disables, enables and deletes users.

use crate::actions::Actions;
use crate::identity::Role;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, UserId};
use crate::store::user_changes::{self, UserDetails};
use crate::store::{self, sessions};

/// A change of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserChange {
    /// Gives the user another role.
    Role(Role),
    /// Ends the user's sessions.
    EndSessions,
    /// Ends the user's sessions and prevents signing in.
    Disable,
    /// Reverts a disabling.
    Enable,
    /// Deletes the user.
    Delete,
}

/// A user to change.
#[derive(Debug, Clone, Copy)]
pub enum UserRef<'a> {
    /// By id.
    Id(UserId),
    /// By email address, ignoring case.
    Email(&'a str),
}

/// Why a user was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeUserError {
    /// The user does not exist.
    #[error("there is no such user")]
    NotFound,
    /// No active administrator would be left.
    #[error(
        "this is the last active administrator. Make another user an administrator before you change this one"
    )]
    LastAdministrator,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl UserChange {
    fn action(self) -> AuditAction {
        match self {
            Self::Role(_) => AuditAction::UserRoleChanged,
            Self::EndSessions => AuditAction::SessionsEnded,
            Self::Disable => AuditAction::UserDisabled,
            Self::Enable => AuditAction::UserEnabled,
            Self::Delete => AuditAction::UserDeleted,
        }
    }

    /// Whether the user is no active administrator afterwards.
    fn removes_administrator(self) -> bool {
        match self {
            Self::Role(role) => role != Role::Administrator,
            Self::Disable | Self::Delete => true,
            Self::EndSessions | Self::Enable => false,
        }
    }
}

impl Actions {
    /// Changes a user. Returns the user as they were.
    ///
    /// # Errors
    /// See [`ChangeUserError`].
    pub async fn change_user(
        &self,
        user: UserRef<'_>,
        change: UserChange,
        actor: &Actor,
    ) -> Result<UserDetails, ChangeUserError> {
        let id = self.find_user(user).await?;
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        // Changes at the same time wait here, so that each sees the administrators that the one before has left.
        let administrators = user_changes::lock_administrators(&mut tx).await?;
        let found = user_changes::find_for_update(&mut tx, id).await?;
        let before = found.ok_or(ChangeUserError::NotFound)?;
        if administrators == [id] && change.removes_administrator() {
            return Err(ChangeUserError::LastAdministrator);
        }
        let mut entry = AuditEntry::new(change.action(), AuditObject::user(id, &before.user.email));
        match change {
            UserChange::Role(role) => {
                entry = entry.with("role", role.as_str()).with("before", before.user.role.clone());
                user_changes::update_role(&mut tx, id, role.as_str()).await?;
            }
            UserChange::EndSessions => {
                let count = sessions::delete_of_user(&mut tx, id, None).await?;
                entry = entry.with("count", count);
            }
            UserChange::Disable => {
                user_changes::disable(&mut tx, id).await?;
                sessions::delete_of_user(&mut tx, id, None).await?;
            }
            UserChange::Enable => user_changes::enable(&mut tx, id).await?,
            UserChange::Delete => user_changes::delete(&mut tx, id).await?,
        }
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(before)
    }

    pub(in crate::actions) async fn find_user(
        &self,
        user: UserRef<'_>,
    ) -> Result<UserId, ChangeUserError> {
        match user {
            UserRef::Id(id) => Ok(id),
            UserRef::Email(email) => {
                let found = user_changes::find_by_email(&self.parts.db, email.trim()).await?;
                Ok(found.ok_or(ChangeUserError::NotFound)?.user.id)
            }
        }
    }
}
