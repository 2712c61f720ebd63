//! API tokens, by the SHA-256 of their text.

use super::{Error, PgConnection, PgPool};
use crate::model::{Timestamp, TokenId};

/// A token as stored; its text is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// `events`, `manage` or `read`.
    pub scope: String,
}

/// Adds a token.
///
/// # Errors
/// `tokens_name_key` where the name is taken.
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

/// The token with that hash.
pub async fn find_by_hash(db: &PgPool, hash: &[u8]) -> Result<Option<Token>, Error> {
    let row = sqlx::query!("select id, name, scope from tokens where hash = $1", hash)
        .fetch_optional(db)
        .await?;
    Ok(row.map(|row| Token { id: row.id.into(), name: row.name, scope: row.scope }))
}

/// Notes that a token was used; at most once a minute, so that it costs nothing.
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
