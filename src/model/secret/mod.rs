//! Secrets that were typed into a webhook: found, masked, put back, and kept out of what is stored.
//!
//! A value is taken for a secret by its name: a JSON key, a header or a query parameter such as
//! `secret_key`, `Authorization` or `token`. Some services put theirs into the URL's path. The page, exports and stored exchanges show
//! [`MASK`] in its place; a mask that comes back stands for the value that was there.

mod mask;
mod redact;
mod scan;

pub use mask::{check_masks, mask, mask_body, secrets_of, unmask, unmask_for_same_server};
pub use redact::Redactor;

/// What is shown in place of a secret.
pub const MASK: &str = "••••••";

/// The names of the secrets that stand open in a URL; `path` where it is the path.
pub fn secret_names_in_url(url: &str) -> Vec<String> {
    let found = scan::in_url(url).into_iter();
    let is_open = |one: &scan::Found| url.get(one.value.clone()).is_some_and(|text| text != MASK);
    found.filter(is_open).map(|one| one.name).collect()
}

/// Whether a JSON key, header or parameter of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 14] = [
        "secret",
        "password",
        "passwd",
        "passphrase",
        "token",
        "apikey",
        "accesskey",
        "privatekey",
        "signingkey",
        "routingkey",
        "authorization",
        "credential",
        "cookie",
        "ddapikey",
    ];
    let plain: String =
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    WORDS.iter().any(|word| plain.contains(word))
        || matches!(plain.as_str(), "key" | "sig" | "auth" | "pwd")
}
