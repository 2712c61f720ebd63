//! The pages about deliveries.

pub(super) mod bulk;
pub(super) mod change;
mod filters;
pub(super) mod list;
pub(super) mod show;
pub(super) mod webhook_filter;

use super::display_time::{DisplayTime, LocalNow};
use crate::model::delivery::DeliveryState;
use crate::store::deliveries::Delivery;

/// A delivery, ready to print.
struct DeliveryView {
    id: String,
    state: &'static str,
    /// CSS class of the badge.
    tone: &'static str,
    /// Address of the event.
    event_href: String,
    webhook_name: String,
    webhook_id: String,
    webhook_href: String,
    webhook_deleted: bool,
    event_type: String,
    request: String,
    requester: String,
    is_sample: bool,
    attempts: i32,
    /// The last error or response status; empty before the first attempt.
    last_response: String,
    created: DisplayTime,
    next: Option<DisplayTime>,
    finished: Option<DisplayTime>,
}

impl DeliveryView {
    fn new(delivery: &Delivery, now: LocalNow) -> Self {
        let Badge { text: state, tone } = Badge::new(delivery);
        Self {
            id: delivery.id.to_string(),
            state,
            tone,
            event_href: format!("/events/{}", delivery.event_id),
            webhook_name: delivery.webhook_name.clone(),
            webhook_id: delivery.webhook_id.to_string(),
            webhook_href: format!("/webhooks/{}", delivery.webhook_id),
            webhook_deleted: delivery.webhook_deleted,
            event_type: delivery.event_type.clone(),
            request: delivery.request.clone(),
            requester: delivery.requester.clone(),
            is_sample: delivery.is_sample,
            attempts: delivery.attempts,
            last_response: match (&delivery.last_error, delivery.last_status) {
                (Some(error), _) => error.clone(),
                (None, Some(status)) => format!("HTTP {status}"),
                (None, None) => String::new(),
            },
            created: DisplayTime::new(delivery.created_at, now),
            next: (delivery.state == DeliveryState::Due)
                .then(|| DisplayTime::new(delivery.due_at.max(now.time), now)),
            finished: delivery.finished_at.map(|at| DisplayTime::new(at, now)),
        }
    }
}

/// The state of a delivery, as a text and a CSS class.
pub(in crate::web) struct Badge {
    pub(in crate::web) text: &'static str,
    pub(in crate::web) tone: &'static str,
}

impl Badge {
    pub(in crate::web) fn new(delivery: &Delivery) -> Self {
        Self::of(delivery.state, delivery.attempts)
    }

    /// The badge of a delivery in a state, after a number of attempts.
    pub(in crate::web) fn of(state: DeliveryState, attempts: i32) -> Self {
        let is_retry = state == DeliveryState::Due && attempts > 0;
        Self {
            text: if is_retry { "Retrying" } else { state.label() },
            tone: tone(state, attempts),
        }
    }
}

fn tone(state: DeliveryState, attempts: i32) -> &'static str {
    match state {
        DeliveryState::Delivered => "good",
        DeliveryState::Failed => "bad",
        DeliveryState::Due if attempts > 0 => "warn",
        DeliveryState::Due | DeliveryState::Leased => "busy",
        DeliveryState::Waiting | DeliveryState::Held | DeliveryState::Cancelled => "quiet",
    }
}
