//! Names of secrets, and references to them.

use std::fmt;
use std::str::FromStr;

/// The name of a secret: lower-case letters, digits and underscores, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// Why a text is not the name of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a name for a secret: use up to {max} lower-case letters, digits and underscores, starting with a letter",
    max = SecretName::MAX_CHARS
)]
pub struct InvalidSecretName(String);

impl SecretName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a name made of a text, such as the name of a header.
    pub fn suggest(text: &str) -> Self {
        let mut name = String::new();
        for c in text.chars() {
            let c = if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
            if c != '_' || !(name.is_empty() || name.ends_with('_')) {
                name.push(c);
            }
        }
        name.truncate(Self::MAX_CHARS - 4);
        let name = name.trim_matches('_');
        match name.chars().next() {
            Some(first) if first.is_ascii_lowercase() => Self(name.to_owned()),
            Some(_) => Self(format!("key_{name}")),
            None => Self("secret".to_owned()),
        }
    }

    /// Returns the name with a number at its end, or the name itself for 1.
    #[must_use]
    pub fn numbered(&self, number: usize) -> Self {
        if number < 2 { self.clone() } else { Self(format!("{}_{number}", self.0)) }
    }

    /// The reference to the secret in templates and fields, such as `{{secrets.logpoint_key}}`.
    pub fn reference(&self) -> String {
        format!("{{{{secrets.{}}}}}", self.0)
    }

    /// The name in a field that contains only a reference.
    pub fn in_reference(text: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
        inner.trim().strip_prefix("secrets.")?.parse().ok()
    }

    /// Shown in place of the value in records and previews, such as `[secret:logpoint_key]`.
    pub fn label(&self) -> String {
        format!("[secret:{}]", self.0)
    }
}

impl FromStr for SecretName {
    type Err = InvalidSecretName;

    fn from_str(text: &str) -> Result<Self, InvalidSecretName> {
        let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
        if starts && text.len() <= Self::MAX_CHARS && text.chars().all(is_part) {
            Ok(Self(text.to_owned()))
        } else {
            let shown: String = text.chars().take(Self::MAX_CHARS).collect();
            Err(InvalidSecretName(shown))
        }
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_short_words_are_names() {
        for good in ["a", "logpoint_key", "k2"] {
            assert_eq!(good.parse::<SecretName>().unwrap().as_str(), good);
        }
        let long = "a".repeat(65);
        for bad in ["", "A", "2k", "a-b", "a.b", "a b", "_a", long.as_str()] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_suggested_for_a_header() {
        for (text, name) in [
            ("DD-API-KEY", "dd_api_key"),
            ("X--Auth-", "x_auth"),
            ("secretKey", "secretkey"),
            ("2fa", "key_2fa"),
            ("•••", "secret"),
        ] {
            assert_eq!(SecretName::suggest(text).as_str(), name);
        }
    }

    proptest! {
        #[test]
        fn a_suggestion_is_a_name_whose_reference_can_be_read(text in ".{0,100}", number in 1_usize..100) {
            let name = SecretName::suggest(&text).numbered(number);
            prop_assert_eq!(name.as_str().parse::<SecretName>().unwrap(), name.clone());
            prop_assert_eq!(SecretName::in_reference(&name.reference()), Some(name));
        }
    }
}
