//! Strict mode: what it requires of the settings and of users, targets and the identity provider.

mod start;
mod transport;
