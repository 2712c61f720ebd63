//! Appearance of the page **Signatures**.

use serde_json::json;

use crate::appearance::{check_all, scene, stepped};
use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;

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
