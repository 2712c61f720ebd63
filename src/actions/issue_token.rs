//! Creates an API token.

use crate::actions::Actions;
use crate::identity::{Scope, TokenText, hash_token};
use crate::model::TokenId;
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
