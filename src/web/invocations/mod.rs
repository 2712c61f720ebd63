//! View Invocation Data: one exchange, in full.

mod curl;
pub(super) mod show;
mod timing;
