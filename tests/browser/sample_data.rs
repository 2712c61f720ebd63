//! Sample data of several days: webhooks of every kind, and deliveries in every state.

use std::time::Duration;

use gatepost::identity::Scope;
use serde_json::json;

use crate::support::app::EMAIL;
use crate::support::builders::WebhookBuilder;
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

/// The webhook with the longest history. `more` are further members of its body.
fn reopen(logpoint: &FakeLogpoint, secret_key: &str, more: &str) -> WebhookBuilder {
    let body = r#"{"username": "svc-gatepost", "secret_key": "@KEY@", "requestData": {"version": "0.1",
 "incident_ids": ["5a62bd8cce983de89085429c"]},@MORE@ "why": "{{data.justification}}"}"#;
    let request =
        json!({"url": logpoint.url("/reopen_incident"), "headers": {"X-Team": "security"}});
    WebhookBuilder::reopen(logpoint)
        .name("Logpoint reopen")
        .with("type", json!({"http_request": request}))
        .with("body_template", body.replace("@KEY@", secret_key).replace("@MORE@", more))
        .with("filters", json!({"integration": ["prod db"]}))
        .triggers(&["Created", "Granted", "Manual"])
}

fn others(logpoint: &FakeLogpoint) -> [WebhookBuilder; 5] {
    let pinned = |name: &str, path: &str, trigger: &str| {
        WebhookBuilder::new(name, &logpoint.url(path))
            .triggers(&[trigger])
            .with("tls", json!({"verify": "pinned", "sha256": logpoint.fingerprint()}))
    };
    let success = json!([{"json_path": "$.success", "expected_values": ["true"]}]);
    let long_url =
        "https://archive.example.com/a/rather/long/path/to/the/hook?team=security".to_owned();
    [
        pinned("Logpoint resolve", "/resolve_incidents", "Rejected")
            .with("retry_schedule", json!(["5s"])),
        pinned("Logpoint close", "/reopen_incident", "Expired"),
        pinned("Logpoint comment", "/reopen_incident", "Failed")
            .with("response_validators", success),
        WebhookBuilder::new("Archive of all access requests in production (long name)", "")
            .with("active", false)
            .with("type", json!({"http_request": {"url": long_url, "method": "PUT"}}))
            .triggers(&["Created", "Approved", "Rejected", "Granted", "Expired", "Failed"]),
        WebhookBuilder::new("Unverified", "https://127.0.0.1:1/x")
            .triggers(&["Approved"])
            .with(
                "filters",
                json!({"integration": ["prod-*", "staging"], "approval": ["manual"],
                    "requester": ["*@example.com"]}),
            )
            .with("tls", json!({"verify": "none"})),
    ]
}

/// Creates the sample data.
pub(crate) async fn fill(app: &TestApp, logpoint: &FakeLogpoint) -> SampleData {
    let webhook = reopen(logpoint, "demo-key", "");
    let mut ids = app.webhooks(&webhook.clone().file()).await;
    for other in others(logpoint) {
        ids.extend(app.webhooks(&other.file()).await);
    }
    // Another user has changed the first webhook and its secret.
    let who = " \"who\": \"{{data.requester.email}}\",\n";
    let changed = reopen(logpoint, "the-key-of-now", who)
        .with("filters", json!({"integration": ["prod *", "staging"]}));
    app.change_webhook(&ids[0], &changed.file(), "bo.berg@example.com").await;
    app.change_webhook(&ids[0], &webhook.file(), EMAIL).await;
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

/// Adds secrets, shared and private, used and unused. Returns the path of one that two webhooks use, and of one that is not
/// used.
pub(crate) async fn add_secrets(app: &TestApp, webhooks: &[&str]) -> [String; 2] {
    let mut ann = app.admin().await;
    let hosts = "https://10.0.0.5\nhttps://*.logpoint.example.com:8443\nhttps://10.0.0.6";
    let long = "https://access-requests.security-operations.europe.example.com:8443";
    for fields in [
        [("name", "logpoint_key"), ("hosts", hosts), ("scopes", ""), ("token_hosts", "")],
        [
            ("name", "servicenow_client_secret"),
            ("hosts", "https://login.example.com"),
            ("scopes", "useraccount incidents.write"),
            ("token_hosts", "https://acme.service-now.com"),
        ],
        [("name", "archive"), ("hosts", ""), ("scopes", ""), ("token_hosts", "")],
        [
            ("name", "a_rather_long_name_for_the_key_of_the_archive_in_production_2026"),
            ("hosts", long),
            ("scopes", ""),
            ("token_hosts", ""),
        ],
    ] {
        ann.get("/secrets/new").await;
        let fixed = [("value", "the-value"), ("description", "Issued by the security team.")];
        let saved = ann.post("/secrets", &[&fields[..], &fixed].concat()).await;
        assert_eq!(saved.status, 303, "{}", saved.body);
    }
    ann.get("/secrets").await;
    let own = "insert into secrets select gen_random_uuid(), $1::uuid, 'bearer_token', sealed, hosts, null, '{}', '', \
               created_at, updated_at, 'command_line', '' from secrets where name = 'logpoint_key'";
    sqlx::query(own).bind(webhooks[0]).execute(app.database.pool()).await.unwrap();
    let uses = "update webhooks set secret_names = array['logpoint_key', 'bearer_token'] where id = any($1::uuid[])";
    sqlx::query(uses).bind(webhooks).execute(app.database.pool()).await.unwrap();
    let path = async |name: &str| -> String {
        let sql = "select '/secrets/' || id from secrets where name = $1";
        sqlx::query_scalar(sql).bind(name).fetch_one(app.database.pool()).await.unwrap()
    };
    [path("logpoint_key").await, path("servicenow_client_secret").await]
}
