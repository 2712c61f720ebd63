//! Why a sign-in failed, as far as the protocol is concerned.

use std::fmt;

use crate::model::security_policy::WeakKey;

/// Why a user was not signed in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be reached, or does not respond as the protocol requires.
    #[error("{0}")]
    Unavailable(String),
    /// The response is not one to this sign-in, or the token cannot be trusted.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The sign-in could not be prepared.
    #[error("{0}")]
    Internal(String),
}

/// Why a response of the provider was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The browser sent no cookie of a sign-in, or one that was changed. It is removed when the sign-in has ended.
    #[error("this browser has no sign-in in progress")]
    NoCookie,
    /// The sign-in took too long.
    #[error("the sign-in was started more than 10 minutes ago")]
    Expired,
    /// The state is that of another sign-in.
    #[error("the response belongs to another sign-in")]
    WrongState,
    /// The response was used before.
    #[error("the response was used before")]
    Replayed,
    /// The response comes from another provider (RFC 9207).
    #[error("the response comes from another provider")]
    OtherProvider,
    /// The user, or the provider for the user, cancelled.
    #[error("the provider refused: access_denied")]
    Cancelled,
    /// The provider reported an error.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// The provider did not accept the code.
    #[error("the provider did not accept the code: {0}")]
    Code(String),
    /// The token is not valid.
    #[error("the token was rejected: {0}")]
    Token(String),
    /// The token is not valid at this time.
    #[error("the token was rejected: {0}")]
    Clock(SkewedClock),
    /// The token, or all tokens of the provider, are signed with algorithms that strict mode does not accept. Contains them.
    #[error("tokens are signed with {0}, which strict mode does not accept")]
    WeakSignature(String),
    /// The token is signed with a key that is too short.
    #[error("the token is signed with {0}")]
    WeakKey(WeakKey),
    /// The user has not signed in at the provider in a required way, such as with a second factor.
    #[error("the class of authentication is \"{found}\", but {required} is required")]
    WeakAuthentication {
        /// The class in the token; empty if it has none.
        found: String,
        /// The required classes.
        required: String,
    },
    /// The user was not asked to sign in again.
    #[error("the provider did not ask for the credentials again")]
    NotConfirmed,
}

/// The difference between the provider's clock and this machine's, in whole minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SkewedClock {
    /// The difference; at least 1.
    pub minutes: i64,
}

impl fmt::Display for SkewedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.minutes == 1 { "" } else { "s" };
        write!(f, "the clocks differ by {} minute{plural}", self.minutes)
    }
}

/// Returns the start of a text of the provider, without control characters.
pub(super) fn printable(text: &str, max_chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max_chars).collect()
}

/// Returns an error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
