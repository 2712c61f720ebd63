//! Encryption of secrets at rest.
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce. The place (table, column and row) is authenticated with the text, so
//! that an encrypted value cannot be moved to another row.
//! Format: version (1 byte) ‖ key id (4) ‖ nonce (24) ‖ ciphertext and tag.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::model::Sources;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;

/// Encrypts (seals) and decrypts (opens) with the master key.
#[derive(Clone)]
pub struct Vault {
    cipher: Arc<XChaCha20Poly1305>,
    key_id: [u8; KEY_ID_BYTES],
    sources: Sources,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Why a value could not be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was encrypted with another key.
    #[error(
        "it was encrypted with another master key; set GATEPOST_MASTER_KEY to the previous one"
    )]
    OtherKey,
    /// It was changed, or moved from another place.
    #[error("it was damaged or changed since it was encrypted")]
    Damaged,
}

/// The text is too long for the cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too long to encrypt")]
pub struct SealError;

/// Derives a key for another purpose from the master key (HKDF-Expand with SHA-512 and one block, RFC 5869, section 2.3).
/// It reveals nothing about the master key.
pub fn derive_key(master_key: &[u8; 32], purpose: &str) -> [u8; 64] {
    // HMAC pads a shorter key with zeros (RFC 2104, section 2).
    let mut block = Zeroizing::new([0; 128]);
    block.iter_mut().zip(master_key).for_each(|(to, from)| *to = *from);
    let mut mac = Hmac::<Sha512>::new((&*block).into());
    mac.update(purpose.as_bytes());
    mac.update(&[1]);
    mac.finalize().into_bytes().into()
}

impl Vault {
    /// Creates a vault with a master key.
    pub fn new(key: &[u8; 32], sources: Sources) -> Self {
        let digest = Sha256::digest(key);
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        Self { cipher: Arc::new(XChaCha20Poly1305::new(key.into())), key_id, sources }
    }

    /// Encrypts a text for a place, such as `webhooks.sealed/<id>`.
    ///
    /// # Errors
    /// If the text is longer than the cipher's limit of about 256 GB.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = self.sources.bytes();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let ciphertext = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|chacha20poly1305::Error| SealError)?;
        let mut sealed = Vec::with_capacity(1 + KEY_ID_BYTES + NONCE_BYTES + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.key_id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Decrypts a value that was encrypted for the same place.
    ///
    /// # Errors
    /// If the key is another one, or anything was changed.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError::Damaged)?;
        let (key_id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>().ok_or(OpenError::Damaged)?;
        let (nonce, ciphertext) =
            rest.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Damaged)?;
        if *version != VERSION {
            return Err(OpenError::Damaged);
        }
        if *key_id != self.key_id {
            return Err(OpenError::OtherKey);
        }
        let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
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

    #[test]
    fn derived_keys_depend_on_the_master_key_and_the_purpose() {
        let key = derive_key(&[1; 32], "a");
        assert_eq!(key, derive_key(&[1; 32], "a"));
        assert_ne!(key, derive_key(&[1; 32], "b"));
        assert_ne!(key, derive_key(&[2; 32], "a"));
    }

    proptest! {
        #[test]
        fn opens_a_value_only_with_its_key_and_place(text in ".{0,200}", flip in 0usize..400) {
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
