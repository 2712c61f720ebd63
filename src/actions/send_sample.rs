//! Sends a sample access request: its events, one after the other, as if Apono had sent them.

use std::time::Duration;

use uuid::Uuid;

use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::event::{SAMPLE_FIELDS, SAMPLE_ID_PREFIX, SamplePath, SampleRequest};
use crate::model::{Actor, WebhookId};
use crate::store::sample_requests::{self, NewStep};
use crate::store::{self, notify, webhooks};

/// What to send.
#[derive(Debug, Clone)]
pub struct SampleOrder {
    /// The values of [`SAMPLE_FIELDS`].
    pub values: Vec<String>,
    /// Whether access is granted without approvers.
    pub is_automatic: bool,
    /// The events.
    pub path: SamplePath,
    /// Time between two events.
    pub pause: Duration,
    /// The only webhook that the events go to, whether or not it matches. `None` for all that match.
    pub webhook: Option<WebhookId>,
}

/// Why a sample was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendSampleError {
    /// There is no webhook with this id.
    #[error("There is no such webhook.")]
    NotFound,
    /// The webhook is inactive.
    #[error("This webhook is inactive. Activate it first.")]
    Inactive,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Queues the events of a sample access request. They are stored and shown as samples. Returns its id.
    ///
    /// # Errors
    /// See [`SendSampleError`].
    pub async fn send_sample(
        &self,
        order: SampleOrder,
        actor: &Actor,
    ) -> Result<Uuid, SendSampleError> {
        let parts = &self.parts;
        debug_assert_eq!(order.values.len(), SAMPLE_FIELDS.len());
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        if let Some(webhook) = order.webhook {
            let draft = webhooks::find_for_update(&mut tx, webhook).await?;
            if !draft.ok_or(SendSampleError::NotFound)?.active {
                return Err(SendSampleError::Inactive);
            }
        }
        let (id, now) = (parts.sources.uuid(), parts.sources.now());
        let request = SampleRequest {
            id: format!("{SAMPLE_ID_PREFIX}{id}"),
            values: order.values,
            is_automatic: order.is_automatic,
            created_at: now,
        };
        let mut due_at = now;
        let mut steps = Vec::new();
        for trigger in order.path.triggers() {
            let payload = request.event(trigger, due_at).to_string();
            steps.push(NewStep { trigger, due_at, payload });
            due_at += order.pause;
        }
        let (who, target) = (actor.to_string(), (request.id.as_str(), order.webhook));
        sample_requests::insert(&mut tx, id, target, &steps, (&who, now)).await?;
        notify::notify_deliveries(&mut tx).await?;
        let sample = AuditObject::new("sample", &id, &request.id);
        let entry = AuditEntry::new(AuditAction::SampleStarted, sample)
            .with("events", steps.len())
            .with("webhook", order.webhook.map(|webhook| webhook.to_string()));
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        tracing::info!(sample.id = %id, events = steps.len(), actor = who, "queued a sample access request");
        Ok(id)
    }

    /// Stops a sample access request. Events that were sent are still delivered.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn stop_sample(&self, id: Uuid, actor: &Actor) -> Result<(), store::Error> {
        let mut tx = store::begin(&self.parts.db).await?;
        let unsent = sample_requests::stop(&mut tx, id).await?;
        let sample = AuditObject::new("sample", &id, &format!("{SAMPLE_ID_PREFIX}{id}"));
        let entry = AuditEntry::new(AuditAction::SampleStopped, sample).with("unsent", unsent);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await?;
        tracing::info!(sample.id = %id, unsent, %actor, "stopped a sample access request");
        Ok(())
    }
}
