//! RSA keys of the simulated provider.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Length of what precedes the modulus in the public key (RFC 8017, appendix A.1.1), in bytes: two headers, and a zero.
const PREFIX_BYTES: usize = 9;

/// A key with its id.
pub(super) struct RsaKey {
    pub(super) id: &'static str,
    pair: KeyPair,
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RsaKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl RsaKey {
    pub(super) fn new(id: &'static str, size: KeySize) -> Self {
        Self { id, pair: KeyPair::generate(size).unwrap() }
    }

    /// The public key (RFC 7518, section 6.3.1).
    pub(super) fn jwk(&self) -> Value {
        let public = self.pair.public_key().as_ref();
        let modulus = &public[PREFIX_BYTES..PREFIX_BYTES + self.pair.public_modulus_len()];
        let n = URL_SAFE_NO_PAD.encode(modulus);
        json!({ "kty": "RSA", "use": "sig", "kid": self.id, "n": n, "e": "AQAB" })
    }

    /// Signs with `RS256` or `PS256`.
    pub(super) fn sign(&self, algorithm: &str, text: &str) -> Vec<u8> {
        let encoding: &'static dyn RsaEncoding =
            if algorithm == "RS256" { &RSA_PKCS1_SHA256 } else { &RSA_PSS_SHA256 };
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = SystemRandom::new();
        self.pair.sign(encoding, &random, text.as_bytes(), &mut signature).unwrap();
        signature
    }
}
