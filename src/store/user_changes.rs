//! The list of users, and changes that administrators make.

use super::users::{User, UserStatus};
use super::{Error, PgConnection, PgPool};
use crate::model::{Timestamp, UserId};

/// A user as administrators see them.
#[derive(Debug, Clone)]
pub struct UserDetails {
    /// The user.
    pub user: User,
    /// Whether the user can sign in.
    pub status: UserStatus,
    /// The last time the user signed in.
    pub last_sign_in_at: Option<Timestamp>,
    /// When the last one-time link ends.
    pub invitation_expires_at: Option<Timestamp>,
    /// Whether the user has a password.
    pub has_password: bool,
    /// Whether the user has an account of an identity provider.
    pub is_linked: bool,
}

impl UserDetails {
    /// How the user signs in; empty before the first time.
    pub fn sign_in_method(&self) -> &'static str {
        match (self.has_password, self.is_linked) {
            (true, true) => "Password, single sign-on",
            (true, false) => "Password",
            (false, true) => "Single sign-on",
            (false, false) => "",
        }
    }
}

struct Row {
    id: uuid::Uuid,
    email: String,
    role: String,
    status: String,
    last_sign_in_at: Option<Timestamp>,
    invitation_expires_at: Option<Timestamp>,
    has_password: bool,
    is_linked: bool,
}

impl From<Row> for UserDetails {
    fn from(row: Row) -> Self {
        Self {
            user: User { id: row.id.into(), email: row.email, role: row.role },
            status: UserStatus::from_stored(&row.status),
            last_sign_in_at: row.last_sign_in_at,
            invitation_expires_at: row.invitation_expires_at,
            has_password: row.has_password,
            is_linked: row.is_linked,
        }
    }
}

/// Returns users after an email address in lower case, or all from the start, sorted by address. At most `limit`.
pub async fn list(
    db: &PgPool,
    search: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<UserDetails>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, email, role, status, last_sign_in_at, invitation_expires_at,
               password_hash <> '' as "has_password!",
               exists (select from user_identities where user_id = users.id) as "is_linked!"
           from users
         where ($1 = '' or strpos(lower(email), lower($1)) > 0) and ($2::text is null or lower(email) > $2)
         order by lower(email) limit $3"#,
        search,
        after,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(UserDetails::from).collect())
}

/// Returns a user.
pub async fn find(db: &PgPool, id: UserId) -> Result<Option<UserDetails>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, email, role, status, last_sign_in_at, invitation_expires_at,
               password_hash <> '' as "has_password!",
               exists (select from user_identities where user_id = users.id) as "is_linked!"
           from users where id = $1"#,
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(UserDetails::from))
}

/// Returns the user with this email address, ignoring case.
pub async fn find_by_email(db: &PgPool, email: &str) -> Result<Option<UserDetails>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, email, role, status, last_sign_in_at, invitation_expires_at,
               password_hash <> '' as "has_password!",
               exists (select from user_identities where user_id = users.id) as "is_linked!"
           from users
         where lower(email) = lower($1)"#,
        email
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(UserDetails::from))
}

/// Locks the active administrators until the transaction ends, and returns them. Changes of users wait for each other here.
pub async fn lock_administrators(db: &mut PgConnection) -> Result<Vec<UserId>, Error> {
    let ids = sqlx::query_scalar!(
        "select id from users where role = 'admin' and status = 'active' order by id for update"
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(UserId::from).collect())
}

/// Returns a user, locked until the transaction ends.
pub async fn find_for_update(
    db: &mut PgConnection,
    id: UserId,
) -> Result<Option<UserDetails>, Error> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, email, role, status, last_sign_in_at, invitation_expires_at,
               password_hash <> '' as "has_password!",
               exists (select from user_identities where user_id = users.id) as "is_linked!"
           from users
         where id = $1 for update"#,
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(UserDetails::from))
}

/// Changes the role of a user.
pub async fn update_role(db: &mut PgConnection, id: UserId, role: &str) -> Result<(), Error> {
    sqlx::query!("update users set role = $2 where id = $1", id.uuid(), role).execute(db).await?;
    Ok(())
}

/// Disables a user.
pub async fn disable(db: &mut PgConnection, id: UserId) -> Result<(), Error> {
    sqlx::query!("update users set status = 'disabled' where id = $1", id.uuid())
        .execute(db)
        .await?;
    Ok(())
}

/// Enables a disabled user. One who has neither a password nor an account of an identity provider is invited again.
pub async fn enable(db: &mut PgConnection, id: UserId) -> Result<(), Error> {
    sqlx::query!(
        "update users set status = case
             when password_hash = '' and not exists (select from user_identities where user_id = users.id) then 'invited'
             else 'active' end
         where id = $1 and status = 'disabled'",
        id.uuid()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a user with their sessions.
pub async fn delete(db: &mut PgConnection, id: UserId) -> Result<(), Error> {
    sqlx::query!("delete from users where id = $1", id.uuid()).execute(db).await?;
    Ok(())
}

/// Sets the password of a user. One who was invited is active then.
pub async fn update_password(db: &mut PgConnection, id: UserId, hash: &str) -> Result<(), Error> {
    sqlx::query!(
        "update users set password_hash = $2, status = case when status = 'invited' then 'active' else status end
         where id = $1",
        id.uuid(),
        hash
    )
    .execute(db)
    .await?;
    Ok(())
}
