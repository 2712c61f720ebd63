//! The account of the signed-in user: password, second factor, sessions, theme and time zone.

pub(super) mod password;
pub(super) mod preferences;
pub(super) mod second_factor;
pub(super) mod sessions;
pub(super) mod show;
