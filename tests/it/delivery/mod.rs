//! From an accepted event to a recorded invocation.

mod attempts;
mod audit_forwarding;
mod authentication;
mod bulk;
mod failing;
mod instances;
mod manual;
mod order;
mod plans;
mod redelivery;
mod replay;
mod retention;
mod roll_ups;
mod samples;
mod webhooks_change;
