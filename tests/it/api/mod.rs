//! The JSON API.

mod events;
mod invoke;
