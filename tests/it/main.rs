//! Black-box tests: the real application over a real PostgreSQL, and a Logpoint that is simulated
//! over real TLS. `script/with-postgres cargo nextest run --test it` runs them alone.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "../support/mod.rs"]
mod support;

mod api;
mod audit;
mod cancelled_transactions;
mod cli;
mod delivery;
mod fake_smtp;
mod fault_injection;
mod mail;
mod metrics;
mod notifications;
mod pages;
mod secrets;
mod security;
mod signatures;
mod single_sign_on;
mod strict;
mod tls;
mod traces;
