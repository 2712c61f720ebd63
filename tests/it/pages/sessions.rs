//! When sessions end, and when the password is asked for again.

use std::time::Duration;

use gatepost::identity::Role;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::user::TestUser;

const HOUR: Duration = Duration::from_hours(1);

async fn is_signed_in(user: &mut TestUser) -> bool {
    user.get("/webhooks").await.status == 200
}

#[tokio::test]
async fn a_session_ends_after_a_day_without_use_and_after_a_week_in_all() {
    let app = TestApp::start().await;
    let mut unused = app.admin().await;
    let mut used = app.admin().await;
    for _ in 0..8 {
        app.clock.advance(20 * HOUR);
        assert!(is_signed_in(&mut used).await);
    }
    assert!(!is_signed_in(&mut unused).await);
    // 160 hours have passed.
    app.clock.advance(9 * HOUR);
    assert!(!is_signed_in(&mut used).await);
    app.finish().await;
}

#[tokio::test]
async fn the_limits_of_sessions_are_settings() {
    let app = TestApp::start_with(|config| {
        config.session_idle_hours = 2;
        config.session_max_hours = 3;
    })
    .await;
    let mut ann = app.admin().await;
    app.clock.advance(HOUR + HOUR / 2);
    assert!(is_signed_in(&mut ann).await);
    app.clock.advance(HOUR + HOUR / 4);
    assert!(is_signed_in(&mut ann).await);
    app.clock.advance(HOUR / 2);
    assert!(!is_signed_in(&mut ann).await);
    app.finish().await;
}

#[tokio::test]
async fn a_disabled_user_is_signed_out_of_every_instance_and_cannot_sign_in() {
    let app = TestApp::start().await;
    let other = app.beside(&app.clock).await;
    let mut editor = app.user(Role::Editor).await;
    let cookies = editor.cookie_header();
    sqlx::query("update users set status = 'disabled' where role = 'editor'")
        .execute(app.database.pool())
        .await
        .unwrap();
    assert!(editor.get("/webhooks").await.location().starts_with("/login"));
    let elsewhere = crate::support::http().get(other.url("/webhooks")).header("cookie", cookies);
    assert_eq!(elsewhere.send().await.unwrap().status(), 303);
    let email: String = sqlx::query_scalar("select email from users where role = 'editor'")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    editor.get("/login").await;
    let refused = editor.post("/login", &[("email", &email), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text("#login-error").contains("Your account is disabled"));
    other.leave().await;
    app.finish().await;
}

#[tokio::test]
async fn signing_in_replaces_the_session_of_the_browser_and_records_the_device() {
    let app = TestApp::start().await;
    let old = app.admin().await;
    let mut again = old.clone();
    // As the dialog does, which opens on a page of the session.
    let mut visitor = old.clone();
    visitor.forget_cookie("gatepost_session");
    visitor.get("/login").await;
    let fields = [("csrf", visitor.csrf()), ("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(again.post("/login", &fields).await.status, 303);
    assert_ne!(again.session(), old.session());
    assert!(!is_signed_in(&mut old.clone()).await);
    let (device, address): (String, String) =
        sqlx::query_as("select device, address from sessions")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
    assert_eq!((device.as_str(), address.as_str()), ("Unknown browser", "127.0.0.1"));
    app.finish().await;
}

const SECRET: [(&str, &str); 3] = [
    ("name", "logpoint_key"),
    ("value", "typed \"value\""),
    ("hosts", "https://10.0.0.5\nhttps://10.0.0.6"),
];

async fn count_secrets(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from secrets").fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn a_change_after_a_while_asks_for_the_password_and_keeps_the_form() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/secrets/new").await;
    app.clock.advance(Duration::from_mins(16));
    let asked = ann.post("/secrets", &SECRET).await;
    assert_eq!((asked.status, asked.text("h1").as_str()), (401, "Confirm your password"));
    assert_eq!(asked.attribute("main a.wide", "href").unwrap(), "/secrets");
    let kept = |asked: &crate::support::user::TestResponse| -> Vec<(String, String)> {
        let field = |name: &str| {
            let value = asked.attribute(&format!("input[type=hidden][name={name}]"), "value");
            (name.to_owned(), value.unwrap())
        };
        SECRET.iter().map(|(name, _)| field(name)).collect()
    };
    let confirm = |fields: &[(String, String)], password: &str| {
        let mut all = fields.to_vec();
        all.push(("confirmed_password".to_owned(), password.to_owned()));
        all
    };
    let fields = kept(&asked);
    assert_eq!(fields[1].1, "typed \"value\"");
    let wrong = confirm(&fields, "not this one");
    let wrong: Vec<_> = wrong.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let again = ann.post("/secrets", &wrong).await;
    assert_eq!(again.status, 422);
    assert!(again.text("#confirm-error").contains("not your password"));
    assert_eq!(kept(&again), fields);
    assert_eq!(count_secrets(&app).await, 0);
    let right = confirm(&fields, PASSWORD);
    let right: Vec<_> = right.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(ann.post("/secrets", &right).await.location(), "/secrets");
    let hosts: Vec<String> = sqlx::query_scalar("select hosts from secrets")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(hosts, ["https://10.0.0.5", "https://10.0.0.6"]);
    // The next change does not ask again.
    ann.get("/secrets/new").await;
    let next = ann.post("/secrets", &[("name", "b"), ("value", "another value")]).await;
    assert_eq!(next.location(), "/secrets");
    app.finish().await;
}

#[tokio::test]
async fn htmx_confirms_the_password_in_place() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/secrets/new").await;
    app.clock.advance(Duration::from_mins(16));
    let asked = ann.post_part("/secrets", &SECRET).await;
    assert_eq!((asked.status, asked.text("h2").as_str()), (401, "Confirm your password"));
    assert_eq!(asked.attribute("#sign-in-email", "value").unwrap(), EMAIL);
    let login = |password| [("email", EMAIL), ("password", password), ("confirms", "true")];
    let wrong = ann.post_part("/login", &login("not this one")).await;
    assert_eq!((wrong.status, wrong.text("h2").as_str()), (422, "Confirm your password"));
    let done = ann.post_part("/login", &login(PASSWORD)).await;
    let done: serde_json::Value = serde_json::from_str(&done.body).unwrap();
    let csrf = done["csrf"].as_str().unwrap();
    let saved = ann.post_part("/secrets", &[&[("csrf", csrf)], &SECRET[..]].concat()).await;
    assert_eq!(saved.headers["hx-redirect"], "/secrets");
    app.finish().await;
}

#[tokio::test]
async fn attempts_to_confirm_the_password_are_limited_and_need_the_token() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/secrets/new").await;
    app.clock.advance(Duration::from_mins(16));
    let fields = |password| [&SECRET[..], &[("confirmed_password", password)]].concat();
    let foreign = [&fields(PASSWORD)[..], &[("csrf", "wrong")]].concat();
    assert_eq!(ann.post("/secrets", &foreign).await.status, 403);
    let mut last = 0;
    for _ in 0..7 {
        last = ann.post("/secrets", &fields("not this one")).await.status;
    }
    assert_eq!(last, 429);
    assert_eq!(count_secrets(&app).await, 0);
    app.finish().await;
}
