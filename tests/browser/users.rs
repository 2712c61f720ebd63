//! Users in the browser: invitations, what viewers see, and confirming the password.

use std::time::Duration;

use gatepost::identity::Role;
use serde_json::json;

use crate::appearance::{check_all, check_each, scene, stepped};
use crate::driver::{Browser, DOWN, ENTER, TAB};
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};

const BEN: &str = "ben.with.a.rather.long.address@security.example.com";
const NEW_PASSWORD: &str = "purple kayak on a quiet lake";

/// Opens the link of an invitation, enters the code if no script does, and sets the password.
async fn accept_invitation(ben: &Browser, link: &str, typed_code: Option<&str>) {
    ben.open(link).await;
    if let Some(code) = typed_code {
        ben.wait_for_text("h1", "Accept your invitation").await;
        ben.fill("#code", code).await;
        ben.click_text("button", "Continue").await;
    }
    ben.wait_for_value("#email", BEN).await;
    let address = ben.eval("location.pathname + location.hash").await;
    assert_eq!(address, "/invitation", "it does not contain the code");
    ben.fill("#password", NEW_PASSWORD).await;
    ben.fill("#password_again", NEW_PASSWORD).await;
    ben.click_text("button", "Set password").await;
    ben.wait_for_path("/webhooks").await;
    ben.wait_for_text("#toasts", "Your password is set").await;
}

/// Invites a viewer, who sets a password, signs out, signs in again, and is disabled.
async fn invite_and_disable(app: &TestApp, ben: &Browser, runs_scripts: bool) {
    ben.click_text("nav a", "Users").await;
    ben.click_text("a", "Invite user").await;
    ben.wait_for_path("/users/new").await;
    ben.wait_for_focus("#email").await;
    ben.fill("#email", BEN).await;
    ben.click_text("button", "Create link").await;
    let link = ben.wait_for_text("#link", "/invitation#").await;
    let code = ben.wait_for_text("#code", "").await;
    ben.click(".person summary").await;
    ben.click_text(".person button", "Sign out").await;
    ben.wait_for_path("/login").await;

    let link = link.trim().strip_prefix(&app.url("")).unwrap();
    let typed_code = (!runs_scripts).then_some(code.trim());
    accept_invitation(ben, link, typed_code).await;
    // A viewer sees nothing that only editors and administrators can use.
    let shown = "[...document.querySelectorAll('nav.nav a, main .button')].map((one) => one.textContent.trim())";
    assert_eq!(
        ben.eval(shown).await,
        json!(["Webhooks", "Events", "Deliveries", "Secrets", "Status"])
    );
    ben.click(".person summary").await;
    ben.click_text(".person button", "Sign out").await;
    ben.wait_for_path("/login").await;
    ben.fill("#email", BEN).await;
    ben.fill("#password", NEW_PASSWORD).await;
    ben.press(ENTER).await;
    ben.wait_for_path("/webhooks").await;

    sqlx::query("update users set status = 'disabled' where role = 'viewer'")
        .execute(app.database.pool())
        .await
        .unwrap();
    ben.click_text("nav a", "Events").await;
    ben.wait_for_path("/login?next=%2Fevents").await;
}

#[tokio::test]
async fn an_invited_viewer_sets_a_password_and_is_disabled() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app).await;
    browser.open("/webhooks").await;
    invite_and_disable(&app, &browser, true).await;
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn an_invited_viewer_sets_a_password_and_is_disabled_without_scripts() {
    let app = TestApp::start().await;
    let browser = Browser::start(&app).await;
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    browser.open("/login").await;
    browser.sign_in().await;
    invite_and_disable(&app, &browser, false).await;
    browser.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_user_is_invited_with_the_keyboard() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/users/new").await;
    ann.wait_for_focus("#email").await;
    ann.press(BEN).await;
    for key in [TAB, DOWN, TAB] {
        ann.press(key).await;
    }
    ann.press(ENTER).await;
    ann.wait_for_text("main section p", "becomes an editor").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn the_password_is_confirmed_in_place_before_a_secret_is_saved() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/secrets/new").await;
    ann.fill("#name", "logpoint_key").await;
    ann.fill("#value", "the-value").await;
    app.clock.advance(Duration::from_mins(16));
    ann.click_text("button", "Save secret").await;
    ann.wait_for_text("dialog[open] h2", "Confirm your password").await;
    ann.wait_for_focus("#sign-in-password").await;
    ann.fill("#sign-in-password", "not the password").await;
    ann.press(ENTER).await;
    ann.wait_for_text("dialog[open] [role=alert]", "not your password").await;
    ann.fill("#sign-in-password", PASSWORD).await;
    ann.press(ENTER).await;
    ann.wait_for_path("/secrets").await;
    ann.wait_for_text("td.name", "logpoint_key").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_form_stays_valid_when_the_password_is_confirmed_in_another_tab() {
    let app = TestApp::start().await;
    let mut tab = app.admin().await;
    let ann = Browser::start(&app).await;
    ann.use_session_of(&tab).await;
    ann.open("/secrets/new").await;
    ann.fill("#name", "logpoint_key").await;
    ann.fill("#value", "the-value").await;
    app.clock.advance(Duration::from_mins(16));
    tab.get("/secrets/new").await;
    tab.post_part("/secrets", &[("name", "x"), ("value", "y")]).await;
    let before = tab.session().to_owned();
    let fields = [("email", EMAIL), ("password", PASSWORD), ("confirms", "true")];
    assert_eq!(tab.post_part("/login", &fields).await.status, 200);
    assert_ne!(tab.session(), before);
    // Tabs of one browser share its cookies.
    ann.use_session_of(&tab).await;
    ann.click_text("button", "Save secret").await;
    ann.wait_for_path("/secrets").await;
    ann.wait_for_text("td.name", "logpoint_key").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_role_is_changed_after_the_password_is_confirmed_on_a_page() {
    let app = TestApp::start().await;
    let email = app.add_user(Role::Viewer).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/users").await;
    ann.click_text("td.name a", &email).await;
    ann.wait_for_path_prefix("/users/").await;
    app.clock.advance(Duration::from_mins(16));
    ann.click("[name=role][value=editor]").await;
    ann.click_text("button", "Change role").await;
    ann.wait_for_text("h1", "Confirm your password").await;
    ann.wait_for_focus("#confirmed_password").await;
    ann.screenshot("confirm-password").await;
    ann.fill("#confirmed_password", "not the password").await;
    ann.press(ENTER).await;
    ann.wait_for_text("[role=alert]", "not your password").await;
    ann.fill("#confirmed_password", PASSWORD).await;
    ann.press(ENTER).await;
    ann.wait_for_path("/users").await;
    ann.wait_for_text("#toasts", "is now an editor").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn pages_of_users() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/users/new").await;
    let invited = ann.post("/users", &[("email", BEN), ("role", "editor")]).await;
    let link = invited.text("#link").strip_prefix(&app.url("")).unwrap().to_owned();
    sqlx::query(
        "insert into users (id, email, password_hash, role, status, created_at)
         values (gen_random_uuid(), 'zoe@example.com', 'x', 'viewer', 'disabled', now())",
    )
    .execute(app.database.pool())
    .await
    .unwrap();
    let id = async |role: &str| -> String {
        sqlx::query_scalar("select id::text from users where role = $1")
            .bind(role)
            .fetch_one(app.database.pool())
            .await
            .unwrap()
    };
    let (editor, admin, viewer) = (id("editor").await, id("admin").await, id("viewer").await);
    let scenes = [
        scene("account", "/account"),
        scene("users", "/users"),
        scene("users-no-match", "/users?q=nothing-like-it"),
        scene("user-new", "/users/new"),
        stepped("user-new-error", "/users/new", &["main .button.primary", "#email-error"]),
        scene("user", format!("/users/{admin}")),
        stepped(
            "user-last-administrator",
            &format!("/users/{admin}"),
            &["[action$='/disable'] button", "[role=alert]"],
        ),
        scene("user-invited", format!("/users/{editor}")),
        scene("user-disabled", format!("/users/{viewer}")),
        scene("user-delete", format!("/users/{viewer}/delete")),
        scene("invitation-code", "/invitation"),
        stepped("invitation", &link, &["#password"]),
        stepped(
            "user-link",
            &format!("/users/{editor}"),
            &["[action$='/invitation'] button", "#link"],
        ),
    ];
    check_all(&app, &scenes).await;
    // A long address fits in the title and in the links above it.
    let browser = Browser::signed_in(&app).await;
    let long =
        format!("a.very.long.name.of.a.user.without.any.hyphen.{}@example.com", "x".repeat(60));
    sqlx::query("update users set email = $1 where role = 'viewer'")
        .bind(long)
        .execute(app.database.pool())
        .await
        .unwrap();
    for sql in [
        "insert into user_identities (issuer, subject, user_id, created_at, last_sign_in_at)
         select 'https://login.example.com', email, id, now(), now() from users where role = 'viewer'",
        "insert into second_factor_roles (role) values ('viewer')",
        "update users set status = 'active' where role = 'viewer'",
    ] {
        sqlx::query(sql).execute(app.database.pool()).await.unwrap();
    }
    let of_viewer = [
        scene("users-long", "/users"),
        scene("user-long-delete", format!("/users/{viewer}/delete")),
        scene("user-long-reset", format!("/users/{viewer}/two-factor/reset")),
    ];
    check_each(&browser, &of_viewer).await;
    browser.finish().await;
    app.finish().await;
}
