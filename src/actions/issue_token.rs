//! Creates an API token.

use chrono::TimeDelta;

use crate::actions::Actions;
use crate::identity::{Scope, TokenText, hash_token};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::secret::SecretValue;
use crate::model::sender_key::SenderScheme;
use crate::model::{Actor, TokenId};
use crate::store::{self, PgConnection, sender_keys, tokens};

/// Maximum length of a token name, in characters.
const MAX_NAME_CHARS: usize = 80;
/// Maximum number of tokens with signatures. A signature without a token is compared with the keys of all of them.
const MAX_SENDER_KEYS: i64 = 100;

/// Why no token was created.
#[derive(Debug, thiserror::Error)]
pub enum IssueTokenError {
    /// The name is empty or too long.
    #[error("a token name must have 1 to {MAX_NAME_CHARS} characters, without control characters")]
    Name,
    /// A signature was requested for another scope than [`Scope::Events`].
    #[error("only tokens with the scope events can require a signature")]
    NoSignature,
    /// There are too many keys of senders.
    #[error("there are {MAX_SENDER_KEYS} tokens with signatures already; revoke one")]
    TooManyKeys,
    /// The lifetime is longer than this number of days, or unlimited.
    #[error("strict mode requires that a token expires after at most {0} days")]
    Lifetime(u16),
    /// The name is taken.
    #[error("another token has the name \"{0}\"; choose another name")]
    NameTaken(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A token to create.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// The name.
    pub name: &'a str,
    /// What it allows.
    pub scope: Scope,
    /// How long it can be used. `None` for ever.
    pub lifetime: Option<TimeDelta>,
    /// How its sender must sign, and whether the signature replaces the token.
    pub signature: Option<(SenderScheme, bool)>,
}

/// A token that was created. Neither is shown again.
#[derive(Debug)]
pub struct IssuedToken {
    /// The text of the token. `None` if the signature replaces it.
    pub text: Option<TokenText>,
    /// The key for signatures.
    pub key: Option<SecretValue>,
}

impl Actions {
    /// Creates a token, and a key if its sender must sign. The text of the token is not stored, so the caller must show it.
    ///
    /// # Errors
    /// See [`IssueTokenError`].
    pub async fn issue_token(
        &self,
        new: NewToken<'_>,
        actor: &Actor,
    ) -> Result<IssuedToken, IssueTokenError> {
        let NewToken { name, scope, lifetime, signature } = new;
        let name = name.trim();
        let is_valid = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
        if !is_valid || name.chars().any(char::is_control) {
            return Err(IssueTokenError::Name);
        }
        if signature.is_some() && scope != Scope::Events {
            return Err(IssueTokenError::NoSignature);
        }
        self.check_lifetime(lifetime)?;
        let replaces_token = signature.is_some_and(|(_, replaces_token)| replaces_token);
        let parts = &self.parts;
        let text = TokenText::new(&parts.sources);
        let now = parts.sources.now();
        let token = tokens::Token {
            id: TokenId::new(&parts.sources),
            name: name.to_owned(),
            scope: scope.as_str().to_owned(),
            prefix: if replaces_token { String::new() } else { text.prefix() },
            created_at: now,
            created_by: actor.to_string(),
            expires_at: lifetime.map(|lifetime| now + lifetime),
            last_used_at: None,
            last_used_address: String::new(),
        };
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let hash = hash_token(text.reveal());
        match tokens::insert(&mut tx, &token, &hash).await {
            Ok(()) => {}
            Err(error) if error.is_conflict("tokens_name_key") => {
                return Err(IssueTokenError::NameTaken(token.name));
            }
            Err(error) => return Err(error.into()),
        }
        let key = match signature {
            Some(signature) => Some(self.add_sender_key(&mut tx, token.id, signature).await?),
            None => None,
        };
        let object = AuditObject::token(token.id, &token.name);
        let entry = AuditEntry::new(AuditAction::TokenCreated, object)
            .with("scope", token.scope)
            .with("signature", signature.map(|(scheme, _)| scheme.as_str()))
            .with("expires", token.expires_at.map(|expires_at| expires_at.to_rfc3339()));
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(IssuedToken { text: (!replaces_token).then_some(text), key })
    }

    fn check_lifetime(&self, lifetime: Option<TimeDelta>) -> Result<(), IssueTokenError> {
        let Some(max_days) = self.parts.policy.max_token_days else { return Ok(()) };
        let is_permitted =
            lifetime.is_some_and(|lifetime| lifetime <= TimeDelta::days(max_days.into()));
        if is_permitted { Ok(()) } else { Err(IssueTokenError::Lifetime(max_days)) }
    }

    /// Stores a new key for the signatures of a token, and returns it.
    async fn add_sender_key(
        &self,
        db: &mut PgConnection,
        token: TokenId,
        signature: (SenderScheme, bool),
    ) -> Result<SecretValue, IssueTokenError> {
        if sender_keys::count(db).await? >= MAX_SENDER_KEYS {
            return Err(IssueTokenError::TooManyKeys);
        }
        let key = signature.0.generate_key(&self.parts.sources);
        sender_keys::insert(db, &self.parts.vault, token, signature, &key).await?;
        Ok(key)
    }
}
