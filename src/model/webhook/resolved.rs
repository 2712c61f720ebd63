//! A webhook with the values of its secrets, ready to send.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;
use url::{Position, Url};

use super::auth::{Authentication, ClientCredentials, basic_credential};
use super::errors::{Field, FieldErrors};
use super::request::{RenderError, Rendered};
use super::secret_use::{SecretPlace, SecretUse};
use super::server::server_of;
use super::signing::Signing;
use super::tls::{ClientCertificate, Tls};
use super::validated::Webhook;
use crate::model::Timestamp;
use crate::model::secret::{
    ResolvedSecret, ResponseRedactor, SecretFailure, SecretName, SecretSet, SecretValue,
};
use crate::model::signature::{SignedMessage, SigningKey};
use crate::template::{TemplateData, TemplateSecret};

/// A webhook with the values of its secrets.
#[derive(Debug)]
pub struct ResolvedWebhook {
    webhook: Webhook,
    /// The secrets that the webhook uses.
    secrets: SecretSet,
    uses: Vec<SecretUse>,
    authorization: Option<Authorization>,
    client_credentials: Option<ClientCredentials>,
    /// The keys that sign, each with the time until which it does.
    signing_keys: Vec<(SigningKey, Option<Timestamp>)>,
    tls: Tls,
    /// Replaces the secrets that responses repeat.
    redactor: ResponseRedactor,
    /// A secret that is missing or has an unusable value.
    failure: Option<(Field, SecretFailure)>,
}

/// The `Authorization` header of bearer or basic authentication.
#[derive(Debug, Clone)]
pub struct Authorization {
    /// The value to send.
    pub value: SecretValue,
    /// The value to record.
    pub record: String,
}

impl ResolvedWebhook {
    /// Resolves the references of a webhook. What is missing or unusable is reported by [`ResolvedWebhook::check_target`].
    pub fn new(webhook: Webhook, available: &SecretSet) -> Self {
        let uses = webhook.secret_uses();
        let mut secrets = SecretSet::default();
        let mut failure = None;
        for used in &uses {
            let found = available.find(used.name.as_str());
            let checked = match found {
                Some(secret) => used.check_value(secret.value.expose()),
                None => Err(SecretFailure::Missing { name: used.name.to_string() }),
            };
            failure = failure.or(checked.err().map(|failure| (used.field, failure)));
            if let Some(secret) = found {
                secrets.insert(Arc::clone(secret));
            }
        }
        let value = |name: &SecretName| secrets.find(name.as_str()).map(|it| it.value.clone());
        let (mut authorization, mut client_credentials) = (None, None);
        match webhook.authentication() {
            Authentication::None => {}
            Authentication::Bearer(name) => {
                authorization = value(name).map(|token| Authorization {
                    value: format!("Bearer {}", token.expose()).into(),
                    record: format!("Bearer {}", name.label()),
                });
            }
            Authentication::Basic { username, password } => {
                let password_value = password.as_ref().and_then(value);
                let exposed = password_value.as_ref().map_or("", SecretValue::expose);
                let credential = basic_credential(username, exposed);
                let label = password.as_ref().map(SecretName::label);
                let record = label.map_or_else(|| credential.clone(), |it| format!("Basic {it}"));
                authorization = Some(Authorization { value: credential.into(), record });
            }
            Authentication::OAuth(settings) => {
                client_credentials = value(&settings.client_secret).map(|client_secret| {
                    ClientCredentials { settings: settings.clone(), client_secret }
                });
            }
        }
        let signing_keys = signing_keys(&webhook, value);
        let mut tls = webhook.tls().clone();
        if let Some((certificate, key)) = &webhook.client_certificate {
            let certificate = certificate.clone();
            tls.client = value(key).map(|key| ClientCertificate { certificate, key });
        }
        let sent = uses.iter().filter(|used| used.place.is_sent());
        let sent = sent.filter_map(|used| secrets.find(used.name.as_str()));
        let redactor = ResponseRedactor::new(
            sent.map(|secret| (secret.label.clone(), secret.value.expose().into())),
        );
        Self {
            webhook,
            secrets,
            uses,
            authorization,
            client_credentials,
            signing_keys,
            tls,
            redactor,
            failure,
        }
    }

    /// The webhook.
    pub fn webhook(&self) -> &Webhook {
        &self.webhook
    }

    /// The secrets that the webhook uses.
    pub fn secrets(&self) -> &SecretSet {
        &self.secrets
    }

    /// The `Authorization` header of bearer or basic authentication.
    pub fn authorization(&self) -> Option<&Authorization> {
        self.authorization.as_ref()
    }

    /// The credentials of the OAuth client.
    pub fn client_credentials(&self) -> Option<&ClientCredentials> {
        self.client_credentials.as_ref()
    }

    /// Returns the value of the header `webhook-signature`: a signature of each key that signs at this time. `None` if
    /// requests are not signed.
    pub fn sign(&self, message: &SignedMessage<'_>, now: Timestamp) -> Option<String> {
        let signing = self.signing_keys.iter();
        let signing = signing.filter(|(_, until)| until.is_none_or(|until| now < until));
        let signatures: Vec<String> = signing.map(|(key, _)| key.sign(message)).collect();
        (!signatures.is_empty()).then(|| signatures.join(" "))
    }

    /// The keys that sign, each with the time until which it does: first the current one, then the previous one.
    pub fn signing_keys(&self) -> &[(SigningKey, Option<Timestamp>)] {
        &self.signing_keys
    }

    /// The TLS settings, with the client certificate and its key.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// Replaces the secrets that responses repeat.
    pub fn redactor(&self) -> &ResponseRedactor {
        &self.redactor
    }

    /// Renders the request. `raw` is the event as received, which is sent if there is no body template.
    ///
    /// # Errors
    /// The first template that could not be rendered.
    pub fn render(
        &self,
        payload: &Value,
        (delivery_id, attempt): (&str, u32),
        raw: &str,
    ) -> Result<Rendered, RenderError> {
        let secrets: Vec<TemplateSecret<'_>> =
            self.secrets.iter().map(|secret| secret.for_template()).collect();
        let payload = Cow::Borrowed(payload);
        let data = TemplateData::new(payload, delivery_id, attempt, self.webhook.name(), &secrets);
        self.webhook.render(&data, Some(raw))
    }

    /// Checks that every secret of the webhook exists, has a usable value, and may be sent to the host of a request.
    ///
    /// # Errors
    /// The first secret for which that is not so, with the field that refers to it.
    pub fn check_target(&self, url: &Url) -> Result<(), (Field, SecretFailure)> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        for used in &self.uses {
            if let Some(secret) = self.secrets.find(used.name.as_str()) {
                self.check_limits(used, secret, url).map_err(|failure| (used.field, failure))?;
            }
        }
        Ok(())
    }

    fn check_limits(
        &self,
        used: &SecretUse,
        secret: &ResolvedSecret,
        url: &Url,
    ) -> Result<(), SecretFailure> {
        let (SecretPlace::ClientSecret, Authentication::OAuth(settings)) =
            (used.place, self.webhook.authentication())
        else {
            // Otherwise it could be sent in a token request that is not subject to its limits.
            if secret.limits.tokens.is_some() {
                return Err(SecretFailure::OnlyForTokens { name: secret.name.to_string() });
            }
            let is_allowed = secret.limits.allow(url);
            return if is_allowed { Ok(()) } else { Err(SecretFailure::host(secret, host(url))) };
        };
        let name = secret.name.to_string();
        let Some(tokens) = &secret.limits.tokens else {
            return Err(SecretFailure::NotForTokens { name });
        };
        if !secret.limits.allow(&settings.token_endpoint) {
            return Err(SecretFailure::host(secret, host(&settings.token_endpoint)));
        }
        if settings.scopes.trim().is_empty() && !tokens.scopes.trim().is_empty() {
            return Err(SecretFailure::NoScope { name, allowed: tokens.scopes.clone() });
        }
        if let Some(scope) = tokens.forbidden_scope(&settings.scopes) {
            return Err(SecretFailure::Scope { name, scope: scope.to_owned() });
        }
        if !tokens.allow(url) {
            let allowed = tokens.hosts.iter().map(ToString::to_string).collect();
            return Err(SecretFailure::TokenHost { name, host: host(url), allowed });
        }
        Ok(())
    }

    /// Does the same as [`ResolvedWebhook::check_target`] for the host of the webhook's URL, which placeholders cannot change.
    ///
    /// # Errors
    /// The error, at its field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let server = server_of(&self.webhook.draft().url)
            .map_err(|message| FieldErrors::single(Field::Url, message))?;
        self.check_target(&server)
            .map_err(|(field, failure)| FieldErrors::single(field, failure.message()))
    }
}

/// The keys of a webhook whose values can be used. The others are reported by [`ResolvedWebhook::check_target`].
fn signing_keys(
    webhook: &Webhook,
    value: impl Fn(&SecretName) -> Option<SecretValue>,
) -> Vec<(SigningKey, Option<Timestamp>)> {
    let Some(Signing { scheme, key, previous }) = webhook.signing() else { return Vec::new() };
    let current = value(key).and_then(|key| SigningKey::parse(*scheme, key.expose()).ok());
    let previous = previous.as_ref().and_then(|(name, until)| {
        Some((SigningKey::parse_any(value(name)?.expose()).ok()?, Some(*until)))
    });
    current.map(|current| (current, None)).into_iter().chain(previous).collect()
}

/// Scheme, host and port of a URL, as an allowed host is written.
fn host(url: &Url) -> String {
    url[..Position::BeforePath].to_owned()
}
