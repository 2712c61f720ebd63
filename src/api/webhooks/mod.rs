//! Webhooks.

mod invoke;

pub(super) use invoke::invoke;
