//! The second factor of users: an authenticator app, and recovery codes.

mod change;
mod pending;
mod require;
mod reset;
mod set_up;
mod sign_in;
mod use_code;

pub use require::RequireSecondFactorError;
pub use reset::ResetSecondFactorError;
pub use set_up::{EnableSecondFactorError, ProposedFactor};
pub use sign_in::{CodeSignIn, CodeSignInError, SignedInWithCode};
pub use use_code::{EnteredFactor, SecondFactorError, UsedFactor};

use crate::identity::{FactorSecret, RecoveryCode};
use crate::model::{Sources, UserId};
use crate::store::{self, PgConnection, second_factors};

/// Number of recovery codes that a user gets.
const RECOVERY_CODES: usize = 10;

/// Replaces the recovery codes of a user. Returns the new ones.
async fn replace_recovery_codes(
    db: &mut PgConnection,
    user: UserId,
    secret: &FactorSecret,
    sources: &Sources,
) -> Result<Vec<RecoveryCode>, store::Error> {
    let codes: Vec<_> = (0..RECOVERY_CODES).map(|_| RecoveryCode::new(sources)).collect();
    let hashes: Vec<_> = codes.iter().map(|code| secret.hash_recovery_code(code)).collect();
    second_factors::replace_recovery_codes(db, user, &hashes).await?;
    Ok(codes)
}

/// The error for a secret that was decrypted, but has the wrong length.
fn corrupt(user: UserId) -> store::Error {
    let detail = format!("the secret of the user {user} has the wrong length");
    store::Error::Corrupt { table: "second_factors", detail }
}
