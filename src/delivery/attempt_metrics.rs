//! Counts attempts and their results.

use super::shared::Deps;
use crate::metrics::{Attempt, Metrics, Outcome, SUCCESS};
use crate::model::delivery::DeliveryState;
use crate::model::invocation::Invocation;
use crate::model::{DeliveryId, WebhookId};

/// Counts an attempt.
pub(super) fn attempted(metrics: &Metrics, invocation: &Invocation) {
    metrics.attempted(Attempt {
        outcome: invocation.failure.as_ref().map_or(SUCCESS, Into::into),
        status: invocation.exchange.response.as_ref().map(|response| response.status),
        duration: invocation.exchange.timings.total(),
    });
}

/// Counts what an attempt means for its delivery.
pub(super) fn ended(deps: &Deps, (id, webhook): (DeliveryId, WebhookId), state: DeliveryState) {
    let outcome = match state {
        DeliveryState::Delivered => {
            // A delivery is created when its event is received. A clock that was set back makes no latency negative.
            let latency = deps.sources.now() - id.created_at();
            Outcome::Delivered(latency.to_std().unwrap_or_default())
        }
        DeliveryState::Due => Outcome::Retried,
        DeliveryState::Failed => Outcome::Failed,
        DeliveryState::Leased
        | DeliveryState::Held
        | DeliveryState::Waiting
        | DeliveryState::Cancelled => return,
    };
    deps.metrics.ended(webhook.uuid(), outcome);
}
