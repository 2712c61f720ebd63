//! Replays: sends the stored events of a range of time to one webhook, after a dry run.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::actions::{Actions, Preview};
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::event::Event;
use crate::model::webhook::{DryRun, FieldErrors, Rules, SkipReason, Webhook};
use crate::model::{Actor, EventId};
use crate::store::deliveries::by_event;
use crate::store::replays::{self, MAX_REPLAY_EVENTS, ReplayRange};
use crate::store::{self, notify, webhooks};

/// Maximum number of events that a dry run evaluates, the oldest first.
pub const MAX_DRY_RUN_EVENTS: usize = 10_000;
/// Maximum number of requests that a dry run returns.
const MAX_PREVIEWS: usize = 5;
/// Number of events to read at once. Each may have 1 MiB.
const PAGE_EVENTS: i64 = 200;

/// What a replay would send.
#[derive(Debug, Default)]
pub struct ReplayPlan {
    /// Number of events in the range.
    pub total: i64,
    /// Number of events that were evaluated. Fewer than `total` if there are more than [`MAX_DRY_RUN_EVENTS`].
    pub evaluated: usize,
    /// Number of evaluated events that would be sent.
    pub sent: usize,
    /// Number of evaluated events that the webhook has received before.
    pub repeated: usize,
    /// Number of evaluated events that do not match, by reason.
    pub skipped: BTreeMap<SkipReason, usize>,
    /// Number of evaluated events for which rendering fails, with the first error.
    pub broken: Option<(usize, String)>,
    /// The first requests.
    pub shown: Vec<PlannedRequest>,
}

/// A request that a replay would send.
#[derive(Debug)]
pub struct PlannedRequest {
    /// The event.
    pub event: EventId,
    /// The event's type, as received.
    pub event_type: String,
    /// The access request's display name.
    pub request: String,
    /// The request.
    pub preview: Preview,
}

/// Why a replay was not planned or started.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no webhook with this id.
    #[error("There is no such webhook.")]
    NotFound,
    /// The webhook is inactive.
    #[error("This webhook is inactive. Activate it, and start the replay then.")]
    Inactive,
    /// The webhook cannot be used.
    #[error("The webhook's settings are invalid. Edit and save it first: {0}")]
    Invalid(FieldErrors),
    /// The range has no events.
    #[error("No events were received in this range. Choose another one.")]
    Empty,
    /// The range has too many events.
    #[error(
        "More than {MAX_REPLAY_EVENTS} events were received in this range. Choose a shorter one."
    )]
    TooMany,
    /// The server is stopping.
    #[error("The server is stopping. Try again in a moment.")]
    Stopping,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A running dry run.
struct Job {
    webhook: Webhook,
    ignores_filters: bool,
    /// Cancelled when the caller drops its future.
    abandoned: CancellationToken,
}

impl Actions {
    /// Evaluates the events of a range. Nothing is sent. Stops early if the caller drops the future.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn plan_replay(&self, range: &ReplayRange) -> Result<ReplayPlan, ReplayError> {
        let db = &self.parts.db;
        let draft = webhooks::find(db, range.webhook).await?.ok_or(ReplayError::NotFound)?;
        let webhook = Webhook::new(draft, &Rules::STORED).map_err(ReplayError::Invalid)?;
        let mut plan = ReplayPlan { total: self.count_replayed(range).await?, ..<_>::default() };
        let abandoned = CancellationToken::new();
        let _guard = abandoned.clone().drop_guard();
        let job = Arc::new(Job { webhook, ignores_filters: range.ignores_filters, abandoned });
        // Templates can use much CPU time. The limit leaves enough for deliveries.
        let _permit = self.backtests.acquire().await.map_err(|_closed| ReplayError::Stopping)?;
        let mut after = EventId::from(Uuid::nil());
        while plan.evaluated < MAX_DRY_RUN_EVENTS {
            let mut connection = db.acquire().await.map_err(store::Error::from)?;
            let page = replays::list_events(&mut connection, range, after, PAGE_EVENTS).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            let ids: Vec<Uuid> = page.iter().map(|(id, _)| id.uuid()).collect();
            let reached = if range.repeats {
                HashSet::new()
            } else {
                by_event::list_reached(&mut connection, range.webhook, &ids).await?
            };
            drop(connection);
            let job = Arc::clone(&job);
            let running = tokio::task::spawn_blocking(move || job.run(plan, page, &reached));
            plan = running.await.map_err(|_stopped| ReplayError::Stopping)?;
        }
        Ok(plan)
    }

    async fn count_replayed(&self, range: &ReplayRange) -> Result<i64, ReplayError> {
        match replays::count_events(&self.parts.db, range).await? {
            0 => Err(ReplayError::Empty),
            count if count > MAX_REPLAY_EVENTS => Err(ReplayError::TooMany),
            count => Ok(count),
        }
    }

    /// Starts a replay. The events are queued in the order in which they were received, as long as the webhook has few due
    /// deliveries. Returns the id of the replay.
    ///
    /// # Errors
    /// See [`ReplayError`].
    pub async fn start_replay(
        &self,
        range: &ReplayRange,
        actor: &Actor,
    ) -> Result<Uuid, ReplayError> {
        let parts = &self.parts;
        let total = self.count_replayed(range).await?;
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let draft = webhooks::find_for_update(&mut tx, range.webhook)
            .await?
            .ok_or(ReplayError::NotFound)?;
        if !draft.active {
            return Err(ReplayError::Inactive);
        }
        let (id, who) = (parts.sources.uuid(), actor.to_string());
        replays::insert(&mut tx, id, range, total, (&who, parts.sources.now())).await?;
        notify::notify_deliveries(&mut tx).await?;
        let object = AuditObject::webhook(range.webhook, draft.name.trim());
        let entry = AuditEntry::new(AuditAction::ReplayStarted, object)
            .with("replay", id.to_string())
            .with("from", range.from.to_rfc3339())
            .with("until", range.until.to_rfc3339())
            .with("events", total)
            .with("ignores_filters", range.ignores_filters)
            .with("repeats", range.repeats);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        tracing::info!(replay.id = %id, webhook.id = %range.webhook, total, actor = who, "started a replay");
        Ok(id)
    }

    /// Stops a replay. Events that are queued already are still sent. Returns false if it is unknown or has ended.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn stop_replay(&self, id: Uuid, actor: &Actor) -> Result<bool, store::Error> {
        let mut tx = store::begin(&self.parts.db).await?;
        let done = replays::finish(&mut tx, id, self.parts.sources.now(), true).await?;
        if done {
            let replay = AuditObject::new("replay", &id, "");
            let entry = AuditEntry::new(AuditAction::ReplayStopped, replay);
            self.record(&mut tx, actor, [entry]).await?;
            tx.commit().await?;
            tracing::info!(replay.id = %id, %actor, "stopped a replay");
        }
        Ok(done)
    }
}

impl Job {
    /// Evaluates a page of events, on a blocking thread.
    fn run(
        &self,
        mut plan: ReplayPlan,
        page: Vec<(EventId, String)>,
        reached: &HashSet<EventId>,
    ) -> ReplayPlan {
        for (id, payload) in page {
            if self.abandoned.is_cancelled() {
                break;
            }
            plan.evaluated += 1;
            match Event::parse(&payload) {
                _ if reached.contains(&id) => plan.repeated += 1,
                Ok(event) => self.evaluate(&mut plan, id, &event),
                Err(_faults) => plan.add_broken("The stored event cannot be read"),
            }
        }
        plan
    }

    fn evaluate(&self, plan: &mut ReplayPlan, id: EventId, event: &Event) {
        let dry_run = if self.ignores_filters {
            self.webhook.dry_run_regardless(event)
        } else {
            self.webhook.dry_run(event)
        };
        match dry_run {
            DryRun::Skipped(reason) => {
                *plan.skipped.entry(reason.without_values()).or_default() += 1;
            }
            DryRun::Invalid(error) => plan.add_broken(&error),
            DryRun::Rendered(rendered) => {
                plan.sent += 1;
                if plan.shown.len() < MAX_PREVIEWS {
                    plan.shown.push(PlannedRequest {
                        event: id,
                        event_type: event.event_type.clone(),
                        request: event.summary.request.clone(),
                        preview: Preview::of(rendered).truncated(),
                    });
                }
            }
        }
    }
}

impl ReplayPlan {
    fn add_broken(&mut self, error: &str) {
        let (count, _first) = self.broken.get_or_insert_with(|| (0, error.to_owned()));
        *count += 1;
    }
}
