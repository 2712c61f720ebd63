//! Sessions of signed-in users. Visitors who are not signed in have no rows.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::users::{Preferences, User};
use super::{Error, PgConnection, PgPool};
use crate::model::security_policy::SecondFactorRequirement;
use crate::model::{Timestamp, UserId};

/// Finds a session in the database by its token: the SHA-256 of the cookie's value, so that reading the table is not enough
/// to use a session. Confirming the password changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionKey(Vec<u8>);

impl SessionKey {
    /// Returns the key of a cookie's value.
    pub fn new(cookie: &str) -> Self {
        Self(Sha256::digest(cookie.as_bytes()).to_vec())
    }
}

/// Identifies a session from its start to its end. It is random, and not enough to use the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(Uuid);

impl From<Uuid> for SessionId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A session and its user.
#[derive(Debug, Clone)]
pub struct Session {
    /// Identifies it.
    pub id: SessionId,
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
    /// Whether the user must have a second factor, and has none.
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

/// Inserts a session. `None` if the sessions of the user were ended after the credentials were checked.
pub async fn insert(
    db: &PgPool,
    key: &SessionKey,
    session: &NewSession<'_>,
) -> Result<Option<SessionId>, Error> {
    let id = sqlx::query_scalar!(
        "insert into sessions
             (id, user_id, data, expires_at, created_at, last_used_at, password_entered_at, device, address,
              id_token)
         -- Waits for a transaction that ends the sessions of the user, and compares the version again after it.
         select $1::bytea, id, '', $3::timestamptz, $4::timestamptz, $4, $7::timestamptz, $5::text, $6::text, $8::bytea
         from users where id = $2 and session_version = $9 for share
         returning stable_id",
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
    .fetch_optional(db)
    .await?;
    Ok(id.map(SessionId))
}

/// Returns a session that has not expired, of an active user. Without `passwords`, only one that was started with single
/// sign-on.
pub async fn find(
    db: &PgPool,
    key: &SessionKey,
    passwords: bool,
    requirement: SecondFactorRequirement,
    now: Timestamp,
) -> Result<Option<Session>, Error> {
    let row = sqlx::query!(
        r#"select users.id, stable_id, email, role, theme, time_zone, sessions.created_at, last_used_at,
               password_entered_at, data <> '' as "has_messages!", password_hash <> '' as "has_password!", id_token is not null as "is_from_provider!",
               -- The provider asks for further factors itself.
               (is_required or $4 and has_password) and not is_on and id_token is null as "must_set_up_second_factor!"
           from sessions join users on users.id = sessions.user_id
               join second_factor_states on second_factor_states.user_id = users.id
           where sessions.id = $1 and expires_at > $2 and status = 'active' and ($3 or id_token is not null)"#,
        key.0,
        now,
        passwords,
        requirement.is_for_all()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Session {
        id: SessionId(row.stable_id),
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

/// Whether a session has not ended, under the same conditions as [`find`].
pub async fn is_active(
    db: &PgPool,
    id: SessionId,
    passwords: bool,
    now: Timestamp,
) -> Result<bool, Error> {
    let is_active = sqlx::query_scalar!(
        r#"select exists (
               select from sessions join users on users.id = sessions.user_id
               where stable_id = $1 and expires_at > $2 and status = 'active' and ($3 or id_token is not null)
           ) as "is_active!""#,
        id.0,
        now,
        passwords
    )
    .fetch_one(db)
    .await?;
    Ok(is_active)
}

/// Whether this key was replaced at or after a time, and its session goes on.
pub async fn was_replaced_since(
    db: &PgPool,
    key: &SessionKey,
    since: Timestamp,
) -> Result<bool, Error> {
    let was_replaced = sqlx::query_scalar!(
        r#"select exists (select from sessions where replaced_id = $1 and replaced_at >= $2) as "was_replaced!""#,
        key.0,
        since
    )
    .fetch_one(db)
    .await?;
    Ok(was_replaced)
}

/// Returns the encrypted ID token of a session that was started with single sign-on.
pub async fn find_id_token(db: &PgPool, id: SessionId) -> Result<Option<Vec<u8>>, Error> {
    let found = sqlx::query_scalar!("select id_token from sessions where stable_id = $1", id.0)
        .fetch_optional(db)
        .await?;
    Ok(found.flatten())
}

/// Records a use of a session, and moves its end.
pub async fn record_use(
    db: &PgPool,
    id: SessionId,
    now: Timestamp,
    expires_at: Timestamp,
    address: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "update sessions set last_used_at = $2, expires_at = $3, address = $4 where stable_id = $1",
        id.0,
        now,
        expires_at,
        address
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that the user of a session has confirmed the password, and replaces its key. Returns false, and changes nothing,
/// if the session has ended or another request has replaced the key.
pub async fn renew(
    db: &PgPool,
    key: &SessionKey,
    new: &SessionKey,
    now: Timestamp,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update sessions set id = $2, password_entered_at = $3, replaced_id = $1, replaced_at = $3 where id = $1",
        key.0,
        new.0,
        now
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds a message for the next page: a line of text. Does nothing if the session has ended.
pub async fn add_message(db: &PgPool, id: SessionId, line: &str) -> Result<(), Error> {
    sqlx::query!(
        "update sessions set data = data || $2 || E'\\n' where stable_id = $1",
        id.0,
        line
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes the messages for the next page and returns their lines.
pub async fn take_messages(db: &PgPool, id: SessionId) -> Result<String, Error> {
    let taken = sqlx::query_scalar!(
        "with found as (select stable_id, data from sessions where stable_id = $1 for update)
         update sessions set data = '' from found where sessions.stable_id = found.stable_id
         returning found.data",
        id.0
    )
    .fetch_optional(db)
    .await?;
    Ok(taken.unwrap_or_default())
}

/// Deletes the session with this key.
pub async fn delete_by_key(db: &PgPool, key: &SessionKey) -> Result<(), Error> {
    sqlx::query!("delete from sessions where id = $1", key.0).execute(db).await?;
    Ok(())
}

/// Deletes a session.
pub async fn delete(db: impl PgExecutor<'_>, id: SessionId) -> Result<(), Error> {
    sqlx::query!("delete from sessions where stable_id = $1", id.0).execute(db).await?;
    Ok(())
}

/// Deletes the sessions of a user, except for one, and gives them a new version, so that a sign-in whose credentials were
/// checked before starts none. Returns the number of deleted sessions.
pub async fn delete_of_user(
    db: &mut PgConnection,
    user: UserId,
    except: Option<SessionId>,
) -> Result<u64, Error> {
    let except = except.map(|id| id.0);
    sqlx::query!(
        "update users set session_version = session_version + 1 where id = $1",
        user.uuid()
    )
    .execute(&mut *db)
    .await?;
    let done = sqlx::query!(
        "delete from sessions where user_id = $1 and stable_id is distinct from $2",
        user.uuid(),
        except
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// A session as its user sees it.
#[derive(Debug, Clone)]
pub struct ListedSession {
    /// Identifies it.
    pub id: SessionId,
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
        "select stable_id, device, address, created_at, last_used_at from sessions
         where user_id = $1 and expires_at > $2 order by last_used_at desc, stable_id",
        user.uuid(),
        now
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ListedSession {
            id: SessionId(row.stable_id),
            device: row.device,
            address: row.address,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
        })
        .collect())
}

/// Deletes a session of this user. Returns the number of deleted sessions.
pub async fn delete_own(db: &mut PgConnection, user: UserId, id: SessionId) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from sessions where stable_id = $1 and user_id = $2",
        id.0,
        user.uuid()
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes expired sessions.
pub async fn delete_expired(db: &PgPool, now: Timestamp) -> Result<(), Error> {
    sqlx::query!("delete from sessions where expires_at < $1", now).execute(db).await?;
    Ok(())
}
