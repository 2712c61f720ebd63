//! Credentials that were typed into a draft, and their replacement by references to secrets.
//!
//! A value counts as a credential because of its field, because of its name, such as `secret_key`, or because of
//! what it is: a private key, a JSON Web Token, the token of a known service, or a long random text. It is decoded
//! for its position, because the template engine escapes the value of a reference for the same position.

mod body;
mod csv;
mod decode;
mod fields;
mod json;
mod names;
mod placeholders;
mod replacement;
mod services;
mod slots;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod url;
mod view;
mod xml;

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use secrecy::SecretString;

use super::SecretName;
use crate::model::webhook::{Draft, Field};
pub use names::is_credential_name;
use slots::{Area, Found, Slots};
use view::View;

/// A credential in a draft.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The field that contains it, or that will contain the reference.
    pub field: Field,
    /// A stable id, such as `auth.token`, `header.x-auth` or `body.secret_key`. Of several with the same name, the
    /// second ends in `.2`. A reference to a secret counts like a credential, so that replacing one does not
    /// change the ids of the others.
    pub place: String,
    /// A short noun phrase, such as `secret_key in the body` or `The header X-Auth`.
    pub what: String,
    /// A name for the secret that no other credential and no reference in the draft has.
    pub suggested: SecretName,
    /// The decoded value.
    pub value: SecretString,
    /// Whether the field is always secret, so that [`Draft::not_secrets`] does not apply.
    pub is_always_secret: bool,
    /// Whether the value has no use here, such as a private key among certificate authorities. It needs no secret:
    /// [`Credentials::replace`] removes it in any case.
    pub is_only_removed: bool,
    text: Text,
    range: Range<usize>,
}

/// A text of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Url,
    Header(usize),
    Token,
    Password,
    ClientSecret,
    Body,
    Authority,
    Certificate,
    ClientKey,
    SigningKey,
    SigningPreviousKey,
}

/// The credentials in a draft.
#[derive(Debug, Clone, Default)]
pub struct Credentials(Vec<Credential>);

impl Credentials {
    /// Finds the credentials in a draft, except those that [`Draft::not_secrets`] lists.
    ///
    /// Fields of an authentication that is not selected are included. Values that a preset asks for, such as
    /// `<secret key>`, are not.
    pub fn find(draft: &Draft) -> Self {
        let mut finder = Finder::new(draft);
        let mut slots = Slots::new(Area::Url);
        url::add(&View::of_template(&draft.url), &mut slots);
        finder.add(Text::Url, Field::Url, slots);
        for (row, (name, value)) in draft.headers.iter().enumerate() {
            let mut slots = Slots::new(Area::Header(name.trim().to_owned()));
            let view = View::of_template(value);
            let start = view.text().len() - view.text().trim_start().len();
            let trimmed = view.slice(start..start + view.text().trim().len());
            slots.add_value(&trimmed, name.trim(), is_credential_name(name));
            finder.add(Text::Header(row), Field::Header(row), slots);
        }
        let mut slots = Slots::new(Area::Body);
        body::add(&View::of_template(&draft.body_template), draft.body_context(), &mut slots);
        finder.add(Text::Body, Field::BodyTemplate, slots);
        for credential in fields::find(draft) {
            finder.push(credential);
        }
        let not_secret: HashSet<&str> = draft.not_secrets.iter().map(String::as_str).collect();
        finder.found.retain(|one| one.is_always_secret || !not_secret.contains(one.place.as_str()));
        Self(finder.found)
    }

    /// Iterates over the credentials.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.0.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the draft, in which these were found, with a reference in place of each credential for which
    /// `name_of` returns the name of a secret.
    ///
    /// A private key in the client certificate is removed there, and the reference is put into the field of the
    /// client key. For a credential that is only removed, `name_of` is not called.
    #[must_use]
    pub fn replace(
        &self,
        draft: &Draft,
        name_of: impl FnMut(&Credential) -> Option<SecretName>,
    ) -> Draft {
        replacement::replace(&self.0, draft, name_of)
    }
}

/// Collects the credentials of a draft.
struct Finder {
    found: Vec<Credential>,
    /// Number of slots of each place.
    places: HashMap<String, usize>,
    /// The names that are in use.
    names: HashSet<SecretName>,
    /// The last number of each suggested name.
    numbers: HashMap<SecretName, usize>,
}

impl Finder {
    fn new(draft: &Draft) -> Self {
        Self {
            found: Vec::new(),
            places: HashMap::new(),
            names: fields::references(draft),
            numbers: HashMap::new(),
        }
    }

    /// Adds the credentials of a text, and numbers its slots.
    fn add(&mut self, text: Text, field: Field, slots: Slots) {
        for slot in slots.found {
            let number = self.places.entry(slot.place.clone()).or_default();
            *number += 1;
            let place = if *number == 1 { slot.place } else { format!("{}.{number}", slot.place) };
            let Some(Found { what, name, range, value }) = slot.credential else { continue };
            self.push(Credential {
                field,
                place,
                what,
                suggested: SecretName::suggest(&name),
                value: value.into(),
                is_always_secret: false,
                is_only_removed: false,
                text,
                range,
            });
        }
    }

    /// Adds a credential with a name of its own.
    fn push(&mut self, credential: Credential) {
        let suggested = self.unused(&credential.suggested);
        self.names.insert(suggested.clone());
        self.found.push(Credential { suggested, ..credential });
    }

    fn unused(&mut self, name: &SecretName) -> SecretName {
        // Leaves space for a number.
        const MAX_BYTES: usize = 50;
        let short: String = name.as_str().chars().take(MAX_BYTES).collect();
        let name = SecretName::suggest(&short);
        let number = self.numbers.entry(name.clone()).or_default();
        loop {
            *number += 1;
            let numbered = name.numbered(*number);
            if !self.names.contains(&numbered) {
                return numbered;
            }
        }
    }
}
