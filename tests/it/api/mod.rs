//! The JSON API.

mod bodies;
mod events;
mod explain;
mod invoke;
mod request_id;
mod sender_limit;
mod signatures;
mod tokens;
