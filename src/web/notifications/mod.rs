//! Notifications: where they are sent to, and the newest ones.

pub(super) mod banner;
pub(super) mod change;
pub(super) mod show;
