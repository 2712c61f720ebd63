//! Where notifications are sent to.

use crate::actions::Actions;
use crate::model::audit::{AuditAction, AuditEntry, AuditObject};
use crate::model::{Actor, DeliveryId, WebhookId};
use crate::notifications::insert_test;
use crate::store::{self, notifications, webhooks};

/// Why notifications are not sent.
#[derive(Debug, thiserror::Error)]
pub enum NotificationsError {
    /// No webhook has the name.
    #[error("No webhook has this name. Choose one of the suggestions, or empty the field.")]
    UnknownWebhook,
    /// There is nowhere to send a test to.
    #[error("Choose an active webhook first, or configure a mail server with GATEPOST_SMTP_URL.")]
    Nowhere,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Actions {
    /// Sends notifications to the webhook with this name from now on; to none if the name is empty.
    ///
    /// # Errors
    /// If no webhook has the name, or the database fails.
    pub async fn choose_notification_webhook(
        &self,
        name: &str,
        actor: &Actor,
    ) -> Result<Option<WebhookId>, NotificationsError> {
        let name = name.trim();
        let mut tx = store::begin(&self.parts.db).await.map_err(store::Error::from)?;
        let chosen = if name.is_empty() {
            None
        } else {
            let found = webhooks::find_id_by_name(&mut tx, name).await?;
            Some(found.ok_or(NotificationsError::UnknownWebhook)?)
        };
        notifications::choose_webhook(&mut tx, chosen).await?;
        let object = match chosen {
            Some(id) => AuditObject::webhook(id, name),
            None => AuditObject::new("settings", "", "Notifications"),
        };
        let entry = AuditEntry::new(AuditAction::NotificationsChanged, object);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(chosen)
    }

    /// Sends a test notification to the chosen webhook, and by mail if a mail server is configured. Returns the delivery to the
    /// webhook, if there is one.
    ///
    /// # Errors
    /// If there is neither an active webhook nor a mail server, or the database fails.
    pub async fn test_notifications(
        &self,
        actor: &Actor,
    ) -> Result<Option<DeliveryId>, NotificationsError> {
        let parts = &self.parts;
        let chosen = notifications::chosen_webhook(&parts.db).await?;
        let now = parts.sources.now();
        let mails = parts.mailer.is_some();
        let mut tx = store::begin(&parts.db).await.map_err(store::Error::from)?;
        let target = chosen.as_ref().map(|(id, _)| *id);
        let delivery = insert_test(&mut tx, &parts.sources, target, mails, now).await?;
        if delivery.is_none() && !mails {
            return Err(NotificationsError::Nowhere);
        }
        let object = AuditObject::new("settings", "", "Notifications");
        let entry = AuditEntry::new(AuditAction::NotificationsTested, object);
        self.record(&mut tx, actor, [entry]).await?;
        tx.commit().await.map_err(store::Error::from)?;
        Ok(delivery)
    }

    /// Whether a mail server is configured.
    pub fn can_mail(&self) -> bool {
        self.parts.mailer.is_some()
    }
}
