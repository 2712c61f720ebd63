//! Evaluates a draft of a webhook with received events. Nothing is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::actions::{Actions, Entered, Preview};
use crate::model::EventId;
use crate::model::event::Event;
use crate::model::webhook::{DryRun, FieldErrors, SkipReason, Webhook};
use crate::store::events::{self, StoredEvent};
use crate::store::{self};

/// Maximum number of events to evaluate, the newest first.
pub const MAX_BACKTEST_EVENTS: usize = 1000;
/// Maximum number of previews to return.
pub const MAX_BACKTEST_PREVIEWS: usize = 50;
/// Number of events to read at once. Each may have 1 MiB.
const PAGE_SIZE: usize = 100;

/// The result of a backtest.
#[derive(Debug, Default)]
pub struct Backtest {
    /// Number of evaluated events.
    pub tried: usize,
    /// The oldest evaluated event.
    pub oldest: Option<StoredEvent>,
    /// Number of events that would be sent.
    pub sent: usize,
    /// Number of events that would not be sent, by reason.
    pub refused: BTreeMap<SkipReason, usize>,
    /// Events for which rendering failed, with the error.
    pub broken: Vec<(StoredEvent, String)>,
    /// Previews of the newest events that would be sent. At most [`MAX_BACKTEST_PREVIEWS`].
    pub shown: Vec<(StoredEvent, Preview)>,
}

/// Why a backtest was not run.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// The draft is invalid.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A running backtest.
struct Job {
    webhook: Webhook,
    /// Cancelled when the caller drops its future.
    abandoned: CancellationToken,
}

impl Actions {
    /// Evaluates triggers, filters and templates of a draft with the newest events. Stops early if the caller drops the
    /// future.
    ///
    /// # Errors
    /// See [`BacktestError`].
    pub async fn backtest(&self, entered: Entered) -> Result<Backtest, BacktestError> {
        let parts = &self.parts;
        let prepared = self.prepare_for_page(entered).await?.map_err(BacktestError::Invalid)?;
        let webhook = prepared.resolved.webhook().clone();
        let abandoned = CancellationToken::new();
        let _guard = abandoned.clone().drop_guard();
        let job = Arc::new(Job { webhook, abandoned });
        // Templates can use much CPU time. The limit leaves enough for deliveries.
        let _permit = self.backtests.acquire().await.map_err(|_closed| BacktestError::Stopping)?;
        let mut result = Backtest::default();
        let mut before: Option<EventId> = None;
        while result.tried < MAX_BACKTEST_EVENTS {
            let page = events::list_older(
                &parts.db,
                before,
                PAGE_SIZE.min(MAX_BACKTEST_EVENTS - result.tried),
            )
            .await?;
            let Some((oldest, _)) = page.last() else { break };
            before = Some(oldest.id);
            let job = Arc::clone(&job);
            let running = tokio::task::spawn_blocking(move || job.run(result, page));
            result = running.await.map_err(|_stopped| BacktestError::Stopping)?;
        }
        Ok(result)
    }
}

impl Job {
    /// Evaluates a page of events, on a blocking thread.
    fn run(&self, mut result: Backtest, page: Vec<(StoredEvent, String)>) -> Backtest {
        for (stored, payload) in page {
            if self.abandoned.is_cancelled() {
                break;
            }
            result.tried += 1;
            result.oldest = Some(stored.clone());
            let dry_run = Event::parse(&payload).map(|event| self.webhook.dry_run(&event));
            match dry_run {
                Ok(DryRun::Skipped(refusal)) => {
                    *result.refused.entry(refusal.without_values()).or_default() += 1;
                }
                Ok(DryRun::Invalid(why)) => {
                    result.broken.push((stored, why));
                }
                Ok(DryRun::Rendered(rendered)) => {
                    result.sent += 1;
                    if result.shown.len() < MAX_BACKTEST_PREVIEWS {
                        result.shown.push((stored, Preview::of(rendered).truncated()));
                    }
                }
                Err(_faults) => {
                    result.broken.push((stored, "The stored event cannot be read".to_owned()));
                }
            }
        }
        result
    }
}
