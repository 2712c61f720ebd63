//! Recognition of secrets by name, and the mask that replaces them.

/// Shown in place of a secret.
pub const MASK: &str = "••••••";

/// Whether a JSON key, header or parameter of this name contains a secret.
pub fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 14] = [
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
    PARTS.iter().any(|part| plain.contains(part))
        || matches!(plain.as_str(), "key" | "sig" | "auth" | "pwd")
}
