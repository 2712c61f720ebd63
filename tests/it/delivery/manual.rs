//! Manual sends are processed like any other delivery.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::scenario::Scenario;
use crate::support::user::TestUser;
use crate::support::{TestApp, event};

/// A webhook for manual sends, with a filter that matches no event.
fn manual(webhook: WebhookBuilder) -> WebhookBuilder {
    webhook.triggers(&["Manual"]).with("filters", json!({ "integration": ["nothing-like-it"] }))
}

async fn send(ann: &mut TestUser, webhook: &str, event: &str) -> String {
    let path = format!("/webhooks/{webhook}/send");
    ann.get(&path).await;
    let sent = ann.post(&path, &[("event", event)]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    sent.location().to_owned()
}

async fn receive(app: &TestApp, token: &str, one: &Value) -> String {
    let (status, response) = app.send(token, one).await;
    assert_eq!((status, &response["events"][0]["duplicate"]), (202, &false.into()));
    response["events"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn sends_a_stored_event_regardless_of_filters_and_retries_it() {
    let Scenario { app, logpoint, webhook, token } = Scenario::with_webhook(manual).await;
    let mut ann = app.admin().await;
    let id = receive(&app, &token, &event("Expired", "7")).await;
    assert!(logpoint.requests().is_empty(), "sent without a manual send");

    logpoint.behave([Behaviour::Status(500, String::new())]);
    let delivery = send(&mut ann, &webhook, &id).await;
    app.wait_until("a failed attempt", async || logpoint.requests().len() == 1).await;
    app.wait_for("due", 1).await;
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 1).await;
    let sent = logpoint.requests()[1].json();
    assert_eq!((&sent["type"], &sent["try"]), (&"AccessRequestExpired".into(), &2.into()));
    let page = ann.get(&delivery).await;
    assert!(page.text(".facts").contains("by ann.ngo@example.com"), "{}", page.body);
    assert_eq!(page.texts(".attempts tbody tr").len(), 2);
    let attempt = page.attribute(".attempts a", "href").unwrap();
    assert!(ann.get(&attempt).await.text("main").contains("Manual · attempt"));
    app.finish().await;
}

#[tokio::test]
async fn waits_for_earlier_deliveries_of_the_access_request() {
    let Scenario { app, logpoint, webhook, token } =
        Scenario::with_webhook(|webhook| webhook.triggers(&["Created", "Manual"])).await;
    let mut ann = app.admin().await;
    let later = receive(&app, &token, &event("Granted", "7")).await;
    logpoint.behave([Behaviour::Status(500, String::new())]);
    receive(&app, &token, &event("Created", "7")).await;
    app.wait_until("a failed attempt", async || logpoint.requests().len() == 1).await;
    app.wait_for("due", 1).await;
    send(&mut ann, &webhook, &later).await;
    app.wait_for("waiting", 1).await;
    app.advance(Duration::from_secs(7)).await;
    app.wait_for("delivered", 2).await;
    let kinds: Vec<Value> =
        logpoint.requests().iter().map(|one| one.json()["type"].clone()).collect();
    let (created, granted) = ("AccessRequestCreated", "AccessRequestGranted");
    assert_eq!(kinds, [created, created, granted]);
    app.finish().await;
}

#[tokio::test]
async fn stores_a_sample_that_no_event_duplicates() {
    let Scenario { app, logpoint, webhook, token } = Scenario::with_webhook(manual).await;
    let mut ann = app.admin().await;
    for _ in 0..2 {
        send(&mut ann, &webhook, "Rejected").await;
    }
    app.wait_for("delivered", 2).await;
    assert_eq!(logpoint.requests()[1].json()["type"], "AccessRequestRejected");
    // The sample is in no menu and in no search result.
    let form = ann.get("/webhooks/new").await;
    assert_eq!(form.texts("#test_event option").len(), 7);
    assert!(ann.get("/webhooks/events").await.texts(".schema-path").is_empty());
    // A received event with the same content is not a duplicate.
    receive(&app, &token, &gatepost_sample()).await;
    app.finish().await;
}

fn gatepost_sample() -> Value {
    gatepost::model::event::sample(gatepost::model::Trigger::Rejected)
}

#[tokio::test]
async fn explains_how_to_allow_manual_sends() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let webhook = |name: &str| WebhookBuilder::reopen(&logpoint).name(name);
    let off = manual(webhook("Off")).with("active", false);
    let never = webhook("Never");
    let mut ann = app.admin().await;
    for (webhook, expected) in [(off, "Activate it first"), (never, "Add Manual to its triggers")] {
        let ids = app.webhooks(&webhook.file()).await;
        let path = format!("/webhooks/{}/send", ids[0]);
        let page = ann.get(&path).await;
        assert!(page.text("[role=alert]").contains(expected), "{}", page.body);
        assert!(page.texts("main form").is_empty());
        let rejected = ann.post(&path, &[("event", "Granted")]).await;
        assert_eq!(rejected.status, 422);
        assert!(rejected.text("[role=alert]").contains(expected), "{}", rejected.body);
        // The webhook's page does not offer the action.
        let page = ann.get(&format!("/webhooks/{}", ids[0])).await;
        assert!(page.texts("a[href$='/send']").is_empty(), "{}", page.body);
    }
    let ids = app.webhooks(&manual(webhook("Manual")).file()).await;
    let page = ann.get(&format!("/webhooks/{}", ids[0])).await;
    assert_eq!(page.texts("a[href$='/send']"), ["Send now"]);
    let path = format!("/webhooks/{}/send", ids[0]);
    let gone = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
    for (event, expected) in [(gone, "retention policy"), ("", "Choose an event")] {
        let rejected = ann.post(&path, &[("event", event)]).await;
        assert_eq!(rejected.status, 422);
        assert!(rejected.text("#event-error").contains(expected), "{}", rejected.body);
    }
    assert!(logpoint.requests().is_empty());
    app.finish().await;
}
