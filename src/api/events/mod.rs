//! The routes for events.

mod accept;

pub(super) use accept::accept;
