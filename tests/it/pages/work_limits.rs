//! Limits on what a user asks for that takes work or connects to other servers.

use std::time::Duration;

use gatepost::identity::Role;

use super::webhooks::with;
use crate::support::TestApp;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::user::{TestResponse, TestUser};

/// Sends a form until it is refused. Returns how often it was not.
async fn until_refused(user: &mut TestUser, path: &str, fields: &[(&str, &str)]) -> usize {
    for count in 0..1000 {
        if user.post_part(path, fields).await.status == 429 {
            return count;
        }
    }
    1000
}

fn assert_refused(seen: &TestResponse, selector: &str, limit: &str) {
    assert_eq!(seen.status, 429);
    assert_eq!(seen.headers["retry-after"], "1");
    let message =
        format!("You have reached the limit of {limit} per minute. Try again in 1 second.");
    let shown = seen.text(selector);
    assert!(shown.contains(&message), "{shown}");
}

#[tokio::test]
async fn tests_of_a_user_are_limited_and_the_page_says_how_long_to_wait() {
    let app = TestApp::start().await;
    app.clock.stop();
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let (mut ann, mut ben) = (app.admin().await, app.user(Role::Editor).await);
    ann.get("/webhooks/new").await;
    let url = logpoint.url("/reopen_incident");
    let form = with(&[("url", &url), ("tls_verify", "none")]);
    assert_eq!(ann.post("/webhooks", &form).await.status, 303);
    let saved = ann.first_webhook().await + "/test";
    // Invalid forms count, too: they are checked and rendered.
    let invalid = with(&[("url", "nonsense")]);
    assert_eq!(until_refused(&mut ann, "/webhooks/test", &invalid).await, 60);
    let limit = "60 tests";
    assert_refused(&ann.post_part("/webhooks/test", &form).await, ".result-detail", limit);
    let whole = ann.post("/webhooks/test", &form).await;
    assert_refused(&whole, "#test-result", limit);
    assert_eq!(whole.attribute("#url", "value").unwrap(), url, "the form is kept");
    assert_refused(&ann.post(&saved, &[]).await, "[data-error]", limit);
    assert!(logpoint.requests().is_empty());

    ben.get("/webhooks/new").await;
    assert_eq!(ben.post_part("/webhooks/test", &form).await.status, 200);
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(ann.post_part("/webhooks/test", &form).await.status, 200);
    assert_eq!(ann.post_part("/webhooks/test", &form).await.status, 429);
    app.finish().await;
}

#[tokio::test]
async fn other_work_of_a_user_is_limited_separately() {
    let app = TestApp::start().await;
    app.clock.stop();
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    for (path, count, limit, selector) in [
        ("/webhooks/credentials", 60, "60 checks of credentials", ".verdict"),
        ("/webhooks/certificate", 60, "60 requests for certificates", ".error"),
        ("/webhooks/preview", 600, "600 previews", ".problems"),
    ] {
        assert_eq!(until_refused(&mut ann, path, &[("url", "")]).await, count, "{path}");
        assert_refused(&ann.post_part(path, &[("url", "")]).await, selector, limit);
    }
    app.finish().await;
}
