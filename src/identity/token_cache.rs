//! API tokens as they come in with requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;

use super::hash_token;
use crate::model::Timestamp;
use crate::store::tokens::{self, Token};
use crate::store::{Error, PgPool, within};

/// How long a token is taken without asking the database: the longest that one works on after it is
/// taken away.
const KNOWN_FOR: TimeDelta = TimeDelta::seconds(5);

/// How long a sender waits for the database before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(1);

/// Finds tokens; those in use cost no look into the database.
#[derive(Debug, Clone)]
pub struct TokenCache {
    db: PgPool,
    known: Arc<Mutex<Known>>,
}

/// By their hash: the token, and until when it is taken.
type Known = HashMap<Vec<u8>, (Token, Timestamp)>;

impl TokenCache {
    /// In this database.
    pub fn new(db: PgPool) -> Self {
        Self { db, known: Arc::default() }
    }

    /// The token of that text. Its use is noted.
    ///
    /// # Errors
    /// Where the database failed.
    pub async fn find(&self, text: &str, now: Timestamp) -> Result<Option<Token>, Error> {
        let hash = hash_token(text);
        if let Some(token) = self.known(&hash, now) {
            return Ok(Some(token));
        }
        let found = within(&self.db, PATIENCE, self.look_up(&hash, now)).await?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, until)| *until > now);
        if let Some(token) = &found {
            known.insert(hash, (token.clone(), now + KNOWN_FOR));
        }
        Ok(found)
    }

    async fn look_up(&self, hash: &[u8], now: Timestamp) -> Result<Option<Token>, Error> {
        let found = tokens::find_by_hash(&self.db, hash).await?;
        if let Some(token) = &found {
            tokens::touch(&self.db, token.id, now).await?;
        }
        Ok(found)
    }

    fn known(&self, hash: &[u8], now: Timestamp) -> Option<Token> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (token, until) = known.get(hash)?;
        (*until > now).then(|| token.clone())
    }
}
