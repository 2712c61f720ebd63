//! The routes for events.

mod accept;
mod explain;

pub(super) use accept::accept;
pub(super) use explain::explain;
