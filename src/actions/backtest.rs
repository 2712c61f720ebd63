//! Tries a webhook, as it stands in the form, on events that were received. Nothing is sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::actions::{Actions, Preview};
use crate::model::event::Event;
use crate::model::secret::{Redactor, secrets_of};
use crate::model::webhook::{Draft, DryRun, FieldErrors, SkipReason, Webhook};
use crate::model::{EventId, WebhookId};
use crate::store::events::{self, StoredEvent};
use crate::store::{self};

/// So many of the newest events are tried.
pub const MAX_BACKTEST_EVENTS: usize = 1000;
/// So many of those that would be sent are shown.
pub const MAX_BACKTEST_PREVIEWS: usize = 50;
/// Events in memory at once: each may have 1 MiB.
const AT_ONCE: usize = 100;
/// Longest body that is shown whole, in bytes.
const MAX_SHOWN: usize = 16 * 1024;

/// What would become of the newest events.
#[derive(Debug, Default)]
pub struct Backtest {
    /// So many were tried.
    pub tried: usize,
    /// The oldest of them.
    pub oldest: Option<StoredEvent>,
    /// So many would be sent as they should.
    pub sent: usize,
    /// Why others would not be sent, and how many each.
    pub refused: BTreeMap<SkipReason, usize>,
    /// All that something is wrong with, and what.
    pub broken: Vec<(StoredEvent, String)>,
    /// The newest that would be sent, secrets masked; at most [`MAX_BACKTEST_PREVIEWS`].
    pub shown: Vec<(StoredEvent, Preview)>,
}

/// Why nothing was tried.
#[derive(Debug, thiserror::Error)]
pub enum BacktestError {
    /// What was typed has mistakes.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is tried, on a thread of its own.
struct Work {
    webhook: Webhook,
    redactor: Redactor,
    /// Nobody waits for it any more.
    abandoned: CancellationToken,
}

impl Actions {
    /// Runs triggers, filters and templates over the newest events. Masked secrets stand for those of
    /// `base`. It ends early where the one who asked has left.
    ///
    /// # Errors
    /// See [`BacktestError`].
    pub async fn backtest(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
    ) -> Result<Backtest, BacktestError> {
        let parts = &self.parts;
        let whole = self.whole(base, draft).await?;
        let redactor = Redactor::new(&secrets_of(&whole));
        let webhook = Webhook::new(whole, &parts.rules).map_err(BacktestError::Invalid)?;
        let abandoned = CancellationToken::new();
        let _left = abandoned.clone().drop_guard();
        let work = Arc::new(Work { webhook, redactor, abandoned });
        // A template may take its time for each event: few at once leave room for deliveries.
        let _room = self.backtests.acquire().await.map_err(|_closed| BacktestError::Stopping)?;
        let mut result = Backtest::default();
        let mut before: Option<EventId> = None;
        while result.tried < MAX_BACKTEST_EVENTS {
            let page = events::list_older(
                &parts.db,
                before,
                AT_ONCE.min(MAX_BACKTEST_EVENTS - result.tried),
            )
            .await?;
            let Some((oldest, _)) = page.last() else { break };
            before = Some(oldest.id);
            let work = Arc::clone(&work);
            let trying = tokio::task::spawn_blocking(move || work.run(result, page));
            result = trying.await.map_err(|_stopped| BacktestError::Stopping)?;
        }
        Ok(result)
    }
}

impl Work {
    fn run(&self, mut result: Backtest, page: Vec<(StoredEvent, String)>) -> Backtest {
        for (stored, payload) in page {
            if self.abandoned.is_cancelled() {
                break;
            }
            result.tried += 1;
            result.oldest = Some(stored.clone());
            let dry_run = Event::parse(&payload).map(|event| self.webhook.dry_run(&event));
            match dry_run {
                Ok(DryRun::Skipped(refusal)) => *result.refused.entry(refusal).or_default() += 1,
                Ok(DryRun::Invalid(why)) => {
                    result.broken.push((stored, self.redactor.redact(&why)));
                }
                Ok(DryRun::Rendered(rendered)) => {
                    result.sent += 1;
                    if result.shown.len() < MAX_BACKTEST_PREVIEWS {
                        let mut shown = Preview::of(rendered, &self.redactor);
                        shown.body = shown.body.map(cut);
                        result.shown.push((stored, shown));
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

/// The beginning of what is too long.
fn cut(body: String) -> String {
    if body.len() <= MAX_SHOWN {
        return body;
    }
    let end = body.floor_char_boundary(MAX_SHOWN);
    format!("{}\n… ({} KiB in all)", body.get(..end).unwrap_or_default(), body.len() / 1024)
}
