//! Signs a user in whose password was correct, with a code.

use std::time::{Duration, Instant};

use super::{EnteredFactor, SecondFactorError, UsedFactor};
use crate::actions::{Actions, SignedIn};
use crate::store::{self};

/// The second step of a sign-in.
#[derive(Debug, Clone, Copy)]
pub struct CodeSignIn<'a> {
    /// The cookie of the first step.
    pub pending: &'a str,
    /// Identifies the browser.
    pub browser: &'a str,
    /// The code.
    pub entered: EnteredFactor<'a>,
}

/// A sign-in with a code.
#[derive(Debug, Clone)]
pub struct SignedInWithCode {
    /// The sign-in.
    pub signed_in: SignedIn,
    /// The code that was used.
    pub factor: UsedFactor,
}

/// Why a sign-in with a code was rejected.
#[derive(Debug, thiserror::Error)]
pub enum CodeSignInError {
    /// The password must be entered again.
    #[error("the password was entered too long ago, or in another browser, or has changed")]
    Expired,
    /// The code is wrong, or was used before.
    #[error("the code is wrong, or was used before")]
    Wrong,
    /// Too many attempts.
    #[error("too many attempts; wait {} seconds", .0.as_secs() + 1)]
    Throttled(Duration),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<SecondFactorError> for CodeSignInError {
    fn from(error: SecondFactorError) -> Self {
        match error {
            SecondFactorError::Wrong => Self::Wrong,
            SecondFactorError::Throttled(wait) => Self::Throttled(wait),
            // It was switched off or reset after the password was entered.
            SecondFactorError::Off => Self::Expired,
            SecondFactorError::Store(error) => Self::Store(error),
        }
    }
}

impl Actions {
    /// Signs in the user of a cookie with a code.
    ///
    /// # Errors
    /// See [`CodeSignInError`].
    pub async fn sign_in_with_code(
        &self,
        request: CodeSignIn<'_>,
    ) -> Result<SignedInWithCode, CodeSignInError> {
        let CodeSignIn { pending, browser, entered } = request;
        let found = self.find_pending_user(pending, browser).await?;
        let (user, session_version) = found.ok_or(CodeSignInError::Expired)?;
        let attempt = self.start_code(&user, entered)?;
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let Some((_secret, factor)) = self.use_code(&mut tx, &user, entered).await? else {
            drop(tx);
            return Err(self.reject_code(&user, entered).await.into());
        };
        self.record_sign_in(&mut tx, &user, entered.origin, Some(factor)).await?;
        tx.commit().await.map_err(store::Error::from)?;
        attempt.succeed(Instant::now());
        Ok(SignedInWithCode { signed_in: self.signed_in(user, session_version), factor })
    }
}
