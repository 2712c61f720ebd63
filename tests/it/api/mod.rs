//! The JSON API.

mod events;
