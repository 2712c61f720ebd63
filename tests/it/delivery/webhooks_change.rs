//! Deliveries of a webhook that is deactivated, changed or deleted.

use crate::support::builders::WebhookBuilder;
use crate::support::scenario::Scenario;
use std::time::Duration;

use gatepost::delivery::Router;
use gatepost::identity::Scope;
use gatepost::vault::Vault;
use uuid::Uuid;

use crate::support::clock::MovedClock;
use crate::support::database::TestDatabase;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

#[tokio::test]
async fn holds_deliveries_of_an_inactive_webhook_until_it_is_activated() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("due", 1).await;
    let mut ann = app.admin().await;
    let path = format!("/webhooks/{webhook}/active");
    assert_eq!(ann.post(&path, &[("active", "false")]).await.status, 303);
    app.wait_for("held", 1).await;
    // An inactive webhook gets no new events.
    let (_, response) = app.send(&token, &event("Granted", "2")).await;
    assert_eq!(response["events"][0]["deliveries"], 0);
    app.advance(Duration::from_mins(1)).await;
    ann.get("/webhooks").await;
    assert_eq!(ann.post(&path, &[("active", "true")]).await.status, 303);
    app.wait_for("delivered", 1).await;
    assert_eq!(logpoint.requests().len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn deleting_cancels_waiting_deliveries_and_removes_the_secrets() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("due", 1).await;
    let mut ann = app.admin().await;
    let path = format!("/webhooks/{webhook}/delete");
    let asked = ann.get(&path).await;
    assert!(asked.text("main").contains("1 waiting delivery"), "{}", asked.body);
    assert_eq!(ann.post(&path, &[]).await.status, 303);
    app.wait_for("cancelled", 1).await;
    let sealed: Vec<u8> = sqlx::query_scalar("select sealed from webhooks")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert!(sealed.is_empty());
    // Its deliveries are still listed, and its name can be used again.
    assert!(ann.get("/deliveries").await.text("tbody").contains("Reopen"));
    app.webhooks(&WebhookBuilder::reopen(&logpoint).name("REOPEN").file()).await;
    app.finish().await;
}

#[tokio::test]
async fn sends_a_waiting_delivery_with_the_changed_webhook() {
    let app = TestApp::start().await;
    let (old, new) = (
        FakeLogpoint::start(Options::default()).await,
        FakeLogpoint::start(Options::default()).await,
    );
    let ids = app.webhooks(&WebhookBuilder::reopen(&old).file()).await;
    let token = app.token(Scope::Events).await;
    old.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("due", 1).await;
    let mut ann = app.admin().await;
    let form = ann.get(&format!("/webhooks/{}/edit", ids[0])).await;
    let shown = form.typed("body_template");
    assert!(shown.contains("{{secrets.secret_key}}") && !shown.contains("demo-key"), "{shown}");
    // For another server, the secret must be entered again.
    let body = shown.replace("{{secrets.secret_key}}", "demo-key");
    let fields = [
        ("name", "Reopen"),
        ("active", "true"),
        ("method", "POST"),
        ("url", &new.url("/reopen_incident")),
        ("body_template", &body),
        ("trigger", "Granted"),
        ("tls_verify", "pinned"),
        ("tls_sha256", new.fingerprint()),
    ];
    let saved = ann.post(&format!("/webhooks/{}", ids[0]), &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 1).await;
    assert_eq!(new.requests()[0].json()["secret_key"], "demo-key");
    app.finish().await;
}

/// An instance applies its own change and then receives the notification of it.
#[tokio::test]
async fn loads_webhooks_once_per_change() {
    let database = TestDatabase::create().await;
    let vault = Vault::new(&[7; 32], MovedClock::default().sources());
    let router = Router::default();
    let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for (change, loads) in [(own, true), (other, true), (own, false)] {
        let loaded = router.apply_change(database.pool(), &vault, change).await.unwrap();
        assert_eq!(loaded, loads, "{change}");
    }
    database.drop().await;
}
