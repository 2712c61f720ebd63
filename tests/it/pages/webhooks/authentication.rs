//! Authentication in the webhook form.

use super::{VALID, with};
use crate::support::TestApp;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::user::{TestResponse, TestUser};

/// Tests a form against a server. Returns the result and the invocation data.
async fn test(
    ann: &mut TestUser,
    target: &FakeLogpoint,
    more: &[(&str, &str)],
) -> (TestResponse, TestResponse) {
    ann.get("/webhooks/new").await;
    let url = target.url("/x");
    let own = [("url", url.as_str()), ("body_template", "{}"), ("tls_verify", "none")];
    let changes: Vec<_> = own.into_iter().chain(more.iter().copied()).collect();
    let result = ann.post_part("/webhooks/test", &with(&changes)).await;
    assert_eq!(result.status, 200, "{}", result.body);
    let panel = ann.get(&result.attribute("a.link", "href").unwrap()).await;
    (result, panel)
}

#[tokio::test]
async fn bearer_and_basic_credentials_are_sent_and_masked() {
    let app = TestApp::start().await;
    let target = FakeLogpoint::start(Options::default()).await;
    target.behave([Behaviour::Accept, Behaviour::Accept]);
    let mut ann = app.admin().await;
    for (fields, header, secrets) in [
        (
            vec![("auth_kind", "bearer"), ("auth_token", "t0ken-abc")],
            "Bearer t0ken-abc",
            ["t0ken-abc", "abc"],
        ),
        (
            vec![("auth_kind", "basic"), ("auth_username", "svc"), ("auth_password", "pw")],
            "Basic c3ZjOnB3",
            ["c3ZjOnB3", "OnB3"],
        ),
    ] {
        let (result, panel) = test(&mut ann, &target, &fields).await;
        assert!(result.text(".badge").contains("Test successful"), "{}", result.body);
        let sent = target.requests().pop().unwrap();
        assert_eq!(sent.header("authorization"), Some(header));
        for secret in secrets {
            assert!(!panel.text("main").contains(secret), "{secret}: {}", panel.text("main"));
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn saving_without_a_new_password_keeps_the_stored_one() {
    let app = TestApp::start().await;
    let target = FakeLogpoint::start(Options::default()).await;
    let url = target.url("/x");
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let fields = with(&[
        ("url", url.as_str()),
        ("body_template", "{}"),
        ("tls_verify", "none"),
        ("auth_kind", "basic"),
        ("auth_username", "svc"),
        ("auth_password", "hunter2"),
    ]);
    assert_eq!(ann.post("/webhooks", &fields).await.status, 303);
    let edit = ann.first_webhook().await + "/edit";
    let form = ann.get(&edit).await;
    assert_eq!(form.attribute("#auth_password", "value").unwrap(), "");
    assert_eq!(form.texts("#auth_password_saved option[selected]"), ["Use password"]);
    assert_eq!(form.attribute("#auth_username", "value").unwrap(), "svc");
    assert!(!form.body.contains("hunter2"));
    let mut kept = fields.clone();
    kept.retain(|(name, _)| *name != "auth_password");
    kept.push(("auth_password_saved", "password"));
    let path = edit.strip_suffix("/edit").unwrap();
    assert_eq!(ann.post(path, &kept).await.status, 303);
    target.behave([Behaviour::Accept]);
    ann.get("/webhooks").await;
    ann.post(&format!("{path}/test"), &[]).await;
    assert_eq!(target.requests()[0].header("authorization"), Some("Basic c3ZjOmh1bnRlcjI="));
    app.finish().await;
}

#[tokio::test]
async fn errors_are_shown_at_their_fields() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    for (changes, field, hint) in [
        (vec![("auth_kind", "digest")], "auth_kind", "none, bearer, basic or oauth"),
        (vec![("auth_kind", "bearer")], "auth_token", "Enter the token"),
        (
            vec![("auth_kind", "bearer"), ("auth_token", "a b")],
            "auth_token",
            "contains a space or line break",
        ),
        (vec![("auth_kind", "basic"), ("auth_password", "x")], "auth_username", "user name"),
        (
            vec![
                ("auth_kind", "oauth"),
                ("auth_client_id", "a"),
                ("auth_client_secret", "b"),
                ("auth_token_endpoint_url", "http://login.example.com/token"),
            ],
            "auth_token_endpoint_url",
            "GATEPOST_ALLOW_HTTP",
        ),
        (
            vec![
                ("auth_kind", "bearer"),
                ("auth_token", "x"),
                ("header_name", "Authorization"),
                ("header_value", "y"),
            ],
            "header-0",
            "already sets this header",
        ),
    ] {
        let seen = ann.post("/webhooks", &with(&changes)).await;
        assert_eq!(seen.status, 422, "{changes:?}");
        let message = seen.text(&format!("#{field}-error"));
        assert!(message.contains(hint), "{field}: {message}");
        let at = format!("#{field}[aria-invalid=true][autofocus]");
        assert_eq!(seen.texts(&at).len(), 1, "{field} must have the focus");
    }
    // Input for another authentication type is ignored.
    let stray = with(&[("auth_kind", "none"), ("auth_token", "a b")]);
    assert_eq!(ann.post("/webhooks", &stray).await.status, 303);
    assert_eq!(VALID[0].1, "Archive");
    app.finish().await;
}

const OAUTH: [(&str, &str); 4] = [
    ("auth_kind", "oauth"),
    ("auth_client_id", "gatepost"),
    ("auth_client_secret", "s3cret/+"),
    ("auth_scopes", " write  read "),
];

fn json(status: u16, body: &str) -> Behaviour {
    Behaviour::Status(status, body.to_owned())
}

#[tokio::test]
async fn a_test_requests_a_token_and_shows_both_exchanges() {
    let app = TestApp::start().await;
    // The token endpoint is on the same server, so the webhook's TLS settings apply to both.
    let target = FakeLogpoint::start(Options::default()).await;
    let token = target.url("/token");
    let mut ann = app.admin().await;
    let fields: Vec<_> =
        OAUTH.into_iter().chain([("auth_token_endpoint_url", token.as_str())]).collect();
    for _ in 0..2 {
        target.behave([
            json(
                200,
                r#"{"access_token": "at-12345", "token_type": "Bearer", "expires_in": 3600}"#,
            ),
            Behaviour::Accept,
        ]);
        let before = target.requests().len();
        let (result, panel) = test(&mut ann, &target, &fields).await;
        assert!(result.text(".badge").contains("Test successful"), "{}", result.body);
        let [token_request, sent] = &target.requests()[before..] else { panic!("two requests") };
        assert_eq!(token_request.path, "/token");
        let form = String::from_utf8_lossy(&token_request.body).into_owned();
        assert_eq!(form, "grant_type=client_credentials&scope=write+read");
        // Name and secret are form-encoded before base64 (RFC 6749, section 2.3.1).
        assert_eq!(
            token_request.header("authorization"),
            Some("Basic Z2F0ZXBvc3Q6czNjcmV0JTJGJTJC")
        );
        assert_eq!(sent.header("authorization"), Some("Bearer at-12345"));
        let text = panel.text("#token");
        assert!(text.contains("POST https://127.0.0.1") && text.contains("/token"), "{text}");
        assert!(text.contains("expires_in") && text.contains("200 OK"), "{text}");
        for secret in ["at-12345", "s3cret", "Z2F0ZXBvc3Q6czNjcmV0JTJGJTJC"] {
            assert!(!panel.body.contains(secret), "{secret}: {}", panel.body);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn client_credentials_are_sent_in_the_body_if_the_header_is_rejected() {
    let app = TestApp::start().await;
    let target = FakeLogpoint::start(Options::default()).await;
    let token = target.url("/token");
    let mut ann = app.admin().await;
    let fields: Vec<_> =
        OAUTH.into_iter().chain([("auth_token_endpoint_url", token.as_str())]).collect();
    target.behave([
        json(401, r#"{"error": "invalid_client"}"#),
        json(200, r#"{"access_token": "at-12345"}"#),
        Behaviour::Accept,
    ]);
    let (result, panel) = test(&mut ann, &target, &fields).await;
    assert!(result.text(".badge").contains("Test successful"), "{}", result.body);
    let form = String::from_utf8_lossy(&target.requests()[1].body).into_owned();
    assert!(form.ends_with("&client_id=gatepost&client_secret=s3cret%2F%2B"), "{form}");
    assert_eq!(target.requests()[1].header("authorization"), None);
    assert_eq!(panel.texts("#token .token-exchange").len(), 2);
    assert!(!panel.body.contains("s3cret"));
    app.finish().await;
}

#[tokio::test]
async fn every_failure_to_get_a_token_is_explained() {
    let app = TestApp::start().await;
    let target = FakeLogpoint::start(Options::default()).await;
    let tokens = FakeLogpoint::start(Options::default()).await;
    let (token, other) = (target.url("/token"), tokens.url("/token"));
    let mut ann = app.admin().await;
    let rejected = |body: &str| json(400, body);
    for (endpoint, responses, headline, remedy) in [
        (
            &token,
            vec![json(401, "{}"), json(401, "{}")],
            "rejected the request: HTTP 401",
            "client secret",
        ),
        (
            &token,
            vec![rejected(r#"{"error":"invalid_scope","error_description":"write?"}"#)],
            "invalid_scope (“write?”)",
            "scopes",
        ),
        (
            &token,
            vec![rejected(r#"{"error":"unauthorized_client"}"#)],
            "unauthorized_client",
            "allow that grant",
        ),
        (&token, vec![json(404, "")], "HTTP 404", "URL of the token endpoint"),
        (&token, vec![json(200, "<html>")], "contains no access token", "URL"),
        (
            &token,
            vec![json(200, r#"{"access_token":"a","token_type":"mac"}"#)],
            "type “mac”",
            "bearer",
        ),
        // The webhook's TLS settings do not apply to another server.
        (&other, vec![], "certificate is self-signed", "pin"),
    ] {
        target.behave(responses);
        let before = target.requests().len();
        let fields: Vec<_> =
            OAUTH.into_iter().chain([("auth_token_endpoint_url", endpoint.as_str())]).collect();
        let (result, panel) = test(&mut ann, &target, &fields).await;
        assert!(result.text(".badge").contains("Test failed"), "{}", result.body);
        let verdict = panel.text(".verdict");
        assert!(verdict.contains(headline) && verdict.contains(remedy), "{headline}: {verdict}");
        let reached = target.requests().iter().skip(before).filter(|one| one.path == "/x").count();
        assert_eq!(reached, 0, "nothing is sent without a token");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_stored_secret_is_not_sent_to_another_server() {
    let app = TestApp::start().await;
    let (mine, other) = (
        FakeLogpoint::start(Options::default()).await,
        FakeLogpoint::start(Options::default()).await,
    );
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let body = r#"{"secret_key": "demo-key"}"#;
    let url = mine.url("/x");
    let fields = with(&[("url", url.as_str()), ("body_template", body), ("tls_verify", "none")]);
    assert_eq!(ann.post("/webhooks", &fields).await.status, 303);
    let edit = ann.first_webhook().await + "/edit";
    let path = edit.strip_suffix("/edit").unwrap();
    let id = path.rsplit('/').next().unwrap();
    let masked = ann.get(&edit).await.typed("body_template");
    for (server, sent) in [(&mine, true), (&other, false)] {
        let url = server.url("/y");
        let mut fields =
            with(&[("url", url.as_str()), ("body_template", &masked), ("tls_verify", "none")]);
        fields.push(("id", id));
        server.behave([Behaviour::Accept]);
        for path in ["/webhooks/test", "/webhooks/credentials", path] {
            let seen = ann.post_part(path, &fields).await;
            let is_explained = seen.body.contains("The secret secret_key may not be sent to");
            assert_eq!(is_explained, !sent, "{path}: {}", seen.body);
        }
        let has_key = |one: &crate::support::logpoint::RecordedRequest| {
            String::from_utf8_lossy(&one.body).contains("demo-key")
        };
        assert_eq!(server.requests().iter().any(has_key), sent);
    }
    app.finish().await;
}
