//! The domain model: events, filters, webhooks, outcomes, retries and circuit breakers.
//!
//! It contains only rules: no async code, no I/O and no access to the clock, so that everything can be
//! tested without a database or a network. It does not know how things are stored, sent or shown.

pub mod actor;
pub mod alert;
pub mod audit;
pub mod breaker;
pub mod delivery;
pub mod event;
pub mod exchange;
pub mod filter;
pub mod id;
pub mod invocation;
pub mod json;
mod latency;
pub mod live;
pub mod notification;
pub mod outcome;
pub mod retry;
pub mod secret;
pub mod security_policy;
pub mod sender_key;
pub mod signature;
pub mod sources;
pub mod text;
pub mod trigger;
pub mod webhook;

pub use actor::{Actor, Origin, Principal};
pub use id::{DeliveryId, EventId, InvocationId, SecretId, TokenId, UserId, WebhookId};
pub use latency::{LATENCY_BUCKETS, LatencyCounts};
pub use live::LiveChanges;
pub use security_policy::SecurityPolicy;
pub use sources::{Clock, Entropy, Sources, Timestamp};
pub use trigger::{AUDIT_EVENT_TYPE, NOTIFICATION_EVENT_TYPE, Trigger};
