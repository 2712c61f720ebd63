//! Invitations: links, codes and the passwords that are set with them.

use std::time::Duration;

use crate::support::TestApp;
use crate::support::app::EMAIL;
use crate::support::user::{TestResponse, TestUser};

pub(super) const BEN: &str = "ben@example.com";
pub(super) const NEW_PASSWORD: &str = "purple kayak on a quiet lake";
const HOUR: Duration = Duration::from_hours(1);

pub(super) async fn id_of(app: &TestApp, email: &str) -> String {
    sqlx::query_scalar("select id::text from users where email = $1")
        .bind(email)
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

/// Returns the path and the fragment of the link on a page.
fn link(app: &TestApp, page: &TestResponse) -> String {
    assert_eq!(page.status, 200, "{}", page.body);
    page.text("#link").strip_prefix(&app.url("")).unwrap().to_owned()
}

/// Invites an editor, and returns the path and the fragment of the link.
pub(super) async fn invite(app: &TestApp, ann: &mut TestUser) -> String {
    ann.get("/users/new").await;
    let page = ann.post("/users", &[("email", BEN), ("role", "editor")]).await;
    link(app, &page)
}

/// Returns the code at the end of a link.
fn code(link: &str) -> &str {
    link.split_once('#').unwrap().1
}

/// Enters the code of a link.
async fn accept(user: &mut TestUser, link: &str) -> TestResponse {
    user.get("/invitation").await;
    user.post("/invitation", &[("code", code(link))]).await
}

pub(super) async fn set_password(user: &mut TestUser, link: &str, password: &str) -> TestResponse {
    accept(user, link).await;
    let fields = [("code", code(link)), ("password", password), ("password_again", password)];
    user.post("/invitation", &fields).await
}

#[tokio::test]
async fn an_invited_user_sets_a_password_once_and_signs_in_with_it() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let path = invite(&app, &mut ann).await;
    let list = ann.get("/users").await;
    assert_eq!(list.texts("td.name"), [&format!("{EMAIL} (you)"), BEN]);
    assert_eq!(list.texts("td[data-label=Status]"), ["Active", "Invited"]);
    assert_eq!(list.texts("td[data-label=Role]"), ["Administrator", "Editor"]);
    // The database is not enough to use the link.
    let token = code(&path);
    let row: String = sqlx::query_scalar("select users::text from users where email = $1")
        .bind(BEN)
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert!(!row.contains(token));

    let mut ben = app.anonymous();
    // Mail programs open links, too.
    app.anonymous().get("/invitation").await;
    let form = accept(&mut ben, &path).await;
    assert_eq!(form.attribute("#email", "value").unwrap(), BEN);
    assert_eq!(form.attribute("input[name=code]", "value").unwrap(), token);
    let spaces = ben.post("/invitation", &[("code", &format!(" {token} \n"))]).await;
    assert_eq!(spaces.status, 200, "pasted from a mail");
    let weak = set_password(&mut ben, &path, "ben@example.com").await;
    assert_eq!(weak.status, 422);
    assert!(weak.text("#password-error").contains("too easy to guess"));
    let differs = [("code", token), ("password", NEW_PASSWORD), ("password_again", "another")];
    let differing = ben.post("/invitation", &differs).await;
    assert!(differing.text("#password-error").contains("do not match"));
    let foreign = [&differs[..2], &[("password_again", NEW_PASSWORD), ("csrf", "x")]].concat();
    assert_eq!(ben.post("/invitation", &foreign).await.status, 403);
    let done = set_password(&mut ben, &path, NEW_PASSWORD).await;
    assert_eq!(done.location(), "/webhooks");
    assert!(ben.get("/webhooks").await.text("#toasts").contains("Your password is set"));
    ben.get("/webhooks").await;
    ben.post("/logout", &[]).await;
    ben.sign_in(BEN, NEW_PASSWORD).await;

    for _ in 0..2 {
        let again = set_password(&mut app.anonymous(), &path, "another long password here").await;
        assert_eq!(
            (again.status, again.text("h1").as_str()),
            (410, "The invitation has been used")
        );
    }
    app.anonymous().sign_in(BEN, NEW_PASSWORD).await;
    app.finish().await;
}

#[tokio::test]
async fn a_link_expires_and_is_replaced_by_a_new_one() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let first = invite(&app, &mut ann).await;
    app.clock.advance(72 * HOUR);
    let page = accept(&mut app.anonymous(), &first).await;
    assert_eq!((page.status, page.text("h1").as_str()), (410, "The invitation has expired"));
    let mut ann = app.admin().await;
    let statuses = ann.get("/users").await.texts("td[data-label=Status]");
    assert_eq!(statuses, ["Active", "Invitation expired"]);
    let user = format!("/users/{}", id_of(&app, BEN).await);
    ann.get(&user).await;
    let second = link(&app, &ann.post(&format!("{user}/invitation"), &[]).await);
    let page = accept(&mut app.anonymous(), &first).await;
    assert_eq!((page.status, page.text("h1").as_str()), (404, "The invitation is invalid"));
    assert_eq!(page.attribute("main a.link", "href").unwrap(), "/invitation");
    assert_eq!(page.attribute("main a.primary", "href").unwrap(), "/login");
    let mut ben = app.anonymous();
    assert_eq!(set_password(&mut ben, &second, NEW_PASSWORD).await.status, 303);
    // Who has accepted gets no further link.
    let refused = ann.post(&format!("{user}/invitation"), &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text("[role=alert]").contains("have not accepted their invitation"));
    app.finish().await;
}

#[tokio::test]
async fn no_address_contains_the_code_of_an_invitation() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/users/new").await;
    let page = ann.post("/users", &[("email", BEN), ("role", "editor")]).await;
    let shown = link(&app, &page);
    let (path, code) = shown.split_once('#').unwrap();
    assert_eq!((path, code), ("/invitation", page.text("#code").as_str()));
    let mut ben = app.anonymous();
    let asked = ben.get(path).await;
    assert_eq!((asked.status, asked.text("h1").as_str()), (200, "Accept your invitation"));
    for seen in [asked, ben.post(path, &[("code", code)]).await] {
        assert_eq!(seen.attribute("main form", "action").unwrap(), "/invitation");
        assert_eq!(seen.attribute("main form", "method").unwrap(), "post");
    }
    // Links of earlier versions.
    let old = ben.get(&format!("/invitations/{code}")).await;
    assert_eq!((old.status, old.location()), (303, format!("/invitation#{code}").as_str()));
    assert_eq!(ben.get("/invitations/a%0d%0ab").await.location(), "/invitation");
    app.finish().await;
}

#[tokio::test]
async fn a_link_that_is_used_twice_at_once_sets_one_password() {
    let app = TestApp::start().await;
    let path = invite(&app, &mut app.admin().await).await;
    let (mut one, mut two) = (app.anonymous(), app.anonymous());
    let (first, second) = tokio::join!(
        set_password(&mut one, &path, NEW_PASSWORD),
        set_password(&mut two, &path, "another long password here")
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 410]);
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_needs_a_new_valid_email_address() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    ann.get("/users/new").await;
    for (email, message) in [
        ("ben", "Enter an email address"),
        ("Admin@EXAMPLE.com", "already a user"),
        (&"x".repeat(300), "Enter an email address"),
    ] {
        let email =
            if message.starts_with("already") { EMAIL.to_uppercase() } else { email.to_owned() };
        let page = ann.post("/users", &[("email", &email), ("role", "admin")]).await;
        assert_eq!(page.status, 422);
        assert!(page.text("#email-error").contains(message));
        assert_eq!(page.attribute("#email", "value").unwrap(), email);
        assert_eq!(page.attribute("input[name=role][checked]", "value").unwrap(), "admin");
    }
    let unknown = ann.post("/users", &[("email", BEN), ("role", "owner")]).await;
    assert_eq!(unknown.status, 400);
    app.finish().await;
}
