//! Tests and previews a draft of a webhook, saved or not.

use crate::actions::{Actions, Entered};
use crate::delivery::{self, AttemptContext, AttemptRequest};
use crate::model::event::Event;
use crate::model::exchange::Request;
use crate::model::invocation::Invocation;
use crate::model::webhook::{FieldErrors, Rendered};
use crate::model::{DeliveryId, WebhookId};
use crate::store::{self, breakers, invocations, notify};
use crate::template::Warning;

/// Maximum length of a truncated body, in bytes.
const MAX_TRUNCATED_BYTES: usize = 16 * 1024;

/// Why a test was not sent.
#[derive(Debug, thiserror::Error)]
pub enum TestWebhookError {
    /// The draft is invalid.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A rendered request with the labels of secrets in place of their values.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The full URL.
    pub url: String,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// Possible mistakes.
    pub warnings: Vec<String>,
    /// Possible mistakes in the body template, with their positions.
    pub slips: Vec<Warning>,
}

impl Preview {
    /// Creates a preview of a rendered request.
    pub(super) fn of(rendered: Rendered) -> Self {
        let Request { url, headers, body, .. } = rendered.into_record("");
        Self { url, headers, body, warnings: Vec::new(), slips: Vec::new() }
    }

    /// Truncates a long body, for pages with several previews.
    pub(super) fn truncated(self) -> Self {
        Self { body: self.body.map(truncate), ..self }
    }
}

impl Actions {
    /// Sends an event as the draft defines, whether or not the webhook is active, and records the invocation. If the caller
    /// drops the future, the attempt is aborted and not recorded.
    ///
    /// # Errors
    /// See [`TestWebhookError`]. A failed attempt is no error: the invocation holds its cause.
    pub async fn test_webhook(
        &self,
        id: Option<WebhookId>,
        entered: Entered,
        event: &Event,
    ) -> Result<Invocation, TestWebhookError> {
        let parts = &self.parts;
        let message_id = DeliveryId::new(&parts.sources);
        let mut connection = parts.db.acquire().await.map_err(store::Error::from)?;
        let prepared = self.prepare(&mut connection, entered).await?;
        drop(connection);
        let resolved = prepared.map_err(TestWebhookError::Invalid)?.resolved;
        let event = event.clone();
        let render = move || {
            let rendered = test_request(id, message_id, &event).render(&resolved);
            (resolved, event, rendered)
        };
        let (resolved, event, rendered) = self.run_blocking(render).await;
        let context = AttemptContext {
            client: &parts.client,
            tokens: &parts.tokens,
            sources: &parts.sources,
            rules: &parts.rules,
        };
        let request = test_request(id, message_id, &event);
        let invocation = delivery::attempt(context, &resolved, request, rendered).await;
        let mut connection = parts.db.acquire().await.map_err(store::Error::from)?;
        invocations::insert(&mut connection, &invocation).await?;
        if let (Some(webhook), true) = (id, invocation.succeeded()) {
            // The webhook works again: do not wait for the next probe.
            breakers::close(&mut connection, webhook).await?;
            notify::notify_webhooks(&mut connection, parts.sources.uuid()).await?;
        }
        Ok(invocation)
    }

    /// Renders the request for an event. The inner error holds the mistakes in the draft.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn preview_webhook(
        &self,
        entered: Entered,
        event: &Event,
    ) -> Result<Result<Preview, FieldErrors>, store::Error> {
        let prepared = match self.prepare_for_page(entered).await? {
            Ok(prepared) => prepared,
            Err(errors) => return Ok(Err(errors)),
        };
        let event = event.clone();
        let render = move || {
            let webhook = prepared.resolved.webhook();
            let preview = Preview::of(webhook.render_event(&event)?);
            let (warnings, slips) = (webhook.warnings(), webhook.body_warnings());
            Ok(Preview { warnings, slips, ..preview })
        };
        Ok(self.run_blocking(render).await)
    }
}

/// Returns the only attempt of a test.
fn test_request(
    id: Option<WebhookId>,
    message_id: DeliveryId,
    event: &Event,
) -> AttemptRequest<'_> {
    AttemptRequest {
        webhook_id: id,
        delivery_id: None,
        message_id,
        attempt: 1,
        event,
        payload: event.payload(),
    }
}

/// Truncates a long body.
fn truncate(body: String) -> String {
    if body.len() <= MAX_TRUNCATED_BYTES {
        return body;
    }
    let end = body.floor_char_boundary(MAX_TRUNCATED_BYTES);
    format!("{}\n… ({} KiB in all)", body.get(..end).unwrap_or_default(), body.len() / 1024)
}
