//! The secret of a second factor: the codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use totp_rs::{Builder, Secret, Totp};
use zeroize::{Zeroize, Zeroizing};

use super::recovery_code::RecoveryCode;
use crate::model::{Sources, Timestamp};

/// Length of the secret of an authenticator app, in bytes: 160 bits (RFC 4226, section 4).
const APP_BYTES: usize = 20;
/// Length of the key of the hashes of recovery codes, in bytes.
const RECOVERY_BYTES: usize = 32;
/// The name of the program in authenticator apps.
const ISSUER: &str = "Gatepost";

/// The secret of a user's second factor. It is erased when it is dropped.
pub struct FactorSecret {
    app: [u8; APP_BYTES],
    recovery: [u8; RECOVERY_BYTES],
}

impl Drop for FactorSecret {
    fn drop(&mut self) {
        self.app.zeroize();
        self.recovery.zeroize();
    }
}

impl fmt::Debug for FactorSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactorSecret([redacted])")
    }
}

impl FactorSecret {
    /// Generates a secret.
    pub fn new(sources: &Sources) -> Self {
        Self { app: sources.bytes(), recovery: sources.bytes() }
    }

    /// Returns a stored secret. `None` if it has the wrong length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (app, recovery) = bytes.split_first_chunk()?;
        Some(Self { app: *app, recovery: recovery.try_into().ok()? })
    }

    /// Returns the secret for storage.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([&self.app[..], &self.recovery[..]].concat())
    }

    /// Returns the step (RFC 6238, section 4) that a code of the app belongs to: the current one, or the one before or after
    /// it, because clocks differ. A step lasts 30 seconds. `None` if the code is wrong.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let seconds = u64::try_from(now.timestamp()).ok()?;
        self.totp("")?.check(code, seconds)?.try_into().ok()
    }

    /// Returns the secret as it is typed into an app.
    pub fn base32(&self) -> String {
        Secret::new_stack(self.app).to_base32()
    }

    /// Returns the link that sets up an app (`otpauth`), for a QR code. `None` without an email address.
    pub fn link(&self, email: &str) -> Option<String> {
        // A colon ends the name of the issuer.
        self.totp(&email.replace(':', "_"))?.to_url().ok()
    }

    /// Returns the hash of a recovery code for storage. A code has 80 random bits and the key is secret, so a fast hash is
    /// enough. The key is part of this secret, and not derived from the master key, which can be replaced.
    pub fn hash(&self, code: &RecoveryCode) -> Vec<u8> {
        let mut key = Zeroizing::new([0; 64]);
        key.iter_mut().zip(self.recovery).for_each(|(to, from)| *to = from);
        let mut mac = Hmac::<Sha256>::new((&*key).into());
        mac.update(code.bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// Apps know only SHA-1, 6 digits and 30 seconds, which are the defaults.
    fn totp(&self, email: &str) -> Option<Totp> {
        Builder::new()
            .with_secret(Secret::new_stack(self.app))
            .with_issuer(Some(ISSUER))
            .with_account_name(email)
            .build()
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Clock, Entropy};

    #[derive(Debug)]
    struct Fixed(u8);

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    impl Entropy for Fixed {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    fn secret(seed: u8) -> FactorSecret {
        FactorSecret::new(&Sources::new(Arc::new(Fixed(0)), Arc::new(Fixed(seed))))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn code(secret: &FactorSecret, seconds: i64) -> String {
        let seconds = u64::try_from(seconds).unwrap();
        secret.totp("").unwrap().generate(seconds).to_string()
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, with the last 6 of 8 digits.
        let secret = FactorSecret { app: *b"12345678901234567890", recovery: [0; RECOVERY_BYTES] };
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret.step_of(expected, at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn the_link_names_the_program_and_the_account() {
        let link = secret(0).link("ann:ngo@example.com").unwrap();
        let base32 = secret(0).base32();
        assert_eq!(base32.len(), 32);
        assert_eq!(
            link,
            format!(
                "otpauth://totp/Gatepost:ann_ngo%40example.com?secret={base32}&issuer=Gatepost"
            )
        );
        assert_eq!(secret(0).link(""), None);
    }

    proptest! {
        #[test]
        fn a_code_is_accepted_only_within_one_step_of_its_time(
            seed: u8,
            made in 100_i64..4_000_000_000,
            offset in -200_i64..200,
        ) {
            let secret = secret(seed);
            let text = code(&secret, made);
            let found = secret.step_of(&text, at(made + offset));
            let distance = (made + offset) / 30 - made / 30;
            if distance.abs() <= 1 {
                prop_assert_eq!(found, Some(made / 30));
            } else {
                // Another step can have the same code, with a probability of 3 in a million.
                prop_assert_ne!(found, Some(made / 30));
            }
        }

        #[test]
        fn other_text_is_no_code(text in ".{0,12}|[+ -][0-9]{5}|[0-9]{5}|[0-9]{7}") {
            let is_code = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
            prop_assume!(!is_code);
            prop_assert_eq!(secret(1).step_of(&text, at(1_000_000)), None);
        }

        #[test]
        fn a_stored_secret_is_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let read = FactorSecret::from_bytes(&bytes);
            prop_assert_eq!(read.is_some(), bytes.len() == APP_BYTES + RECOVERY_BYTES);
            if let Some(read) = read {
                prop_assert_eq!(&*read.to_bytes(), &bytes);
            }
        }

        #[test]
        fn hashes_depend_on_the_code_and_the_user(a: u8, b: u8) {
            let code = |seed| RecoveryCode::new(&Sources::new(Arc::new(Fixed(0)), Arc::new(Fixed(seed))));
            prop_assert_eq!(secret(1).hash(&code(a)) == secret(1).hash(&code(b)), a == b);
            prop_assert_ne!(secret(1).hash(&code(a)), secret(2).hash(&code(a)));
        }
    }
}
