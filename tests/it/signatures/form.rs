//! Keys for signatures in the webhook form.

use serde_json::json;

use super::{KEYS, delivered, recorded, replace_key, signed, snippet, verify};
use crate::support::scenario::Scenario;
use crate::support::user::{TestResponse, TestUser};

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
    replace_key(&mut ann, &scenario.webhook, "24").await;
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

/// Returns the fields of a form with some of them changed.
fn changed<'a>(
    fields: &'a [(String, String)],
    changes: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let is_kept = |name: &str| !changes.iter().any(|(other, _)| *other == name);
    let kept = borrowed(fields).into_iter().filter(|(name, _)| is_kept(name));
    kept.chain(changes.iter().copied()).collect()
}

/// Presses **Generate** as a browser with scripts does. Returns the fields of the form, and the part that replaced some.
async fn generate(
    ann: &mut TestUser,
    fields: &[(String, String)],
) -> (Vec<(String, String)>, TestResponse) {
    let part = ann.post_part("/webhooks/signing-key", &borrowed(fields)).await;
    let replaced = part.fields("body");
    let is_kept = |name: &str| !replaced.iter().any(|(other, _)| other == name);
    let kept = fields.iter().filter(|(name, _)| is_kept(name)).cloned();
    (kept.chain(replaced.iter().cloned()).collect(), part)
}

#[tokio::test]
async fn a_generated_key_replaces_the_chosen_one() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let mut ann = scenario.app.admin().await;
    let path = format!("/webhooks/{}", scenario.webhook);
    let form = ann.get(&format!("{path}/edit")).await;
    assert_eq!(form.texts("#signing_key_saved option[selected]"), ["Use signing_key"]);
    let is_rendered = form.attribute(".preview-body", "data-ok");
    assert_eq!(is_rendered.as_deref(), Some("true"), "the key does not prevent the preview");
    let fields = form.fields("#webhook-form");
    let tried = ann.post_part("/webhooks/backtest", &borrowed(&fields)).await;
    assert!(!tried.body.contains("signing_key"), "{}", tried.body);
    let (fields, part) = generate(&mut ann, &fields).await;
    let generated = part.text("#generated-key");
    assert!(part.texts("#signing_key_saved option[selected]").is_empty(), "{}", part.body);
    // An error elsewhere keeps the key, which can still be copied.
    let rejected = ann.post(&path, &changed(&fields, &[("name", "")])).await;
    assert_eq!(rejected.status, 422);
    assert_eq!(rejected.text("#generated-key"), generated);
    assert_eq!(rejected.attribute("#signing_key", "value").unwrap(), generated);
    let saved = ann.post(&path, &borrowed(&fields)).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    assert!(!ann.get(&format!("{path}/edit")).await.body.contains(&generated));
    let request = recorded(&delivered(&scenario, 1).await);
    let python = snippet(&mut ann, &scenario.webhook, "python").await;
    assert!(verify("python", &generated, &request, &python)["package"].is_null());
    assert!(verify("python", KEYS[0], &request, &python)["package"].is_string());
    scenario.app.finish().await;
}

#[tokio::test]
async fn another_scheme_needs_another_key_and_keeps_the_previous_one() {
    let scenario = signed(json!({ "scheme": "v1", "secret": KEYS[0] })).await;
    let mut ann = scenario.app.admin().await;
    let path = format!("/webhooks/{}", scenario.webhook);
    assert_eq!(replace_key(&mut ann, &scenario.webhook, "24").await.status, 200);
    let form = ann.get(&format!("{path}/edit")).await;
    assert!(form.text("main").contains("also signed with the previous key"));
    let mut fields = form.fields("#webhook-form");
    for (name, value) in &mut fields {
        if name == "signing_scheme" {
            "v1a".clone_into(value);
        }
    }
    // The saved key cannot be used. The error is at the menu, and the template has none.
    let rejected = ann.post(&path, &borrowed(&fields)).await;
    assert_eq!(rejected.status, 422);
    assert!(rejected.text("#signing_key-error").contains("is not a private key for Ed25519"));
    assert_eq!(rejected.texts("#signing_key_saved[aria-invalid=true][autofocus]").len(), 1);
    let is_rendered = rejected.attribute(".preview-body", "data-ok");
    assert_eq!(is_rendered.as_deref(), Some("true"), "{}", rejected.text(".preview-body"));
    let (fields, part) = generate(&mut ann, &rejected.fields("#webhook-form")).await;
    assert!(part.text("#generated-key").starts_with("whsk_"));
    let saved = ann.post(&path, &borrowed(&fields)).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let request = delivered(&scenario, 1).await;
    let signatures = request.header("webhook-signature").unwrap();
    let schemes: Vec<_> =
        signatures.split(' ').filter_map(|one| one.split_once(',')).map(|(it, _)| it).collect();
    assert_eq!(schemes, ["v1a", "v1"], "{signatures}");
    let page = ann.get(&format!("{path}/signing")).await;
    let (public_key, code) = (page.text("#public-key"), page.typed("verify-python"));
    assert!(verify("python", &public_key, &recorded(&request), &code)["snippet"].is_null());
    assert!(verify("python", KEYS[0], &recorded(&request), &code)["package"].is_null());
    scenario.app.finish().await;
}
