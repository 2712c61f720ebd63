//! Passwords, as argon2id (RFC 9106).

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Hashes and checks passwords, a few at a time and off the async threads: each takes 19 MiB and some
/// tens of milliseconds.
#[derive(Debug, Clone)]
pub struct Passwords {
    room: Arc<Semaphore>,
    /// Checked where there is no such person, so that the time does not tell.
    decoy: Arc<str>,
}

/// The hash could not be made or read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct PasswordError(String);

impl Passwords {
    /// Shortest password, in characters.
    pub const SHORTEST: usize = 12;
    /// Longest password, in bytes: hashing more would only cost time.
    pub const LONGEST: usize = 1024;

    /// Ready to work.
    ///
    /// # Errors
    /// Where hashing does not work at all.
    pub fn new() -> Result<Self, PasswordError> {
        let decoy = hash("a password that nobody has")?;
        Ok(Self { room: Arc::new(Semaphore::new(2)), decoy: decoy.into() })
    }

    /// Whether a password will do.
    ///
    /// # Errors
    /// A message for the field.
    pub fn check_strength(password: &str) -> Result<(), String> {
        if password.chars().count() < Self::SHORTEST {
            return Err(format!("At least {} characters.", Self::SHORTEST));
        }
        if password.len() > Self::LONGEST {
            return Err(format!("At most {} bytes.", Self::LONGEST));
        }
        Ok(())
    }

    /// The hash to store.
    ///
    /// # Errors
    /// Where hashing failed.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let password = password.to_owned();
        self.work(move || hash(&password)).await
    }

    /// Whether the password is the one that was hashed; `None` (no such person) takes as long.
    ///
    /// # Errors
    /// Where hashing failed.
    pub async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<bool, PasswordError> {
        if password.len() > Self::LONGEST {
            return Ok(false);
        }
        let known = stored.is_some();
        let password = password.to_owned();
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let fits = self
            .work(move || {
                let hash = PasswordHash::new(&stored).map_err(|e| PasswordError(e.to_string()))?;
                Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(fits && known)
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |error: &dyn std::error::Error| PasswordError(error.to_string());
        let _room = self.room.acquire().await.map_err(|error| failed(&error))?;
        tokio::task::spawn_blocking(job).await.map_err(|error| failed(&error))?
    }
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| PasswordError(error.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_a_known_person_fits() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse battery").await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse battery", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("wrong horse battery", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("a password that nobody has", None).await.unwrap());
    }
}
