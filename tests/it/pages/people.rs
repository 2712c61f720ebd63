//! Setting up, signing in and out.

use gatepost::identity::Scope;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};

const SETUP: [(&str, &str); 3] =
    [("email", "bo@example.com"), ("password", PASSWORD), ("password_again", PASSWORD)];

#[tokio::test]
async fn the_one_time_code_makes_the_first_administrator_once() {
    let app = TestApp::start_with(|config| config.admin = None).await;
    let code = app.setup_code.clone().unwrap();
    let mut bo = app.anonymous();
    assert_eq!(bo.get("/login").await.location(), "/setup");
    assert_eq!(bo.get("/setup").await.status, 200);
    let wrong = bo.post("/setup", &[&[("code", "AAAA-AAAA")], &SETUP[..]].concat()).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#code-error").contains("not the code"));
    assert_eq!(wrong.attribute("#email", "value").unwrap(), "bo@example.com");
    let done = bo.post("/setup", &[&[("code", code.as_str())], &SETUP[..]].concat()).await;
    assert_eq!(done.location(), "/webhooks", "{}", done.body);
    assert!(bo.get("/webhooks").await.text("main").contains("Nothing is sent yet"));
    // The code is used up.
    let mut eve = app.anonymous();
    assert_eq!(eve.get("/setup").await.location(), "/login");
    eve.get("/login").await;
    let again = eve.post("/setup", &[&[("code", code.as_str())], &SETUP[..]].concat()).await;
    assert_eq!(again.location(), "/login");
    app.finish().await;
}

#[tokio::test]
async fn setting_up_tells_each_mistake_at_its_field() {
    let app = TestApp::start_with(|config| config.admin = None).await;
    let code = app.setup_code.clone().unwrap();
    let mut bo = app.anonymous();
    bo.get("/setup").await;
    for (email, password, again, field) in [
        ("bo", PASSWORD, PASSWORD, "#email-error"),
        ("bo@example.com", "short", "short", "#password-error"),
        ("bo@example.com", PASSWORD, "another one here", "#password-error"),
    ] {
        let fields = [
            ("code", code.as_str()),
            ("email", email),
            ("password", password),
            ("password_again", again),
        ];
        let seen = bo.post("/setup", &fields).await;
        assert_eq!((seen.status, seen.texts(field).len()), (422, 1), "{}", seen.body);
        assert_eq!(seen.attribute("#email", "value").unwrap(), email);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_code_cannot_be_guessed_at() {
    let app = TestApp::start_with(|config| config.admin = None).await;
    let mut eve = app.anonymous();
    eve.get("/setup").await;
    let mut last = 0;
    for _ in 0..11 {
        last = eve.post("/setup", &[&[("code", "AAAA-AAAA")], &SETUP[..]].concat()).await.status;
    }
    assert_eq!(last, 429);
    app.finish().await;
}

#[tokio::test]
async fn signing_in_leads_to_the_page_that_was_asked_for_and_out_ends_it() {
    let app = TestApp::start().await;
    let mut ann = app.anonymous();
    let turned_away = ann.get("/deliveries?state=failed").await;
    assert_eq!(turned_away.location(), "/login?next=%2Fdeliveries%3Fstate%3Dfailed");
    ann.get(turned_away.location()).await;
    let before = ann.cookie().to_owned();
    let fields =
        [("email", " ANN.ngo@example.com"), ("password", PASSWORD), ("next", "/deliveries")];
    assert_eq!(ann.post("/login", &fields).await.location(), "/deliveries");
    assert_ne!(ann.cookie(), before, "the session's id must change when somebody signs in");
    assert_eq!(ann.get("/deliveries").await.status, 200);
    let kept = ann.clone();
    assert_eq!(ann.post("/logout", &[]).await.location(), "/login");
    assert_eq!(ann.get("/webhooks").await.status, 303);
    // The old cookie is of no use any more.
    assert_eq!(kept.clone().get("/webhooks").await.status, 303);
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_without_saying_what_was_wrong_and_not_for_ever() {
    let app = TestApp::start().await;
    let mut eve = app.anonymous();
    eve.get("/login").await;
    let unknown = eve.post("/login", &[("email", "x@example.com"), ("password", PASSWORD)]).await;
    let wrong = eve.post("/login", &[("email", EMAIL), ("password", "not the password")]).await;
    assert_eq!((unknown.status, wrong.status), (422, 422));
    assert_eq!(unknown.text("#login-error"), wrong.text("#login-error"));
    assert!(!wrong.body.contains("not the password"));
    assert_eq!(wrong.attribute("#email", "value").unwrap(), EMAIL);
    for _ in 0..8 {
        eve.post("/login", &[("email", EMAIL), ("password", "not the password")]).await;
    }
    let throttled = eve.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(throttled.status, 429);
    assert!(throttled.text("#login-error").contains("Too many attempts"));
    app.finish().await;
}

#[tokio::test]
async fn sessions_live_in_the_database_and_outlast_a_restart() {
    let app = TestApp::start().await;
    let ann = app.admin().await;
    let cookie = ann.cookie().split_once('=').unwrap().1.to_owned();
    let found: i64 = sqlx::query_scalar(
        "select count(*) from sessions where encode(id, 'base64') = $1 or data like '%' || $1 || '%'",
    )
    .bind(&cookie)
    .fetch_one(app.database.pool())
    .await
    .unwrap();
    assert_eq!(found, 0, "the cookie's value must not be in the table");
    let app = app.restart().await;
    let answer = crate::support::http()
        .get(app.url("/webhooks"))
        .header("cookie", ann.cookie())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    // A token of the API opens no page.
    let token = app.token(Scope::Manage).await;
    let request = crate::support::http().get(app.url("/webhooks")).bearer_auth(token);
    assert_eq!(request.send().await.unwrap().status(), 303);
    app.finish().await;
}
