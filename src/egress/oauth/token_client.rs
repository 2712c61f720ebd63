//! Obtains access tokens from the cache or from the token endpoint.

use std::time::{Duration, Instant};

use super::client_auth::{ClientAuthMethod, methods, token_request};
use super::token_cache::{CacheEntry, TokenCache, TokenRequest};
use super::token_response::{self, AccessToken};
use crate::egress::client::Client;
use crate::model::exchange::Exchange;
use crate::model::outcome::{Cause, TokenFailure};
use crate::model::webhook::{ClientCredentials, Tls};

/// A token, or why there is none.
#[derive(Debug)]
pub struct TokenResult {
    /// The token.
    pub token: Result<String, Cause>,
    /// The exchanges with the token endpoint. Empty if the token was cached. Tokens in the responses are masked.
    pub exchanges: Vec<Exchange>,
}

/// Obtains access tokens. Clones share the cache.
#[derive(Debug, Clone)]
pub struct TokenClient {
    client: Client,
    cache: TokenCache,
}

impl TokenClient {
    /// Creates a token client with an empty cache.
    pub fn new(client: Client) -> Self {
        Self { client, cache: TokenCache::default() }
    }

    /// Returns an access token for these credentials. `timeout` applies to each exchange.
    pub async fn token(
        &self,
        credentials: &ClientCredentials,
        tls: &Tls,
        timeout: Duration,
        request: TokenRequest<'_>,
    ) -> TokenResult {
        let slot = self.cache.slot(credentials);
        let mut entry = slot.lock().await;
        if let Some(token) = entry.find(request) {
            return TokenResult { token: Ok(token.to_owned()), exchanges: Vec::new() };
        }
        entry.token = None;
        let mut exchanges = Vec::new();
        let mut failure: Option<TokenFailure> = None;
        for &method in methods(credentials.settings.client_authentication, entry.auth_method) {
            let (requested, exchange) = self.request(credentials, tls, timeout, method).await;
            exchanges.push(exchange);
            match requested {
                Ok(token) => {
                    let value = token.value.clone();
                    *entry = CacheEntry { token: Some(token), auth_method: Some(method) };
                    return TokenResult { token: Ok(value), exchanges };
                }
                Err(next) => {
                    let may_be_method = token_response::may_be_about_method(&next);
                    failure = Some(match failure {
                        Some(first) => token_response::more_informative(first, next),
                        None => next,
                    });
                    if !may_be_method {
                        break;
                    }
                }
            }
        }
        let failure = failure.unwrap_or(TokenFailure::Missing);
        TokenResult { token: Err(Cause::Token(failure)), exchanges }
    }

    async fn request(
        &self,
        credentials: &ClientCredentials,
        tls: &Tls,
        timeout: Duration,
        method: ClientAuthMethod,
    ) -> (Result<AccessToken, TokenFailure>, Exchange) {
        let requested_at = Instant::now();
        let outgoing = token_request(credentials, tls, timeout, method);
        let exchanged = self.client.exchange(outgoing).await;
        let mut exchange = exchanged.exchange;
        let token = match (exchanged.failure, &exchange.response) {
            (Some(cause), _) => Err(TokenFailure::Exchange(Box::new(cause))),
            (None, Some(response)) => token_response::parse(response, requested_at),
            (None, None) => Err(TokenFailure::Missing),
        };
        if let Some(response) = &mut exchange.response {
            token_response::mask_tokens(&mut response.body);
        }
        (token, exchange)
    }
}
