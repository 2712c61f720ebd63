//! Who may: passwords, tokens, and how often somebody may try.

mod password;
mod throttle;
mod token;

pub use password::{PasswordError, Passwords};
pub use throttle::Throttle;
pub use token::{Scope, TokenText, hash_token};
