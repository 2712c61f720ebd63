//! Reports changes to open pages, on all instances. The delivery path only adds to a set in memory; a task notifies all
//! instances at most once per second. See `docs/decisions/0045-live-by-notify.md`.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{Notify, broadcast};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::model::{LiveChanges, WebhookId};
use crate::store::{PgPool, QUICK_TIMEOUT, notify, within};

/// Minimum time between two notifications of this instance.
const NOTIFY_INTERVAL: Duration = Duration::from_secs(1);
/// Minimum time between two reports to a page. Every instance notifies, so they can be more frequent.
const REPORT_INTERVAL: Duration = Duration::from_millis(500);
/// Number of reports that a page may lag behind. If it lags further, everything may have changed.
const MAX_LAG: usize = 16;

/// The changes that this instance has made and not yet notified, and the pages that it reports to.
#[derive(Debug)]
pub(super) struct LiveUpdates {
    pending: Mutex<LiveChanges>,
    changed: Notify,
    pages: broadcast::Sender<LiveChanges>,
}

impl Default for LiveUpdates {
    fn default() -> Self {
        let (pages, _receiver) = broadcast::channel(MAX_LAG);
        Self { pending: Mutex::default(), changed: Notify::new(), pages }
    }
}

impl LiveUpdates {
    /// Records that events were received or their results changed, and the deliveries of these webhooks.
    pub(super) fn record(&self, webhooks: impl IntoIterator<Item = WebhookId>) {
        let mut webhooks = webhooks.into_iter().peekable();
        let mut pending = self.pending.lock();
        pending.events = true;
        pending.deliveries |= webhooks.peek().is_some();
        pending.add_webhooks(webhooks);
        drop(pending);
        self.changed.notify_one();
    }

    /// Reports changes to the pages of this instance.
    pub(super) fn report(&self, changes: LiveChanges) {
        if self.pages.send(changes).is_err() {
            tracing::trace!("no page is open");
        }
    }

    /// Returns the reports from now on.
    pub(super) fn subscribe(&self) -> LiveReports {
        let mut interval = tokio::time::interval(REPORT_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        LiveReports { reports: self.pages.subscribe(), interval }
    }
}

/// The reports to one page.
#[derive(Debug)]
pub struct LiveReports {
    reports: broadcast::Receiver<LiveChanges>,
    interval: Interval,
}

impl LiveReports {
    /// Returns the next report. `None` if there is none within the limit.
    pub async fn next(&mut self, limit: Duration) -> Option<LiveChanges> {
        tokio::time::timeout(limit, self.receive()).await.ok()
    }

    /// Waits for a report, and adds all others that have arrived.
    async fn receive(&mut self) -> LiveChanges {
        self.interval.tick().await;
        let mut changes = match self.reports.recv().await {
            Ok(changes) => changes,
            Err(RecvError::Lagged(_)) => LiveChanges::everything(),
            Err(RecvError::Closed) => std::future::pending().await,
        };
        self.interval.reset();
        loop {
            match self.reports.try_recv() {
                Ok(more) => changes.merge(more),
                Err(TryRecvError::Lagged(_)) => changes = LiveChanges::everything(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return changes,
            }
        }
    }
}

/// Notifies all instances of recorded changes, including this one, until stopped.
pub(super) async fn run(live: Arc<LiveUpdates>, db: PgPool, stop: CancellationToken) {
    let mut interval = tokio::time::interval(NOTIFY_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let next = async {
            live.changed.notified().await;
            interval.tick().await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = next => {}
        }
        let changes = std::mem::take(&mut *live.pending.lock());
        if changes.is_empty() {
            continue;
        }
        let notifying = notify::notify_live(&db, &changes);
        if let Err(error) = within(&db, QUICK_TIMEOUT, notifying).await {
            tracing::debug!(error = error.chain(), "could not notify of changes; retrying");
            live.pending.lock().merge(changes);
            live.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn webhook(number: u128) -> WebhookId {
        Uuid::from_u128(number).into()
    }

    #[tokio::test]
    async fn reports_that_arrive_together_are_merged() {
        let live = LiveUpdates::default();
        let mut page = live.subscribe();
        assert_eq!(page.next(Duration::ZERO).await, None);
        for number in [1, 2] {
            live.record([webhook(number)]);
            live.report(std::mem::take(&mut *live.pending.lock()));
        }
        let mut both = LiveChanges { events: true, deliveries: true, ..LiveChanges::default() };
        both.add_webhooks([webhook(1), webhook(2)]);
        assert_eq!(page.next(LONG).await, Some(both));
        // The next one follows after the interval.
        live.report(LiveChanges::everything());
        let reported = tokio::time::Instant::now();
        assert_eq!(page.next(LONG).await, Some(LiveChanges::everything()));
        assert!(reported.elapsed() >= REPORT_INTERVAL / 2);
    }

    #[tokio::test]
    async fn a_page_that_lags_behind_is_told_to_refresh() {
        let live = LiveUpdates::default();
        let mut page = live.subscribe();
        for _ in 0..=MAX_LAG {
            live.report(LiveChanges::default());
        }
        assert_eq!(page.next(LONG).await, Some(LiveChanges::everything()));
        assert_eq!(page.next(Duration::ZERO).await, None);
    }

    #[test]
    fn an_event_without_a_delivery_changes_no_deliveries() {
        let live = LiveUpdates::default();
        live.record([]);
        let changes = LiveChanges { events: true, ..LiveChanges::default() };
        assert_eq!(*live.pending.lock(), changes);
    }
}
