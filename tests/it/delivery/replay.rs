//! Replays of stored events to one webhook.

use serde_json::{Value, json};

use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, RecordedRequest};
use crate::support::process::{Server, gatepost, wait_long, with_admin, with_database};
use crate::support::scenario::Scenario;
use crate::support::user::{TestResponse, TestUser};
use crate::support::{TestApp, event};

/// A range that contains all events of a test.
const RANGE: [(&str, &str); 2] = [("from", "2020-01-01T00:00"), ("to", "2099-01-01T00:00")];

/// Fields of the form.
fn fields<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&RANGE, more].concat()
}

async fn dry_run(user: &mut TestUser, webhook: &str, more: &[(&str, &str)]) -> TestResponse {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields(more));
    user.get(&format!("/webhooks/{webhook}/replay?{}", query.finish())).await
}

/// Starts a replay. Returns the address of its progress.
async fn start(user: &mut TestUser, webhook: &str, more: &[(&str, &str)]) -> String {
    let path = format!("/webhooks/{webhook}/replay");
    user.get(&path).await;
    let started = user.post(&path, &fields(more)).await;
    assert_eq!(started.status, 303, "{}", started.body);
    started.location().to_owned()
}

/// Waits until a replay has queued and sent everything.
async fn replayed(app: &TestApp) {
    app.wait_until("the replay", async || {
        let open: i64 = sqlx::query_scalar(
            "select (select count(*) from replays where finished_at is null)
                  + (select count(*) from delivery_queue)",
        )
        .fetch_one(app.database.pool())
        .await
        .unwrap();
        open == 0
    })
    .await;
}

/// The type and the access request of each request.
fn sent(requests: &[RecordedRequest]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let parts = |request: &RecordedRequest| {
        let body = request.json();
        (text(&body["type"]), text(&body["request"]))
    };
    requests.iter().map(parts).collect()
}

/// Events of three access requests that were received before the webhook was added.
async fn past_events() -> (TestApp, FakeLogpoint, String, TestUser) {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(crate::support::logpoint::Options::default()).await;
    let token = app.token(gatepost::identity::Scope::Events).await;
    for trigger in ["Created", "Approved", "Granted"] {
        for request in ["1", "2", "3"] {
            app.send(&token, &event(trigger, request)).await;
        }
    }
    let webhook = app.webhooks(&WebhookBuilder::reopen(&logpoint).file()).await.remove(0);
    let user = app.admin().await;
    (app, logpoint, webhook, user)
}

#[tokio::test]
async fn past_events_go_to_a_new_webhook_in_their_order() {
    let (app, logpoint, webhook, mut ann) = past_events().await;
    let page = dry_run(&mut ann, &webhook, &[]).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.texts(".tally li"), ["6 would be sent", "3 do not match"]);
    assert_eq!(page.texts(".reasons li"), ["3 Trigger Approved is not selected"]);
    assert_eq!(page.texts(".past-list li").len(), 5, "the first requests");
    assert!(page.text(".past-list").contains("\"request\": \"1\""), "{}", page.text(".past-list"));
    assert!(page.text("form[action$='/replay'][method=post] button").contains("Replay 6 events"));
    assert!(logpoint.requests().is_empty(), "a dry run sends nothing");

    let progress = start(&mut ann, &webhook, &[]).await;
    replayed(&app).await;
    let requests = sent(&logpoint.requests());
    assert_eq!(requests.len(), 6);
    for request in ["1", "2", "3"] {
        let of_request: Vec<_> = requests.iter().filter(|(_, id)| id == request).collect();
        let types: Vec<&str> =
            of_request.iter().map(|(event_type, _)| event_type.as_str()).collect();
        assert_eq!(types, ["AccessRequestCreated", "AccessRequestGranted"]);
    }
    let page = ann.get(&progress).await;
    assert!(page.text("#replay").contains("All events queued."), "{}", page.text("#replay"));
    assert!(page.text("#replay .facts").contains("Delivered6"), "{}", page.text("#replay .facts"));
    assert!(
        ann.get(&format!("/webhooks/{webhook}"))
            .await
            .text("#replays + table")
            .contains("6 events")
    );
    // An event says by whom it was sent.
    let id: String = sqlx::query_scalar("select event_id::text from delivery_history limit 1")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    let page = ann.get(&format!("/events/{id}")).await;
    assert!(page.text(".explained").contains("Sent manually by ann.ngo@example.com"));
    app.finish().await;
}

#[tokio::test]
async fn events_are_repeated_only_on_request() {
    let Scenario { app, logpoint, webhook, token } = Scenario::start().await;
    for request in ["1", "2"] {
        app.send(&token, &event("Granted", request)).await;
    }
    app.wait_for("delivered", 2).await;
    app.send(&token, &event("Approved", "3")).await;
    let mut ann = app.admin().await;
    let page = dry_run(&mut ann, &webhook, &[]).await;
    let tally = ["0 would be sent", "1 does not match", "2 received before"];
    assert_eq!(page.texts(".tally li"), tally);
    assert!(
        page.html()
            .select(&scraper::Selector::parse("form[method=post][action$='/replay']").unwrap())
            .next()
            .is_none()
    );
    start(&mut ann, &webhook, &[]).await;
    replayed(&app).await;
    assert_eq!(logpoint.requests().len(), 2);

    let page = dry_run(&mut ann, &webhook, &[("repeat", "true"), ("events", "all")]).await;
    assert_eq!(page.texts(".tally li"), ["3 would be sent", "0 do not match"]);
    start(&mut ann, &webhook, &[("repeat", "true"), ("events", "all")]).await;
    replayed(&app).await;
    assert_eq!(logpoint.requests().len(), 5);
    // Now the approved one has been received too.
    let page = dry_run(&mut ann, &webhook, &[("events", "all")]).await;
    assert_eq!(page.texts(".tally li"), ["0 would be sent", "0 do not match", "3 received before"]);
    app.finish().await;
}

#[tokio::test]
async fn invalid_ranges_and_inactive_webhooks_are_reported() {
    let (app, logpoint, webhook, mut ann) = past_events().await;
    let get = |query: &str| format!("/webhooks/{webhook}/replay?{query}");
    let page = ann.get(&get("from=yesterday&to=2026-11-27T09:30")).await;
    assert_eq!(page.status, 422);
    assert!(page.text("#from-error").contains("\"yesterday\" is not a time"));
    assert_eq!(page.attribute("#to", "value").as_deref(), Some("2026-11-27T09:30"));
    let page = ann.get(&get("from=2026-11-27T09:30")).await;
    assert!(page.text("#to-error").contains("Enter a date and a time in UTC"));
    let page = ann.get(&get("from=2020-01-01T00:00&to=2020-01-02T00:00")).await;
    assert!(page.text("[role=alert]").contains("No events were received in this range"));
    ann.get(&format!("/webhooks/{webhook}")).await;
    ann.post(&format!("/webhooks/{webhook}/active"), &[("active", "false")]).await;
    let page = dry_run(&mut ann, &webhook, &[]).await;
    assert!(page.text(".banner").contains("Activate it"), "{}", page.text(".banner"));
    ann.get(&get("")).await;
    let refused = ann.post(&format!("/webhooks/{webhook}/replay"), &fields(&[])).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text("[role=alert]").contains("inactive"));
    assert_eq!(ann.get("/webhooks/019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11/replay").await.status, 404);
    assert!(logpoint.requests().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn the_request_shows_labels_of_secrets() {
    let (app, _logpoint, webhook, mut ann) = past_events().await;
    let page = dry_run(&mut ann, &webhook, &[]).await;
    assert!(!page.body.contains("demo-key"), "the dry run shows a secret");
    assert!(page.text(".past-list").contains("[secret:"), "{}", page.text(".past-list"));
    app.finish().await;
}

#[tokio::test]
async fn a_replay_waits_while_the_webhook_is_inactive_and_can_be_stopped() {
    let (app, logpoint, webhook, mut ann) = past_events().await;
    let activate = async |user: &mut TestUser, active: &str| {
        user.get(&format!("/webhooks/{webhook}")).await;
        user.post(&format!("/webhooks/{webhook}/active"), &[("active", active)]).await;
    };
    activate(&mut ann, "false").await;
    let insert = "insert into replays (id, webhook_id, received_from, received_until, ignores_filters, repeats, total,
                              last_event, requested_at, who)
         values (gen_random_uuid(), $1::uuid, now() - interval '1 day', now() + interval '1 hour', false, false, 9,
                 '00000000-0000-0000-0000-000000000000', now(), 'x')
         returning id::text";
    let id: String =
        sqlx::query_scalar(insert).bind(&webhook).fetch_one(app.database.pool()).await.unwrap();
    let progress = format!("/webhooks/{webhook}/replays/{id}");
    let page = ann.get(&progress).await;
    assert!(page.text("#replay .banner").contains("continues when it is activated"));
    ann.post(&format!("{progress}/stop"), &[]).await;
    let page = ann.get(&progress).await;
    assert!(page.text("#replay").contains("Stopped."), "{}", page.text("#replay"));
    activate(&mut ann, "true").await;
    app.advance(std::time::Duration::ZERO).await;
    // The next replay is queued after the stopped one would have been.
    start(&mut ann, &webhook, &[("events", "all")]).await;
    replayed(&app).await;
    assert_eq!(logpoint.requests().len(), 9, "each event is sent once");
    app.finish().await;
}

/// A server that is killed in the middle of a replay. Each event is sent, and no delivery is made twice.
#[tokio::test]
async fn a_replay_survives_kills() {
    const EVENTS: usize = 700;
    let scenario = Scenario::with_webhook(|webhook| webhook.triggers(&["Manual"])).await;
    let Scenario { app, logpoint, webhook, token } = scenario;
    let all: Vec<Value> = (0..EVENTS).map(|number| event("Granted", &number.to_string())).collect();
    app.send(&token, &json!(all)).await;
    let database = app.database.clone();
    let mut ann = app.admin().await;
    logpoint.behave([Behaviour::HangBeforeResponse]);
    start(&mut ann, &webhook, &[("events", "all")]).await;
    app.leave().await;
    for _ in 0..2 {
        let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
        let before = logpoint.requests().len();
        wait_long("some requests", async || logpoint.requests().len() > before + 20).await;
        server.kill().await;
        sqlx::query("update delivery_queue set leased_until = now() - interval '1 second' where state = 'leased'")
            .execute(database.pool())
            .await
            .unwrap();
    }
    let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
    wait_long("the replay", async || {
        let delivered: i64 =
            sqlx::query_scalar("select count(*) from delivery_history where state = 'delivered'")
                .fetch_one(database.pool())
                .await
                .unwrap();
        delivered == i64::try_from(EVENTS).unwrap()
    })
    .await;
    let (read, queued): (i64, i64) = sqlx::query_as("select read, queued from replays")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!((read, queued), (700, 700));
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
