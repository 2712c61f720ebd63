//! Authentication: passwords, API tokens, and limits on attempts.

mod password;
mod throttle;
mod token;
mod token_cache;

pub use password::{PasswordError, Passwords};
pub use throttle::Throttle;
pub use token::{Scope, TokenText, hash_token};
pub use token_cache::TokenCache;
