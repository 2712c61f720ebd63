//! Fetching a certificate.

use super::with;
use crate::support::TestApp;
use crate::support::logpoint::{Certificate, FakeLogpoint, Options};

#[tokio::test]
async fn the_fetched_certificate_is_described_and_pinned_in_the_form() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let url = logpoint.url("/reopen_incident?x={{data.id}}");
    let part = ann.post_part("/webhooks/certificate", &with(&[("url", &url)])).await;
    assert_eq!(part.attribute(".certificate", "data-sha256").unwrap(), logpoint.fingerprint());
    assert!(part.text(".certificate").contains("Self-signed"), "{}", part.body);
    // Without scripts, the response is the whole form with the fingerprint filled in.
    let whole = ann.post("/webhooks/certificate", &with(&[("url", &url)])).await;
    assert_eq!(whole.attribute("#tls_sha256", "value").unwrap(), logpoint.fingerprint());
    assert_eq!(whole.attribute("input[name=tls_verify][checked]", "value").unwrap(), "pinned");
    assert_eq!(whole.attribute("#url", "value").unwrap(), url);
    assert!(logpoint.requests().is_empty(), "no requests to a server that is not trusted yet");
    app.finish().await;
}

#[tokio::test]
async fn a_failed_fetch_is_explained() {
    let app = TestApp::start().await;
    let plain =
        FakeLogpoint::start(Options { certificate: Certificate::PlainHttp, ..Options::default() })
            .await;
    let mut ann = app.admin().await;
    ann.get("/webhooks/new").await;
    let not_tls = format!("https://{}/x", plain.address());
    for (url, hint) in [
        ("", "Enter an https:// URL"),
        ("http://127.0.0.1/x", "Enter an https:// URL"),
        ("https://127.0.0.1:1/x", "Connection refused"),
        (not_tls.as_str(), "TLS handshake failed"),
    ] {
        let part = ann.post_part("/webhooks/certificate", &with(&[("url", url)])).await;
        assert!(part.text(".error").contains(hint), "{url}: {}", part.body);
    }
    app.finish().await;
}
