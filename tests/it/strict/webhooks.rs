//! Webhooks under strict mode: they verify the certificates of their servers.

use std::time::Duration;

use gatepost::model::SecurityPolicy;
use serde_json::json;

use super::{admin, start};
use crate::support::app::EMAIL;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

/// A webhook that does not verify certificates.
fn unverified(logpoint: &FakeLogpoint) -> WebhookBuilder {
    WebhookBuilder::reopen(logpoint).with("tls", json!({ "verify": "none" }))
}

async fn last_error(app: &TestApp) -> String {
    let found = sqlx::query_scalar("select coalesce(last_error, '') from deliveries");
    found.fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn a_webhook_without_verification_is_rejected_at_the_field() {
    let app = start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let error = app.import(&unverified(&logpoint).file()).await.unwrap_err();
    assert!(error.contains("Strict mode requires that the certificate is verified"), "{error}");
    let (mut ann, _device) = admin(&app).await;
    ann.get("/webhooks/new").await;
    let url = logpoint.url("/reopen_incident");
    let none = [
        ("name", "x"),
        ("method", "POST"),
        ("url", url.as_str()),
        ("trigger", "Granted"),
        ("tls_verify", "none"),
    ];
    for path in ["/webhooks", "/webhooks/test"] {
        let seen = ann.post(path, &none).await;
        assert_eq!(seen.status, 422, "{path}");
        let message = seen.text("#tls_verify-error");
        for part in ["Strict mode", "Pinned certificate", "Private CA"] {
            assert!(message.contains(part), "{path}: {message}");
        }
    }
    assert!(logpoint.requests().is_empty());
    // The certificate can still be fetched, to pin it. No request is sent for that.
    let fetched = ann.post_part("/webhooks/certificate", &none).await;
    assert!(fetched.body.contains(logpoint.fingerprint()), "{}", fetched.body);
    app.finish().await;
}

#[tokio::test]
async fn a_delivery_of_an_earlier_webhook_waits_and_is_sent_when_the_certificate_is_pinned() {
    let Scenario { app, logpoint, webhook, token } =
        Scenario::with_webhook(|webhook| webhook.with("tls", json!({ "verify": "none" }))).await;
    let app = app.restart_with(|config| config.policy = SecurityPolicy::STRICT).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_until("the first attempt", async || !last_error(&app).await.is_empty()).await;
    assert_eq!(last_error(&app).await, "Strict mode requires verified certificates");
    app.wait_for("due", 1).await;
    assert!(logpoint.requests().is_empty());

    let (mut ann, _device) = admin(&app).await;
    let invocation: uuid::Uuid = sqlx::query_scalar("select id from invocations")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    let page = ann.get(&format!("/invocations/{invocation}")).await;
    let text = page.text("main");
    assert!(text.contains("does not verify the server's certificate, which strict mode"), "{text}");

    app.change_webhook(&webhook, &WebhookBuilder::reopen(&logpoint).file(), EMAIL).await;
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 1).await;
    assert_eq!(logpoint.requests().len(), 1);
    app.finish().await;
}
