//! Creates an API token.

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
    #[error("a token name must have 1 to 80 characters")]
    Name,
    /// The name is taken.
    #[error("another token has the name \"{0}\"; choose another name")]
    NameTaken(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Creates a token. Its text is not stored, so the caller must show it.
    ///
    /// # Errors
    /// See [`IssueTokenError`].
    pub async fn issue_token(
        &self,
        name: &str,
        scope: Scope,
        actor: &Actor,
    ) -> Result<TokenText, IssueTokenError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
            return Err(IssueTokenError::Name);
        }
        let parts = &self.parts;
        let text = TokenText::new(&parts.sources);
        let token = tokens::Token {
            id: TokenId::new(&parts.sources),
            name: name.to_owned(),
            scope: scope.as_str().to_owned(),
        };
        let mut tx = parts.db.begin().await.map_err(store::Error::from)?;
        let hash = hash_token(text.reveal());
        match tokens::insert(&mut tx, &token, &hash, parts.sources.now()).await {
            Ok(()) => {}
            Err(error) if error.is_conflict("tokens_name_key") => {
                return Err(IssueTokenError::NameTaken(token.name));
            }
            Err(error) => return Err(error.into()),
        }
        let object = AuditObject::token(token.id, &token.name);
        let entry = AuditEntry::new(AuditAction::TokenCreated, object);
        self.record(&mut tx, actor, [entry.with("scope", token.scope)]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(text)
    }
}
