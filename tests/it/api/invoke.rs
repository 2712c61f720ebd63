//! `POST /api/v1/webhooks/{id}/invoke`.

use crate::support::builders::WebhookBuilder;
use gatepost::identity::Scope;
use serde_json::{Value, json};

use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::{TestApp, event, http};

async fn invoke(app: &TestApp, token: &str, webhook: &str, body: &str) -> (u16, Value) {
    let response = http()
        .post(app.url(&format!("/api/v1/webhooks/{webhook}/invoke")))
        .bearer_auth(token)
        .body(body.to_owned())
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn sends_a_stored_event_or_a_sample() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let yaml = WebhookBuilder::reopen(&logpoint).triggers(&["Manual"]).file();
    let ids = app.webhooks(&yaml).await;
    let (events, manage) = (app.token(Scope::Events).await, app.token(Scope::Manage).await);
    let (_, sent) = app.send(&events, &event("Expired", "7")).await;
    let known = json!({"event_id": sent["events"][0]["id"]}).to_string();
    for body in [known.as_str(), r#"{"sample": "Granted"}"#] {
        let (status, response) = invoke(&app, &manage, &ids[0], body).await;
        assert_eq!(status, 202, "{response}");
        assert!(response["delivery"].is_string());
    }
    app.wait_for("delivered", 2).await;
    let who: Vec<String> = sqlx::query_scalar("select who from manual_deliveries")
        .fetch_all(app.database.pool())
        .await
        .unwrap();
    assert_eq!(who, ["the token a token for manage", "the token a token for manage"]);
    app.finish().await;
}

#[tokio::test]
async fn explains_why_an_event_cannot_be_sent() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let never =
        app.webhooks(&WebhookBuilder::reopen(&logpoint).name("Never").file()).await.remove(0);
    let yaml = WebhookBuilder::reopen(&logpoint).name("By hand").triggers(&["Manual"]).file();
    let manual = app.webhooks(&yaml).await.remove(0);
    let (events, manage) = (app.token(Scope::Events).await, app.token(Scope::Manage).await);
    let gone = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
    let long = " ".repeat(70_000);
    let (sample, lost) = (r#"{"sample": "Granted"}"#, format!(r#"{{"event_id": "{gone}"}}"#));
    for (token, webhook, body, status, expected) in [
        (&events, manual.as_str(), sample, 403, "needs the scope manage"),
        (&manage, gone, sample, 404, "no webhook"),
        (&manage, "not-an-id", sample, 404, "no webhook"),
        (&manage, &never, sample, 422, "Add Manual to its triggers"),
        (&manage, &manual, &lost, 422, "not stored"),
        (&manage, &manual, "{}", 422, "either event_id"),
        (&manage, &manual, r#"{"sample": "Never"}"#, 422, "Never"),
        (&manage, &manual, r#"{"event": 1}"#, 422, "unknown field"),
        (&manage, &manual, "nonsense", 400, "expected"),
        (&manage, &manual, &long, 413, "too long"),
    ] {
        let (found, problem) = invoke(&app, token, webhook, body).await;
        assert_eq!(found, status, "{body}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{body}: {problem}");
    }
    assert!(logpoint.requests().is_empty());
    app.finish().await;
}
