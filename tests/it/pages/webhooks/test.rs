//! Testing the form, and View Invocation Data.

use super::with;
use crate::support::TestApp;
use crate::support::logpoint::{Behaviour, Certificate, FakeLogpoint, INCIDENTS, Options, State};
use crate::support::user::{TestResponse, TestUser};

const BODY: &str = r#"{"username": "svc-gatepost", "secret_key": "demo-key", "requestData":
    {"version": "0.1", "incident_ids": ["5a62bd8cce983de89085429c"]}}"#;

/// Tests a form against a server. Returns the result and the invocation data.
async fn test(
    ann: &mut TestUser,
    url: &str,
    more: &[(&str, &str)],
) -> (TestResponse, TestResponse) {
    ann.get("/webhooks/new").await;
    let own = [
        ("url", url),
        ("body_template", BODY),
        ("validator_subject", "json"),
        ("validator_path", "$.success"),
        ("validator_expected", "true"),
        ("tls_verify", "none"),
        ("timeout_in_sec", "1"),
    ];
    let kept = own.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name)).copied();
    let changes: Vec<_> = kept.chain(more.iter().copied()).collect();
    let result = ann.post_part("/webhooks/test", &with(&changes)).await;
    assert_eq!(result.status, 200, "{}", result.body);
    let href = result.attribute("a.link", "href").unwrap();
    let panel = ann.get(&href).await;
    (result, panel)
}

#[tokio::test]
async fn an_unsaved_form_is_tested_and_the_whole_exchange_is_shown() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    let pinned = [("tls_verify", "pinned"), ("tls_sha256", logpoint.fingerprint())];
    let (result, panel) = test(&mut ann, &logpoint.url("/reopen_incident"), &pinned).await;
    assert!(result.text(".badge").contains("Test successful"));
    assert_eq!(logpoint.incident(INCIDENTS[0]).unwrap().state, State::Open);
    let text = panel.text("main");
    for part in [
        "Incidents reopened",
        "HTTP/1.1 200 OK",
        "POST https://127.0.0.1",
        "Remote address",
        "webhook-id",
        "DNS",
        "TLS",
        "SHA-256",
        logpoint.fingerprint(),
        "curl -X POST",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!panel.body.contains("demo-key") && text.contains("[secret:secret_key]"), "{text}");
    // Nothing was saved.
    assert!(ann.get("/webhooks").await.text("main").contains("No webhooks yet"));
    app.finish().await;
}

#[tokio::test]
async fn without_scripts_the_response_is_the_form_with_the_result() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let url = logpoint.url("/reopen_incident");
    let fields = with(&[("url", &url), ("body_template", BODY), ("tls_verify", "none")]);
    let seen = ann.post("/webhooks/test", &fields).await;
    assert!(seen.text("#test-result").contains("Test successful"), "{}", seen.body);
    assert_eq!(
        seen.typed("body_template").split_whitespace().count(),
        BODY.split_whitespace().count()
    );
    app.finish().await;
}

#[tokio::test]
async fn an_invalid_form_is_not_sent() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    for seen in [
        ann.post_part("/webhooks/test", &with(&[("url", "nonsense")])).await,
        ann.post("/webhooks/test", &with(&[("url", "nonsense")])).await,
    ] {
        assert_eq!(seen.status, 422);
        let banner = seen.text("[role=alert]");
        assert_eq!(banner, "Fix 1 error before testing.");
        assert!(seen.text("#test-result").contains("Nothing was sent"));
        assert!(seen.text("#url-error").contains("no scheme"));
    }
    app.finish().await;
}

#[tokio::test]
async fn every_failure_is_explained_with_a_remedy() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let url = logpoint.url("/reopen_incident");
    let html = "<h1>Bad gateway</h1>".to_owned();
    for (behaviour, headline, remedy) in [
        (Behaviour::RejectWithStatus200, "“Authentication Failed”", "My Preferences in Logpoint"),
        (Behaviour::Status(401, String::new()), "401 Unauthorized", "credentials"),
        (Behaviour::Status(403, String::new()), "403 Forbidden", "credentials"),
        (Behaviour::Status(404, String::new()), "404 Not Found", "singular"),
        (Behaviour::Status(405, String::new()), "405 Method Not Allowed", "POST"),
        (Behaviour::Status(413, String::new()), "413", "Shorten"),
        (Behaviour::RetryAfter(429, 5), "429", "retried"),
        (Behaviour::Status(500, html.clone()), "500 Internal Server Error", "retried"),
        (Behaviour::Status(502, html), "502 Bad Gateway", "retried"),
        (Behaviour::NotJson, "not JSON", "response body"),
        (Behaviour::HangBeforeResponse, "did not respond within 1 s", "timeout"),
        (Behaviour::HangAfterHeaders, "did not finish within 1 s", "timeout"),
        (Behaviour::HangUp, "ended after the request was sent", "log"),
        (Behaviour::CutBody, "the response broke off", "log"),
        (Behaviour::Garbage, "not HTTP", "HTTPS"),
        (Behaviour::NeverRead, "TLS handshake did not finish within 1 s", "firewall"),
        (Behaviour::Redirect("https://10.0.0.9/".to_owned()), "307", "location"),
    ] {
        logpoint.behave([behaviour.clone()]);
        let (result, panel) = test(&mut ann, &url, &[]).await;
        assert!(result.text(".badge").contains("Test failed"), "{behaviour:?}");
        let verdict = panel.text(".verdict");
        assert!(verdict.contains(headline) && verdict.contains(remedy), "{behaviour:?}: {verdict}");
        // The result and the invocation data link to the same existing tip.
        let tip = panel.attribute(".verdict a", "href").unwrap();
        assert_eq!(result.attribute("a[href^='/troubleshooting#']", "href").unwrap(), tip);
        let (page, anchor) = tip.split_once('#').unwrap();
        assert_eq!(ann.get(page).await.texts(&format!("article[id='{anchor}']")).len(), 1, "{tip}");
    }
    app.finish().await;
}

#[tokio::test]
async fn unreachable_and_untrusted_servers_are_explained() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let start = async |certificate| {
        FakeLogpoint::start(Options { certificate, ..Options::default() }).await
    };
    let own = start(Certificate::SelfSigned).await;
    let signed = start(Certificate::SignedByCa).await;
    let expired = start(Certificate::Expired).await;
    let early = start(Certificate::NotYetValid).await;
    let misnamed = start(Certificate::WrongName).await;
    let wrong_pin = own.fingerprint().replace(|c: char| c.is_ascii_hexdigit(), "0");
    let trusting = |pem: &str| vec![("tls_verify", "ca"), ("tls_pem", &*pem.to_owned().leak())];
    for (url, more, headline) in [
        (own.url("/x"), vec![("tls_verify", "public")], "certificate is self-signed"),
        (
            own.url("/x"),
            vec![("tls_verify", "pinned"), ("tls_sha256", &wrong_pin)],
            "not the pinned",
        ),
        (signed.url("/x"), vec![("tls_verify", "public")], "certificate is not trusted"),
        (expired.url("/x"), trusting(expired.ca_pem()), "has expired"),
        (early.url("/x"), trusting(early.ca_pem()), "not valid yet"),
        (misnamed.url("/x"), trusting(misnamed.ca_pem()), "for another name"),
        ("https://127.0.0.1:1/x".to_owned(), vec![], "connection was refused"),
        ("https://no-such-host.invalid/x".to_owned(), vec![], "does not resolve"),
        ("https://169.254.169.254/x".to_owned(), vec![], "egress rules block 169.254.169.254"),
    ] {
        let (_, panel) = test(&mut ann, &url, &more).await;
        let verdict = panel.text(".verdict");
        assert!(verdict.contains(headline), "{url}: {verdict}");
        let has_pin = panel.attribute("[data-pin]", "data-pin").is_some();
        assert_eq!(has_pin, verdict.contains("ertificate"), "{verdict}");
    }
    // With the authority trusted, the request succeeds.
    let (result, _) =
        test(&mut ann, &signed.url("/reopen_incident"), &trusting(signed.ca_pem())).await;
    assert!(result.text(".badge").contains("Test successful"), "{}", result.body);
    app.finish().await;
}

#[tokio::test]
async fn the_custom_failure_message_is_shown_with_the_message_of_the_server() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    logpoint.behave([Behaviour::RejectWithStatus200]);
    let more = [("custom_validation_error_message", "Logpoint refused it")];
    let (_, panel) = test(&mut ann, &logpoint.url("/reopen_incident"), &more).await;
    assert!(panel.text(".verdict-line").contains("Logpoint refused it: “Authentication Failed”"));
    app.finish().await;
}

#[tokio::test]
async fn a_template_that_fails_for_an_event_is_explained_with_its_position() {
    let app = TestApp::start().await;
    let token = app.token(gatepost::identity::Scope::Events).await;
    let mut broken = crate::support::event("Granted", "1");
    broken["data"]["justification"] = "two\nlines".into();
    app.send(&token, &broken).await;
    let id: uuid::Uuid =
        sqlx::query_scalar("select id from events").fetch_one(app.database.pool()).await.unwrap();
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    let id = id.to_string();
    let more = [
        ("header_name", "X-Reason"),
        ("header_value", "for {{data.justification}}"),
        ("test_event", id.as_str()),
    ];
    let (result, panel) = test(&mut ann, &logpoint.url("/reopen_incident"), &more).await;
    assert!(result.text(".badge").contains("Test failed"));
    let verdict = panel.text(".verdict");
    for part in ["Header 1 could not be rendered", "line 1, column 5", "Nothing was sent"] {
        assert!(verdict.contains(part), "{part}: {verdict}");
    }
    assert_eq!(logpoint.requests().len(), 0);
    app.finish().await;
}
