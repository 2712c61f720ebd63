//! Single sign-on in the browser, with the pages of a certified provider.

use std::time::Duration;

use serde_json::json;

use crate::appearance::{check_all, check_each, check_open_page, scene};
use crate::driver::Browser;
use crate::support::app::PASSWORD;
use crate::support::identity_provider::{Provider, app_without_provider};

/// Signs in on the pages of the provider.
async fn sign_in_at_provider(browser: &Browser, name: &str) {
    browser.wait_for("input[name=login]").await;
    browser.fill("input[name=login]", name).await;
    browser.fill("input[name=password]", PASSWORD).await;
    browser.click("button[type=submit]").await;
    browser.wait_for_text("button[type=submit]", "Continue").await;
    browser.click("button[type=submit]").await;
}

#[tokio::test]
async fn a_new_user_signs_in_by_role_and_signs_out() {
    let (app, provider) = Provider::start_with_app().await;
    provider.set_group("eve", "soc").await;
    let browser = Browser::start(&app).await;
    check_each(&browser, &[scene("sso-login", "/login")]).await;
    browser.open("/events").await;
    browser.wait_for_path("/login?next=%2Fevents").await;
    browser.click_text("a", "Sign in with Example ID").await;
    sign_in_at_provider(&browser, "eve").await;
    browser.wait_for_path("/events").await;
    // An editor, who may change webhooks, but not users.
    let shown = "[...document.querySelectorAll('nav.nav a')].map((one) => one.textContent.trim())";
    assert_eq!(
        browser.eval(shown).await,
        json!(["Webhooks", "Events", "Deliveries", "Secrets", "Status"])
    );
    check_each(&browser, &[scene("sso-account", "/account"), scene("sso-done", "/login/sso/done")])
        .await;
    browser.open("/webhooks").await;
    browser.wait_until("innerWidth === 390").await;
    browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
    browser.click(".person summary").await;
    browser.click_text(".person button", "Sign out").await;
    // The browser goes on to the provider by itself.
    browser.wait_for_text("button", "Yes, sign me out").await;
    browser.click_text("button", "Yes, sign me out").await;
    browser.wait_for_path_prefix("/login").await;
    check_open_page(&browser, "sso-signed-out").await;
    browser.finish().await;
    check_all(&app, &[scene("sso-users", "/users")]).await;
    app.finish().await;
}

#[tokio::test]
async fn changes_are_confirmed_at_the_provider_in_another_tab() {
    let (app, provider) = Provider::start_with_app().await;
    provider.set_group("eve", "admins").await;
    let browser = Browser::start(&app).await;
    browser.open("/login/sso?next=/tokens/new").await;
    sign_in_at_provider(&browser, "eve").await;
    browser.wait_for_path("/tokens/new").await;
    app.clock.advance(Duration::from_mins(16));
    browser.fill("#name", "CI").await;
    browser.click_text("button", "Create token").await;
    browser.wait_for_text("h1", "Confirm that it is you").await;
    check_open_page(&browser, "sso-confirm").await;
    // With scripts, forms that guard what was typed ask in a dialog.
    browser.open("/secrets/new").await;
    browser.fill("#name", "logpoint_key").await;
    browser.fill("#value", "0123456789").await;
    browser.click(".bar-save .primary").await;
    browser.wait_for_text("dialog h2", "Confirm that it is you").await;
    check_open_page(&browser, "sso-confirm-dialog").await;
    app.finish().await;
}

#[tokio::test]
async fn a_user_without_a_group_is_refused() {
    let (app, _provider) = Provider::start_with_app().await;
    let browser = Browser::start(&app).await;
    browser.open("/login/sso").await;
    sign_in_at_provider(&browser, "sam").await;
    browser.wait_for_text("h1", "No access to Gatepost").await;
    check_each(&browser, &[scene("sso-refused", "/login/sso")]).await;
    app.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_down_is_reported() {
    let (app, _port) = app_without_provider().await;
    let browser = Browser::start(&app).await;
    check_each(&browser, &[scene("sso-down", "/login/sso")]).await;
    browser.click_text("a", "Sign in with a password").await;
    browser.wait_for_path("/login").await;
    app.finish().await;
}
