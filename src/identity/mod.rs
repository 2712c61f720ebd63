//! Authentication: passwords, API tokens, and limits on attempts.

mod device;
mod password;
mod throttle;
mod token;
mod token_cache;

pub use device::DeviceKey;
pub use password::{Lane, PasswordError, Passwords};
pub use throttle::{Attempt, Subject, Throttle};
pub use token::{Scope, TokenText, hash_token};
pub use token_cache::TokenCache;
