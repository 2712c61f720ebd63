//! Moves credentials that were entered literally into secrets.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::credentials::{Credential, Credentials};
use super::host::AllowedHost;
use super::resolved::{ResolvedSecret, SecretLimits, SecretSet, TokenLimits};
use super::secret_name::SecretName;
use super::value::SecretValue;
use crate::model::webhook::{Draft, Field, FieldErrors};

/// What to do with a credential that was entered literally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretChoice {
    /// Move it into a secret of the webhook, with this name.
    Private(SecretName),
    /// Move it into a new secret that all webhooks may use, with this name.
    Shared(SecretName),
    /// Use this secret instead.
    Existing(SecretName),
    /// Leave it as it is, because it is not a secret.
    NotSecret,
}

/// Choices by the place of the credential. A credential without one is moved into a secret of the webhook.
pub type SecretChoices = BTreeMap<String, SecretChoice>;

/// A secret to store.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// The name. A secret of the webhook with this name is replaced.
    pub name: SecretName,
    /// The value.
    pub value: SecretValue,
    /// Where the value may be sent.
    pub limits: SecretLimits,
    /// Whether all webhooks may use it.
    pub is_shared: bool,
}

/// A draft whose credentials were moved.
#[derive(Debug, Clone)]
pub struct MovedCredentials {
    /// The draft with references in place of the credentials.
    pub draft: Draft,
    /// The secrets to store.
    pub new: Vec<NewSecret>,
    /// What happens to each credential.
    pub found: Vec<FoundCredential>,
    /// The fields from which a private key was removed that has no use there.
    pub removed: Vec<Field>,
}

/// A credential that was entered literally, and what happens to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCredential {
    /// Its place, which identifies it in [`SecretChoices`].
    pub place: String,
    /// What it is, such as `secret_key in the body`.
    pub what: String,
    /// What happens to it.
    pub choice: SecretChoice,
    /// The hosts that it is sent to.
    pub hosts: Vec<AllowedHost>,
    /// Whether everything in this field is a secret.
    pub is_always_secret: bool,
}

impl MovedCredentials {
    /// Returns the secrets that the draft may use: the available ones and the new ones.
    pub fn usable(&self, available: &SecretSet) -> SecretSet {
        let mut usable = available.clone();
        for NewSecret { name, value, limits, is_shared } in &self.new {
            let secret = ResolvedSecret::new(name.clone(), value.clone(), limits.clone());
            usable.insert(Arc::new(ResolvedSecret { is_private: !is_shared, ..secret }));
        }
        usable
    }
}

/// Moves the credentials of a draft into secrets.
///
/// # Errors
/// A choice that is not possible, at the field of the credential.
pub fn move_credentials(
    draft: &Draft,
    available: &SecretSet,
    choices: &SecretChoices,
) -> Result<MovedCredentials, FieldErrors> {
    let draft = &Draft {
        authentication: draft.authentication.clone().only_selected_kind(),
        signing: draft.signing.clone().only_used(),
        ..draft.clone()
    };
    let mut moving = Moving {
        draft,
        available,
        choices,
        referenced: referenced_names(draft),
        new: Vec::new(),
        errors: FieldErrors::default(),
    };
    let mut found = Vec::new();
    let mut not_secrets = draft.not_secrets.clone();
    let credentials = Credentials::find(draft);
    let removed = credentials.iter().filter(|it| it.is_only_removed).map(|it| it.field).collect();
    let mut draft_after = credentials.replace(draft, |credential| {
        let choice = moving.decide(credential);
        let name = match &choice {
            SecretChoice::Private(name)
            | SecretChoice::Shared(name)
            | SecretChoice::Existing(name) => Some(name.clone()),
            SecretChoice::NotSecret => None,
        };
        if name.is_none() && !not_secrets.contains(&credential.place) {
            not_secrets.push(credential.place.clone());
        }
        found.push(FoundCredential {
            place: credential.place.clone(),
            what: credential.what.clone(),
            choice,
            hosts: moving.limits(credential).hosts,
            is_always_secret: credential.is_always_secret,
        });
        name
    });
    draft_after.not_secrets = not_secrets;
    let Moving { new, errors, .. } = moving;
    if errors.is_empty() {
        Ok(MovedCredentials { draft: draft_after, new, found, removed })
    } else {
        Err(errors)
    }
}

struct Moving<'a> {
    draft: &'a Draft,
    available: &'a SecretSet,
    choices: &'a SecretChoices,
    /// The names that the draft refers to already.
    referenced: Vec<SecretName>,
    new: Vec<NewSecret>,
    errors: FieldErrors,
}

impl Moving<'_> {
    /// Decides what happens to a credential, and adds the secret that takes its place.
    fn decide(&mut self, credential: &Credential) -> SecretChoice {
        let mut error = |message: String| self.errors.add(credential.field, message);
        let chosen = self.choices.get(&credential.place);
        let (name, is_shared) = match chosen {
            Some(SecretChoice::NotSecret) if !credential.is_always_secret => {
                return SecretChoice::NotSecret;
            }
            Some(SecretChoice::Existing(name)) => {
                if self.available.find(name.as_str()).is_none() {
                    error(format!(
                        "There is no secret named {name} that this webhook may use: choose another."
                    ));
                }
                return SecretChoice::Existing(name.clone());
            }
            Some(SecretChoice::Private(name)) => (name.clone(), false),
            Some(SecretChoice::Shared(name)) => (name.clone(), true),
            Some(SecretChoice::NotSecret) | None => (self.free_name(credential), false),
        };
        if chosen.is_some() && self.is_taken(&name, credential, is_shared) {
            self.errors.add(
                credential.field,
                format!("The name {name} is used by another secret: choose another name."),
            );
        }
        let limits = self.limits(credential);
        let value = SecretValue::from(credential.value.expose_secret());
        if !self.new.iter().any(|new| new.name == name) {
            self.new.push(NewSecret { name: name.clone(), value, limits, is_shared });
        }
        if is_shared { SecretChoice::Shared(name) } else { SecretChoice::Private(name) }
    }

    /// The suggested name, with a number if it is used by another secret.
    fn free_name(&self, credential: &Credential) -> SecretName {
        let numbered = (1..).map(|number| credential.suggested.numbered(number));
        let mut free = numbered.filter(|name| !self.is_taken(name, credential, false));
        free.next().unwrap_or_else(|| credential.suggested.clone())
    }

    /// Whether a name is used by a secret that is not replaced by this credential.
    fn is_taken(&self, name: &SecretName, credential: &Credential, is_shared: bool) -> bool {
        let is_other = |new: &&NewSecret| {
            new.name == *name
                && (new.value.expose() != credential.value.expose_secret()
                    || new.limits != self.limits(credential))
        };
        let known = self.available.find(name.as_str());
        self.referenced.contains(name)
            || known.is_some_and(|known| is_shared || !known.is_private)
            || self.new.iter().any(|new| is_other(&new))
    }

    /// The value may be sent where it is sent now.
    fn limits(&self, credential: &Credential) -> SecretLimits {
        let host = |url: &str| AllowedHost::of_url(url.trim()).into_iter().collect::<Vec<_>>();
        let target = host(&self.draft.url);
        if credential.field != Field::AuthClientSecret {
            return SecretLimits { hosts: target, tokens: None };
        }
        let auth = &self.draft.authentication;
        let scopes = auth.scopes.split_whitespace().collect::<Vec<_>>().join(" ");
        SecretLimits {
            hosts: host(&auth.token_endpoint_url),
            tokens: Some(TokenLimits { scopes, hosts: target }),
        }
    }
}

/// The names that a draft refers to, and perhaps some more.
fn referenced_names(draft: &Draft) -> Vec<SecretName> {
    let auth = &draft.authentication;
    let texts = [
        &draft.url,
        &draft.body_template,
        &auth.token,
        &auth.password,
        &auth.client_secret,
        &draft.tls.client_key,
        &draft.signing.key,
        &draft.signing.previous_key,
    ];
    let all = texts.into_iter().chain(draft.headers.iter().map(|(_, value)| value));
    all.flat_map(|text| text.split("secrets.").skip(1))
        .filter_map(|rest| {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            SecretName::from_str(rest.get(..end.unwrap_or(rest.len()))?).ok()
        })
        .collect()
}
