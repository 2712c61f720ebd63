//! Outbound HTTP: the client of deliveries and tests, address rules and TLS.
//!
//! This module knows addresses, certificates and HTTP. It does not depend on the rules of webhooks or on how responses
//! are judged. Tests and deliveries use the same client.

mod address;
mod body;
mod client;
mod collector_client;
mod connect;
mod embedded_ipv4;
mod exchange;
mod failure;
mod fetch_certificate;
mod http1_connection;
mod idle_pool;
mod oauth;
mod own_addresses;
mod post_events;
mod resolver;
mod special_purpose;
mod target_stream;
mod timings;
mod tls;
mod tls_failure;

pub use address::AddressRules;
pub use client::Client;
pub use collector_client::CollectorClient;
pub use exchange::{ExchangeResult, MAX_RESPONSE_BYTES, OutgoingRequest, recorded_request};
pub use fetch_certificate::FetchError;
pub use oauth::{TokenClient, TokenRequest, TokenResult};
pub use own_addresses::own_addresses;
pub use post_events::post_events;
pub use tls::{TlsError, check_certificate_key, describe_certificate, describe_pem};
