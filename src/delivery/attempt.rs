//! One attempt to send: render, exchange, judge, redact. Tests and deliveries go this one way.

use std::borrow::Cow;

use serde_json::Value;

use super::authorize::{self, Sent};
use crate::egress::{Client, Exchanged, Outgoing, TokenWanted};
use crate::model::event::Event;
use crate::model::exchange::{Exchange, Request};
use crate::model::invocation::Invocation;
use crate::model::outcome::{Cause, judge};
use crate::model::secret::Redactor;
use crate::model::template::TemplateData;
use crate::model::webhook::{Field, RenderError, Rules, Webhook};
use crate::model::{DeliveryId, InvocationId, Sources, WebhookId};

/// What is sent, and on whose behalf.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// The webhook; none for a test of one that is not saved.
    pub webhook_id: Option<WebhookId>,
    /// The delivery; none for a test.
    pub delivery_id: Option<DeliveryId>,
    /// What the receiver sees as `webhook-id`.
    pub message_id: DeliveryId,
    /// From 1.
    pub attempt: u32,
    /// The event.
    pub event: &'a Event,
    /// Its payload, or at least what the webhook's templates look at.
    pub payload: &'a Value,
}

/// Sends once.
pub async fn attempt(
    client: &Client,
    sources: &Sources,
    rules: &Rules,
    webhook: &Webhook,
    redactor: &Redactor,
    subject: Subject<'_>,
) -> Invocation {
    let started_at = sources.now();
    let message_id = subject.message_id.to_string();
    let event = subject.event;
    let payload = Cow::Borrowed(subject.payload);
    let data = TemplateData::new(payload, &message_id, subject.attempt, webhook.name(), &[]);
    let sent = match webhook.render(&data, Some(&event.raw)) {
        Ok(rendered) if !rules.allow_http && rendered.url.scheme() == "http" => {
            let address = "http:// (everything would go in the clear)".to_owned();
            unsent(webhook, rendered.url.into(), Cause::Blocked { address })
        }
        Ok(rendered) => {
            let mut headers = rendered.headers;
            headers.push(("webhook-id".to_owned(), message_id));
            headers.push(("webhook-timestamp".to_owned(), started_at.timestamp().to_string()));
            let outgoing = Outgoing {
                method: webhook.method().as_str(),
                url: &rendered.url,
                headers,
                body: rendered.body,
                timeout: webhook.timeout(),
                tls: webhook.tls(),
            };
            // A test is to show that asking for a token works.
            let is_test = subject.delivery_id.is_none();
            let wanted = if is_test { TokenWanted::New } else { TokenWanted::Kept };
            authorize::send(client, webhook, outgoing, wanted).await
        }
        Err(error) => unsent(webhook, webhook.draft().url.clone(), template_cause(&error)),
    };
    let Sent { exchanged: Exchanged { exchange, failure }, token_exchanges, token } = sent;
    let failure = failure.or_else(|| {
        let answer = exchange.response.as_ref()?;
        judge(answer, webhook.validators()).err()
    });
    let invocation = Invocation {
        id: InvocationId::new(sources),
        webhook_id: subject.webhook_id,
        webhook_name: webhook.name().to_owned(),
        delivery_id: subject.delivery_id,
        attempt: subject.attempt,
        trigger: event.trigger,
        started_at,
        failure,
        custom_message: webhook.custom_message().map(str::to_owned),
        exchange,
        token_exchanges,
    }
    .redacted(redactor);
    match token {
        Some(token) => invocation.redacted(&Redactor::new(&[token])),
        None => invocation,
    }
}

/// What did not leave.
fn unsent(webhook: &Webhook, url: String, cause: Cause) -> Sent {
    let method = webhook.method().as_str().to_owned();
    let request = Request { method, url, ..Request::default() };
    let exchange = Exchange { request, ..Exchange::default() };
    let exchanged = Exchanged { exchange, failure: Some(cause) };
    Sent { exchanged, token_exchanges: Vec::new(), token: None }
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
