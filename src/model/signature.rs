//! Signatures of messages as Standard Webhooks defines them: `v1` is HMAC-SHA256 with a shared key, `v1a` is Ed25519.
//!
//! Source: the specification of Standard Webhooks, sections "Signature scheme" and "Verifying signatures".

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use strum::{EnumString, IntoStaticStr};
use zeroize::Zeroizing;

use super::Sources;
use super::secret::SecretValue;

/// How far the time of a signed message may be from the time of the receiver, in seconds.
pub const MAX_AGE_SECS: i64 = 300;

/// Beginning of a shared key.
const SHARED_PREFIX: &str = "whsec_";
/// Beginning of a private key.
const PRIVATE_PREFIX: &str = "whsk_";
/// Beginning of a public key.
const PUBLIC_PREFIX: &str = "whpk_";
/// Lengths of a shared key, in bytes.
const SHARED_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Length of a generated shared key, in bytes: that of the hash.
const GENERATED_BYTES: usize = 32;
/// Length of the seed of a private key (RFC 8032, section 5.1.5), in bytes. The public key can follow it.
const SEED_BYTES: usize = 32;

/// How messages are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SignatureScheme {
    /// HMAC-SHA256 (RFC 2104). Sender and receiver share the key.
    V1,
    /// Ed25519 (RFC 8032). The receiver has only the public key.
    V1a,
}

impl SignatureScheme {
    /// Both schemes.
    pub const ALL: [Self; 2] = [Self::V1, Self::V1a];

    /// Returns `v1` or `v1a`, which precedes each signature.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct SignedMessage<'a> {
    /// The value of the header `webhook-id`.
    pub id: &'a str,
    /// The value of the header `webhook-timestamp`, in seconds since 1970.
    pub timestamp: i64,
    /// The body as sent. Empty if there is none.
    pub body: &'a [u8],
}

impl SignedMessage<'_> {
    /// Returns the HMAC of `id.timestamp.body`, or of `timestamp.body`, without a copy of the body.
    pub(super) fn authenticate(&self, key: &hmac::Key, with_id: bool) -> hmac::Tag {
        let mut context = hmac::Context::with_key(key);
        if with_id {
            context.update(format!("{}.", self.id).as_bytes());
        }
        context.update(format!("{}.", self.timestamp).as_bytes());
        context.update(self.body);
        context.sign()
    }

    /// Returns `id.timestamp.body`.
    fn content(&self) -> Vec<u8> {
        let mut content = format!("{}.{}.", self.id, self.timestamp).into_bytes();
        content.extend_from_slice(self.body);
        content
    }
}

/// A key that signs messages.
#[derive(Clone)]
pub enum SigningKey {
    /// The shared key of [`SignatureScheme::V1`].
    Shared(Arc<hmac::Key>),
    /// The private key of [`SignatureScheme::V1a`].
    Private(Arc<Ed25519KeyPair>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("scheme", &self.scheme()).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a key such as `whsec_…` or `whsk_…`.
    ///
    /// # Errors
    /// What is wrong with the key and what to use instead, as the end of a sentence about it. It does not quote the key.
    pub fn parse(scheme: SignatureScheme, text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        match scheme {
            SignatureScheme::V1 => {
                let wrong_prefix = "is not a key for HMAC-SHA256: use whsec_ and 24 to 64 bytes in Base64, or generate one";
                let encoded = text.strip_prefix(SHARED_PREFIX).ok_or(wrong_prefix)?;
                let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(
                    |_not_base64| "is not valid Base64 after whsec_: copy the whole key",
                )?);
                if !SHARED_BYTES.contains(&bytes.len()) {
                    return Err(
                        "has the wrong length: use 24 to 64 bytes in Base64, or generate a key",
                    );
                }
                Ok(Self::Shared(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &bytes))))
            }
            SignatureScheme::V1a => {
                let wrong_prefix = "is not a private key for Ed25519: use whsk_ and 32 or 64 bytes in Base64, or generate one";
                let encoded = text.strip_prefix(PRIVATE_PREFIX).ok_or(wrong_prefix)?;
                let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(
                    |_not_base64| "is not valid Base64 after whsk_: copy the whole key",
                )?);
                let (seed, public) = bytes
                    .split_at_checked(SEED_BYTES)
                    .ok_or("is too short: use 32 or 64 bytes in Base64, or generate a key")?;
                let pair = Ed25519KeyPair::from_seed_unchecked(seed)
                    .map_err(|_rejected| "cannot be used: generate a key")?;
                if !public.is_empty() && public != pair.public_key().as_ref() {
                    return Err(
                        "does not belong to the public key that follows it: copy the whole key",
                    );
                }
                Ok(Self::Private(Arc::new(pair)))
            }
        }
    }

    /// Reads a key of either scheme, which its beginning tells apart.
    ///
    /// # Errors
    /// See [`SigningKey::parse`].
    pub fn parse_any(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.starts_with(SHARED_PREFIX) {
            Self::parse(SignatureScheme::V1, text)
        } else if text.starts_with(PRIVATE_PREFIX) {
            Self::parse(SignatureScheme::V1a, text)
        } else {
            Err(
                "is not a key for signatures: use whsec_ or whsk_ and bytes in Base64, or generate one",
            )
        }
    }

    /// Returns a new key in the form that [`SigningKey::parse`] reads.
    pub fn generate(scheme: SignatureScheme, sources: &Sources) -> SecretValue {
        match scheme {
            SignatureScheme::V1 => {
                let bytes = Zeroizing::new(sources.bytes::<GENERATED_BYTES>());
                format!("{SHARED_PREFIX}{}", STANDARD.encode(*bytes)).into()
            }
            SignatureScheme::V1a => {
                let mut bytes = Zeroizing::new(sources.bytes::<SEED_BYTES>().to_vec());
                if let Ok(pair) = Ed25519KeyPair::from_seed_unchecked(&bytes) {
                    bytes.extend_from_slice(pair.public_key().as_ref());
                }
                format!("{PRIVATE_PREFIX}{}", STANDARD.encode(&*bytes)).into()
            }
        }
    }

    /// The scheme of the key.
    pub fn scheme(&self) -> SignatureScheme {
        match self {
            Self::Shared(_) => SignatureScheme::V1,
            Self::Private(_) => SignatureScheme::V1a,
        }
    }

    /// Returns the public key as `whpk_…`. `None` for a shared key.
    pub fn public_key(&self) -> Option<String> {
        match self {
            Self::Shared(_) => None,
            Self::Private(pair) => {
                Some(format!("{PUBLIC_PREFIX}{}", STANDARD.encode(pair.public_key())))
            }
        }
    }

    /// Returns the signature with its scheme, such as `v1,…`.
    pub fn sign(&self, message: &SignedMessage<'_>) -> String {
        let encoded = match self {
            Self::Shared(key) => STANDARD.encode(message.authenticate(key, true)),
            Self::Private(pair) => STANDARD.encode(pair.sign(&message.content())),
        };
        format!("{},{encoded}", self.scheme().as_str())
    }

    /// Whether one of the signatures in a header `webhook-signature` is of this shared key. Takes the same time for every
    /// wrong signature.
    pub fn verify(&self, message: &SignedMessage<'_>, header: &str) -> bool {
        let Self::Shared(key) = self else { return false };
        // Once for all signatures: a header can contain thousands, and the body can be large.
        let expected = message.authenticate(key, true);
        header
            .split_ascii_whitespace()
            .filter_map(|signature| signature.strip_prefix("v1,"))
            .filter_map(|encoded| STANDARD.decode(encoded).ok())
            .any(|signature| verify_slices_are_equal(expected.as_ref(), &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of the specification.
    const EXAMPLE: SignedMessage<'_> = SignedMessage {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: 1_614_265_330,
        body: br#"{"test": 2432232314}"#,
    };

    fn shared(text: &str) -> SigningKey {
        SigningKey::parse(SignatureScheme::V1, text).unwrap()
    }

    #[test]
    fn signs_the_example_of_the_specification() {
        let key = shared("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(key.sign(&EXAMPLE), signature);
        assert!(key.verify(&EXAMPLE, signature));
        assert!(key.verify(&EXAMPLE, &format!("v1a,AAAA v1,!! {signature}")), "one of several");
        let (id, timestamp, body) = ("msg_other", EXAMPLE.timestamp + 1, b"{}".as_slice());
        for changed in [
            SignedMessage { id, ..EXAMPLE },
            SignedMessage { timestamp, ..EXAMPLE },
            SignedMessage { body, ..EXAMPLE },
        ] {
            assert!(!key.verify(&changed, signature), "{changed:?}");
        }
        for header in
            ["", "v1,", "v1", &signature.replace("v1,", "v2,"), signature.trim_end_matches('=')]
        {
            assert!(!key.verify(&EXAMPLE, header), "{header}");
        }
    }

    /// RFC 8032, section 7.1, test 1: the seed and the public key.
    #[test]
    fn derives_the_public_key_of_the_rfc() {
        let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
        let public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
        let key = SigningKey::parse(SignatureScheme::V1a, &format!("whsk_{seed}")).unwrap();
        assert_eq!(key.public_key().unwrap(), format!("whpk_{public}"));
        assert_eq!(
            SigningKey::parse_any(&format!("whsk_{seed}")).unwrap().public_key(),
            key.public_key()
        );
        assert!(key.sign(&EXAMPLE).starts_with("v1a,"));
        assert!(!key.verify(&EXAMPLE, &key.sign(&EXAMPLE)), "only shared keys verify");
    }

    #[test]
    fn rejects_other_keys_without_quoting_them() {
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        let mixed = format!("whsk_{}", STANDARD.encode([7; 64]));
        for (scheme, text) in [
            (SignatureScheme::V1, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            (SignatureScheme::V1, "whsec_MfKQ"),
            (SignatureScheme::V1, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"),
            (SignatureScheme::V1, &long),
            (SignatureScheme::V1, "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="),
            (SignatureScheme::V1a, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            (SignatureScheme::V1a, "whsk_AAAA"),
            (SignatureScheme::V1a, "whsk_????"),
            (SignatureScheme::V1a, &mixed),
        ] {
            let problem = SigningKey::parse(scheme, text).unwrap_err();
            let any = SigningKey::parse_any(text).err();
            assert!(any.is_none_or(|problem| !problem.contains(text.get(6..).unwrap())));
            assert!(!problem.contains(text.get(6..).unwrap()), "{problem}");
            assert!(problem.contains("generate") || problem.contains("copy"), "{problem}");
        }
    }

    proptest! {
        #[test]
        fn only_the_signed_message_is_verified(
            id in "[ -~]{0,40}", timestamp: i64, body: Vec<u8>, key in prop::collection::vec(any::<u8>(), 24..=64),
            other in prop::collection::vec(any::<u8>(), 24..=64), flip: prop::sample::Index,
        ) {
            let text = |key: &[u8]| format!(" whsec_{}\n", STANDARD.encode(key));
            let message = SignedMessage { id: &id, timestamp, body: &body };
            let signature = shared(&text(&key)).sign(&message);
            prop_assert!(shared(&text(&key)).verify(&message, &signature));
            prop_assume!(key != other);
            prop_assert!(!shared(&text(&other)).verify(&message, &signature));
            let mut changed = body.clone();
            if let Some(byte) = changed.get_mut(flip.index(body.len().max(1))) {
                *byte ^= 1;
                let message = SignedMessage { id: &id, timestamp, body: &changed };
                prop_assert!(!shared(&text(&key)).verify(&message, &signature));
            }
        }
    }
}
