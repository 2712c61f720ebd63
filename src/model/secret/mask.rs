//! Masks a draft's secrets, and puts them back.

use super::scan::{self, Found};
use super::{MASK, is_secret_name};
use crate::model::webhook::{AuthDraft, Draft, Field, FieldErrors, basic_credential};

/// The draft with every secret masked: what is shown, exported and kept in clear.
pub fn mask(draft: &Draft) -> Draft {
    let mut masked = draft.clone();
    masked.url = replace(&draft.url, &scan::in_url(&draft.url), |_, _| Some(MASK.to_owned()));
    masked.body_template = mask_body(&draft.body_template);
    for (name, value) in &mut masked.headers {
        if is_secret_header(name, value) {
            MASK.clone_into(value);
        }
    }
    for (_, secret) in fields_of(&mut masked) {
        if !secret.is_empty() {
            MASK.clone_into(secret);
        }
    }
    masked
}

/// A body with every secret in it masked.
pub fn mask_body(body: &str) -> String {
    replace(body, &scan::in_body(body), |_, _| Some(MASK.to_owned()))
}

/// Fields that are secret as a whole, in the order of the page.
fn fields_of(draft: &mut Draft) -> [(Field, &mut String); 4] {
    let AuthDraft { token, password, client_secret, .. } = &mut draft.authentication;
    [
        (Field::AuthToken, token),
        (Field::AuthPassword, password),
        (Field::AuthClientSecret, client_secret),
        (Field::TlsClientKey, &mut draft.tls.client_key),
    ]
}

/// The draft with every mask replaced by what stands there in `stored`: the same name, and among
/// several of one name the same place in the row. A mask without a counterpart stays.
pub fn unmask(draft: &Draft, stored: &Draft) -> Draft {
    let mut whole = draft.clone();
    let known = named_values(&stored.url, &scan::in_url(&stored.url));
    whole.url = replace(&draft.url, &scan::in_url(&draft.url), put_back(&known));
    let known = named_values(&stored.body_template, &scan::in_body(&stored.body_template));
    whole.body_template =
        replace(&draft.body_template, &scan::in_body(&draft.body_template), put_back(&known));
    for (name, value) in &mut whole.headers {
        if value == MASK
            && let Some((_, known)) =
                stored.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            known.clone_into(value);
        }
    }
    let mut stored = stored.clone();
    for ((_, secret), (_, known)) in fields_of(&mut whole).into_iter().zip(fields_of(&mut stored)) {
        if secret == MASK && !known.is_empty() {
            *secret = std::mem::take(known);
        }
    }
    whole
}

/// Like [`unmask`], but only for the server that the secrets were typed for: whoever can change a URL
/// must not be able to have a stored secret sent to a server of theirs. For another host or port the
/// masks stay, and are told as mistakes. OAuth's client secret is the token endpoint's.
pub fn unmask_for_same_server(draft: &Draft, stored: &Draft) -> Draft {
    let whole = unmask(draft, stored);
    let is_same = server_of(&draft.url) == server_of(&stored.url);
    let mut kept = if is_same { whole.clone() } else { draft.clone() };
    let endpoint = |draft: &Draft| server_of(&draft.authentication.token_endpoint_url);
    let client_secret = if endpoint(draft) == endpoint(stored) {
        whole.authentication.client_secret
    } else {
        draft.authentication.client_secret.clone()
    };
    kept.authentication.client_secret = client_secret;
    kept
}

/// Scheme, host and port of a URL as typed, which may hold placeholders after that.
fn server_of(url: &str) -> Option<(String, String, u16)> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let url = url::Url::parse(&format!("{scheme}://{authority}/")).ok()?;
    Some((url.scheme().to_owned(), url.host_str()?.to_owned(), url.port_or_known_default()?))
}

/// Every secret value in a draft, as it is sent.
pub fn secrets_of(draft: &Draft) -> Vec<String> {
    let mut secrets: Vec<String> = Vec::new();
    let body = named_values(&draft.body_template, &scan::in_body(&draft.body_template));
    for (_, value) in body {
        // As written, and as it reads once JSON is undone.
        let read = serde_json::from_str::<String>(&format!("\"{value}\"")).unwrap_or_default();
        secrets.push(read);
        secrets.push(value);
    }
    for (_, value) in named_values(&draft.url, &scan::in_url(&draft.url)) {
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

/// The private key of a client certificate is not among them: it never leaves.
fn secrets_of_authentication(auth: &AuthDraft) -> Vec<String> {
    let AuthDraft { token, username, password, client_id, client_secret, .. } = auth;
    let mut secrets = vec![token.clone(), password.clone(), client_secret.clone()];
    // In base64 a short secret cannot be told from chance: the whole value can.
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    for (name, secret) in
        [(username.clone(), password.clone()), (encode(client_id), encode(client_secret))]
    {
        if !name.is_empty() {
            let whole = basic_credential(&name, &secret);
            secrets
                .extend(whole.split_once(' ').map(|(_scheme, credential)| credential.to_owned()));
        }
    }
    secrets
}

/// A mask that is still there has nothing behind it: say so at its field.
pub fn check_masks(draft: &Draft, errors: &mut FieldErrors) {
    let message = format!("No secret is kept for this server behind {MASK}: type it again.");
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
    for (field, secret) in fields_of(&mut draft.clone()) {
        if secret.contains(MASK) {
            errors.add(field, message.clone());
        }
    }
}

fn is_secret_header(name: &str, value: &str) -> bool {
    is_secret_name(name) && !value.is_empty() && !value.contains("{{")
}

fn named_values(text: &str, found: &[Found]) -> Vec<(String, String)> {
    found
        .iter()
        .map(|one| {
            let value = text.get(one.value.clone()).unwrap_or_default();
            (one.name.clone(), value.to_owned())
        })
        .collect()
}

/// Gives what to put in place of a value: called with the name and its number among those of that
/// name.
fn put_back(known: &[(String, String)]) -> impl Fn(&str, (usize, &str)) -> Option<String> {
    move |name, (number, current)| {
        if current != MASK {
            return None;
        }
        let mut same = known.iter().filter(|(known, _)| known == name);
        same.nth(number).map(|(_, value)| value.clone())
    }
}

fn replace(
    text: &str,
    found: &[Found],
    with: impl Fn(&str, (usize, &str)) -> Option<String>,
) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (index, one) in found.iter().enumerate() {
        let number = found.iter().take(index).filter(|earlier| earlier.name == one.name).count();
        let current = text.get(one.value.clone()).unwrap_or_default();
        // A value may hold what looks like another: the outer one counts.
        if let Some(value) = with(&one.name, (number, current)).filter(|_| one.value.start >= at) {
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
    fn masked_and_put_back() {
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
    fn a_mask_with_nothing_behind_it_is_told() {
        let shown = mask(&draft("abcdef"));
        let mut errors = FieldErrors::default();
        check_masks(&unmask(&shown, &Draft::default()), &mut errors);
        assert_eq!(errors.iter().count(), 5);
    }

    #[test]
    fn a_secret_goes_back_only_to_the_server_it_was_typed_for() {
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
        ] {
            assert!(!format!("{:?}", moved(from, to)).contains("abcdef"), "{to}");
        }
    }

    #[test]
    fn a_client_secret_is_the_token_endpoints() {
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
        let kept = |url: &str, endpoint: &str| {
            let shown = with(url, endpoint, MASK);
            unmask_for_same_server(&shown, &stored).authentication.client_secret
        };
        assert_eq!(kept("https://a/", "https://login/other"), "s3cret");
        assert_eq!(kept("https://b/", "https://login/token"), "s3cret");
        assert_eq!(kept("https://a/", "https://evil/token"), MASK);
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
