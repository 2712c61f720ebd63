//! Journeys in a real Chromium.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod chromium;
mod driver;
mod editor;
mod filled;
mod journeys;
mod keyboard;
mod leaving;
mod looks;
mod mistakes;
mod no_script;
mod past;
mod session;
#[expect(dead_code, reason = "the black-box tests use the rest")]
#[path = "../support/mod.rs"]
mod support;
mod weight;
