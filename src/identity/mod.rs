//! Who may: passwords, tokens, and how often somebody may try.

mod known_tokens;
mod password;
mod throttle;
mod token;

pub use known_tokens::KnownTokens;
pub use password::{PasswordError, Passwords};
pub use throttle::Throttle;
pub use token::{Scope, TokenText, hash_token};
