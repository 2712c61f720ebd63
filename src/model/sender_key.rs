//! Keys of senders that sign their requests.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use strum::IntoStaticStr;
use zeroize::Zeroizing;

use super::secret::SecretValue;
use super::signature::{SignatureScheme, SignedMessage, SigningKey};
use super::{Sources, TokenId};

/// Beginning of a key for [`SenderScheme::HmacSha256`].
const PREFIX: &str = "gpk_";
/// Number of random bytes in such a key.
const BYTES: usize = 32;

/// How a sender signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum SenderScheme {
    /// Standard Webhooks with a shared key ([`SignatureScheme::V1`]).
    StandardWebhooks,
    /// HMAC-SHA256 of time and body in hexadecimal digits, with the text of the key.
    HmacSha256,
}

impl SenderScheme {
    /// All schemes.
    pub const ALL: [Self; 2] = [Self::StandardWebhooks, Self::HmacSha256];

    /// Returns the scheme as stored and as the command line takes it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Describes what a sender must send: a signature besides the token, or only a signature.
    pub fn describe(self, replaces_token: bool) -> &'static str {
        match (self, replaces_token) {
            (Self::StandardWebhooks, false) => "Standard Webhooks",
            (Self::StandardWebhooks, true) => "Standard Webhooks, no token",
            (Self::HmacSha256, false) => "HMAC-SHA256",
            (Self::HmacSha256, true) => "HMAC-SHA256, no token",
        }
    }

    /// Returns a new key.
    pub fn generate_key(self, sources: &Sources) -> SecretValue {
        match self {
            Self::StandardWebhooks => SigningKey::generate(SignatureScheme::V1, sources),
            Self::HmacSha256 => {
                let bytes = Zeroizing::new(sources.bytes::<BYTES>());
                format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*bytes)).into()
            }
        }
    }
}

impl FromStr for SenderScheme {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|scheme| scheme.as_str() == word);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(" or ");
            format!("unknown scheme \"{word}\"; use {names}")
        })
    }
}

/// The key of a sender.
#[derive(Clone)]
pub struct SenderKey {
    /// The token that it belongs to.
    pub token: TokenId,
    /// Whether the signature alone is enough. Otherwise the request must have the token too.
    pub replaces_token: bool,
    key: Key,
}

#[derive(Clone)]
enum Key {
    StandardWebhooks(SigningKey),
    HmacSha256(Arc<hmac::Key>),
    /// Cannot be read, so no signature is of it.
    Unusable(SenderScheme),
}

impl fmt::Debug for SenderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { token, replaces_token, key: _ } = self;
        let mut debug = f.debug_struct("SenderKey");
        debug.field("token", token).field("replaces_token", replaces_token).finish_non_exhaustive()
    }
}

impl SenderKey {
    /// Reads a key as [`SenderScheme::generate_key`] returns it. `None` if it is invalid.
    pub fn parse(
        token: TokenId,
        replaces_token: bool,
        scheme: SenderScheme,
        text: &str,
    ) -> Option<Self> {
        let key = match scheme {
            SenderScheme::StandardWebhooks => {
                Key::StandardWebhooks(SigningKey::parse(SignatureScheme::V1, text).ok()?)
            }
            SenderScheme::HmacSha256 => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
                Key::HmacSha256(Arc::new(key))
            }
        };
        Some(Self { token, replaces_token, key })
    }

    /// Stands for a key that cannot be read. Its token still requires a signature, and none is accepted.
    pub fn unusable(token: TokenId, replaces_token: bool, scheme: SenderScheme) -> Self {
        Self { token, replaces_token, key: Key::Unusable(scheme) }
    }

    /// The scheme of the key.
    pub fn scheme(&self) -> SenderScheme {
        match self.key {
            Key::StandardWebhooks(_) => SenderScheme::StandardWebhooks,
            Key::HmacSha256(_) => SenderScheme::HmacSha256,
            Key::Unusable(scheme) => scheme,
        }
    }

    /// Whether a signature is of this key. The id of the message is not signed by [`SenderScheme::HmacSha256`].
    pub fn verify(&self, message: &SignedMessage<'_>, signature: &str) -> bool {
        match &self.key {
            Key::Unusable(_) => false,
            Key::StandardWebhooks(key) => key.verify(message, signature),
            Key::HmacSha256(key) => {
                let digits = signature.trim();
                let digits = digits.strip_prefix("sha256=").unwrap_or(digits);
                decode_hex(digits).is_some_and(|tag| {
                    let expected = message.authenticate(key, false);
                    verify_slices_are_equal(expected.as_ref(), &tag).is_ok()
                })
            }
        }
    }
}

fn decode_hex(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn sender(text: &str) -> SenderKey {
        SenderKey::parse(Uuid::nil().into(), true, SenderScheme::HmacSha256, text).unwrap()
    }

    /// `printf '1600000000.{}' | openssl dgst -sha256 -hmac gpk_example`
    const SIGNATURE: &str = "43d829b63b9cf17ac4388e9af7ac61a2eff42d9d8e8a258aeb8004394bfc7396";

    #[test]
    fn verifies_what_openssl_signs() {
        let message = SignedMessage { id: "", timestamp: 1_600_000_000, body: b"{}" };
        let key = sender("gpk_example");
        assert!(key.verify(&message, SIGNATURE));
        assert!(key.verify(&message, &format!("sha256={}", SIGNATURE.to_uppercase())));
        assert!(!sender("gpk_other").verify(&message, SIGNATURE));
        for changed in [
            SignedMessage { timestamp: 1_600_000_001, ..message },
            SignedMessage { body: b"{} ", ..message },
        ] {
            assert!(!key.verify(&changed, SIGNATURE));
        }
    }

    proptest! {
        #[test]
        fn no_other_text_is_a_signature(text in "(sha256=)?[0-9a-fA-F]{0,70}|\\PC{0,70}") {
            let message = SignedMessage { id: "", timestamp: 1_600_000_000, body: b"{}" };
            prop_assert!(!sender("gpk_example").verify(&message, &text));
        }
    }
}
