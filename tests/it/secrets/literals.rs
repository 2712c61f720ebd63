//! Typing a secret literally: what the form says, and what the user can choose.

use super::echo::EchoServer;
use super::{fields, save, start, with};

const BODY: &str = r#"{"secret_key":"typed-5ecret"}"#;

fn choose<'a>(place: &'a str, choice: &'a str, name: &'a str) -> [(&'a str, &'a str); 3] {
    [("secret_place", place), ("secret_choice", choice), ("secret_name", name)]
}

#[tokio::test]
async fn the_form_shows_what_will_be_moved() {
    let app = start().await;
    let mut user = app.admin().await;
    user.get("/webhooks/new").await;
    let form = fields("https://10.0.0.5/x", BODY);
    let part = user.post_part("/webhooks/preview", &form).await;
    let section = part.text("#found-secrets");
    for text in ["secret_key in the body", "sent only to https://10.0.0.5", "Not a secret"] {
        assert!(section.contains(text), "{text}: {section}");
    }
    assert_eq!(part.attribute("#secret-name-1", "value").unwrap(), "secret_key");
    // After an error, the choices are still there.
    let mut form = with(form, "name", "");
    form.extend(choose("body.secret_key", "shared", "Logpoint Key"));
    let page = user.post("/webhooks", &form).await;
    assert_eq!(page.status, 422);
    assert_eq!(page.attribute("#secret-name-1", "value").unwrap(), "logpoint_key");
    assert_eq!(
        page.texts("#secret-choice-1 option[selected]"),
        ["Save as a secret for all webhooks"]
    );
    app.finish().await;
}

#[tokio::test]
async fn a_user_can_name_share_and_reuse_secrets() {
    let app = start().await;
    let server = EchoServer::start().await;
    let mut user = app.admin().await;
    let url = server.url("/plain");
    let mut form = fields(&url, BODY);
    form.extend(choose("body.secret_key", "shared", "logpoint_key"));
    let first = save(&app, &mut user, &form).await;
    let edit = user.get(&format!("/webhooks/{first}/edit")).await;
    assert_eq!(edit.typed("body_template"), r#"{"secret_key":"{{secrets.logpoint_key}}"}"#);

    // Another webhook uses it instead of what was typed.
    let mut form = with(fields(&url, BODY), "name", "B");
    form.extend(choose("body.secret_key", "use:logpoint_key", ""));
    let second = save(&app, &mut user, &form).await;
    user.get("/webhooks").await;
    user.post(&format!("/webhooks/{second}/test"), &[]).await;
    assert!(server.received()[0].contains("typed-5ecret"));

    // Its name cannot be used for another one.
    for choice in ["shared", "private"] {
        let other = r#"{"secret_key":"other-5ecret"}"#;
        let mut form = with(fields(&url, other), "name", "C");
        form.extend(choose("body.secret_key", choice, "logpoint_key"));
        user.get("/webhooks/new").await;
        let refused = user.post("/webhooks", &form).await;
        assert_eq!(refused.status, 422, "{choice}");
        assert!(refused.text("#body_template-error").contains("used by another secret"));
        assert_eq!(refused.typed("body_template"), other, "nothing typed is lost");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_a_secret_stays_and_is_not_asked_again() {
    let app = start().await;
    let mut user = app.admin().await;
    let mut form = fields("https://10.0.0.5/x", r#"{"token":"public-name"}"#);
    form.extend(choose("body.token", "no", "token"));
    form.push(("not_secret", "body.token"));
    let id = save(&app, &mut user, &form).await;
    let edit = user.get(&format!("/webhooks/{id}/edit")).await;
    assert_eq!(edit.typed("body_template"), r#"{"token":"public-name"}"#);
    assert_eq!(edit.texts("#secret-choice-1 option[selected]"), ["Not a secret"]);
    assert_eq!(edit.attribute("[name=not_secret]", "value").unwrap(), "body.token");
    // A token under Authentication is always a secret.
    let mut form = with(fields("https://10.0.0.5/x", "{}"), "name", "B");
    form.extend([("auth_kind", "bearer"), ("auth_token", "abc-5ecret")]);
    form.extend(choose("auth.token", "no", "x"));
    let id = save(&app, &mut user, &form).await;
    let edit = user.get(&format!("/webhooks/{id}/edit")).await;
    assert!(!edit.body.contains("abc-5ecret"));
    app.finish().await;
}

#[tokio::test]
async fn secrets_are_deleted_with_the_last_reference() {
    let app = start().await;
    let mut user = app.admin().await;
    let id = save(&app, &mut user, &fields("https://10.0.0.5/x", BODY)).await;
    let names = async || -> Vec<String> {
        sqlx::query_scalar("select name from secrets").fetch_all(app.database.pool()).await.unwrap()
    };
    assert_eq!(names().await, ["secret_key"]);
    user.get(&format!("/webhooks/{id}/edit")).await;
    let form = with(fields("https://10.0.0.5/x", "{}"), "id", &id);
    assert_eq!(user.post(&format!("/webhooks/{id}"), &form).await.status, 303);
    assert_eq!(names().await, [""; 0]);
    let id = save(&app, &mut user, &with(fields("https://10.0.0.5/x", BODY), "name", "B")).await;
    user.get(&format!("/webhooks/{id}/delete")).await;
    user.post(&format!("/webhooks/{id}/delete"), &[]).await;
    assert_eq!(names().await, [""; 0]);
    app.finish().await;
}

#[tokio::test]
async fn a_mask_of_an_earlier_version_is_not_a_value() {
    let app = start().await;
    let mut user = app.admin().await;
    user.get("/webhooks/new").await;
    for body in [r#"{"secret_key":"••••••"}"#, r#"{"a":"••••••"}"#] {
        let refused = user.post("/webhooks", &fields("https://10.0.0.5/x", body)).await;
        assert_eq!(refused.status, 422, "{body}");
        let error = refused.text("#body_template-error");
        assert!(error.contains("does not stand for a stored secret"), "{body}: {error}");
    }
    app.finish().await;
}
