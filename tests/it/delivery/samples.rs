//! Sample access requests: events with values that a user enters, sent one after the other.

use serde_json::Value;

use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::FakeLogpoint;
use crate::support::scenario::Scenario;
use crate::support::user::{TestResponse, TestUser};

/// Fills the form as it is proposed, with other values, and sends it.
async fn send(user: &mut TestUser, query: &str, values: &[(&str, &str)]) -> TestResponse {
    let form = user.get(&format!("/events/samples/new{query}")).await;
    let proposed = ["friendly_id", "requester", "grantee", "integration", "integration_type"];
    let more =
        ["resource_type", "resource", "permission", "access_flow", "bundle", "justification"];
    let webhook = form.attribute("[name=webhook]", "value").unwrap_or_default();
    let mut fields: Vec<(&str, String)> =
        proposed.iter().chain(&more).map(|name| (*name, value(&form, name))).collect();
    fields.extend([
        ("webhook", webhook),
        ("pause", "0".to_owned()),
        ("path", "granted".to_owned()),
    ]);
    for (name, value) in values {
        fields.retain(|(known, _)| known != name);
        fields.push((name, (*value).to_owned()));
    }
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    user.post("/events/samples", &fields).await
}

/// The value of an input.
fn value(page: &TestResponse, id: &str) -> String {
    page.attribute(&format!("#{id}"), "value").unwrap_or_default()
}

/// The types of the events that arrived.
fn types(logpoint: &FakeLogpoint) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    logpoint.requests().iter().map(|request| text(&request.json()["type"])).collect()
}

async fn count_events(app: &TestApp, count: i64) {
    app.wait_until("the events", async || {
        let found: i64 = sqlx::query_scalar("select count(*) from events")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
        found == count
    })
    .await;
}

#[tokio::test]
async fn a_sample_goes_to_all_webhooks_that_match_and_is_explained() {
    let Scenario { app, logpoint, .. } = Scenario::start().await;
    let other = WebhookBuilder::new("Staging only", &logpoint.url("/reopen_incident"))
        .with("filters", serde_json::json!({ "integration": ["staging db"] }));
    app.webhooks(&other.file()).await;
    let mut ann = app.admin().await;
    let sent = send(&mut ann, "", &[("integration", "prod-eu"), ("friendly_id", "AR-777")]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    count_events(&app, 4).await;
    app.wait_for("delivered", 2).await;
    assert_eq!(types(&logpoint), ["AccessRequestCreated", "AccessRequestGranted"]);
    let id = logpoint.requests()[0].json()["request"].as_str().unwrap().to_owned();
    assert!(id.starts_with("gatepost-sample-"), "{id}");

    let progress = ann.get(sent.location()).await;
    assert!(progress.text("#sample").contains("Finished."), "{}", progress.text("#sample"));
    let badges = ["1 delivered", "not sent", "1 delivered", "not sent"];
    assert_eq!(progress.texts("#sample .badge"), badges);

    // It is marked in the list, and every webhook is explained like for an event of Apono.
    let list = ann.get("/events?q=AR-777").await;
    assert_eq!(list.texts("#events-table tbody tr").len(), 4);
    assert_eq!(
        list.texts("#events-table td .badge.quiet").iter().filter(|it| *it == "Sample").count(),
        4
    );
    let deliveries = ann.get("/deliveries").await;
    assert_eq!(deliveries.texts("#deliveries-table td .badge.quiet"), ["Sample", "Sample"]);
    let delivery = deliveries.attribute("#deliveries-table td.name a", "href").unwrap();
    assert!(ann.get(&delivery).await.text("#delivery-facts").contains("Sample"));
    let webhook = ann.first_webhook().await;
    assert_eq!(ann.get(&webhook).await.texts("#recent-deliveries .badge.quiet"), ["Sample"; 2]);
    let created = progress.attribute("#sample li:first-child a", "href").unwrap();
    let page = ann.get(&created).await;
    let explained = page.texts(".explained tbody tr").join("\n");
    assert!(
        explained.contains("Filter Integration: \"prod-eu\" matches none of staging db"),
        "{explained}"
    );
    assert!(page.text(".facts").contains("Sent to all webhooks that matched"));
    assert_eq!(page.attribute(".facts a[href*=samples]", "href").unwrap(), sent.location());
    let approved = progress.attribute("#sample li:nth-child(2) a", "href").unwrap();
    let explained = ann.get(&approved).await.texts(".explained tbody tr").join("\n");
    assert!(explained.contains("Trigger Approved is not selected"), "{explained}");
    // Menus of received events and values for filters do not offer it.
    assert!(!ann.get("/webhooks/new").await.body.contains("AR-777"));
    app.finish().await;
}

#[tokio::test]
async fn a_sample_goes_to_one_webhook_whatever_its_conditions() {
    let scenario = Scenario::with_webhook(|webhook| webhook.triggers(&["Expired"])).await;
    let Scenario { app, logpoint, webhook, .. } = scenario;
    let other = WebhookBuilder::new("Other", &logpoint.url("/other"));
    app.webhooks(&other.file()).await;
    let mut ann = app.admin().await;
    let query = format!("?webhook={webhook}");
    let sent = send(&mut ann, &query, &[("to", "one"), ("path", "failed")]).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    app.wait_for("delivered", 3).await;
    let expected = ["AccessRequestCreated", "AccessRequestApproved", "AccessRequestFailed"];
    assert_eq!(types(&logpoint), expected);
    assert!(ann.get(sent.location()).await.text("#sample").contains("for Reopen"));
    // An inactive webhook would keep the events until it is activated.
    ann.get("/webhooks").await;
    ann.post(&format!("/webhooks/{webhook}/active"), &[("active", "false")]).await;
    let refused = send(&mut ann, &query, &[("to", "one")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text("[role=alert]").contains("This webhook is inactive"));
    app.finish().await;
}

#[tokio::test]
async fn invalid_values_are_reported_and_kept() {
    let Scenario { app, .. } = Scenario::start().await;
    let mut ann = app.admin().await;
    let long = "x".repeat(201);
    let values = [
        ("friendly_id", ""),
        ("resource", long.as_str()),
        ("bundle", "a\u{7}b"),
        ("grantee", "Zoë"),
    ];
    let page = send(&mut ann, "", &values).await;
    assert_eq!(page.status, 422);
    assert!(page.text("#friendly_id-error").contains("Enter a value"));
    assert!(page.text("#resource-error").contains("Too long: 201 characters"));
    assert!(page.text("#bundle-error").contains("control character"));
    assert_eq!(value(&page, "grantee"), "Zoë");
    let page = send(&mut ann, "", &[("path", "one"), ("one", "Manual")]).await;
    assert!(page.text("[role=alert]").contains("Choose the events to send"));
    let page =
        send(&mut ann, "?webhook=019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11", &[("to", "one")]).await;
    assert!(page.text("[role=alert]").contains("There is no such webhook"));
    count_events(&app, 0).await;
    app.finish().await;
}

#[tokio::test]
async fn a_sample_with_pauses_continues_after_a_restart_and_can_be_stopped() {
    let Scenario { app, logpoint, .. } = Scenario::start().await;
    let mut ann = app.admin().await;
    let sent = send(&mut ann, "", &[("pause", "60")]).await;
    count_events(&app, 1).await;
    let page = ann.get(sent.location()).await;
    assert!(page.text("#sample").contains("Sending."), "{}", page.text("#sample"));
    assert_eq!(page.texts("#sample .badge.quiet"), ["Not sent yet"; 3]);
    let app = app.restart().await;
    app.advance(std::time::Duration::from_secs(61)).await;
    count_events(&app, 2).await;
    let mut ann = app.admin().await;
    ann.get(sent.location()).await;
    ann.post(&format!("{}/stop", sent.location()), &[]).await;
    app.advance(std::time::Duration::from_mins(10)).await;
    // A later sample is sent, and nothing of the stopped one.
    send(&mut ann, "", &[("path", "one"), ("one", "Granted")]).await;
    count_events(&app, 3).await;
    app.wait_for("delivered", 2).await;
    assert_eq!(types(&logpoint), ["AccessRequestCreated", "AccessRequestGranted"]);
    app.finish().await;
}
