//! Signatures of requests, verified with the official packages of Standard Webhooks in two other languages and with the
//! code that the page **Signatures** shows.

mod form;
mod rotation;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options, RecordedRequest};
use crate::support::process::{directory, gatepost, with_database};
use crate::support::scenario::Scenario;
use crate::support::user::{TestResponse, TestUser};
use crate::support::{TestApp, event};

/// A shared key, and another one.
const KEYS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"];
/// The public key of [`PRIVATE_KEY`].
const PUBLIC_KEY: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
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

/// Checks that whatever a request contains, the snippet rejects it with the error that its documentation promises. Other
/// errors could crash the receiver.
fn all_odd_headers_are_rejected(language: &str, key: &str, request: &Value, snippet: &str) {
    let promised = if language == "python" { "ValueError: " } else { "Error: " };
    let long = "9".repeat(400);
    for (name, values) in [
        ("webhook-id", vec![None, Some("é")]),
        ("webhook-timestamp", vec![None, Some("soon"), Some("é"), Some(&long)]),
        (
            "webhook-signature",
            vec![None, Some(""), Some("é"), Some("v1,é v1a,é"), Some("v1a,A v1a, v1, v1a,===")],
        ),
    ] {
        for value in values {
            let mut odd = request.clone();
            match value {
                Some(value) => odd["headers"][name] = value.into(),
                None => drop(odd["headers"].as_object_mut().unwrap().remove(name)),
            }
            let error = verify(language, key, &odd, snippet)["snippet"].clone();
            let is_promised = error.as_str().is_some_and(|error| error.starts_with(promised));
            assert!(is_promised, "{language}, {name} {value:?}: {error}");
        }
    }
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
        all_odd_headers_are_rejected(language, KEYS[0], &request, &code);
    }
    scenario.app.finish().await;
}

#[tokio::test]
async fn other_languages_verify_a_public_key() {
    let scenario = signed(json!({ "scheme": "v1a", "secret": PRIVATE_KEY })).await;
    let request = recorded(&delivered(&scenario, 1).await);
    let mut ann = scenario.app.admin().await;
    let page = ann.get(&format!("/webhooks/{}/signing", scenario.webhook)).await;
    assert_eq!(page.text("#public-key"), PUBLIC_KEY);
    assert!(!page.body.contains("whsk_"), "the private key is not shown");
    for language in ["python", "node"] {
        let code = snippet(&mut ann, &scenario.webhook, language).await;
        assert!(code.contains(PUBLIC_KEY), "{language}");
        let accepted = verify(language, PUBLIC_KEY, &request, &code);
        assert_eq!(accepted["snippet"], Value::Null, "{language}: {accepted:?}");
        all_odd_headers_are_rejected(language, PUBLIC_KEY, &request, &code);
        let rejected = verify(language, PUBLIC_KEY, &with_body(&request, "{}"), &code);
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

/// Presses **Replace the key** on the page of a webhook.
async fn replace_key(ann: &mut TestUser, webhook: &str, overlap_hours: &str) -> TestResponse {
    let page = ann.get(&format!("/webhooks/{webhook}/signing")).await;
    let fields = page.fields("form[action$='/rotate']");
    let seen = fields.iter().find(|(name, _)| name == "seen").unwrap().1.clone();
    let fields = [("overlap_hours", overlap_hours), ("seen", &seen)];
    ann.post(&format!("/webhooks/{webhook}/signing/rotate"), &fields).await
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
    let rotate = format!("/webhooks/{webhook}/signing/rotate");
    let rotated = ann.post(&rotate, &[("overlap_hours", "1"), ("seen", "1")]).await;
    assert_eq!(rotated.status, 303, "nothing is generated");
    let unknown = ann.post(&rotate, &[("overlap_hours", "7"), ("seen", "1")]).await;
    assert_eq!(unknown.status, 400);
    app.finish().await;
}
