//! Signing in and out, and creating the first administrator.

pub(super) mod code;
mod code_page;
pub(super) mod confirm;
pub(super) mod destination;
pub(super) mod dialog;
pub(super) mod invitation;
pub(super) mod login;
pub(super) mod logout;
pub(super) mod setup;
pub(super) mod single_sign_on;
pub(super) mod unsaved;

use std::time::Duration;

pub(super) use destination::destination;

/// The error after too many attempts, with the remaining waiting time.
pub(super) fn throttled(wait: Duration) -> String {
    let seconds = wait.as_secs().max(1);
    if seconds < 90 {
        format!("Too many attempts. Try again in {seconds} seconds.")
    } else {
        format!("Too many attempts. Try again in {} minutes.", seconds.div_ceil(60))
    }
}
