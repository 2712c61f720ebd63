//! The second factor under strict mode: required of all users, codes only in their own step, and new apps with SHA-256.

use std::time::Duration;

use chrono::TimeDelta;
use gatepost::identity::Role;
use gatepost::model::SecurityPolicy;

use super::{admin, enter_password, start};
use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::authenticator::Authenticator;
use crate::support::user::TestUser;

/// How long a code is current.
const STEP: TimeDelta = TimeDelta::seconds(30);

/// Enters the password of the administrator, whose code is asked for.
async fn ask_for_code(app: &TestApp) -> TestUser {
    let mut user = app.anonymous();
    user.get("/login").await;
    let asked = user.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(asked.location(), "/login/code?next=", "{}", asked.body);
    user
}

async fn accepts(app: &TestApp, code: &str) -> bool {
    let mut user = ask_for_code(app).await;
    user.get("/login/code").await;
    user.post("/login/code", &[("code", code)]).await.status == 303
}

#[tokio::test]
async fn every_role_requires_it_and_no_page_can_switch_that_off() {
    let app = start().await;
    for role in Role::ALL {
        let mut user = enter_password(&app, &app.add_user(role).await).await;
        let led = user.get("/webhooks").await;
        assert_eq!(led.location(), "/account/two-factor/new?next=%2Fwebhooks", "{role}");
    }
    let (mut ann, _device) = admin(&app).await;
    let page = ann.get("/users").await;
    assert!(page.text("main").contains("Strict mode requires two-factor authentication for all"));
    let html = page.html();
    let form = scraper::Selector::parse("form[action='/users/two-factor']").unwrap();
    assert_eq!(html.select(&form).count(), 0);
    // A form from before strict mode.
    assert_eq!(ann.post("/users/two-factor", &[]).await.location(), "/users");
    let page = ann.get("/users").await;
    assert!(page.text("#toasts").contains("Nothing was changed: strict mode requires"));
    let states = page.texts("td[data-label=Two-factor]");
    assert_eq!(states.iter().filter(|state| *state == "Required, not set up").count(), 3);
    let changes = "select count(*) from audit_log where action = 'second_factor.required'";
    let changes: i64 = sqlx::query_scalar(changes).fetch_one(app.database.pool()).await.unwrap();
    assert_eq!(changes, 0);
    app.finish().await;
}

#[tokio::test]
async fn turning_it_off_leads_to_the_set_up_and_the_chosen_roles_return_without_strict_mode() {
    let app = start().await;
    let (mut ann, device) = admin(&app).await;
    ann.get("/account/two-factor/off").await;
    let code = device.next_code(&app);
    let off = ann.post("/account/two-factor/off", &[("code", &code)]).await;
    assert_eq!(off.location(), "/account/two-factor/new");
    assert_eq!(ann.get("/events").await.location(), "/account/two-factor/new?next=%2Fevents");
    let app = app.restart_with(|config| config.policy = SecurityPolicy::default()).await;
    assert_eq!(app.admin().await.get("/events").await.status, 200);
    app.finish().await;
}

/// A user who signs in with the provider has no password that a second factor could add to.
#[tokio::test]
async fn users_and_sessions_of_the_provider_are_exempt() {
    let app = start().await;
    let mut ann = enter_password(&app, EMAIL).await;
    assert_eq!(ann.get("/events").await.status, 303);
    for (change, status) in [
        ("update sessions set id_token = 'sealed'", 200),
        ("update sessions set id_token = null", 303),
        ("update users set password_hash = ''", 200),
    ] {
        sqlx::query(change).execute(app.database.pool()).await.unwrap();
        assert_eq!(ann.get("/events").await.status, status, "{change}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_code_is_accepted_only_in_its_own_step() {
    let app = start().await;
    let (_ann, device) = admin(&app).await;
    device.next_code(&app);
    device.next_code(&app);
    let now = app.clock.sources().now();
    for (other, name) in [(now - STEP, "previous"), (now + STEP, "next")] {
        assert!(!accepts(&app, &device.code_at(other)).await, "{name} step");
    }
    assert!(accepts(&app, &device.code_at(now)).await);
    // Without strict mode, the steps before and after it are accepted, because clocks differ.
    let app = app.restart_with(|config| config.policy = SecurityPolicy::default()).await;
    app.clock.advance(Duration::from_mins(2));
    let now = app.clock.sources().now();
    for other in [now - STEP, now + STEP] {
        assert!(accepts(&app, &device.code_at(other)).await);
    }
    app.finish().await;
}

#[tokio::test]
async fn new_apps_use_sha_256_and_others_keep_their_hash() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let old = Authenticator::enrol(&app, &mut ann).await;
    assert_eq!(hash(&app).await, "SHA1");
    let app = app.restart_with(|config| config.policy = SecurityPolicy::STRICT).await;
    assert!(accepts(&app, &old.next_code(&app)).await);

    let mut ann = ask_for_code(&app).await;
    ann.get("/login/code").await;
    ann.post("/login/code", &[("code", &old.next_code(&app))]).await;
    ann.get("/account/two-factor/off").await;
    ann.post("/account/two-factor/off", &[("code", &old.next_code(&app))]).await;
    let page = ann.get("/account/two-factor/new").await;
    assert!(page.text("main").contains("an app that supports SHA-256"), "{}", page.text("main"));
    let link = page.attribute("a[href^='otpauth:']", "href").unwrap();
    assert!(link.contains("&algorithm=SHA256&"), "{link}");
    assert_eq!(page.text("#secret").replace(' ', "").len(), 52);
    let proposed = page.attribute("input[name=proposed]", "value").unwrap();
    let fields = [("proposed", proposed.as_str()), ("code", "000000")];
    let wrong = ann.post("/account/two-factor/new", &fields).await;
    assert!(wrong.text("#code-error").contains("that your app supports SHA-256"));
    let new = Authenticator::enrol(&app, &mut ann).await;
    assert_eq!(hash(&app).await, "SHA256");
    assert!(accepts(&app, &new.next_code(&app)).await);
    assert!(accepts(&app, &new.recovery_codes[0]).await);

    // The hash belongs to the secret, and not to the mode.
    let app = app.restart_with(|config| config.policy = SecurityPolicy::default()).await;
    assert!(accepts(&app, &new.next_code(&app)).await);
    app.finish().await;
}

/// The hash of the only second factor.
async fn hash(app: &TestApp) -> String {
    let found = sqlx::query_scalar("select hash from second_factors");
    found.fetch_one(app.database.pool()).await.unwrap()
}
