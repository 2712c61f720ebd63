//! Support for Logpoint in the form: presets, Check credentials, advice.

use super::with;
use crate::support::TestApp;
use crate::support::logpoint::{FakeLogpoint, Options};

fn body(key: &str) -> String {
    format!(
        r#"{{"username": "svc-gatepost", "secret_key": "{key}", "requestData": {{"incident_ids": ["5a62bd8cce983de89085429c"]}}}}"#
    )
}

#[tokio::test]
async fn credentials_are_checked_without_changes_in_logpoint() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let url = logpoint.url("/close_incident?x=1");
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let pin = logpoint.fingerprint().to_owned();
    for (key, good, hint) in [
        (
            "demo-key",
            true,
            "Logpoint accepted svc-gatepost and the key. The user's time zone is UTC.",
        ),
        ("wrong-key", false, "My Preferences in Logpoint"),
    ] {
        let body = body(key);
        // The name, the triggers and the headers are not required.
        let fields = [
            ("url", url.as_str()),
            ("body_template", body.as_str()),
            ("tls_verify", "pinned"),
            ("tls_sha256", pin.as_str()),
        ];
        let seen = ann.post_part("/webhooks/credentials", &fields).await;
        assert_eq!(seen.texts(".verdict.good").len(), usize::from(good), "{}", seen.body);
        assert!(seen.text(".verdict").contains(hint), "{}", seen.body);
        assert!(!seen.body.contains(key));
        let request = logpoint.requests().pop().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/getalloweddata"));
        assert_eq!(
            String::from_utf8_lossy(&request.body),
            format!("username=svc-gatepost&secret_key={key}&type=user_preference")
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn explains_why_credentials_are_not_checked() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let url = logpoint.url("/close_incident");
    let good = body("demo-key");
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    for (changes, hint) in [
        (vec![("body_template", "{}")], "has no \"username\""),
        (vec![("url", "10.0.0.5/x")], "no scheme"),
        (vec![("tls_verify", "public")], "self-signed"),
    ] {
        let own = [("url", url.as_str()), ("body_template", good.as_str()), ("tls_verify", "none")];
        let kept = own.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
        let fields: Vec<_> = kept.copied().chain(changes.iter().copied()).collect();
        let part = ann.post_part("/webhooks/credentials", &fields).await;
        assert!(part.text(".verdict.bad").contains(hint), "{hint}: {}", part.body);
        // Without scripts, the response is the form with the result.
        let page = ann.post("/webhooks/credentials", &fields).await;
        assert!(page.text("#credentials .verdict.bad").contains(hint), "{hint}: {}", page.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_stored_key_is_checked() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let (url, body) = (logpoint.url("/close_incident"), body("demo-key"));
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let fields = with(&[("url", &url), ("body_template", &body), ("tls_verify", "none")]);
    assert_eq!(ann.post("/webhooks", &fields).await.status, 303);
    let edit = ann.first_webhook().await + "/edit";
    let form = ann.get(&edit).await;
    let shown = form.typed("body_template");
    assert!(shown.contains("{{secrets.secret_key}}"), "{shown}");
    let id = edit.split('/').nth(2).unwrap();
    let fields =
        [("id", id), ("url", url.as_str()), ("body_template", &shown), ("tls_verify", "none")];
    let seen = ann.post_part("/webhooks/credentials", &fields).await;
    assert!(seen.text(".verdict.good").contains("accepted svc-gatepost"), "{}", seen.body);
    app.finish().await;
}

#[tokio::test]
async fn advice_is_shown_while_typing_and_does_not_prevent_saving() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let blank = ann.get("/webhooks/new").await;
    assert_eq!(blank.texts("#logpoint[hidden]").len(), 1, "no Logpoint tools on an empty form");
    let body =
        body("demo-key").replace("5a62bd8cce983de89085429c", "00a1d29cb9849c4e8b3edb9f6e1a1f2c");
    let fields = with(&[
        ("url", "https://10.0.0.5/close_incidents"),
        ("body_template", &body),
        ("validator_subject", "json"),
        ("validator_path", "$.success"),
        ("validator_expected", "true"),
    ]);
    let part = ann.post_part("/webhooks/preview", &fields).await;
    assert!(part.text("#url-advice").contains("Logpoint's path /close_incident"), "{}", part.body);
    assert!(part.text("#body_template-advice").contains("00a1d29c… has 32 digits"));
    assert_eq!(part.attribute(".preview-body", "data-logpoint").unwrap(), "true");
    assert_eq!(ann.post("/webhooks", &fields).await.status, 303);
    let edit = ann.first_webhook().await + "/edit";
    let form = ann.get(&edit).await;
    assert!(form.text("#url-advice").contains("/close_incident?"));
    assert_eq!(form.texts("#logpoint[hidden]").len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn every_preset_opens_and_requires_its_placeholders_to_be_replaced() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let start = ann.get("/webhooks/new").await;
    let hrefs: Vec<String> = start
        .html()
        .select(&scraper::Selector::parse(".preset-list a").unwrap())
        .map(|link| link.value().attr("href").unwrap().to_owned())
        .collect();
    assert_eq!(hrefs.len(), 19);
    for href in hrefs {
        let form = ann.get(&href).await;
        assert_eq!(form.texts(".preset-list .chosen").len(), 1, "{href}");
        assert!(form.text("[aria-label='Start from'] .hint").contains("Replace each"));
        assert!(form.text("#preview").contains("Still to do"), "{href}: {}", form.text("#preview"));
        let (url, body) = (form.attribute("#url", "value").unwrap(), form.typed("body_template"));
        let saved = ann.post("/webhooks", &with(&[("url", &url), ("body_template", &body)])).await;
        assert_eq!(saved.status, 422, "{href}");
        assert!(saved.text("#webhook-form").contains("Replace <"), "{href}");
    }
    app.finish().await;
}
