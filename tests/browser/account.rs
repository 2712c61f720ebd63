//! The account in the browser: theme, password and sessions.

use serde_json::json;

use crate::driver::Browser;
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};

const BACKGROUND: &str = "getComputedStyle(document.body).backgroundColor";
const DARK: &str = "rgb(12, 14, 19)";

async fn choose_theme(ann: &Browser, label: &str) {
    let choose = format!(
        "(() => {{ const menu = document.querySelector('#theme'); \
         menu.value = [...menu.options].find((one) => one.label === {}).value; return true; }})()",
        json!(label)
    );
    ann.wait_until(&choose).await;
    ann.click_text("button", "Save preferences").await;
    ann.wait_for_text("#toasts", "Saved your preferences").await;
}

#[tokio::test]
async fn the_theme_of_the_account_applies_until_the_browser_has_another() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/webhooks").await;
    ann.click(".person summary").await;
    ann.click_text(".person a", "Account").await;
    ann.wait_for_path("/account").await;
    assert_ne!(ann.eval(BACKGROUND).await, json!(DARK));
    choose_theme(&ann, "Dark").await;
    assert_eq!(ann.eval(BACKGROUND).await, json!(DARK));
    ann.click("[data-theme-switch]").await;
    ann.wait_until(&format!("{BACKGROUND} !== {}", json!(DARK))).await;
    ann.open("/webhooks").await;
    assert_ne!(ann.eval(BACKGROUND).await, json!(DARK));
    // Saving the theme of the account replaces the browser's.
    ann.open("/account").await;
    choose_theme(&ann, "Dark").await;
    ann.open("/webhooks").await;
    assert_eq!(ann.eval(BACKGROUND).await, json!(DARK));
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn the_password_is_changed_and_all_sessions_end_without_scripts() {
    const NEW_PASSWORD: &str = "purple kayak on a quiet lake";
    let app = TestApp::start().await;
    let ann = Browser::start(&app).await;
    ann.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    ann.open("/login").await;
    ann.sign_in().await;
    ann.click(".person summary").await;
    ann.click_text(".person a", "Account").await;
    ann.fill("#current_password", PASSWORD).await;
    ann.fill("#password", "password1234").await;
    ann.fill("#password_again", "password1234").await;
    ann.click_text("button", "Change password").await;
    ann.wait_for_text("#password-error", "too easy to guess").await;
    ann.fill("#current_password", PASSWORD).await;
    ann.fill("#password", NEW_PASSWORD).await;
    ann.fill("#password_again", NEW_PASSWORD).await;
    ann.click_text("button", "Change password").await;
    ann.wait_for_text("#toasts", "Your password is changed").await;
    ann.wait_for_text(".sessions li", "This session").await;
    ann.click_text("button", "Sign out everywhere").await;
    ann.wait_for_path("/login?signed_out=true").await;
    app.anonymous().sign_in(EMAIL, NEW_PASSWORD).await;
    ann.finish().await;
    app.finish().await;
}
