//! Sessions of signed-in users. Visitors who are not signed in have no rows.

use sha2::{Digest, Sha256};
use sqlx::PgExecutor;

use super::users::{Preferences, User};
use super::{Error, PgConnection, PgPool};
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

    /// Parses the key in an address.
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text).ok().map(Self)
    }

    /// Returns the key for an address.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }
}

/// A session and its user.
#[derive(Debug, Clone)]
pub struct Session {
    /// The signed-in user.
    pub user: User,
    /// How pages are shown to the user.
    pub preferences: Preferences,
    /// When it started.
    pub created_at: Timestamp,
    /// When a use was last recorded.
    pub last_used_at: Timestamp,
    /// The credentials of the user.
    pub credentials: SessionCredentials,
    /// Whether there are messages for the next page.
    pub has_messages: bool,
    /// Whether the role of the user requires a second factor, and the user has none.
    pub must_set_up_second_factor: bool,
}

/// The credentials with which the user of a session has signed in, and confirms changes.
#[derive(Debug, Clone, Copy)]
pub struct SessionCredentials {
    /// Whether the user has a password.
    pub has_password: bool,
    /// Whether the session was started with single sign-on.
    pub is_from_provider: bool,
    /// When the user last entered the password, or credentials at the identity provider.
    pub entered_at: Timestamp,
}

/// A session that starts.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// The user.
    pub user: UserId,
    /// When it starts.
    pub now: Timestamp,
    /// When it ends without further use.
    pub expires_at: Timestamp,
    /// Short name of the browser.
    pub device: &'a str,
    /// Address of the client.
    pub address: &'a str,
    /// When the user entered the password, or credentials at the identity provider.
    pub password_entered_at: Timestamp,
    /// The encrypted ID token, if the session is started with single sign-on.
    pub id_token: Option<&'a [u8]>,
    /// The version that the user's sessions had when the credentials were checked.
    pub version: i64,
}

/// Inserts a session. Returns false if the sessions of the user were ended after the credentials were checked.
pub async fn insert(
    db: &PgPool,
    key: &SessionKey,
    session: &NewSession<'_>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "insert into sessions
             (id, user_id, data, expires_at, created_at, last_used_at, password_entered_at, device, address,
              id_token)
         -- Waits for a transaction that ends the sessions of the user, and compares the version again after it.
         select $1::bytea, id, '', $3::timestamptz, $4::timestamptz, $4, $7::timestamptz, $5::text, $6::text, $8::bytea
         from users where id = $2 and session_version = $9 for share",
        key.0,
        session.user.uuid(),
        session.expires_at,
        session.now,
        session.device,
        session.address,
        session.password_entered_at,
        session.id_token,
        session.version
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns a session that has not expired, of an active user. Without `passwords`, only one that was started with single
/// sign-on.
pub async fn find(
    db: &PgPool,
    key: &SessionKey,
    passwords: bool,
    now: Timestamp,
) -> Result<Option<Session>, Error> {
    let row = sqlx::query!(
        r#"select users.id, email, role, theme, time_zone, sessions.created_at, last_used_at,
               password_entered_at, data <> '' as "has_messages!", password_hash <> '' as "has_password!", id_token is not null as "is_from_provider!",
               -- The provider asks for further factors itself.
               is_required and not is_on and id_token is null as "must_set_up_second_factor!"
           from sessions join users on users.id = sessions.user_id
               join second_factor_states on second_factor_states.user_id = users.id
           where sessions.id = $1 and expires_at > $2 and status = 'active' and ($3 or id_token is not null)"#,
        key.0,
        now,
        passwords
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Session {
        user: User { id: row.id.into(), email: row.email, role: row.role },
        preferences: Preferences { theme: row.theme, time_zone: row.time_zone },
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        credentials: SessionCredentials {
            has_password: row.has_password,
            is_from_provider: row.is_from_provider,
            entered_at: row.password_entered_at,
        },
        has_messages: row.has_messages,
        must_set_up_second_factor: row.must_set_up_second_factor,
    }))
}

/// Returns the encrypted ID token of a session that was started with single sign-on.
pub async fn find_id_token(db: &PgPool, key: &SessionKey) -> Result<Option<Vec<u8>>, Error> {
    let found = sqlx::query_scalar!("select id_token from sessions where id = $1", key.0)
        .fetch_optional(db)
        .await?;
    Ok(found.flatten())
}

/// Records a use of a session, and moves its end.
pub async fn record_use(
    db: &PgPool,
    key: &SessionKey,
    now: Timestamp,
    expires_at: Timestamp,
    address: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "update sessions set last_used_at = $2, expires_at = $3, address = $4 where id = $1",
        key.0,
        now,
        expires_at,
        address
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that the user of a session has entered the password.
pub async fn record_password(db: &PgPool, key: &SessionKey, now: Timestamp) -> Result<(), Error> {
    sqlx::query!("update sessions set password_entered_at = $2 where id = $1", key.0, now)
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
pub async fn delete(db: impl PgExecutor<'_>, key: &SessionKey) -> Result<(), Error> {
    sqlx::query!("delete from sessions where id = $1", key.0).execute(db).await?;
    Ok(())
}

/// Deletes the sessions of a user, except for one, and gives them a new version, so that a sign-in whose credentials were
/// checked before starts none. Returns the number of deleted sessions.
pub async fn delete_of_user(
    db: &mut PgConnection,
    user: UserId,
    except: Option<&SessionKey>,
) -> Result<u64, Error> {
    let except = except.map_or(&[][..], |key| &key.0);
    sqlx::query!(
        "update users set session_version = session_version + 1 where id = $1",
        user.uuid()
    )
    .execute(&mut *db)
    .await?;
    let done =
        sqlx::query!("delete from sessions where user_id = $1 and id <> $2", user.uuid(), except)
            .execute(db)
            .await?;
    Ok(done.rows_affected())
}

/// A session as its user sees it.
#[derive(Debug, Clone)]
pub struct ListedSession {
    /// Identifies it.
    pub key: SessionKey,
    /// Short name of the browser.
    pub device: String,
    /// Address of the client at the last use.
    pub address: String,
    /// When it started.
    pub created_at: Timestamp,
    /// When a use was last recorded.
    pub last_used_at: Timestamp,
}

/// Returns the sessions of a user that have not ended, last used first.
pub async fn list_of_user(
    db: &PgPool,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<ListedSession>, Error> {
    let rows = sqlx::query!(
        "select id, device, address, created_at, last_used_at from sessions
         where user_id = $1 and expires_at > $2 order by last_used_at desc, id",
        user.uuid(),
        now
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ListedSession {
            key: SessionKey(row.id),
            device: row.device,
            address: row.address,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        })
        .collect())
}

/// Deletes a session of this user. Returns the number of deleted sessions.
pub async fn delete_own(
    db: &mut PgConnection,
    user: UserId,
    key: &SessionKey,
) -> Result<u64, Error> {
    let done =
        sqlx::query!("delete from sessions where id = $1 and user_id = $2", key.0, user.uuid())
            .execute(db)
            .await?;
    Ok(done.rows_affected())
}

/// Deletes expired sessions.
pub async fn delete_expired(db: &PgPool, now: Timestamp) -> Result<(), Error> {
    sqlx::query!("delete from sessions where expires_at < $1", now).execute(db).await?;
    Ok(())
}
