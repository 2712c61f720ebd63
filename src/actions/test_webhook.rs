//! Tests and previews a draft of a webhook, saved or not.

use crate::actions::Actions;
use crate::delivery::{self, AttemptContext, AttemptRequest};
use crate::model::event::Event;
use crate::model::invocation::Invocation;
use crate::model::secret::{Redactor, secrets_of};
use crate::model::webhook::{Draft, FieldErrors, Rendered, Webhook};
use crate::model::{DeliveryId, WebhookId};
use crate::store::{self, breakers, invocations, notify};
use crate::template::Warning;

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

/// A rendered request with masked secrets.
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
    pub(super) fn of(rendered: Rendered, redactor: &Redactor) -> Self {
        let clean = |(name, value): (String, String)| (name, redactor.redact(&value));
        Self {
            url: redactor.redact(rendered.url.as_str()),
            headers: rendered.headers.into_iter().map(clean).collect(),
            body: rendered.body.map(|body| redactor.redact(&body)),
            warnings: Vec::new(),
            slips: Vec::new(),
        }
    }
}

impl Actions {
    /// Sends an event as the draft defines, whether or not the webhook is active, and records the invocation. Masked
    /// secrets are replaced by those of `base`. If the caller drops the future, the attempt is aborted and not recorded.
    ///
    /// # Errors
    /// See [`TestWebhookError`]. A failed attempt is no error: the invocation holds its cause.
    pub async fn test_webhook(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
        event: &Event,
    ) -> Result<Invocation, TestWebhookError> {
        let parts = &self.parts;
        let draft = self.unmasked(base, draft).await?;
        let redactor = Redactor::new(&secrets_of(&draft));
        let message_id = DeliveryId::new(&parts.sources);
        let (actions, event) = (self.clone(), event.clone());
        let render = move || {
            let webhook = actions.check_now(draft)?;
            let rendered = test_request(base, message_id, &event).render(&webhook);
            Ok((webhook, event, rendered))
        };
        let rendered = self.run_blocking(render).await;
        let (webhook, event, rendered) = rendered.map_err(TestWebhookError::Invalid)?;
        let context = AttemptContext {
            client: &parts.client,
            tokens: &parts.tokens,
            sources: &parts.sources,
            rules: &parts.rules,
        };
        let request = test_request(base, message_id, &event);
        let invocation = delivery::attempt(context, &webhook, &redactor, request, rendered).await;
        let mut connection = parts.db.acquire().await.map_err(store::Error::from)?;
        invocations::insert(&mut connection, &invocation).await?;
        if let (Some(webhook), true) = (base, invocation.succeeded()) {
            // The webhook works again: do not wait for the next probe.
            breakers::close(&mut connection, webhook).await?;
            notify::notify_webhooks(&mut connection, parts.sources.uuid()).await?;
        }
        Ok(invocation)
    }

    /// Renders the request for an event, with masked secrets. The inner error holds the mistakes in the draft.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn preview_webhook(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
        event: &Event,
    ) -> Result<Result<Preview, FieldErrors>, store::Error> {
        let draft = self.unmasked(base, draft).await?;
        let (rules, event) = (self.parts.rules, event.clone());
        let render = move || {
            let redactor = Redactor::new(&secrets_of(&draft));
            let webhook = Webhook::new(draft, &rules)?;
            let preview = Preview::of(webhook.render_event(&event)?, &redactor);
            let (warnings, slips) = (webhook.warnings(), webhook.body_warnings());
            Ok(Preview { warnings, slips, ..preview })
        };
        Ok(self.run_blocking(render).await)
    }

    /// Replaces the masked secrets of a draft by those of `base`.
    pub(super) async fn unmasked(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
    ) -> Result<Draft, store::Error> {
        let Some(base) = base else {
            return Ok(draft.clone());
        };
        let mut connection = self.parts.db.acquire().await?;
        self.with_secrets_of(&mut connection, base, draft).await
    }
}

/// Returns the only attempt of a test.
fn test_request(
    base: Option<WebhookId>,
    message_id: DeliveryId,
    event: &Event,
) -> AttemptRequest<'_> {
    AttemptRequest {
        webhook_id: base,
        delivery_id: None,
        message_id,
        attempt: 1,
        event,
        payload: event.payload(),
    }
}
