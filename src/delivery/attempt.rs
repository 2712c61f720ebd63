//! One attempt: renders the request, sends it, judges the response and redacts the record. Used by deliveries and
//! tests.

use std::borrow::Cow;

use serde_json::Value;

use super::authorize::{self, AttemptContext, SendResult};
use crate::egress::{ExchangeResult, OutgoingRequest, TokenRequest};
use crate::model::event::Event;
use crate::model::exchange::{Exchange, Request};
use crate::model::invocation::Invocation;
use crate::model::outcome::{Cause, judge};
use crate::model::secret::Redactor;
use crate::model::webhook::{Field, RenderError, Rendered, Webhook};
use crate::model::{DeliveryId, InvocationId, WebhookId};
use crate::template::TemplateData;

/// An event to send, and for which delivery.
#[derive(Debug, Clone)]
pub struct AttemptRequest<'a> {
    /// The webhook. `None` for a test of an unsaved webhook.
    pub webhook_id: Option<WebhookId>,
    /// The delivery. `None` for a test.
    pub delivery_id: Option<DeliveryId>,
    /// The value of the header `webhook-id`.
    pub message_id: DeliveryId,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The event.
    pub event: &'a Event,
    /// The event's payload, or at least the fields that the webhook's templates read.
    pub payload: &'a Value,
}

impl AttemptRequest<'_> {
    /// Renders the request.
    ///
    /// # Errors
    /// See [`Webhook::render`].
    pub fn render(&self, webhook: &Webhook) -> Result<Rendered, RenderError> {
        let message_id = self.message_id.to_string();
        let payload = Cow::Borrowed(self.payload);
        let data = TemplateData::new(payload, &message_id, self.attempt, webhook.name(), &[]);
        webhook.render(&data, Some(&self.event.raw))
    }
}

/// Makes one attempt with a request that was rendered from the same [`AttemptRequest`]. A failed attempt is no error:
/// the invocation holds its cause.
pub async fn attempt(
    context: AttemptContext<'_>,
    webhook: &Webhook,
    redactor: &Redactor,
    request: AttemptRequest<'_>,
    rendered: Result<Rendered, RenderError>,
) -> Invocation {
    let AttemptContext { sources, rules, .. } = context;
    let started_at = sources.now();
    let event = request.event;
    let sent = match rendered {
        Ok(rendered) if !rules.allow_http && rendered.url.scheme() == "http" => {
            unsent(webhook, rendered.url.into(), Cause::PlainHttp)
        }
        Ok(rendered) => {
            let mut headers = rendered.headers;
            headers.push(("webhook-id".to_owned(), request.message_id.to_string()));
            headers.push(("webhook-timestamp".to_owned(), started_at.timestamp().to_string()));
            let outgoing = OutgoingRequest {
                method: webhook.method().as_str(),
                url: &rendered.url,
                headers,
                body: rendered.body,
                timeout: webhook.timeout(),
                tls: webhook.tls(),
            };
            // A test also tests the token endpoint.
            let is_test = request.delivery_id.is_none();
            let token = if is_test { TokenRequest::Fresh } else { TokenRequest::Cached };
            authorize::send(context, webhook, outgoing, token).await
        }
        Err(error) => unsent(webhook, webhook.draft().url.clone(), template_cause(&error)),
    };
    let SendResult { exchange, token_exchanges, token } = sent;
    let ExchangeResult { exchange, failure } = exchange;
    let failure = failure.or_else(|| {
        let response = exchange.response.as_ref()?;
        judge(response, webhook.validators()).err()
    });
    let invocation = Invocation {
        id: InvocationId::new(sources),
        webhook_id: request.webhook_id,
        webhook_name: webhook.name().to_owned(),
        delivery_id: request.delivery_id,
        attempt: request.attempt,
        trigger: event.trigger,
        started_at,
        failure,
        custom_message: webhook.custom_message().map(str::to_owned),
        exchange,
        token_exchanges,
    }
    .redacted(redactor);
    let invocation = match token {
        Some(token) => invocation.redacted(&Redactor::new(&[token])),
        None => invocation,
    };
    invocation.shortened()
}

/// Returns the result of a request that was not sent.
fn unsent(webhook: &Webhook, url: String, cause: Cause) -> SendResult {
    let method = webhook.method().as_str().to_owned();
    let request = Request { method, url, ..Request::default() };
    let exchange = Exchange { request, ..Exchange::default() };
    let exchange = ExchangeResult { exchange, failure: Some(cause) };
    SendResult { exchange, token_exchanges: Vec::new(), token: None }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other field holds a template")]
fn template_cause(error: &RenderError) -> Cause {
    let field = match error.field() {
        Field::Url => "URL".to_owned(),
        Field::Header(row) => format!("Header {}", row + 1),
        _ => "Body template".to_owned(),
    };
    Cause::Template { field, message: error.to_string() }
}
