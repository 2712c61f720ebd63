//! Keys of senders that sign their requests, encrypted.

use uuid::Uuid;

use super::{Error, PgConnection, PgPool};
use crate::model::TokenId;
use crate::model::secret::SecretValue;
use crate::model::sender_key::{SenderKey, SenderScheme};
use crate::store::tokens::Token;
use crate::vault::Vault;

const TABLE: &str = "sender_keys";

/// The place of a key, for its encryption.
pub(super) fn place(token: Uuid) -> String {
    format!("sender_keys.sealed/{token}")
}

/// Stores the key of a new token.
///
/// # Errors
/// If the key could not be encrypted or the database failed.
pub async fn insert(
    db: &mut PgConnection,
    vault: &Vault,
    token: TokenId,
    (scheme, replaces_token): (SenderScheme, bool),
    key: &SecretValue,
) -> Result<(), Error> {
    let sealed = vault
        .seal(&place(token.uuid()), key.expose().as_bytes())
        .map_err(|error| Error::Corrupt { table: TABLE, detail: error.to_string() })?;
    sqlx::query!(
        "insert into sender_keys (token_id, scheme, replaces_token, sealed) values ($1, $2, $3, $4)",
        token.uuid(),
        scheme.as_str(),
        replaces_token,
        sealed
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Returns the number of keys.
pub async fn count(db: &mut PgConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(r#"select count(*) as "count!" from sender_keys"#).fetch_one(db).await?)
}

/// Returns all keys with their tokens.
///
/// # Errors
/// If the database failed.
pub async fn list(db: &PgPool, vault: &Vault) -> Result<Vec<(SenderKey, Token)>, Error> {
    let rows = sqlx::query!(
        "select id, name, scope, prefix, created_at, created_by, expires_at, last_used_at, last_used_address,
                scheme, replaces_token, sealed
         from sender_keys join tokens on id = token_id order by id"
    )
    .fetch_all(db)
    .await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let (id, replaces_token) = (TokenId::from(row.id), row.replaces_token);
        let scheme: SenderScheme = row.scheme.parse().map_err(|_unknown| Error::Corrupt {
            table: TABLE,
            detail: format!("scheme {}", row.scheme),
        })?;
        // A key of another master key must not keep other senders from being served.
        let opened = vault.open(&place(row.id), &row.sealed).ok();
        let text = opened.and_then(|opened| String::from_utf8(opened).ok());
        let key = text.and_then(|text| SenderKey::parse(id, replaces_token, scheme, &text));
        let key = key.unwrap_or_else(|| {
            tracing::error!(token.id = %id, "the key of a sender cannot be read");
            SenderKey::unusable(id, replaces_token, scheme)
        });
        let token = Token {
            id: row.id.into(),
            name: row.name,
            scope: row.scope,
            prefix: row.prefix,
            created_at: row.created_at,
            created_by: row.created_by,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            last_used_address: row.last_used_address,
        };
        keys.push((key, token));
    }
    Ok(keys)
}

/// Returns how the senders with these tokens sign: the scheme, and whether it replaces the token.
pub async fn schemes(
    db: &PgPool,
    tokens: &[Uuid],
) -> Result<Vec<(TokenId, SenderScheme, bool)>, Error> {
    let rows = sqlx::query!(
        "select token_id, scheme, replaces_token from sender_keys where token_id = any($1)",
        tokens
    )
    .fetch_all(db)
    .await?;
    let known = |row: &str| row.parse::<SenderScheme>().ok();
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.token_id.into(), known(&row.scheme)?, row.replaces_token)))
        .collect())
}
