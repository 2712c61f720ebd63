//! Everything that leaves Gatepost. Tests and deliveries go the same way.
//!
//! It knows addresses, certificates and HTTP; not webhooks' rules nor what an answer means.

mod address;
mod certificate;
mod client;
mod exchange;
mod failure;
mod local;
mod resolver;
mod trace;
mod trust;

pub use address::AddressRules;
pub use certificate::FetchError;
pub use client::{Client, ClientError};
pub use exchange::{Exchanged, MAX_BODY, Outgoing};
pub use local::post_events;

/// How Gatepost names itself.
pub const USER_AGENT: &str = concat!("Gatepost/", env!("CARGO_PKG_VERSION"));
