//! How much is in flight: in all, and for each webhook, so that one slow target never holds up
//! another.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::model::{DeliveryId, WebhookId};

/// Exchanges at once, in all.
const MAX_IN_FLIGHT: usize = 256;
/// Exchanges at once with one webhook.
const MAX_PER_WEBHOOK: usize = 8;

/// Counts what is in flight.
#[derive(Debug)]
pub(super) struct Lanes {
    all: Arc<Semaphore>,
    webhooks: Mutex<HashMap<WebhookId, Arc<Semaphore>>>,
    in_hand: Mutex<HashSet<DeliveryId>>,
}

/// The right to one exchange, until dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _all: OwnedSemaphorePermit,
    _webhook: OwnedSemaphorePermit,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(MAX_IN_FLIGHT)),
            webhooks: Mutex::default(),
            in_hand: Mutex::default(),
        }
    }
}

impl Lanes {
    /// A slot for an exchange with this webhook, if there is one free.
    pub(super) fn take(&self, webhook: WebhookId) -> Option<Slot> {
        let lane = {
            let mut lanes = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
            let lane =
                lanes.entry(webhook).or_insert_with(|| Arc::new(Semaphore::new(MAX_PER_WEBHOOK)));
            Arc::clone(lane)
        };
        let webhook = lane.try_acquire_owned().ok()?;
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(Slot { _all: all, _webhook: webhook })
    }

    /// How many more exchanges there is room for.
    pub(super) fn free(&self) -> usize {
        self.all.available_permits()
    }

    /// Webhooks that have no slot free.
    pub(super) fn full(&self) -> Vec<Uuid> {
        let lanes = self.webhooks.lock().unwrap_or_else(PoisonError::into_inner);
        lanes
            .iter()
            .filter(|(_, lane)| lane.available_permits() == 0)
            .map(|(id, _)| id.uuid())
            .collect()
    }

    /// Notes what this instance holds, so that its lease is renewed.
    pub(super) fn hold(&self, delivery: DeliveryId) {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).insert(delivery);
    }

    /// It is done.
    pub(super) fn let_go(&self, delivery: DeliveryId) {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner).remove(&delivery);
    }

    /// All that this instance holds.
    pub(super) fn held(&self) -> Vec<Uuid> {
        let held = self.in_hand.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|id| id.uuid()).collect()
    }
}
