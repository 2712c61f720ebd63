//! The page of an event: what became of it at every webhook, and why.

use std::collections::BTreeMap;

use gatepost::identity::Scope;
use serde_json::{Value, json};

use crate::support::app::EMAIL;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::scenario::Scenario;
use crate::support::user::{TestResponse, TestUser};
use crate::support::{TestApp, event};

/// Sends an event and returns its id.
async fn receive(app: &TestApp, token: &str, event: &Value) -> String {
    let (status, response) = app.send(token, event).await;
    assert_eq!(status, 202, "{response}");
    response["events"][0]["id"].as_str().unwrap().to_owned()
}

/// Returns what the page of an event says about each webhook.
fn outcomes(page: &TestResponse) -> BTreeMap<String, String> {
    let names = page.texts(".explained td.name");
    names.into_iter().zip(page.texts(".explained td:nth-child(2)")).collect()
}

async fn open(ann: &mut TestUser, id: &str) -> TestResponse {
    let page = ann.get(&format!("/events/{id}")).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

#[tokio::test]
async fn every_reason_is_named_with_the_values_found_and_wanted() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let named = |name: &str| WebhookBuilder::reopen(&logpoint).name(name);
    let filtered = |name: &str, filters: Value| named(name).with("filters", filters);
    for webhook in [
        named("Sent"),
        named("Inactive").with("active", false),
        named("Expired only").triggers(&["Expired"]),
        filtered("Production", json!({"integration": ["prod-*"]})),
        filtered("Excluded", json!({"requester": {"none_of": ["*@example.com"]}})),
        filtered("No bundle", json!({"bundle": ["DBA"], "approval": ["automatic"]})),
        filtered("Groups", json!({"integration": ["staging*"], "resource_type": ["Bucket"]})),
    ] {
        app.webhooks(&webhook.file()).await;
    }
    let mut ann = app.admin().await;
    let gone = app.webhooks(&named("Gone").file()).await.remove(0);
    let path = format!("/webhooks/{gone}/delete");
    ann.get(&path).await;
    assert_eq!(ann.post(&path, &[]).await.status, 303);
    let token = app.token(Scope::Events).await;
    let mut granted = event("Granted", "7");
    granted["data"]["access_bundle"] = Value::Null;
    granted["data"]["access_groups"] = json!([
        {"integration": {"name": "staging db"}},
        {"integration": {"name": "other"}, "resource_types": [{"name": "Bucket"}]},
    ]);
    let id = receive(&app, &token, &granted).await;
    app.wait_for("delivered", 1).await;
    app.webhooks(&named("Later").file()).await;

    let page = open(&mut ann, &id).await;
    assert_eq!(page.text("h1"), "AR-7 · Granted");
    assert_eq!(page.text(".head .badge"), "1 delivered");
    let found = outcomes(&page);
    for (name, expected) in [
        ("Sent", "Delivered"),
        ("Inactive", "Not sent Inactive"),
        ("Expired only", "Not sent Trigger Granted is not selected"),
        (
            "Production",
            "Not sent Filter Integration: \"other\" and \"staging db\" match none of prod-*",
        ),
        (
            "Excluded",
            "Not sent Filter Requester: \"user@example.com\" matches *@example.com, which is excluded",
        ),
        (
            "No bundle",
            "Not sent Filter Bundle: the event has no value, and DBA is required; \
             Filter Approval: \"manual\" matches none of automatic",
        ),
        ("Groups", "Not sent No single access group matches all of Integration and Resource type"),
        ("Gone (deleted)", "Not sent Deleted before this event"),
        ("Later", "Not sent Created after this event"),
    ] {
        assert_eq!(found.get(name).map(String::as_str), Some(expected), "{name}: {found:?}");
    }
    assert_eq!(found.len(), 9);
    // Webhooks with a delivery come first, and lead to it.
    assert_eq!(page.texts(".explained td.name")[0], "Sent");
    let delivery = page.attribute(".explained a.badge", "href").unwrap();
    let delivery = ann.get(&delivery).await;
    assert_eq!(
        delivery.attribute(".facts dd a[href^='/events/']", "href").unwrap(),
        format!("/events/{id}")
    );
    assert!(page.text("#payload").contains("1696263265.851898000"));
    app.finish().await;
}

#[tokio::test]
async fn the_settings_of_that_time_decide() {
    let Scenario { app, logpoint, webhook, token } =
        Scenario::with_webhook(|webhook| webhook.triggers(&["Expired"])).await;
    let mut ann = app.admin().await;
    let granted = receive(&app, &token, &event("Granted", "1")).await;
    let changed = WebhookBuilder::reopen(&logpoint).triggers(&["Granted"]);
    app.change_webhook(&webhook, &changed.clone().file(), EMAIL).await;
    let expired = receive(&app, &token, &event("Expired", "2")).await;
    app.change_webhook(&webhook, &changed.clone().with("active", false).file(), EMAIL).await;
    let inactive = receive(&app, &token, &event("Granted", "3")).await;
    app.change_webhook(&webhook, &changed.triggers(&["Created"]).file(), EMAIL).await;
    for (id, reason) in [
        (&granted, "Not sent Trigger Granted is not selected"),
        (&expired, "Not sent Trigger Expired is not selected"),
        (&inactive, "Not sent Inactive"),
    ] {
        assert_eq!(outcomes(&open(&mut ann, id).await)["Reopen"], reason);
    }
    // Old revisions are not kept forever.
    sqlx::query("delete from webhook_revisions where number < 3")
        .execute(app.database.pool())
        .await
        .unwrap();
    let found = outcomes(&open(&mut ann, &granted).await);
    assert_eq!(
        found["Reopen"],
        "Not sent The webhook's settings of that time are no longer stored"
    );
    app.finish().await;
}

#[tokio::test]
async fn events_of_a_paused_webhook_are_kept() {
    let Scenario { app, logpoint, webhook, token } =
        Scenario::with_webhook(|webhook| webhook.with("ordered", false)).await;
    logpoint.behave([Behaviour::Status(410, String::new())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_until("the webhook to be paused", async || {
        let sql = "select count(*) from webhooks where paused_because is not null";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(app.database.pool()).await.unwrap() == 1
    })
    .await;
    // The instance routes by the new settings once it has loaded them.
    let app = app.restart().await;
    let mut ann = app.admin().await;
    let kept = receive(&app, &token, &event("Granted", "2")).await;
    let skipped = receive(&app, &token, &event("Expired", "3")).await;
    app.wait_for("held", 2).await;
    let found = outcomes(&open(&mut ann, &kept).await);
    assert_eq!(found["Reopen"], "On hold Paused: kept until the webhook is activated");
    let path = format!("/webhooks/{webhook}/active");
    ann.get("/webhooks").await;
    ann.post(&path, &[("active", "true")]).await;
    app.wait_for("delivered", 2).await;
    assert_eq!(outcomes(&open(&mut ann, &kept).await)["Reopen"], "Delivered");
    // It was paused, so it was not inactive: the conditions decided.
    let found = outcomes(&open(&mut ann, &skipped).await);
    assert_eq!(found["Reopen"], "Not sent Trigger Expired is not selected");
    app.finish().await;
}

#[tokio::test]
async fn manual_sends_samples_and_duplicates_are_explained_as_what_they_are() {
    let Scenario { app, logpoint, webhook, token } =
        Scenario::with_webhook(|webhook| webhook.triggers(&["Created", "Manual"])).await;
    app.webhooks(&WebhookBuilder::reopen(&logpoint).name("Other").file()).await;
    let mut ann = app.admin().await;
    let id = receive(&app, &token, &event("Expired", "7")).await;
    assert_eq!(receive(&app, &token, &event("Expired", "7")).await, id, "a duplicate");
    let page = open(&mut ann, &id).await;
    assert!(page.text(".facts").contains("within 7 days"));
    // From the event to a manual send of it, when it is not among the newest any more.
    let batch: Vec<Value> = (0..30).map(|n| event("Expired", &format!("x{n}"))).collect();
    app.send(&token, &batch.into()).await;
    let send = page.attribute(".explained a.link", "href").unwrap();
    assert_eq!(page.texts(".explained a.link").len(), 1, "only one allows manual sends");
    let form = ann.get(&send).await;
    assert_eq!(form.attribute("option[selected]", "value").unwrap(), id);
    let path = format!("/webhooks/{webhook}/send");
    let delivery = ann.post(&path, &[("event", &id)]).await.location().to_owned();
    app.wait_for("delivered", 1).await;
    let page = open(&mut ann, &id).await;
    let found = outcomes(&page);
    assert_eq!(
        found["Reopen"],
        "Delivered Sent manually by ann.ngo@example.com: Delivered \
         Not sent When received: Trigger Expired is not selected"
    );
    assert_eq!(found["Other"], "Not sent Trigger Expired is not selected");
    assert_eq!(page.attribute(".explained a.badge", "href").unwrap(), delivery);

    let sample = ann.post(&path, &[("event", "Created")]).await.location().to_owned();
    app.wait_for("delivered", 2).await;
    let sample = ann.get(&sample).await;
    let event = sample.attribute(".facts dd a[href^='/events/']", "href").unwrap();
    let page = ann.get(&event).await;
    assert_eq!(page.texts(".head .badge"), ["Sample", "1 delivered"]);
    assert!(!page.text(".facts").contains("within 7 days"));
    let found = outcomes(&page);
    assert_eq!(found["Reopen"], "Delivered Sent manually by ann.ngo@example.com: Delivered");
    assert_eq!(
        found["Other"],
        "Not sent A sample is sent only to the webhook that it was made for"
    );
    app.finish().await;
}

#[tokio::test]
async fn the_timeline_has_the_events_of_the_access_request() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    let mut ann = app.admin().await;
    let mut ids = Vec::new();
    for trigger in ["Created", "Approved", "Granted"] {
        ids.push(receive(&app, &token, &event(trigger, "7")).await);
        receive(&app, &token, &event(trigger, "8")).await;
    }
    app.wait_for("delivered", 4).await;
    let page = open(&mut ann, &ids[1]).await;
    let lines = page.texts(".timeline li");
    let expected = ["Created 1 delivered", "Approved not sent this event", "Granted 1 delivered"];
    assert_eq!(lines.len(), 3);
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert_eq!(page.texts(".timeline a").len(), 2);
    let first = page.attribute(".timeline a", "href").unwrap();
    assert_eq!(first, format!("/events/{}", ids[0]));
    app.finish().await;
}

#[tokio::test]
async fn many_webhooks_are_paged_and_can_be_filtered() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let sent = WebhookBuilder::reopen(&logpoint).name("Sent last");
    for n in 0..60 {
        let sql = "insert into webhooks (id, name, active, definition, created_at, updated_at)
                   values (gen_random_uuid(), $1, false, $2, now(), now())";
        let definition = json!({"name": format!("Archive {n}"), "active": false,
            "type": {"http_request": {"url": "https://10.0.0.5/x"}}, "triggers": ["Granted"]});
        sqlx::query(sql)
            .bind(format!("Archive {n}"))
            .bind(definition.to_string())
            .execute(app.database.pool())
            .await
            .unwrap();
    }
    app.webhooks(&sent.file()).await;
    let token = app.token(Scope::Events).await;
    let id = receive(&app, &token, &event("Granted", "7")).await;
    app.wait_for("delivered", 1).await;
    let mut ann = app.admin().await;
    let mut names = Vec::new();
    let mut path = format!("/events/{id}");
    for count in [50, 11] {
        let page = ann.get(&path).await;
        let found = page.texts(".explained td.name");
        assert_eq!(found.len(), count);
        names.extend(found);
        path = page.attribute("a[rel=next]", "href").unwrap_or_default();
    }
    assert_eq!((path.as_str(), names[0].as_str()), ("", "Sent last"));
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 61, "each webhook once");
    for (query, count) in [
        ("q=archive+1", 11),
        ("q=SENT", 1),
        ("show=sent", 1),
        ("show=not_sent", 50),
        ("show=not_sent&q=last", 0),
        ("show=sent&q=archive", 0),
        ("after=nonsense", 50),
    ] {
        let part = ann.get_part(&format!("/events/{id}?{query}")).await;
        assert_eq!(part.texts(".explained tbody tr").len(), count, "{query}");
        assert!(part.texts("h1").is_empty());
        if count == 0 {
            assert_eq!(part.text(".none"), "No matching webhooks. Clear filters");
        }
    }
    app.finish().await;
}
