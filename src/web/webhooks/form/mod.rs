//! The webhook form.
//!
//! `page` prints the form and `input` reads it. Every other file is a part of the form, or one of the requests that it
//! sends. `submission` decides between the response for htmx, which replaces a part of the page, and the whole page.
//! Files of views do not import handlers.

mod annotations;
pub(in crate::web) mod backtest;
pub(in crate::web) mod certificate;
pub(in crate::web) mod credentials;
pub(in crate::web) mod edit;
pub(in crate::web) mod event_menu;
mod field_id;
pub(in crate::web) mod filters;
mod input;
mod page;
pub(in crate::web) mod pem;
pub(in crate::web) mod preview;
mod results;
pub(in crate::web) mod save;
pub(in crate::web) mod schema;
mod secrets;
pub(in crate::web) mod signing_key;
mod submission;
pub(in crate::web) mod test;
mod validators;

pub(in crate::web::webhooks) use preview::PreviewView;
pub(in crate::web::webhooks) use results::describe_skip;
