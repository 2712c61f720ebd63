//! Access tokens kept until shortly before they expire, shared by all webhooks with the same credentials.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::client_auth::ClientAuthMethod;
use super::token_response::AccessToken;
use crate::model::webhook::ClientCredentials;

/// Maximum cached credentials. Each variant of a form that is tested has its own, so their number must be bounded.
const MAX_ENTRIES: usize = 1024;

/// Which token a caller accepts.
#[derive(Debug, Clone, Copy)]
pub enum TokenRequest<'a> {
    /// A cached token, if it has not expired.
    Cached,
    /// A token other than this one, which the server rejected.
    Replace(&'a str),
    /// A new token, to show that the token endpoint works.
    Fresh,
}

/// Cached tokens by credentials.
#[derive(Debug, Clone, Default)]
pub(super) struct TokenCache(Arc<Mutex<HashMap<ClientCredentials, CacheSlot>>>);

/// Locked while a token is requested, so that concurrent callers share one request.
pub(super) type CacheSlot = Arc<tokio::sync::Mutex<CacheEntry>>;

#[derive(Debug, Default)]
pub(super) struct CacheEntry {
    pub(super) token: Option<AccessToken>,
    /// The method that the token endpoint accepted.
    pub(super) auth_method: Option<ClientAuthMethod>,
}

impl TokenCache {
    pub(super) fn slot(&self, credentials: &ClientCredentials) -> CacheSlot {
        let mut slots = self.0.lock();
        if slots.len() >= MAX_ENTRIES && !slots.contains_key(credentials) {
            slots.clear();
        }
        Arc::clone(slots.entry(credentials.clone()).or_default())
    }
}

impl CacheEntry {
    /// Returns the cached token if it has not expired and the request accepts it.
    pub(super) fn find(&self, request: TokenRequest<'_>) -> Option<&str> {
        let token = self.token.as_ref().filter(|token| Instant::now() < token.expires_at)?;
        let is_accepted = match request {
            TokenRequest::Cached => true,
            TokenRequest::Replace(rejected) => token.value != rejected,
            TokenRequest::Fresh => false,
        };
        is_accepted.then_some(token.value.as_str())
    }
}
