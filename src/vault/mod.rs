//! Encryption of secrets at rest.
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce. The place (table, column and row) is authenticated with the text, so
//! that an encrypted value cannot be moved to another row.
//! Format: version (1 byte) ‖ key id (4) ‖ nonce (24) ‖ ciphertext and tag. The key id allows for several keys while the
//! master key is rotated.

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

/// Encrypts (seals) with the current master key, and decrypts (opens) with that one and the previous ones.
#[derive(Clone)]
pub struct Vault {
    current: Key,
    previous: Vec<Key>,
    sources: Sources,
}

/// A master key, ready to use.
#[derive(Clone)]
struct Key {
    cipher: Arc<XChaCha20Poly1305>,
    id: [u8; KEY_ID_BYTES],
}

impl Key {
    fn new(key: &[u8; 32]) -> Self {
        let digest = Sha256::digest(key);
        let mut id = [0; KEY_ID_BYTES];
        id.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
        Self { cipher: Arc::new(XChaCha20Poly1305::new(key.into())), id }
    }

    fn prefix(&self) -> Vec<u8> {
        let mut prefix = vec![VERSION];
        prefix.extend_from_slice(&self.id);
        prefix
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let previous: Vec<_> = self.previous.iter().map(|key| key.id).collect();
        f.debug_struct("Vault")
            .field("current", &self.current.id)
            .field("previous", &previous)
            .finish_non_exhaustive()
    }
}

/// Why a value could not be decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was encrypted with another key.
    #[error(
        "it was encrypted with another master key; set GATEPOST_PREVIOUS_MASTER_KEY to that key, or GATEPOST_MASTER_KEY \
         if no other key was used"
    )]
    OtherKey,
    /// It was changed, or moved from another place.
    #[error("it was damaged or changed since it was encrypted")]
    Damaged,
}

/// Why a value could not be encrypted with another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResealError {
    /// It could not be decrypted.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It could not be encrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
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
        Self { current: Key::new(key), previous: Vec::new(), sources }
    }

    /// Adds keys that only decrypt.
    #[must_use]
    pub fn with_previous<'a>(mut self, keys: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        self.previous.extend(keys.into_iter().map(Key::new));
        self
    }

    /// Returns the first bytes of every value that was encrypted with the current key.
    pub fn prefix(&self) -> Vec<u8> {
        self.current.prefix()
    }

    /// Returns the first bytes of every value that can be decrypted, by key.
    pub fn prefixes(&self) -> Vec<Vec<u8>> {
        self.keys().map(Key::prefix).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    /// Encrypts a text for a place, such as `webhooks.sealed/<id>`.
    ///
    /// # Errors
    /// If the text is longer than the cipher's limit of about 256 GB.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = self.sources.bytes();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let ciphertext = self
            .current
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|chacha20poly1305::Error| SealError)?;
        let mut sealed = Vec::with_capacity(1 + KEY_ID_BYTES + NONCE_BYTES + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.current.id);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Decrypts a value that was encrypted for the same place.
    ///
    /// # Errors
    /// If the key is unknown, or anything was changed.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError::Damaged)?;
        let (key_id, rest) = rest.split_first_chunk::<KEY_ID_BYTES>().ok_or(OpenError::Damaged)?;
        let (nonce, ciphertext) =
            rest.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::Damaged)?;
        if *version != VERSION {
            return Err(OpenError::Damaged);
        }
        // Different keys can have the same id, although it is unlikely.
        let mut failed = OpenError::OtherKey;
        for key in self.keys().filter(|key| key.id == *key_id) {
            let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
            match key.cipher.decrypt(&XNonce::from(*nonce), payload) {
                Ok(plain) => return Ok(plain),
                Err(chacha20poly1305::Error) => failed = OpenError::Damaged,
            }
        }
        Err(failed)
    }

    /// Decrypts a value, and encrypts it with the current key.
    ///
    /// # Errors
    /// If it cannot be decrypted.
    pub fn reseal(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, ResealError> {
        let plain = Zeroizing::new(self.open(place, sealed)?);
        Ok(self.seal(place, &plain)?)
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

        #[test]
        fn a_previous_key_opens_and_the_current_one_seals(text in ".{0,200}", keys in proptest::collection::vec(1u8..=9, 1..5)) {
            let old = vault(keys[0]).seal("t/1", text.as_bytes()).unwrap();
            let keys: Vec<[u8; 32]> = keys.iter().map(|key| [*key; 32]).collect();
            let rotated = vault(10).with_previous(&keys);
            prop_assert_eq!(rotated.open("t/1", &old), Ok(text.clone().into_bytes()));
            prop_assert!(rotated.prefixes().iter().any(|prefix| old.starts_with(prefix)));
            let new = rotated.reseal("t/1", &old).unwrap();
            prop_assert!(new.starts_with(&rotated.prefix()) && !old.starts_with(&rotated.prefix()));
            prop_assert_eq!(vault(10).open("t/1", &new), Ok(text.into_bytes()));
            prop_assert_eq!(vault(1).with_previous(&keys).open("t/1", &new), Err(OpenError::OtherKey));
            prop_assert!(rotated.reseal("t/2", &old).is_err());
        }
    }
}
