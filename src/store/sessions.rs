//! Sessions of signed-in users. Visitors who are not signed in have no rows.

use sha2::{Digest, Sha256};

use super::users::User;
use super::{Error, PgPool};
use crate::model::{Timestamp, UserId};

/// Identifies a session in the database: the SHA-256 of the cookie's value, so that reading the table is not enough to
/// use a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionKey(Vec<u8>);

impl SessionKey {
    /// Returns the key of a cookie's value.
    pub fn new(cookie: &str) -> Self {
        Self(Sha256::digest(cookie.as_bytes()).to_vec())
    }
}

/// A session and its user.
#[derive(Debug, Clone)]
pub struct Session {
    /// The signed-in user.
    pub user: User,
    /// When the session ends without further use.
    pub expires_at: Timestamp,
    /// Whether there are messages for the next page.
    pub has_messages: bool,
}

/// Inserts a session.
pub async fn insert(
    db: &PgPool,
    key: &SessionKey,
    user: UserId,
    expires_at: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into sessions (id, user_id, data, expires_at) values ($1, $2, '', $3)",
        key.0,
        user.uuid(),
        expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns a session that has not expired.
pub async fn find(db: &PgPool, key: &SessionKey, now: Timestamp) -> Result<Option<Session>, Error> {
    let row = sqlx::query!(
        r#"select users.id, email, role, expires_at, data <> '' as "has_messages!"
           from sessions join users on users.id = user_id
           where sessions.id = $1 and expires_at > $2"#,
        key.0,
        now
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Session {
        user: User { id: row.id.into(), email: row.email, role: row.role },
        expires_at: row.expires_at,
        has_messages: row.has_messages,
    }))
}

/// Moves the end of a session.
pub async fn extend(db: &PgPool, key: &SessionKey, expires_at: Timestamp) -> Result<(), Error> {
    sqlx::query!("update sessions set expires_at = $2 where id = $1", key.0, expires_at)
        .execute(db)
        .await?;
    Ok(())
}

/// Adds a message for the next page: a line of text. Does nothing if the session has ended.
pub async fn add_message(db: &PgPool, key: &SessionKey, line: &str) -> Result<(), Error> {
    sqlx::query!("update sessions set data = data || $2 || E'\\n' where id = $1", key.0, line)
        .execute(db)
        .await?;
    Ok(())
}

/// Removes the messages for the next page and returns their lines.
pub async fn take_messages(db: &PgPool, key: &SessionKey) -> Result<String, Error> {
    let taken = sqlx::query_scalar!(
        "with found as (select id, data from sessions where id = $1 for update)
         update sessions set data = '' from found where sessions.id = found.id
         returning found.data",
        key.0
    )
    .fetch_optional(db)
    .await?;
    Ok(taken.unwrap_or_default())
}

/// Deletes a session.
pub async fn delete(db: &PgPool, key: &SessionKey) -> Result<(), Error> {
    sqlx::query!("delete from sessions where id = $1", key.0).execute(db).await?;
    Ok(())
}

/// Deletes expired sessions.
pub async fn delete_expired(db: &PgPool, now: Timestamp) -> Result<(), Error> {
    sqlx::query!("delete from sessions where expires_at < $1", now).execute(db).await?;
    Ok(())
}
