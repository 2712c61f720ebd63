//! Sends a browser to the provider.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod};
use openidconnect::{
    AuthType, AuthenticationContextClass, ClientId, ClientSecret, CsrfToken, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use secrecy::ExposeSecret;
use url::Url;

use super::claims::ProtocolClient;
use super::error::OidcError;
use super::metadata::Metadata;
use super::pending::{self, Pending, Purpose};
use super::{Oidc, Parts};

/// The scope that the library adds itself.
const OPENID: &str = "openid";
/// Maximum age of the session at the provider. With one, the ID token says when the user entered credentials (OpenID Connect
/// Core, section 3.1.2.1). It is long, so that users do not enter them more often than the provider wants.
const MAX_SESSION_AGE: Duration = Duration::from_hours(365 * 24);
const GOOGLE: &str = "https://accounts.google.com";

/// A sign-in that has started.
#[derive(Debug, Clone)]
pub struct Started {
    /// The address at the provider.
    pub url: Url,
    /// The value of the browser's cookie.
    pub cookie: String,
}

impl Oidc {
    /// Starts a sign-in of a browser with this cookie. `next` is where to go afterwards.
    ///
    /// # Errors
    /// If the provider cannot be reached.
    pub async fn start(
        &self,
        purpose: Purpose,
        next: &str,
        cookie: Option<&str>,
    ) -> Result<Started, OidcError> {
        let parts = &*self.0;
        let metadata = parts.provider.metadata().await?;
        // 256 bits each. The verifier has 43 characters, the minimum (RFC 7636, section 4.1).
        let random = || URL_SAFE_NO_PAD.encode(parts.sources.bytes::<32>());
        let pending = Pending {
            state: random(),
            nonce: random(),
            verifier: random(),
            purpose,
            next: next.to_owned(),
            started_at: parts.sources.now(),
        };
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let (state, nonce) = (pending.state.clone(), pending.nonce.clone());
        let client = parts.protocol_client(&metadata);
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        for scope in parts.scopes.iter().filter(|scope| *scope != OPENID) {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for class in &parts.acr_values {
            request =
                request.add_auth_context_value(AuthenticationContextClass::new(class.clone()));
        }
        request = match pending.purpose {
            Purpose::SignIn => request.set_max_age(MAX_SESSION_AGE),
            Purpose::OtherAccount => {
                request.add_prompt(account_prompt(&metadata)).set_max_age(MAX_SESSION_AGE)
            }
            Purpose::Confirm => {
                request.add_prompt(CoreAuthPrompt::Login).set_max_age(Duration::ZERO)
            }
        };
        let (url, _state, _nonce) = request.url();
        Ok(Started { url, cookie: pending::add(&pending.seal(&parts.vault)?, cookie) })
    }

    /// Returns the address at which the user signs out at the provider. `None` if the provider has none, or cannot be
    /// reached.
    pub async fn sign_out_url(&self, id_token: Option<&str>) -> Option<Url> {
        let parts = &*self.0;
        let metadata = parts.provider.metadata().await.ok()?;
        let endpoint = metadata.additional_metadata().end_session_endpoint.as_ref()?;
        let mut url = endpoint.url().clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(token) = id_token {
                query.append_pair("id_token_hint", token);
            }
            query.append_pair("client_id", &parts.client_id);
            query.append_pair("post_logout_redirect_uri", parts.signed_out_url.as_str());
        }
        Some(url)
    }
}

/// Returns the prompt with which the user can choose another account. Every provider must support `login`, apart from
/// Google, which only supports `select_account`.
fn account_prompt(metadata: &Metadata) -> CoreAuthPrompt {
    let values = &metadata.additional_metadata().prompt_values_supported;
    let is_listed = values.iter().flatten().any(|value| value == "select_account");
    if is_listed || metadata.issuer().as_str() == GOOGLE {
        CoreAuthPrompt::SelectAccount
    } else {
        CoreAuthPrompt::Login
    }
}

impl Parts {
    pub(super) fn protocol_client(&self, metadata: &Metadata) -> ProtocolClient {
        let methods = metadata.token_endpoint_auth_methods_supported();
        let is_basic = methods
            .is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let secret = ClientSecret::new(self.client_secret.expose_secret().to_owned());
        let id = ClientId::new(self.client_id.clone());
        ProtocolClient::from_provider_metadata(metadata.clone(), id, Some(secret))
            .set_auth_type(if is_basic { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_redirect_uri(RedirectUrl::from_url(self.redirect_url.clone()))
    }
}
