//! The pages about sample access requests.

pub(in crate::web) mod form;
pub(in crate::web) mod progress;
