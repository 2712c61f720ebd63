//! The page Status.

mod figures;
pub(super) mod show;
