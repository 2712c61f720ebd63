//! The pages, as a browser without scripts sees them.

mod deliveries;
mod everywhere;
mod people;
mod webhooks;
