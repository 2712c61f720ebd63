//! The header that keeps browsers on HTTPS.

use gatepost::model::SecurityPolicy;

use crate::support::{TestApp, http};

#[tokio::test]
async fn browsers_use_https_for_subdomains_too() {
    let app = TestApp::start_with(|config| {
        config.policy = SecurityPolicy::STRICT;
        config.public_url = Some("https://gate.example.com".parse().unwrap());
    })
    .await;
    for path in ["/login", "/healthz", "/api/v1/events", "/missing"] {
        let request = http().get(app.url(path)).header("host", "gate.example.com");
        let response = request.send().await.unwrap();
        let policy = &response.headers()["strict-transport-security"];
        assert_eq!(policy, "max-age=31536000; includeSubDomains", "{path}");
    }
    app.finish().await;
}
