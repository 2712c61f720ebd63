//! Setting up, signing in and out.

use argon2::Argon2;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use gatepost::identity::Scope;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};

const SETUP: [(&str, &str); 3] =
    [("email", "bo@example.com"), ("password", PASSWORD), ("password_again", PASSWORD)];

#[tokio::test]
async fn the_one_time_code_creates_a_single_administrator() {
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
    assert!(bo.get("/webhooks").await.text("main").contains("No webhooks yet"));
    // The code works only once.
    let mut eve = app.anonymous();
    assert_eq!(eve.get("/setup").await.location(), "/login");
    eve.get("/login").await;
    let again = eve.post("/setup", &[&[("code", code.as_str())], &SETUP[..]].concat()).await;
    assert_eq!(again.location(), "/login?set_up=true");
    assert!(eve.get(again.location()).await.text("[role=status]").contains("already has"));
    app.finish().await;
}

#[tokio::test]
async fn setup_shows_each_error_at_its_field() {
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
async fn attempts_to_guess_the_one_time_code_are_limited() {
    let app = TestApp::start_with(|config| config.admin = None).await;
    let mut eve = app.anonymous();
    eve.get("/setup").await;
    let mut last = 0;
    for _ in 0..6 {
        last = eve.post("/setup", &[&[("code", "AAAA-AAAA")], &SETUP[..]].concat()).await.status;
    }
    assert_eq!(last, 429);
    app.finish().await;
}

#[tokio::test]
async fn signing_in_returns_to_the_requested_page_and_signing_out_ends_the_session() {
    let app = TestApp::start().await;
    let mut ann = app.anonymous();
    let redirect = ann.get("/deliveries?state=failed").await;
    assert_eq!(redirect.location(), "/login?next=%2Fdeliveries%3Fstate%3Dfailed");
    ann.get(redirect.location()).await;
    assert_eq!(ann.session(), "", "nothing is stored for visitors");
    let fields =
        [("email", " ANN.ngo@example.com"), ("password", PASSWORD), ("next", "/deliveries")];
    assert_eq!(ann.post("/login", &fields).await.location(), "/deliveries");
    assert_ne!(ann.session(), "");
    assert_eq!(ann.get("/deliveries").await.status, 200);
    let kept = ann.clone();
    assert_eq!(ann.post("/logout", &[]).await.location(), "/login");
    assert_eq!(ann.session(), "");
    assert_eq!(ann.get("/webhooks").await.status, 303);
    // The old cookie is invalid.
    assert_eq!(kept.clone().get("/webhooks").await.status, 303);
    app.finish().await;
}

#[tokio::test]
async fn a_wrong_password_is_rejected_without_details_and_attempts_are_limited() {
    let app = TestApp::start().await;
    let mut eve = app.anonymous();
    eve.get("/login").await;
    let unknown = eve.post("/login", &[("email", "x@example.com"), ("password", PASSWORD)]).await;
    let wrong = eve.post("/login", &[("email", EMAIL), ("password", "not the password")]).await;
    assert_eq!((unknown.status, wrong.status), (422, 422));
    assert_eq!(unknown.text("#login-error"), wrong.text("#login-error"));
    assert!(!wrong.body.contains("not the password"));
    assert_eq!(wrong.attribute("#email", "value").unwrap(), EMAIL);
    for _ in 0..4 {
        eve.post("/login", &[("email", EMAIL), ("password", "not the password")]).await;
    }
    let throttled = eve.post("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(throttled.status, 429);
    assert!(throttled.text("#login-error").contains("Too many attempts"));
    app.finish().await;
}

#[tokio::test]
async fn sessions_are_stored_in_the_database_and_survive_a_restart() {
    let app = TestApp::start().await;
    let ann = app.admin().await;
    let cookie = ann.session();
    let found: i64 = sqlx::query_scalar(
        "select count(*) from sessions where encode(id, 'base64') = $1 or data like '%' || $1 || '%'",
    )
    .bind(cookie)
    .fetch_one(app.database.pool())
    .await
    .unwrap();
    assert_eq!(found, 0, "the table does not contain the value of the cookie");
    let app = app.restart().await;
    let response = crate::support::http()
        .get(app.url("/webhooks"))
        .header("cookie", ann.cookie_header())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    // A token for the API does not open pages.
    let token = app.token(Scope::Manage).await;
    let request = crate::support::http().get(app.url("/webhooks")).bearer_auth(token);
    assert_eq!(request.send().await.unwrap().status(), 303);
    app.finish().await;
}

/// Ends all sessions, as time or an administrator would.
async fn end_sessions(app: &TestApp) {
    sqlx::query("delete from sessions").execute(app.database.pool()).await.unwrap();
}

#[tokio::test]
async fn htmx_can_sign_in_again_in_place() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    end_sessions(&app).await;
    let refused = ann.post_part("/webhooks/preview", &[("name", "Half a webhook")]).await;
    assert_eq!((refused.status, refused.text("h2").as_str()), (401, "Sign in to continue"));
    let wrong = ann.post_part("/login", &[("email", EMAIL), ("password", "not this one")]).await;
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.attribute("input[name=email]", "value").unwrap(), EMAIL);
    assert!(wrong.text("[role=alert]").contains("password is wrong"));
    let done = ann.post_part("/login", &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(done.status, 200, "{}", done.body);
    let done: serde_json::Value = serde_json::from_str(&done.body).unwrap();
    assert_eq!(done["email"], EMAIL);
    let csrf = done["csrf"].as_str().unwrap();
    let preview = ann.post_part("/webhooks/preview", &[("csrf", csrf)]).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    app.finish().await;
}

#[tokio::test]
async fn a_form_sent_after_the_session_has_ended_is_kept_without_scripts() {
    let app = TestApp::start().await;
    for path in ["/webhooks", "/webhooks/test", "/webhooks/backtest"] {
        let mut ann = app.admin().await;
        ann.get("/webhooks/new").await;
        end_sessions(&app).await;
        let typed =
            [("name", "Half a webhook"), ("url", "https://10.0.0.5/<x>"), ("active", "true")];
        let login_page = ann.post(path, &typed).await;
        assert_eq!((login_page.status, login_page.text("h1").as_str()), (401, "Sign in"), "{path}");
        let unsaved = login_page.attribute("input[name=unsaved]", "value").unwrap();
        let login = |password| [("email", EMAIL), ("password", password), ("unsaved", &unsaved)];
        let wrong = ann.post("/login", &login("not this one")).await;
        assert_eq!(wrong.attribute("input[name=unsaved]", "value").unwrap(), unsaved);
        let form = ann.post("/login", &login(PASSWORD)).await;
        assert_eq!((form.status, form.text("h1").as_str()), (200, "Add Webhook"), "{}", form.body);
        assert!(form.text("[role=alert]").contains("nothing has been saved yet"));
        assert_eq!(form.attribute("#name", "value").unwrap(), "Half a webhook");
        assert_eq!(form.attribute("#url", "value").unwrap(), "https://10.0.0.5/<x>");
        // The form belongs to the new session.
        assert_eq!(ann.post("/webhooks", &typed).await.status, 422);
    }
    app.finish().await;
}

#[tokio::test]
async fn forms_of_other_sites_are_not_kept() {
    let app = TestApp::start().await;
    let mut eve = app.anonymous();
    let request = eve.form("/webhooks", &[("name", "Eve's")]);
    let refused = eve.send(request.header("sec-fetch-site", "cross-site")).await;
    assert_eq!(refused.status, 403);
    assert!(!refused.body.contains("Eve"));
    app.finish().await;
}

#[tokio::test]
async fn a_form_of_an_earlier_session_is_shown_again_and_not_lost() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let old = ann.csrf().to_owned();
    // Another tab signs in again, so this form's token is from an earlier session.
    end_sessions(&app).await;
    ann.sign_in(EMAIL, PASSWORD).await;
    let typed = [("csrf", old.as_str()), ("name", "Half a webhook"), ("active", "true")];
    let form = ann.post("/webhooks", &typed).await;
    assert_eq!((form.status, form.text("h1").as_str()), (403, "Add Webhook"), "{}", form.body);
    assert_eq!(form.attribute("#name", "value").unwrap(), "Half a webhook");
    assert!(form.text("[role=alert]").contains("nothing has been saved yet"));
    // A script gets a token with which it can send the request again.
    let refused = ann.post_part("/webhooks/preview", &typed).await;
    assert_eq!(refused.status, 403);
    let fresh = refused.headers["x-csrf-token"].to_str().unwrap().to_owned();
    assert_eq!(ann.post_part("/webhooks/preview", &[("csrf", &fresh)]).await.status, 200);
    // Other forms change nothing.
    let refused = ann.post("/logout", &[("csrf", &old)]).await;
    assert_eq!((refused.status, refused.text("h1").as_str()), (403, "The form has expired"));
    app.finish().await;
}

#[tokio::test]
async fn reloading_a_form_that_was_shown_again_keeps_it() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    end_sessions(&app).await;
    let asked = ann.post("/webhooks", &[("name", "Half a webhook")]).await;
    let token = asked.attribute("input[name=csrf]", "value").unwrap();
    let unsaved = asked.attribute("input[name=unsaved]", "value").unwrap();
    let fields =
        [("csrf", token.as_str()), ("email", EMAIL), ("password", PASSWORD), ("unsaved", &unsaved)];
    for _reload in 0..2 {
        let form = ann.post("/login", &fields).await;
        assert_eq!(form.attribute("#name", "value").unwrap(), "Half a webhook", "{}", form.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn the_largest_form_is_kept_and_larger_ones_say_so() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    end_sessions(&app).await;
    // Every line break is three bytes in a form, and nine in a form within a form.
    let large = "\n".repeat(170_000);
    let asked = ann.post("/webhooks", &[("body_template", &large)]).await;
    let unsaved = asked.attribute("input[name=unsaved]", "value").unwrap();
    let login = [("email", EMAIL), ("password", PASSWORD), ("unsaved", unsaved.as_str())];
    assert_eq!(ann.post("/login", &login).await.status, 200);
    let too_large = ann.post("/webhooks", &[("body_template", &"x".repeat(600_000))]).await;
    assert_eq!((too_large.status, too_large.text("h1").as_str()), (413, "The form is too large"));
    app.finish().await;
}

#[tokio::test]
async fn fields_for_passwords_hide_the_text_and_name_their_purpose_for_password_managers() {
    let (app, empty) =
        (TestApp::start().await, TestApp::start_with(|config| config.admin = None).await);
    let mut ann = app.admin().await;
    ann.get("/users/new").await;
    let invited = ann.post("/users", &[("email", "eve@example.com"), ("role", "viewer")]).await;
    let mut eve = app.anonymous();
    eve.get("/invitation").await;
    for page in [
        app.anonymous().get("/login").await,
        empty.anonymous().get("/setup").await,
        eve.post("/invitation", &[("code", &invited.text("#code"))]).await,
        ann.get("/account").await,
    ] {
        let html = page.html();
        let selector = scraper::Selector::parse("input[name*=password]").unwrap();
        let fields: Vec<_> = html.select(&selector).map(|field| field.value()).collect();
        assert!(!fields.is_empty(), "{}", page.body);
        for field in fields {
            assert_eq!(field.attr("type"), Some("password"), "{field:?}");
            let purpose = field.attr("autocomplete").unwrap_or_default();
            assert!(["current-password", "new-password"].contains(&purpose), "{field:?}");
            assert!(field.attr("onpaste").is_none() && field.attr("readonly").is_none());
        }
    }
    app.finish().await;
    empty.finish().await;
}

#[tokio::test]
async fn a_hash_with_older_parameters_is_renewed_at_the_sign_in() {
    let app = TestApp::start().await;
    let params = argon2::Params::new(8 * 1024, 1, 1, None).unwrap();
    let older = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let hash: PasswordHash = older.hash_password(PASSWORD.as_bytes()).unwrap();
    sqlx::query("update users set password_hash = $1")
        .bind(hash.to_string())
        .execute(app.database.pool())
        .await
        .unwrap();
    for _ in 0..2 {
        let mut ann = app.anonymous();
        ann.sign_in(EMAIL, PASSWORD).await;
        let stored: String = sqlx::query_scalar("select password_hash from users")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_eq!(ann.get("/webhooks").await.status, 200);
    }
    app.finish().await;
}
