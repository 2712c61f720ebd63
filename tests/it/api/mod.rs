//! The JSON API.

mod bodies;
mod events;
mod invoke;
