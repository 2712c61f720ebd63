//! The list of events, and an event with the reasons why it was not sent.

mod list;
mod random;
mod show;
