//! Events through the API.

mod accept;

pub(super) use accept::accept;
