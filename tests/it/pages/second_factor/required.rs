//! Roles that require a second factor.

use gatepost::identity::{Role, Scope};
use gatepost::web::route_rules;
use url::form_urlencoded;

use super::{LOGIN, PASSWORD, enter_code, is_signed_in, recorded};
use crate::support::TestApp;
use crate::support::authenticator::Authenticator;
use crate::support::scenario::Scenario;

const UNKNOWN_ID: &str = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";

async fn require(app: &TestApp, roles: &[Role]) {
    let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    sqlx::query("insert into second_factor_roles (role) select * from unnest($1::text[])")
        .bind(names)
        .execute(app.database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_user_who_must_set_up_reaches_no_other_route() {
    let app = TestApp::start().await;
    require(&app, &Role::ALL).await;
    for role in Role::ALL {
        let email = app.add_user(role).await;
        let mut user = app.anonymous();
        user.get("/login").await;
        let fields = [("email", email.as_str()), ("password", PASSWORD)];
        assert_eq!(user.post("/login", &fields).await.location(), "/account/two-factor/new");
        let page = user.get("/account/two-factor/new").await;
        assert_eq!(page.status, 200);
        assert!(page.text(".banner").contains("Your role requires two-factor authentication"));
        assert!(page.texts("nav a").is_empty(), "{}", page.body);
        let mut open = Vec::new();
        for rule in route_rules() {
            if rule.permission.is_none() || rule.path == "/logout" {
                continue;
            }
            let path = rule
                .path
                .split('/')
                .map(|part| if part.starts_with('{') { UNKNOWN_ID } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            let name = format!("{} {path}", rule.method);
            let is_post = rule.method == "POST";
            for is_part in [false, true] {
                let request = if is_post {
                    user.form(&path, &[("name", "x")])
                } else {
                    crate::support::http().get(app.url(&path))
                };
                let request = request.header("cookie", user.cookie_header());
                let request = if is_part { request.header("hx-request", "true") } else { request };
                let response = request.send().await.unwrap();
                let status = response.status().as_u16();
                let location = response.headers().get("location").cloned();
                let body = response.text().await.unwrap();
                let is_refused =
                    status == 403 && body.contains("Set up two-factor authentication first");
                let led = form_urlencoded::byte_serialize(path.as_bytes()).collect::<String>();
                let led = format!("/account/two-factor/new?next={led}");
                let is_led = location.is_some_and(|to| to == led.as_str()) && body.is_empty();
                let is_page = !is_post && !is_part;
                if !(is_refused || is_led && is_page) {
                    open.push(name.clone());
                }
            }
        }
        open.dedup();
        assert_eq!(open, ["GET /account/two-factor/new", "POST /account/two-factor/new"], "{role}");
        assert_eq!(user.post("/logout", &[]).await.location(), "/login");
    }
    app.finish().await;
}

#[tokio::test]
async fn visitor_pages_show_such_a_user_nothing_either() {
    let Scenario { app, logpoint: _logpoint, webhook, .. } = Scenario::start().await;
    let mut ann = app.admin().await;
    ann.get(&format!("/webhooks/{webhook}/edit")).await;
    require(&app, &[Role::Administrator]).await;
    let typed = [("id", webhook.as_str()), ("name", "Typed for an hour")];
    // A form of another session is not shown again, and neither is one that the sign-in page carried along.
    for csrf in ["wrong", ann.csrf()].map(str::to_owned) {
        let fields = [&typed[..], &[("csrf", &csrf)]].concat();
        let refused = ann.post(&format!("/webhooks/{webhook}"), &fields).await;
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains("Set up two-factor authentication first"));
    }
    let mut again = app.anonymous();
    again.get("/login").await;
    let done = again.post("/login", &[&LOGIN[..], &[("unsaved", "name=x")]].concat()).await;
    assert_eq!(done.location(), "/account/two-factor/new");
    app.finish().await;
}

#[tokio::test]
async fn an_administrator_requires_it_and_open_sessions_must_set_it_up() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let (mut ben, mut cat) = (app.user(Role::Editor).await, app.user(Role::Viewer).await);
    let token = app.token(Scope::Read).await;
    let before = recorded(&app, 0).await.len();
    ann.get("/users").await;
    let roles = [("role", "editor"), ("role", "admin")];
    assert_eq!(ann.post("/users/two-factor", &roles).await.location(), "/users");
    assert_eq!(recorded(&app, before).await, ["second_factor.required"]);
    // The administrator is the first who must set it up.
    assert_eq!(ann.get("/users").await.location(), "/account/two-factor/new?next=%2Fusers");
    Authenticator::enrol(&app, &mut ann).await;
    let page = ann.get("/users").await;
    assert_eq!(page.texts("td[data-label=Two-factor]"), ["On", "Required, not set up", "Off"]);
    let checked = page.html();
    let checked =
        checked.select(&scraper::Selector::parse("[name=role][checked]").unwrap()).count();
    assert_eq!(checked, 2);
    assert_eq!(ben.get("/webhooks").await.location(), "/account/two-factor/new?next=%2Fwebhooks");
    assert!(is_signed_in(&mut cat).await);
    let request = crate::support::http().get(app.url("/metrics")).bearer_auth(token);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let device = Authenticator::enrol(&app, &mut ben).await;
    assert!(is_signed_in(&mut ben).await);
    // Turning it off leads back to the set-up, as the pages say.
    assert!(ben.get("/account").await.text("main").contains("Your role requires this"));
    let page = ben.get("/account/two-factor/off").await;
    assert_eq!(page.text("h1"), "Set up two-factor authentication again?");
    assert!(!page.text("main").contains("only your password"), "{}", page.text("main"));
    let code = device.next_code(&app);
    let done = ben.post("/account/two-factor/off", &[("code", &code)]).await;
    assert_eq!(done.location(), "/account/two-factor/new");
    assert_eq!(ben.get("/webhooks").await.location(), "/account/two-factor/new?next=%2Fwebhooks");
    // The same choice changes nothing, and none is a choice.
    let before = recorded(&app, 0).await.len();
    ann.get("/users").await;
    ann.post("/users/two-factor", &roles).await;
    assert!(recorded(&app, before).await.is_empty());
    assert_eq!(ann.post("/users/two-factor", &[]).await.location(), "/users");
    assert!(is_signed_in(&mut ben).await);
    assert_eq!(ann.post("/users/two-factor", &[("role", "king")]).await.status, 400);
    app.finish().await;
}

/// Signing in and setting up lead to the page that the user wanted, and never to another site.
#[tokio::test]
async fn the_set_up_leads_to_the_wanted_page() {
    let app = TestApp::start().await;
    require(&app, &[Role::Editor]).await;
    for (next, wanted) in [
        ("/deliveries?state=failed", "/deliveries?state=failed"),
        ("", "/webhooks"),
        ("//evil.example", "/webhooks"),
    ] {
        let email = app.add_user(Role::Editor).await;
        let mut ben = app.anonymous();
        ben.get("/login").await;
        let fields = [("email", email.as_str()), ("password", PASSWORD), ("next", next)];
        let set_up = ben.post("/login", &fields).await.location().to_owned();
        let page = ben.get(&set_up).await;
        // An error keeps it.
        let fields: Vec<_> = page.fields("form[action$='/new']");
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let wrong = ben.post("/account/two-factor/new", &fields).await;
        assert_eq!(wrong.status, 422);
        let device = Authenticator::new(&page.text("#secret"));
        let done = device.confirm(&app, &mut ben, &wrong).await;
        assert_eq!(done.attribute("a.button.primary", "href").unwrap(), wanted, "{next}");
        // The address of the result leads on after a reload.
        assert_eq!(ben.get("/account/two-factor/new").await.location(), "/account");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_new_role_can_require_it_and_signing_in_leads_to_the_set_up() {
    let app = TestApp::start().await;
    require(&app, &[Role::Editor]).await;
    let email = app.add_user(Role::Viewer).await;
    let mut ben = app.anonymous();
    ben.sign_in(&email, PASSWORD).await;
    sqlx::query("update users set role = 'editor' where role = 'viewer'")
        .execute(app.database.pool())
        .await
        .unwrap();
    assert_eq!(ben.get("/events").await.location(), "/account/two-factor/new?next=%2Fevents");
    let device = Authenticator::enrol(&app, &mut ben).await;
    ben.post("/logout", &[]).await;
    super::enter_password_as(&mut ben, &email, PASSWORD).await;
    assert_eq!(enter_code(&mut ben, &device.next_code(&app)).await.location(), "/webhooks");
    app.finish().await;
}
