//! Tokens against cross-site request forgery, derived from a cookie and written differently in every response.
//!
//! A token is a keyed hash of the cookie that it belongs to (OWASP, "signed double-submit cookie"), so nothing is stored
//! for it. Another site can neither read the cookie nor compute the token of a cookie that it planted.
//!
//! Pages are compressed, and some repeat what the address asks for. A secret that is the same in each of them could be
//! guessed from their lengths (BREACH, CVE-2013-3587), so a form contains a random pad and the token combined with it by XOR.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Length of a token, in bytes.
pub(super) const TOKEN_BYTES: usize = 32;

/// The key of all tokens. Instances that share a database must have the same one.
#[derive(Clone)]
pub struct CsrfKey([u8; 64]);

impl fmt::Debug for CsrfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CsrfKey([redacted])")
    }
}

impl CsrfKey {
    /// Creates a key from secret bytes.
    pub fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// Returns the token of a cookie.
    pub(super) fn token(&self, cookie_name: &str, cookie_value: &str) -> [u8; TOKEN_BYTES] {
        let mut mac = Hmac::<Sha256>::new((&self.0).into());
        for part in [cookie_name, "=", cookie_value] {
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

/// Writes a token for one response, as hexadecimal pad and masked token.
pub(super) fn mask(token: &[u8; TOKEN_BYTES], pad: &[u8; TOKEN_BYTES]) -> String {
    hex::encode(pad) + &hex::encode(xor(token, pad))
}

/// Whether a form contains this token, in constant time.
pub(super) fn matches(masked: &str, token: &[u8; TOKEN_BYTES]) -> bool {
    let mut bytes = [0; 2 * TOKEN_BYTES];
    if hex::decode_to_slice(masked, &mut bytes).is_err() {
        return false;
    }
    let (pad, masked) = bytes.split_at(TOKEN_BYTES);
    xor(masked, pad).ct_eq(token).into()
}

fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_masked_token_matches_only_itself(token: [u8; 32], other: [u8; 32], pad: [u8; 32]) {
            let masked = mask(&token, &pad);
            prop_assert!(matches(&masked, &token));
            prop_assert_eq!(matches(&masked, &other), token == other);
        }

        #[test]
        fn other_text_does_not_match(text in "[0-9a-fA-Z]{0,140}", token: [u8; 32]) {
            prop_assert!(!matches(&text, &token));
        }
    }

    #[test]
    fn a_token_depends_on_key_cookie_name_and_value() {
        let token = |key, name, value| CsrfKey::new([key; 64]).token(name, value);
        let tokens =
            [token(1, "a", "x"), token(2, "a", "x"), token(1, "b", "x"), token(1, "a", "y")];
        let different: std::collections::HashSet<_> = tokens.iter().collect();
        assert_eq!(different.len(), tokens.len());
    }

    #[test]
    fn two_pads_give_two_texts() {
        assert_ne!(mask(&[7; 32], &[1; 32]), mask(&[7; 32], &[2; 32]));
    }
}
