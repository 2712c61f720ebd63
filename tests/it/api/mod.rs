//! The JSON API.

mod bodies;
mod events;
mod explain;
mod invoke;
