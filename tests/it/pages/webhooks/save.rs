//! Saving the form: errors at their fields, without losing input.

use super::{VALID, with};
use crate::support::TestApp;

#[tokio::test]
async fn a_valid_webhook_is_saved_and_listed() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let saved = ann.post("/webhooks", &VALID).await;
    assert_eq!(saved.location(), "/webhooks", "{}", saved.body);
    let seen = ann.get("/webhooks").await;
    assert_eq!(seen.text("#toasts .toast"), "Saved “Archive”.");
    assert_eq!(seen.texts("tbody td.name"), ["Archive"]);
    assert_eq!(seen.texts("tbody .dot.on").len(), 1);
    app.finish().await;
}

/// A response validator with a mistake: the `$.` of its path is missing.
const VALIDATOR: [(&str, &str); 3] =
    [("validator_subject", "json"), ("validator_path", "success"), ("validator_expected", "true")];

#[tokio::test]
async fn errors_are_shown_at_their_fields_and_the_first_has_the_focus() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    ann.post("/webhooks", &VALID).await;
    for (changes, field, hint) in [
        (vec![("name", "")], "name", "Enter a name"),
        (vec![("name", "a\u{0}b")], "name", "A name cannot contain"),
        (vec![("name", "aRCHIVE")], "name", "Another webhook has this name"),
        (vec![("name", "B"), ("method", "STEAL")], "method", "Unknown method"),
        (
            vec![("name", "B"), ("url", "archive.example.com/x")],
            "url",
            "no scheme: enter https://archive.example.com/x",
        ),
        (
            vec![("name", "B"), ("url", "http://archive.example.com/x")],
            "url",
            "GATEPOST_ALLOW_HTTP",
        ),
        (vec![("name", "B"), ("url", "https://{{data.id}}/x")], "url", "host cannot"),
        (vec![("name", "B"), ("body_template", "{{#each x}}")], "body_template", "is not closed"),
        (
            vec![("name", "B"), ("body_template", "{\n\"a\": {{data.access_groups[0].x}}}")],
            "body_template",
            "Line 2",
        ),
        (vec![("name", "B"), ("body_template", "{\"a\": }")], "body_template", "valid JSON"),
        (
            vec![("name", "B"), ("header_name", "X-A"), ("header_value", "a\nb")],
            "header-0",
            "line break",
        ),
        (
            vec![("name", "B"), ("header_name", "Host"), ("header_value", "a")],
            "header-0",
            "sets Host itself",
        ),
        (vec![("name", "B"), ("timeout_in_sec", "0")], "timeout_in_sec", "from 1 to 60"),
        (vec![("name", "B"), ("max_in_flight", "0")], "max_in_flight", "from 1 to 64"),
        (vec![("name", "B"), ("rate_per_minute", "-1")], "rate_per_minute", "or nothing"),
        (
            vec![("name", "B"), ("retry_schedule", "5s 1d")],
            "retry_schedule",
            "\"1d\" is not a delay",
        ),
        ([&[("name", "B")], &VALIDATOR[..]].concat(), "validator-0", "$.success"),
        (
            vec![("name", "B"), ("tls_verify", "pinned"), ("tls_sha256", "AB:CD")],
            "tls_sha256",
            "64 hex digits",
        ),
        (vec![("name", "B"), ("tls_verify", "ca")], "tls_pem", "BEGIN CERTIFICATE"),
        (
            vec![("name", "B"), ("filter-custom_field", "SEC-42")],
            "filter-custom_field",
            "name=value",
        ),
        (
            vec![("name", "B"), ("filter-approval", "perhaps")],
            "filter-approval",
            "use manual or automatic",
        ),
        (vec![("name", "B"), ("tls_verify", "perhaps")], "tls_verify", "public, ca, pinned"),
    ] {
        let seen = ann.post("/webhooks", &with(&changes)).await;
        assert_eq!(seen.status, 422, "{changes:?}");
        let banner = seen.text("[role=alert]");
        assert_eq!(banner, "Fix 1 error before saving.");
        let message = seen.text(&format!("#{field}-error"));
        assert!(message.contains(hint), "{field}: {message}");
        // In a dropdown, the summary has the focus.
        let first = "[aria-invalid=true][autofocus]";
        let at = format!("#{field}{first}, #{field} > summary{first}");
        assert_eq!(seen.texts(&at).len(), 1, "{field} must have the focus: {}", seen.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_webhook_without_triggers_is_rejected() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let no_trigger: Vec<_> = VALID.into_iter().filter(|(name, _)| *name != "trigger").collect();
    let seen = ann.post("/webhooks", &no_trigger).await;
    assert!(seen.text("#triggers-error").contains("at least one trigger"));
    app.finish().await;
}

#[tokio::test]
async fn rejected_input_is_kept() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let body = "\n  {\"a\": \"<b> & \u{e4}\"}\n";
    let fields = [
        ("name", "x < y"),
        ("method", "PUT"),
        ("url", "10.0.0.5/x"),
        ("body_template", body),
        ("header_name", "X-Team"),
        ("header_value", "red & blue"),
        ("trigger", "Granted"),
        ("trigger", "Expired"),
        ("filter-integration", "prod-*\nstaging"),
        ("filter-approval", "manual"),
        ("timeout_in_sec", "0"),
        ("validator_subject", "json"),
        ("validator_path", "$.a"),
        ("validator_expected", "1\n2"),
        ("custom_validation_error_message", "No luck"),
        ("tls_verify", "pinned"),
        ("tls_sha256", "zz"),
    ];
    let seen = ann.post("/webhooks", &fields).await;
    assert_eq!(seen.status, 422);
    let value = |id: &str| seen.attribute(&format!("#{id}"), "value").unwrap();
    assert_eq!(value("name"), "x < y");
    assert_eq!(value("url"), "10.0.0.5/x");
    assert_eq!(value("header-0"), "X-Team");
    assert_eq!(value("header-0-value"), "red & blue");
    assert_eq!(value("timeout_in_sec"), "0");
    assert_eq!(value("validator-0"), "$.a");
    assert_eq!(value("custom_validation_error_message"), "No luck");
    assert_eq!(value("tls_sha256"), "zz");
    assert_eq!(seen.typed("validator-0-expected"), "1\n2");
    assert_eq!(seen.typed("body_template"), body);
    assert_eq!(seen.typed("filter-integration"), "prod-*\nstaging");
    assert_eq!(seen.text("#method option[selected]"), "PUT");
    assert_eq!(seen.attribute("input[name=tls_verify][checked]", "value").unwrap(), "pinned");
    assert_eq!(seen.texts("input[name=trigger][checked]").len(), 2);
    assert_eq!(seen.texts("input[name=filter-approval][checked]").len(), 1);
    // A checkbox that is not submitted is off.
    assert!(seen.texts("#active[checked]").is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_preset_cannot_be_saved_with_its_placeholders() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    for preset in ["comment", "reopen", "assign", "resolve", "close"] {
        let form = ann.get(&format!("/webhooks/new?preset=logpoint-{preset}")).await;
        let (url, body) = (form.attribute("#url", "value").unwrap(), form.typed("body_template"));
        assert!(form.typed("validator-0-expected") == "true", "{preset}");
        let fields = with(&[("url", &url), ("body_template", &body)]);
        let seen = ann.post("/webhooks", &fields).await;
        assert!(seen.text("#url-error").contains("Replace <logpoint address>"), "{preset}");
        assert!(seen.text("#body_template-error").contains("<secret key>"), "{preset}");
        assert_eq!(seen.typed("body_template"), body);
    }
    app.finish().await;
}

#[tokio::test]
async fn editing_shows_and_keeps_every_field() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let fields = with(&[
        ("header_name", "X-Api-Key"),
        ("header_value", "a secret"),
        ("header_name", "X-Team"),
        ("header_value", "{{data.requester.name}}"),
        ("filter-approval", "automatic"),
        ("filter-resource_type", "Database"),
        ("timeout_in_sec", "30"),
    ]);
    assert_eq!(ann.post("/webhooks", &fields).await.status, 303);
    let list = ann.get("/webhooks").await;
    let path = list.attribute("tbody td.name a", "href").unwrap();
    let form = ann.get(&format!("{path}/edit")).await;
    assert_eq!(form.text("h1"), "Edit Webhook");
    assert_eq!(form.attribute("#header-0-value", "value").unwrap(), "{{secrets.x_api_key}}");
    assert_eq!(form.attribute("#header-1-value", "value").unwrap(), "{{data.requester.name}}");
    assert_eq!(form.typed("filter-resource_type"), "Database");
    assert_eq!(form.attribute("#timeout_in_sec", "value").unwrap(), "30");
    assert!(form.text("#condition").contains("approved automatically"));
    app.finish().await;
}

#[tokio::test]
async fn a_custom_field_cannot_have_a_name_that_the_parser_uses_itself() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    for name in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
        ann.get("/webhooks/new").await;
        let value = format!("{name}=x");
        let refused = ann.post("/webhooks", &with(&[("filter-custom_field", &value)])).await;
        assert_eq!(refused.status, 422);
        assert!(refused.text("#filter-custom_field-error").contains("remove this value"));
    }
    assert_eq!(ann.get("/webhooks").await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn the_trace_context_can_be_switched_on() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let new = ann.get("/webhooks/new").await;
    assert_eq!(new.attribute("#traceparent", "checked"), None);
    let saved = ann.post("/webhooks", &with(&[("traceparent", "true")])).await;
    assert_eq!(saved.location(), "/webhooks", "{}", saved.body);
    let webhook = ann.first_webhook().await;
    assert!(
        ann.get(&format!("{webhook}/edit")).await.attribute("#traceparent", "checked").is_some()
    );
    let definition: String = sqlx::query_scalar("select definition from webhooks")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    let definition: serde_json::Value = serde_json::from_str(&definition).unwrap();
    assert_eq!(definition["traceparent"], true);
    app.finish().await;
}
