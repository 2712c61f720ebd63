//! The account: password, sessions and preferences.

use std::time::Duration;

use gatepost::identity::Role;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::user::TestUser;

const NEW_PASSWORD: &str = "purple kayak on a quiet lake";

async fn is_signed_in(user: &mut TestUser) -> bool {
    user.get("/webhooks").await.status == 200
}

fn change<'a>(current: &'a str, new: &'a str) -> [(&'a str, &'a str); 3] {
    [("current_password", current), ("password", new), ("password_again", new)]
}

#[tokio::test]
async fn a_new_password_needs_the_current_one_and_ends_all_other_sessions() {
    let app = TestApp::start().await;
    let (mut ann, mut elsewhere) = (app.admin().await, app.admin().await);
    let mut ben = app.user(Role::Viewer).await;
    ann.get("/account").await;
    let path = "/account/password";
    let wrong = ann.post(path, &change("not this one", NEW_PASSWORD)).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#current_password-error").contains("not your password"));
    let weak = ann.post(path, &change(PASSWORD, "password1234")).await;
    assert!(weak.text("#password-error").contains("too easy to guess"));
    let own_name = ann.post(path, &change(PASSWORD, EMAIL)).await;
    assert!(own_name.text("#password-error").contains("too easy to guess"));
    let mut differs = change(PASSWORD, NEW_PASSWORD);
    differs[2].1 = "another password here";
    assert!(ann.post(path, &differs).await.text("#password-error").contains("do not match"));
    assert!(is_signed_in(&mut elsewhere).await);

    let done = ann.post(path, &change(PASSWORD, NEW_PASSWORD)).await;
    assert_eq!(done.location(), "/account");
    assert!(ann.get("/account").await.text("#toasts").contains("all other sessions have ended"));
    assert!(!is_signed_in(&mut elsewhere).await);
    assert!(is_signed_in(&mut ben).await);
    let mut again = app.anonymous();
    again.sign_in(EMAIL, NEW_PASSWORD).await;
    again.post("/logout", &[]).await;
    again.get("/login").await;
    assert_eq!(again.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await.status, 422);
    app.finish().await;
}

#[tokio::test]
async fn attempts_to_change_the_password_are_limited() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/account").await;
    let mut last = 0;
    for _ in 0..7 {
        last = ann.post("/account/password", &change("not this one", NEW_PASSWORD)).await.status;
    }
    assert_eq!(last, 429);
    app.finish().await;
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let app = TestApp::start().await;
    let mut other = app.admin().await;
    app.clock.advance(Duration::from_mins(5));
    let mut ann = app.admin().await;
    let mut ben = app.user(Role::Viewer).await;
    let page = ann.get("/account").await;
    assert_eq!(page.texts(".sessions li").len(), 2);
    let first = &page.texts(".sessions li")[0];
    for part in ["Unknown browser", "This session", "127.0.0.1", "in use now"] {
        assert!(first.contains(part), "{first}");
    }
    assert!(page.texts(".sessions li")[1].contains("last used 5 min ago"));
    let end = page.attribute(".sessions li:last-child form", "action").unwrap();
    // Only the own sessions can be ended.
    ben.get("/account").await;
    assert_eq!(ben.post(&end, &[]).await.status, 404);
    assert!(is_signed_in(&mut other).await);
    assert_eq!(ann.post(&end, &[]).await.location(), "/account");
    assert!(!is_signed_in(&mut other).await);
    assert!(is_signed_in(&mut ann).await);
    assert_eq!(ann.post("/account/sessions/zz/end", &[]).await.status, 404);

    let mut other = app.admin().await;
    let done = ann.post("/account/sessions/end", &[]).await;
    assert!(ann.get(done.location()).await.text("[role=status]").contains("signed out on all"));
    assert!(ann.session().is_empty());
    assert!(!is_signed_in(&mut ann).await);
    assert!(!is_signed_in(&mut other).await);
    assert!(is_signed_in(&mut ben).await);
    app.finish().await;
}

#[tokio::test]
async fn preferences_are_kept_for_the_next_session() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let page = ann.get("/account").await;
    assert_eq!(page.attribute("html", "data-theme").unwrap(), "system");
    assert_eq!(page.text("#time_zone option[selected]"), "UTC");
    let fields = [("theme", "dark"), ("time_zone", "Europe/Zurich")];
    assert_eq!(ann.post("/account/preferences", &fields).await.location(), "/account");
    let page = app.admin().await.get("/account").await;
    assert_eq!(page.attribute("html", "data-theme").unwrap(), "dark");
    assert_eq!(page.text("#theme option[selected]"), "Dark");
    assert_eq!(page.text("#time_zone option[selected]"), "Europe/Zurich");
    for fields in
        [[("theme", "pink"), ("time_zone", "UTC")], [("theme", "dark"), ("time_zone", "Mars/Base")]]
    {
        assert_eq!(ann.post("/account/preferences", &fields).await.status, 400);
    }
    app.finish().await;
}
