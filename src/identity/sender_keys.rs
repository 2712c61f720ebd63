//! Looks up the keys of senders that sign their requests.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use crate::model::sender_key::SenderKey;
use crate::model::{Timestamp, TokenId};
use crate::store::tokens::{self, Token};
use crate::store::{Error, PgPool, sender_keys, within};
use crate::vault::Vault;

/// Maximum age of the cached keys. A revoked key can still be used for this time.
const MAX_AGE: TimeDelta = TimeDelta::seconds(1);
/// Minimum time between two records of the use of a key.
const USE_INTERVAL: TimeDelta = TimeDelta::minutes(1);
/// Timeout of a lookup. After this, the sender gets status 503 and retries.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum number of bodies that are received at once before their sender is known.
const MAX_UNPROVEN_BODIES: usize = 8;

/// How long such a body may take.
const UNPROVEN_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A permit to receive a body whose sender is not known yet.
#[derive(Debug)]
pub struct UnprovenBody<'a> {
    _permit: SemaphorePermit<'a>,
}

impl UnprovenBody<'_> {
    /// Waits for the body. `None` if it takes too long: slow clients must not keep others from being served.
    pub async fn within<T>(&self, receiving: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout(UNPROVEN_BODY_TIMEOUT, receiving).await.ok()
    }
}

/// All keys with their tokens.
pub type KeysWithTokens = Arc<[(SenderKey, Arc<Token>)]>;
/// The same, and when they were read.
type CachedKeys = (Timestamp, KeysWithTokens);

/// Looks up keys and caches them.
#[derive(Clone)]
pub struct SenderKeys {
    db: PgPool,
    vault: Vault,
    /// Locked while they are read, so that requests at the same time read them once.
    cached: Arc<Mutex<Option<CachedKeys>>>,
    unproven_bodies: Arc<Semaphore>,
}

impl fmt::Debug for SenderKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderKeys").finish_non_exhaustive()
    }
}

impl SenderKeys {
    /// Creates an empty cache.
    pub fn new(db: PgPool, vault: Vault) -> Self {
        let unproven_bodies = Arc::new(Semaphore::new(MAX_UNPROVEN_BODIES));
        Self { db, vault, cached: Arc::default(), unproven_bodies }
    }

    /// Permits to receive a body whose sender is not known yet, until the permit is dropped. `None` if too many are being
    /// received.
    pub fn try_receive(&self) -> Option<UnprovenBody<'_>> {
        Some(UnprovenBody { _permit: self.unproven_bodies.try_acquire().ok()? })
    }

    /// Returns all keys with their tokens, which may have expired.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn all(&self, now: Timestamp) -> Result<KeysWithTokens, Error> {
        if let Ok(cached) = self.cached.try_lock()
            && let Some(keys) = fresh(cached.as_ref(), now)
        {
            return Ok(keys);
        }
        // Waiting for another reader is part of the time.
        let reading = Box::pin(async {
            let mut cached = self.cached.lock().await;
            if let Some(keys) = fresh(cached.as_ref(), now) {
                return Ok(keys);
            }
            let keys = sender_keys::list(&self.db, &self.vault).await?;
            let keys = keys.into_iter().map(|(key, token)| (key, Arc::new(token)));
            let keys: KeysWithTokens = keys.collect();
            *cached = Some((now, Arc::clone(&keys)));
            Ok::<_, Error>(keys)
        });
        within(&self.db, LOOKUP_TIMEOUT, reading).await
    }

    /// Returns the key of a token. `None` if its requests need no signature.
    ///
    /// # Errors
    /// See [`SenderKeys::all`].
    pub async fn of_token(
        &self,
        token: TokenId,
        now: Timestamp,
    ) -> Result<Option<SenderKey>, Error> {
        let keys = self.all(now).await?;
        Ok(keys.iter().find(|(key, _)| key.token == token).map(|(key, _)| key.clone()))
    }

    /// Records the use of a key that replaces its token, from this address.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn record_use(
        &self,
        token: &Token,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Error> {
        if token.last_used_at.is_some_and(|used_at| now - used_at <= USE_INTERVAL) {
            return Ok(());
        }
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        let recording = tokens::record_use(&self.db, token.id, now, &address);
        within(&self.db, LOOKUP_TIMEOUT, recording).await
    }
}

/// Returns the cached keys, if they are not too old. A clock that was set back must not extend their age.
fn fresh(cached: Option<&CachedKeys>, now: Timestamp) -> Option<KeysWithTokens> {
    let (read_at, keys) = cached?;
    ((now - *read_at).abs() < MAX_AGE).then(|| Arc::clone(keys))
}
