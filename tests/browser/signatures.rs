//! The page **Signatures**: its appearance, and a replacement of a key.

use gatepost::model::signature::{SignatureScheme, SignedMessage, SigningKey};
use serde_json::json;

use crate::appearance::{check_all, scene, stepped};
use crate::driver::Browser;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::RecordedRequest;
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

/// The page **Signatures** of a webhook that is not signed, of each scheme, and while a key is replaced.
#[tokio::test]
async fn signatures() {
    let app = TestApp::start().await;
    let private = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    let shared = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let mut scenes = Vec::new();
    for (name, scheme, secret) in [
        ("signing-none", "none", ""),
        ("signing-shared", "v1", shared),
        ("signing-public", "v1a", private),
    ] {
        let signing = json!({ "scheme": scheme, "secret": secret });
        let webhook = WebhookBuilder::new(name, "https://10.0.0.5/x").with("signing", signing);
        let id = app.webhooks(&webhook.file()).await.pop().unwrap();
        let path = format!("/webhooks/{id}/signing");
        scenes.push(scene(name, path.clone()));
        if scheme == "v1" {
            scenes.push(stepped(
                "signing-replaced",
                &path,
                &["[action$='/rotate'] button", ".danger", "#new-key"],
            ));
            scenes.push(stepped(
                "signing-replace-again",
                &path,
                &["[action$='/rotate'] button", ".danger"],
            ));
            scenes.push(stepped(
                "signing-generated",
                &format!("/webhooks/{id}/edit"),
                &["#signing-key-input .button", "#generated-key + button"],
            ));
        }
        if scheme != "none" {
            let mut ann = app.admin().await;
            let rotate = format!("/webhooks/{id}/signing/rotate");
            let fields = [("overlap_hours", "24"), ("seen", "1")];
            assert_eq!(ann.post(&rotate, &fields).await.status, 200);
        }
    }
    check_all(&app, &scenes).await;
    app.finish().await;
}

/// Whether a receiver that has this key accepts a request.
fn is_accepted(key: &str, request: &RecordedRequest) -> bool {
    let header = |name| request.header(name).unwrap_or_default();
    let timestamp = header("webhook-timestamp").parse().unwrap();
    let message = SignedMessage { id: header("webhook-id"), timestamp, body: &request.body };
    let key = SigningKey::parse(SignatureScheme::V1, key).unwrap();
    key.verify(&message, header("webhook-signature"))
}

#[tokio::test]
async fn an_editor_replaces_a_signing_key_and_no_delivery_is_rejected() {
    let old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let signing = json!({ "scheme": "v1", "secret": old });
    let scenario = Scenario::with_webhook(|webhook| webhook.with("signing", signing)).await;
    let delivered = async |number: i64| {
        scenario.app.send(&scenario.token, &event("Granted", &number.to_string())).await;
        scenario.app.wait_for("delivered", number).await;
        scenario.logpoint.requests().pop().unwrap()
    };
    assert!(is_accepted(old, &delivered(1).await));
    let ann = Browser::signed_in(&scenario.app).await;
    ann.open(&format!("/webhooks/{}", scenario.webhook)).await;
    ann.click_text("a", "Keys and verification").await;
    ann.wait_for_text("h1", "Signatures").await;
    ann.select("#overlap_hours", "7 days").await;
    ann.click_text("button", "Replace the key").await;
    ann.wait_for_text("h2", "The key was replaced").await;
    let new = ann.texts("#new-key").await.pop().unwrap();
    // The receiver has the old key, and then gets the new one.
    let second = delivered(2).await;
    assert!(is_accepted(old, &second) && is_accepted(&new, &second));
    ann.click_text("button", "Revoke previous key").await;
    ann.wait_for_text("#toasts", "Revoked the previous key").await;
    let third = delivered(3).await;
    assert!(is_accepted(&new, &third) && !is_accepted(old, &third));
    assert_eq!(ann.texts("#new-key").await, Vec::<String>::new());
    ann.assert_no_console_errors("after the key was replaced").await;
    ann.finish().await;
    scenario.app.finish().await;
}
