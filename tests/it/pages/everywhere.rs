//! Properties of every page.

use gatepost::web::route_rules;
use scraper::Selector;

use crate::support::builders::WebhookBuilder;
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

/// Creates data for every page, and returns the paths of the pages.
pub(super) async fn fill(scenario: &Scenario) -> Vec<String> {
    let Scenario { app, webhook, token, .. } = scenario;
    app.send(token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let of = async |table: &str| -> String {
        let sql = sqlx::AssertSqlSafe(format!("select id::text from {table}"));
        sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap()
    };
    let mut ann = app.admin().await;
    ann.get("/secrets/new").await;
    ann.post("/secrets", &[("name", "a_key"), ("value", "the-value-of-a-key")]).await;
    let secret = of("secrets").await;
    let token = of("tokens").await;
    let (delivery, invocation) = (of("deliveries").await, of("invocations").await);
    let (event, user) = (of("events").await, of("users").await);
    [
        "/webhooks",
        "/webhooks/new",
        "/webhooks/new?preset=logpoint-comment",
        &format!("/webhooks/new?from={webhook}"),
        &format!("/webhooks/{webhook}"),
        &format!("/webhooks/{webhook}/changes?from=1&to=1"),
        &format!("/webhooks/{webhook}/revisions/1/restore"),
        &format!("/webhooks/{webhook}/edit"),
        &format!("/webhooks/{webhook}/delete"),
        &format!("/webhooks/{webhook}/send"),
        "/tokens",
        "/tokens/new",
        &format!("/tokens/{token}/revoke"),
        "/audit",
        "/audit/1",
        "/status",
        "/webhooks/schema",
        "/webhooks/events",
        "/troubleshooting",
        "/events",
        &format!("/events/{event}"),
        "/deliveries",
        &format!("/deliveries/{delivery}"),
        &format!("/invocations/{invocation}"),
        "/secrets",
        "/secrets/new",
        &format!("/secrets/{secret}"),
        &format!("/secrets/{secret}/delete"),
        "/account",
        "/account/two-factor/new",
        "/users",
        "/users/new",
        &format!("/users/{user}"),
        &format!("/users/{user}/delete"),
    ]
    .map(str::to_owned)
    .to_vec()
}

#[tokio::test]
async fn every_page_requires_a_session_and_has_a_title_one_heading_and_security_headers() {
    let scenario = Scenario::start().await;
    let paths = fill(&scenario).await;
    let Scenario { app, .. } = scenario;
    let mut ann = app.admin().await;
    let mut titles = Vec::new();
    for path in &paths {
        let mut visitor = app.anonymous();
        assert!(visitor.get(path).await.location().starts_with("/login"), "{path}");
        let part = visitor.get_part(path).await;
        assert_eq!(part.status, 401, "{path}");
        assert_eq!(part.text("h2"), "Sign in to continue", "{path}");
        let seen = ann.get(path).await;
        assert_eq!(seen.status, 200, "{path}: {}", seen.body);
        assert_eq!(seen.texts("h1").len(), 1, "{path}");
        let title = seen.text("head > title");
        assert!(title.ends_with(" · Gatepost") && title.len() > 12, "{path}: {title}");
        titles.push(title);
        let policy = seen.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        for part in ["frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(seen.headers["referrer-policy"], "same-origin");
        assert_eq!(seen.headers["cross-origin-opener-policy"], "same-origin");
        assert!(seen.attribute("form[action='/logout'] button", "class").is_some(), "{path}");
        assert_eq!(seen.headers["cache-control"], "no-store");
        for value in ["demo-key", "the-value-of-a-key"] {
            assert!(!seen.body.contains(value), "{path} shows the secret");
        }
    }
    titles.sort();
    titles.dedup();
    assert!(titles.len() >= paths.len() - 2, "{titles:?}");
    app.finish().await;
}

/// After an error in a form, its address is in the address bar.
#[tokio::test]
async fn the_address_of_a_form_leads_to_a_page() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let unknown = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
    let rules = route_rules();
    let is_page = |path: &str| rules.iter().any(|rule| rule.method == "GET" && rule.path == path);
    let forms = rules.iter().filter(|rule| rule.method == "POST" && !is_page(rule.path));
    let mut checked = 0;
    for rule in forms {
        let parts = rule.path.split('/');
        let path = parts.map(|part| if part.starts_with('{') { unknown } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        let seen = ann.get(&path).await;
        // Some of these addresses look like the id of a page.
        if seen.status == 404 || seen.status == 400 {
            continue;
        }
        assert_eq!(seen.status, 405, "{path}");
        assert_eq!(seen.headers["allow"], "POST", "{path}");
        assert_eq!(seen.text("h1"), "This address only receives forms", "{path}");
        let href = seen.attribute("a.button", "href").unwrap();
        assert!(path.starts_with(&href) || href == "/webhooks", "{path} leads to {href}");
        let page = ann.get(&href).await.status;
        assert!([200, 303, 404].contains(&page), "{path} leads to {href}: {page}");
        checked += 1;
    }
    assert!(checked > 20, "{checked}");
    app.finish().await;
}

#[tokio::test]
async fn markup_complies_with_the_policy_and_labels_every_field() {
    let scenario = Scenario::start().await;
    let paths = fill(&scenario).await;
    let Scenario { app, .. } = scenario;
    let mut ann = app.admin().await;
    for path in ["/login", "/setup"].map(str::to_owned).iter().chain(&paths) {
        let seen = ann.get(path).await;
        let html = seen.html();
        let all = Selector::parse("*").unwrap();
        let mut ids = std::collections::HashSet::new();
        for element in html.select(&all).map(|element| element.value()) {
            for (name, _) in element.attrs() {
                assert!(!name.starts_with("on") && name != "style", "{path}: {element:?}");
            }
            if let Some(id) = element.id() {
                assert!(ids.insert(id.to_owned()), "{path}: duplicate id {id}");
            }
            let is_field = matches!(element.name(), "input" | "select" | "textarea")
                && element.attr("type") != Some("hidden");
            if is_field
                && element.attr("aria-label").is_none()
                && element.attr("aria-labelledby").is_none()
            {
                let id = element.id().unwrap_or_default();
                let label = Selector::parse(&format!("label[for='{id}']")).unwrap();
                let inside =
                    element.attr("type").is_some_and(|kind| kind == "checkbox" || kind == "radio");
                let in_pick = element.name() == "select";
                assert!(
                    inside || in_pick || (!id.is_empty() && html.select(&label).next().is_some()),
                    "{path}: {element:?} has no label"
                );
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn text_from_events_and_forms_is_escaped() {
    let Scenario { app, logpoint: _logpoint, token, .. } = Scenario::start().await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    let mut hostile = event("Granted", "1");
    hostile["data"]["friendly_id"] = evil.into();
    hostile["data"]["requester"]["email"] = evil.into();
    hostile["data"]["access_groups"][0]["integration"]["name"] = evil.into();
    hostile["data"]["justification"] = evil.into();
    app.send(&token, &hostile).await;
    app.wait_for("delivered", 1).await;
    let mut ann = app.admin().await;
    let delivery: String = sqlx::query_scalar("select id::text from deliveries")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    let event: String = sqlx::query_scalar("select id::text from events")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    let excluded = WebhookBuilder::new("Other", "https://10.0.0.5/x")
        .triggers(&["Granted"])
        .with("filters", serde_json::json!({"integration": ["prod-*"]}));
    // The reason why an event was not sent contains text from it.
    let mut again = hostile.clone();
    again["event_time"] = 7.into();
    app.webhooks(&excluded.file()).await;
    let (_, sent) = app.send(&token, &again).await;
    app.wait_for("delivered", 2).await;
    let skipped = sent["events"][0]["id"].as_str().unwrap();
    let fields = [
        ("name", evil),
        ("url", evil),
        ("body_template", evil),
        ("header_name", evil),
        ("header_value", evil),
        ("filter-integration", evil),
        ("tls_sha256", evil),
        ("trigger", evil),
        ("validator_subject", "json"),
        ("validator_path", evil),
        ("validator_expected", evil),
        ("timeout_in_sec", evil),
    ];
    let pages = [
        ann.get("/events").await,
        ann.get(&format!("/events/{event}")).await,
        ann.get(&format!("/events/{skipped}")).await,
        ann.get("/deliveries").await,
        ann.get(&format!("/deliveries/{delivery}")).await,
        ann.get("/webhooks/new").await,
        ann.get(&format!("/webhooks?q={}", evil.replace('#', "%23").replace(' ', "+"))).await,
        ann.post("/webhooks", &fields).await,
        ann.post_part("/webhooks/preview", &fields).await,
        ann.post(
            "/secrets",
            &[("name", evil), ("hosts", evil), ("scopes", evil), ("description", evil)],
        )
        .await,
    ];
    for seen in pages {
        let scripts = seen.texts("script:not([src])");
        assert!(scripts.is_empty(), "{scripts:?}");
        assert!(seen.texts("img").is_empty(), "{}", seen.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn unknown_pages_return_404() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let unknown = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
    for path in [
        "/nothing".to_owned(),
        "/webhooks/not-an-id/edit".to_owned(),
        format!("/webhooks/{unknown}"),
        format!("/webhooks/{unknown}/edit"),
        format!("/webhooks/{unknown}/send"),
        format!("/webhooks/{unknown}/changes?from=1&to=2"),
        format!("/webhooks/{unknown}/revisions/1/restore"),
        format!("/events/{unknown}"),
        "/events/not-an-id".to_owned(),
        format!("/deliveries/{unknown}"),
        format!("/invocations/{unknown}"),
        format!("/secrets/{unknown}"),
        format!("/secrets/{unknown}/delete"),
        "/static/nothing.js".to_owned(),
    ] {
        let seen = ann.get(&path).await;
        assert_eq!((seen.status, seen.text("h1").as_str()), (404, "Page not found"), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_address_that_cannot_be_parsed_gets_an_error_page() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    for path in [
        "/deliveries?q=a&q=b",
        "/events?q=a&q=b",
        "/webhooks?sort=a&sort=b",
        "/secrets?q=a&q=b",
        "/webhooks/%ff",
        "/static/%ff",
    ] {
        let seen = ann.get(path).await;
        assert_eq!(
            (seen.status, seen.text("h1").as_str()),
            (400, "The address is invalid"),
            "{path}"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn static_files_are_compressed_and_immutable() {
    let app = TestApp::start().await;
    let mut visitor = app.anonymous();
    let page = visitor.get("/login").await;
    let href = page.attribute("link[rel=stylesheet]", "href").unwrap();
    let file = visitor.get(&href).await;
    assert_eq!(file.status, 200);
    assert_eq!(file.headers["cache-control"], "public, max-age=31536000, immutable");
    assert!(!file.headers.contains_key("content-encoding") && file.body.contains("--accent"));
    for (accepted, encoding) in [("gzip, deflate, br", "br"), ("gzip", "gzip")] {
        let request =
            crate::support::http().get(app.url(&href)).header("accept-encoding", accepted);
        let compressed = request.send().await.unwrap();
        assert_eq!(compressed.headers()["content-encoding"], encoding);
        assert_eq!(compressed.headers()["vary"], "Accept-Encoding");
        let bytes = compressed.bytes().await.unwrap();
        assert!(bytes.len() * 3 < file.body.len(), "{} of {}", bytes.len(), file.body.len());
    }
    // The address of another version is not found.
    let (before, _) = href.rsplit_once(".css").unwrap();
    assert_eq!(visitor.get(&format!("{before}0.css")).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn pages_are_compressed_and_mask_the_csrf_token_differently_each_time() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let get = |path: &str| crate::support::http().get(app.url(path));
    let page = ann.send(get("/webhooks/new").header("accept-encoding", "gzip")).await;
    assert_eq!(page.headers["content-encoding"], "gzip");
    let vary: Vec<_> =
        page.headers.get_all("vary").iter().map(|one| one.to_str().unwrap()).collect();
    assert_eq!(vary, ["accept-encoding", "HX-Request"]);
    let (first, second) = (ann.get("/webhooks/new").await, ann.get("/webhooks/new").await);
    let token =
        |page: &crate::support::user::TestResponse| page.attribute("input[name=csrf]", "value");
    assert_ne!(token(&first), token(&second));
    // A form that was opened earlier can still be sent.
    let first = token(&first).unwrap();
    assert_eq!(ann.post("/logout", &[("csrf", &first)]).await.location(), "/login");
    app.finish().await;
}

#[tokio::test]
async fn troubleshooting_tips_explain_every_failure() {
    let app = TestApp::start().await;
    let page = app.admin().await.get("/troubleshooting").await;
    let texts = page.texts(".tips h2, .tip h3, .tip p").join("\n");
    insta::assert_snapshot!("troubleshooting", texts);
    app.finish().await;
}

#[tokio::test]
async fn health_checks_require_no_session() {
    let app = TestApp::start().await;
    let mut visitor = app.anonymous();
    assert_eq!(visitor.get("/healthz").await.status, 200);
    assert_eq!(visitor.get("/readyz").await.status, 200);
    app.finish().await;
}
