//! Limits on attempts to sign in and to set up, by the address of the client.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::TestApp;
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::user::TestUser;

/// Starts an app behind a reverse proxy, which is the test.
async fn start() -> TestApp {
    TestApp::start_with(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()])
        .await
}

/// Posts a form through the proxy, for a client with this address. Returns the status.
async fn post_from(user: &mut TestUser, from: &str, path: &str, fields: &[(&str, &str)]) -> u16 {
    let request = user.form(path, fields).header("x-forwarded-for", from);
    user.send(request).await.status
}

async fn sign_in_from(user: &mut TestUser, from: &str, email: &str, password: &str) -> u16 {
    post_from(user, from, "/login", &[("email", email), ("password", password)]).await
}

#[tokio::test]
async fn wrong_passwords_from_elsewhere_lock_no_account() {
    let app = start().await;
    let mut eve = app.anonymous();
    eve.get("/login").await;
    for last in 1..=12 {
        let from = format!("192.0.2.{last}");
        assert_eq!(sign_in_from(&mut eve, &from, EMAIL, "not the password").await, 422);
    }
    for _ in 0..4 {
        sign_in_from(&mut eve, "192.0.2.1", EMAIL, "not the password").await;
    }
    assert_eq!(sign_in_from(&mut eve, "192.0.2.1", EMAIL, PASSWORD).await, 429);
    let mut ann = app.anonymous();
    ann.get("/login").await;
    assert_eq!(sign_in_from(&mut ann, "198.51.100.1", EMAIL, PASSWORD).await, 303);
    app.finish().await;
}

#[tokio::test]
async fn a_known_device_signs_in_while_its_own_network_is_delayed() {
    let app = start().await;
    let mut ann = app.admin().await;
    ann.post("/logout", &[]).await;
    let mut eve = app.anonymous();
    eve.get("/login").await;
    // An IPv6 client can use any address of its /64.
    for last in 1..=5 {
        let from = format!("2001:db8::{last}");
        assert_eq!(sign_in_from(&mut eve, &from, EMAIL, "not the password").await, 422);
    }
    ann.get("/login").await;
    let mut forgetful = ann.clone();
    forgetful.forget_cookie("gatepost_device");
    assert_eq!(sign_in_from(&mut forgetful, "2001:db8::9", EMAIL, PASSWORD).await, 429);
    assert_eq!(sign_in_from(&mut ann, "2001:db8::9", EMAIL, PASSWORD).await, 303);
    // The cookie grants nothing else.
    ann.forget_cookie("gatepost_session");
    assert_eq!(ann.get("/webhooks").await.status, 303);
    assert_eq!(sign_in_from(&mut ann, "2001:db8::9", EMAIL, "not the password").await, 422);
    assert_eq!(sign_in_from(&mut ann, "2001:db8::9", "bo@example.com", PASSWORD).await, 422);
    app.finish().await;
}

#[tokio::test]
async fn attempts_to_sign_in_do_not_delay_the_setup() {
    let app = TestApp::start_with(|config| {
        config.admin = None;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let code = app.setup_code.clone().unwrap();
    let mut eve = app.anonymous();
    eve.get("/setup").await;
    for email in ["setup", "setup@example.com", "SETUP"] {
        for _ in 0..6 {
            sign_in_from(&mut eve, "192.0.2.1", email, "x").await;
        }
    }
    let fields = |code| {
        [("code", code), ("email", EMAIL), ("password", PASSWORD), ("password_again", PASSWORD)]
    };
    for _ in 0..5 {
        assert_eq!(post_from(&mut eve, "192.0.2.2", "/setup", &fields("AAAA-AAAA")).await, 422);
    }
    assert_eq!(post_from(&mut eve, "192.0.2.2", "/setup", &fields(&code)).await, 429);
    assert_eq!(post_from(&mut eve, "192.0.2.1", "/setup", &fields(&code)).await, 303);
    app.finish().await;
}

#[tokio::test]
async fn a_client_cannot_choose_its_address() {
    let app = TestApp::start().await;
    let mut eve = app.anonymous();
    eve.get("/login").await;
    let mut last = 0;
    for n in 0..6 {
        last = sign_in_from(&mut eve, &format!("192.0.2.{n}"), EMAIL, "not the password").await;
    }
    assert_eq!(last, 429);
    app.finish().await;
}

#[tokio::test]
async fn a_trusted_proxy_reports_that_the_browser_uses_https() {
    for (is_trusted, expected) in [(true, "__Host-gatepost_visitor="), (false, "gatepost_visitor=")]
    {
        let app = if is_trusted { start().await } else { TestApp::start().await };
        let request =
            crate::support::http().get(app.url("/login")).header("x-forwarded-proto", "https");
        let seen = request.send().await.unwrap();
        let cookie = seen.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.starts_with(expected), "{cookie}");
        assert_eq!(cookie.contains("Secure"), is_trusted, "{cookie}");
        app.finish().await;
    }
}

#[tokio::test]
async fn unfinished_forms_do_not_fill_the_memory() {
    let app = TestApp::start().await;
    let size = 1_500_000;
    let head = format!("POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", size + 1);
    let part = format!("{head}{}", "x".repeat(size));
    let mut eve = app.anonymous();
    let mut unfinished = Vec::new();
    let mut last = 0;
    while unfinished.len() < 60 && last != 503 {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        // The last ones are refused while they send.
        let _refused = stream.write_all(part.as_bytes()).await;
        unfinished.push(stream);
        last = eve.post("/login", &[("unsaved", &"x".repeat(1_000_000))]).await.status;
    }
    assert_eq!(last, 503);
    drop(unfinished);
    app.wait_until("the memory to be released", async || {
        app.anonymous().post("/login", &[]).await.status == 403
    })
    .await;
    app.finish().await;
}
