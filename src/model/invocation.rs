//! One HTTP exchange of a delivery or of a test: what was sent, what came back, how long each part
//! took, and the verdict. Secrets are taken out before it comes to be.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::outcome::{Cause, Explanation};
use super::secret::Redactor;
use super::sources::Timestamp;
use super::{DeliveryId, InvocationId, Trigger, WebhookId};

/// The record of one exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// Its id.
    pub id: InvocationId,
    /// The webhook; none for a test of one that is not saved.
    pub webhook_id: Option<WebhookId>,
    /// The webhook's name at that time.
    pub webhook_name: String,
    /// The delivery; none for a test.
    pub delivery_id: Option<DeliveryId>,
    /// Which attempt of the delivery, from 1.
    pub attempt: u32,
    /// What set it off.
    pub trigger: Trigger,
    /// When it began.
    pub started_at: Timestamp,
    /// Why it failed; none where it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Cause>,
    /// The webhook's own words for a refusal, if it has any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_message: Option<String>,
    /// What went out, or could not.
    pub transcript: Transcript,
    /// Where an access token was asked for: those exchanges, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_exchanges: Vec<Transcript>,
}

/// What went over the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transcript {
    /// What was sent.
    pub request: Request,
    /// What came back, if anything did.
    pub response: Option<Response>,
    /// How long each part took.
    pub timings: Timings,
    /// Address and port that were reached.
    pub remote_address: Option<String>,
    /// The server's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

impl Transcript {
    /// Changes each text that may hold a secret.
    fn clean(&mut self, clean: impl Fn(&mut String)) {
        let Self { request, response, .. } = self;
        clean(&mut request.url);
        request.headers.iter_mut().for_each(|(_, value)| clean(value));
        request.body.iter_mut().for_each(&clean);
        if let Some(response) = response {
            response.headers.iter_mut().for_each(|(_, value)| clean(value));
            clean(&mut response.body);
        }
    }
}

/// The request as sent, secrets masked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The full URL.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
}

/// The answer, secrets masked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Such as `HTTP/1.1`.
    pub version: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body, as far as it was read.
    pub body: String,
    /// Whether there was more than was read.
    pub truncated: bool,
}

/// How long each part took, in microseconds. A part that did not happen (a kept connection needs no
/// TLS handshake) has none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Looking up the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<u64>,
    /// Connecting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_us: Option<u64>,
    /// The TLS handshake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<u64>,
    /// From the request sent to the answer's first byte.
    pub wait_us: Option<u64>,
    /// Reading the answer's body.
    pub read_us: Option<u64>,
    /// All in all.
    pub total_us: u64,
}

impl Timings {
    /// All in all.
    pub fn total(&self) -> Duration {
        Duration::from_micros(self.total_us)
    }
}

/// A server's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The names and addresses it is for.
    pub names: Vec<String>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// SHA-256 of its DER form, as `AB:CD:…`.
    pub sha256: String,
    /// Whether it vouches for itself.
    pub self_signed: bool,
}

impl Invocation {
    /// Whether it arrived.
    pub fn succeeded(&self) -> bool {
        self.failure.is_none()
    }

    /// Without the secrets.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let clean = |text: &mut String| redactor.clean(text);
        self.transcript.clean(clean);
        for transcript in &mut self.token_exchanges {
            transcript.clean(clean);
        }
        if let Some(cause) = &mut self.failure {
            cause.texts().into_iter().for_each(clean);
        }
        self
    }

    /// The verdict in words: what happened, what that usually means, what to do.
    pub fn explanation(&self) -> Explanation {
        match &self.failure {
            None => Explanation::delivered(
                self.transcript.response.as_ref().map(|answer| answer.status),
            ),
            Some(cause) => cause.explain(self),
        }
    }
}
