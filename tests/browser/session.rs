//! A session that ends and a connection that is lost while a webhook is edited.

use serde_json::json;

use crate::driver::{Browser, ENTER};
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};

async fn end_sessions(app: &TestApp) {
    sqlx::query("delete from sessions").execute(app.database.pool()).await.unwrap();
}

/// Signs in again in the dialog.
async fn sign_in_again(ann: &Browser) {
    ann.wait_for_focus("#sign-in-password").await;
    ann.wait_for_value("#sign-in-email", EMAIL).await;
    ann.fill("#sign-in-password", PASSWORD).await;
    ann.press(ENTER).await;
    ann.wait_until_gone("dialog[open]").await;
}

/// Starts an app and a browser in which a valid webhook is filled in.
async fn start_editing() -> (TestApp, Browser) {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks/new").await;
    ann.fill("#name", "Archive").await;
    ann.click("#triggers summary").await;
    ann.click_text("#triggers label", "Granted").await;
    // The URL comes last: once the preview shows it, no request of the preview is pending.
    ann.fill("#url", "https://10.0.0.5/x").await;
    ann.wait_for_text("#preview", "https://10.0.0.5/x").await;
    (app, ann)
}

async fn wait_until_saved(ann: &Browser) {
    ann.wait_for_path("/webhooks").await;
    ann.wait_for_text("#toasts", "Saved “Archive”").await;
}

async fn save(ann: &Browser) {
    ann.click_text(".bar button", "Save Webhook").await;
    wait_until_saved(ann).await;
}

#[tokio::test]
async fn editing_and_saving_continue_after_signing_in_again() {
    let (app, ann) = start_editing().await;

    // The preview is requested while typing, and is the first request after the end of the session.
    end_sessions(&app).await;
    ann.fill("#url", "https://10.0.0.6/x").await;
    ann.wait_for("dialog[open] #sign-in-password").await;
    ann.fill("#sign-in-password", "not the password").await;
    ann.press(ENTER).await;
    ann.wait_for_text("dialog[open] [role=alert]", "password is wrong").await;
    sign_in_again(&ann).await;
    ann.wait_for_path("/webhooks/new").await;
    ann.wait_for_text("#preview", "https://10.0.0.6/x").await;
    ann.wait_for_value("#name", "Archive").await;
    ann.wait_for_focus("#url").await;

    // The same happens when saving, which is repeated after signing in.
    end_sessions(&app).await;
    ann.click_text(".bar button", "Save Webhook").await;
    sign_in_again(&ann).await;
    wait_until_saved(&ann).await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_dismissed_dialog_opens_again_for_the_next_action() {
    let (app, ann) = start_editing().await;
    end_sessions(&app).await;
    ann.fill("#url", "https://10.0.0.6/x").await;
    ann.wait_for("dialog[open] #sign-in-password").await;
    ann.click_text("dialog button", "Not now").await;
    ann.wait_until_gone("dialog[open]").await;
    ann.wait_for_value("#url", "https://10.0.0.6/x").await;
    // An action of the user opens it again.
    ann.click_text("button", "Try on past events").await;
    sign_in_again(&ann).await;
    ann.wait_for_text("#backtest", "No events have been received yet").await;
    ann.wait_for_value("#url", "https://10.0.0.6/x").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_lost_connection_keeps_the_input() {
    let (app, ann) = start_editing().await;
    let network = |offline: bool| json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    ann.devtools("Network.enable", json!({})).await;
    ann.devtools("Network.emulateNetworkConditions", network(true)).await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_text("#toasts", "Gatepost cannot be reached").await;
    ann.wait_for_path("/webhooks/new").await;
    ann.wait_for_value("#name", "Archive").await;
    ann.devtools("Network.emulateNetworkConditions", network(false)).await;
    save(&ann).await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_page_whose_session_was_replaced_in_another_tab_can_be_saved() {
    let (app, ann) = start_editing().await;
    // As another tab does after the session has ended: the browser has the cookie of a new one.
    end_sessions(&app).await;
    ann.use_session_of(&app.admin().await).await;
    save(&ann).await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn errors_are_shown_in_the_dialog_that_covers_the_page() {
    let (app, ann) = start_editing().await;
    end_sessions(&app).await;
    ann.fill("#url", "https://10.0.0.6/x").await;
    for attempt in 0..12 {
        ann.wait_for("dialog[open] #sign-in-password").await;
        ann.fill("#sign-in-password", &format!("wrong password {attempt}")).await;
        ann.press(ENTER).await;
        let message = ann.wait_for_text("dialog[open] [role=alert]", "again").await;
        if message.contains("Too many attempts") {
            ann.wait_for_focus("#sign-in-password").await;
            ann.finish().await;
            app.finish().await;
            return;
        }
        ann.eval("document.querySelector('dialog [role=alert]').textContent = ''").await;
    }
    panic!("the attempts were not limited");
}
