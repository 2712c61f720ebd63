//! Support for the black-box tests and the browser tests.

pub(crate) mod app;
pub(crate) mod authenticator;
pub(crate) mod builders;
pub(crate) mod clock;
pub(crate) mod compress;
pub(crate) mod database;
pub(crate) mod identity_provider;
#[path = "../../examples/fake_logpoint/logpoint/mod.rs"]
pub(crate) mod logpoint;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod scenario;
pub(crate) mod user;

use std::time::Duration;

pub(crate) use app::TestApp;

/// Returns a client that does not follow redirects, so that tests see each response.
pub(crate) fn http() -> reqwest::Client {
    // Without HTTPS, the system's certificates need not be read.
    client([])
}

/// Like [`http`], but also for HTTPS with this certificate (PEM).
pub(crate) fn http_trusting(certificate: &str) -> reqwest::Client {
    client([reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap()])
}

fn client(trusted: impl IntoIterator<Item = reqwest::Certificate>) -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "the test's own requests")]
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tls_certs_only(trusted)
        .timeout(app::WAIT_TIMEOUT)
        .build()
        .unwrap()
}

/// Waits until a condition holds. `what` describes it in the failure message.
pub(crate) async fn wait_until(what: &str, condition: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(15));
    let waiting = async {
        while !condition().await {
            tick.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(app::WAIT_TIMEOUT, waiting).await.is_ok(),
        "waited in vain for {what}"
    );
}

/// Returns the documented event with another type and request id.
pub(crate) fn event(trigger: &str, request: &str) -> serde_json::Value {
    let trigger = gatepost::model::Trigger::from_name(trigger).unwrap();
    let mut event = gatepost::model::event::sample(trigger);
    event["data"]["id"] = request.into();
    event["data"]["friendly_id"] = format!("AR-{request}").into();
    event
}
