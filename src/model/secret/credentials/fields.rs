//! Fields that are secret as a whole, and private keys in the fields of certificates.

use std::collections::HashSet;

use super::tokens;
use super::{Credential, Text};
use crate::model::secret::SecretName;
use crate::model::webhook::{Draft, Field, preset};

/// Finds the credentials in the fields of the authentication and of TLS.
pub(super) fn find(draft: &Draft) -> Vec<Credential> {
    let auth = &draft.authentication;
    let token = auth.token.trim();
    // Gatepost adds the scheme.
    let has_scheme = token.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer "));
    let bare_token = if has_scheme { token.get(7..).unwrap_or_default().trim() } else { token };
    let whole = [
        (
            Text::Token,
            Field::AuthToken,
            "auth.token",
            "The bearer token",
            "bearer_token",
            bare_token,
        ),
        (
            Text::Password,
            Field::AuthPassword,
            "auth.password",
            "The password",
            "password",
            auth.password.as_str(),
        ),
        (
            Text::ClientSecret,
            Field::AuthClientSecret,
            "auth.client_secret",
            "The client secret",
            "client_secret",
            auth.client_secret.trim(),
        ),
        (
            Text::ClientKey,
            Field::TlsClientKey,
            "tls.client_key",
            "The private key of the client certificate",
            "client_key",
            draft.tls.client_key.as_str(),
        ),
        (
            Text::SigningKey,
            Field::SigningKey,
            "signing.key",
            "The key for signatures",
            "signing_key",
            draft.signing.key.trim(),
        ),
        (
            Text::SigningPreviousKey,
            Field::SigningPreviousKey,
            "signing.previous_key",
            "The previous key for signatures",
            "previous_signing_key",
            draft.signing.previous_key.trim(),
        ),
    ];
    let mut found: Vec<Credential> = whole
        .into_iter()
        .filter(|(_, _, _, _, _, value)| {
            let value = value.trim();
            !value.is_empty()
                && SecretName::in_reference(value).is_none()
                && !preset::is_placeholder(value)
        })
        .map(|(text, field, place, what, name, value)| Credential {
            field,
            place: place.to_owned(),
            what: what.to_owned(),
            suggested: SecretName::suggest(name),
            value: value.into(),
            is_always_secret: true,
            is_only_removed: false,
            text,
            range: 0..text.get(draft).map_or(0, str::len),
        })
        .collect();
    add_private_keys(draft, &mut found);
    found
}

/// Adds the private keys that were pasted with certificates. The first one belongs into the field of the client key,
/// if that is empty.
fn add_private_keys(draft: &Draft, found: &mut Vec<Credential>) {
    let mut needs_key = draft.tls.client_key.trim().is_empty();
    for (text, field, place, what) in [
        (
            Text::Certificate,
            Field::TlsClientCertificate,
            "tls.client_certificate",
            "A private key in the client certificate",
        ),
        (Text::Authority, Field::TlsPem, "tls.pem", "A private key in the certificate authority"),
    ] {
        let Some(whole) = text.get(draft) else { continue };
        for range in tokens::private_keys(whole) {
            let is_client_key = needs_key && text == Text::Certificate;
            needs_key &= !is_client_key;
            found.push(Credential {
                field: if is_client_key { Field::TlsClientKey } else { field },
                place: if is_client_key { "tls.client_key" } else { place }.to_owned(),
                what: what.to_owned(),
                suggested: SecretName::suggest("client_key"),
                value: whole.get(range.clone()).unwrap_or_default().into(),
                is_always_secret: true,
                is_only_removed: !is_client_key,
                text,
                range,
            });
        }
    }
}

/// The names that references in a draft contain.
pub(super) fn references(draft: &Draft) -> HashSet<SecretName> {
    let headers = (0..draft.headers.len()).map(Text::Header);
    let texts = [
        Text::Url,
        Text::Body,
        Text::Token,
        Text::Password,
        Text::ClientSecret,
        Text::ClientKey,
        Text::SigningKey,
        Text::SigningPreviousKey,
    ];
    headers
        .chain(texts)
        .filter_map(|text| text.get(draft))
        .flat_map(|text| text.split("secrets.").skip(1))
        .filter_map(|rest| {
            let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            rest.split(|c| !is_part(c)).next()?.parse().ok()
        })
        .collect()
}

impl Text {
    /// Returns the text.
    pub(super) fn get(self, draft: &Draft) -> Option<&str> {
        Some(match self {
            Self::Url => &draft.url,
            Self::Header(row) => draft.headers.get(row).map(|(_, value)| value)?,
            Self::Token => &draft.authentication.token,
            Self::Password => &draft.authentication.password,
            Self::ClientSecret => &draft.authentication.client_secret,
            Self::Body => &draft.body_template,
            Self::Authority => &draft.tls.pem,
            Self::Certificate => &draft.tls.client_certificate,
            Self::ClientKey => &draft.tls.client_key,
            Self::SigningKey => &draft.signing.key,
            Self::SigningPreviousKey => &draft.signing.previous_key,
        })
    }

    /// Returns the text, to change it.
    pub(super) fn get_mut(self, draft: &mut Draft) -> Option<&mut String> {
        Some(match self {
            Self::Url => &mut draft.url,
            Self::Header(row) => draft.headers.get_mut(row).map(|(_, value)| value)?,
            Self::Token => &mut draft.authentication.token,
            Self::Password => &mut draft.authentication.password,
            Self::ClientSecret => &mut draft.authentication.client_secret,
            Self::Body => &mut draft.body_template,
            Self::Authority => &mut draft.tls.pem,
            Self::Certificate => &mut draft.tls.client_certificate,
            Self::ClientKey => &mut draft.tls.client_key,
            Self::SigningKey => &mut draft.signing.key,
            Self::SigningPreviousKey => &mut draft.signing.previous_key,
        })
    }
}
