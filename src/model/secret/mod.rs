//! Secrets that were typed into a webhook: found, masked, put back, and kept out of what is stored.
//!
//! A value is taken for a secret by its name: a JSON key, a header or a query parameter such as
//! `secret_key`, `Authorization` or `token`. The page, exports and stored exchanges show
//! [`MASK`] in its place; a mask that comes back stands for the value that was there.

mod mask;
mod redact;
mod scan;

pub use mask::{check_masks, mask, secrets_of, unmask};
pub use redact::Redactor;

/// What is shown in place of a secret.
pub const MASK: &str = "••••••";

/// Whether a JSON key, header or parameter of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 13] = [
        "secret",
        "password",
        "passwd",
        "passphrase",
        "token",
        "apikey",
        "accesskey",
        "privatekey",
        "signingkey",
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
