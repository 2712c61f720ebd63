//! Everything that leaves Gatepost. Tests and deliveries go the same way.
//!
//! It knows addresses, certificates and HTTP; not webhooks' rules nor what an answer means.

mod address;
mod certificate;
mod client;
mod connect;
mod exchange;
mod failure;
mod link;
mod local;
mod oauth;
mod pem;
mod resolver;
mod trace;
mod trust;

pub use address::AddressRules;
pub use certificate::FetchError;
pub use client::Client;
pub use exchange::{Exchanged, MAX_BODY, Outgoing};
pub use local::post_events;
pub use oauth::{Obtained, TokenWanted};
pub use pem::describe_pem;
pub use trust::TlsError;

/// How Gatepost names itself.
pub const USER_AGENT: &str = concat!("Gatepost/", env!("CARGO_PKG_VERSION"));
