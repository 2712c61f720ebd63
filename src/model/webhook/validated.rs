//! The validated webhook.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::auth::Authentication;
use super::conditions::Conditions;
use super::delivery_policy::DeliveryPolicy;
use super::draft::Draft;
use super::http::Method;
use super::signing::Signing;
use super::tls::Tls;
use super::validator::Validator;
use crate::model::Trigger;
use crate::model::event::{Event, Projection};
use crate::model::secret::SecretName;
use crate::template::Template;

/// A validated webhook with compiled templates, ready to match events and render requests.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub(super) draft: Draft,
    pub(super) method: Method,
    pub(super) url: Template,
    /// The parsed URL, if it has no placeholders.
    pub(super) literal_url: Option<Url>,
    pub(super) headers: Vec<(String, Template)>,
    pub(super) body: Option<Template>,
    /// Whether the content type of the body is JSON.
    pub(super) is_json: bool,
    pub(super) conditions: Conditions,
    pub(super) timeout: Duration,
    pub(super) validators: Vec<Validator>,
    pub(super) authentication: Authentication,
    pub(super) signing: Option<Signing>,
    pub(super) tls: Tls,
    /// The client certificate, and the secret that holds its private key.
    pub(super) client_certificate: Option<(String, SecretName)>,
    pub(super) delivery_policy: DeliveryPolicy,
}

impl Webhook {
    /// Longest name, in characters.
    pub const MAX_NAME_CHARS: usize = 80;
    /// Timeout of an exchange if the webhook sets none.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
    /// Longest timeout of an exchange, in seconds.
    pub const MAX_TIMEOUT_SECS: u64 = 60;

    /// The draft that was validated, trimmed.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.draft.name
    }

    /// Whether events are sent.
    pub fn is_active(&self) -> bool {
        self.draft.active
    }

    /// The HTTP method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The triggers.
    pub fn triggers(&self) -> &[Trigger] {
        self.conditions.triggers()
    }

    /// Whether the triggers and filters match an event, regardless of whether the webhook is active.
    /// `projection` must include the fields that the filters read.
    pub fn matches(&self, event: &Event, projection: &Arc<Projection>) -> bool {
        self.conditions.matches(event, projection)
    }

    /// Ordering, concurrency, rate and retries of the deliveries.
    pub fn delivery_policy(&self) -> &DeliveryPolicy {
        &self.delivery_policy
    }

    /// Timeout of an exchange, from the DNS query to the end of the response.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The response validators.
    pub fn validators(&self) -> &[Validator] {
        &self.validators
    }

    /// The message shown instead of the reason if a response validator fails.
    pub fn custom_message(&self) -> Option<&str> {
        Some(self.draft.custom_validation_error_message.as_str()).filter(|text| !text.is_empty())
    }

    /// How Gatepost authenticates to the server.
    pub fn authentication(&self) -> &Authentication {
        &self.authentication
    }

    /// How requests are signed. `None` if they are not.
    pub fn signing(&self) -> Option<&Signing> {
        self.signing.as_ref()
    }

    /// TLS settings without the client certificate, whose key is a secret.
    pub fn tls(&self) -> &Tls {
        &self.tls
    }
}
