//! The routes for events.

mod accept;
mod explain;
mod sender_limit;

pub(super) use accept::accept;
pub(super) use explain::explain;
