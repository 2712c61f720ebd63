//! Single sign-on: signs users in with an OpenID Connect provider (authorization code flow with PKCE).
//!
//! This module sends browsers to the provider and verifies what comes back. It does not know which users exist: its result
//! is an [`Identity`] with a role. Requests to the provider use the same client and the same address rules as deliveries.

mod claims;
mod error;
mod finish;
mod http_client;
mod metadata;
mod pending;
mod provider;
mod roles;
mod start;
mod used_states;
mod verify;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use url::Url;

pub use error::{OidcError, Rejection, SkewedClock};
pub use finish::{Callback, Finished, Identity};
pub use pending::{PENDING_VALIDITY, Purpose};
pub use roles::{MissingRole, RoleMapping, RoleMappingError};
pub use start::Started;

use crate::config::OidcSettings;
use crate::egress::Client;
use crate::model::Sources;
use crate::model::security_policy::KeyPolicy;
use crate::model::webhook::{Tls, Trust};
use crate::vault::Vault;
use http_client::ProviderClient;
use provider::Provider;
use used_states::UsedStates;

/// Path to which the provider sends users back.
const CALLBACK_PATH: &str = "/login/sso/callback";
/// Path to which the provider sends users who have signed out.
const SIGNED_OUT_PATH: &str = "/login";
/// What an encrypted ID token is for.
const ID_TOKEN_PLACE: &str = "sessions.id_token";
/// What the encrypted description of a failed sign-in is for.
const FAILURE_PLACE: &str = "cookie/failed sign-in";

/// Signs users in with the configured provider. Clones share the cached metadata of the provider.
#[derive(Debug, Clone)]
pub struct Oidc(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    client_id: String,
    client_secret: SecretString,
    scopes: Vec<String>,
    acr_values: Vec<String>,
    name: String,
    redirect_url: Url,
    signed_out_url: Url,
    roles: RoleMapping,
    provider: Provider,
    /// What is required of the keys and signatures of ID tokens.
    keys: KeyPolicy,
    /// Encrypts the cookies of sign-ins in progress.
    vault: Vault,
    used_states: UsedStates,
    sources: Sources,
}

impl Oidc {
    /// Uses a provider. `vault` has a key that is used for nothing else. No connection is made yet.
    ///
    /// # Errors
    /// If the mapping of roles cannot be used, or the authorities of the settings.
    pub fn new(
        settings: &OidcSettings,
        client: Client,
        keys: KeyPolicy,
        vault: Vault,
        sources: Sources,
    ) -> Result<Self, String> {
        let roles = RoleMapping::parse(&settings.role_claim, &settings.roles)
            .map_err(|error| error.to_string())?;
        let tls = Tls::from(match &settings.authorities {
            Some(pem) => Trust::PublicAnd(pem.clone()),
            None => Trust::Public,
        });
        client.check_tls(&tls).map_err(|error| format!("GATEPOST_OIDC_CA_FILE: {error}"))?;
        let http = ProviderClient::new(client, tls, settings.allow_http);
        let page = |path: &str| {
            let mut url = settings.public_url.clone();
            url.set_path(path);
            url
        };
        Ok(Self(Arc::new(Parts {
            client_id: settings.client_id.clone(),
            client_secret: settings.client_secret.clone(),
            scopes: settings.scopes.clone(),
            acr_values: settings.acr_values.clone(),
            name: settings.name.clone(),
            redirect_url: page(CALLBACK_PATH),
            signed_out_url: page(SIGNED_OUT_PATH),
            roles,
            provider: Provider::new(settings.issuer.clone(), http),
            keys,
            vault,
            used_states: UsedStates::default(),
            sources,
        })))
    }

    /// Returns the provider's name on pages.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the provider's identifier.
    pub fn issuer(&self) -> &str {
        self.0.provider.issuer()
    }

    /// Returns the address to which the provider sends users back, which must be registered there.
    pub fn redirect_url(&self) -> &Url {
        &self.0.redirect_url
    }

    /// Encrypts an ID token for the database.
    ///
    /// # Errors
    /// If it is too long.
    pub fn seal_token(&self, token: &str) -> Result<Vec<u8>, OidcError> {
        let sealed = self.0.vault.seal(ID_TOKEN_PLACE, token.as_bytes());
        sealed.map_err(|error| OidcError::Internal(error.to_string()))
    }

    /// Decrypts an ID token. `None` if it was encrypted with another key.
    pub fn open_token(&self, sealed: &[u8]) -> Option<String> {
        let token = self.0.vault.open(ID_TOKEN_PLACE, sealed).ok()?;
        String::from_utf8(token).ok()
    }

    /// Removes a sign-in from the cookie of its browser. Empty if there is no other.
    pub fn remove_pending(&self, cookie: &str, state: &str) -> String {
        pending::remove(cookie, state, &self.0.vault)
    }

    /// Encrypts the description of a failed sign-in for a cookie.
    ///
    /// # Errors
    /// If it is too long.
    pub fn seal_failure(&self, text: &[u8]) -> Result<String, OidcError> {
        let sealed = self.0.vault.seal(FAILURE_PLACE, text);
        let sealed = sealed.map_err(|error| OidcError::Internal(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Decrypts the description of a failed sign-in. `None` if Gatepost has not written it.
    pub fn open_failure(&self, cookie: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        self.0.vault.open(FAILURE_PLACE, &sealed).ok()
    }

    /// Reads the provider's metadata and keys, unless they are cached.
    ///
    /// # Errors
    /// If the provider cannot be reached, its metadata cannot be used, or none of its signatures is accepted.
    pub async fn check(&self) -> Result<(), OidcError> {
        let metadata = self.0.provider.metadata().await?;
        verify::check_algorithms(&metadata, self.0.keys).map_err(OidcError::from)
    }
}
