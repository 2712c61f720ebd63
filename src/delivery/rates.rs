//! How many exchanges a minute a webhook may have, on this instance.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Shared, send};
use crate::model::WebhookId;

/// Between looks whether somebody may go on.
const TICK: Duration = Duration::from_millis(50);
/// So many exchanges may come at once after a pause: those of this time.
const BURST: Duration = Duration::from_secs(1);

/// When each webhook that has a limit may have its next exchange: the generic cell rate algorithm.
#[derive(Debug, Default)]
pub(super) struct Rates {
    next: Mutex<HashMap<WebhookId, Instant>>,
    denied: AtomicBool,
}

impl Rates {
    /// Counts an exchange; false where it has to wait.
    pub(super) fn allow(&self, webhook: WebhookId, per_minute: Option<u32>) -> bool {
        let Some(per_minute) = per_minute else { return true };
        let apart = Duration::from_mins(1) / per_minute.max(1);
        let now = Instant::now();
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let at = next.get(&webhook).copied().unwrap_or(now).max(now);
        let allowed = at - now <= BURST.saturating_sub(apart);
        if allowed {
            next.insert(webhook, at + apart);
        } else {
            self.denied.store(true, Ordering::Relaxed);
        }
        allowed
    }
}

/// Goes on with what had to wait, until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            _instant = tick.tick() => {}
        }
        if shared.rates.denied.swap(false, Ordering::Relaxed) {
            send::start(&shared);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_second_may_come_at_once_and_then_no_more() {
        let rates = Rates::default();
        let webhook = WebhookId::from(Uuid::nil());
        let allowed = (0..1000).filter(|_| rates.allow(webhook, Some(600))).count();
        assert!((10..=12).contains(&allowed), "{allowed}");
        assert!((0..1000).all(|_| rates.allow(webhook, None)));
        let slow = WebhookId::from(Uuid::max());
        assert_eq!((0..10).filter(|_| rates.allow(slow, Some(1))).count(), 1);
    }
}
