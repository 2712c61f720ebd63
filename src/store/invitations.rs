//! Invitations of users by one-time links. An invitation is part of the user's row.

use super::users::{User, UserStatus};
use super::{Error, PgConnection, PgPool};
use crate::model::{Timestamp, UserId};

/// The user of a one-time link.
#[derive(Debug, Clone)]
pub struct InvitedUser {
    /// The user.
    pub user: User,
    /// Whether the link has been used.
    pub status: UserStatus,
    /// When the link ends.
    pub expires_at: Timestamp,
}

/// Inserts a user without a password.
///
/// # Errors
/// A conflict with `users_email_key` if the address is taken.
pub async fn insert(
    db: &mut PgConnection,
    user: &User,
    hash: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into users (id, email, password_hash, role, status, invitation_hash, invitation_expires_at, created_at)
         values ($1, $2, '', $3, 'invited', $4, $5, $6)",
        user.id.uuid(),
        user.email,
        user.role,
        hash,
        expires_at,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Replaces the link of a user.
pub async fn renew(
    db: &mut PgConnection,
    id: UserId,
    hash: &[u8],
    expires_at: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "update users set invitation_hash = $2, invitation_expires_at = $3 where id = $1",
        id.uuid(),
        hash,
        expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the user of a link, also if it has been used or has expired.
pub async fn find(db: &PgPool, hash: &[u8]) -> Result<Option<InvitedUser>, Error> {
    let row = sqlx::query!(
        r#"select id, email, role, status, invitation_expires_at as "expires_at!"
           from users where invitation_hash = $1"#,
        hash
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| InvitedUser {
        user: User { id: row.id.into(), email: row.email, role: row.role },
        status: UserStatus::from_stored(&row.status),
        expires_at: row.expires_at,
    }))
}

/// Sets the password of an invited user, who is active then. Returns whether the link had neither been used nor replaced
/// nor expired.
pub async fn accept(
    db: &mut PgConnection,
    hash: &[u8],
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update users set password_hash = $2, status = 'active', last_sign_in_at = $3
         where invitation_hash = $1 and status = 'invited' and invitation_expires_at > $3",
        hash,
        password_hash,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
