//! Authentication and permissions: passwords, roles, API tokens, and limits on attempts.

mod device;
mod invitation;
mod leaked_passwords;
mod password;
mod permission;
mod rate_limit;
mod record_limit;
mod recovery_code;
mod refusal;
mod role;
mod second_factor;
mod sender_keys;
mod sender_limit;
mod throttle;
mod token;
mod token_cache;
mod user_limits;

pub use device::DeviceKey;
pub use invitation::{InvitationToken, hash_invitation};
pub use leaked_passwords::{HashFileError, LeakedPasswords};
pub use password::{Lane, PasswordError, Passwords};
pub use permission::Permission;
pub use rate_limit::whole_seconds;
pub use record_limit::RecordLimit;
pub use recovery_code::{EnteredCode, RecoveryCode};
pub use refusal::{LoggedRefusal, Refusal};
pub use role::Role;
pub use second_factor::FactorSecret;
pub use sender_keys::{KeysWithTokens, SenderKeys, UnprovenBody};
pub use sender_limit::{SenderLimit, SenderLimitError};
pub use throttle::{Attempt, Subject, Throttle};
pub use token::{Scope, TokenText, hash_token};
pub use token_cache::TokenCache;
pub use user_limits::{UserLimits, Work};
