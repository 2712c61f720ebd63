//! The list of webhooks and the webhook form.

mod authentication;
mod backtest;
mod certificate;
mod health;
mod history;
mod list;
mod logpoint;
mod mutual_tls;
mod preview;
mod save;
mod saved_secrets;
mod stored;
mod test;

/// The fields of a valid webhook.
pub(super) const VALID: [(&str, &str); 6] = [
    ("name", "Archive"),
    ("active", "true"),
    ("method", "POST"),
    ("url", "https://archive.example.com/x"),
    ("trigger", "Granted"),
    ("tls_verify", "public"),
];

/// The fields of a valid webhook with some changes.
pub(super) fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept =
        VALID.into_iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    kept.chain(changes.iter().copied()).collect()
}
