//! The stored record of an attempt or a test: the HTTP exchanges, the verdict and what it belongs to.

use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::outcome::{Cause, Explanation};
use super::sources::Timestamp;
use super::{DeliveryId, InvocationId, Trigger, WebhookId};

/// The record of an attempt or a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// Id of the record.
    pub id: InvocationId,
    /// The webhook; `None` for a test of an unsaved one.
    pub webhook_id: Option<WebhookId>,
    /// Name of the webhook at that time.
    pub webhook_name: String,
    /// The delivery; `None` for a test.
    pub delivery_id: Option<DeliveryId>,
    /// Number of the attempt within the delivery, from 1.
    pub attempt: u32,
    /// Trigger of the event.
    pub trigger: Trigger,
    /// Time at which the attempt started.
    pub started_at: Timestamp,
    /// Why it failed; `None` if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Cause>,
    /// The webhook's custom message for a failed response validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_message: Option<String>,
    /// The exchange with the webhook's target, or the request that could not be sent.
    #[serde(rename = "transcript")]
    pub exchange: Exchange,
    /// Requests for an access token that preceded it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_exchanges: Vec<Exchange>,
    /// Id of the trace, in hexadecimal, if spans are exported or the target got it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

impl Invocation {
    /// Whether the attempt succeeded.
    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }

    /// The record with its long texts shortened. They must be redacted before.
    #[must_use]
    pub fn shortened(mut self) -> Self {
        if let Some(cause) = &mut self.failure {
            cause.shorten_texts();
        }
        self
    }

    /// Explains the verdict to an administrator.
    pub fn explanation(&self) -> Explanation {
        let response = self.exchange.response.as_ref();
        match &self.failure {
            None => Explanation::delivered(response.map(|response| response.status)),
            Some(cause) => cause.explain(response, self.custom_message.as_deref()),
        }
    }
}
