//! The routes for deliveries.

mod redeliver;

pub(super) use redeliver::redeliver;
