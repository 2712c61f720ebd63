//! What holds for every page.

use gatepost::identity::Scope;
use scraper::Selector;

use crate::delivery::reopen;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::{TestApp, event};

/// Something in every table.
async fn fill(app: &TestApp, logpoint: &FakeLogpoint) -> Vec<String> {
    let ids = app.webhooks(&reopen(logpoint, "Reopen", "")).await;
    let token = app.token(Scope::Events).await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let of = async |table: &str| -> String {
        let sql = sqlx::AssertSqlSafe(format!("select id::text from {table}"));
        sqlx::query_scalar(sql).fetch_one(app.database.pool()).await.unwrap()
    };
    let (delivery, invocation) = (of("deliveries").await, of("invocations").await);
    [
        "/webhooks",
        "/webhooks/new",
        "/webhooks/new?preset=logpoint-comment",
        &format!("/webhooks/new?from={}", ids[0]),
        &format!("/webhooks/{}", ids[0]),
        &format!("/webhooks/{}/changes?from=1&to=1", ids[0]),
        &format!("/webhooks/{}/revisions/1/restore", ids[0]),
        &format!("/webhooks/{}/edit", ids[0]),
        &format!("/webhooks/{}/delete", ids[0]),
        &format!("/webhooks/{}/send", ids[0]),
        "/webhooks/schema",
        "/webhooks/events",
        "/troubleshooting",
        "/deliveries",
        &format!("/deliveries/{delivery}"),
        &format!("/invocations/{invocation}"),
    ]
    .map(str::to_owned)
    .to_vec()
}

#[tokio::test]
async fn every_page_needs_a_session_and_has_a_title_one_heading_and_safe_headers() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let paths = fill(&app, &logpoint).await;
    let mut ann = app.admin().await;
    let mut titles = Vec::new();
    for path in &paths {
        let mut nobody = app.anonymous();
        assert!(nobody.get(path).await.location().starts_with("/login"), "{path}");
        let part = nobody.get_part(path).await;
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
        assert_eq!(seen.headers["cache-control"], "no-store");
        assert!(!seen.body.contains("demo-key"), "{path} shows the secret");
    }
    titles.sort();
    titles.dedup();
    assert!(titles.len() >= paths.len() - 2, "{titles:?}");
    app.finish().await;
}

#[tokio::test]
async fn markup_keeps_to_the_policy_and_labels_every_field() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let paths = fill(&app, &logpoint).await;
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
                assert!(ids.insert(id.to_owned()), "{path}: the id {id} stands there twice");
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
async fn text_from_outside_cannot_become_markup() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    app.webhooks(&reopen(&logpoint, "Reopen", "")).await;
    let token = app.token(Scope::Events).await;
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
    let fields = [
        ("name", evil),
        ("url", evil),
        ("body_template", evil),
        ("header_name", evil),
        ("header_value", evil),
        ("filter-integration", evil),
        ("tls_sha256", evil),
        ("trigger", evil),
        ("validator_path", evil),
        ("validator_expected", evil),
        ("timeout_in_sec", evil),
    ];
    let pages = [
        ann.get("/deliveries").await,
        ann.get(&format!("/deliveries/{delivery}")).await,
        ann.get("/webhooks/new").await,
        ann.get(&format!("/webhooks?q={}", evil.replace('#', "%23").replace(' ', "+"))).await,
        ann.post("/webhooks", &fields).await,
        ann.post_part("/webhooks/preview", &fields).await,
    ];
    for seen in pages {
        let scripts = seen.texts("script:not([src])");
        assert!(scripts.is_empty(), "{scripts:?}");
        assert!(seen.texts("img").is_empty(), "{}", seen.body);
    }
    app.finish().await;
}

#[tokio::test]
async fn pages_that_are_not_there_say_so() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let gone = "019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11";
    for path in [
        "/nothing".to_owned(),
        "/webhooks/not-an-id/edit".to_owned(),
        format!("/webhooks/{gone}"),
        format!("/webhooks/{gone}/edit"),
        format!("/webhooks/{gone}/send"),
        format!("/webhooks/{gone}/changes?from=1&to=2"),
        format!("/webhooks/{gone}/revisions/1/restore"),
        format!("/deliveries/{gone}"),
        format!("/invocations/{gone}"),
        "/static/nothing.js".to_owned(),
    ] {
        let seen = ann.get(&path).await;
        assert_eq!((seen.status, seen.text("h1").as_str()), (404, "Page not found"), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn static_files_are_compressed_and_cached_for_good() {
    let app = TestApp::start().await;
    let mut nobody = app.anonymous();
    let page = nobody.get("/login").await;
    let href = page.attribute("link[rel=stylesheet]", "href").unwrap();
    let file = nobody.get(&href).await;
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
    // The address of another version is not answered with this one.
    let (before, _) = href.rsplit_once(".css").unwrap();
    assert_eq!(nobody.get(&format!("{before}0.css")).await.status, 404);
    app.finish().await;
}

#[tokio::test]
async fn pages_are_compressed_and_the_token_in_their_forms_is_never_the_same() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let get = |path: &str| crate::support::http().get(app.url(path));
    let page = ann.send(get("/webhooks/new").header("accept-encoding", "gzip")).await;
    assert_eq!(page.headers["content-encoding"], "gzip");
    let vary: Vec<_> =
        page.headers.get_all("vary").iter().map(|one| one.to_str().unwrap()).collect();
    assert_eq!(vary, ["HX-Request", "accept-encoding"]);
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
async fn all_explanations_of_failures_can_be_reviewed_in_one_place() {
    let app = TestApp::start().await;
    let page = app.admin().await.get("/troubleshooting").await;
    let texts = page.texts(".tips h2, .tip h3, .tip p").join("\n");
    insta::assert_snapshot!("troubleshooting", texts);
    app.finish().await;
}

#[tokio::test]
async fn health_needs_nobody() {
    let app = TestApp::start().await;
    let mut nobody = app.anonymous();
    assert_eq!(nobody.get("/healthz").await.status, 200);
    assert_eq!(nobody.get("/readyz").await.status, 200);
    app.finish().await;
}
