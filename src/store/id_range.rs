//! Ranges of ids, which are ranges of time: ids are `UUIDv7`.

use uuid::Uuid;

use super::webhook_health::first_uuid_at;
use crate::model::Timestamp;

/// The ids that a search still has to read, newest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdRange {
    /// The oldest id.
    pub(super) first: Uuid,
    /// Everything from this id on is excluded, or was read.
    pub(super) before: Uuid,
}

impl IdRange {
    /// A range without ids. It excludes all partitions.
    pub(super) const EMPTY: Self = Self { first: Uuid::nil(), before: Uuid::nil() };

    /// Returns the ids from a time on and before another, and before the last id of the previous page.
    pub(super) fn new(
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        previous: Option<Uuid>,
    ) -> Self {
        let until = until.map_or(Uuid::max(), first_uuid_at);
        Self {
            first: from.map_or(Uuid::nil(), first_uuid_at),
            before: previous.map_or(until, |last| last.min(until)),
        }
    }
}
