//! Passwords, hashed with Argon2id (RFC 9106).

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use tokio::sync::Semaphore;

/// Maximum number of passwords hashed at once.
const MAX_CONCURRENT: usize = 2;

/// Hashes and verifies passwords on blocking threads. Each takes 19 MiB and tens of milliseconds, so only a few are
/// processed at once.
#[derive(Debug, Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    /// The hash verified for unknown users, so that the time does not reveal whether a user exists.
    decoy: Arc<str>,
}

/// A hash could not be computed or parsed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct PasswordError(String);

impl Passwords {
    /// Minimum length of a password, in characters.
    pub const MIN_CHARS: usize = 12;
    /// Maximum length of a password, in bytes. Hashing more would only take time.
    pub const MAX_BYTES: usize = 1024;

    /// Creates a password hasher.
    ///
    /// # Errors
    /// If hashing does not work.
    pub fn new() -> Result<Self, PasswordError> {
        let decoy = hash("a password that no user has")?;
        Ok(Self { permits: Arc::new(Semaphore::new(MAX_CONCURRENT)), decoy: decoy.into() })
    }

    /// Checks the length of a password.
    ///
    /// # Errors
    /// A message for the form.
    pub fn check_strength(password: &str) -> Result<(), String> {
        if password.chars().count() < Self::MIN_CHARS {
            return Err(format!("The password must have at least {} characters.", Self::MIN_CHARS));
        }
        if password.len() > Self::MAX_BYTES {
            return Err(format!("The password must have at most {} bytes.", Self::MAX_BYTES));
        }
        Ok(())
    }

    /// Returns the hash of a password.
    ///
    /// # Errors
    /// If hashing failed.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let password = password.to_owned();
        self.work(move || hash(&password)).await
    }

    /// Returns whether a password matches a stored hash. Without a hash (for an unknown user), takes as long and returns
    /// false.
    ///
    /// # Errors
    /// If hashing failed.
    pub async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<bool, PasswordError> {
        if password.len() > Self::MAX_BYTES {
            return Ok(false);
        }
        let is_known = stored.is_some();
        let password = password.to_owned();
        let stored = stored.unwrap_or(&self.decoy).to_owned();
        let matches = self
            .work(move || {
                let hash = PasswordHash::new(&stored).map_err(|e| PasswordError(e.to_string()))?;
                Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(matches && is_known)
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |error: &dyn std::error::Error| PasswordError(error.to_string());
        let _permit = self.permits.acquire().await.map_err(|error| failed(&error))?;
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
    async fn accepts_only_the_right_password_of_a_known_user() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse battery").await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse battery", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("wrong horse battery", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("a password that no user has", None).await.unwrap());
    }
}
