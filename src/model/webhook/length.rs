//! Maximum lengths of a draft's texts. They are checked before anything else, so that no other check handles, and no error
//! quotes, a text of any length.

use super::draft::{Draft, ValidatorDraft};
use super::errors::{Field, FieldErrors};

/// Longest value of a field that is chosen from a list or is a number, in bytes.
const MAX_WORD_BYTES: usize = 100;
/// Longest name of a header, in bytes.
const MAX_HEADER_NAME_BYTES: usize = 256;
/// Longest value of a header, in bytes. Many servers accept 8 KiB for all headers together.
const MAX_HEADER_VALUE_BYTES: usize = 8 * 1024;
/// Longest token, password or name of an account, in bytes. Access tokens in JWT format have a few KiB.
const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;
/// Longest certificate chain or key, in bytes.
const MAX_PEM_BYTES: usize = 64 * 1024;
/// Longest JSON path or expected value of a validator, in bytes.
const MAX_VALIDATOR_BYTES: usize = 1024;
/// Maximum number of expected values of a validator.
const MAX_EXPECTED_VALUES: usize = 100;
/// Maximum number of triggers in a file, which may repeat them.
const MAX_TRIGGERS: usize = 50;
/// Longest retry schedule, in bytes.
const MAX_RETRY_SCHEDULE_BYTES: usize = 1024;
/// Maximum number of places that are declared not to be secrets.
const MAX_NOT_SECRETS: usize = 200;
/// Longest name of such a place, in bytes. The name of a header may be part of it.
const MAX_PLACE_BYTES: usize = MAX_HEADER_NAME_BYTES + 50;

/// Reports the texts that are too long.
pub(super) fn check(draft: &Draft) -> FieldErrors {
    let mut errors = FieldErrors::default();
    let auth = &draft.authentication;
    for (field, text, max) in [
        (Field::Method, &draft.method, MAX_WORD_BYTES),
        (Field::Authentication, &auth.kind, MAX_WORD_BYTES),
        (Field::AuthToken, &auth.token, MAX_CREDENTIAL_BYTES),
        (Field::AuthUsername, &auth.username, MAX_CREDENTIAL_BYTES),
        (Field::AuthPassword, &auth.password, MAX_CREDENTIAL_BYTES),
        (Field::AuthClientId, &auth.client_id, MAX_CREDENTIAL_BYTES),
        (Field::AuthClientSecret, &auth.client_secret, MAX_CREDENTIAL_BYTES),
        (Field::AuthTokenEndpoint, &auth.token_endpoint_url, super::http::MAX_URL_BYTES),
        (Field::Authentication, &auth.scopes, MAX_CREDENTIAL_BYTES),
        (Field::AuthClientAuthentication, &auth.client_authentication, MAX_WORD_BYTES),
        (Field::SigningScheme, &draft.signing.scheme, MAX_WORD_BYTES),
        (Field::SigningKey, &draft.signing.key, MAX_CREDENTIAL_BYTES),
        (Field::SigningPreviousKey, &draft.signing.previous_key, MAX_CREDENTIAL_BYTES),
        (Field::SigningPreviousKey, &draft.signing.previous_until, MAX_WORD_BYTES),
        (Field::Timeout, &draft.timeout_in_sec, MAX_WORD_BYTES),
        (Field::TlsVerify, &draft.tls.verify, MAX_WORD_BYTES),
        (Field::TlsSha256, &draft.tls.sha256, MAX_WORD_BYTES * 2),
        (Field::TlsPem, &draft.tls.pem, MAX_PEM_BYTES),
        (Field::TlsMinVersion, &draft.tls.min_version, MAX_WORD_BYTES),
        (Field::TlsClientCertificate, &draft.tls.client_certificate, MAX_PEM_BYTES),
        (Field::TlsClientKey, &draft.tls.client_key, MAX_PEM_BYTES),
        (Field::MaxInFlight, &draft.max_in_flight, MAX_WORD_BYTES),
        (Field::RatePerMinute, &draft.rate_per_minute, MAX_WORD_BYTES),
        (Field::RetrySchedule, &draft.retry_schedule, MAX_RETRY_SCHEDULE_BYTES),
    ] {
        check_text(field, "This text", text, max, &mut errors);
    }
    for (row, (name, value)) in draft.headers.iter().enumerate() {
        let field = Field::Header(row);
        check_text(field, "The header's name", name, MAX_HEADER_NAME_BYTES, &mut errors);
        check_text(field, "The header's value", value, MAX_HEADER_VALUE_BYTES, &mut errors);
    }
    for (name, value) in &auth.parameters {
        let text = format!("{name}={value}");
        check_text(Field::AuthParameters, "A parameter", &text, MAX_CREDENTIAL_BYTES, &mut errors);
    }
    check_triggers(&draft.triggers, &mut errors);
    check_validators(&draft.response_validators, &mut errors);
    check_not_secrets(&draft.not_secrets, &mut errors);
    errors
}

fn check_not_secrets(places: &[String], errors: &mut FieldErrors) {
    if places.len() > MAX_NOT_SECRETS {
        let message = format!(
            "There are {} places that are not secrets: use at most {MAX_NOT_SECRETS}.",
            places.len()
        );
        errors.add(Field::NotSecrets, message);
    }
    for place in places.iter().take(MAX_NOT_SECRETS) {
        check_text(Field::NotSecrets, "A place", place, MAX_PLACE_BYTES, errors);
    }
}

fn check_triggers(triggers: &[String], errors: &mut FieldErrors) {
    if triggers.len() > MAX_TRIGGERS {
        let message = format!("There are {} triggers. List each one once.", triggers.len());
        errors.add(Field::Triggers, message);
    }
    for trigger in triggers.iter().take(MAX_TRIGGERS) {
        check_text(Field::Triggers, "A trigger", trigger, MAX_WORD_BYTES, errors);
    }
}

fn check_validators(validators: &[ValidatorDraft], errors: &mut FieldErrors) {
    for (row, ValidatorDraft { subject, json_path, expected }) in validators.iter().enumerate() {
        let field = Field::Validator(row);
        check_text(field, "This text", subject, MAX_WORD_BYTES, errors);
        check_text(field, "The JSON path", json_path, MAX_VALIDATOR_BYTES, errors);
        if expected.len() > MAX_EXPECTED_VALUES {
            let found = expected.len();
            let message =
                format!("There are {found} expected values: use at most {MAX_EXPECTED_VALUES}.");
            errors.add(field, message);
        }
        for value in expected.iter().take(MAX_EXPECTED_VALUES) {
            check_text(field, "An expected value", value, MAX_VALIDATOR_BYTES, errors);
        }
    }
}

fn check_text(field: Field, what: &str, text: &str, max: usize, errors: &mut FieldErrors) {
    if text.len() > max {
        let message = format!("{what} has {} bytes: use at most {max}.", text.len());
        errors.add(field, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::webhook::Webhook;
    use crate::model::webhook::http::Rules;

    /// Puts a text into every text of a draft, one at a time.
    fn drafts_with(text: &str) -> Vec<Draft> {
        let setters: [fn(&mut Draft, String); 30] = [
            |d, t| d.name = t,
            |d, t| d.method = t,
            |d, t| d.url = t,
            |d, t| d.headers = vec![(t, String::new())],
            |d, t| d.headers = vec![("X-A".to_owned(), t)],
            |d, t| d.authentication.kind = t,
            |d, t| (d.authentication.kind, d.authentication.token) = ("bearer".to_owned(), t),
            |d, t| (d.authentication.kind, d.authentication.username) = ("basic".to_owned(), t),
            |d, t| (d.authentication.kind, d.authentication.password) = ("basic".to_owned(), t),
            |d, t| (d.authentication.kind, d.authentication.client_id) = ("oauth".to_owned(), t),
            |d, t| {
                (d.authentication.kind, d.authentication.client_secret) = ("oauth".to_owned(), t);
            },
            |d, t| {
                (d.authentication.kind, d.authentication.token_endpoint_url) =
                    ("oauth".to_owned(), t);
            },
            |d, t| (d.authentication.kind, d.authentication.scopes) = ("oauth".to_owned(), t),
            |d, t| d.body_template = t,
            |d, t| d.triggers = vec![t],
            |d, t| d.timeout_in_sec = t,
            |d, t| d.response_validators = vec![ValidatorDraft::at(&t, "true")],
            |d, t| d.response_validators = vec![ValidatorDraft::at("$.a", &t)],
            |d, t| {
                let validator = ValidatorDraft::at("$.a", "true");
                d.response_validators = vec![ValidatorDraft { subject: t, ..validator }];
            },
            |d, t| {
                (d.authentication.kind, d.authentication.client_authentication) =
                    ("oauth".to_owned(), t);
            },
            |d, t| {
                (d.authentication.kind, d.authentication.parameters) =
                    ("oauth".to_owned(), vec![("audience".to_owned(), t)]);
            },
            |d, t| d.custom_validation_error_message = t,
            |d, t| d.tls.verify = t,
            |d, t| d.tls.sha256 = t,
            |d, t| d.tls.pem = t,
            |d, t| d.tls.min_version = t,
            |d, t| d.tls.client_certificate = t,
            |d, t| d.tls.client_key = t,
            |d, t| d.retry_schedule = t,
            |d, t| d.not_secrets = vec![t],
        ];
        let draft = || Draft {
            name: "A".to_owned(),
            url: "https://10.0.0.5/x".to_owned(),
            triggers: vec!["Granted".to_owned()],
            ..Draft::default()
        };
        let filled = setters.map(|set| {
            let mut draft = draft();
            set(&mut draft, text.to_owned());
            draft
        });
        filled.into()
    }

    #[test]
    fn every_text_has_a_limit_and_no_error_repeats_a_long_text() {
        for draft in drafts_with(&"x".repeat(400_000)) {
            let errors = Webhook::new(draft.clone(), &Rules::default()).unwrap_err();
            for error in &errors {
                assert!(
                    error.message.len() < 1000,
                    "{:?}: {} bytes",
                    error.field,
                    error.message.len()
                );
            }
        }
    }

    #[test]
    fn counts_are_limited() {
        let mut draft = drafts_with("x").remove(0);
        draft.response_validators = vec![ValidatorDraft {
            expected: vec!["x".to_owned(); 101],
            ..ValidatorDraft::at("$.a", "x")
        }];
        draft.triggers = vec!["Granted".to_owned(); 51];
        draft.not_secrets = vec!["body.key".to_owned(); 201];
        let errors = Webhook::new(draft, &Rules::default()).unwrap_err();
        assert_eq!(errors.iter().count(), 3);
    }
}
