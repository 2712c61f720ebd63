//! API tokens: 32 random bytes, of which only the SHA-256 is stored.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::model::Sources;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Sending events.
    Events,
    /// Changing webhooks, and reading.
    Manage,
    /// Reading.
    Read,
}

impl Scope {
    /// The word.
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
        [Self::Events, Self::Manage, Self::Read]
            .into_iter()
            .find(|scope| scope.as_str() == word)
            .ok_or_else(|| format!("\"{word}\" is none of events, manage and read"))
    }
}

/// A token's text, shown once.
pub struct TokenText(String);

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText([redacted])")
    }
}

impl TokenText {
    /// A new one. It begins with `gp_`, so that scanners of source code know it.
    pub fn new(sources: &Sources) -> Self {
        Self(format!("gp_{}", URL_SAFE_NO_PAD.encode(sources.bytes::<32>())))
    }

    /// To show it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What is stored of a token. It has 256 random bits, so a plain hash is enough.
pub fn hash_token(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
