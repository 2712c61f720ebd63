//! Accounts of identity providers, and the users that they belong to.

use super::users::{User, UserStatus};
use super::{Error, PgConnection, PgPool};
use crate::model::{Timestamp, UserId};

/// A user who may be linked to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedUser {
    /// The user.
    pub user: User,
    /// Whether the user can sign in.
    pub status: UserStatus,
}

/// Lets sign-ins with new accounts wait for each other, until the transaction ends.
pub async fn lock(db: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('gatepost.user_identities'))")
        .execute(db)
        .await?;
    Ok(())
}

/// Returns the user of an account, locked until the transaction ends.
pub async fn find_user(
    db: &mut PgConnection,
    issuer: &str,
    subject: &str,
) -> Result<Option<LinkedUser>, Error> {
    let row = sqlx::query!(
        "select users.id, email, role, status from user_identities join users on users.id = user_id
         where issuer = $1 and subject = $2 for update of users",
        issuer,
        subject
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| LinkedUser {
        user: User { id: row.id.into(), email: row.email, role: row.role },
        status: UserStatus::from_stored(&row.status),
    }))
}

/// Returns the id of the user of an account.
pub async fn find_user_id(
    db: &PgPool,
    issuer: &str,
    subject: &str,
) -> Result<Option<UserId>, Error> {
    let id = sqlx::query_scalar!(
        "select user_id from user_identities where issuer = $1 and subject = $2",
        issuer,
        subject
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(UserId::from))
}

/// Returns the user with this email address, ignoring case, locked until the transaction ends, and whether the user has
/// an account of this provider already.
pub async fn find_by_email(
    db: &mut PgConnection,
    email: &str,
    issuer: &str,
) -> Result<Option<(LinkedUser, bool)>, Error> {
    let row = sqlx::query!(
        r#"select id, email, role, status,
               exists (select from user_identities where user_id = users.id and issuer = $2) as "is_linked!"
           from users where lower(email) = lower($1) for update"#,
        email,
        issuer
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let user = User { id: row.id.into(), email: row.email, role: row.role };
        (LinkedUser { user, status: UserStatus::from_stored(&row.status) }, row.is_linked)
    }))
}

/// Links an account to a user. One who was invited is active then.
pub async fn insert(
    db: &mut PgConnection,
    issuer: &str,
    subject: &str,
    user: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "with activated as (update users set status = 'active' where id = $3 and status = 'invited')
         insert into user_identities (issuer, subject, user_id, created_at, last_sign_in_at)
         values ($1, $2, $3, $4, $4)",
        issuer,
        subject,
        user.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns whether an active administrator has an account of this provider.
pub async fn has_administrator(db: &PgPool, issuer: &str) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"select exists (
               select from users join user_identities on user_id = users.id
               where role = 'admin' and status = 'active' and issuer = $1
           ) as "exists!""#,
        issuer
    )
    .fetch_one(db)
    .await?)
}

/// Records that a user has signed in with an account.
pub async fn record_sign_in(
    db: &mut PgConnection,
    issuer: &str,
    subject: &str,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "update user_identities set last_sign_in_at = $3 where issuer = $1 and subject = $2",
        issuer,
        subject,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
