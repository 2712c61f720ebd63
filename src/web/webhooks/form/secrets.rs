//! The secrets of the form: credentials that were entered literally, and fields that take a secret.

use std::borrow::Cow;

use crate::actions::Entered;
use crate::model::secret::{FoundCredential, Secret, SecretChoice, SecretName};
use crate::web::components::SelectOption;
use crate::web::{Error, WebState};

/// The credentials that saving moves into secrets.
#[derive(Debug, Default)]
pub(super) struct SecretsView {
    pub(super) rows: Vec<CredentialView>,
    /// Places that were declared not to be secrets and are not among the rows.
    pub(super) hidden_places: Vec<String>,
    /// The names of the secrets that the webhook may use.
    names: Vec<SecretName>,
}

/// A credential, with what happens to it.
#[derive(Debug)]
pub(super) struct CredentialView {
    pub(super) place: String,
    pub(super) what: String,
    pub(super) options: Vec<SelectOption>,
    /// The name of the new secret.
    pub(super) name: String,
    /// The hosts that the secret may be sent to.
    pub(super) hosts: String,
    pub(super) moves: bool,
}

/// A field that takes a secret: its value is typed, or a saved secret is used.
#[derive(Debug)]
pub(super) struct SecretFieldView<'a> {
    pub(super) saved: Vec<SelectOption>,
    /// The value that was typed and is not saved yet.
    pub(super) typed: Cow<'a, str>,
    /// Whether a saved secret is used.
    pub(super) uses_saved: bool,
}

/// Values of the menu with the choices.
pub(super) const PRIVATE: &str = "private";
pub(super) const SHARED: &str = "shared";
pub(super) const NOT_SECRET: &str = "no";
pub(super) const EXISTING: &str = "use:";

impl SecretsView {
    pub(super) async fn load(state: &WebState, entered: &Entered) -> Result<Self, Error> {
        let (found, usable) = state.actions.review_credentials(entered).await?;
        let names: Vec<SecretName> = usable.into_iter().map(|Secret { name, .. }| name).collect();
        let is_hidden = |place: &&String| !found.iter().any(|found| found.place == **place);
        let hidden_places = entered.draft.not_secrets.iter().filter(is_hidden).cloned().collect();
        let rows = found.into_iter().map(|found| CredentialView::new(found, &names)).collect();
        Ok(Self { rows, hidden_places, names })
    }

    /// A field that takes a secret, with the text of the draft.
    pub(super) fn field<'a>(&self, text: &'a str) -> SecretFieldView<'a> {
        let used = SecretName::in_reference(text);
        let typed = if used.is_some() { Cow::Borrowed("") } else { Cow::Borrowed(text) };
        let missing = used.iter().filter(|used| !self.names.contains(used));
        let saved = self.names.iter().chain(missing);
        let option = |name: &SecretName| {
            SelectOption::new(name.as_str(), name.as_str(), used.as_ref() == Some(name))
        };
        SecretFieldView { saved: saved.map(option).collect(), typed, uses_saved: used.is_some() }
    }
}

impl CredentialView {
    fn new(found: FoundCredential, names: &[SecretName]) -> Self {
        let FoundCredential { place, what, choice, hosts, is_always_secret } = found;
        let is = |value: &str| value_of(&choice) == value;
        let mut options = vec![
            SelectOption::new(PRIVATE, "Keep in a secret of this webhook", is(PRIVATE)),
            SelectOption::new(SHARED, "Save as a secret for all webhooks", is(SHARED)),
        ];
        if !is_always_secret {
            options.push(SelectOption::new(NOT_SECRET, "Not a secret", is(NOT_SECRET)));
        }
        options.extend(names.iter().map(|name| {
            let value = format!("{EXISTING}{name}");
            let selected = is(&value);
            SelectOption::new(value, format!("Use {name} instead"), selected)
        }));
        let name = match &choice {
            SecretChoice::Private(name) | SecretChoice::Shared(name) => name.to_string(),
            SecretChoice::Existing(_) | SecretChoice::NotSecret => {
                SecretName::suggest(place.split('.').nth(1).unwrap_or_default()).to_string()
            }
        };
        let moves = matches!(choice, SecretChoice::Private(_) | SecretChoice::Shared(_));
        let hosts = hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        Self { place, what, options, name, hosts, moves }
    }
}

fn value_of(choice: &SecretChoice) -> Cow<'static, str> {
    match choice {
        SecretChoice::Private(_) => PRIVATE.into(),
        SecretChoice::Shared(_) => SHARED.into(),
        SecretChoice::NotSecret => NOT_SECRET.into(),
        SecretChoice::Existing(name) => format!("{EXISTING}{name}").into(),
    }
}
