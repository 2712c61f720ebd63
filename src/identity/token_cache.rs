//! Looks up the API tokens of requests.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use parking_lot::Mutex;

use super::hash_token;
use super::token::is_well_formed;
use crate::model::Timestamp;
use crate::store::tokens::{self, Token};
use crate::store::{Error, PgPool, within};

/// Maximum age of a cached token. A revoked token can still be used for this time.
const MAX_AGE: TimeDelta = TimeDelta::seconds(1);
/// Age at which one request looks a token up again while others use the cached one, so that a token in constant use does not
/// expire in the cache for many requests at once.
const REFRESH_AGE: TimeDelta = TimeDelta::milliseconds(500);
/// Minimum time between two records of the use of a token.
const USE_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// Timeout of a lookup. After this, the sender gets status 503 and retries.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Looks up tokens and caches those in use.
#[derive(Debug, Clone)]
pub struct TokenCache {
    db: PgPool,
    cached: Arc<Mutex<CachedTokens>>,
}

/// Cached tokens by hash.
type CachedTokens = HashMap<Vec<u8>, CachedToken>;

#[derive(Debug)]
struct CachedToken {
    token: Arc<Token>,
    /// When its last lookup started.
    checked_at: Timestamp,
    /// Whether a request looks it up again.
    is_refreshing: bool,
}

impl TokenCache {
    /// Creates an empty cache.
    pub fn new(db: PgPool) -> Self {
        Self { db, cached: Arc::default() }
    }

    /// Returns the token with this text, and records its use from this address. It may have expired.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn find(
        &self,
        text: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, Error> {
        if !is_well_formed(text) {
            return Ok(None);
        }
        let hash = hash_token(text);
        if let Some(token) = self.find_cached(&hash, now) {
            return Ok(Some(token));
        }
        // Boxed: rare and large. Each request's future would contain it.
        let looking_up = Box::pin(self.look_up(&hash, address, now));
        let found = within(&self.db, LOOKUP_TIMEOUT, looking_up).await?.map(Arc::new);
        let mut cached = self.cached.lock();
        cached.retain(|_, entry| (now - entry.checked_at).abs() < MAX_AGE);
        match &found {
            Some(token) => {
                let token = Arc::clone(token);
                let entry = CachedToken { token, checked_at: now, is_refreshing: false };
                cached.insert(hash, entry);
            }
            None => {
                cached.remove(&hash);
            }
        }
        Ok(found)
    }

    async fn look_up(
        &self,
        hash: &[u8],
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let found = tokens::find_by_hash(&self.db, hash).await?;
        if let Some(token) = &found
            && token.last_used_at.is_none_or(|used_at| now - used_at > USE_INTERVAL)
            && !token.is_expired(now)
        {
            let address = address.map(|address| address.to_string()).unwrap_or_default();
            tokens::record_use(&self.db, token.id, now, &address).await?;
        }
        Ok(found)
    }

    /// Returns a cached token. `None` if the caller must look it up.
    fn find_cached(&self, hash: &[u8], now: Timestamp) -> Option<Arc<Token>> {
        let mut cached = self.cached.lock();
        let entry = cached.get_mut(hash)?;
        // A clock that was set back must not extend the age.
        let age = (now - entry.checked_at).abs();
        if age >= MAX_AGE || age >= REFRESH_AGE && !entry.is_refreshing {
            entry.is_refreshing = true;
            return None;
        }
        Some(Arc::clone(&entry.token))
    }
}
