//! Takes secrets out of what is stored and shown of an exchange.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::MASK;

/// Replaces secrets by [`MASK`], in every encoding they may take: as they are, escaped for JSON one
/// to three times, percent-encoded, and in base64 at each of its three alignments.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Longest first, so that a secret within another leaves nothing behind.
    forms: Vec<String>,
}

impl Redactor {
    /// Shorter ones are let be: replacing every "1" would hide nothing and spoil everything.
    pub const SHORTEST: usize = 4;

    /// For these secrets.
    pub fn new(secrets: &[String]) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.iter().filter(|secret| secret.len() >= Self::SHORTEST) {
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
        forms.retain(|form| form.len() >= Self::SHORTEST);
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        forms.dedup();
        Self { forms }
    }

    /// The text without its secrets.
    pub fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        self.redact_in_place(&mut clean);
        clean
    }

    /// Takes the secrets out of the text.
    pub fn redact_in_place(&self, text: &mut String) {
        for form in &self.forms {
            if text.contains(form.as_str()) {
                *text = text.replace(form.as_str(), MASK);
            }
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

/// The part of the base64 text that depends on the secret alone, whatever stands before and after:
/// at each alignment, without the characters that share bits with a neighbour.
fn base64_forms(secret: &str, forms: &mut Vec<String>) {
    for lead in 0..3 {
        let mut bytes = vec![0; lead];
        bytes.extend_from_slice(secret.as_bytes());
        let whole = bytes.len() / 3 * 3;
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(bytes.get(..whole).unwrap_or_default());
            let skip = if lead == 0 { 0 } else { lead + 1 };
            let core: String = encoded.chars().skip(skip).collect();
            // Short cores would hit by chance.
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
        fn no_form_of_a_secret_survives(
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
        fn nor_does_it_in_base64(secret in "[A-Za-z0-9]{12,40}", user in "[a-z]{0,7}") {
            let redactor = Redactor::new(std::slice::from_ref(&secret));
            let header = STANDARD.encode(format!("{user}:{secret}"));
            let clean = redactor.redact(&header);
            let rest: String = clean.replace(MASK, "");
            // What is left is the user's part and at most the few characters around the secret.
            prop_assert!(rest.len() <= user.len() * 4 / 3 + 10, "{} left of {}", rest, header);
        }
    }
}
