//! Entries of the audit log that are sent to webhooks with the trigger `Audit`.

use gatepost::identity::Role;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;
use crate::support::event;
use crate::support::logpoint::{FakeLogpoint, RecordedRequest};
use crate::support::scenario::Scenario;

/// A webhook that sends entries of the audit log.
fn audit_webhook(logpoint: &FakeLogpoint) -> WebhookBuilder {
    let body = r#"{"action":"{{data.audit.action}}","name":"{{data.audit.object_name}}","by":"{{data.audit.actor}}"}"#;
    WebhookBuilder::reopen(logpoint)
        .name("Audit")
        .triggers(&["Audit"])
        .with("body_template", body)
        // The simulated Logpoint rejects requests without its secret key.
        .with("response_validators", json!([]))
}

/// Waits until a number of requests has arrived, and returns their bodies.
async fn sent(app: &TestApp, logpoint: &FakeLogpoint, count: usize) -> Vec<Value> {
    app.wait_until("the entries", async || logpoint.requests().len() >= count).await;
    logpoint.requests().iter().map(RecordedRequest::json).collect()
}

#[tokio::test]
async fn every_entry_is_sent_once_to_webhooks_with_the_trigger() {
    let scenario = Scenario::with_webhook(|webhook| webhook.triggers(&["Granted"])).await;
    let Scenario { app, logpoint, webhook, .. } = scenario;
    app.webhooks(&audit_webhook(&logpoint).file()).await;
    let mut ann = app.admin().await;
    ann.get("/webhooks").await;
    let path = format!("/webhooks/{webhook}/active");
    assert_eq!(ann.post(&path, &[("active", "false")]).await.status, 303);
    let is_deactivation = |body: &Value| body["action"] == "webhook.deactivated";
    app.wait_until("the entry", async || {
        logpoint.requests().iter().any(|request| is_deactivation(&request.json()))
    })
    .await;
    let bodies = sent(&app, &logpoint, 1).await;
    let entries: Vec<&Value> = bodies.iter().filter(|body| is_deactivation(body)).collect();
    assert_eq!(entries.len(), 1, "{bodies:?}");
    assert_eq!(entries[0]["by"], "ann.ngo@example.com");
    // Entries are events like others.
    let list = ann.get("/events?trigger=Audit").await;
    assert!(list.text("#events-table").contains("Webhook deactivated"), "{}", list.body);
    let event = list.attribute("#events-table td.name a", "href").unwrap();
    let explained = ann.get(&event).await.texts(".explained tbody tr").join("\n");
    assert!(explained.contains("Audit Delivered"), "{explained}");
    // Further entries may be on their way.
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn entries_from_before_the_webhook_are_not_sent() {
    let scenario = Scenario::with_webhook(|webhook| webhook.triggers(&["Granted"])).await;
    let Scenario { app, logpoint, .. } = scenario;
    let skipped = async || {
        let sql = "select c.head_seq - f.seq from audit_chain c, audit_forwarding f";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(app.database.pool()).await.unwrap() == 0
    };
    app.wait_until("the skip", skipped).await;
    assert!(logpoint.requests().is_empty());
    let stored = "select count(*) from events where trigger = 'Audit'";
    let count =
        async || sqlx::query_scalar::<_, i64>(stored).fetch_one(app.database.pool()).await.unwrap();
    assert_eq!(count().await, 0);
    app.webhooks(&audit_webhook(&logpoint).file()).await;
    let mut ann = app.admin().await;
    ann.post("/logout", &[]).await;
    let bodies = sent(&app, &logpoint, 1).await;
    assert!(bodies.iter().all(|body| body["action"] != "webhook.added" || body["name"] == "Audit"));
    // Further entries may be on their way.
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn an_editor_cannot_decide_where_the_audit_log_is_sent() {
    let Scenario { app, logpoint, webhook, .. } = Scenario::start().await;
    let audit = app.webhooks(&audit_webhook(&logpoint).file()).await.remove(0);
    let mut editor = app.user(Role::Editor).await;
    let message = "Only administrators can save a webhook with the trigger Audit";
    let new = editor.get("/webhooks/new").await;
    assert!(!new.texts("#triggers label").contains(&"Audit".to_owned()), "{}", new.body);
    let fields = [
        ("name", "Mine"),
        ("method", "POST"),
        ("url", "https://10.0.0.5/mine"),
        ("body_template", "{}"),
    ];
    let with_triggers = |trigger| [fields.as_slice(), &[("trigger", trigger)]].concat();
    let added = editor.post("/webhooks", &with_triggers("Audit")).await;
    assert_eq!(added.status, 422);
    assert!(added.text("#triggers-error").contains(message), "{}", added.body);
    // Neither with the trigger nor without it can the target be changed.
    for (id, trigger) in [(&audit, "Audit"), (&audit, "Granted"), (&webhook, "Audit")] {
        let path = format!("/webhooks/{id}");
        editor.get(&format!("{path}/edit")).await;
        let changed = editor.post(&path, &with_triggers(trigger)).await;
        assert_eq!(changed.status, 422, "{trigger}");
        assert!(changed.text("#triggers-error").contains(message), "{}", changed.body);
    }
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    assert_eq!(ann.post("/webhooks", &with_triggers("Audit")).await.status, 303);
    // An administrator who signs in with single sign-on has no password.
    sqlx::query("update users set password_hash = '' where role = 'admin'")
        .execute(app.database.pool())
        .await
        .unwrap();
    let mut another = with_triggers("Audit");
    another[0] = ("name", "Without a password");
    ann.get("/webhooks/new").await;
    assert_eq!(ann.post("/webhooks", &another).await.status, 303);
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn senders_cannot_forge_an_entry() {
    let scenario = Scenario::with_webhook(|webhook| webhook.triggers(&["Audit"])).await;
    let Scenario { app, token, logpoint: _logpoint, .. } = scenario;
    let mut forged = event("Granted", "1");
    forged["event_type"] = json!("GatepostAudit");
    let post = async |body: &Value| {
        let request = crate::support::http().post(app.url("/api/v1/events")).bearer_auth(&token);
        let response = request.json(body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    for body in [forged.clone(), json!([forged])] {
        let (status, problem) = post(&body).await;
        assert_eq!(status, 422, "{problem}");
        assert!(problem.contains("only Gatepost itself sends these events"), "{problem}");
    }
    let sql = "select count(*) from events where request = 'AR-1'";
    let stored: i64 = sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap();
    assert_eq!(stored, 0);
    app.finish_with_leftovers().await;
}
