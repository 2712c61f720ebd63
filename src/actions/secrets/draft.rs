//! What a user enters for a secret, and its validation.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::model::secret::{AllowedHost, SecretLimits, SecretName, TokenLimits};
use crate::model::webhook::Rules;

/// Maximum size of a value, in bytes.
const MAX_VALUE_BYTES: usize = 64 * 1024;
/// Maximum number of hosts in a list.
const MAX_HOSTS: usize = 50;
/// Maximum length of the scopes, in characters.
const MAX_SCOPES_CHARS: usize = 1000;
/// Maximum length of a description, in characters.
pub const MAX_SECRET_DESCRIPTION_CHARS: usize = 300;

/// A field of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretField {
    /// The name.
    Name,
    /// The value.
    Value,
    /// The hosts that the value may be sent to.
    Hosts,
    /// The scopes of an OAuth client.
    Scopes,
    /// The hosts that the access tokens of an OAuth client may be sent to.
    TokenHosts,
    /// The description.
    Description,
}

/// Why a secret is invalid, by field and in the order of the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretErrors(Vec<(SecretField, String)>);

impl SecretErrors {
    /// An error of one field.
    pub(super) fn single(field: SecretField, message: impl Into<String>) -> Self {
        Self(vec![(field, message.into())])
    }

    /// Returns the fields with their messages.
    pub fn iter(&self) -> impl Iterator<Item = (SecretField, &str)> {
        self.0.iter().map(|(field, message)| (*field, message.as_str()))
    }

    fn add(&mut self, field: SecretField, message: impl Into<String>) {
        self.0.push((field, message.into()));
    }
}

impl fmt::Display for SecretErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let messages: Vec<&str> = self.iter().map(|(_, message)| message).collect();
        f.write_str(&messages.join(" "))
    }
}

/// A secret as entered.
#[derive(Debug, Clone, Default)]
pub struct SecretDraft {
    /// The name. Ignored when a secret is changed.
    pub name: String,
    /// The value. When a secret is changed, an empty one keeps the stored value.
    pub value: SecretString,
    /// Allowed hosts, separated by line breaks, spaces or commas.
    pub hosts: String,
    /// The scopes of an OAuth client, separated by spaces.
    pub scopes: String,
    /// The hosts that access tokens may be sent to, separated like the allowed hosts.
    pub token_hosts: String,
    /// What the secret is for.
    pub description: String,
}

impl SecretDraft {
    /// Whether there is a value.
    pub fn has_value(&self) -> bool {
        !self.value.expose_secret().is_empty()
    }
}

/// A valid draft without its name and value.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) limits: SecretLimits,
    pub(super) description: String,
}

/// Checks everything of a new secret.
pub(super) fn check_new(
    draft: &SecretDraft,
    rules: Rules,
) -> Result<(SecretName, Checked), SecretErrors> {
    let mut errors = SecretErrors::default();
    let name = parse_name(&draft.name, &mut errors);
    if !draft.has_value() {
        errors.add(SecretField::Value, "Enter the value.");
    }
    match (name, check(draft, rules, errors)) {
        (Some(name), Ok(checked)) => Ok((name, checked)),
        (_, Err(errors)) => Err(errors),
        (None, Ok(_checked)) => Err(SecretErrors::default()),
    }
}

/// Checks everything of a changed secret.
pub(super) fn check_changed(draft: &SecretDraft, rules: Rules) -> Result<Checked, SecretErrors> {
    check(draft, rules, SecretErrors::default())
}

/// Checks what new and changed secrets have in common, and adds to the errors that were found before.
fn check(
    draft: &SecretDraft,
    rules: Rules,
    mut errors: SecretErrors,
) -> Result<Checked, SecretErrors> {
    check_value(&draft.value, &mut errors);
    let hosts = parse_hosts(&draft.hosts, SecretField::Hosts, rules, &mut errors);
    let scopes = draft.scopes.split_whitespace().collect::<Vec<_>>().join(" ");
    check_text(&scopes, MAX_SCOPES_CHARS, "The scopes", SecretField::Scopes, &mut errors);
    let token_hosts = parse_hosts(&draft.token_hosts, SecretField::TokenHosts, rules, &mut errors);
    if !scopes.is_empty() && draft.token_hosts.trim().is_empty() {
        errors.add(
            SecretField::TokenHosts,
            "Enter the hosts that access tokens may be sent to. Without them, the scopes cannot be used.",
        );
    }
    let description = draft.description.trim().to_owned();
    check_text(
        &description,
        MAX_SECRET_DESCRIPTION_CHARS,
        "The description",
        SecretField::Description,
        &mut errors,
    );
    let is_client = !scopes.is_empty() || !token_hosts.is_empty();
    let tokens = is_client.then_some(TokenLimits { scopes, hosts: token_hosts });
    if errors.0.is_empty() {
        Ok(Checked { limits: SecretLimits { hosts, tokens }, description })
    } else {
        Err(errors)
    }
}

fn parse_name(name: &str, errors: &mut SecretErrors) -> Option<SecretName> {
    let name = name.trim();
    if name.is_empty() {
        errors.add(SecretField::Name, "Enter a name, such as logpoint_key.");
        return None;
    }
    name.parse().map_err(|error| errors.add(SecretField::Name, format!("{error}."))).ok()
}

/// The messages do not quote the value.
fn check_value(value: &SecretString, errors: &mut SecretErrors) {
    let value = value.expose_secret();
    if value.len() > MAX_VALUE_BYTES {
        let message = format!(
            "The value has {} bytes. Enter at most {} KiB.",
            value.len(),
            MAX_VALUE_BYTES / 1024
        );
        errors.add(SecretField::Value, message);
    }
    if value.contains('\0') {
        let message = "The value contains the character NUL, which cannot be sent. Remove it.";
        errors.add(SecretField::Value, message);
    }
    // Browsers remove line breaks from what is pasted into a password field.
    if value.trim_start().starts_with("-----BEGIN ") && !value.contains('\n') {
        let message = "A key in PEM format has several lines, which this field cannot hold. Run gatepost secrets set instead.";
        errors.add(SecretField::Value, message);
    }
}

fn check_text(
    text: &str,
    max_chars: usize,
    what: &str,
    field: SecretField,
    errors: &mut SecretErrors,
) {
    let count = text.chars().count();
    if count > max_chars {
        let message = format!(
            "{what} can have at most {max_chars} characters. Remove {}.",
            count - max_chars
        );
        errors.add(field, message);
    }
    if text.contains('\0') {
        errors.add(field, format!("{what} cannot contain the character NUL. Remove it."));
    }
}

fn parse_hosts(
    text: &str,
    field: SecretField,
    rules: Rules,
    errors: &mut SecretErrors,
) -> Vec<AllowedHost> {
    let mut hosts: Vec<AllowedHost> = Vec::new();
    let mut messages = Vec::new();
    let is_separator = |c: char| c.is_whitespace() || c == ',';
    for word in text.split(is_separator).filter(|word| !word.is_empty()) {
        match word.parse::<AllowedHost>() {
            Ok(host) if !rules.allow_http && host.to_string().starts_with("http://") => {
                messages.push(format!(
                    "\"{host}\" is not encrypted. Use https://, or allow http:// with GATEPOST_ALLOW_HTTP=true."
                ));
            }
            Ok(host) if hosts.contains(&host) => {}
            Ok(host) => hosts.push(host),
            Err(error) => messages.push(error.to_string()),
        }
    }
    if hosts.len() > MAX_HOSTS {
        messages.push(format!(
            "There are {} hosts. Enter at most {MAX_HOSTS}, or use a wildcard such as https://*.example.com.",
            hosts.len()
        ));
    }
    if !messages.is_empty() {
        errors.add(field, messages.join(" "));
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STRICT: Rules = Rules { allow_http: false, require_verification: false };

    fn draft() -> SecretDraft {
        SecretDraft {
            name: "logpoint_key".to_owned(),
            value: "k3y".into(),
            hosts: "https://10.0.0.5, 10.0.0.5\nhttps://*.example.com:8443/ logs.example.com"
                .to_owned(),
            ..SecretDraft::default()
        }
    }

    /// Returns the only invalid field, with its message.
    fn error(change: impl FnOnce(&mut SecretDraft)) -> (SecretField, String) {
        let mut draft = draft();
        change(&mut draft);
        let errors = check_new(&draft, STRICT).unwrap_err();
        assert_eq!(errors.0.len(), 1, "{errors}");
        errors.0.into_iter().next().unwrap()
    }

    #[test]
    fn parses_hosts_and_ignores_duplicates() {
        let (name, checked) = check_new(&draft(), STRICT).unwrap();
        assert_eq!(name.as_str(), "logpoint_key");
        let hosts: Vec<String> = checked.limits.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(
            hosts,
            ["https://10.0.0.5", "https://*.example.com:8443", "https://logs.example.com"]
        );
        assert_eq!(checked.limits.tokens, None);
    }

    #[test]
    fn a_client_secret_has_scopes_and_hosts_for_its_tokens() {
        let mut draft = draft();
        draft.scopes = " read  write\n".to_owned();
        draft.token_hosts = "api.example.com".to_owned();
        let tokens = check_changed(&draft, STRICT).unwrap().limits.tokens.unwrap();
        assert_eq!(tokens.scopes, "read write");
        assert_eq!(tokens.hosts[0].to_string(), "https://api.example.com");
    }

    #[test]
    fn each_field_has_its_errors() {
        use SecretField::{Description, Hosts, Name, Scopes, TokenHosts, Value};
        let many: Vec<String> = (0..51).map(|number| format!("h{number}.example.com")).collect();
        let many = many.join(" ");
        let (long_value, long_text) = ("x".repeat(MAX_VALUE_BYTES + 1), "é".repeat(301));
        for (field, text, part) in [
            (Name, " ", "Enter a name"),
            (Name, "Key", "\"Key\" is not a name"),
            (Value, "", "Enter the value"),
            (Value, &long_value, "65537 bytes"),
            (Value, "a\0b", "NUL"),
            (Value, "-----BEGIN PRIVATE KEY-----MIIE", "secrets set"),
            (Hosts, "https://a/b", "more than a host"),
            (Hosts, "http://10.0.0.5", "not encrypted"),
            (Hosts, &many, "There are 51 hosts"),
            (TokenHosts, "*", "wildcard"),
            (Description, &long_text, "Remove 1"),
            (Description, "a\0", "NUL"),
        ] {
            let (at, message) = error(|draft| match field {
                Name => text.clone_into(&mut draft.name),
                Value => draft.value = text.into(),
                Hosts => text.clone_into(&mut draft.hosts),
                Scopes => text.clone_into(&mut draft.scopes),
                TokenHosts => text.clone_into(&mut draft.token_hosts),
                Description => text.clone_into(&mut draft.description),
            });
            assert!(at == field && message.contains(part), "{at:?}: {message}");
        }
        let (at, message) = error(|draft| draft.scopes = "read".to_owned());
        assert!(at == TokenHosts && message.contains("Enter the hosts"), "{at:?}: {message}");
    }

    #[test]
    fn http_is_accepted_where_the_operator_allows_it() {
        let draft = SecretDraft { hosts: "http://10.0.0.5".to_owned(), ..draft() };
        assert!(check_new(&draft, Rules::STORED).is_ok());
    }

    proptest! {
        #[test]
        fn no_message_contains_the_value(value in "s3cr[a-z0-9\0]{8,20}", name in ".{0,5}", hosts in ".{0,20}") {
            let value_text = value.clone();
            let draft = SecretDraft { name, value: value.into(), hosts, ..SecretDraft::default() };
            if let Err(errors) = check_new(&draft, STRICT) {
                let printed = format!("{errors} {errors:?} {draft:?}");
                prop_assert!(!printed.contains(&value_text));
            }
        }
    }
}
