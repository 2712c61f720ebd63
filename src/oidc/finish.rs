//! Reads the provider's response, and exchanges its code for a token.

use std::sync::Arc;

use openidconnect::core::{CoreErrorResponseType, CoreGenderClaim};
use openidconnect::{
    AccessToken, AuthorizationCode, OAuth2TokenResponse, PkceCodeVerifier, RequestTokenError,
    TokenResponse,
};
use serde::Deserialize;
use serde_json::Value;

use super::claims::{self, OtherClaims, ProtocolClient, Token, TokenClaims, UserInfo};
use super::error::{OidcError, Rejection, chain, printable};
use super::metadata::Metadata;
use super::pending::{PENDING_VALIDITY, Pending, Purpose};
use super::roles::MissingRole;
use super::verify::{self, VerifyError, check_class};
use super::{Oidc, Parts};
use crate::identity::Role;
use crate::model::Timestamp;

/// Longest text of the provider that is shown, in characters.
const MAX_TEXT_CHARS: usize = 200;

/// The provider's response, in the address that it sends the browser to.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Callback {
    /// The authorization code.
    pub code: String,
    /// The state of the sign-in.
    pub state: String,
    /// The issuer (RFC 9207).
    pub iss: Option<String>,
    /// The error, if there is one.
    pub error: String,
    /// More about the error.
    pub error_description: String,
}

/// A user, as the provider describes them.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The provider's identifier.
    pub issuer: String,
    /// The user's identifier at the provider, which never changes.
    pub subject: String,
    /// The email address.
    pub email: Option<String>,
    /// Whether the provider has verified the address.
    pub is_email_verified: bool,
    /// The role by the claim, or why it gives none.
    pub role: Result<Role, MissingRole>,
    /// When the user last entered credentials at the provider, if the provider says so.
    pub authenticated_at: Option<Timestamp>,
    /// The ID token, which identifies the user when they sign out at the provider.
    pub id_token: String,
}

/// A sign-in that the provider has confirmed.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The user.
    pub identity: Identity,
    /// What the sign-in is for.
    pub purpose: Purpose,
    /// Where to go.
    pub next: String,
}

impl Oidc {
    /// Finishes the sign-in of a browser with this cookie.
    ///
    /// # Errors
    /// If the provider cannot be reached, or anything of its response cannot be trusted.
    pub async fn finish(
        &self,
        callback: &Callback,
        cookie: Option<&str>,
    ) -> Result<Finished, OidcError> {
        let parts = &*self.0;
        let now = parts.sources.now();
        let pending = Pending::open(cookie, &callback.state, &parts.vault, now)?;
        if !parts.used_states.add(&pending.state, now, PENDING_VALIDITY) {
            return Err(Rejection::Replayed.into());
        }
        let metadata = parts.provider.metadata().await?;
        check_issuer(callback, &metadata)?;
        if !callback.error.is_empty() {
            return Err(refusal(callback).into());
        }
        if callback.code.is_empty() {
            return Err(Rejection::Refused("the response contains no code".to_owned()).into());
        }
        let client = parts.protocol_client(&metadata);
        let (token, access_token) = parts.exchange(&client, &callback.code, &pending).await?;
        let claims = parts.verify(&token, metadata, &pending).await?;
        check_class(&claims, &parts.acr_values)?;
        let identity = parts.identity(&client, &claims, &token, access_token).await?;
        Ok(Finished { identity, purpose: pending.purpose, next: pending.next })
    }
}

/// Checks that the response comes from this provider, and not from another one that it was mixed up with (RFC 9207).
fn check_issuer(callback: &Callback, metadata: &Metadata) -> Result<(), Rejection> {
    let is_right = match &callback.iss {
        Some(issuer) => issuer == metadata.issuer().as_str(),
        None => !metadata.additional_metadata().authorization_response_iss_parameter_supported,
    };
    if is_right { Ok(()) } else { Err(Rejection::OtherProvider) }
}

fn refusal(callback: &Callback) -> Rejection {
    if callback.error == "access_denied" {
        return Rejection::Cancelled;
    }
    let text = match callback.error_description.as_str() {
        "" => callback.error.clone(),
        description => format!("{}: {description}", callback.error),
    };
    Rejection::Refused(printable(&text, MAX_TEXT_CHARS))
}

impl Parts {
    async fn exchange(
        &self,
        client: &ProtocolClient,
        code: &str,
        pending: &Pending,
    ) -> Result<(Token, AccessToken), OidcError> {
        let unavailable = |text: String| OidcError::Unavailable(text);
        let verifier = PkceCodeVerifier::new(pending.verifier.clone());
        let exchange = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| unavailable(error.to_string()))?
            .set_pkce_verifier(verifier)
            .request_async(self.provider.http())
            .await;
        let response = match exchange {
            Ok(response) => response,
            Err(RequestTokenError::ServerResponse(error)) => {
                let text = printable(&error.to_string(), MAX_TEXT_CHARS);
                return Err(if *error.error() == CoreErrorResponseType::InvalidGrant {
                    Rejection::Code(text).into()
                } else {
                    unavailable(format!("the provider refused the code: {text}"))
                });
            }
            Err(RequestTokenError::Request(error)) => {
                self.provider.forget().await;
                return Err(unavailable(chain(&error)));
            }
            // The response may contain tokens, so it is not repeated.
            Err(RequestTokenError::Parse(error, _)) => {
                let text = format!("the token response cannot be read at \"{}\"", error.path());
                return Err(unavailable(text));
            }
            Err(RequestTokenError::Other(text)) => {
                return Err(unavailable(printable(&text, MAX_TEXT_CHARS)));
            }
        };
        let token = response.id_token().cloned();
        let token =
            token.ok_or_else(|| unavailable("the token response has no ID token".to_owned()))?;
        Ok((token, response.access_token().clone()))
    }

    /// Verifies the token, if necessary with new keys of the provider.
    async fn verify(
        &self,
        token: &Token,
        metadata: Arc<Metadata>,
        pending: &Pending,
    ) -> Result<TokenClaims, OidcError> {
        let verify = |metadata: &Metadata| {
            let client = (self.client_id.as_str(), self.keys);
            verify::verify(token, metadata, client, pending, self.sources.now())
        };
        match verify(&metadata) {
            Ok(claims) => Ok(claims),
            Err(VerifyError::Rejected(rejection)) => Err(rejection.into()),
            Err(VerifyError::UnknownKey(_)) => {
                let metadata = self.provider.refresh_keys(&metadata).await?;
                verify(&metadata).map_err(|error| match error {
                    VerifyError::UnknownKey(rejection) | VerifyError::Rejected(rejection) => {
                        rejection.into()
                    }
                })
            }
        }
    }

    /// Collects what the ID token says about the user, and what only `UserInfo` says.
    async fn identity(
        &self,
        client: &ProtocolClient,
        claims: &TokenClaims,
        token: &Token,
        access_token: AccessToken,
    ) -> Result<Identity, OidcError> {
        let mut values = self.roles.values(&claims.additional_claims().to_value());
        let mut email = claims.email().map(|email| email.to_string());
        let mut is_email_verified =
            claims.email_verified().unwrap_or_else(|| claims::is_owned_by_tenant(claims));
        let mut present = claims::names(claims);
        if (values.is_none() || email.is_none()) && client.user_info_url().is_some() {
            let info = self.user_info(client, claims, access_token).await?;
            values = values.or_else(|| self.roles.values(&info_claims(&info)));
            present.extend(claims::names(&info));
            if email.is_none() {
                email = info.email().map(|email| email.to_string());
                is_email_verified = info.email_verified().unwrap_or(false);
            }
        }
        let role = self.roles.role(values.as_deref().unwrap_or_default());
        Ok(Identity {
            role: role.ok_or_else(|| self.roles.missing(values, present)),
            issuer: claims.issuer().to_string(),
            subject: claims.subject().to_string(),
            email,
            is_email_verified,
            authenticated_at: claims.auth_time(),
            id_token: token.to_string(),
        })
    }

    async fn user_info(
        &self,
        client: &ProtocolClient,
        claims: &TokenClaims,
        access_token: AccessToken,
    ) -> Result<UserInfo, OidcError> {
        let subject = claims.subject().clone();
        client
            .user_info(access_token, Some(subject))
            .map_err(|error| OidcError::Unavailable(error.to_string()))?
            .request_async::<OtherClaims, _, CoreGenderClaim>(self.provider.http())
            .await
            .map_err(|error| OidcError::Unavailable(format!("UserInfo: {}", chain(&error))))
    }
}

fn info_claims(info: &UserInfo) -> Value {
    info.additional_claims().to_value()
}
