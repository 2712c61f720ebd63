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
    /// The first characters of its text; empty if it was created before they were stored.
    pub prefix: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it; empty if that was not recorded.
    pub created_by: String,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// The address of the client that used it last; empty if there is none.
    pub last_used_address: String,
}

impl Token {
    /// Whether the token has expired.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }
}

/// Inserts a token that was not used yet.
///
/// # Errors
/// A conflict with `tokens_name_key` if the name is taken.
pub async fn insert(db: &mut PgConnection, token: &Token, hash: &[u8]) -> Result<(), Error> {
    sqlx::query!(
        "insert into tokens (id, name, scope, hash, prefix, created_at, created_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        token.id.uuid(),
        token.name,
        token.scope,
        hash,
        token.prefix,
        token.created_at,
        token.created_by,
        token.expires_at
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the token with this hash.
pub async fn find_by_hash(db: &PgPool, hash: &[u8]) -> Result<Option<Token>, Error> {
    let token = sqlx::query_as!(
        Token,
        "select id, name, scope, prefix, created_at, created_by, expires_at, last_used_at, last_used_address
         from tokens where hash = $1",
        hash
    )
    .fetch_optional(db)
    .await?;
    Ok(token)
}

/// Returns a token.
pub async fn find(db: &PgPool, id: TokenId) -> Result<Option<Token>, Error> {
    let token = sqlx::query_as!(
        Token,
        "select id, name, scope, prefix, created_at, created_by, expires_at, last_used_at, last_used_address
         from tokens where id = $1",
        id.uuid()
    )
    .fetch_optional(db)
    .await?;
    Ok(token)
}

/// Returns the tokens with this text in their names, in the order of the names, that come after the name `after`.
pub async fn list(db: &PgPool, text: &str, after: &str, limit: i64) -> Result<Vec<Token>, Error> {
    let tokens = sqlx::query_as!(
        Token,
        "select id, name, scope, prefix, created_at, created_by, expires_at, last_used_at, last_used_address
         from tokens
         where position(lower($1) in lower(name)) > 0 and lower(name) > lower($2)
         order by lower(name) limit $3",
        text,
        after,
        limit
    )
    .fetch_all(db)
    .await?;
    Ok(tokens)
}

/// Deletes a token and returns its name.
pub async fn delete(db: &mut PgConnection, id: TokenId) -> Result<Option<String>, Error> {
    let name = sqlx::query_scalar!("delete from tokens where id = $1 returning name", id.uuid())
        .fetch_optional(db)
        .await?;
    Ok(name)
}

/// Deletes the token with this name and returns its id.
pub async fn delete_by_name(db: &mut PgConnection, name: &str) -> Result<Option<TokenId>, Error> {
    let id =
        sqlx::query_scalar!("delete from tokens where lower(name) = lower($1) returning id", name)
            .fetch_optional(db)
            .await?;
    Ok(id.map(TokenId::from))
}

/// Records the use of a token, at most once a minute to save writes.
pub async fn record_use(
    db: &PgPool,
    id: TokenId,
    now: Timestamp,
    address: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "update tokens set last_used_at = $2::timestamptz, last_used_address = $3
         where id = $1 and (last_used_at is null or last_used_at < $2::timestamptz - interval '1 minute')",
        id.uuid(),
        now,
        address
    )
    .execute(db)
    .await?;
    Ok(())
}
