//! The second factor of users: the secret of the authenticator app, the recovery codes, and the roles that require one.

use std::collections::HashMap;

use sqlx::PgExecutor;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Error, PgConnection, PgPool};
use crate::model::security_policy::{CodeHash, SecondFactorRequirement};
use crate::model::{Timestamp, UserId};
use crate::vault::Vault;

/// The place of an encrypted secret.
pub(super) fn place(user: Uuid) -> String {
    format!("second_factors.sealed/{user}")
}

/// Whether a user has a second factor, and needs one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SecondFactorState {
    /// Whether the user has a second factor.
    pub is_on: bool,
    /// Whether the role of the user, or strict mode, requires one.
    pub is_required: bool,
}

impl SecondFactorState {
    /// Describes the state.
    pub fn label(self) -> &'static str {
        match self {
            Self { is_on: true, .. } => "On",
            Self { is_required: true, .. } => "Required, not set up",
            Self { .. } => "Off",
        }
    }

    /// Whether the user must set up a second factor.
    pub fn must_set_up(self) -> bool {
        self.is_required && !self.is_on
    }
}

/// The secret of a second factor, decrypted.
#[derive(Debug)]
pub struct StoredSecret {
    /// The hash of its codes.
    pub hash: CodeHash,
    /// The secret of the authenticator app and the key of the recovery codes.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// Inserts the second factor of a user. Codes up to `last_step` have been used.
///
/// # Errors
/// A conflict with `second_factors_pkey` if the user has one.
pub async fn insert(
    db: &mut PgConnection,
    vault: &Vault,
    (user, secret): (UserId, &StoredSecret),
    last_step: i64,
    now: Timestamp,
) -> Result<(), Error> {
    let sealed = vault
        .seal(&place(user.uuid()), &secret.bytes)
        .map_err(|error| Error::Corrupt { table: "second_factors", detail: error.to_string() })?;
    sqlx::query!(
        "insert into second_factors (user_id, sealed, last_step, created_at, hash) values ($1, $2, $3, $4, $5)",
        user.uuid(),
        sealed,
        last_step,
        now,
        secret.hash.as_str()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the secret of a user's second factor. Changes of the second factor wait until the transaction ends.
///
/// # Errors
/// If it cannot be decrypted.
pub async fn find_for_update(
    db: &mut PgConnection,
    vault: &Vault,
    user: UserId,
) -> Result<Option<StoredSecret>, Error> {
    let row = sqlx::query!(
        "select sealed, hash from second_factors where user_id = $1 for no key update",
        user.uuid()
    )
    .fetch_optional(db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = |detail: String| Error::Corrupt {
        table: "second_factors",
        detail: format!("{}: {detail}", place(user.uuid())),
    };
    let hash = row.hash.parse().map_err(|_unknown| corrupt(format!("the hash {}", row.hash)))?;
    let secret = vault.open(&place(user.uuid()), &row.sealed);
    let secret = secret.map_err(|error| corrupt(error.to_string()))?;
    Ok(Some(StoredSecret { hash, bytes: Zeroizing::new(secret) }))
}

/// Returns whether a user has a second factor.
pub async fn exists(db: &PgPool, user: UserId) -> Result<bool, Error> {
    let exists = sqlx::query_scalar!(
        r#"select exists (select from second_factors where user_id = $1) as "exists!""#,
        user.uuid()
    )
    .fetch_one(db)
    .await?;
    Ok(exists)
}

/// Uses the code of a step. Returns false if the code of this step or a later one has been used.
pub async fn use_step(db: &mut PgConnection, user: UserId, step: i64) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update second_factors set last_step = $2 where user_id = $1 and last_step < $2",
        user.uuid(),
        step
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes the second factor of a user with the recovery codes. Returns whether there was one.
pub async fn delete(db: &mut PgConnection, user: UserId) -> Result<bool, Error> {
    let done = sqlx::query!("delete from second_factors where user_id = $1", user.uuid())
        .execute(db)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the recovery codes of a user by those with these hashes.
pub async fn replace_recovery_codes(
    db: &mut PgConnection,
    user: UserId,
    hashes: &[Vec<u8>],
) -> Result<(), Error> {
    sqlx::query!("delete from recovery_codes where user_id = $1", user.uuid())
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "insert into recovery_codes (user_id, hash) select $1, hash from unnest($2::bytea[]) as hash",
        user.uuid(),
        hashes
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Uses a recovery code. Returns false if the user has no code with this hash.
pub async fn use_recovery_code(
    db: &mut PgConnection,
    user: UserId,
    hash: &[u8],
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "delete from recovery_codes where user_id = $1 and hash = $2",
        user.uuid(),
        hash
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Returns the number of unused recovery codes of a user.
pub async fn count_recovery_codes(db: impl PgExecutor<'_>, user: UserId) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from recovery_codes where user_id = $1"#,
        user.uuid()
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Returns the number of second factors with a hash.
pub async fn count_with_hash(db: &PgPool, hash: CodeHash) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from second_factors where hash = $1"#,
        hash.as_str()
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Returns which of these users have a second factor, and need one.
pub async fn list_states(
    db: &PgPool,
    users: &[UserId],
    requirement: SecondFactorRequirement,
) -> Result<HashMap<UserId, SecondFactorState>, Error> {
    let ids: Vec<Uuid> = users.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"select user_id as "user_id!", is_on as "is_on!",
                  (is_required or $2 and has_password) as "is_required!"
           from second_factor_states where user_id = any($1)"#,
        &ids,
        requirement.is_for_all()
    )
    .fetch_all(db)
    .await?;
    let state = |is_on, is_required| SecondFactorState { is_on, is_required };
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id.into(), state(row.is_on, row.is_required)))
        .collect())
}

/// Whether a user must have a second factor.
pub async fn is_required(
    db: &PgPool,
    user: UserId,
    requirement: SecondFactorRequirement,
) -> Result<bool, Error> {
    let states = list_states(db, &[user], requirement).await?;
    Ok(states.get(&user).is_some_and(|state| state.is_required))
}

/// Returns the names of the roles that require a second factor.
pub async fn list_required_roles(db: &PgPool) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar!("select role from second_factor_roles order by role")
        .fetch_all(db)
        .await?)
}

/// Replaces the roles that require a second factor. Returns whether this changed anything.
pub async fn replace_required_roles(
    db: &mut PgConnection,
    roles: &[String],
) -> Result<bool, Error> {
    // Two changes at the same time would otherwise add up.
    sqlx::query!("lock table second_factor_roles in share row exclusive mode")
        .execute(&mut *db)
        .await?;
    let deleted = sqlx::query!("delete from second_factor_roles where role <> all($1)", roles)
        .execute(&mut *db)
        .await?;
    let inserted = sqlx::query!(
        "insert into second_factor_roles (role) select * from unnest($1::text[]) on conflict do nothing",
        roles
    )
    .execute(db)
    .await?;
    Ok(deleted.rows_affected() + inserted.rows_affected() > 0)
}
