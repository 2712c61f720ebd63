//! The user's own second factor: setting it up, its recovery codes, and turning it off.

mod change;
mod qr_code;
mod recovery_codes;
mod set_up;

pub(in crate::web) use change::{ask_to_disable, ask_to_renew, disable, renew};
pub(in crate::web) use set_up::{enable, show};
