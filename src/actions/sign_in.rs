//! Signs a user in.

use std::net::IpAddr;
use std::time::Duration;

use crate::actions::{Actions, email};
use crate::store::users::{self, User};
use crate::store::{self};

/// Why a sign-in was rejected.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The email address or the password is wrong. The error does not reveal which.
    #[error("the email address or the password is wrong")]
    Wrong,
    /// Too many attempts.
    #[error("too many attempts; wait {} seconds", .0.as_secs() + 1)]
    Throttled(Duration),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Returns the user with this email address and password.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<User, SignInError> {
        let email = email.trim();
        if !email::is_plausible(email) {
            return Err(SignInError::Wrong);
        }
        self.throttle.try_now(from, email).map_err(SignInError::Throttled)?;
        let found = users::find_by_email(&self.parts.db, email).await?;
        let hash = found.as_ref().map(|(_, hash)| hash.as_str());
        let matches = self.passwords.verify(password, hash).await.unwrap_or_else(|error| {
            tracing::error!(%error, "could not check a password");
            false
        });
        match found {
            Some((user, _)) if matches => Ok(user),
            _ => {
                tracing::warn!(%from, "rejected a sign-in");
                Err(SignInError::Wrong)
            }
        }
    }
}
