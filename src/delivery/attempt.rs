//! One attempt: renders the request, sends it, judges the response and redacts the record. Used by deliveries and
//! tests.

use serde_json::Value;

use super::authorize::{self, AttemptContext, SendResult, TOKEN_LABEL};
use crate::egress::{ExchangeResult, OutgoingRequest, TokenRequest};
use crate::model::event::Event;
use crate::model::exchange::{Exchange, Request};
use crate::model::invocation::Invocation;
use crate::model::outcome::{Cause, TlsFailure, judge};
use crate::model::secret::ResponseRedactor;
use crate::model::signature::SignedMessage;
use crate::model::webhook::{Field, RenderError, Rendered, ResolvedWebhook, Rules, Trust};
use crate::model::{DeliveryId, InvocationId, WebhookId};
use crate::trace::TraceContext;

/// W3C Trace Context, section 3.2.
const TRACEPARENT: &str = "traceparent";
/// Standard Webhooks, section "Webhook headers".
const SIGNATURE: &str = "webhook-signature";

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
    /// See [`ResolvedWebhook::render`].
    pub fn render(&self, webhook: &ResolvedWebhook) -> Result<Rendered, RenderError> {
        let message_id = self.message_id.to_string();
        webhook.render(self.payload, (&message_id, self.attempt), &self.event.raw)
    }
}

/// Makes one attempt with a request that was rendered from the same [`AttemptRequest`]. A failed attempt is no error:
/// the invocation holds its cause.
pub async fn attempt(
    context: AttemptContext<'_>,
    resolved: &ResolvedWebhook,
    request: AttemptRequest<'_>,
    rendered: Result<Rendered, RenderError>,
) -> Invocation {
    let AttemptContext { sources, rules, .. } = context;
    let webhook = resolved.webhook();
    let started_at = sources.now();
    let event = request.event;
    let sends_context = webhook.draft().traceparent;
    let trace = TraceContext::current()
        .or_else(|| sends_context.then(|| TraceContext::new(sources.bytes(), sources.bytes())));
    let checked = match rendered {
        Ok(rendered) => check(resolved, &rendered, *rules)
            .map_err(|cause| (rendered.clone().into_record(webhook.method().as_str()), cause))
            .map(|()| rendered),
        Err(error) => {
            let (method, url) = (webhook.method().as_str().to_owned(), webhook.draft().url.clone());
            Err((Request { method, url, ..Request::default() }, template_cause(&error)))
        }
    };
    let sent = match checked {
        Err((request, cause)) => unsent(request, cause),
        Ok(rendered) => {
            let mut headers = rendered.headers;
            let message_id = request.message_id.to_string();
            headers.push(("webhook-id".to_owned(), message_id.clone()));
            headers.push(("webhook-timestamp".to_owned(), started_at.timestamp().to_string()));
            let signed = SignedMessage {
                id: &message_id,
                timestamp: started_at.timestamp(),
                body: rendered.body.as_deref().unwrap_or_default().as_bytes(),
            };
            headers.extend(
                resolved.sign(&signed, started_at).map(|value| (SIGNATURE.to_owned(), value)),
            );
            let has_own = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(TRACEPARENT));
            if let Some(trace) = trace.filter(|_| sends_context && !has_own) {
                headers.push((TRACEPARENT.to_owned(), trace.traceparent()));
            }
            let outgoing = OutgoingRequest {
                method: webhook.method().as_str(),
                url: &rendered.url,
                headers,
                body: rendered.body,
                timeout: webhook.timeout(),
                tls: resolved.tls(),
                recorded: rendered.recorded,
            };
            // A test also tests the token endpoint.
            let is_test = request.delivery_id.is_none();
            let token = if is_test { TokenRequest::Fresh } else { TokenRequest::Cached };
            authorize::send(context, resolved, outgoing, token).await
        }
    };
    let Redacted { exchange, token_exchanges, failure } = redacted(sent, resolved.redactor());
    // Validators see the redacted response, so that they cannot be used to guess a secret that the target repeats.
    let failure = failure.or_else(|| {
        let response = exchange.response.as_ref()?;
        judge(response, webhook.validators()).err()
    });
    Invocation {
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
        trace_id: trace.map(|trace| trace.trace_id()),
    }
    .shortened()
}

/// Replaces the secrets that responses and errors repeat, and the access token.
fn redacted(sent: SendResult, redactor: &ResponseRedactor) -> Redacted {
    let SendResult { exchange, mut token_exchanges, token } = sent;
    let ExchangeResult { mut exchange, mut failure } = exchange;
    let of_token =
        token.map(|token| ResponseRedactor::new([(TOKEN_LABEL.to_owned(), token.into())]));
    for redactor in std::iter::once(redactor).chain(&of_token) {
        exchange.redact(redactor);
        for exchange in &mut token_exchanges {
            exchange.redact(redactor);
        }
        if let Some(cause) = &mut failure {
            cause.redact(redactor);
        }
    }
    Redacted { exchange, token_exchanges, failure }
}

/// The exchanges of one attempt without secrets.
struct Redacted {
    exchange: Exchange,
    token_exchanges: Vec<Exchange>,
    /// Why there is no complete response, if there is none.
    failure: Option<Cause>,
}

/// Checks that a request may be sent where it is addressed to.
fn check(resolved: &ResolvedWebhook, rendered: &Rendered, rules: Rules) -> Result<(), Cause> {
    if !rules.allow_http && rendered.url.scheme() == "http" {
        return Err(Cause::PlainHttp);
    }
    if rules.require_verification && resolved.tls().trust == Trust::None {
        return Err(Cause::Certificate(TlsFailure::NotVerified));
    }
    resolved.check_target(&rendered.url).map_err(|(_field, failure)| Cause::Secret(failure))
}

/// Returns the result of a request that was not sent.
fn unsent(request: Request, cause: Cause) -> SendResult {
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
