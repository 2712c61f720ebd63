//! A session that ends, or a connection that is lost, while a webhook is being edited.

use serde_json::json;

use crate::driver::{Browser, ENTER};
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};

async fn end_sessions(app: &TestApp) {
    sqlx::query("delete from sessions").execute(app.database.pool()).await.unwrap();
}

/// Signs in again in the dialog.
async fn sign_in_again(ann: &Browser) {
    ann.focus_on("#sign-in-password").await;
    ann.holds("#sign-in-email", EMAIL).await;
    ann.fill("#sign-in-password", PASSWORD).await;
    ann.press(ENTER).await;
    ann.gone("dialog[open]").await;
}

/// Fills in a webhook that can be saved.
async fn fill_in(ann: &Browser) {
    ann.open("/webhooks/new").await;
    ann.fill("#url", "https://10.0.0.5/x").await;
    ann.click("#triggers summary").await;
    ann.click_text("#triggers label", "Granted").await;
    ann.fill("#name", "Archive").await;
}

#[tokio::test]
async fn typing_and_saving_go_on_after_signing_in_again() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    fill_in(&ann).await;
    ann.reads("#preview", "https://10.0.0.5/x").await;

    // The preview asks while typing, and finds that the session has ended.
    end_sessions(&app).await;
    ann.fill("#url", "https://10.0.0.6/x").await;
    ann.see("dialog[open] #sign-in-password").await;
    ann.fill("#sign-in-password", "not the password").await;
    ann.press(ENTER).await;
    ann.reads("dialog[open] [role=alert]", "password is wrong").await;
    sign_in_again(&ann).await;
    ann.at("/webhooks/new").await;
    ann.reads("#preview", "https://10.0.0.6/x").await;
    ann.holds("#name", "Archive").await;
    ann.focus_on("#url").await;

    // Saving finds it too, and is done after signing in.
    end_sessions(&app).await;
    ann.click_text(".bar button", "Save Webhook").await;
    sign_in_again(&ann).await;
    ann.at("/webhooks").await;
    ann.reads("#toasts", "Saved “Archive”").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn the_dialog_can_be_dismissed_and_comes_back_when_it_is_needed() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    fill_in(&ann).await;
    ann.reads("#preview", "https://10.0.0.5/x").await;
    end_sessions(&app).await;
    ann.fill("#url", "https://10.0.0.6/x").await;
    ann.see("dialog[open] #sign-in-password").await;
    ann.click_text("dialog button", "Not now").await;
    ann.gone("dialog[open]").await;
    ann.holds("#url", "https://10.0.0.6/x").await;
    // Only what the user asks for opens it again.
    ann.click_text("button", "Try on past events").await;
    sign_in_again(&ann).await;
    ann.reads("#backtest", "No events have been received yet").await;
    ann.holds("#url", "https://10.0.0.6/x").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_lost_connection_loses_nothing() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    fill_in(&ann).await;
    let network = |offline: bool| json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    ann.devtools("Network.enable", json!({})).await;
    ann.devtools("Network.emulateNetworkConditions", network(true)).await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.reads("#toasts", "Gatepost cannot be reached").await;
    ann.at("/webhooks/new").await;
    ann.holds("#name", "Archive").await;
    ann.devtools("Network.emulateNetworkConditions", network(false)).await;
    ann.click_text(".bar button", "Save Webhook").await;
    ann.at("/webhooks").await;
    ann.reads("#toasts", "Saved “Archive”").await;
    ann.finish().await;
    app.finish().await;
}
