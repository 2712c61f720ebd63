//! Passwords, hashed with Argon2id (RFC 9106).

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};
use tokio::sync::Semaphore;
use zxcvbn::feedback::Feedback;
use zxcvbn::{Score, zxcvbn};

use super::leaked_passwords::LeakedPasswords;

/// Maximum number of passwords of unknown devices that wait. They take about a second.
const MAX_WAITING: usize = 32;

/// Hashes and verifies passwords on blocking threads. Each takes 19 MiB and tens of milliseconds of a processor, so only
/// one of each lane is processed at a time.
#[derive(Debug, Clone)]
pub struct Passwords {
    known: Arc<Semaphore>,
    unknown: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    leaked: LeakedPasswords,
    /// The hash verified for unknown users, so that the time does not reveal whether a user exists.
    decoy: Arc<str>,
}

/// Whose password is hashed. Attempts of unknown devices cannot delay the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// A new password, or that of a browser that has signed in before.
    Known,
    /// Any other, of which only a limited number waits.
    Unknown,
}

/// Why a password was not hashed or verified.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PasswordError {
    /// Too many passwords of unknown devices are waiting.
    #[error("too many passwords are being checked")]
    Busy,
    /// A hash could not be computed or parsed.
    #[error("password hashing failed: {0}")]
    Failed(String),
}

/// Words that are easy to guess for an attacker who knows what the server does.
const WORDS_OF_THE_PRODUCT: [&str; 8] =
    ["gatepost", "logpoint", "apono", "webhook", "siem", "administrator", "editor", "viewer"];

impl Passwords {
    /// Minimum length of a password, in characters.
    pub const MIN_CHARS: usize = 12;
    /// Maximum length of a password, in bytes. Hashing more would only take time.
    pub const MAX_BYTES: usize = 1024;

    /// Creates a password hasher.
    ///
    /// # Errors
    /// If hashing does not work.
    pub fn new(leaked: LeakedPasswords) -> Result<Self, PasswordError> {
        let decoy = hash("a password that no user has")?;
        let lane = |permits| Arc::new(Semaphore::new(permits));
        Ok(Self {
            known: lane(1),
            unknown: lane(1),
            waiting: lane(MAX_WAITING),
            leaked,
            decoy: decoy.into(),
        })
    }

    /// Checks a new password: its length, how hard it is to guess for someone who knows the email address, and that it has
    /// not leaked.
    ///
    /// # Errors
    /// A message for the form.
    pub async fn check_new(&self, password: &str, email: &str) -> Result<(), String> {
        let (leaked, password, email) =
            (self.leaked.clone(), password.to_owned(), email.to_owned());
        let check = move || {
            Self::check_strength(&password, &email)?;
            check_leaks(&leaked, &password)
        };
        // The lists may be on a disk, and zxcvbn needs milliseconds for long passwords.
        tokio::task::spawn_blocking(check).await.map_err(|error| error.to_string())?
    }

    fn check_strength(password: &str, email: &str) -> Result<(), String> {
        if password.chars().count() < Self::MIN_CHARS {
            return Err(format!("The password must have at least {} characters.", Self::MIN_CHARS));
        }
        if password.len() > Self::MAX_BYTES {
            return Err(format!("The password must have at most {} bytes.", Self::MAX_BYTES));
        }
        let known = email.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let known: Vec<&str> = known.chain([email]).chain(WORDS_OF_THE_PRODUCT).collect();
        let strength = zxcvbn(password, &known);
        if strength.score() >= Score::Three {
            return Ok(());
        }
        let advice = strength.feedback();
        let warning = advice.and_then(Feedback::warning).map(|text| text.to_string());
        let advice = advice.map(Feedback::suggestions).unwrap_or_default();
        let advice: Vec<String> =
            warning.into_iter().chain(advice.iter().map(ToString::to_string)).collect();
        Err(format!("This password is too easy to guess. {}", advice.join(" "))
            .trim_end()
            .to_owned())
    }

    /// Returns the hash of a password.
    ///
    /// # Errors
    /// If hashing failed.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let password = password.to_owned();
        self.work(Lane::Known, move || hash(&password)).await
    }

    /// Returns whether a password matches a stored hash. Without a hash (for an unknown user), takes as long and returns
    /// false.
    ///
    /// # Errors
    /// If hashing failed, or too many passwords are waiting.
    pub async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
        lane: Lane,
    ) -> Result<bool, PasswordError> {
        if password.len() > Self::MAX_BYTES {
            return Ok(false);
        }
        let is_known = stored.is_some();
        let password = password.to_owned();
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let matches = self
            .work(lane, move || {
                let hash = PasswordHash::new(&stored)
                    .map_err(|error| PasswordError::Failed(error.to_string()))?;
                Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(matches && is_known)
    }

    /// Returns whether a stored hash has parameters other than the current ones.
    pub fn is_outdated(stored: &str) -> bool {
        let Ok(hash) = PasswordHash::new(stored) else { return false };
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        let current = costs(Argon2::default().params());
        Params::try_from(&hash).is_ok_and(|params| costs(&params) != current)
    }

    async fn work<T: Send + 'static>(
        &self,
        lane: Lane,
        job: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |error: &dyn std::error::Error| PasswordError::Failed(error.to_string());
        let _place = match lane {
            Lane::Known => None,
            Lane::Unknown => Some(self.waiting.try_acquire().map_err(|_full| PasswordError::Busy)?),
        };
        let lane = match lane {
            Lane::Known => &self.known,
            Lane::Unknown => &self.unknown,
        };
        let permit = Arc::clone(lane).acquire_owned().await.map_err(|error| failed(&error))?;
        let job = move || {
            let done = job();
            // A visitor who disconnects does not end the work, so the permit is held here.
            drop(permit);
            done
        };
        tokio::task::spawn_blocking(job).await.map_err(|error| failed(&error))?
    }
}

/// If the file cannot be read, the password is rejected: an attacker who makes it unreadable must not get a weak one
/// accepted, and a password is rarely set.
fn check_leaks(leaked: &LeakedPasswords, password: &str) -> Result<(), String> {
    let message = match leaked.contains(password) {
        Ok(false) => return Ok(()),
        Ok(true) => "This password is in lists of leaked passwords. Choose another one.",
        Err(error) => {
            tracing::error!(%error, "could not search the file of leaked passwords");
            "The file of leaked passwords cannot be read, so the password was not set. Ask an administrator to check              GATEPOST_LEAKED_PASSWORDS_FILE."
        }
    };
    Err(message.to_owned())
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn rejects_passwords_that_are_short_or_easy_to_guess() {
        let check = |password| Passwords::check_strength(password, "ann.ngo@example.com");
        for good in ["correct horse battery", "k2-Vs9_pQx7!mZ", "größtes Kamel im Nadelöhr"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for easy in [
            "password1234",
            "123456789012",
            "aaaaaaaaaaaaaaaa",
            "qwertyuiop12",
            "ann.ngo@example.com",
            "gatepostgatepost",
            "logpoint-siem",
            "aponowebhook",
        ] {
            let message = check(easy).unwrap_err();
            assert!(
                message.starts_with("This password is too easy to guess."),
                "{easy}: {message}"
            );
        }
        assert!(check("password1234").unwrap_err().len() > 60, "the message contains advice");
        let long = "größtes Kamel, ".repeat(20);
        assert_eq!(check(&long), Ok(()), "no composition rules, and at least 64 characters");
        assert!(check("x7!mZq").unwrap_err().contains("at least 12 characters"));
        assert!(check(&"x7!mZq".repeat(200)).unwrap_err().contains("at most 1024 bytes"));
    }

    #[tokio::test]
    async fn rejects_leaked_passwords_and_checks_nothing_without_the_file() {
        let email = "ann.ngo@example.com";
        let passwords = Passwords::new(LeakedPasswords::default()).unwrap();
        let checked = passwords.check_new("0a3y4g9j8s3l0j0jh93k", email).await;
        let message = "This password is in lists of leaked passwords. Choose another one.";
        assert_eq!(checked, Err(message.to_owned()));
        // Advice is more helpful where there is some.
        let easy = passwords.check_new("password1234", email).await.unwrap_err();
        assert!(easy.starts_with("This password is too easy to guess."), "{easy}");
        assert_eq!(passwords.check_new("correct horse battery", email).await, Ok(()));

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{}:1", "0".repeat(40))).unwrap();
        let leaked = LeakedPasswords::open(Some(file.path().to_owned())).unwrap();
        let passwords = Passwords::new(leaked).unwrap();
        assert_eq!(passwords.check_new("correct horse battery", email).await, Ok(()));
        file.close().unwrap();
        let refused = passwords.check_new("correct horse battery", email).await.unwrap_err();
        assert!(refused.contains("GATEPOST_LEAKED_PASSWORDS_FILE"), "{refused}");
    }

    #[tokio::test]
    async fn accepts_only_the_right_password_of_a_known_user() {
        let passwords = Passwords::new(LeakedPasswords::default()).unwrap();
        let stored = passwords.hash("correct horse battery").await.unwrap();
        // At least what OWASP recommends: 19 MiB, two passes and one lane.
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        for lane in [Lane::Known, Lane::Unknown] {
            let verify = |password, stored| passwords.verify(password, stored, lane);
            assert!(verify("correct horse battery", Some(&stored)).await.unwrap());
            assert!(!verify("wrong horse battery", Some(&stored)).await.unwrap());
            for similar in
                ["Correct horse battery", " correct horse battery", "correct horse battery "]
            {
                assert!(!verify(similar, Some(&stored)).await.unwrap(), "{similar}");
            }
            assert!(!verify("a password that no user has", None).await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_long_password_is_compared_to_its_end() {
        let passwords = Passwords::new(LeakedPasswords::default()).unwrap();
        let start = "größtes Kamel im Nadelöhr, ".repeat(30);
        let stored = passwords.hash(&format!("{start}a")).await.unwrap();
        for (end, expected) in [("a", true), ("b", false), ("", false)] {
            let password = format!("{start}{end}");
            let matches = passwords.verify(&password, Some(&stored), Lane::Known).await.unwrap();
            assert_eq!(matches, expected, "{end}");
        }
    }

    #[tokio::test]
    async fn unknown_devices_wait_in_limited_number_and_delay_no_known_one() {
        let passwords = Passwords::new(LeakedPasswords::default()).unwrap();
        let stored = passwords.hash("correct horse battery").await.unwrap();
        let stored = Some(stored.as_str());
        // As if the processor were busy with another attempt.
        let _busy = passwords.unknown.acquire().await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..MAX_WAITING {
            let mut one = Box::pin(passwords.verify("x", stored, Lane::Unknown));
            assert!((&mut one).now_or_never().is_none());
            waiting.push(one);
        }
        let refused = passwords.verify("x", stored, Lane::Unknown).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
        assert!(passwords.verify("correct horse battery", stored, Lane::Known).await.unwrap());
        // One that gives up makes place for another.
        waiting.pop();
        let mut next = Box::pin(passwords.verify("x", stored, Lane::Unknown));
        assert!((&mut next).now_or_never().is_none());
    }
}
