//! Bodies that are cut short, malformed or too large.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use gatepost::identity::Scope;

use crate::support::{self, TestApp, event};

/// Sends a request and the end of the stream. Returns the response; empty if there is none.
async fn exchange(app: &TestApp, request: &str) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut response = Vec::new();
    let _reset = stream.read_to_end(&mut response).await;
    String::from_utf8(response).unwrap()
}

#[tokio::test]
async fn a_malformed_or_incomplete_body_is_not_too_large() {
    let app = TestApp::start().await;
    let (events, manage) = (app.token(Scope::Events).await, app.token(Scope::Manage).await);
    let id = "00000000-0000-7000-8000-000000000000";
    for (path, token) in
        [("/api/v1/events".to_owned(), &events), (format!("/api/v1/webhooks/{id}/invoke"), &manage)]
    {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n"
        );
        for (framing, body) in [
            ("Transfer-Encoding: chunked", "zz\r\n{}\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked", "2\r\n{}xx\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked", "5\r\n{}"),
            ("Content-Length: 1000", "{}"),
            ("Content-Length: 100000000", "{}"),
        ] {
            let response = exchange(&app, &format!("{head}{framing}\r\n\r\n{body}")).await;
            let is_cut = !body.ends_with("0\r\n\r\n");
            if !response.is_empty() || !is_cut {
                assert!(
                    response.starts_with("HTTP/1.1 400 "),
                    "{path} {framing} {body:?}: {response}"
                );
                assert!(response.contains("/problems/incomplete-body"), "{response}");
            }
        }
    }
    // Nothing was stored, and the server still works.
    assert_eq!(app.send(&events, &event("Granted", "1")).await.0, 202);
    app.finish().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_reported_as_such() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Manage).await;
    let id = "00000000-0000-7000-8000-000000000000";
    let request = support::http()
        .post(app.url(&format!("/api/v1/webhooks/{id}/invoke")))
        .bearer_auth(token)
        .body(" ".repeat(65 * 1024));
    assert_eq!(request.send().await.unwrap().status(), 413);
    app.finish().await;
}

#[tokio::test]
async fn an_early_rejection_reaches_a_client_that_is_still_sending() {
    let app = TestApp::start().await;
    let http = support::http();
    let body = "x".repeat(4 * 1024 * 1024);
    for round in 0..20 {
        let request = http.post(app.url("/api/v1/events")).bearer_auth("gp_wrong");
        let sent =
            request.header("content-type", "application/json").body(body.clone()).send().await;
        let response = sent.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        assert_eq!(response.status(), 401, "round {round}");
        assert!(response.text().await.unwrap().contains("token"), "round {round}");
    }
    app.finish().await;
}
