//! The pages that look different in strict mode.

use gatepost::identity::Role;
use gatepost::model::SecurityPolicy;

use crate::appearance::{check_each, check_open_page, scene};
use crate::driver::Browser;
use crate::support::TestApp;
use crate::support::authenticator::Authenticator;

#[tokio::test]
async fn pages_in_strict_mode() {
    let app = TestApp::start().await;
    let (mut ann, ben) = (app.admin().await, app.user(Role::Viewer).await);
    Authenticator::enrol(&app, &mut ann).await;
    let app = app.restart_with(|config| config.policy = SecurityPolicy::STRICT).await;
    let browser = Browser::start(&app).await;
    browser.use_session_of(&ann).await;
    let scenes = [
        scene("strict-users", "/users"),
        scene("strict-token-new", "/tokens/new"),
        scene("strict-status", "/status"),
    ];
    check_each(&browser, &scenes).await;
    browser.finish().await;

    let browser = Browser::start(&app).await;
    browser.use_session_of(&ben).await;
    let scenes = [scene("strict-set-up", "/webhooks")];
    check_each(&browser, &scenes).await;
    browser.fill("#code", "000000").await;
    browser.click_text("button", "Turn on").await;
    browser.wait_for_text("#code-error", "that your app supports SHA-256").await;
    check_open_page(&browser, "strict-set-up-error").await;
    let secret = browser.wait_for_text("#secret", " ").await;
    let device = Authenticator::new(secret.trim());
    browser.fill("#code", &device.next_code(&app)).await;
    browser.click_text("button", "Turn on").await;
    browser.wait_for_text("h1", "Recovery codes").await;
    browser.finish().await;
    app.finish().await;
}
