//! How many exchanges a minute a webhook may have, over all instances. Turns are taken from the database, some at
//! once, and used up here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::{Shared, send};
use crate::model::WebhookId;
use crate::store::rates::{self, PermitRequest};

/// Between two questions for turns.
const PAUSE: Duration = Duration::from_millis(50);
/// So many exchanges may come at once after a pause: those of this time.
const BURST: Duration = Duration::from_secs(1);

/// The turns that this instance has, and those it wants.
#[derive(Debug, Default)]
pub(super) struct Rates {
    webhooks: Mutex<HashMap<WebhookId, Turns>>,
    wanted: Notify,
}

#[derive(Debug)]
struct Turns {
    left: u32,
    /// What is not used by then is lost: there was no need for it.
    until: Instant,
    /// The time from one to the next, where more are wanted.
    wanted: Option<Duration>,
}

impl Rates {
    fn webhooks(&self) -> MutexGuard<'_, HashMap<WebhookId, Turns>> {
        self.webhooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses up a turn; false where there is none yet.
    pub(super) fn allow(&self, webhook: WebhookId, per_minute: Option<u32>) -> bool {
        let Some(per_minute) = per_minute else { return true };
        let now = Instant::now();
        let mut webhooks = self.webhooks();
        let turns = webhooks.entry(webhook).or_insert(Turns { left: 0, until: now, wanted: None });
        if turns.left > 0 && turns.until > now {
            turns.left -= 1;
            return true;
        }
        turns.left = 0;
        turns.wanted = Some(Duration::from_mins(1) / per_minute.max(1));
        self.wanted.notify_one();
        false
    }

    fn wanted(&self) -> Vec<PermitRequest> {
        let mut webhooks = self.webhooks();
        webhooks.retain(|_, turns| turns.wanted.is_some() || turns.left > 0);
        let wanted = |(webhook, turns): (&WebhookId, &Turns)| {
            Some(PermitRequest { webhook: *webhook, interval: turns.wanted? })
        };
        webhooks.iter().filter_map(wanted).collect()
    }

    /// Notes what was given.
    fn give(&self, given: &[(WebhookId, u32)]) {
        let until = Instant::now() + BURST;
        self.webhooks().extend(
            given
                .iter()
                .map(|(webhook, left)| (*webhook, Turns { left: *left, until, wanted: None })),
        );
    }
}

/// Asks for turns where some are wanted, until stopped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let wanted = shared.rates.wanted();
        let waiting = async {
            if wanted.is_empty() {
                shared.rates.wanted.notified().await;
            }
            pause.tick().await;
        };
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = waiting => {}
        }
        if wanted.is_empty() {
            continue;
        }
        match rates::take(&shared.deps.db, &wanted, BURST).await {
            Ok(given) if given.is_empty() => {}
            Ok(given) => {
                shared.rates.give(&given);
                send::start(&shared);
            }
            Err(error) => {
                tracing::warn!(
                    error = error.chain(),
                    "no turns could be taken for limited webhooks"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_is_given_is_used_up_and_then_more_is_wanted() {
        let rates = Rates::default();
        let webhook = WebhookId::from(Uuid::nil());
        assert!((0..1000).all(|_| rates.allow(webhook, None)));
        assert!(!rates.allow(webhook, Some(600)));
        let wanted = rates.wanted();
        assert_eq!(wanted.len(), 1);
        assert_eq!(wanted[0].interval, Duration::from_millis(100));
        rates.give(&[(webhook, 3)]);
        assert!(rates.wanted().is_empty());
        assert_eq!((0..10).filter(|_| rates.allow(webhook, Some(600))).count(), 3);
        assert_eq!(rates.wanted().len(), 1);
    }
}
