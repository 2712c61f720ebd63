//! API tokens: 32 random bytes. Only their SHA-256 is stored.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::model::Sources;

/// Beginning of every token, by which secret scanners recognise it.
const PREFIX: &str = "gp_";
/// Number of characters of a token, with [`PREFIX`], by which users recognize it. The rest has 226 random bits.
const VISIBLE_CHARS: usize = 8;
/// Number of random bytes in a token.
const BYTES: usize = 32;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Send events.
    Events,
    /// Send events manually, and redeliver. Also allows to read.
    Manage,
    /// Read.
    Read,
}

impl Scope {
    /// All scopes, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::Events, Self::Read, Self::Manage];

    /// Returns the scope as stored and displayed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Manage => "manage",
            Self::Read => "read",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|scope| scope.as_str() == word)
            .ok_or_else(|| format!("unknown scope \"{word}\"; use events, manage or read"))
    }
}

/// The text of a new token, shown once.
pub struct TokenText(String);

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText([redacted])")
    }
}

impl TokenText {
    /// Generates a token.
    pub fn new(sources: &Sources) -> Self {
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sources.bytes::<BYTES>())))
    }

    /// Returns the first characters of the text.
    pub fn prefix(&self) -> String {
        self.0.chars().take(VISIBLE_CHARS).collect()
    }

    /// Returns the text, to display it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whether a text can be a token. Others need not be looked up.
pub(super) fn is_well_formed(text: &str) -> bool {
    let encoded = text.strip_prefix(PREFIX);
    encoded
        .and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok())
        .is_some_and(|b| b.len() == BYTES)
}

/// Returns the hash of a token for storage. A token has 256 random bits, so an unsalted hash is enough.
pub fn hash_token(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_32_encoded_bytes_after_the_prefix_can_be_a_token(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(is_well_formed(&text), bytes.len() == BYTES);
            prop_assert!(!is_well_formed(text.trim_start_matches(PREFIX)));
        }
    }
}
