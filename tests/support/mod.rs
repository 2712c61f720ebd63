//! What the black-box tests and the browser tests stand on.

pub(crate) mod app;
pub(crate) mod clock;
pub(crate) mod database;
#[path = "../../examples/fake_logpoint/logpoint/mod.rs"]
pub(crate) mod logpoint;
pub(crate) mod people;
pub(crate) mod process;
pub(crate) mod proxy;

use std::time::Duration;

pub(crate) use app::TestApp;

/// A client that follows no redirect: a test looks at each answer.
pub(crate) fn http() -> reqwest::Client {
    #[expect(clippy::disallowed_methods, reason = "the test's own requests")]
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        // Nothing here is asked by HTTPS: the system's certificates are not read each time.
        .tls_certs_only([])
        .timeout(app::PATIENCE)
        .build()
        .unwrap()
}

/// Waits until something is so.
pub(crate) async fn wait_until(what: &str, is_so: impl AsyncFn() -> bool) {
    let mut tick = tokio::time::interval(Duration::from_millis(15));
    let waiting = async {
        while !is_so().await {
            tick.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(app::PATIENCE, waiting).await.is_ok(),
        "waited in vain for {what}"
    );
}

/// The documented event with its type and request id changed.
pub(crate) fn event(trigger: &str, request: &str) -> serde_json::Value {
    let trigger = gatepost::model::Trigger::from_name(trigger).unwrap();
    let mut event = gatepost::model::event::sample(trigger);
    event["data"]["id"] = request.into();
    event["data"]["friendly_id"] = format!("AR-{request}").into();
    event
}
