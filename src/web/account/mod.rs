//! The account of the signed-in user: password, sessions, theme and time zone.

pub(super) mod password;
pub(super) mod preferences;
pub(super) mod sessions;
pub(super) mod show;
