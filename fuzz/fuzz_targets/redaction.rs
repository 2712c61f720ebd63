//! No secret that a response repeats is left in it.
#![no_main]

use gatepost::model::secret::{ResponseRedactor, redact_named};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str)| {
    let (secret, before, after) = input;
    let _named = redact_named(before);
    // Shorter secrets are not searched for, and the label could contain one of these.
    if secret.len() < 12 || "{{secrets.key}}".contains(secret) {
        return;
    }
    let redactor = ResponseRedactor::new([("{{secrets.key}}".to_owned(), secret.to_owned().into())]);
    let redacted = redactor.redact(&format!("{before}{secret}{after}"));
    assert!(!redacted.contains(secret), "{redacted:?} contains {secret:?}");
});
