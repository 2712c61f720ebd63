//! Browser tests, in Chromium.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod account;
mod appearance;
mod audit;
mod charts;
mod chromium;
mod driver;
mod editor;
mod events;
mod invalid_form;
mod journeys;
mod keyboard;
mod live;
mod no_script;
mod past_events;
mod redelivery;
mod replay;
mod sample_data;
mod second_factor;
mod secrets;
mod session;
mod signatures;
mod single_sign_on;
mod status;
mod strict;
#[expect(dead_code, reason = "the black-box tests use the rest")]
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod unsaved_changes;
mod users;
mod weight;
