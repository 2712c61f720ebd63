//! Deliveries that users send again, retry now, or cancel.

use uuid::Uuid;

use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::delivery::BulkAction;
use crate::model::{Actor, DeliveryId};
use crate::store::deliveries::{self, change};
use crate::store::delivery_search::DeliveryFilter;
use crate::store::{self, notify, redeliveries, redelivery_batches};

/// Why a delivery was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeDeliveryError {
    /// There is no delivery with this id, or retention has removed it.
    #[error("There is no delivery with this id.")]
    NotFound,
    /// The delivery is in another state.
    #[error("{0}")]
    State(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A redelivery was requested for a delivery that is not finished.
const UNFINISHED: &str = "This delivery is not finished. Use Retry now, or wait until it is.";
/// The webhook no longer exists.
const WEBHOOK_DELETED: &str =
    "The webhook of this delivery was deleted, so it cannot be sent again.";

impl Actions {
    /// Queues one more attempt of a finished delivery, with the webhook's current configuration. Nothing happens if it is
    /// queued already.
    ///
    /// # Errors
    /// See [`ChangeDeliveryError`].
    pub async fn redeliver(
        &self,
        id: DeliveryId,
        actor: &Actor,
    ) -> Result<(), ChangeDeliveryError> {
        let parts = &self.parts;
        let found = deliveries::find(&parts.db, id).await?;
        let (delivery, _payload) = found.ok_or(ChangeDeliveryError::NotFound)?;
        if delivery.finished_at.is_none() {
            return Err(ChangeDeliveryError::State(UNFINISHED));
        }
        if delivery.webhook_deleted {
            return Err(ChangeDeliveryError::State(WEBHOOK_DELETED));
        }
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let who = actor.to_string();
        redeliveries::insert(&mut tx, id, &who, parts.sources.now()).await?;
        notify::notify_deliveries(&mut tx).await?;
        let object = AuditObject::delivery(id, &delivery.webhook_name);
        let entry = AuditEntry::new(AuditAction::DeliveryRedelivered, object);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        tracing::info!(delivery.id = %id, actor = who, "queued a redelivery");
        Ok(())
    }

    /// Makes the next attempt of a delivery due now.
    ///
    /// # Errors
    /// See [`ChangeDeliveryError`].
    pub async fn retry_now(
        &self,
        id: DeliveryId,
        actor: &Actor,
    ) -> Result<(), ChangeDeliveryError> {
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let now = self.parts.sources.now();
        if change::retry_now(&mut tx, id, now).await?.is_none() {
            let message =
                "This delivery does not wait for its next attempt, so it cannot be retried now.";
            return Err(ChangeDeliveryError::State(message));
        }
        notify::notify_deliveries(&mut tx).await?;
        let object = AuditObject::delivery(id, "");
        let entry = AuditEntry::new(AuditAction::DeliveryRetried, object);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        tracing::info!(delivery.id = %id, %actor, "made a retry due");
        Ok(())
    }

    /// Cancels a delivery that is not being sent.
    ///
    /// # Errors
    /// See [`ChangeDeliveryError`].
    pub async fn cancel_delivery(
        &self,
        id: DeliveryId,
        actor: &Actor,
    ) -> Result<(), ChangeDeliveryError> {
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let reason = format!("Cancelled by {actor}");
        if !change::cancel(&mut tx, id, &reason, self.parts.sources.now()).await? {
            let message = "This delivery is being sent or is finished, so it cannot be cancelled.";
            return Err(ChangeDeliveryError::State(message));
        }
        notify::notify_deliveries(&mut tx).await?;
        let object = AuditObject::delivery(id, "");
        let entry = AuditEntry::new(AuditAction::DeliveryCancelled, object);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        tracing::info!(delivery.id = %id, %actor, "cancelled a delivery");
        Ok(())
    }

    /// Starts an action on all deliveries that match a filter. `filters` is the query string of their list. Returns the
    /// id of the batch.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn start_batch(
        &self,
        action: BulkAction,
        filter: DeliveryFilter<'_>,
        filters: &str,
        actor: &Actor,
    ) -> Result<Uuid, store::Error> {
        let parts = &self.parts;
        let id = parts.sources.uuid();
        let selected = redelivery_batches::select(&parts.db, filter, action).await?.ids;
        let (who, now) = (actor.to_string(), parts.sources.now());
        let mut tx = store::begin(&parts.db).await?;
        let total =
            redelivery_batches::insert(&mut tx, id, (action, &selected), filters, (&who, now))
                .await?;
        notify::notify_deliveries(&mut tx).await?;
        let object = AuditObject::new("bulk_action", &id, "");
        let entry = AuditEntry::new(AuditAction::BulkActionStarted, object)
            .with("action", action.to_string())
            .with("filters", filters)
            .with("deliveries", total);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await?;
        tracing::info!(batch.id = %id, %action, total, %actor, "started a bulk action");
        Ok(id)
    }

    /// Stops a batch. Redeliveries in flight are finished. Returns false if there is no such batch.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn stop_batch(&self, id: Uuid, actor: &Actor) -> Result<bool, store::Error> {
        let mut tx = store::begin(&self.parts.db).await?;
        let found = redelivery_batches::stop(&mut tx, id, self.parts.sources.now()).await?;
        if found {
            let object = AuditObject::new("bulk_action", &id, "");
            let entry = AuditEntry::new(AuditAction::BulkActionStopped, object);
            self.record(&mut tx, actor, [entry]).await?;
        }
        tx.commit().await?;
        tracing::info!(batch.id = %id, %actor, "stopped a bulk action");
        Ok(found)
    }
}
