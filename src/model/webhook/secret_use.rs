//! Where a webhook uses secrets.

use super::auth::Authentication;
use super::errors::Field;
use super::signing::Signing;
use super::validated::Webhook;
use crate::model::secret::{SecretFailure, SecretName};
use crate::model::signature::{SignatureScheme, SigningKey};
use crate::template::Template;

/// A reference to a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    /// The field that contains the reference.
    pub field: Field,
    /// The name of the secret.
    pub name: SecretName,
    /// What the value is used as.
    pub(super) place: SecretPlace,
}

/// What the value of a secret is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecretPlace {
    /// A part of a template, which escapes it.
    Template,
    /// The token of bearer authentication.
    BearerToken,
    /// The password of basic authentication.
    Password,
    /// The secret of an OAuth client.
    ClientSecret,
    /// A key for signatures.
    SigningKey(SignatureScheme),
    /// The previous key for signatures. It can be of another scheme, so that a change of the scheme does not end it.
    PreviousSigningKey,
    /// The private key of a client certificate.
    ClientKey,
}

impl SecretPlace {
    /// Whether the value is part of what is sent.
    pub(super) fn is_sent(self) -> bool {
        !matches!(self, Self::ClientKey | Self::SigningKey(_) | Self::PreviousSigningKey)
    }
}

impl SecretUse {
    /// Checks that a value can be used in this place.
    pub(super) fn check_value(&self, value: &str) -> Result<(), SecretFailure> {
        let problem = match self.place {
            SecretPlace::BearerToken if starts_with_bearer(value) => {
                "starts with the word Bearer, which Gatepost adds"
            }
            SecretPlace::BearerToken if value.chars().any(char::is_whitespace) => {
                "contains a space or line break, which a token cannot have"
            }
            SecretPlace::BearerToken if ::http::HeaderValue::try_from(value).is_err() => {
                "contains a control character"
            }
            SecretPlace::Password if value.chars().any(char::is_control) => {
                "contains a control character, such as a line break"
            }
            SecretPlace::Template if self.is_in_header() && value.chars().any(is_control) => {
                "contains a control character, such as a line break, which a header cannot have"
            }
            SecretPlace::SigningKey(scheme) => match SigningKey::parse(scheme, value) {
                Ok(_) => return Ok(()),
                Err(problem) => problem,
            },
            SecretPlace::PreviousSigningKey => match SigningKey::parse_any(value) {
                Ok(_) => return Ok(()),
                Err(problem) => problem,
            },
            SecretPlace::Template
            | SecretPlace::BearerToken
            | SecretPlace::Password
            | SecretPlace::ClientSecret
            | SecretPlace::ClientKey => return Ok(()),
        };
        Err(SecretFailure::Value { name: self.name.to_string(), problem: problem.to_owned() })
    }

    fn is_in_header(&self) -> bool {
        matches!(self.field, Field::Header(_))
    }
}

fn starts_with_bearer(value: &str) -> bool {
    value.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer "))
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\t'
}

impl Webhook {
    /// Returns the references to secrets, in the order of the form.
    pub fn secret_uses(&self) -> Vec<SecretUse> {
        let mut uses = Vec::new();
        let mut add = |field, name: SecretName, place| uses.push(SecretUse { field, name, place });
        let headers = self.headers.iter().enumerate();
        let templates = std::iter::once((Field::Url, &self.url))
            .chain(self.body.iter().map(|body| (Field::BodyTemplate, body)))
            .chain(headers.map(|(row, (_, template))| (Field::Header(row), template)));
        for (field, template) in templates {
            for name in Template::secrets(template).into_iter().filter_map(|it| it.parse().ok()) {
                add(field, name, SecretPlace::Template);
            }
        }
        match &self.authentication {
            Authentication::None | Authentication::Basic { password: None, .. } => {}
            Authentication::Bearer(name) => {
                add(Field::AuthToken, name.clone(), SecretPlace::BearerToken);
            }
            Authentication::Basic { password: Some(name), .. } => {
                add(Field::AuthPassword, name.clone(), SecretPlace::Password);
            }
            Authentication::OAuth(settings) => {
                let name = settings.client_secret.clone();
                add(Field::AuthClientSecret, name, SecretPlace::ClientSecret);
            }
        }
        if let Some(Signing { scheme, key, previous }) = &self.signing {
            add(Field::SigningKey, key.clone(), SecretPlace::SigningKey(*scheme));
            if let Some((name, _)) = previous {
                add(Field::SigningPreviousKey, name.clone(), SecretPlace::PreviousSigningKey);
            }
        }
        if let Some((_, name)) = &self.client_certificate {
            add(Field::TlsClientKey, name.clone(), SecretPlace::ClientKey);
        }
        uses
    }

    /// Returns the names of the secrets that the webhook uses, sorted and without duplicates.
    pub fn secret_names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.secret_uses().into_iter().map(|used| used.name.to_string()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
