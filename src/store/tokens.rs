//! API tokens. Only the SHA-256 of a token's text is stored.

use super::{Error, PgConnection, PgPool};
use crate::model::{Timestamp, TokenId};

/// An API token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token's id.
    pub id: TokenId,
    /// The name, unique.
    pub name: String,
    /// `events`, `manage` or `read`.
    pub scope: String,
}

/// Inserts a token.
///
/// # Errors
/// A conflict with `tokens_name_key` if the name is taken.
pub async fn insert(
    db: &mut PgConnection,
    token: &Token,
    hash: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into tokens (id, name, scope, hash, created_at) values ($1, $2, $3, $4, $5)",
        token.id.uuid(),
        token.name,
        token.scope,
        hash,
        now
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the token with this hash.
pub async fn find_by_hash(db: &PgPool, hash: &[u8]) -> Result<Option<Token>, Error> {
    let row = sqlx::query!("select id, name, scope from tokens where hash = $1", hash)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| Token { id: row.id.into(), name: row.name, scope: row.scope }))
}

/// Records that a token was used, at most once a minute to save writes.
pub async fn touch(db: &PgPool, id: TokenId, now: Timestamp) -> Result<(), Error> {
    sqlx::query!(
        "update tokens set last_used_at = $2::timestamptz
         where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
        id.uuid(),
        now
    )
    .execute(db)
    .await?;
    Ok(())
}
