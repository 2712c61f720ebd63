//! Sample data of several days: webhooks of every kind, and deliveries in every state.

use std::time::Duration;

use gatepost::identity::Scope;

use crate::support::app::EMAIL;
use crate::support::logpoint::{Behaviour, FakeLogpoint};
use crate::support::{TestApp, event};

const RETRYING: &str = "select id::text from deliveries where state = 'due' and attempts > 0 and last_status is not null";

/// Ids of some webhooks and deliveries.
pub(crate) struct SampleData {
    pub(crate) webhook: String,
    pub(crate) paused: String,
    pub(crate) good: String,
    pub(crate) retrying: String,
    pub(crate) failed: String,
}

fn webhooks(logpoint: &FakeLogpoint) -> String {
    format!(
        r#"
webhooks:
  - name: Logpoint reopen
    type: {{ http_request: {{ url: "{reopen}", headers: {{ X-Team: security }} }} }}
    body_template: '{{"username": "svc-gatepost", "secret_key": "demo-key", "requestData": {{"version": "0.1",
      "incident_ids": ["5a62bd8cce983de89085429c"]}}, "why": "{{{{data.justification}}}}"}}'
    triggers: [Created, Granted, Manual]
    filters: {{ integration: [prod db] }}
    response_validators: [{{ json_path: $.success, expected_values: ["true"] }}]
    tls: {{ verify: pinned, sha256: "{sha256}" }}
  - name: Logpoint resolve
    type: {{ http_request: {{ url: "{wrong}" }} }}
    triggers: [Rejected]
    retry_schedule: [5s]
    tls: {{ verify: pinned, sha256: "{sha256}" }}
  - name: Logpoint close
    type: {{ http_request: {{ url: "{reopen}" }} }}
    triggers: [Expired]
    tls: {{ verify: pinned, sha256: "{sha256}" }}
  - name: Logpoint comment
    type: {{ http_request: {{ url: "{reopen}" }} }}
    triggers: [Failed]
    response_validators: [{{ json_path: $.success, expected_values: ["true"] }}]
    tls: {{ verify: pinned, sha256: "{sha256}" }}
  - name: Archive of all access requests in production (long name)
    active: false
    type: {{ http_request: {{ url: "https://archive.example.com/a/rather/long/path/to/the/hook?team=security", method: PUT }} }}
    triggers: [Created, Approved, Rejected, Granted, Expired, Failed]
  - name: Unverified
    type: {{ http_request: {{ url: "https://127.0.0.1:1/x" }} }}
    triggers: [Approved]
    filters: {{ integration: ["prod-*", staging], approval: [manual], requester: ["*@example.com"] }}
    tls: {{ verify: none }}
"#,
        reopen = logpoint.url("/reopen_incident"),
        wrong = logpoint.url("/resolve_incidents"),
        sha256 = logpoint.fingerprint(),
    )
}

/// Creates the sample data.
pub(crate) async fn fill(app: &TestApp, logpoint: &FakeLogpoint) -> SampleData {
    let yaml = webhooks(logpoint);
    let ids = app.webhooks(&yaml).await;
    // Another user has changed the first webhook and its secret.
    let other = yaml
        .replace("demo-key", "the-key-of-now")
        .replace("\"why\":", "\"who\": \"{{data.requester.email}}\",\n      \"why\":")
        .replace("integration: [prod db]", "integration: [\"prod *\", staging]");
    app.change_webhook(&ids[0], &other, "bo.berg@example.com").await;
    app.change_webhook(&ids[0], &yaml, EMAIL).await;
    let token = app.token(Scope::Events).await;
    let one = async |sql: &'static str| -> Option<String> {
        sqlx::query_scalar(sql).fetch_optional(app.database.pool()).await.unwrap()
    };

    // Two days ago, a delivery failed.
    app.send(&token, &event("Rejected", "404")).await;
    app.wait_until("a first attempt", async || one(RETRYING).await.is_some()).await;
    app.advance(Duration::from_secs(10)).await;
    app.wait_for("failed", 1).await;
    app.advance(Duration::from_hours(48)).await;
    // A webhook was paused, because its server responded with status 410.
    logpoint.behave([Behaviour::Status(410, String::new())]);
    app.send(&token, &event("Expired", "410")).await;
    app.wait_until("the webhook to be paused", async || {
        one("select name from webhooks where paused_because is not null").await.is_some()
    })
    .await;
    for n in 0..6 {
        app.send(&token, &event("Granted", &n.to_string())).await;
    }
    app.wait_for("delivered", 6).await;
    logpoint.always(Behaviour::RejectWithStatus200);
    app.send(&token, &event("Failed", "7")).await;
    app.wait_until("a delivery to be tried again", async || one(RETRYING).await.is_some()).await;

    let failed = "select id::text from deliveries where state = 'failed'";
    let good = "select id::text from deliveries where state = 'delivered' order by id desc";
    SampleData {
        webhook: ids[0].clone(),
        paused: ids[2].clone(),
        good: one(good).await.unwrap(),
        retrying: one(RETRYING).await.unwrap(),
        failed: one(failed).await.unwrap(),
    }
}
