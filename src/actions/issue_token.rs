//! Makes an API token.

use crate::actions::Actions;
use crate::identity::{Scope, TokenText, hash_token};
use crate::model::TokenId;
use crate::store::{self, tokens};

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub enum IssueTokenError {
    /// The name cannot be used.
    #[error("a token's name has 1 to 80 characters")]
    Name,
    /// The name is taken.
    #[error("another token has the name \"{0}\": choose another")]
    NameTaken(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Makes a token. Its text is nowhere else: whoever asked must keep it.
    ///
    /// # Errors
    /// See [`IssueTokenError`].
    pub async fn issue_token(
        &self,
        name: &str,
        scope: Scope,
    ) -> Result<TokenText, IssueTokenError> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > 80 {
            return Err(IssueTokenError::Name);
        }
        let parts = &self.parts;
        let text = TokenText::new(&parts.sources);
        let token = tokens::Token {
            id: TokenId::new(&parts.sources),
            name: name.to_owned(),
            scope: scope.as_str().to_owned(),
        };
        let mut connection = parts.db.acquire().await.map_err(store::Error::from)?;
        let hash = hash_token(text.reveal());
        match tokens::insert(&mut connection, &token, &hash, parts.sources.now()).await {
            Ok(()) => Ok(text),
            Err(error) if error.is_conflict("tokens_name_key") => {
                Err(IssueTokenError::NameTaken(token.name))
            }
            Err(error) => Err(error.into()),
        }
    }
}
