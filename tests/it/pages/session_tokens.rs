//! Confirming the password gives a session a new token. Forms that are open in other tabs stay valid.

use std::time::Duration;

use futures_util::future::join;
use serde_json::Value;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::user::{TestResponse, TestUser};

const SECRET: [(&str, &str); 2] = [("name", "logpoint_key"), ("value", "typed value")];
const CONFIRM: [(&str, &str); 3] = [("email", EMAIL), ("password", PASSWORD), ("confirms", "true")];
/// Longer than a browser repeats requests with the replaced token.
const LATER: Duration = Duration::from_secs(11);

/// Starts an app with a user who must confirm the password before the next change.
async fn start() -> (TestApp, TestUser) {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/secrets/new").await;
    app.clock.advance(Duration::from_mins(16));
    (app, ann)
}

async fn has_session(user: &TestUser) -> bool {
    user.clone().get("/secrets").await.status == 200
}

/// Asks for a change as a script does, and returns the token of the dialog's form.
async fn dialog_token(user: &mut TestUser) -> String {
    let asked = user.post_part("/secrets", &SECRET).await;
    assert_eq!((asked.status, asked.text("h2").as_str()), (401, "Confirm your password"));
    asked.attribute("input[name=csrf]", "value").unwrap()
}

/// Saves the secret with the token of a form.
async fn save(user: &mut TestUser, name: &str, csrf: &str) -> TestResponse {
    user.post_part("/secrets", &[("csrf", csrf), ("name", name), ("value", "typed value")]).await
}

#[tokio::test]
async fn confirming_the_password_in_the_dialog_replaces_the_token() {
    let (app, mut ann) = start().await;
    let form = ann.csrf().to_owned();
    dialog_token(&mut ann).await;
    let before = ann.clone();
    let wrong = [CONFIRM[0], ("password", "not this one"), CONFIRM[2]];
    assert_eq!(ann.post_part("/login", &wrong).await.status, 422);
    assert_eq!(ann.session(), before.session());
    assert_eq!(ann.post_part("/login", &CONFIRM).await.status, 200);
    assert_ne!(ann.session(), before.session());
    assert!(has_session(&ann).await && !has_session(&before).await);
    // The form was opened before, perhaps in another tab, which has the cookies of the same browser.
    assert_eq!(save(&mut ann, "a", &form).await.headers["hx-redirect"], "/secrets");
    let stored: Vec<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select id, replaced_id from sessions where replaced_id is not null")
            .fetch_all(app.database.pool())
            .await
            .unwrap();
    for token in [before.session(), ann.session()] {
        assert!(
            !stored.iter().any(|(new, old)| new == token.as_bytes() || old == token.as_bytes())
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn confirming_the_password_without_scripts_replaces_the_token() {
    let (app, mut ann) = start().await;
    let (form, before) = (ann.csrf().to_owned(), ann.clone());
    let fields = [&SECRET[..], &[("confirmed_password", PASSWORD)]].concat();
    assert_eq!(ann.post("/secrets", &fields).await.location(), "/secrets");
    assert_ne!(ann.session(), before.session());
    assert!(has_session(&ann).await && !has_session(&before).await);
    assert!(ann.get("/secrets").await.body.contains("logpoint_key"));
    assert_eq!(save(&mut ann, "b", &form).await.headers["hx-redirect"], "/secrets");
    app.finish().await;
}

#[tokio::test]
async fn changing_the_password_replaces_the_token() {
    let (app, mut ann) = start().await;
    ann.get("/account").await;
    let (form, before) = (ann.csrf().to_owned(), ann.clone());
    let new = "purple kayak on a quiet lake";
    let fields = [("current_password", PASSWORD), ("password", new), ("password_again", new)];
    assert_eq!(ann.post("/account/password", &fields).await.location(), "/account");
    assert!(ann.get("/account").await.body.contains("Your password is changed"));
    assert_ne!(ann.session(), before.session());
    assert!(has_session(&ann).await && !has_session(&before).await);
    assert_eq!(save(&mut ann, "a", &form).await.headers["hx-redirect"], "/secrets");
    app.finish().await;
}

#[tokio::test]
async fn two_tabs_confirm_the_password_at_the_same_time() {
    let (app, mut ann) = start().await;
    let form = ann.csrf().to_owned();
    dialog_token(&mut ann).await;
    for _ in 0..5 {
        let (mut first, mut second) = (ann.clone(), ann.clone());
        let (one, other) =
            join(first.post_part("/login", &CONFIRM), second.post_part("/login", &CONFIRM)).await;
        let responses = [(first, one), (second, other)];
        let mut renewed = responses.iter().filter(|(tab, _)| tab.session() != ann.session());
        let (browser, _) = renewed.next().unwrap();
        assert!(renewed.next().is_none(), "one of them sets the cookie of the browser");
        for (_, response) in &responses {
            if response.status == 307 {
                // The browser sends the request again, with the cookie that it has got meanwhile.
                assert_eq!(response.location(), "/login");
                continue;
            }
            let done: Value = serde_json::from_str(&response.body).unwrap();
            let csrf = done["csrf"].as_str().unwrap();
            let saved = save(&mut browser.clone(), "", csrf).await;
            assert_eq!(saved.status, 422, "the token is accepted, and the name is not");
        }
        ann = browser.clone();
    }
    assert!(has_session(&ann).await);
    assert_eq!(save(&mut ann, "a", &form).await.headers["hx-redirect"], "/secrets");
    app.finish().await;
}

#[tokio::test]
async fn a_request_on_its_way_is_sent_again_with_the_new_token() {
    let (app, mut ann) = start().await;
    dialog_token(&mut ann).await;
    let late = ann.clone();
    assert_eq!(ann.post_part("/login", &CONFIRM).await.status, 200);
    for path in ["/secrets?q=a", "/live", "/login"] {
        let again = late.clone().get(path).await;
        assert_eq!((again.status, again.location()), (307, path));
        assert!(again.headers.get("set-cookie").is_none());
    }
    for path in ["/secrets", "/webhooks/test", "/webhooks", "/login", "/logout"] {
        let again = late.clone().post(path, &SECRET).await;
        assert_eq!((again.status, again.location()), (307, path));
    }
    assert!(has_session(&ann).await);
    // Afterwards, and if it was never a token, it is like no session.
    app.clock.advance(LATER);
    assert!(late.clone().get("/secrets?q=a").await.location().starts_with("/login?next="));
    assert_eq!(late.clone().get_part("/secrets").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn a_replaced_token_ends_with_its_session() {
    let (app, mut ann) = start().await;
    dialog_token(&mut ann).await;
    let late = ann.clone();
    assert_eq!(ann.post_part("/login", &CONFIRM).await.status, 200);
    ann.get("/account").await;
    assert_eq!(ann.post("/logout", &[]).await.status, 303);
    assert!(late.clone().get("/secrets").await.location().starts_with("/login?next="));
    app.finish().await;
}

#[tokio::test]
async fn the_address_of_a_session_is_not_its_token() {
    let (app, mut ann) = start().await;
    let page = ann.get("/account").await;
    let end = page.attribute("form[action^='/account/sessions/'][action$='/end']", "action");
    let end = end.unwrap();
    assert!(!end.contains(ann.session()));
    // It stays when the token is replaced.
    dialog_token(&mut ann).await;
    assert_eq!(ann.post_part("/login", &CONFIRM).await.status, 200);
    assert!(ann.get("/account").await.body.contains(&end));
    assert_eq!(ann.post(&end, &[]).await.location(), "/login");
    assert!(!has_session(&ann).await);
    app.finish().await;
}
