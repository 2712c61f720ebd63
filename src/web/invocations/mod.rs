//! The page of an invocation (**View Invocation Data**), and the troubleshooting tips.

mod curl;
mod exchange;
pub(super) mod show;
mod timing;
pub(super) mod troubleshooting;
