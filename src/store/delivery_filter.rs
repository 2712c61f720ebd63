//! What a search for deliveries can filter by.

use crate::model::delivery::DeliveryState;
use crate::model::{DeliveryId, Timestamp, Trigger, WebhookId};

/// A response status to search for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusFilter {
    /// The last attempt got no response.
    NoResponse,
    /// The last response had a status from the first to the second number.
    Between(i32, i32),
}

/// Which deliveries a search reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    All,
    /// Those that are finished.
    Finished,
    /// Those that are not.
    Unfinished,
}

/// Filters of deliveries.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter<'a> {
    /// Only deliveries in this state.
    pub state: Option<DeliveryState>,
    /// Only deliveries of this webhook.
    pub webhook: Option<WebhookId>,
    /// Only deliveries of events with this trigger; manual sends for `Manual`.
    pub trigger: Option<Trigger>,
    /// Only deliveries whose last attempt got this response.
    pub status: Option<StatusFilter>,
    /// Only deliveries created at this time or later.
    pub from: Option<Timestamp>,
    /// Only deliveries created before this time.
    pub until: Option<Timestamp>,
    /// Only deliveries whose access request or requester contains this text, ignoring case.
    pub text: &'a str,
    /// Whether the text is searched in the response to the last attempt instead.
    pub in_response: bool,
    /// Only deliveries older than this one, the last of the previous page.
    pub after: Option<DeliveryId>,
    /// Only finished or unfinished deliveries.
    pub scope: Scope,
}

impl DeliveryFilter<'_> {
    /// Whether only failed or only cancelled deliveries match.
    pub(super) fn is_unsuccessful(&self) -> bool {
        matches!(self.state, Some(DeliveryState::Failed | DeliveryState::Cancelled))
    }
}
