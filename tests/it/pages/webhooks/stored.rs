//! Testing and previewing a form with stored events.

use gatepost::identity::Scope;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::with;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::user::TestUser;
use crate::support::{TestApp, event, http};

/// Receives an event of Bo's access request. Returns the id of the event.
async fn receive(app: &TestApp, trigger: &str, request: &str) -> String {
    let token = app.token(Scope::Events).await;
    send(app, &token, trigger, request).await
}

async fn send(app: &TestApp, token: &str, trigger: &str, request: &str) -> String {
    let mut one = event(trigger, request);
    one["data"]["requester"]["email"] = "bo@example.com".into();
    one["event_time"] = serde_json::from_str("1764022000.123456789").unwrap();
    let (_, response) = app.send(token, &one).await;
    response["events"][0]["id"].as_str().unwrap().to_owned()
}

async fn delete_event(app: &TestApp, id: &str) {
    sqlx::query("delete from events where id = $1::uuid")
        .bind(uuid::Uuid::parse_str(id).unwrap())
        .execute(app.database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_menus_list_samples_and_received_events() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let before = ann.get("/webhooks/new").await;
    assert_eq!(before.texts("#test_event option").len(), 7);
    let id = receive(&app, "Granted", "77").await;
    let seen = ann.get("/webhooks/new").await;
    for menu in ["#test_event", "#preview_event"] {
        let labels = seen.texts(&format!("{menu} option"));
        assert_eq!(labels[0], "Sample: Created");
        assert_eq!(labels[7], "AR-77 · Granted · just now");
        assert_eq!(seen.text(&format!("{menu} [selected]")), "Sample: Created");
        let value = seen.attribute(&format!("{menu} optgroup + optgroup option"), "value");
        assert_eq!(value.unwrap(), id);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_test_sends_the_chosen_event_byte_for_byte() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    let id = receive(&app, "Expired", "77").await;
    let url = logpoint.url("/x");
    let mut form = vec![("url", url.as_str()), ("tls_verify", "none"), ("test_event", &id)];
    ann.get("/webhooks/new").await;
    let result = ann.post_part("/webhooks/test", &with(&form)).await;
    let sent = logpoint.requests().pop().unwrap();
    let payload: String = sqlx::query_scalar("select payload from events")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    // Without a body template, the event is sent as received, with every digit.
    assert_eq!(String::from_utf8(sent.body).unwrap(), payload);
    assert!(payload.contains("1764022000.123456789"));
    let panel = ann.get(&result.attribute("a.link", "href").unwrap()).await;
    assert!(panel.text("main").contains("Test · Expired"), "{}", panel.body);

    // Without scripts, the response is the whole form with the selected events.
    form.push(("body_template", "{\"who\": \"{{data.requester.email}}\"}"));
    form.push(("preview_event", "Failed"));
    let page = ann.post("/webhooks/test", &with(&form)).await;
    assert_eq!(logpoint.requests().pop().unwrap().json()["who"], "bo@example.com");
    assert!(page.text("#test_event [selected]").starts_with("AR-77 · Expired"));
    assert_eq!(page.text("#preview_event [selected]"), "Sample: Failed");
    app.finish().await;
}

#[tokio::test]
async fn the_preview_shows_the_chosen_event() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let id = receive(&app, "Granted", "77").await;
    ann.get("/webhooks/new").await;
    let body = "{\"who\": \"{{data.requester.email}}\", \"at\": {{event_time}}}";
    let form = with(&[("body_template", body), ("preview_event", &id)]);
    let seen = ann.post_part("/webhooks/preview", &form).await;
    let shown = seen.text("pre.code");
    assert!(shown.contains("bo@example.com") && shown.contains("1764022000.123456789"), "{shown}");
    app.finish().await;
}

#[tokio::test]
async fn nothing_is_sent_for_a_removed_event() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    let id = receive(&app, "Granted", "77").await;
    ann.get("/webhooks/new").await;
    delete_event(&app, &id).await;
    let url = logpoint.url("/x");
    let form = with(&[("url", &url), ("test_event", &id), ("preview_event", &id)]);
    let tested = ann.post_part("/webhooks/test", &form).await;
    let message = "Nothing was sent: This event was removed";
    assert!(tested.text(".result-detail").starts_with(message), "{}", tested.body);
    let page = ann.post("/webhooks/test", &form).await;
    assert!(page.text("#test-result .result-detail").starts_with(message), "{}", page.body);
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

/// Submits a form and disconnects before the response.
async fn submit_and_disconnect(
    ann: &mut TestUser,
    url: &str,
    target: &TcpListener,
) -> tokio::net::TcpStream {
    ann.get("/webhooks/new").await;
    let fields = with(&[("url", url), ("timeout_in_sec", "60"), ("body_template", "{}")]);
    let request = ann.form("/webhooks/test", &fields).header("cookie", ann.cookie_header());
    let sending = request.send();
    tokio::pin!(sending);
    tokio::select! {
        response = &mut sending => panic!("unexpected response: {response:?}"),
        reached = target.accept() => reached.unwrap().0,
    }
    // Dropping the request closes its connection.
}

#[tokio::test]
async fn a_test_is_cancelled_when_its_client_disconnects() {
    let app = TestApp::start_with(|config| config.allow_http = true).await;
    let mut ann = app.admin().await;
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/slow", target.local_addr().unwrap());
    let mut exchange = submit_and_disconnect(&mut ann, &url, &target).await;
    // Gatepost closes the connection to the target, long before the timeout of a minute.
    let mut rest = Vec::new();
    tokio::time::timeout(crate::support::app::WAIT_TIMEOUT, exchange.read_to_end(&mut rest))
        .await
        .expect("the exchange was not cancelled")
        .unwrap();
    let sent = String::from_utf8(rest).unwrap();
    assert!(sent.starts_with("POST /slow HTTP/1.1"), "{sent}");
    drop(exchange.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await);
    // Gatepost still serves requests.
    let seen = http().get(app.url("/healthz")).send().await.unwrap();
    assert_eq!(seen.status(), 200);
    app.finish().await;
}
