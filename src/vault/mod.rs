//! Secrets at rest: sealed before they are written, opened just before they are used.
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce. The place (table, column, row) is authenticated
//! with the text, so that a sealed value moved to another row does not open there.
//! Format: version (1 byte) ‖ key id (4) ‖ nonce (24) ‖ ciphertext and tag.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

use crate::model::Sources;

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;

/// Seals and opens with the master key.
#[derive(Clone)]
pub struct Vault {
    cipher: Arc<XChaCha20Poly1305>,
    key_id: [u8; KEY_ID],
    sources: Sources,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Why a sealed value does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another key sealed it.
    #[error(
        "it was sealed with another master key: set GATEPOST_MASTER_KEY to the one in use before"
    )]
    OtherKey,
    /// It was changed, or moved from another place.
    #[error("it was damaged or changed since it was sealed")]
    Damaged,
}

/// The master key cannot seal: the text is too long for the cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too long to seal")]
pub struct SealError;

impl Vault {
    /// With a master key of 32 bytes.
    pub fn new(key: &[u8; 32], sources: Sources) -> Self {
        let digest = Sha256::digest(key);
        let mut key_id = [0; KEY_ID];
        key_id.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        Self { cipher: Arc::new(XChaCha20Poly1305::new(key.into())), key_id, sources }
    }

    /// Seals a text for a place, such as `webhooks.sealed/<id>`.
    ///
    /// # Errors
    /// Beyond the cipher's limit of about 256 GB.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE] = self.sources.bytes();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let boxed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|chacha20poly1305::Error| SealError)?;
        let mut sealed = Vec::with_capacity(1 + KEY_ID + NONCE + boxed.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.key_id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&boxed);
        Ok(sealed)
    }

    /// Opens what was sealed for the same place.
    ///
    /// # Errors
    /// With another key, or where anything was changed.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError::Damaged)?;
        let (key_id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or(OpenError::Damaged)?;
        let (nonce, boxed) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::Damaged)?;
        if *version != VERSION {
            return Err(OpenError::Damaged);
        }
        if *key_id != self.key_id {
            return Err(OpenError::OtherKey);
        }
        let payload = Payload { msg: boxed, aad: place.as_bytes() };
        self.cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|chacha20poly1305::Error| OpenError::Damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Clock, Entropy, Timestamp};
    use proptest::prelude::*;

    #[derive(Debug)]
    struct Fixed;

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(7);
        }
    }

    fn vault(key: u8) -> Vault {
        Vault::new(&[key; 32], Sources::new(Arc::new(Fixed), Arc::new(Fixed)))
    }

    proptest! {
        #[test]
        fn opens_what_it_sealed_there_alone(text in ".{0,200}", flip in 0usize..400) {
            let sealed = vault(1).seal("t/1", text.as_bytes()).unwrap();
            prop_assert_eq!(vault(1).open("t/1", &sealed), Ok(text.into_bytes()));
            prop_assert_eq!(vault(1).open("t/2", &sealed), Err(OpenError::Damaged));
            prop_assert_eq!(vault(2).open("t/1", &sealed), Err(OpenError::OtherKey));
            let mut changed = sealed.clone();
            let at = flip % changed.len();
            changed[at] ^= 1;
            prop_assert!(vault(1).open("t/1", &changed).is_err());
            prop_assert!(vault(1).open("t/1", &sealed[..at]).is_err());
        }
    }
}
