//! The pages about secrets. No page contains the value of a secret.

pub(super) mod delete;
pub(super) mod form;
pub(super) mod list;
pub(super) mod save;

use super::Error;
use crate::model::SecretId;

/// Parses the id in a path. An invalid id is a page that does not exist.
fn parse_id(text: &str) -> Result<SecretId, Error> {
    text.parse().map_err(|_error: uuid::Error| Error::NotFound)
}

/// Describes how many webhooks use a secret.
fn count_uses(uses: i64) -> String {
    match uses {
        0 => "Not used".to_owned(),
        1 => "1 webhook".to_owned(),
        uses => format!("{uses} webhooks"),
    }
}
