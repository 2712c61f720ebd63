//! The webhooks' table, their form, and what the form can ask for.

pub(super) mod backtest;
pub(super) mod certificate;
pub(super) mod credentials;
pub(super) mod delete;
pub(super) mod edit;
pub(super) mod events;
pub(super) mod filters;
mod form;
pub(super) mod history;
pub(super) mod list;
mod marks;
pub(super) mod pem;
pub(super) mod preview;
pub(super) mod restore;
mod row;
pub(super) mod save;
pub(super) mod schema;
pub(super) mod send;
pub(super) mod show;
pub(super) mod test;
pub(super) mod toggle;
mod typed;

use super::Error;
use crate::model::WebhookId;

/// The id in a path: one that cannot be read is a page that is not there.
fn parse_id(text: &str) -> Result<WebhookId, Error> {
    text.parse().map_err(|_error: uuid::Error| Error::NotFound)
}
