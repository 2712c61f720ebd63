//! Trying a form out with an event that was received.

use gatepost::identity::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::with;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::user::TestUser;
use crate::support::{TestApp, event, http};

/// A request of Bo, and the id that its event got.
async fn received(app: &TestApp, trigger: &str, request: &str) -> String {
    let token = app.token(Scope::Events).await;
    send(app, &token, trigger, request).await
}

async fn send(app: &TestApp, token: &str, trigger: &str, request: &str) -> String {
    let mut one = event(trigger, request);
    one["data"]["requester"]["email"] = "bo@example.com".into();
    one["event_time"] = serde_json::from_str("1764022000.123456789").unwrap();
    let (_, answer) = app.send(token, &one).await;
    answer["events"][0]["id"].as_str().unwrap().to_owned()
}

async fn forget(app: &TestApp, id: &str) {
    sqlx::query("delete from events where id = $1::uuid")
        .bind(uuid::Uuid::parse_str(id).unwrap())
        .execute(app.database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_menus_offer_samples_and_what_was_received() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let before = ann.get("/webhooks/new").await;
    assert_eq!(before.texts("#test_event option").len(), 6);
    let id = received(&app, "Granted", "77").await;
    let seen = ann.get("/webhooks/new").await;
    for menu in ["#test_event", "#preview_event"] {
        let labels = seen.texts(&format!("{menu} option"));
        assert_eq!(labels[0], "Sample: Created");
        assert_eq!(labels[6], "AR-77 · Granted · just now");
        assert_eq!(seen.text(&format!("{menu} [selected]")), "Sample: Created");
        let value = seen.attribute(&format!("{menu} optgroup + optgroup option"), "value");
        assert_eq!(value.unwrap(), id);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_test_sends_the_event_that_was_chosen_to_the_letter() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    let id = received(&app, "Expired", "77").await;
    let url = logpoint.url("/x");
    let mut form = vec![("url", url.as_str()), ("tls_verify", "none"), ("test_event", &id)];
    ann.get("/webhooks/new").await;
    let result = ann.post_part("/webhooks/test", &with(&form)).await;
    let sent = logpoint.requests().pop().unwrap();
    let payload: String = sqlx::query_scalar("select payload from events")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    // No body template: as received, with every digit.
    assert_eq!(String::from_utf8(sent.body).unwrap(), payload);
    assert!(payload.contains("1764022000.123456789"));
    let panel = ann.get(&result.attribute("a.link", "href").unwrap()).await;
    assert!(panel.text("main").contains("Test · Expired"), "{}", panel.body);

    // Without scripts the whole form comes back, and what was chosen stays chosen.
    form.push(("body_template", "{\"who\": \"{{data.requester.email}}\"}"));
    form.push(("preview_event", "Failed"));
    let page = ann.post("/webhooks/test", &with(&form)).await;
    assert_eq!(logpoint.requests().pop().unwrap().json()["who"], "bo@example.com");
    assert!(page.text("#test_event [selected]").starts_with("AR-77 · Expired"));
    assert_eq!(page.text("#preview_event [selected]"), "Sample: Failed");
    app.finish().await;
}

#[tokio::test]
async fn the_preview_shows_the_event_that_was_chosen() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let id = received(&app, "Granted", "77").await;
    ann.get("/webhooks/new").await;
    let body = "{\"who\": \"{{data.requester.email}}\", \"at\": {{event_time}}}";
    let form = with(&[("body_template", body), ("preview_event", &id)]);
    let seen = ann.post_part("/webhooks/preview", &form).await;
    let shown = seen.text("pre.code");
    assert!(shown.contains("bo@example.com") && shown.contains("1764022000.123456789"), "{shown}");
    app.finish().await;
}

#[tokio::test]
async fn an_event_that_is_gone_is_told_and_nothing_is_sent() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    let id = received(&app, "Granted", "77").await;
    ann.get("/webhooks/new").await;
    forget(&app, &id).await;
    let url = logpoint.url("/x");
    let form = with(&[("url", &url), ("test_event", &id), ("preview_event", &id)]);
    let tested = ann.post_part("/webhooks/test", &form).await;
    let told = "Nothing was sent: This event was removed";
    assert!(tested.text(".result-detail").starts_with(told), "{}", tested.body);
    let page = ann.post("/webhooks/test", &form).await;
    assert!(page.text("#test-result .result-detail").starts_with(told), "{}", page.body);
    let preview = ann.post_part("/webhooks/preview", &form).await;
    assert!(preview.text(".problems").contains("retention policy"), "{}", preview.body);
    assert!(logpoint.requests().is_empty());
    app.finish().await;
}

#[tokio::test]
async fn older_events_are_found_by_request_and_requester() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let token = app.token(Scope::Events).await;
    send(&app, &token, "Granted", "77").await;
    send(&app, &token, "Created", "90_%").await;
    for (query, expected) in [
        ("", vec!["AR-90_%", "AR-77"]),
        ("?q=ar-7", vec!["AR-77"]),
        ("?q=BO@", vec!["AR-90_%", "AR-77"]),
        ("?q=0_%25", vec!["AR-90_%"]),
        ("?q=nobody", vec![]),
    ] {
        let path = format!("/webhooks/events{query}");
        assert_eq!(ann.get(&path).await.texts(".schema-path"), expected, "{query}");
        let panel = ann.get_part(&path).await;
        assert_eq!(panel.texts("button .schema-path"), expected, "{query}");
    }
    app.finish().await;
}

/// Sends a form and goes away before there is an answer.
async fn begin_and_leave(
    ann: &mut TestUser,
    url: &str,
    target: &TcpListener,
) -> tokio::net::TcpStream {
    ann.get("/webhooks/new").await;
    let fields = with(&[("url", url), ("timeout_in_sec", "60"), ("body_template", "{}")]);
    let request = ann.form("/webhooks/test", &fields).header("cookie", ann.cookie().to_owned());
    let sending = request.send();
    tokio::pin!(sending);
    tokio::select! {
        answer = &mut sending => panic!("it was answered: {answer:?}"),
        reached = target.accept() => reached.unwrap().0,
    }
    // Here the request is dropped, and with it its connection.
}

#[tokio::test]
async fn a_test_that_nobody_waits_for_any_more_is_broken_off() {
    let app = TestApp::start_with(|config| config.allow_http = true).await;
    let mut ann = app.admin().await;
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/slow", target.local_addr().unwrap());
    let mut exchange = begin_and_leave(&mut ann, &url, &target).await;
    // Gatepost closes the connection to the target, long before the timeout of a minute.
    let mut rest = Vec::new();
    tokio::time::timeout(crate::support::app::WAIT_TIMEOUT, exchange.read_to_end(&mut rest))
        .await
        .expect("the exchange went on")
        .unwrap();
    let sent = String::from_utf8(rest).unwrap();
    assert!(sent.starts_with("POST /slow HTTP/1.1"), "{sent}");
    drop(exchange.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await);
    // And it goes on serving.
    let seen = http().get(app.url("/healthz")).send().await.unwrap();
    assert_eq!(seen.status(), 200);
    app.finish().await;
}
