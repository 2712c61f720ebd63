//! What an instance holds in memory, for monitoring.

use super::dispatch_queue::QueueUsage;
use super::shared::Shared;
use crate::model::WebhookId;

/// What an instance holds in memory.
#[derive(Debug, Clone)]
pub struct DispatcherFigures {
    /// Attempts in flight.
    pub in_flight: usize,
    /// Number of attempts in flight from which on each webhook may have only one.
    pub max_in_flight: usize,
    /// Deliveries that are reserved, queued, in flight, or being recorded.
    pub deliveries: usize,
    /// Events of these deliveries.
    pub events: usize,
    /// Number of events from which on deliveries wait in the database.
    pub max_events: usize,
    /// All webhooks.
    pub webhooks: Vec<WebhookFigures>,
}

/// A webhook.
#[derive(Debug, Clone)]
pub struct WebhookFigures {
    /// The webhook's id.
    pub id: WebhookId,
    /// The name.
    pub name: String,
    /// Whether events are sent.
    pub is_active: bool,
    /// Whether Gatepost paused it.
    pub is_paused: bool,
    /// Whether its circuit breaker is open.
    pub is_breaker_open: bool,
}

pub(super) fn read(shared: &Shared) -> DispatcherFigures {
    let QueueUsage { in_flight, max_in_flight, deliveries, events, max_events } =
        shared.queue.usage();
    let mut webhooks: Vec<WebhookFigures> = shared
        .router
        .all()
        .into_iter()
        .map(|route| WebhookFigures {
            id: route.id,
            name: route.webhook().name().to_owned(),
            is_active: route.webhook().is_active(),
            is_paused: route.is_paused,
            is_breaker_open: shared.breakers.is_open(route.id),
        })
        .collect();
    webhooks.sort_by_key(|webhook| webhook.id);
    DispatcherFigures { in_flight, max_in_flight, deliveries, events, max_events, webhooks }
}
