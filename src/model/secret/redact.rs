//! Redaction of secrets in recorded exchanges.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::name::MASK;

/// Replaces secrets with [`MASK`] in every encoding they may have: plain, JSON-escaped one to three times,
/// percent-encoded, form-encoded, and in base64 at each of its three alignments.
#[derive(Debug, Default)]
pub struct Redactor {
    /// All encodings, longest first, so that a secret inside another one leaves no remainder.
    forms: Vec<String>,
}

impl Redactor {
    /// Shortest secret that is redacted, in bytes. Replacing every "1" would hide nothing and make the
    /// record unreadable.
    pub const MIN_BYTES: usize = 4;

    /// Creates a redactor for these secrets.
    pub fn new(secrets: &[String]) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.iter().filter(|secret| secret.len() >= Self::MIN_BYTES) {
            let mut escaped = secret.clone();
            for _ in 0..3 {
                escaped = escape_json(&escaped);
                forms.push(escaped.clone());
            }
            forms.push(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string());
            forms.push(form_encode(secret));
            base64_forms(secret, &mut forms);
            forms.push(secret.clone());
        }
        forms.retain(|form| form.len() >= Self::MIN_BYTES);
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        forms.dedup();
        Self { forms }
    }

    /// Returns the text with its secrets masked.
    pub fn redact(&self, text: &str) -> String {
        let mut redacted = text.to_owned();
        self.redact_in_place(&mut redacted);
        redacted
    }

    /// Masks the secrets in the text.
    pub fn redact_in_place(&self, text: &mut String) {
        for form in &self.forms {
            if text.contains(form.as_str()) {
                *text = text.replace(form.as_str(), MASK);
            }
        }
    }
}

impl Redactor {
    /// Masks the beginning of a secret at the end of a text that was cut.
    pub fn redact_end(&self, text: &mut String) {
        let longest_start = |form: &String| {
            let ends = form.char_indices().map(|(at, _)| at).rev();
            let mut starts = ends.take_while(|end| *end >= Self::MIN_BYTES);
            starts.find(|end| form.get(..*end).is_some_and(|start| text.ends_with(start)))
        };
        if let Some(length) = self.forms.iter().filter_map(longest_start).max() {
            text.truncate(text.len() - length);
            text.push_str(MASK);
        }
    }
}

fn escape_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

fn form_encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Adds the base64 characters that depend only on the secret and not on the bytes around it: at each of the
/// three alignments, without the characters that share bits with a neighbor.
fn base64_forms(secret: &str, forms: &mut Vec<String>) {
    for lead in 0..3 {
        let mut bytes = vec![0; lead];
        bytes.extend_from_slice(secret.as_bytes());
        let whole = bytes.len() / 3 * 3;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(bytes.get(..whole).unwrap_or_default());
            let skip = if lead == 0 { 0 } else { lead + 1 };
            let core: String = encoded.chars().skip(skip).collect();
            // Shorter parts would match by chance.
            if core.len() >= 6 {
                forms.push(core);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_encoding_of_a_secret_is_redacted(
            secret in "[ -~]{4,40}", before in "[a-z]{0,5}", after in "[a-z]{0,5}"
        ) {
            let redactor = Redactor::new(std::slice::from_ref(&secret));
            let once = escape_json(&secret);
            let encoded = utf8_percent_encode(&secret, NON_ALPHANUMERIC).to_string();
            for form in [secret.clone(), once.clone(), escape_json(&once), encoded, form_encode(&secret)] {
                let clean = redactor.redact(&format!("{before}{form}{after}"));
                prop_assert!(!clean.contains(&form), "{}", clean);
            }
        }

        #[test]
        fn a_secret_within_base64_is_redacted(secret in "[A-Za-z0-9]{12,40}", user in "[a-z]{0,7}") {
            let redactor = Redactor::new(std::slice::from_ref(&secret));
            let header = STANDARD.encode(format!("{user}:{secret}"));
            let clean = redactor.redact(&header);
            let rest: String = clean.replace(MASK, "");
            // Only the user name and a few characters around the secret remain.
            prop_assert!(rest.len() <= user.len() * 4 / 3 + 10, "{} left of {}", rest, header);
        }
    }
}
