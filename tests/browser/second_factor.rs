//! The second factor in the browser: setting it up, signing in, a lost device, and a reset.

use gatepost::identity::Role;
use serde_json::json;

use crate::appearance::{check_all, check_each, check_open_page, scene};
use crate::driver::{Browser, ENTER};
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::authenticator::Authenticator;

async fn sign_out(user: &Browser) {
    user.click(".person summary").await;
    user.click_text(".person button", "Sign out").await;
    user.wait_for_path("/login").await;
}

/// Enters the password, which leads to the page that asks for the code.
async fn enter_password(user: &Browser, email: &str) {
    user.fill("#email", email).await;
    user.fill("#password", PASSWORD).await;
    user.press(ENTER).await;
    user.wait_for_path_prefix("/login/code").await;
    user.wait_for_focus("#code").await;
}

/// Sets up an app with the secret of the page. Returns it with the recovery codes.
async fn enrol(app: &TestApp, user: &Browser, done: &str, shows: bool) -> Authenticator {
    user.wait_for_path_prefix("/account/two-factor/new").await;
    let secret = user.wait_for_text("#secret", " ").await;
    let device = Authenticator::new(secret.trim());
    user.fill("#code", "000000").await;
    user.click_text("button", "Turn on").await;
    user.wait_for_text("#code-error", "not the code of this secret").await;
    assert_eq!(user.wait_for_text("#secret", " ").await.trim(), secret.trim());
    user.fill("#code", &device.next_code(app)).await;
    user.click_text("button", "Turn on").await;
    user.wait_for_text("h1", "Recovery codes").await;
    let codes = user.wait_for_text("#codes", "-").await;
    if shows {
        check_open_page(user, "second-factor-recovery-codes").await;
    }
    let recovery_codes = codes.split_whitespace().map(str::to_owned).collect();
    user.click_text("a", "Done").await;
    user.wait_for_path(done).await;
    Authenticator { recovery_codes, ..device }
}

/// Sets it up, signs in with the app, loses the device, signs in with a recovery code, and is reset by an administrator.
async fn journey(app: &TestApp, ben: &Browser, shows: bool) {
    let email = app.add_user(Role::Editor).await;
    ben.open("/login").await;
    ben.fill("#email", &email).await;
    ben.fill("#password", PASSWORD).await;
    ben.press(ENTER).await;
    ben.wait_for_path("/webhooks").await;
    ben.open("/account").await;
    ben.click_text("a", "Set up").await;
    let device = enrol(app, ben, "/account", shows).await;
    sign_out(ben).await;
    sign_in_with_codes(app, ben, &email, &device).await;
    if shows {
        check_open_page(ben, "second-factor-recovered").await;
    }
    reset_and_require(app, &email).await;

    // The session has ended. The password alone leads only to the set-up.
    ben.click_text("nav a", "Events").await;
    ben.wait_for_path("/login?next=%2Fevents").await;
    ben.fill("#email", &email).await;
    ben.fill("#password", PASSWORD).await;
    ben.press(ENTER).await;
    ben.wait_for_text(".banner", "Your role requires two-factor authentication").await;
    ben.open("/webhooks").await;
    enrol(app, ben, "/webhooks", false).await;
}

/// Signs in with the app, signs out, and signs in with a recovery code.
async fn sign_in_with_codes(app: &TestApp, ben: &Browser, email: &str, device: &Authenticator) {
    enter_password(ben, email).await;
    ben.press("000000").await;
    ben.press(ENTER).await;
    ben.wait_for_text("[role=alert]", "wrong or was used before").await;
    ben.wait_for_focus("#code").await;
    ben.press(&device.next_code(app)).await;
    ben.press(ENTER).await;
    ben.wait_for_path("/webhooks").await;
    sign_out(ben).await;

    enter_password(ben, email).await;
    ben.click_text("a", "Use a recovery code").await;
    ben.wait_for_path("/login/code?next=&recovery=true").await;
    ben.wait_for_focus("#code").await;
    ben.press(&device.recovery_codes[0].to_lowercase()).await;
    ben.press(ENTER).await;
    ben.wait_for_path("/webhooks").await;
    ben.wait_for_text("#toasts", "9 are left").await;
}

/// Resets the second factor of a user as an administrator, and requires one for the role.
async fn reset_and_require(app: &TestApp, email: &str) {
    let ann = Browser::signed_in(app).await;
    ann.open("/users").await;
    ann.click_text("td.name a", email).await;
    ann.wait_for_path_prefix("/users/").await;
    ann.click_text("a", "Reset two-factor").await;
    ann.wait_for_text("h1", "Reset two-factor authentication").await;
    ann.click_text("button", "Reset two-factor").await;
    ann.wait_for_text("#toasts", "Reset the two-factor authentication of").await;
    ann.click_text("nav a", "Users").await;
    ann.click("[name=role][value=editor]").await;
    ann.click_text("button", "Save").await;
    ann.wait_for_text("#toasts", "Saved the roles").await;
    ann.wait_for_text("tbody tr:last-child td[data-label=Two-factor]", "Required, not set up")
        .await;
    ann.finish().await;
}

#[tokio::test]
async fn a_second_factor_from_the_set_up_to_a_reset() {
    let app = TestApp::start().await;
    let ben = Browser::start(&app).await;
    journey(&app, &ben, true).await;
    ben.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_second_factor_from_the_set_up_to_a_reset_without_scripts() {
    let app = TestApp::start().await;
    let ben = Browser::start(&app).await;
    ben.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    journey(&app, &ben, false).await;
    ben.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn editing_continues_after_the_code_was_entered_in_the_dialog() {
    let app = TestApp::start().await;
    let mut user = app.admin().await;
    let device = Authenticator::enrol(&app, &mut user).await;
    let ann = Browser::start(&app).await;
    ann.use_session_of(&user).await;
    ann.open("/webhooks/new").await;
    ann.fill("#name", "Archive").await;
    ann.click("#triggers summary").await;
    ann.click_text("#triggers label", "Granted").await;
    ann.fill("#url", "https://10.0.0.5/x").await;
    ann.wait_for_text("#preview", "https://10.0.0.5/x").await;
    sqlx::query("delete from sessions").execute(app.database.pool()).await.unwrap();
    ann.click_text(".bar button", "Save Webhook").await;
    ann.wait_for_value("#sign-in-email", EMAIL).await;
    ann.fill("#sign-in-password", PASSWORD).await;
    ann.press(ENTER).await;
    ann.wait_for_text("dialog[open] h2", "Two-factor authentication").await;
    ann.wait_for_focus("#sign-in-code").await;
    ann.press("000000").await;
    ann.press(ENTER).await;
    ann.wait_for_text("dialog[open] [role=alert]", "wrong or was used before").await;
    ann.wait_for_focus("#sign-in-code").await;
    ann.screenshot("second-factor-dialog").await;
    ann.press(&device.next_code(&app)).await;
    ann.press(ENTER).await;
    ann.wait_for_path("/webhooks").await;
    ann.wait_for_text("#toasts", "Saved “Archive”").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn pages_of_second_factors() {
    let app = TestApp::start().await;
    let mut user = app.admin().await;
    check_all(&app, &[scene("second-factor-set-up", "/account/two-factor/new")]).await;
    let email = app.add_user(Role::Editor).await;
    app.add_user(Role::Viewer).await;
    let mut ben = app.anonymous();
    ben.sign_in(&email, PASSWORD).await;
    Authenticator::enrol(&app, &mut ben).await;
    Authenticator::enrol(&app, &mut user).await;
    sqlx::query("insert into second_factor_roles values ('viewer'), ('admin')")
        .execute(app.database.pool())
        .await
        .unwrap();
    let id: String = sqlx::query_scalar("select id::text from users where role = 'editor'")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    let browser = Browser::start(&app).await;
    browser.use_session_of(&user).await;
    let scenes = [
        scene("second-factor-account", "/account"),
        scene("second-factor-off", "/account/two-factor/off"),
        scene("second-factor-renew", "/account/two-factor/recovery-codes"),
        scene("second-factor-users", "/users"),
        scene("second-factor-user", format!("/users/{id}")),
        scene("second-factor-reset", format!("/users/{id}/two-factor/reset")),
    ];
    check_each(&browser, &scenes).await;
    browser.finish().await;

    let visitor = Browser::start(&app).await;
    visitor.open("/login").await;
    enter_password(&visitor, EMAIL).await;
    let scenes = [
        scene("second-factor-code", "/login/code"),
        scene("second-factor-recovery", "/login/code?recovery=true"),
    ];
    check_each(&visitor, &scenes).await;
    visitor.finish().await;
    let required = Browser::start(&app).await;
    let viewer: String = sqlx::query_scalar("select email from users where role = 'viewer'")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    required.open("/login").await;
    required.fill("#email", &viewer).await;
    required.fill("#password", PASSWORD).await;
    required.press(ENTER).await;
    required.wait_for_path_prefix("/account/two-factor/new").await;
    check_each(&required, &[scene("second-factor-required", "/account/two-factor/new")]).await;
    required.finish().await;
    app.finish().await;
}
