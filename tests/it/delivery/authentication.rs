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

/// Sends an event, with the given responses of the server. Returns what it received at the token endpoint.
async fn token_requests(
    app: &TestApp,
    server: &FakeLogpoint,
    key: &str,
    responses: Vec<Behaviour>,
    number: i64,
) -> Vec<(bool, String)> {
    server.behave(responses);
    let before = server.requests().len();
    app.send(key, &event("Granted", &number.to_string())).await;
    app.wait_for("delivered", number).await;
    let requests = server.requests();
    let tokens = requests.iter().skip(before).filter(|one| one.path == "/token");
    tokens
        .map(|one| {
            let body = String::from_utf8_lossy(&one.body).into_owned();
            (one.header("authorization").is_some(), body)
        })
        .collect()
}

#[tokio::test]
async fn tries_the_form_after_any_rejection_of_the_header_and_forgets_what_stops_working() {
    let app = TestApp::start().await;
    let server = FakeLogpoint::start(Options::default()).await;
    app.webhooks(&webhook(&server)).await;
    let key = app.token(Scope::Events).await;
    let denied = |status, body: &str| Behaviour::Status(status, body.to_owned());
    // Each token has expired when the next event is sent.
    let header = |requests: &[(bool, String)]| -> Vec<bool> {
        requests.iter().map(|(header, _)| *header).collect()
    };
    let mut number = 0;
    for rejection in [
        denied(401, r#"{"error": "access_denied"}"#),
        denied(400, r#"{"error": "unauthorized_client"}"#),
        denied(403, ""),
        denied(415, "no"),
        denied(200, r#"{"error": "incorrect_client_credentials"}"#),
    ] {
        // The form succeeded last, so it is tried first from then on.
        let first_is_header = number == 0;
        number += 1;
        let responses = vec![rejection.clone(), token("a", 0), Behaviour::Accept];
        let seen = token_requests(&app, &server, &key, responses, number).await;
        assert_eq!(header(&seen), [first_is_header, !first_is_header], "{rejection:?}");
        // Back to the form.
        number += 1;
        let responses = if first_is_header {
            vec![token("a", 0), Behaviour::Accept]
        } else {
            vec![rejection.clone(), token("a", 0), Behaviour::Accept]
        };
        let seen = token_requests(&app, &server, &key, responses, number).await;
        assert_eq!(header(&seen).last(), Some(&false), "{rejection:?}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_setting_determines_the_method_and_further_parameters_are_sent() {
    for (setting, uses_header) in [("header", true), ("form", false)] {
        let app = TestApp::start().await;
        let server = FakeLogpoint::start(Options::default()).await;
        let extra = format!(
            "scopes: [write], client_authentication: {setting}, \
             parameters: {{ audience: 'https://api.example.com/?a=b&c', resource: [one, two] }} }}"
        );
        app.webhooks(&webhook(&server).replace("scopes: [write] }", &extra)).await;
        let key = app.token(Scope::Events).await;
        let responses = vec![token("a", 3600), Behaviour::Accept];
        let seen = token_requests(&app, &server, &key, responses, 1).await;
        let [(header, form)] = seen.as_slice() else { panic!("{seen:?}") };
        assert_eq!(*header, uses_header);
        let expected = "&scope=write&audience=https%3A%2F%2Fapi.example.com%2F%3Fa%3Db%26c&resource=one&resource=two";
        assert!(form.contains(expected), "{form}");
        assert_eq!(form.contains("client_secret="), !uses_header);
        app.finish().await;
    }
}
