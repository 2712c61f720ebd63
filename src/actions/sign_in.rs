//! Signs a person in.

use std::net::IpAddr;
use std::time::Duration;

use crate::actions::Actions;
use crate::store::users::{self, User};
use crate::store::{self};

/// Why somebody was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such person, or another password: which of them is not told.
    #[error("the email address or the password is wrong")]
    Wrong,
    /// Too many tries.
    #[error("too many tries: wait {} seconds", .0.as_secs() + 1)]
    Throttled(Duration),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// The person, if email address and password are theirs.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<User, SignInError> {
        self.throttle.try_now(from, email).map_err(SignInError::Throttled)?;
        let found = users::find_by_email(&self.parts.db, email.trim()).await?;
        let hash = found.as_ref().map(|(_, hash)| hash.as_str());
        let fits = self.passwords.verify(password, hash).await.unwrap_or_else(|error| {
            tracing::error!(%error, "a password could not be checked");
            false
        });
        match found {
            Some((user, _)) if fits => Ok(user),
            _ => {
                tracing::warn!(%from, "a sign-in was refused");
                Err(SignInError::Wrong)
            }
        }
    }
}
