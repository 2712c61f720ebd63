//! View Invocation Data: one exchange, in full.

mod curl;
mod exchange;
pub(super) mod show;
mod timing;
pub(super) mod troubleshooting;
