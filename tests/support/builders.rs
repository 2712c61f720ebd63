//! Builders of what tests save.

use serde_json::{Value, json};

use super::logpoint::{FakeLogpoint, INCIDENTS};

/// Body template of [`WebhookBuilder::reopen`]. The last fields tell deliveries and attempts apart.
const REOPEN_BODY: &str = r#"{"username": "svc-gatepost", "secret_key": "demo-key",
    "requestData": {"version": "0.1", "incident_ids": ["@INCIDENT@"]},
    "request": "{{data.id}}", "type": "{{event_type}}", "id": "{{delivery.id}}", "try": {{delivery.attempt}}}"#;

/// A webhook, in the form of an import file.
#[derive(Debug, Clone)]
pub(crate) struct WebhookBuilder(Value);

impl WebhookBuilder {
    /// A webhook that sends events with the triggers Created and Granted to this URL.
    pub(crate) fn new(name: &str, url: &str) -> Self {
        Self(json!({
            "name": name,
            "type": { "http_request": { "url": url } },
            "triggers": ["Created", "Granted"],
        }))
    }

    /// A webhook that reopens an incident, with the certificate of the simulated Logpoint pinned.
    pub(crate) fn reopen(logpoint: &FakeLogpoint) -> Self {
        Self::new("Reopen", &logpoint.url("/reopen_incident"))
            .with("body_template", REOPEN_BODY.replace("@INCIDENT@", INCIDENTS[0]))
            .with(
                "response_validators",
                json!([{ "json_path": "$.success", "expected_values": ["true"] }]),
            )
            .with("tls", json!({ "verify": "pinned", "sha256": logpoint.fingerprint() }))
            .with("timeout_in_sec", 2)
    }

    pub(crate) fn name(self, name: &str) -> Self {
        self.with("name", name)
    }

    pub(crate) fn triggers(self, triggers: &[&str]) -> Self {
        self.with("triggers", triggers)
    }

    /// Sets a key of the file.
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0[key] = value.into();
        self
    }

    /// Returns an import file with this webhook.
    pub(crate) fn file(self) -> String {
        json!({ "webhooks": [self.0] }).to_string()
    }
}
