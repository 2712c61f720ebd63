//! Requests that are on their way while a user signs out and in again, and visitors without a session.

use futures_util::future::join_all;
use gatepost::model::Actor;
use gatepost::store::users;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::process::wait_long;

const LOGIN: [(&str, &str); 2] = [("email", EMAIL), ("password", PASSWORD)];

async fn count_sessions(app: &TestApp) -> i64 {
    let query = sqlx::query_scalar("select count(*) from sessions");
    query.fetch_one(app.database.pool()).await.unwrap()
}

#[tokio::test]
async fn a_request_that_was_on_its_way_at_the_sign_out_does_not_disturb_the_next_sign_in() {
    let app = TestApp::start().await;
    for path in ["/webhooks/preview", "/webhooks/test", "/webhooks/values", "/deliveries"] {
        let mut ann = app.admin().await;
        ann.get("/webhooks/new").await;
        // Has the session's cookie, and reaches the server at various times after the session has ended.
        let late = ann.clone();
        assert_eq!(ann.post("/logout", &[]).await.status, 303);
        let answered_before = late.clone().post_part(path, &[]).await;
        assert_eq!(ann.get("/login").await.status, 200);
        let answered_between = late.clone().post_part(path, &[]).await;
        assert_eq!(ann.post("/login", &LOGIN).await.location(), "/webhooks", "{path}");
        let answered_after = late.clone().get(path).await;
        for answer in [answered_before, answered_between, answered_after] {
            assert!(answer.headers.get("set-cookie").is_none(), "{path}: {:?}", answer.headers);
        }
        assert_eq!(ann.get("/webhooks").await.status, 200);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_request_that_was_on_its_way_does_not_revive_its_session() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let before = count_sessions(&app).await;
    let late = ann.clone();
    ann.post("/logout", &[]).await;
    // Its handler would leave a message for the next page.
    let mut late_user = late.clone();
    assert_eq!(late_user.post("/webhooks", &[("name", "Late")]).await.status, 401);
    assert_eq!(late.clone().get("/webhooks").await.status, 303);
    assert_eq!(count_sessions(&app).await, before - 1);
    app.finish().await;
}

#[tokio::test]
async fn a_sign_in_whose_password_was_checked_before_all_sessions_ended_starts_none() {
    let app = TestApp::start().await;
    let before = count_sessions(&app).await;
    // As a change of the password, or of the second factor, in another browser does.
    let mut change = app.database.pool().begin().await.unwrap();
    sqlx::query("update users set session_version = session_version + 1")
        .execute(&mut *change)
        .await
        .unwrap();
    let mut ann = app.anonymous();
    ann.get("/login").await;
    let sign_in = ann.post("/login", &LOGIN);
    let finish_change = async {
        wait_long("the sign-in waits for the change", async || {
            let waiting = "select exists (select from pg_locks where not granted)";
            sqlx::query_scalar(waiting).fetch_one(app.database.pool()).await.unwrap()
        })
        .await;
        change.commit().await.unwrap();
    };
    let (response, ()) = futures_util::future::join(sign_in, finish_change).await;
    assert_eq!((response.status, response.text("h1").as_str()), (409, "Sign in again"));
    assert_eq!(count_sessions(&app).await, before);
    assert_eq!(ann.post("/login", &LOGIN).await.status, 303);
    app.finish().await;
}

#[tokio::test]
async fn ending_all_sessions_also_ends_a_sign_in_that_is_the_first_one() {
    let app = TestApp::start().await;
    let db = app.database.pool();
    let user = users::find_by_email(db, EMAIL).await.unwrap().unwrap().user;
    let version = async || {
        let query = sqlx::query_scalar::<_, i64>("select session_version from users");
        query.fetch_one(db).await.unwrap()
    };
    let before = version().await;
    assert!(!app.actions.end_sessions(&user, None, &Actor::GATEPOST).await.unwrap());
    assert_eq!(version().await, before + 1);
    app.finish().await;
}

#[tokio::test]
async fn visitors_leave_nothing_in_the_database() {
    let app = TestApp::start().await;
    let before = count_sessions(&app).await;
    for path in ["/", "/login", "/setup", "/webhooks", "/deliveries", "/missing"] {
        app.anonymous().get(path).await;
        app.anonymous().get_part(path).await;
        app.anonymous().post(path, &[("email", EMAIL)]).await;
    }
    let mut eve = app.anonymous();
    eve.get("/login").await;
    assert_eq!(eve.post("/login", &[("email", EMAIL), ("password", "wrong")]).await.status, 422);
    assert_eq!(count_sessions(&app).await, before);
    app.finish().await;
}

#[tokio::test]
async fn the_sign_in_form_is_shown_again_if_its_cookie_is_lost() {
    let app = TestApp::start().await;
    let mut ann = app.anonymous();
    ann.get("/login").await;
    ann.forget_cookie("gatepost_visitor");
    let fields = [&LOGIN[..], &[("next", "/deliveries")]].concat();
    let again = ann.post("/login", &fields).await;
    assert_eq!((again.status, again.text("h1").as_str()), (403, "Sign in"));
    assert!(again.text("#login-error").contains("Enter your password again"));
    assert_eq!(again.attribute("#email", "value").unwrap(), EMAIL);
    assert!(!again.body.contains(PASSWORD));
    assert_eq!(ann.post("/login", &fields).await.location(), "/deliveries");
    // A script sends the form again with the new token.
    let mut ann = app.anonymous();
    let refused = ann.post_part("/login", &[&LOGIN[..], &[("csrf", "")]].concat()).await;
    let token = refused.headers["x-csrf-token"].to_str().unwrap().to_owned();
    assert_eq!(refused.status, 403);
    let done = ann.post_part("/login", &[&LOGIN[..], &[("csrf", &token)]].concat()).await;
    assert_eq!(done.status, 200, "{}", done.body);
    app.finish().await;
}

#[tokio::test]
async fn two_tabs_that_open_the_sign_in_page_can_both_sign_in() {
    let app = TestApp::start().await;
    let mut first = app.anonymous();
    first.get("/login").await;
    let mut second = first.clone();
    second.get("/login").await;
    for tab in [&mut first, &mut second] {
        assert_eq!(tab.post("/login", &LOGIN).await.status, 303);
    }
    let name = "gatepost_visitor";
    assert_eq!(first.cookies()[name], second.cookies()[name]);
    app.finish().await;
}

#[tokio::test]
async fn text_that_cannot_be_stored_is_rejected_like_any_other() {
    let app = TestApp::start().await;
    let longest = "x".repeat(1_000_000);
    for email in ["\0", "ann\0@example.com", "\u{feff}", "\u{202e}", longest.as_str()] {
        let mut eve = app.anonymous();
        eve.get("/login").await;
        let seen = eve.post("/login", &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(seen.status, 422, "{:?}", email.get(..20));
    }
    let mut ann = app.admin().await;
    let paths = [
        "/deliveries?q=%00",
        "/deliveries?requester=%00",
        "/deliveries?webhook=%00",
        "/deliveries?state=%00",
        "/webhooks?q=%00&trigger=%00&status=%00&sort=%00",
        "/webhooks/values?field=%00&q=%00",
        "/webhooks/values?field=integration&q=%00",
        "/webhooks/values?field=integration&filter-integration=%00",
        "/webhooks/events?q=%00",
        "/webhooks/%00",
        "/webhooks/new?preset=%00",
        "/webhooks/new?from=%00",
        "/deliveries/%00",
        "/invocations/%00",
    ];
    for (path, seen) in join_all(paths.map(|path| {
        let mut ann = ann.clone();
        async move { (path, ann.get(path).await) }
    }))
    .await
    {
        assert!(seen.status < 500, "{path}: {}", seen.body);
    }
    ann.get("/webhooks/new").await;
    for field in [
        "name",
        "url",
        "method",
        "body_template",
        "header_value",
        "header_name",
        "validator_path",
        "validator_expected",
        "filter-integration",
        "custom_validation_error_message",
        "retry_schedule",
        "auth_token",
        "tls_pem",
        "trigger",
        "timeout_in_sec",
        "id",
        "base",
    ] {
        for path in ["/webhooks", "/webhooks/preview", "/webhooks/backtest"] {
            let fields = [("name", "x"), ("url", "https://10.0.0.5/x"), ("trigger", "Granted")];
            let odd = [(field, "\0"), ("header_name", "X-A"), ("validator_expected", "true")];
            let fields: Vec<_> = odd
                .into_iter()
                .chain(fields.into_iter().filter(|(name, _)| *name != field))
                .collect();
            let seen = ann.post(path, &fields).await;
            assert!(seen.status < 500, "{path} {field}: {}", seen.body);
        }
    }
    app.finish().await;
}
