//! The JSON API.

mod bodies;
mod events;
mod explain;
mod invoke;
mod request_id;
mod signatures;
mod tokens;
