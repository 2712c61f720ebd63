//! Looks up the API tokens of requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use parking_lot::Mutex;

use super::hash_token;
use super::token::is_well_formed;
use crate::model::Timestamp;
use crate::store::tokens::{self, Token};
use crate::store::{Error, PgPool, within};

/// How long a token is cached. A deleted token can still be used for this time.
const CACHE_DURATION: TimeDelta = TimeDelta::seconds(5);

/// Timeout of a lookup. After this, the sender gets status 503 and retries.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Looks up tokens and caches those in use.
#[derive(Debug, Clone)]
pub struct TokenCache {
    db: PgPool,
    cached: Arc<Mutex<CachedTokens>>,
}

/// Tokens and when their cache entries expire, by hash.
type CachedTokens = HashMap<Vec<u8>, (Token, Timestamp)>;

impl TokenCache {
    /// Creates an empty cache.
    pub fn new(db: PgPool) -> Self {
        Self { db, cached: Arc::default() }
    }

    /// Returns the token with this text, and records its use.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn find(&self, text: &str, now: Timestamp) -> Result<Option<Token>, Error> {
        if !is_well_formed(text) {
            return Ok(None);
        }
        let hash = hash_token(text);
        if let Some(token) = self.find_cached(&hash, now) {
            return Ok(Some(token));
        }
        let found = within(&self.db, LOOKUP_TIMEOUT, self.look_up(&hash, now)).await?;
        let mut cached = self.cached.lock();
        cached.retain(|_, (_, expires_at)| *expires_at > now);
        if let Some(token) = &found {
            cached.insert(hash, (token.clone(), now + CACHE_DURATION));
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

    fn find_cached(&self, hash: &[u8], now: Timestamp) -> Option<Token> {
        let cached = self.cached.lock();
        let (token, expires_at) = cached.get(hash)?;
        (*expires_at > now).then(|| token.clone())
    }
}
