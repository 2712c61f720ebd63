//! Redaction of secrets in texts that targets return.
//!
//! A target may return what it received in any encoding, so a text is searched as it is and after every sequence of
//! decoding steps that changes it: JSON escapes, percent-encoding, HTML entities, base64 and hex. A match is mapped
//! back to the part of the text that it was decoded from. Requests are not searched, because they are recorded by
//! rendering them without secrets.

mod decoded;
mod entities;
mod escapes;
mod forms;
mod runs;
mod search;
#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use secrecy::{ExposeSecret as _, SecretString};

use forms::Form;
use search::Search;

/// Replaces secrets in received texts by their labels.
#[derive(Default)]
pub struct ResponseRedactor {
    /// The labels of the secrets.
    labels: Vec<String>,
    /// `None` if there is nothing to search for.
    search: Option<Search>,
}

impl ResponseRedactor {
    /// Shortest secret that is searched for, in bytes. Replacing every "1" would hide nothing and make the record
    /// unreadable.
    pub const MIN_BYTES: usize = 4;

    /// Creates a redactor for pairs of a label, such as `[secret:logpoint_key]`, and a value.
    pub fn new(secrets: impl IntoIterator<Item = (String, SecretString)>) -> Self {
        let mut labels = Vec::new();
        let mut forms: Vec<Form> = Vec::new();
        for (label, value) in secrets {
            let value = value.expose_secret();
            if value.len() >= Self::MIN_BYTES {
                forms::add(value, labels.len(), &mut forms);
                labels.push(label);
            }
        }
        Self { labels, search: Search::new(forms) }
    }

    /// Replaces the secrets in the text.
    pub fn redact_in_place(&self, text: &mut String) {
        let Some(search) = &self.search else { return };
        let mut found = search.find(text);
        if found.is_empty() {
            return;
        }
        self.remove_labels(text, &mut found);
        let mut redacted = String::with_capacity(text.len());
        let mut at = 0;
        for (range, secret) in found {
            redacted.push_str(text.get(at..range.start).unwrap_or_default());
            redacted.push_str(self.label(secret));
            at = range.end;
        }
        redacted.push_str(text.get(at..).unwrap_or_default());
        *text = redacted;
    }

    /// Returns the text with its secrets replaced.
    pub fn redact(&self, text: &str) -> String {
        let mut redacted = text.to_owned();
        self.redact_in_place(&mut redacted);
        redacted
    }

    /// Replaces the beginning of a secret at the end of a text that was cut.
    pub fn redact_end(&self, text: &mut String) {
        let Some(search) = &self.search else { return };
        if let Some((start, secret)) = search.find_start_at_end(text) {
            text.truncate(start);
            text.push_str(self.label(secret));
        }
    }

    fn label(&self, secret: usize) -> &str {
        self.labels.get(secret).map_or("", String::as_str)
    }

    /// Removes the matches inside labels, which a text that was redacted before contains.
    fn remove_labels(&self, text: &str, found: &mut Vec<(Range<usize>, usize)>) {
        for label in &self.labels {
            for (start, _) in text.match_indices(label.as_str()) {
                let end = start + label.len();
                found.retain(|(range, _)| range.start < start || end < range.end);
            }
        }
    }
}

impl fmt::Debug for ResponseRedactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseRedactor").field("labels", &self.labels).finish_non_exhaustive()
    }
}
