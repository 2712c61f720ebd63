//! CSRF protection, cookies and egress rules.

use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{FakeLogpoint, Options};

#[tokio::test]
async fn rejects_a_form_without_its_token_or_from_another_site() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let ids = app.webhooks(&WebhookBuilder::reopen(&logpoint).file()).await;
    let mut ann = app.admin().await;
    let id = &ids[0];
    for path in [
        "/webhooks".to_owned(),
        format!("/webhooks/{id}"),
        format!("/webhooks/{id}/active"),
        format!("/webhooks/{id}/delete"),
        format!("/webhooks/{id}/test"),
        "/webhooks/preview".to_owned(),
        "/webhooks/test".to_owned(),
        "/webhooks/certificate".to_owned(),
        "/logout".to_owned(),
        "/login".to_owned(),
        "/setup".to_owned(),
    ] {
        let bare = ann.form(&path, &[("csrf", ""), ("active", "false")]);
        assert_eq!(ann.send(bare).await.status, 403, "{path} without a token");
        let wrong = ann.form(&path, &[("csrf", "0123"), ("active", "false")]);
        assert_eq!(ann.send(wrong).await.status, 403, "{path} with a wrong token");
        ann.get("/webhooks").await;
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]
        {
            let foreign = ann.form(&path, &[("active", "false")]).header(name, value);
            assert_eq!(ann.send(foreign).await.status, 403, "{path} with {name}: {value}");
        }
    }
    let seen = ann.get("/webhooks").await;
    assert_eq!(seen.texts("tbody td.status"), ["Active"]);
    app.finish().await;
}

#[tokio::test]
async fn rejects_the_token_of_another_session() {
    let app = TestApp::start().await;
    let (mut ann, mut eve) = (app.admin().await, app.anonymous());
    let token = eve.get("/login").await.attribute("input[name=csrf]", "value").unwrap();
    let forged = ann.form("/logout", &[("csrf", &token)]);
    assert_eq!(ann.send(forged).await.status, 403);
    assert_eq!(ann.get("/webhooks").await.status, 200);
    app.finish().await;
}

/// Starts an app whose public address is another one than the tests use.
async fn start_public() -> TestApp {
    TestApp::start_with(|config| {
        config.public_url = Some("https://gate.example.com".parse().unwrap());
    })
    .await
}

async fn get(app: &TestApp, path: &str, host: &str) -> reqwest::Response {
    crate::support::http().get(app.url(path)).header("host", host).send().await.unwrap()
}

#[tokio::test]
async fn hides_the_cookie_from_scripts_and_plain_http() {
    let app = start_public().await;
    let answer = get(&app, "/login", "gate.example.com").await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    for word in ["__Host-gatepost_", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(word), "{word}: {cookie}");
    }
    app.finish().await;
}

#[tokio::test]
async fn serves_only_the_public_host_and_health_checks() {
    let app = start_public().await;
    for host in ["gate.example.com", "GATE.example.com:443"] {
        assert_eq!(get(&app, "/login", host).await.status(), 200);
        assert_eq!(get(&app, "/api/v1/events", host).await.status(), 405);
    }
    let address = app.address.to_string();
    for host in ["evil.example", "gate.example.com:8443", &address] {
        let page = get(&app, "/login", host).await;
        assert_eq!(page.status(), 421, "{host}");
        assert!(page.headers().get("set-cookie").is_none());
        let text = page.text().await.unwrap();
        assert!(text.contains("https://gate.example.com") && text.contains(host), "{text}");
        assert!(text.contains("GATEPOST_PUBLIC_URL"), "{text}");
        let problem = get(&app, "/api/v1/events", host).await;
        assert_eq!(problem.headers()["content-type"], "application/problem+json");
        let problem: serde_json::Value = problem.json().await.unwrap();
        assert_eq!(problem["type"], "/problems/misdirected");
        for path in ["/healthz", "/readyz"] {
            assert_eq!(get(&app, path, host).await.status(), 200);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn every_response_has_the_headers_that_keep_it_private() {
    let (plain, public) = (TestApp::start().await, start_public().await);
    for (app, host, is_secure) in [
        (&plain, plain.address.to_string(), false),
        (&public, "gate.example.com".to_owned(), true),
        (&public, "evil.example".to_owned(), true),
    ] {
        for path in
            ["/login", "/webhooks", "/missing", "/healthz", "/readyz", "/api/v1/events", "/api/x"]
        {
            let response = get(app, path, &host).await;
            let headers = response.headers();
            assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
            assert_eq!(headers["cache-control"], "no-store", "{path}");
            let transport = headers.get("strict-transport-security");
            let expected = is_secure.then_some("max-age=31536000");
            assert_eq!(transport.map(|value| value.to_str().unwrap()), expected, "{path}");
            let policy = headers["content-security-policy"].to_str().unwrap();
            for part in ["frame-ancestors 'none'", "base-uri 'none'"] {
                assert!(policy.contains(part), "{path}: {policy}");
            }
            assert_eq!(headers["referrer-policy"], "same-origin", "{path}");
        }
    }
    plain.finish().await;
    public.finish().await;
}

#[tokio::test]
async fn every_kind_of_response_names_its_type_and_charset() {
    let app = TestApp::start().await;
    let mut ann = app.admin().await;
    let page = ann.get("/webhooks").await;
    let asset = |extension: &str| {
        let mut addresses = page.body.split(['"', '#']).filter(|text| text.starts_with("/static/"));
        addresses.find(|address| address.ends_with(extension)).unwrap().to_owned()
    };
    for (path, expected) in [
        ("/webhooks", "text/html; charset=utf-8"),
        ("/missing", "text/html; charset=utf-8"),
        (&asset(".css"), "text/css; charset=utf-8"),
        (&asset(".js"), "text/javascript; charset=utf-8"),
        (&asset(".svg"), "image/svg+xml; charset=utf-8"),
        // JSON is always UTF-8 (RFC 8259, section 8.1).
        ("/api/v1/events", "application/problem+json"),
        ("/healthz", "text/plain; charset=utf-8"),
        ("/readyz", "text/plain; charset=utf-8"),
    ] {
        let response = ann.get(path).await;
        assert_eq!(response.headers["content-type"], expected, "{path}");
    }
    let part = ann.get_part("/webhooks").await;
    assert_eq!(part.headers["content-type"], "text/html; charset=utf-8");
    app.finish().await;
}

#[tokio::test]
async fn no_route_reflects_a_request_with_trace() {
    let app = TestApp::start().await;
    for path in
        ["/login", "/webhooks", "/static/css/base.css", "/healthz", "/api/v1/events", "/metrics"]
    {
        let request = crate::support::http().request(reqwest::Method::TRACE, app.url(path));
        let response = request.header("x-secret", "reflected").send().await.unwrap();
        assert!([404, 405].contains(&response.status().as_u16()), "{path}: {}", response.status());
        assert!(!response.text().await.unwrap().contains("reflected"), "{path}");
    }
    app.finish().await;
}

/// Returns this machine's address in its network, if it has one.
fn own_address() -> Option<String> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Selects a route without sending anything.
    socket.connect("192.0.2.1:9").ok()?;
    Some(socket.local_addr().ok()?.ip().to_string())
}

#[tokio::test]
async fn blocks_loopback_in_every_notation_unless_allowed() {
    let app = TestApp::start_with(|config| config.egress_allow.clear()).await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let port = logpoint.address().port();
    let mut hosts: Vec<String> = [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "[fd00:ec2::254]",
        "100.100.100.200",
    ]
    .map(str::to_owned)
    .into();
    hosts.extend(own_address());
    for host in hosts {
        let url = format!("https://{host}:{port}/reopen_incident");
        let fields = [
            ("name", "x"),
            ("method", "POST"),
            ("url", url.as_str()),
            ("trigger", "Granted"),
            ("tls_verify", "none"),
        ];
        let seen = ann.post_part("/webhooks/test", &fields).await;
        assert!(
            seen.body.contains("Test failed") && seen.body.contains("egress rules"),
            "{host}: {}",
            seen.body
        );
        let fetched = ann.post_part("/webhooks/certificate", &fields).await;
        assert!(fetched.body.contains("egress rules"), "{host}: {}", fetched.body);
    }
    assert!(logpoint.requests().is_empty());
    app.finish().await;
}
