//! Redaction of values by their names, for responses with credentials that Gatepost does not know.

use super::scan::find_in_body;

/// Written in place of a credential.
pub const REDACTED: &str = "[redacted]";

/// Returns a JSON or form body with the values of names such as `refresh_token` replaced.
pub fn redact_named(body: &str) -> String {
    let mut result = String::with_capacity(body.len());
    let mut at = 0;
    for found in find_in_body(body) {
        // A value may contain text that looks like another one. The outer value counts.
        if found.value.start >= at {
            result.push_str(body.get(at..found.value.start).unwrap_or_default());
            result.push_str(REDACTED);
            at = found.value.end;
        }
    }
    result.push_str(body.get(at..).unwrap_or_default());
    result
}
