//! `GET /api/v1/events/{id}/explain`.

use gatepost::identity::Scope;
use serde_json::{Value, json};

use crate::support::builders::WebhookBuilder;
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event, http};

async fn get(app: &TestApp, token: &str, path: &str) -> (u16, Value) {
    let url = app.url(&format!("/api/v1/events/{path}"));
    let response = http().get(url).bearer_auth(token).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn explains_an_event_for_every_webhook() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    let expired = WebhookBuilder::reopen(&logpoint).name("Expired").triggers(&["Expired"]);
    let other = app.webhooks(&expired.file()).await.remove(0);
    let (_, sent) = app.send(&token, &event("Granted", "7")).await;
    let id = sent["events"][0]["id"].as_str().unwrap();
    app.wait_for("delivered", 1).await;
    let delivery: String = sqlx::query_scalar("select id::text from deliveries")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    for scope in [Scope::Read, Scope::Manage] {
        let reader = app.token(scope).await;
        let (status, mut found) = get(&app, &reader, &format!("{id}/explain")).await;
        assert_eq!(status, 200, "{found}");
        let received = found["event"].as_object_mut().unwrap().remove("received_at").unwrap();
        assert!(received.as_str().unwrap().ends_with('Z'), "{received}");
        assert_eq!(
            found,
            json!({
                "event": {"id": id, "trigger": "Granted", "event_type": "AccessRequestGranted", "request": "AR-7",
                    "requester": "user@example.com", "integrations": "prod db", "sample": false},
                "webhooks": [
                    {"id": webhook, "name": "Reopen", "deleted": false, "sent": true, "reason": null,
                        "text": "Delivered", "deliveries": [
                            {"id": delivery, "state": "delivered", "attempts": 1, "sent_manually_by": null}]},
                    {"id": other, "name": "Expired", "deleted": false, "sent": false, "reason": "trigger",
                        "text": "Trigger Granted is not selected", "deliveries": []},
                ],
                "next": null,
            })
        );
        // The page after the webhook that it was sent to.
        let (_, rest) = get(&app, &reader, &format!("{id}/explain?after={webhook}")).await;
        assert_eq!(rest["webhooks"].as_array().unwrap().len(), 1);
        assert_eq!(rest["webhooks"][0]["id"], other);
    }
    app.finish().await;
}

#[tokio::test]
async fn rejects_other_scopes_ids_and_methods() {
    let app = TestApp::start().await;
    let (events, reader) = (app.token(Scope::Events).await, app.token(Scope::Read).await);
    let unknown = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11/explain";
    let after = format!("{unknown}?after=x");
    for (token, path, status, expected) in [
        (&events, unknown, 403, "needs the scope read or manage"),
        (&reader, unknown, 404, "removed by the retention policy"),
        (&reader, "x/explain", 404, "no event with this id"),
        (&reader, &after, 422, "next"),
    ] {
        let (found, problem) = get(&app, token, path).await;
        assert_eq!(found, status, "{path}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{path}: {problem}");
    }
    let post = http().post(app.url(&format!("/api/v1/events/{unknown}"))).bearer_auth(&reader);
    let response = post.send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, HEAD");
    assert_eq!(
        http().get(app.url(&format!("/api/v1/events/{unknown}"))).send().await.unwrap().status(),
        401
    );
    app.finish().await;
}
