//! Creates an API token.

use chrono::TimeDelta;

use crate::actions::Actions;
use crate::identity::{Scope, TokenText, hash_token};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, TokenId};
use crate::store::{self, tokens};

/// Maximum length of a token name, in characters.
const MAX_NAME_CHARS: usize = 80;

/// Why no token was created.
#[derive(Debug, thiserror::Error)]
pub enum IssueTokenError {
    /// The name is empty or too long.
    #[error("a token name must have 1 to {MAX_NAME_CHARS} characters, without control characters")]
    Name,
    /// The name is taken.
    #[error("another token has the name \"{0}\"; choose another name")]
    NameTaken(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Creates a token that expires after its lifetime, or never. Its text is not stored, so the caller must show it.
    ///
    /// # Errors
    /// See [`IssueTokenError`].
    pub async fn issue_token(
        &self,
        name: &str,
        scope: Scope,
        lifetime: Option<TimeDelta>,
        actor: &Actor,
    ) -> Result<TokenText, IssueTokenError> {
        let name = name.trim();
        let is_valid = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
        if !is_valid || name.chars().any(char::is_control) {
            return Err(IssueTokenError::Name);
        }
        let parts = &self.parts;
        let text = TokenText::new(&parts.sources);
        let now = parts.sources.now();
        let token = tokens::Token {
            id: TokenId::new(&parts.sources),
            name: name.to_owned(),
            scope: scope.as_str().to_owned(),
            prefix: text.prefix(),
            created_at: now,
            created_by: actor.to_string(),
            expires_at: lifetime.map(|lifetime| now + lifetime),
            last_used_at: None,
            last_used_address: String::new(),
        };
        let mut tx = parts.db.begin().await.map_err(store::Error::from)?;
        let hash = hash_token(text.reveal());
        match tokens::insert(&mut tx, &token, &hash).await {
            Ok(()) => {}
            Err(error) if error.is_conflict("tokens_name_key") => {
                return Err(IssueTokenError::NameTaken(token.name));
            }
            Err(error) => return Err(error.into()),
        }
        let object = AuditObject::token(token.id, &token.name);
        let entry = AuditEntry::new(AuditAction::TokenCreated, object)
            .with("scope", token.scope)
            .with("expires", token.expires_at.map(|expires_at| expires_at.to_rfc3339()));
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(text)
    }
}
