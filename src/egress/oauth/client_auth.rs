//! Token requests, with both ways to authenticate the client.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::egress::exchange::OutgoingRequest;
use crate::model::exchange::RecordedParts;
use crate::model::webhook::{
    ClientAuthentication, ClientCredentials, OAuthSettings, Tls, basic_credential,
};

/// How the client authenticates in a token request (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuthMethod {
    /// `client_secret_basic`: in the `Authorization` header.
    SecretBasic,
    /// `client_secret_post`: in the body.
    SecretPost,
}

/// Returns the methods to try in turn. `known` is the one that succeeded last.
pub(super) fn methods(
    setting: ClientAuthentication,
    known: Option<ClientAuthMethod>,
) -> &'static [ClientAuthMethod] {
    use ClientAuthMethod::{SecretBasic, SecretPost};
    match (setting, known) {
        (ClientAuthentication::Header, _) => &[SecretBasic],
        (ClientAuthentication::Form, _) => &[SecretPost],
        (ClientAuthentication::Automatic, Some(SecretPost)) => &[SecretPost, SecretBasic],
        (ClientAuthentication::Automatic, _) => &[SecretBasic, SecretPost],
    }
}

/// Builds a token request (RFC 6749, section 4.4.2).
pub(super) fn token_request<'a>(
    credentials: &'a ClientCredentials,
    tls: &'a Tls,
    timeout: Duration,
    method: ClientAuthMethod,
) -> OutgoingRequest<'a> {
    let ClientCredentials { settings, client_secret } = credentials;
    let OAuthSettings { client_id, token_endpoint, scopes, parameters, .. } = settings;
    let label = settings.client_secret.label();
    let mut recorded = RecordedParts::default();
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "client_credentials");
    if !scopes.is_empty() {
        form.append_pair("scope", scopes);
    }
    form.extend_pairs(parameters);
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ("Accept".to_owned(), "application/json".to_owned()),
    ];
    match method {
        ClientAuthMethod::SecretBasic => {
            let encode = |text: &str| -> String {
                url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
            };
            let secret = Zeroizing::new(encode(client_secret.expose()));
            let credential = basic_credential(&encode(client_id), &secret);
            recorded.headers.push((headers.len(), format!("Basic {label}")));
            headers.push(("Authorization".to_owned(), credential));
        }
        ClientAuthMethod::SecretPost => {
            form.append_pair("client_id", client_id);
            let public = form.finish();
            recorded.body = Some(format!("{public}&client_secret={label}"));
            form = url::form_urlencoded::Serializer::new(public);
            form.append_pair("client_secret", client_secret.expose());
        }
    }
    let body = Some(form.finish());
    OutgoingRequest { method: "POST", url: token_endpoint, headers, body, timeout, tls, recorded }
}
