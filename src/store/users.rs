//! Users.

use sqlx::PgExecutor;

use super::{Error, PgConnection, PgPool};
use crate::model::{Timestamp, UserId};

/// The version of the sessions of a new user.
pub const FIRST_SESSION_VERSION: i64 = 0;

/// A user who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The email address, used to sign in.
    pub email: String,
    /// `admin`, `editor` or `viewer`.
    pub role: String,
}

/// Whether a user can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// With the password.
    Active,
    /// After setting a password with a one-time link.
    Invited,
    /// Not until an administrator enables the user.
    Disabled,
}

impl UserStatus {
    /// Returns a stored status. One that a later version added counts as disabled.
    pub fn from_stored(word: &str) -> Self {
        match word {
            "active" => Self::Active,
            "invited" => Self::Invited,
            _ => Self::Disabled,
        }
    }

    /// Returns the status as displayed.
    pub fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Invited => "Invited",
            Self::Disabled => "Disabled",
        }
    }
}

/// What a password is compared with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user.
    pub user: User,
    /// Hash of the password.
    pub password_hash: String,
    /// The version of the user's sessions. It changes when all of them are ended.
    pub session_version: i64,
    /// Whether an administrator has disabled the user, who must not be signed in.
    pub is_disabled: bool,
}

/// How pages are shown to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// `system`, `light` or `dark`.
    pub theme: String,
    /// Name of a time zone of the IANA database.
    pub time_zone: String,
}

/// Inserts a user.
///
/// # Errors
/// A conflict with `users_email_key` if the address is taken.
pub async fn insert(
    db: &mut PgConnection,
    user: &User,
    password_hash: &str,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into users (id, email, password_hash, role, created_at) values ($1, $2, $3, $4, $5)",
        user.id.uuid(),
        user.email,
        password_hash,
        user.role,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks out concurrent attempts to insert the first user, until the transaction ends.
pub async fn lock_first(db: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('gatepost.first_user'))")
        .execute(db)
        .await?;
    Ok(())
}

/// Returns whether there are any users.
pub async fn exist(db: &mut PgConnection) -> Result<bool, Error> {
    let any =
        sqlx::query_scalar!(r#"select exists (select from users) as "any!""#).fetch_one(db).await?;
    Ok(any)
}

/// Returns the email addresses of all active administrators.
pub async fn administrator_emails(db: &PgPool) -> Result<Vec<String>, Error> {
    let emails = sqlx::query_scalar!(
        "select email from users where role = 'admin' and status = 'active' order by email"
    )
    .fetch_all(db)
    .await?;
    Ok(emails)
}

/// Returns the user with this email address, ignoring case. A user without a password, or with an open invitation, is not
/// found.
pub async fn find_by_email(
    db: impl PgExecutor<'_>,
    email: &str,
) -> Result<Option<Credentials>, Error> {
    let row = sqlx::query!(
        "select id, email, role, password_hash, session_version, status from users
         where lower(email) = lower($1) and status in ('active', 'disabled') and password_hash <> ''",
        email
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Credentials {
        is_disabled: UserStatus::from_stored(&row.status) != UserStatus::Active,
        user: User { id: row.id.into(), email: row.email, role: row.role },
        password_hash: row.password_hash,
        session_version: row.session_version,
    }))
}

/// Returns the role of the active user with this email address, ignoring case. The user may have no password.
pub async fn find_active_role(db: &mut PgConnection, email: &str) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar!(
        "select role from users where lower(email) = lower($1) and status = 'active'",
        email
    )
    .fetch_optional(db)
    .await?)
}

/// Returns an active user whose sessions have not been ended since they had this version.
pub async fn find_unchanged(
    db: &PgPool,
    id: UserId,
    session_version: i64,
) -> Result<Option<User>, Error> {
    let row = sqlx::query!(
        "select id, email, role from users where id = $1 and session_version = $2 and status = 'active'",
        id.uuid(),
        session_version
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| User { id: row.id.into(), email: row.email, role: row.role }))
}

/// Returns the version of the sessions of a user.
pub async fn session_version(db: &mut PgConnection, id: UserId) -> Result<i64, Error> {
    let version = sqlx::query_scalar!("select session_version from users where id = $1", id.uuid())
        .fetch_one(db)
        .await?;
    Ok(version)
}

/// Replaces the hash of a user's password by another one of the same password, unless it was changed meanwhile.
pub async fn replace_password_hash(
    db: &PgPool,
    id: UserId,
    old: &str,
    new: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "update users set password_hash = $3 where id = $1 and password_hash = $2",
        id.uuid(),
        old,
        new
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns how pages are shown to a user.
pub async fn find_preferences(db: &PgPool, id: UserId) -> Result<Option<Preferences>, Error> {
    let found =
        sqlx::query_as!(Preferences, "select theme, time_zone from users where id = $1", id.uuid())
            .fetch_optional(db)
            .await?;
    Ok(found)
}

/// Changes how pages are shown to a user.
pub async fn update_preferences(
    db: &PgPool,
    id: UserId,
    preferences: &Preferences,
) -> Result<(), Error> {
    sqlx::query!(
        "update users set theme = $2, time_zone = $3 where id = $1",
        id.uuid(),
        preferences.theme,
        preferences.time_zone
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Records that a user has signed in.
pub async fn record_sign_in(
    db: &mut PgConnection,
    id: UserId,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!("update users set last_sign_in_at = $2 where id = $1", id.uuid(), now)
        .execute(db)
        .await?;
    Ok(())
}

/// Returns a user.
pub async fn find(db: &PgPool, id: UserId) -> Result<Option<User>, Error> {
    let row = sqlx::query!("select id, email, role from users where id = $1", id.uuid())
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| User { id: row.id.into(), email: row.email, role: row.role }))
}
