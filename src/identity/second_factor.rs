//! The secret of a second factor: the codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::{Zeroize, Zeroizing};

use super::recovery_code::RecoveryCode;
use crate::model::security_policy::CodeHash;
use crate::model::{Sources, Timestamp};

/// Lengths of the secrets of authenticator apps, in bytes: those of the hashes (RFC 6238, section 5.1).
const SHA1_BYTES: usize = 20;
const SHA256_BYTES: usize = 32;
/// Length of the key of the hashes of recovery codes, in bytes.
const RECOVERY_BYTES: usize = 32;
/// The name of the program in authenticator apps.
const ISSUER: &str = "Gatepost";

/// The secret of a user's second factor. It is erased when it is dropped.
pub struct FactorSecret {
    app: AppSecret,
    recovery: [u8; RECOVERY_BYTES],
}

/// The secret of an authenticator app, with the hash that it is for.
enum AppSecret {
    Sha1([u8; SHA1_BYTES]),
    Sha256([u8; SHA256_BYTES]),
}

impl AppSecret {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha1(bytes) => bytes,
            Self::Sha256(bytes) => bytes,
        }
    }
}

impl Drop for FactorSecret {
    fn drop(&mut self) {
        match &mut self.app {
            AppSecret::Sha1(bytes) => bytes.zeroize(),
            AppSecret::Sha256(bytes) => bytes.zeroize(),
        }
        self.recovery.zeroize();
    }
}

impl fmt::Debug for FactorSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactorSecret([redacted])")
    }
}

impl FactorSecret {
    /// Generates a secret for this hash.
    pub fn new(hash: CodeHash, sources: &Sources) -> Self {
        let app = match hash {
            CodeHash::Sha1 => AppSecret::Sha1(sources.bytes()),
            CodeHash::Sha256 => AppSecret::Sha256(sources.bytes()),
        };
        Self { app, recovery: sources.bytes() }
    }

    /// Returns a stored secret for this hash. `None` if it has the wrong length.
    pub fn from_bytes(hash: CodeHash, bytes: &[u8]) -> Option<Self> {
        let (app, recovery) = bytes.split_at_checked(bytes.len().checked_sub(RECOVERY_BYTES)?)?;
        let app = match hash {
            CodeHash::Sha1 => AppSecret::Sha1(app.try_into().ok()?),
            CodeHash::Sha256 => AppSecret::Sha256(app.try_into().ok()?),
        };
        Some(Self { app, recovery: recovery.try_into().ok()? })
    }

    /// Returns the secret for storage, together with [`Self::hash`].
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new([self.app.bytes(), &self.recovery].concat())
    }

    /// Returns the hash that the app uses.
    pub fn hash(&self) -> CodeHash {
        match self.app {
            AppSecret::Sha1(_) => CodeHash::Sha1,
            AppSecret::Sha256(_) => CodeHash::Sha256,
        }
    }

    /// Returns the step (RFC 6238, section 4) that a code of the app belongs to: the current one, or one that is at most
    /// `tolerance_steps` before or after it, because clocks differ. A step lasts 30 seconds. `None` if the code is wrong.
    pub fn step_of(&self, code: &str, now: Timestamp, tolerance_steps: u16) -> Option<i64> {
        let seconds = u64::try_from(now.timestamp()).ok()?;
        let totp = self.builder("").with_skew(tolerance_steps).build().ok()?;
        totp.check(code, seconds)?.try_into().ok()
    }

    /// Returns the secret as it is typed into an app.
    pub fn base32(&self) -> String {
        self.app_secret().to_base32()
    }

    /// Returns the link that sets up an app (`otpauth`), for a QR code. `None` without an email address.
    pub fn link(&self, email: &str) -> Option<String> {
        // A colon ends the name of the issuer.
        self.totp(&email.replace(':', "_"))?.to_url().ok()
    }

    /// Returns the hash of a recovery code for storage. A code has 80 random bits and the key is secret, so a fast hash is
    /// enough. The key is part of this secret, and not derived from the master key, which can be replaced.
    pub fn hash_recovery_code(&self, code: &RecoveryCode) -> Vec<u8> {
        let mut key = Zeroizing::new([0; 64]);
        key.iter_mut().zip(self.recovery).for_each(|(to, from)| *to = from);
        let mut mac = Hmac::<Sha256>::new((&*key).into());
        mac.update(code.bytes());
        mac.finalize().into_bytes().to_vec()
    }

    fn totp(&self, email: &str) -> Option<Totp> {
        self.builder(email).build().ok()
    }

    /// All apps know 6 digits and 30 seconds, which are the defaults.
    fn builder(&self, email: &str) -> Builder {
        let algorithm = match self.app {
            AppSecret::Sha1(_) => Algorithm::SHA1,
            AppSecret::Sha256(_) => Algorithm::SHA256,
        };
        Builder::new()
            .with_algorithm(algorithm)
            .with_secret(self.app_secret())
            .with_issuer(Some(ISSUER))
            .with_account_name(email)
    }

    fn app_secret(&self) -> Secret {
        match self.app {
            AppSecret::Sha1(bytes) => bytes.into(),
            AppSecret::Sha256(bytes) => bytes.into(),
        }
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
        secret_for(CodeHash::Sha1, seed)
    }

    fn secret_for(hash: CodeHash, seed: u8) -> FactorSecret {
        FactorSecret::new(hash, &Sources::new(Arc::new(Fixed(0)), Arc::new(Fixed(seed))))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn code(secret: &FactorSecret, seconds: i64) -> String {
        let seconds = u64::try_from(seconds).unwrap();
        secret.totp("").unwrap().generate(seconds).to_string()
    }

    fn any_hash() -> impl Strategy<Value = CodeHash> {
        prop_oneof![Just(CodeHash::Sha1), Just(CodeHash::Sha256)]
    }

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, with the last 6 of 8 digits.
        let recovery = [0; RECOVERY_BYTES];
        let sha1 = AppSecret::Sha1(*b"12345678901234567890");
        let sha256 = AppSecret::Sha256(*b"12345678901234567890123456789012");
        let (sha1, sha256) =
            (FactorSecret { app: sha1, recovery }, FactorSecret { app: sha256, recovery });
        for (seconds, of_sha1, of_sha256) in [
            (59, "287082", "119246"),
            (1_111_111_109, "081804", "084774"),
            (1_111_111_111, "050471", "062674"),
            (1_234_567_890, "005924", "819424"),
            (2_000_000_000, "279037", "698825"),
            (20_000_000_000, "353130", "737706"),
        ] {
            for tolerance in [0, 1] {
                let step = Some(seconds / 30);
                assert_eq!(sha1.step_of(of_sha1, at(seconds), tolerance), step, "{seconds}");
                assert_eq!(sha256.step_of(of_sha256, at(seconds), tolerance), step, "{seconds}");
            }
        }
    }

    #[test]
    fn the_link_names_the_program_the_account_and_another_hash_than_the_usual_one() {
        let link = secret(0).link("ann:ngo@example.com").unwrap();
        let base32 = secret(0).base32();
        assert_eq!(base32.len(), 32);
        let account = "otpauth://totp/Gatepost:ann_ngo%40example.com";
        assert_eq!(link, format!("{account}?secret={base32}&issuer=Gatepost"));
        assert_eq!(secret(0).link(""), None);
        let longer = secret_for(CodeHash::Sha256, 0);
        let (link, base32) = (longer.link("ann:ngo@example.com").unwrap(), longer.base32());
        assert_eq!(base32.len(), 52);
        assert_eq!(link, format!("{account}?secret={base32}&algorithm=SHA256&issuer=Gatepost"));
    }

    proptest! {
        #[test]
        fn a_code_is_accepted_only_within_the_tolerated_steps_of_its_time(
            seed: u8,
            hash in any_hash(),
            tolerance in 0_u16..3,
            made in 200_i64..4_000_000_000,
            offset in -200_i64..200,
        ) {
            let secret = secret_for(hash, seed);
            let text = code(&secret, made);
            let found = secret.step_of(&text, at(made + offset), tolerance);
            let distance = (made + offset) / 30 - made / 30;
            if distance.abs() <= tolerance.into() {
                // An earlier step can have the same code, with a probability of 3 in a million.
                prop_assert!(found.is_some_and(|step| (step - made / 30).abs() <= 2 * i64::from(tolerance)));
            } else {
                prop_assert_ne!(found, Some(made / 30));
            }
        }

        #[test]
        fn other_text_is_no_code(text in ".{0,12}|[+ -][0-9]{5}|[0-9]{5}|[0-9]{7}") {
            let is_code = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
            prop_assume!(!is_code);
            prop_assert_eq!(secret(1).step_of(&text, at(1_000_000), 1), None);
        }

        #[test]
        fn a_stored_secret_is_the_same(
            hash in any_hash(),
            bytes in proptest::collection::vec(any::<u8>(), 0..70),
        ) {
            let read = FactorSecret::from_bytes(hash, &bytes);
            let app_bytes = if hash == CodeHash::Sha1 { SHA1_BYTES } else { SHA256_BYTES };
            prop_assert_eq!(read.is_some(), bytes.len() == app_bytes + RECOVERY_BYTES);
            if let Some(read) = read {
                prop_assert_eq!((read.hash(), &*read.to_bytes()), (hash, &bytes));
            }
        }

        #[test]
        fn hashes_depend_on_the_code_and_the_user(a: u8, b: u8) {
            let code = |seed| RecoveryCode::new(&Sources::new(Arc::new(Fixed(0)), Arc::new(Fixed(seed))));
            let hash = |user, seed| secret(user).hash_recovery_code(&code(seed));
            prop_assert_eq!(hash(1, a) == hash(1, b), a == b);
            prop_assert_ne!(hash(1, a), hash(2, a));
        }
    }
}
