//! The routes for webhooks.

mod invoke;

pub(super) use invoke::invoke;
