//! The form of a secret, with and without JavaScript.

use serde_json::json;

use crate::appearance::{check_all, scene, stepped, typed};
use crate::driver::Browser;
use crate::sample_data::{SampleData, add_secrets, fill};
use crate::support::TestApp;
use crate::support::logpoint::{FakeLogpoint, INCIDENTS, Options};

#[tokio::test]
async fn a_secret_is_added_changed_and_deleted_without_scripts() {
    let app = TestApp::start().await;
    let ann = Browser::start(&app).await;
    ann.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    ann.open("/login").await;
    ann.sign_in().await;
    ann.click_text("nav a", "Secrets").await;
    ann.wait_for_path("/secrets").await;
    ann.click_text("a", "Add secret").await;
    ann.wait_for_path("/secrets/new").await;
    ann.fill("#name", "logpoint key").await;
    ann.fill("#value", "the-value").await;
    ann.click(".fold summary").await;
    ann.fill("#scopes", "read").await;
    ann.click_text("button", "Save secret").await;
    ann.wait_for_text("[role=alert]", "Fix 2 errors before saving").await;
    ann.wait_for_text("#value-error", "Enter the value again").await;
    ann.wait_for_value("#name", "logpoint key").await;
    ann.wait_for_value("#scopes", "read").await;
    ann.wait_for_value("#value", "").await;
    ann.fill("#name", "logpoint_key").await;
    ann.fill("#value", "the-value").await;
    ann.fill("#hosts", "https://10.0.0.5").await;
    ann.fill("#token_hosts", "https://10.0.0.6").await;
    ann.click_text("button", "Save secret").await;
    ann.wait_for_path("/secrets").await;
    ann.wait_for_text("#toasts", "Saved “logpoint_key”.").await;
    ann.click_text("td.name a", "logpoint_key").await;
    ann.wait_for_path_prefix("/secrets/").await;
    ann.wait_for_value("#hosts", "https://10.0.0.5").await;
    ann.click_text(".head a", "Delete").await;
    ann.click_text("button", "Delete secret").await;
    ann.wait_for_path("/secrets").await;
    ann.wait_for_text("#toasts", "Deleted “logpoint_key”.").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn errors_get_the_focus_and_unsaved_changes_are_guarded() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/secrets/new").await;
    ann.wait_for_focus("#name").await;
    ann.fill("#name", "logpoint_key").await;
    ann.fill("#value", "the-value").await;
    ann.click(".fold summary").await;
    ann.fill("#token_hosts", "*").await;
    ann.click(".fold summary").await;
    ann.click_text("button", "Save secret").await;
    // The error is in a collapsed section, which opens.
    ann.wait_for_text("#token_hosts-error", "wildcard").await;
    ann.wait_for_focus("#token_hosts").await;
    ann.wait_for_value("#value", "").await;
    ann.click_text(".bar a", "Cancel").await;
    assert!(ann.dialog_text().await.contains("Leave without saving?"));
    ann.answer_dialog(false).await;
    ann.fill("#value", "the-value").await;
    ann.fill("#token_hosts", "https://10.0.0.6").await;
    ann.click_text("button", "Save secret").await;
    ann.wait_for_path("/secrets").await;
    ann.wait_for_text("#toasts", "Saved “logpoint_key”.").await;
    ann.fill("#q", "nothing").await;
    ann.wait_for_text("#secrets-table", "No matching secrets.").await;
    ann.wait_for_path("/secrets?q=nothing").await;
    ann.click_text("a", "Clear filters").await;
    ann.click_text("td.name a", "logpoint_key").await;
    // Without changes, there is no question.
    ann.click_text(".bar a", "Cancel").await;
    ann.wait_for_path("/secrets").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn pages_about_secrets() {
    let app = TestApp::start().await;
    let save = &[".bar-save .primary", "[role=alert]"];
    let scenes = [
        scene("secrets-empty", "/secrets"),
        scene("secret-new", "/secrets/new"),
        stepped("secret-errors", "/secrets/new", save),
    ];
    check_all(&app, &scenes).await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let SampleData { webhook, paused, .. } = fill(&app, &logpoint).await;
    let [used, unused] = add_secrets(&app, &[&webhook, &paused]).await;
    let scenes = [
        scene("secrets", "/secrets"),
        scene("secrets-no-match", "/secrets?q=nothing-like-it"),
        scene("secret", &used),
        scene("secret-oauth", &unused),
        scene("secret-delete", format!("{unused}/delete")),
        scene("secret-delete-refused", format!("{used}/delete")),
        stepped(
            "form-saved-secret",
            &format!("/webhooks/{webhook}/edit"),
            &["#auth_kind label:nth-of-type(2)", "#auth_token_saved"],
        ),
        typed(
            "form-found-secrets",
            "{\"secret_key\": \"typed-secret\", \"token\": \"another\"}",
            &[".found-secret"],
        ),
        typed("editor-completion-secret", "{\"a\": \"{{secrets.", &[".cm-tooltip-autocomplete"]),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}

#[tokio::test]
async fn an_older_preview_does_not_replace_what_is_typed() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new?preset=logpoint-reopen").await;
    ann.replace("#body_template", "<secret key>", "demo-key").await;
    ann.wait_for_text("#found-secrets", "secret_key in the body").await;
    // The next preview gets no response.
    let patterns = json!({"patterns": [{"urlPattern": "*/webhooks/preview"}]});
    ann.devtools("Fetch.enable", patterns).await;
    let record = "(window.seen = [], ['htmx:beforeSend', 'htmx:sendAbort'].forEach((name) => \
                  addEventListener(name, () => window.seen.push(name))), 0)";
    ann.eval(record).await;
    ann.fill("#secret-name-1", "x").await;
    ann.wait_until("window.seen.at(-1) === 'htmx:beforeSend'").await;
    // The request of the preview ends at once, not when the next one begins.
    let type_more = "(document.querySelector('#secret-name-1')\
                     .dispatchEvent(new Event('input', { bubbles: true })), window.seen.at(-1))";
    assert_eq!(ann.eval(type_more).await, "htmx:sendAbort");
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn an_update_keeps_what_is_selected() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new?preset=logpoint-reopen").await;
    ann.replace("#body_template", "<secret key>", "demo-key").await;
    ann.wait_for_text("#found-secrets", "secret_key in the body").await;
    let record =
        "(window.swapped = 0, addEventListener('htmx:afterSettle', () => window.swapped += 1), 0)";
    ann.eval(record).await;
    ann.click("#secret-name-1").await;
    // The whole name is selected while a change elsewhere updates the field.
    let change = "(document.querySelector('#secret-name-1').select(), \
                  document.querySelector('#method, [name=method]').dispatchEvent(new Event('change', { bubbles: true })), 0)";
    ann.eval(change).await;
    ann.wait_until("window.swapped > 0").await;
    ann.press("my_key").await;
    ann.wait_for_value("#secret-name-1", "my_key").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_typed_key_is_named_moved_and_used_again() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new?preset=logpoint-reopen").await;
    ann.fill("#url", &logpoint.url("/reopen_incident")).await;
    ann.replace("#body_template", "<user name>", "svc-gatepost").await;
    ann.replace("#body_template", "<secret key>", "demo-key").await;
    ann.replace("#body_template", "<incident id>", INCIDENTS[0]).await;
    ann.wait_for_text("#found-secrets", "secret_key in the body").await;
    ann.wait_for_text("#found-secrets", "sent only to https://127.0.0.1").await;
    // The preview is updated while the name is typed, which keeps the focus.
    ann.select("#secret-choice-1", "Save as a secret for all webhooks").await;
    ann.fill("#secret-name-1", "logpoint_key").await;
    ann.wait_for_text("#preview", "[secret:logpoint_key]").await;
    assert!(ann.has_focus("#secret-name-1").await);
    ann.click_text("label.pill", "Pinned certificate").await;
    ann.click_text("button", "Fetch certificate").await;
    ann.wait_for_value("#tls_sha256", logpoint.fingerprint()).await;
    ann.click_text("button", "Test").await;
    ann.wait_for_text("#test-result", "Test successful").await;
    ann.click_text("#test-result a", "View Invocation Data").await;
    ann.wait_for("dialog[open] h1").await;
    ann.click("dialog .tabs a[href='#request']").await;
    ann.wait_for_text("dialog #request", "[secret:logpoint_key]").await;
    ann.click("dialog [data-close-panel]").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_path("/webhooks").await;

    // The form shows the reference, and nothing more to move.
    ann.click_text("td.name a", "Logpoint reopen").await;
    ann.click_text(".head a", "Edit").await;
    ann.wait_for_text("#preview", "[secret:logpoint_key]").await;
    assert!(ann.value("#body_template").await.contains("{{secrets.logpoint_key}}"));
    assert!(ann.texts(".found-secret").await.is_empty());
    // Another server is refused, with what to do.
    let other = FakeLogpoint::start(Options::default()).await;
    ann.fill("#url", &other.url("/reopen_incident")).await;
    ann.wait_for_text("#preview", "may not be sent to").await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_text("#body_template-error", "ask an administrator").await;
    ann.fill("#url", &logpoint.url("/reopen_incident")).await;
    ann.wait_for_text("#preview", "[secret:logpoint_key]").await;
    // It can also be used as a token, where nothing is typed then.
    ann.click_text("label.pill", "Bearer token").await;
    ann.select("#auth_token_saved", "Use logpoint_key").await;
    assert_eq!(ann.eval("document.getElementById('auth_token').checkVisibility()").await, false);
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_path("/webhooks").await;
    ann.finish().await;
    app.finish().await;
}
