//! What most tests of deliveries start from.

use gatepost::config::Config;
use gatepost::identity::Scope;

use super::app::TestApp;
use super::builders::WebhookBuilder;
use super::logpoint::{FakeLogpoint, Options};

/// A running application with one webhook that leads to a simulated Logpoint, and a token to send events with.
pub(crate) struct Scenario {
    pub(crate) app: TestApp,
    pub(crate) logpoint: FakeLogpoint,
    /// Id of the webhook.
    pub(crate) webhook: String,
    /// Token with the scope `events`.
    pub(crate) token: String,
}

impl Scenario {
    /// Starts it with [`WebhookBuilder::reopen`].
    pub(crate) async fn start() -> Self {
        Self::start_with(|_config| {}, |webhook| webhook).await
    }

    /// Starts it with a changed webhook.
    pub(crate) async fn with_webhook(
        change: impl FnOnce(WebhookBuilder) -> WebhookBuilder,
    ) -> Self {
        Self::start_with(|_config| {}, change).await
    }

    /// Starts it with changed settings and a changed webhook.
    pub(crate) async fn start_with(
        configure: impl FnOnce(&mut Config),
        change: impl FnOnce(WebhookBuilder) -> WebhookBuilder,
    ) -> Self {
        let app = TestApp::start_with(configure).await;
        let logpoint = FakeLogpoint::start(Options::default()).await;
        let webhook = change(WebhookBuilder::reopen(&logpoint));
        let webhook = app.webhooks(&webhook.file()).await.remove(0);
        let token = app.token(Scope::Events).await;
        Self { app, logpoint, webhook, token }
    }
}
