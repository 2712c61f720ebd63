//! What things are: no async, no I/O, no clock of its own.
//!
//! This is the ground floor. Everything here can be tested without a database or a network, and
//! every other room may use it. It must not know how things are stored, sent or shown.

pub mod actor;
pub mod breaker;
pub mod delivery;
pub mod event;
pub mod exchange;
pub mod filter;
pub mod id;
pub mod invocation;
pub mod outcome;
pub mod retry;
pub mod secret;
pub mod sources;
pub mod template;
pub mod trigger;
pub mod webhook;

pub use actor::Actor;
pub use id::{DeliveryId, EventId, InvocationId, TokenId, UserId, WebhookId};
pub use sources::{Clock, Entropy, Sources, Timestamp};
pub use trigger::Trigger;
