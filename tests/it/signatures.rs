//! Signatures of requests, verified with the official packages of Standard Webhooks in two other languages and with the
//! code that the page **Signatures** shows.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options, RecordedRequest};
use crate::support::process::{directory, gatepost, with_database};
use crate::support::scenario::Scenario;
use crate::support::user::TestUser;
use crate::support::{TestApp, event};

/// A shared key, and another one.
const KEYS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"];
/// The private key of RFC 8032, section 7.1, test 1.
const PRIVATE_KEY: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";

async fn signed(signing: Value) -> Scenario {
    Scenario::with_webhook(|webhook| webhook.with("signing", signing)).await
}

/// Sends an event and returns the request that Logpoint received.
async fn delivered(scenario: &Scenario, number: i64) -> RecordedRequest {
    scenario.app.send(&scenario.token, &event("Granted", &number.to_string())).await;
    scenario.app.wait_for("delivered", number).await;
    scenario.logpoint.requests().pop().unwrap()
}

fn signing_headers(request: &RecordedRequest) -> BTreeMap<String, String> {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    names.map(|name| (name.to_owned(), request.header(name).unwrap_or_default().to_owned())).into()
}

/// Returns the code that the page shows for a language.
async fn snippet(ann: &mut TestUser, webhook: &str, language: &str) -> String {
    let page = ann.get(&format!("/webhooks/{webhook}/signing")).await;
    assert_eq!(page.status, 200);
    page.typed(&format!("verify-{language}"))
}

/// Verifies a request with the snippet, and with the official package if there is a shared key. Returns the errors.
fn verify(language: &str, key: &str, request: &Value, snippet: &str) -> BTreeMap<String, Value> {
    let case = json!({
        "key": key, "headers": request["headers"], "body": request["body"], "snippet": snippet,
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/script/verify-signatures");
    let mut command = Command::new(script);
    let command = command.arg(language).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(case.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} {language} failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn with_body(request: &Value, body: &str) -> Value {
    json!({ "headers": request["headers"], "body": body })
}

fn recorded(request: &RecordedRequest) -> Value {
    json!({ "headers": signing_headers(request), "body": request.text() })
}

#[tokio::test]
async fn other_languages_verify_a_shared_key() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let request = recorded(&delivered(&scenario, 1).await);
    let mut ann = scenario.app.admin().await;
    for language in ["python", "node"] {
        let code = snippet(&mut ann, &scenario.webhook, language).await;
        let accepted = verify(language, KEYS[0], &request, &code);
        assert_eq!(accepted.len(), 2);
        assert!(accepted.values().all(Value::is_null), "{language}: {accepted:?}");
        let changed = with_body(&request, &request["body"].as_str().unwrap().replace("svc", "sv"));
        for (key, request) in [(KEYS[1], &request), (KEYS[0], &changed)] {
            let rejected = verify(language, key, request, &code);
            assert!(rejected.values().all(Value::is_string), "{language}: {rejected:?}");
        }
        let mut old = request.clone();
        old["headers"]["webhook-timestamp"] = "1600000000".into();
        let rejected = verify(language, KEYS[0], &old, &code);
        assert!(rejected["snippet"].as_str().unwrap().contains("too old"), "{rejected:?}");
    }
    scenario.app.finish().await;
}

#[tokio::test]
async fn other_languages_verify_a_public_key() {
    let scenario = signed(json!({ "scheme": "v1a", "secret": PRIVATE_KEY })).await;
    let request = recorded(&delivered(&scenario, 1).await);
    let mut ann = scenario.app.admin().await;
    let page = ann.get(&format!("/webhooks/{}/signing", scenario.webhook)).await;
    assert_eq!(page.text("#public-key"), "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    assert!(!page.body.contains("whsk_"), "the private key is not shown");
    for language in ["python", "node"] {
        let code = snippet(&mut ann, &scenario.webhook, language).await;
        let accepted = verify(language, "", &request, &code);
        assert_eq!(accepted["snippet"], Value::Null, "{language}: {accepted:?}");
        let rejected = verify(language, "", &with_body(&request, "{}"), &code);
        assert!(rejected["snippet"].as_str().unwrap().contains("wrong"), "{rejected:?}");
    }
    scenario.app.finish().await;
}

#[tokio::test]
async fn the_commands_of_the_page_send_and_verify() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let receiver = FakeLogpoint::start(Options::default()).await;
    let home = directory();
    std::fs::write(home.path().join(".curlrc"), "insecure").unwrap();
    let shell = |code: &str| {
        let mut shell = Command::new("bash");
        shell
            .args(["-uc", code])
            .env("CURL_HOME", home.path())
            .env("RECEIVER_URL", receiver.url("/"));
        shell
    };
    let mut ann = scenario.app.admin().await;
    let code = snippet(&mut ann, &scenario.webhook, "curl").await;
    let mut command = shell(&code);
    command.env("WEBHOOK_KEY", KEYS[0]);
    run(command).await;
    let sent = receiver.requests().pop().unwrap();
    let python = snippet(&mut ann, &scenario.webhook, "python").await;
    let accepted = verify("python", KEYS[0], &recorded(&sent), &python);
    assert!(accepted.values().all(Value::is_null), "{accepted:?}");

    let other = signed(json!({ "scheme": "v1a", "secret": PRIVATE_KEY })).await;
    let request = delivered(&other, 1).await;
    let code = snippet(&mut other.app.admin().await, &other.webhook, "curl").await;
    let headers = signing_headers(&request);
    for (body, is_valid) in [(request.text(), true), ("{}".to_owned(), false)] {
        let before = receiver.requests().len();
        let mut command = shell(&code);
        command.env("BODY", &body).env("ID", &headers["webhook-id"]);
        command.env("TIMESTAMP", &headers["webhook-timestamp"]);
        command.env("SIGNATURE", &headers["webhook-signature"]);
        run(command).await;
        assert_eq!(receiver.requests().len() - before, usize::from(is_valid), "{body}");
    }
    other.app.finish().await;
    scenario.app.finish().await;
}

async fn run(mut command: Command) {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
}

/// While a key is replaced, no receiver rejects a request: neither one with the old key nor one with the new one.
#[tokio::test]
async fn replaces_a_key_without_a_rejected_delivery() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let mut ann = scenario.app.admin().await;
    let python = snippet(&mut ann, &scenario.webhook, "python").await;
    let is_accepted = |key: &str, request: &RecordedRequest| {
        let mut request = recorded(request);
        // The receiver's clock is not moved.
        let moved =
            request["headers"]["webhook-timestamp"].as_str().unwrap().parse::<i64>().unwrap();
        let code = python.replace("time.time()", &moved.to_string());
        request["key"] = key.into();
        verify("python", key, &request, &code)["snippet"].is_null()
    };
    let first = delivered(&scenario, 1).await;
    assert!(is_accepted(KEYS[0], &first));

    let rotate = format!("/webhooks/{}/signing/rotate", scenario.webhook);
    let rotated = ann.post(&rotate, &[("overlap_hours", "24")]).await;
    assert_eq!(rotated.status, 200);
    let new_key = rotated.text("#new-key");
    assert!(new_key.starts_with("whsec_"));
    assert!(!ann.get(rotate.trim_end_matches("/rotate")).await.body.contains(&new_key));
    let second = delivered(&scenario, 2).await;
    assert_eq!(second.header("webhook-signature").unwrap().split(' ').count(), 2);
    assert!(is_accepted(KEYS[0], &second), "the receiver has the old key");
    assert!(is_accepted(&new_key, &second), "the receiver has the new key");

    scenario.app.advance(Duration::from_hours(24)).await;
    let third = delivered(&scenario, 3).await;
    assert!(!is_accepted(KEYS[0], &third), "the overlap is over");
    assert!(is_accepted(&new_key, &third));
    // An overlap can also be ended. The session has ended meanwhile.
    let mut ann = scenario.app.admin().await;
    let newest = ann.post(&rotate, &[("overlap_hours", "168")]).await.text("#new-key");
    let ended = ann.post(&rotate.replace("rotate", "previous/end"), &[]).await;
    assert_eq!(ended.status, 303);
    let fourth = delivered(&scenario, 4).await;
    assert!(!is_accepted(&new_key, &fourth));
    assert!(is_accepted(&newest, &fourth));
    scenario.app.finish().await;
}

#[tokio::test]
async fn the_form_generates_keys_and_keeps_the_previous_one() {
    let scenario = Scenario::start().await;
    let mut ann = scenario.app.admin().await;
    let edit = format!("/webhooks/{}/edit", scenario.webhook);
    let mut fields = ann.get(&edit).await.fields("#webhook-form");
    fields.retain(|(name, _)| name != "signing_scheme");
    fields.push(("signing_scheme".to_owned(), "v1".to_owned()));
    let part = ann.post_part("/webhooks/signing-key", &borrowed(&fields)).await;
    let generated = part.attribute("#signing_key", "value").unwrap();
    assert!(generated.starts_with("whsec_"), "{generated}");
    // Without scripts the whole form is returned, with everything that was typed.
    let page = ann.post("/webhooks/signing-key", &borrowed(&fields)).await;
    assert_eq!(page.attribute("#name", "value").unwrap(), "Reopen");
    fields = page.fields("#webhook-form");
    let typed = fields.iter().find(|(name, _)| name == "signing_key").unwrap().1.clone();
    let saved = ann.post(&edit.replace("/edit", ""), &borrowed(&fields)).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let request = delivered(&scenario, 1).await;
    let python = snippet(&mut ann, &scenario.webhook, "python").await;
    assert!(verify("python", &typed, &recorded(&request), &python)["package"].is_null());
    let rotate = format!("/webhooks/{}/signing/rotate", scenario.webhook);
    ann.post(&rotate, &[("overlap_hours", "24")]).await;
    // Saving the form keeps both keys.
    let form = ann.get(&edit).await;
    assert!(!form.body.contains(&typed));
    let fields = form.fields("#webhook-form");
    assert_eq!(ann.post(&edit.replace("/edit", ""), &borrowed(&fields)).await.status, 303);
    let request = delivered(&scenario, 2).await;
    assert_eq!(request.header("webhook-signature").unwrap().split(' ').count(), 2);
    scenario.app.finish().await;
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn keys_are_secrets_and_wrong_ones_are_rejected() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let app = &scenario.app;
    let mut export = with_database(gatepost(), app.database.url());
    export.args(["webhooks", "export"]);
    let exported = tokio::task::spawn_blocking(move || export.output().unwrap()).await.unwrap();
    let exported = String::from_utf8(exported.stdout).unwrap();
    assert!(exported.contains("{{secrets.signing_key}}"), "{exported}");
    assert!(!exported.contains("whsec_"), "{exported}");
    app.import(&exported).await.unwrap();
    // The key is never sent, so a response that contains it is not redacted; the signature is shown.
    scenario.logpoint.behave([Behaviour::Accept]);
    let request = delivered(&scenario, 1).await;
    assert!(request.header("webhook-signature").unwrap().starts_with("v1,"));
    for (signing, problem) in [
        (json!({ "scheme": "v1", "secret": "whsec_short" }), "Base64"),
        (json!({ "scheme": "v1", "secret": PRIVATE_KEY }), "is not a key for HMAC-SHA256"),
        (json!({ "scheme": "v1a", "secret": KEYS[0] }), "is not a private key"),
        (json!({ "scheme": "v2", "secret": KEYS[0] }), "Unknown scheme"),
        (json!({ "scheme": "v1" }), "Enter a key"),
        (
            json!({ "scheme": "v1", "secret": KEYS[0], "previous": { "secret": KEYS[1], "until": "soon" } }),
            "previous key",
        ),
    ] {
        let file = json!({ "webhooks": [{
            "name": "Wrong", "type": { "http_request": { "url": "https://10.0.0.5/x" } },
            "triggers": ["Granted"], "signing": signing,
        }] });
        let error = app.import(&file.to_string()).await.unwrap_err();
        assert!(error.contains(problem), "{signing}: {error}");
        assert!(!error.contains("MfKQ9r8GK"), "the key is not quoted: {error}");
    }
    scenario.app.finish().await;
}

#[tokio::test]
async fn a_webhook_without_signatures_says_how_to_sign() {
    let app = TestApp::start().await;
    let file = WebhookBuilder::new("Plain", "https://10.0.0.5/x").file();
    let webhook = app.webhooks(&file).await.remove(0);
    let mut ann = app.admin().await;
    let page = ann.get(&format!("/webhooks/{webhook}/signing")).await;
    assert!(page.text("main").contains("are not signed"));
    let rotated =
        ann.post(&format!("/webhooks/{webhook}/signing/rotate"), &[("overlap_hours", "1")]).await;
    assert_eq!(rotated.status, 303, "nothing is generated");
    let unknown =
        ann.post(&format!("/webhooks/{webhook}/signing/rotate"), &[("overlap_hours", "7")]).await;
    assert_eq!(unknown.status, 400);
    app.finish().await;
}
