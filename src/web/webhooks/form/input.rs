//! The submitted form, as a draft.

use std::fmt;

use zeroize::Zeroize;

use super::event_menu;
use super::field_id::element_id;
use super::secrets;
use crate::actions::Entered;
use crate::model::WebhookId;
use crate::model::event::EventChoice;
use crate::model::filter::{self, Choice, Rule};
use crate::model::secret::{SecretChoice, SecretChoices, SecretName};
use crate::model::webhook::{
    AuthDraft, Draft, Field, FieldErrors, SigningDraft, TlsDraft, ValidatorDraft,
};

/// The webhook that a form edits, and the state of the form that is not part of the webhook.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Subject {
    /// The edited webhook; none for a new one.
    pub(super) id: Option<WebhookId>,
    /// The webhook that a new one was copied from.
    pub(super) base: Option<WebhookId>,
    /// The revision that the form was opened with.
    pub(super) expected_revision: Option<i32>,
    /// The event selected next to **Test**.
    pub(super) test_event: Option<EventChoice>,
    /// The event selected in the preview.
    pub(super) preview_event: Option<EventChoice>,
    /// Whether the key for signatures was generated in the form, and is shown until it is saved.
    pub(super) shows_key: bool,
}

impl Subject {
    /// A saved webhook.
    pub(super) fn existing(id: WebhookId, revision: i32) -> Self {
        Self { id: Some(id), expected_revision: Some(revision), ..Self::default() }
    }
}

/// Names and values of the form's elements. A name can occur several times. The values may contain credentials, and are erased
/// from memory.
pub(super) struct FormInput(Vec<(String, String)>);

impl fmt::Debug for FormInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormInput([redacted])")
    }
}

impl Drop for FormInput {
    fn drop(&mut self) {
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

impl FormInput {
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    fn one(&self, name: &str) -> String {
        self.many(name).next().unwrap_or_default().to_owned()
    }

    fn many<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The content of a text area. Browsers send line breaks as CR LF.
    fn text(&self, name: &str) -> String {
        self.one(name).replace("\r\n", "\n")
    }

    /// The lines of all values of a name.
    fn lines(&self, name: &str) -> Vec<String> {
        self.many(name).flat_map(lines_of).collect()
    }

    /// The edited webhook.
    pub(super) fn id(&self) -> Option<WebhookId> {
        self.one("id").parse().ok()
    }

    /// The webhook that a duplicate was copied from.
    pub(super) fn copied_from(&self) -> Option<WebhookId> {
        self.one("base").parse().ok()
    }

    /// The draft with the choices about its credentials. It may use the secrets of the edited webhook, or of the one that it
    /// was copied from.
    pub(super) fn entered(&self) -> Entered {
        let webhook = self.id().or_else(|| self.copied_from());
        Entered { webhook, draft: self.draft(), choices: self.choices() }
    }

    /// What to do with the credentials that were entered literally. A name with other characters is replaced by a similar one.
    pub(super) fn choices(&self) -> SecretChoices {
        let rows = self.many("secret_place").zip(self.many("secret_choice"));
        rows.zip(self.many("secret_name"))
            .filter_map(|((place, choice), name)| {
                let choice = match choice {
                    secrets::PRIVATE => SecretChoice::Private(secret_name(name)?),
                    secrets::SHARED => SecretChoice::Shared(secret_name(name)?),
                    secrets::NOT_SECRET => SecretChoice::NotSecret,
                    other => {
                        SecretChoice::Existing(other.strip_prefix(secrets::EXISTING)?.parse().ok()?)
                    }
                };
                Some((place.to_owned(), choice))
            })
            .collect()
    }

    /// The places that were declared not to be secrets. A place with another choice is not among them.
    fn not_secrets(&self) -> Vec<String> {
        let choices = self.choices();
        let is_kept =
            |place: &&str| choices.get(*place).is_none_or(|it| *it == SecretChoice::NotSecret);
        self.many("not_secret").filter(is_kept).map(str::to_owned).collect()
    }

    /// A field that takes a secret: what was typed, or else a reference to the chosen secret. What was typed is never dropped.
    fn secret(&self, field: Field) -> String {
        let typed = self.text(&element_id(field));
        let chosen = self.chosen_secret(field).filter(|_| typed.trim().is_empty());
        chosen.map_or(typed, |chosen| chosen.reference())
    }

    /// The saved secret that is chosen in the menu of a field.
    fn chosen_secret(&self, field: Field) -> Option<SecretName> {
        self.one(&format!("{}_saved", element_id(field))).parse().ok()
    }

    /// Errors at the fields for which a value was typed although a saved secret is chosen.
    pub(super) fn ambiguous_secrets(&self) -> FieldErrors {
        let auth = self.authentication().only_selected_kind();
        let signing = self.signing().only_used();
        let mut errors = FieldErrors::default();
        for (field, used) in [
            (Field::AuthToken, auth.token),
            (Field::AuthPassword, auth.password),
            (Field::AuthClientSecret, auth.client_secret),
            (Field::SigningKey, signing.key),
            (Field::TlsClientKey, self.tls().client_key),
        ] {
            let is_typed = !self.text(&element_id(field)).trim().is_empty() && !used.is_empty();
            if let Some(chosen) = self.chosen_secret(field).filter(|_| is_typed) {
                let message = format!(
                    "You entered a value and chose the secret {chosen}. The value is used unless you clear it and choose the secret again."
                );
                errors.add(field, message);
            }
        }
        errors
    }

    pub(super) fn subject(&self) -> Subject {
        Subject {
            id: self.id(),
            base: self.copied_from(),
            expected_revision: self.one("seen").parse().ok(),
            test_event: event_menu::parse(&self.one("test_event")),
            preview_event: event_menu::parse(&self.one("preview_event")),
            shows_key: self.many("signing_key_generated").next().is_some(),
        }
    }

    /// The webhook. Empty rows are removed, so that the row numbers of validation errors match the rows of the form.
    pub(super) fn draft(&self) -> Draft {
        let headers = self
            .many("header_name")
            .zip(self.many("header_value"))
            .filter(|(name, value)| !name.trim().is_empty() || !value.trim().is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let response_validators = self
            .many("validator_subject")
            .zip(self.many("validator_path"))
            .zip(self.many("validator_expected"))
            .map(|((subject, path), expected)| ValidatorDraft {
                subject: subject.to_owned(),
                json_path: path.trim().to_owned(),
                expected: lines_of(expected).collect(),
            })
            .filter(|validator| !validator.is_empty())
            .collect();
        Draft {
            name: self.one("name"),
            active: self.many("active").next().is_some(),
            method: self.one("method"),
            url: self.one("url"),
            headers,
            authentication: self.authentication(),
            body_template: self.text("body_template"),
            triggers: self.many("trigger").map(str::to_owned).collect(),
            filters: self.filters(),
            timeout_in_sec: self.one("timeout_in_sec"),
            response_validators,
            custom_validation_error_message: self.one("custom_validation_error_message"),
            signing: self.signing(),
            tls: self.tls(),
            ordered: self.many("ordered").next().is_some(),
            max_in_flight: self.one("max_in_flight"),
            rate_per_minute: self.one("rate_per_minute"),
            retry_schedule: self.one("retry_schedule"),
            traceparent: self.many("traceparent").next().is_some(),
            not_secrets: self.not_secrets(),
        }
    }

    fn filters(&self) -> filter::Choices {
        let mut choices = filter::Choices::new();
        for field in filter::Field::ALL {
            let name = element_id(Field::Filter(field));
            let values = self.lines(&name);
            if !values.is_empty() {
                let is_none_of = self.one(&format!("{name}-rule")) == "none";
                let rule = if is_none_of { Rule::NoneOf } else { Rule::AnyOf };
                choices.insert(field, Choice { rule, values });
            }
        }
        choices
    }

    fn authentication(&self) -> AuthDraft {
        AuthDraft {
            kind: self.one("auth_kind"),
            token: self.secret(Field::AuthToken),
            username: self.one("auth_username"),
            password: self.secret(Field::AuthPassword),
            client_id: self.one("auth_client_id"),
            client_secret: self.secret(Field::AuthClientSecret),
            token_endpoint_url: self.one("auth_token_endpoint_url"),
            scopes: self.one("auth_scopes"),
            client_authentication: self.one("auth_client_authentication"),
            parameters: self
                .lines("auth_parameters")
                .iter()
                .map(|line| line.split_once('=').unwrap_or((line, "")))
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .collect(),
        }
    }

    fn signing(&self) -> SigningDraft {
        SigningDraft {
            scheme: self.one("signing_scheme"),
            key: self.secret(Field::SigningKey),
            previous_key: self.one("signing_previous_key"),
            previous_until: self.one("signing_previous_until"),
        }
    }

    fn tls(&self) -> TlsDraft {
        TlsDraft {
            verify: self.one("tls_verify"),
            sha256: self.one("tls_sha256"),
            pem: self.text("tls_pem"),
            min_version: self.one("tls_min_version"),
            client_certificate: self.text("tls_client_certificate"),
            client_key: self.secret(Field::TlsClientKey),
        }
    }
}

/// The name that was entered for a secret, or a similar one.
fn secret_name(text: &str) -> Option<SecretName> {
    let text = text.trim();
    let named = || text.parse().unwrap_or_else(|_invalid| SecretName::suggest(text));
    (!text.is_empty()).then(named)
}

fn lines_of(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(pairs: &[(&str, &str)]) -> FormInput {
        FormInput::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn converts_the_form_to_a_draft() {
        let input = input(&[
            ("name", "A"),
            ("trigger", "Granted"),
            ("trigger", "Expired"),
            ("header_name", ""),
            ("header_value", " "),
            ("header_name", "X-Team"),
            ("header_value", "sec"),
            ("filter-integration", "prod-*\r\n\r\n staging \r\n"),
            ("filter-integration-rule", "none"),
            ("filter-bundle-rule", "none"),
            ("filter-approval", "manual"),
            ("validator_subject", "json"),
            ("validator_path", "$.success"),
            ("validator_expected", "true\r\nyes"),
            ("body_template", "a\r\nb"),
        ]);
        let draft = input.draft();
        assert!(!draft.active);
        assert_eq!(draft.headers, [("X-Team".to_owned(), "sec".to_owned())]);
        assert_eq!(draft.triggers, ["Granted", "Expired"]);
        let integration = &draft.filters[&filter::Field::Integration];
        assert_eq!(*integration, Choice::none_of(["prod-*", "staging"]));
        assert_eq!(draft.filters[&filter::Field::Approval], Choice::any_of(["manual"]));
        assert_eq!(draft.response_validators[0].expected, ["true", "yes"]);
        assert_eq!(draft.body_template, "a\nb");
    }
}
