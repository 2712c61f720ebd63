//! The certified provider `oidc-provider`, with its own pages, keys and checks.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use scraper::{Html, Selector};

use crate::support::TestApp;
use crate::support::app::EMAIL;
use crate::support::identity_provider::Provider;
use crate::support::user::TestUser;

/// The page that says why a sign-in has failed.
const FAILED: &str = "/login/sso/failed";

/// A browser at the provider. Its pages are not validated, unlike Gatepost's.
struct Browser {
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// How often the user has entered a password.
    logins: usize,
}

impl Browser {
    fn new(provider: &Provider) -> Self {
        Self { client: provider.client(), cookies: BTreeMap::new(), logins: 0 }
    }

    /// Returns the address of a redirect, or the page.
    async fn send(&mut self, request: reqwest::RequestBuilder) -> Result<String, String> {
        let cookies: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
        for set in response.headers().get_all(SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        match response.headers().get(LOCATION) {
            Some(to) => Ok(response.url().join(to.to_str().unwrap()).unwrap().to_string()),
            None => Err(response.text().await.unwrap()),
        }
    }

    /// Follows redirects and sends forms of the provider, until it redirects to the app. Returns that path.
    async fn follow(&mut self, address: &str, app: &TestApp, name: &str) -> String {
        let mut address = address.to_owned();
        let mut redirects = 0..20;
        loop {
            if let Some(path) = address.strip_prefix(&app.url("")) {
                return path.to_owned();
            }
            assert!(redirects.next().is_some(), "too many redirects, the last one to {address}");
            address = match self.send(self.client.get(&address)).await {
                Ok(next) => next,
                Err(page) => {
                    let (action, fields) = self.fill(&page, &address, name);
                    let mut body = url::form_urlencoded::Serializer::new(String::new());
                    let request = self
                        .client
                        .post(action)
                        .header("content-type", "application/x-www-form-urlencoded")
                        .body(body.extend_pairs(fields).finish());
                    self.send(request).await.expect("a redirect")
                }
            };
        }
    }

    fn fill(&mut self, page: &str, address: &str, name: &str) -> (String, Vec<(String, String)>) {
        let html = Html::parse_document(page);
        let select = |selector: &str| Selector::parse(selector).unwrap();
        let form = html.select(&select("form")).next().expect("a form");
        let action = form.value().attr("action").unwrap();
        let action = url::Url::parse(address).unwrap().join(action).unwrap().to_string();
        let mut fields = Vec::new();
        for input in form.select(&select("input")) {
            let value = match input.value().attr("name") {
                Some("login") => name,
                Some("password") => {
                    self.logins += 1;
                    "any"
                }
                _ => input.value().attr("value").unwrap_or_default(),
            };
            let field = input.value().attr("name").unwrap_or_default();
            fields.push((field.to_owned(), value.to_owned()));
        }
        if action.contains("/session/end") {
            fields.push(("logout".to_owned(), "yes".to_owned()));
        }
        (action, fields)
    }
}

async fn sign_in(user: &mut TestUser, browser: &mut Browser, app: &TestApp, name: &str) -> String {
    let started = user.get("/login/sso?next=%2Fevents").await;
    let back = browser.follow(started.location(), app, name).await;
    let response = user.get(&back).await;
    match (response.status, response.location()) {
        (303, FAILED) => user.get(FAILED).await.text("h1"),
        (_, location) => location.to_owned(),
    }
}

async fn role_of(app: &TestApp, email: &str) -> String {
    sqlx::query_scalar("select role from users where email = $1")
        .bind(email)
        .fetch_one(app.database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn users_of_a_certified_provider_sign_in_and_out() {
    let (app, mut provider) = Provider::start_with_app().await;
    let (mut eve, mut browser) = (app.anonymous(), Browser::new(&provider));
    assert_eq!(sign_in(&mut eve, &mut browser, &app, "eve").await, "No access to Gatepost");
    provider.set_group("eve", "soc").await;
    assert_eq!(sign_in(&mut eve, &mut browser, &app, "eve").await, "/events");
    assert_eq!(role_of(&app, "eve@example.com").await, "editor");
    provider.set_group("eve", "admins").await;
    assert_eq!(sign_in(&mut eve, &mut browser, &app, "eve").await, "/events");
    assert_eq!(role_of(&app, "eve@example.com").await, "admin");
    assert_eq!(browser.logins, 1, "the session at the provider goes on");

    // An existing user is linked.
    let name = EMAIL.strip_suffix("@example.com").unwrap();
    provider.set_group(name, "admins").await;
    assert_eq!(
        sign_in(&mut app.anonymous(), &mut Browser::new(&provider), &app, name).await,
        "/events"
    );

    // A change right after the sign-in needs no confirmation, because the provider says when the user entered the password.
    eve.get("/tokens/new").await;
    assert_eq!(eve.post("/tokens", &[("name", "Early"), ("scope", "read")]).await.status, 200);

    // The provider asks for the password again before later changes.
    let pool = app.database.pool();
    let earlier =
        "update sessions set password_entered_at = password_entered_at - interval '16 minutes'";
    sqlx::query(earlier).execute(pool).await.unwrap();
    eve.get("/tokens/new").await;
    let fields = [("name", "CI"), ("scope", "read")];
    let asked = eve.post("/tokens", &fields).await;
    assert_eq!(asked.text("h1"), "Confirm that it is you");
    let link = asked.attribute("a.primary", "href").unwrap();
    let back = browser.follow(eve.get(&link).await.location(), &app, "eve").await;
    assert_eq!(eve.get(&back).await.location(), "/login/sso/done");
    assert_eq!(browser.logins, 2);
    eve.get("/tokens/new").await;
    assert_eq!(eve.post("/tokens", &fields).await.status, 200);

    // Signing out ends the session of the provider, too.
    eve.get("/events").await;
    let signed_out = eve.post("/logout", &[]).await;
    let link = signed_out.attribute("main a", "href").unwrap();
    assert_eq!(browser.follow(&link, &app, "eve").await.split('?').next(), Some("/login"));
    let started = eve.get("/login/sso").await;
    let back = browser.follow(started.location(), &app, "eve").await;
    assert_eq!(browser.logins, 3);

    // The provider ends before Gatepost gets the token.
    provider.stop().await;
    assert_eq!(eve.get(&back).await.location(), FAILED);
    let response = eve.get(FAILED).await;
    assert_eq!(
        (response.status, response.text("h1").as_str()),
        (503, "The identity provider cannot be reached")
    );
    app.finish().await;
}

#[tokio::test]
async fn a_new_key_and_a_private_authority_of_a_certified_provider_are_accepted() {
    let (app, mut provider) = Provider::start_with_app_and_tls().await;
    for _ in 0..2 {
        provider.set_group("eve", "soc").await;
        let (mut eve, mut browser) = (app.anonymous(), Browser::new(&provider));
        assert_eq!(sign_in(&mut eve, &mut browser, &app, "eve").await, "/events");
        // The keys that were fetched before do not contain the next one.
        provider.restart().await;
    }
    app.finish().await;
}
