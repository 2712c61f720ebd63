//! Masking the secrets of a draft, and restoring them.

use super::name::{MASK, is_secret_name};
use super::scan::{FoundSecret, find_in_body, find_in_url};
use crate::model::webhook::{AuthDraft, Draft, Field, FieldErrors, basic_credential, server_of};

/// Returns the draft with every secret masked, to show, export or store unencrypted.
pub fn mask(draft: &Draft) -> Draft {
    let mut masked = draft.clone();
    masked.url = replace(&draft.url, &find_in_url(&draft.url), |_, _| Some(MASK.to_owned()));
    masked.body_template = mask_body(&draft.body_template);
    for (name, value) in &mut masked.headers {
        if is_secret_header(name, value) {
            MASK.clone_into(value);
        }
    }
    for (_, secret) in secret_fields(&mut masked) {
        if !secret.is_empty() {
            MASK.clone_into(secret);
        }
    }
    masked
}

/// Returns a body with every secret masked.
pub fn mask_body(body: &str) -> String {
    replace(body, &find_in_body(body), |_, _| Some(MASK.to_owned()))
}

/// The fields that are secret as a whole, in the order of the page.
fn secret_fields(draft: &mut Draft) -> [(Field, &mut String); 4] {
    let AuthDraft { token, password, client_secret, .. } = &mut draft.authentication;
    [
        (Field::AuthToken, token),
        (Field::AuthPassword, password),
        (Field::AuthClientSecret, client_secret),
        (Field::TlsClientKey, &mut draft.tls.client_key),
    ]
}

/// Returns the draft with every mask replaced by the secret of the same name in `stored`. If several have the
/// same name, they are matched in order. A mask without a counterpart stays.
pub fn unmask(draft: &Draft, stored: &Draft) -> Draft {
    let mut whole = draft.clone();
    let known = named_values(&stored.url, &find_in_url(&stored.url));
    whole.url = replace(&draft.url, &find_in_url(&draft.url), restore(&known));
    let known = named_values(&stored.body_template, &find_in_body(&stored.body_template));
    whole.body_template =
        replace(&draft.body_template, &find_in_body(&draft.body_template), restore(&known));
    for (name, value) in &mut whole.headers {
        if value == MASK
            && let Some((_, known)) =
                stored.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            known.clone_into(value);
        }
    }
    let mut stored = stored.clone();
    for ((_, secret), (_, known)) in
        secret_fields(&mut whole).into_iter().zip(secret_fields(&mut stored))
    {
        if secret == MASK && !known.is_empty() {
            *secret = std::mem::take(known);
        }
    }
    whole
}

/// Like [`unmask`], but only if scheme, host and port are unchanged: a user who can change the URL must not
/// be able to send a stored secret to another server. Otherwise the masks stay, and [`check_masks`] reports
/// them. The OAuth client secret belongs to the token endpoint instead.
pub fn unmask_for_same_server(draft: &Draft, stored: &Draft) -> Draft {
    let whole = unmask(draft, stored);
    let is_same = is_same_server(&draft.url, &stored.url);
    let mut unmasked = if is_same { whole.clone() } else { draft.clone() };
    let (endpoint, stored_endpoint) =
        (&draft.authentication.token_endpoint_url, &stored.authentication.token_endpoint_url);
    let client_secret = if is_same_server(endpoint, stored_endpoint) {
        whole.authentication.client_secret
    } else {
        draft.authentication.client_secret.clone()
    };
    unmasked.authentication.client_secret = client_secret;
    unmasked
}

/// Whether both URLs have the same server. A URL without one has none in common.
fn is_same_server(one: &str, other: &str) -> bool {
    matches!((server_of(one.trim()), server_of(other.trim())), (Ok(one), Ok(other)) if one == other)
}

/// Returns every secret of a draft, as written and as sent.
pub fn secrets_of(draft: &Draft) -> Vec<String> {
    let mut secrets: Vec<String> = Vec::new();
    let body = named_values(&draft.body_template, &find_in_body(&draft.body_template));
    for (_, value) in body {
        let unescaped = serde_json::from_str::<String>(&format!("\"{value}\"")).unwrap_or_default();
        secrets.push(unescaped);
        secrets.push(value);
    }
    for (_, value) in named_values(&draft.url, &find_in_url(&draft.url)) {
        let decoded = percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned();
        secrets.push(decoded);
        secrets.push(value);
    }
    for (name, value) in draft.headers.iter().filter(|(name, value)| is_secret_header(name, value))
    {
        if name.eq_ignore_ascii_case("authorization")
            && let Some((_scheme, credential)) = value.split_once(' ')
        {
            secrets.push(credential.trim().to_owned());
        }
        secrets.push(value.clone());
    }
    secrets.extend(secrets_of_authentication(&draft.authentication));
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort();
    secrets.dedup();
    secrets
}

/// The private key of a client certificate is omitted because it is never sent.
fn secrets_of_authentication(auth: &AuthDraft) -> Vec<String> {
    let AuthDraft { token, username, password, client_id, client_secret, .. } = auth;
    let mut secrets = vec![token.clone(), password.clone(), client_secret.clone()];
    // A short secret inside base64 could match by chance, so the complete encoded value is added.
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for (name, secret) in
        [(username.clone(), password.clone()), (encode(client_id), encode(client_secret))]
    {
        if !name.is_empty() {
            let header = basic_credential(&name, &secret);
            secrets
                .extend(header.split_once(' ').map(|(_scheme, credential)| credential.to_owned()));
        }
    }
    secrets
}

/// Adds an error for each remaining mask, because no stored secret belongs to it.
pub fn check_masks(draft: &Draft, errors: &mut FieldErrors) {
    let message = "No secret is stored for this server. Enter the secret again.".to_owned();
    if draft.url.contains(MASK) {
        errors.add(Field::Url, message.clone());
    }
    for (row, (_, value)) in draft.headers.iter().enumerate() {
        if value.contains(MASK) {
            errors.add(Field::Header(row), message.clone());
        }
    }
    if let Some(line) = draft.body_template.lines().position(|line| line.contains(MASK)) {
        errors.add_at_line(Field::BodyTemplate, message.clone(), line + 1);
    }
    for (field, secret) in secret_fields(&mut draft.clone()) {
        if secret.contains(MASK) {
            errors.add(field, message.clone());
        }
    }
}

fn is_secret_header(name: &str, value: &str) -> bool {
    is_secret_name(name) && !value.is_empty() && !value.contains("{{")
}

fn named_values(text: &str, found: &[FoundSecret]) -> Vec<(String, String)> {
    found
        .iter()
        .map(|one| {
            let value = text.get(one.value.clone()).unwrap_or_default();
            (one.name.clone(), value.to_owned())
        })
        .collect()
}

/// Returns a function that restores a masked value by its name and its index among values of that name.
fn restore(known: &[(String, String)]) -> impl Fn(&str, (usize, &str)) -> Option<String> {
    move |name, (index, current)| {
        if current != MASK {
            return None;
        }
        let mut same = known.iter().filter(|(known, _)| known == name);
        same.nth(index).map(|(_, value)| value.clone())
    }
}

/// Replaces the found values with the results of `with`, which gets the name, the index among values of that
/// name, and the current value.
fn replace(
    text: &str,
    found: &[FoundSecret],
    with: impl Fn(&str, (usize, &str)) -> Option<String>,
) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (position, one) in found.iter().enumerate() {
        let same_name =
            found.iter().take(position).filter(|earlier| earlier.name == one.name).count();
        let current = text.get(one.value.clone()).unwrap_or_default();
        // A value may contain text that looks like another secret. The outer value counts.
        if let Some(value) = with(&one.name, (same_name, current)).filter(|_| one.value.start >= at)
        {
            result.push_str(text.get(at..one.value.start).unwrap_or_default());
            result.push_str(&value);
            at = one.value.end;
        }
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::webhook::TlsDraft;
    use proptest::prelude::*;

    fn draft(key: &str) -> Draft {
        Draft {
            url: format!("https://a/x?token={key}&a=1"),
            headers: vec![
                ("Authorization".to_owned(), format!("Bearer {key}")),
                ("X-Team".to_owned(), "sec".to_owned()),
            ],
            body_template: format!(
                r#"{{"username": "svc", "secret_key": "{key}", "requestData": {{"secret_key": "{key}2"}}}}"#
            ),
            authentication: AuthDraft {
                kind: "basic".to_owned(),
                username: "svc".to_owned(),
                password: format!("{key}3"),
                ..AuthDraft::default()
            },
            tls: TlsDraft { client_key: format!("{key}4"), ..TlsDraft::default() },
            ..Draft::default()
        }
    }

    #[test]
    fn masked_secrets_are_restored() {
        let stored = draft("abcdef");
        let mut shown = mask(&stored);
        assert!(!format!("{shown:?}").contains("abcdef"));
        assert_eq!(shown.headers[1].1, "sec");
        assert_eq!(unmask(&shown, &stored), stored);
        shown.body_template = shown.body_template.replacen(MASK, "changed", 1);
        let saved = unmask(&shown, &stored);
        assert!(saved.body_template.contains("changed") && saved.body_template.contains("abcdef2"));
    }

    #[test]
    fn a_mask_without_a_stored_secret_is_an_error() {
        let shown = mask(&draft("abcdef"));
        let mut errors = FieldErrors::default();
        check_masks(&unmask(&shown, &Draft::default()), &mut errors);
        assert_eq!(errors.iter().count(), 5);
    }

    #[test]
    fn secrets_are_restored_only_for_the_same_server() {
        let stored = draft("abcdef");
        let moved = |from: &str, to: &str| {
            let mut shown = mask(&stored);
            shown.url = shown.url.replace(from, to);
            unmask_for_same_server(&shown, &stored)
        };
        for (from, to) in [
            ("/x", "/y"),
            ("https://a/", "HTTPS://A:443/"),
            ("https://a/", "https://a\\.b/"),
            ("&a=1", "&a=2"),
        ] {
            assert!(format!("{:?}", moved(from, to)).contains("abcdef"), "{to}");
        }
        for (from, to) in [
            ("https://a/", "https://b/"),
            ("https://a/", "https://a:8443/"),
            ("https://a/", "http://a/"),
            ("https://a/", "https://a@b/"),
            ("https://a/", "https://a%2eb/"),
            ("https://a/", "a/"),
            ("https://a/", "https:///"),
        ] {
            assert!(!format!("{:?}", moved(from, to)).contains("abcdef"), "{to}");
        }
    }

    #[test]
    fn the_client_secret_belongs_to_the_token_endpoint() {
        let with = |url: &str, endpoint: &str, client_secret: &str| Draft {
            url: url.to_owned(),
            authentication: AuthDraft {
                kind: "oauth".to_owned(),
                token_endpoint_url: endpoint.to_owned(),
                client_secret: client_secret.to_owned(),
                ..AuthDraft::default()
            },
            ..Draft::default()
        };
        let stored = with("https://a/", "https://login/token", "s3cret");
        let unmasked = |url: &str, endpoint: &str| {
            let shown = with(url, endpoint, MASK);
            unmask_for_same_server(&shown, &stored).authentication.client_secret
        };
        assert_eq!(unmasked("https://a/", "https://login/other"), "s3cret");
        assert_eq!(unmasked("https://b/", "https://login/token"), "s3cret");
        assert_eq!(unmasked("https://a/", "https://evil/token"), MASK);
    }

    proptest! {
        #[test]
        fn no_secret_is_in_the_masked_draft(key in "[A-Za-z0-9+/._-]{8,60}") {
            let stored = draft(key.trim());
            let masked = mask(&stored);
            let shown = format!("{masked:?}");
            prop_assert!(!shown.contains(key.trim()));
            prop_assert_eq!(unmask(&masked, &stored), stored);
        }
    }
}
