//! Counters by webhook. The number of label values is bounded, because Prometheus stores a separate series for each.

use std::collections::HashMap;
use std::sync::Arc;

use metrics::Counter;
use parking_lot::RwLock;
use uuid::Uuid;

/// Maximum number of webhooks with their own label value. The others are summed up as [`OTHER`].
pub const MAX_LABELLED_WEBHOOKS: usize = 200;
/// The label value of all other webhooks.
pub const OTHER: &str = "other";

/// The counters of a webhook.
#[derive(Clone)]
pub(super) struct WebhookCounters {
    pub(super) delivered: Counter,
    pub(super) failed: Counter,
    pub(super) retried: Counter,
}

/// The webhooks that have their own label value. Each keeps it while the process runs.
pub(super) struct LabelledWebhooks {
    own: RwLock<HashMap<Uuid, Arc<WebhookCounters>>>,
    other: Arc<WebhookCounters>,
}

impl LabelledWebhooks {
    pub(super) fn new(other: WebhookCounters) -> Self {
        Self { own: RwLock::default(), other: Arc::new(other) }
    }

    /// Returns the counters of a webhook. If it has no label value and there is one left, `create` is called with it.
    pub(super) fn get(
        &self,
        webhook: Uuid,
        create: impl FnOnce(&str) -> WebhookCounters,
    ) -> Arc<WebhookCounters> {
        {
            let own = self.own.read();
            if let Some(counters) = own.get(&webhook) {
                return Arc::clone(counters);
            }
            if own.len() >= MAX_LABELLED_WEBHOOKS {
                return Arc::clone(&self.other);
            }
        }
        let mut own = self.own.write();
        if own.len() >= MAX_LABELLED_WEBHOOKS && !own.contains_key(&webhook) {
            return Arc::clone(&self.other);
        }
        let counters = own.entry(webhook).or_insert_with(|| Arc::new(create(&webhook.to_string())));
        Arc::clone(counters)
    }

    /// Returns whether a webhook has its own label value.
    pub(super) fn contains(&self, webhook: Uuid) -> bool {
        self.own.read().contains_key(&webhook)
    }
}
