//! Users: invitations, changes, and passwords.

mod accept_invitation;
mod change;
mod change_password;
mod end_sessions;
mod invite;
mod mail_invitation;
mod set_password;

pub use accept_invitation::AcceptInvitationError;
pub use change::{ChangeUserError, UserChange, UserRef};
pub use invite::{Invitation, InviteUserError};
pub use set_password::SetPasswordError;

/// The message for an email address that cannot be one.
pub(super) const INVALID_EMAIL: &str = "Enter an email address, such as ann@example.com.";
