//! One-time links, by which invited users set their password. Only the SHA-256 of their token is stored.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::model::Sources;

/// Number of random bytes in a token.
const BYTES: usize = 32;

/// The token of a new one-time link, shown once.
pub struct InvitationToken(String);

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken([redacted])")
    }
}

impl InvitationToken {
    /// Generates a token.
    pub fn new(sources: &Sources) -> Self {
        Self(hex::encode(sources.bytes::<BYTES>()))
    }

    /// Returns the text, to display it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Returns the hash of a token for storage. A token has 256 random bits, so an unsalted hash is enough.
pub fn hash_invitation(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
