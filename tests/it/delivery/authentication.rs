//! Access tokens of deliveries: caching, renewal and sharing.

use gatepost::identity::Scope;

use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

fn token(value: &str, seconds: u32) -> Behaviour {
    let body = format!(r#"{{"access_token": "{value}", "expires_in": {seconds}}}"#);
    Behaviour::Status(200, body)
}

/// A webhook whose token endpoint is on the same server.
fn webhook(server: &FakeLogpoint) -> String {
    format!(
        r#"webhooks:
  - name: With a token
    type: {{ http_request: {{ url: "{}" }} }}
    triggers: [Granted]
    authentication_config:
      oauth: {{ client_id: gatepost, client_secret: s3cret, token_endpoint_url: "{}", scopes: [write] }}
    tls: {{ verify: pinned, sha256: "{}" }}
"#,
        server.url("/x"),
        server.url("/token"),
        server.fingerprint()
    )
}

/// Returns path and `Authorization` of all requests.
fn received(server: &FakeLogpoint) -> Vec<(String, String)> {
    let requests = server.requests();
    let part = |value: Option<&str>| value.unwrap_or_default().to_owned();
    requests.iter().map(|one| (one.path.clone(), part(one.header("authorization")))).collect()
}

fn sent_with(value: &str) -> (String, String) {
    ("/x".to_owned(), format!("Bearer {value}"))
}

#[tokio::test]
async fn uses_one_token_for_several_deliveries() {
    let app = TestApp::start().await;
    let server = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&webhook(&server)).await;
    let key = app.token(Scope::Events).await;
    server.behave([token("first", 3600), Behaviour::Accept, Behaviour::Accept, Behaviour::Accept]);
    for n in 1..=3 {
        app.send(&key, &event("Granted", &n.to_string())).await;
        app.wait_for("delivered", n).await;
    }
    let seen = received(&server);
    assert_eq!(seen.len(), 4, "{seen:?}");
    assert_eq!(seen[1..], vec![sent_with("first"); 3]);
    app.finish().await;
}

#[tokio::test]
async fn does_not_send_an_expired_token() {
    let app = TestApp::start().await;
    let server = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&webhook(&server)).await;
    let key = app.token(Scope::Events).await;
    server.behave([token("first", 0), Behaviour::Accept, token("second", 3600), Behaviour::Accept]);
    for n in 1..=2 {
        app.send(&key, &event("Granted", &n.to_string())).await;
        app.wait_for("delivered", n).await;
    }
    let seen = received(&server);
    assert_eq!([&seen[1], &seen[3]], [&sent_with("first"), &sent_with("second")]);
    app.finish().await;
}

#[tokio::test]
async fn renews_a_revoked_token_within_the_same_attempt() {
    let app = TestApp::start().await;
    let server = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&webhook(&server)).await;
    let key = app.token(Scope::Events).await;
    server.behave([token("first", 3600), Behaviour::Accept]);
    app.send(&key, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    server.behave([
        Behaviour::Status(401, String::new()),
        token("second", 3600),
        Behaviour::Accept,
    ]);
    app.send(&key, &event("Granted", "2")).await;
    app.wait_for("delivered", 2).await;
    let seen = received(&server);
    let x: Vec<_> = seen.into_iter().filter(|(path, _)| path == "/x").collect();
    assert_eq!(x, [sent_with("first"), sent_with("first"), sent_with("second")]);
    let attempts: Vec<i32> = sqlx::query_scalar("select attempts from deliveries")
        .fetch_all(app.database.pool())
        .await
        .unwrap();
    assert_eq!(attempts, [1, 1]);
    // The stored invocations contain neither token nor secret.
    let records: Vec<String> = sqlx::query_scalar("select record from invocations")
        .fetch_all(app.database.pool())
        .await
        .unwrap();
    assert!(records.iter().any(|record| record.contains("token_exchanges")));
    for secret in ["Bearer first", "Bearer second", "\\\"second\\\"", "s3cret"] {
        assert!(!records.iter().any(|record| record.contains(secret)), "{secret}: {records:?}");
    }
    app.finish().await;
}
