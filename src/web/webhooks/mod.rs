//! The pages about webhooks: the list, each webhook with its history, its form, and what a user can do with it.

pub(super) mod delete;
pub(super) mod form;
pub(super) mod history;
pub(super) mod list;
pub(super) mod replay;
pub(super) mod replay_progress;
pub(super) mod restore;
mod row;
pub(super) mod send_now;
pub(super) mod show;
pub(super) mod signing;
pub(super) mod toggle;

use super::Error;
use crate::model::WebhookId;

/// Parses the id in a path. An invalid id is a page that does not exist.
fn parse_id(text: &str) -> Result<WebhookId, Error> {
    text.parse().map_err(|_error: uuid::Error| Error::NotFound)
}
