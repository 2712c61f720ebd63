//! The preview and the payload schema.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gatepost::identity::Scope;
use serde_json::json;

use super::with;
use crate::support::TestApp;

#[tokio::test]
async fn previews_the_request_of_an_incomplete_form() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let body =
        r#"{"who": "{{data.requester.email}}", "secret_key": "s3cr3t-key", "n": {{event_time}}}"#;
    let fields = [
        ("method", "POST"),
        ("url", "https://10.0.0.5/x"),
        ("body_template", body),
        ("trigger", "Granted"),
        ("filter-integration", "prod-*"),
        ("preview_event", "Expired"),
    ];
    let seen = ann.post_part("/webhooks/preview", &fields).await;
    assert_eq!(seen.status, 200);
    let shown = seen.text("pre.code");
    assert!(
        shown.contains("user@example.com") && shown.contains("1696263265.851898000"),
        "{shown}"
    );
    assert!(!seen.body.contains("s3cr3t-key"), "{}", seen.body);
    assert!(seen.text("#condition").contains("its integration is prod-*"), "{}", seen.body);
    assert_eq!(seen.attribute(".preview-body", "data-status").unwrap(), "Valid JSON");
    app.finish().await;
}

#[tokio::test]
async fn a_template_error_is_shown_with_its_line() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let fields =
        with(&[("body_template", "{\n  \"a\": \"{{data.access_groups[0].integration.name}}\"\n}")]);
    let seen = ann.post_part("/webhooks/preview", &fields).await;
    let annotations = seen.attribute(".preview-body", "data-annotations").unwrap();
    let annotations: serde_json::Value = serde_json::from_str(&annotations).unwrap();
    assert_eq!(annotations[0]["line"], 2, "{annotations}");
    let message = seen.text(".problems");
    assert!(message.starts_with("Line 2, column 29: "), "{message}");
    assert!(message.contains("{{data.access_groups.[0].integration.name}}"), "{message}");
    // An error in another template than the body names the template.
    let fields = with(&[("header_name", "X-A"), ("header_value", "{{data.x[0]}}")]);
    let message = ann.post_part("/webhooks/preview", &fields).await.text(".problems");
    assert!(message.starts_with("Header 1: Line 1, column "), "{message}");
    app.finish().await;
}

#[tokio::test]
async fn an_error_in_the_url_or_a_header_is_shown_like_one_in_the_body() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let token = app.token(Scope::Events).await;
    let event = json!({
        "event_type": "AccessRequestGranted", "event_time": 1_696_263_265,
        "data": { "id": "1", "justification": ".", "friendly_id": "a\nb" },
    });
    let (_, body) = app.send(&token, &event).await;
    let id = body["events"][0]["id"].as_str().unwrap().to_owned();
    ann.get("/webhooks/new").await;
    let url = "https://example.com/a/{{data.justification}}/b";
    let fields = [("body_template", "{\"a\": 1}"), ("preview_event", id.as_str()), ("url", url)];
    let seen = ann.post_part("/webhooks/preview", &with(&fields)).await;
    let message = seen.text(".problems");
    assert!(message.contains("URL: Line 1") && message.contains("another address"), "{message}");
    assert_eq!(seen.attribute(".preview-body", "data-status").unwrap(), "Error in the URL");
    assert_eq!(seen.attribute(".preview-body", "data-ok").unwrap(), "false");
    assert_eq!(seen.text(".request-line"), "POST (the URL has an error)");
    assert!(seen.text("pre.code").contains("\"a\": 1"), "{}", seen.body);
    // Texts that the request would not contain as they are.
    for (url, expected) in [
        ("https://example.com/a\\b", "contains \\"),
        ("https://example.com/a/../b", "another address"),
        ("https://example.com/a\tb", "contains a tab"),
        ("example.com/a", "no scheme"),
    ] {
        let seen = ann.post_part("/webhooks/preview", &with(&[("url", url)])).await;
        let message = seen.text(".problems");
        assert!(message.contains(expected), "{url}: {message}");
        assert_eq!(seen.attribute(".preview-body", "data-status").unwrap(), "Error in the URL");
    }
    let header = [
        ("header_name", "X-A"),
        ("header_value", "{{data.friendly_id}}"),
        ("preview_event", id.as_str()),
    ];
    let seen = ann.post_part("/webhooks/preview", &with(&header)).await;
    assert!(seen.text(".problems").contains("Header 1: Line 1"), "{}", seen.body);
    assert_eq!(seen.attribute(".preview-body", "data-status").unwrap(), "Error in header 1");
    // The events that were received are tried with the same URL.
    let seen = ann.post_part("/webhooks/backtest", &with(&[("url", url)])).await;
    assert!(seen.text(".broken").contains("another address"), "{}", seen.body);
    app.finish().await;
}

#[tokio::test]
async fn the_schema_lists_all_fields_and_can_be_searched() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let all = ann.get("/webhooks/schema").await;
    assert!(all.texts(".schema-path").len() > 30);
    let found = ann.get("/webhooks/schema?q=justif").await;
    assert_eq!(found.texts(".schema-path"), ["data.justification"]);
    assert_eq!(found.attribute(".schema-field", "data-insert").unwrap(), "{{data.justification}}");
    let part = ann.get_part("/webhooks/schema").await;
    assert!(part.texts("nav").is_empty() && !part.texts(".schema-path").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_field_is_reported_with_a_suggestion() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let fields = with(&[("body_template", "{\"a\": \"{{data.requestor.email}}\"}")]);
    let seen = ann.post_part("/webhooks/preview", &fields).await;
    let message = seen.text(".warnings");
    assert!(message.trim_end().ends_with("did you mean data.requester.email?"), "{message}");
    assert_eq!(seen.attribute(".preview-body", "data-status").unwrap(), "Valid JSON");
    app.finish().await;
}

#[tokio::test]
async fn an_expensive_template_stops_at_its_limit_and_delays_no_other_request() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let token = app.token(Scope::Events).await;
    let texts: Vec<String> = (0..9_000).map(|n| format!("{n:04} {}", "x".repeat(40))).collect();
    let event = json!({
        "event_type": "AccessRequestGranted", "event_time": 1_696_263_265,
        "data": { "id": "large", "texts": texts, "same": texts },
    });
    let (status, body) = app.send(&token, &event).await;
    assert_eq!(status, 202);
    let id = body["events"][0]["id"].as_str().unwrap().to_owned();
    ann.get("/webhooks/new").await;
    let body = format!("\"{}\"", "{{#if (eq data.texts data.same)}}{{/if}}".repeat(1_500));
    let fields = with(&[("body_template", body.as_str()), ("preview_event", id.as_str())]);
    let started = Instant::now();
    let preview = || {
        let (mut user, fields) = (ann.clone(), &fields);
        async move { user.post_part("/webhooks/preview", fields).await }
    };
    let previews = join_all([preview(), preview(), preview(), preview()]);
    let health = async {
        let mut slowest = Duration::ZERO;
        while started.elapsed() < Duration::from_millis(500) {
            let asked = Instant::now();
            assert_eq!(app.anonymous().get("/healthz").await.status, 200);
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let (previews, slowest) = tokio::join!(previews, health);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    for seen in previews {
        let message = seen.text(".problems");
        assert!(message.contains("rendering took longer than 50 ms"), "{message}");
    }
    app.finish().await;
}
