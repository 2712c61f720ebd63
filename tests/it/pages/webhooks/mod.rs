//! The webhooks' table and form.

mod authentication;
mod backtest;
mod certificate;
mod history;
mod list;
mod logpoint;
mod mutual_tls;
mod preview;
mod save;
mod stored;
mod test;

/// What a form for a good webhook holds.
pub(super) const GOOD: [(&str, &str); 6] = [
    ("name", "Archive"),
    ("active", "true"),
    ("method", "POST"),
    ("url", "https://archive.example.com/x"),
    ("trigger", "Granted"),
    ("tls_verify", "public"),
];

/// The good form with some fields in other words.
pub(super) fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = GOOD.into_iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
    kept.chain(changes.iter().copied()).collect()
}
