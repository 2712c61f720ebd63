//! Tests and previews a webhook as it stands in the form, saved or not.

use crate::actions::Actions;
use crate::delivery::{self, AttemptContext, AttemptRequest};
use crate::model::event::Event;
use crate::model::invocation::Invocation;
use crate::model::secret::{Redactor, secrets_of};
use crate::model::template::Warning;
use crate::model::webhook::{Draft, FieldErrors, Rendered, Webhook};
use crate::model::{DeliveryId, WebhookId};
use crate::store::{self, breakers, invocations, notify};

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum TestWebhookError {
    /// What was typed has mistakes.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What would be sent, its secrets masked.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The full URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// Likely slips.
    pub warnings: Vec<String>,
    /// Those in the body template, with their places.
    pub slips: Vec<Warning>,
}

impl Preview {
    /// Of a rendered request, without its secrets.
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
    /// Sends an event with the values that are in the form now, whether or not the webhook is active,
    /// and records the exchange. Masked secrets stand for those of `base`. Where nobody waits for it
    /// any more, the exchange is broken off, and nothing is recorded.
    ///
    /// # Errors
    /// See [`TestWebhookError`]. A failed exchange is none: it is in the invocation.
    pub async fn test_webhook(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
        event: &Event,
    ) -> Result<Invocation, TestWebhookError> {
        let parts = &self.parts;
        let whole = self.whole(base, draft).await?;
        let redactor = Redactor::new(&secrets_of(&whole));
        let webhook = self.check(whole).map_err(TestWebhookError::Invalid)?;
        let context = AttemptContext {
            client: &parts.client,
            tokens: &parts.tokens,
            sources: &parts.sources,
            rules: &parts.rules,
        };
        let request = AttemptRequest {
            webhook_id: base,
            delivery_id: None,
            message_id: DeliveryId::new(&parts.sources),
            attempt: 1,
            event,
            payload: event.payload(),
        };
        let invocation = delivery::attempt(context, &webhook, &redactor, request).await;
        let mut connection = parts.db.acquire().await.map_err(store::Error::from)?;
        invocations::insert(&mut connection, &invocation).await?;
        if let (Some(webhook), true) = (base, invocation.succeeded()) {
            // It works again, so that what waits need not wait for the next probe.
            breakers::close(&mut connection, webhook).await?;
            notify::notify(&mut connection, notify::WEBHOOKS).await?;
        }
        Ok(invocation)
    }

    /// What would be sent for an event, its secrets masked.
    ///
    /// # Errors
    /// Where the database failed; within, the mistakes in what was typed.
    pub async fn preview_webhook(
        &self,
        base: Option<WebhookId>,
        draft: &Draft,
        event: &Event,
    ) -> Result<Result<Preview, FieldErrors>, store::Error> {
        let whole = self.whole(base, draft).await?;
        let redactor = Redactor::new(&secrets_of(&whole));
        let rendered = Webhook::new(whole, &self.parts.rules)
            .and_then(|webhook| Ok((webhook.render_event(event)?, webhook)));
        Ok(rendered.map(|(rendered, webhook)| Preview {
            warnings: webhook.warnings(),
            slips: webhook.body_warnings(),
            ..Preview::of(rendered, &redactor)
        }))
    }

    pub(super) async fn whole(
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
