//! The cookie between the password and the code.

use std::time::Duration;

use gatepost::identity::Role;

use super::{EMAIL, PASSWORD, enter_code, enter_password, enter_password_as, is_signed_in, start};
use crate::support::authenticator::Authenticator;
use crate::support::user::TestUser;

const PENDING: &str = "gatepost_pending";

/// Sends a code with another cookie. Returns the status.
async fn enter_code_with(user: &TestUser, pending: &str, code: &str) -> u16 {
    let request = user.form("/login/code", &[("code", code)]);
    let cookies =
        format!("gatepost_visitor={}; {PENDING}={pending}", user.cookies()["gatepost_visitor"]);
    request.header("cookie", cookies).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_cookie_is_of_no_use_in_another_browser() {
    let (app, _ann, device) = start().await;
    let ann = enter_password(&app).await;
    let mut eve = app.anonymous();
    eve.get("/login").await;
    let stolen = ann.cookies()[PENDING].clone();
    assert_eq!(enter_code_with(&eve, &stolen, &device.next_code(&app)).await, 403);
    // In its own browser it is.
    assert_eq!(enter_code_with(&ann, &stolen, &device.next_code(&app)).await, 303);
    app.finish().await;
}

#[tokio::test]
async fn the_cookie_of_one_user_does_not_sign_in_another() {
    let (app, _ann, ann_device) = start().await;
    let email = app.add_user(Role::Viewer).await;
    let mut ben = app.anonymous();
    ben.sign_in(&email, PASSWORD).await;
    let ben_device = Authenticator::enrol(&app, &mut ben).await;
    // Both enter the password in the same browser, and only the second cookie is kept.
    let mut browser = enter_password(&app).await;
    let of_ann = browser.cookies()[PENDING].clone();
    enter_password_as(&mut browser, &email, PASSWORD).await;
    let of_ben = browser.cookies()[PENDING].clone();
    assert_eq!(enter_code_with(&browser, &of_ben, &ann_device.next_code(&app)).await, 422);
    assert_eq!(enter_code_with(&browser, &of_ann, &ben_device.next_code(&app)).await, 422);
    assert_eq!(enter_code_with(&browser, &of_ben, &ben_device.next_code(&app)).await, 303);
    app.finish().await;
}

#[tokio::test]
async fn a_cookie_that_was_changed_or_invented_is_rejected() {
    let (app, _ann, device) = start().await;
    let ann = enter_password(&app).await;
    let real = ann.cookies()[PENDING].clone();
    let code = device.next_code(&app);
    for at in (0..real.len()).step_by(7) {
        let mut changed = real.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(enter_code_with(&ann, &changed, &code).await, 403, "{at}");
    }
    for invented in
        ["", "x", "AAAA", &"A".repeat(5000), EMAIL, ann.cookies()["gatepost_visitor"].as_str()]
    {
        assert_eq!(enter_code_with(&ann, invented, &code).await, 403, "{invented}");
    }
    assert_eq!(enter_code_with(&ann, &real, &code).await, 303);
    app.finish().await;
}

#[tokio::test]
async fn the_cookie_expires_after_ten_minutes() {
    let (app, _ann, device) = start().await;
    let mut ann = enter_password(&app).await;
    app.clock.advance(Duration::from_mins(9));
    assert_eq!(ann.get("/login/code").await.status, 200);
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(ann.get("/login/code?next=%2Fevents").await.location(), "/login?next=%2Fevents");
    let late = enter_code(&mut ann, &device.next_code(&app)).await;
    assert_eq!((late.status, late.text("h1").as_str()), (403, "Sign in"));
    assert!(!ann.cookies().contains_key(PENDING));
    // The code was not used.
    let mut again = enter_password(&app).await;
    let now = app.clock.sources().now();
    assert_eq!(enter_code(&mut again, &device.code_at(now)).await.status, 303);
    app.finish().await;
}

#[tokio::test]
async fn the_cookie_ends_with_a_new_password_a_reset_and_a_disabled_user() {
    let (app, mut ann, device) = start().await;
    let mut before = enter_password(&app).await;
    ann.get("/account").await;
    let new = "purple kayak on a quiet lake";
    let fields = [("current_password", PASSWORD), ("password", new), ("password_again", new)];
    assert_eq!(ann.post("/account/password", &fields).await.location(), "/account");
    assert_eq!(enter_code(&mut before, &device.next_code(&app)).await.status, 403);

    for change in [
        "update users set status = 'disabled'",
        "update users set status = 'active'; delete from second_factors",
    ] {
        let mut pending = app.anonymous();
        sqlx::raw_sql("update users set status = 'active'")
            .execute(app.database.pool())
            .await
            .unwrap();
        enter_password_as(&mut pending, EMAIL, new).await;
        sqlx::raw_sql(change).execute(app.database.pool()).await.unwrap();
        assert_eq!(enter_code(&mut pending, &device.next_code(&app)).await.status, 403, "{change}");
        assert!(!is_signed_in(&mut pending).await);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_form_needs_the_token_of_the_browser() {
    let (app, _ann, device) = start().await;
    let mut ann = enter_password(&app).await;
    let code = device.next_code(&app);
    let fields = [("csrf", "wrong"), ("code", code.as_str()), ("next", "/events")];
    let again = ann.post("/login/code", &fields).await;
    assert_eq!((again.status, again.text("h1").as_str()), (403, "Two-factor authentication"));
    let refused = ann.post_part("/login/code", &fields).await;
    assert_eq!(refused.status, 403);
    let token = refused.headers["x-csrf-token"].to_str().unwrap().to_owned();
    let other_site = ann.form("/login/code", &[("csrf", &token), ("code", &code)]);
    let other_site = ann.send(other_site.header("sec-fetch-site", "cross-site")).await;
    assert_eq!(other_site.status, 403);
    let done = ann.post("/login/code", &[("csrf", &token), ("code", &code)]).await;
    assert_eq!(done.location(), "/webhooks");
    app.finish().await;
}
