//! The provider: its metadata and keys, cached.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::{DiscoveryError, EndSessionUrl, IssuerUrl, JsonWebKeySet};
use tokio::sync::Mutex;

use super::error::{OidcError, chain};
use super::http_client::{HttpError, ProviderClient};
use super::metadata::Metadata;

/// How long metadata and keys are used.
const METADATA_VALIDITY: Duration = Duration::from_hours(1);
/// Minimum time between two requests for the keys because of an unknown one.
const KEY_REFRESH_INTERVAL: Duration = Duration::from_secs(10);
/// How long a failure is reported without another request, so that visitors do not wait for each other.
const FAILURE_VALIDITY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Provider {
    issuer: String,
    http: ProviderClient,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    loaded: Option<(Arc<Metadata>, Instant)>,
    failed: Option<(OidcError, Instant)>,
    keys_refreshed_at: Option<Instant>,
}

impl Provider {
    pub(super) fn new(issuer: String, http: ProviderClient) -> Self {
        Self { issuer, http, cache: Mutex::default() }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) fn http(&self) -> &ProviderClient {
        &self.http
    }

    /// Returns the metadata and the keys.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, OidcError> {
        let mut cache = self.cache.lock().await;
        if let Some((metadata, at)) = &cache.loaded
            && at.elapsed() < METADATA_VALIDITY
        {
            return Ok(Arc::clone(metadata));
        }
        if let Some((error, at)) = &cache.failed
            && at.elapsed() < FAILURE_VALIDITY
        {
            return Err(error.clone());
        }
        match self.discover().await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *cache = Cache {
                    loaded: Some((Arc::clone(&metadata), Instant::now())),
                    keys_refreshed_at: cache.keys_refreshed_at,
                    failed: None,
                };
                Ok(metadata)
            }
            Err(error) => {
                tracing::warn!(%error, "could not reach the identity provider");
                cache.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    /// Forgets the metadata, because a request failed that used it.
    pub(super) async fn forget(&self) {
        self.cache.lock().await.loaded = None;
    }

    /// Reads the keys again, because a token was signed with one that these do not contain. Returns the same metadata if
    /// they were read recently.
    pub(super) async fn refresh_keys(
        &self,
        known: &Arc<Metadata>,
    ) -> Result<Arc<Metadata>, OidcError> {
        let mut cache = self.cache.lock().await;
        // Another sign-in may have read them while this one waited.
        if let Some((metadata, _)) = &cache.loaded
            && !Arc::ptr_eq(metadata, known)
        {
            return Ok(Arc::clone(metadata));
        }
        let is_recent = |at: Instant| at.elapsed() < KEY_REFRESH_INTERVAL;
        if cache.keys_refreshed_at.is_some_and(is_recent) {
            return Ok(Arc::clone(known));
        }
        cache.keys_refreshed_at = Some(Instant::now());
        let keys = JsonWebKeySet::fetch_async(known.jwks_uri(), &self.http).await;
        let keys = keys.map_err(|error| unavailable(&error))?;
        let metadata = Arc::new(Metadata::clone(known).set_jwks(keys));
        cache.loaded = Some((Arc::clone(&metadata), Instant::now()));
        tracing::info!("read the keys of the identity provider again");
        Ok(metadata)
    }

    async fn discover(&self) -> Result<Metadata, OidcError> {
        let issuer = IssuerUrl::new(self.issuer.clone())
            .map_err(|error| OidcError::Unavailable(error.to_string()))?;
        let metadata = Metadata::discover_async(issuer, &self.http).await;
        let metadata = metadata.map_err(|error| unavailable(&error))?;
        if metadata.token_endpoint().is_none() {
            let message = "the provider has no token endpoint, so it does not support the authorization code flow";
            return Err(OidcError::Unavailable(message.to_owned()));
        }
        let sign_out = &metadata.additional_metadata().end_session_endpoint;
        let sign_out = sign_out.as_ref().map(EndSessionUrl::url);
        let for_browsers = [Some(metadata.authorization_endpoint().url()), sign_out];
        if let Some(url) = for_browsers.into_iter().flatten().find(|url| !self.http.permits(url)) {
            return Err(OidcError::Unavailable(HttpError::PlainHttp(url.to_string()).to_string()));
        }
        Ok(metadata)
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the library's enum is non-exhaustive")]
fn unavailable(error: &DiscoveryError<HttpError>) -> OidcError {
    OidcError::Unavailable(match error {
        DiscoveryError::Validation(detail) => {
            format!("the provider has another issuer than GATEPOST_OIDC_ISSUER: {detail}")
        }
        DiscoveryError::Response(status, _, detail) if status.is_success() => {
            format!("the response cannot be used: {detail}")
        }
        DiscoveryError::Response(status, _, _) => format!("the response has the status {status}"),
        other => chain(other),
    })
}
