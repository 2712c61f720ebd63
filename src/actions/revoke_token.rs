//! Revokes API tokens.

use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, TokenId};
use crate::store::tokens::{self, Token};
use crate::store::{self, PgConnection, sender_keys};

/// Why no token was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeTokenError {
    /// There is no such token.
    #[error("there is no such token")]
    NotFound,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Returns some tokens in the order of their names, after this name, each with how its sender signs. Empty at the end.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn list_tokens(
        &self,
        after: &str,
    ) -> Result<Vec<(Token, Option<&'static str>)>, store::Error> {
        let db = &self.parts.db;
        let found = tokens::list(db, "", after, 100).await?;
        let ids: Vec<_> = found.iter().map(|token| token.id.uuid()).collect();
        let schemes = sender_keys::schemes(db, &ids).await?;
        let with_signature = |token: Token| {
            let signature = schemes.iter().find(|(id, ..)| *id == token.id);
            let signature =
                signature.map(|(_, scheme, replaces_token)| scheme.describe(*replaces_token));
            (token, signature)
        };
        Ok(found.into_iter().map(with_signature).collect())
    }

    /// Revokes a token and returns its name. It stops working within a second on all instances.
    ///
    /// # Errors
    /// See [`RevokeTokenError`].
    pub async fn revoke_token(
        &self,
        id: TokenId,
        actor: &Actor,
    ) -> Result<String, RevokeTokenError> {
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let name = tokens::delete(&mut tx, id).await?.ok_or(RevokeTokenError::NotFound)?;
        self.record_revocation(&mut tx, (id, &name), actor).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(name)
    }

    /// Revokes the token with this name.
    ///
    /// # Errors
    /// See [`RevokeTokenError`].
    pub async fn revoke_token_by_name(
        &self,
        name: &str,
        actor: &Actor,
    ) -> Result<(), RevokeTokenError> {
        let name = name.trim();
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let id = tokens::delete_by_name(&mut tx, name).await?.ok_or(RevokeTokenError::NotFound)?;
        self.record_revocation(&mut tx, (id, name), actor).await?;
        Ok(tx.commit().await.map_err(store::Error::from)?)
    }

    async fn record_revocation(
        &self,
        db: &mut PgConnection,
        (id, name): (TokenId, &str),
        actor: &Actor,
    ) -> Result<(), store::Error> {
        let object = AuditObject::token(id, name);
        self.record(db, actor, [AuditEntry::new(AuditAction::TokenRevoked, object)]).await
    }
}
