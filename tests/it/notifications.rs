//! Notifications of webhooks that fail, are paused, or have recovered.

use std::time::Duration;

use gatepost::config::Config;
use gatepost::identity::{Role, Scope};
use serde_json::{Value, json};

use crate::fake_smtp::FakeSmtp;
use crate::mail::settings;
use crate::support::app::EMAIL;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

/// A webhook of which attempts can fail, and another one for notifications.
struct Notified {
    app: TestApp,
    logpoint: FakeLogpoint,
    channel: FakeLogpoint,
    token: String,
    webhook: String,
}

impl Notified {
    async fn start(configure: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::start_with(configure).await;
        let (logpoint, channel) = (
            FakeLogpoint::start(Options::default()).await,
            FakeLogpoint::start(Options::default()).await,
        );
        let webhook = app.webhooks(&WebhookBuilder::reopen(&logpoint).file()).await.remove(0);
        let body = r#"{"username": "svc-gatepost", "secret_key": "demo-key",
            "requestData": {"version": "0.1", "incident_ids": ["1"]}, "title": "{{data.friendly_id}}", "text": "{{data.justification}}",
            "state": "{{data.notification.webhooks.[0].state}}"}"#;
        let file = WebhookBuilder::reopen(&channel)
            .name("Channel")
            .triggers(&["Manual"])
            .with(
                "body_template",
                body.replace(
                    "[\"1\"]",
                    &format!("[\"{}\"]", crate::support::logpoint::INCIDENTS[0]),
                ),
            )
            .file();
        app.webhooks(&file).await;
        choose(&app, "channel").await;
        let token = app.token(Scope::Events).await;
        Self { app, logpoint, channel, token, webhook }
    }

    /// Opens the circuit breaker with ten failures.
    async fn fail(&self, name: &str) {
        self.logpoint.always(Behaviour::Status(500, "no".to_owned()));
        let events: Vec<Value> =
            (0..10).map(|n| event("Granted", &format!("{name} {n}"))).collect();
        self.app.send(&self.token, &events.into()).await;
        self.app
            .wait_until("the breaker", async || {
                self.count("webhook_breakers where probe_at is not null").await > 0
            })
            .await;
    }

    /// Lets the waiting deliveries succeed.
    async fn recover(&self) {
        self.logpoint.always(Behaviour::Normal);
        self.app.advance(Duration::from_mins(2)).await;
        self.app.wait_until("recovery", async || self.count("webhook_breakers").await == 0).await;
    }

    async fn count(&self, from: &str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {from}")))
            .fetch_one(self.app.database.pool())
            .await
            .unwrap()
    }

    async fn wait_for_notifications(&self, count: i64) {
        self.app
            .wait_until("notifications", async || self.count("notifications").await == count)
            .await;
    }

    /// The titles that the channel received.
    fn titles(&self) -> Vec<String> {
        let bodies = self.channel.requests().into_iter().map(|request| request.json());
        bodies.map(|body| body["title"].as_str().unwrap().to_owned()).collect()
    }
}

/// Sends notifications to a webhook.
async fn choose(app: &TestApp, name: &str) {
    let mut admin = app.admin().await;
    admin.get("/status/notifications").await;
    let chosen = admin.post("/status/notifications", &[("webhook_name", name)]).await;
    assert_eq!(chosen.status, 303);
}

#[tokio::test]
async fn a_failure_and_the_recovery_are_reported_once_to_webhook_mail_and_pages() {
    let smtp = FakeSmtp::start().await;
    let notified = Notified::start(|config| {
        config.smtp = Some(settings(smtp.port));
    })
    .await;
    let Notified { app, channel, .. } = &notified;
    app.add_user(Role::Editor).await;
    notified.fail("first").await;
    notified.wait_for_notifications(1).await;
    channel.wait_for_requests(1).await;
    assert_eq!(notified.titles(), ["“Reopen” is failing"]);
    let sent = channel.requests()[0].json();
    assert_eq!(sent["state"], "failing");
    let text = sent["text"].as_str().unwrap();
    assert!(text.contains("500") && text.contains("Its deliveries wait"), "{text}");
    app.wait_until("the mail", async || !smtp.mails().is_empty()).await;
    let mails = smtp.mails();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, EMAIL));
    assert!(mails[0].content.contains("Its deliveries wait"), "{}", mails[0].content);

    notified.recover().await;
    notified.wait_for_notifications(2).await;
    channel.wait_for_requests(2).await;
    assert_eq!(notified.titles()[1], "“Reopen” has recovered");
    app.wait_until("the second mail", async || smtp.mails().len() == 2).await;
    // The events of notifications are not samples, and say that Gatepost sent them.
    let who: Vec<String> = sqlx::query_scalar("select distinct who from manual_deliveries")
        .fetch_all(app.database.pool())
        .await
        .unwrap();
    assert_eq!(who, ["Gatepost"]);
    assert_eq!(notified.count("events where trigger = 'Audit'").await, 2);
    notified.app.finish().await;
}

#[tokio::test]
async fn pages_show_what_is_wrong_until_it_is_not() {
    let notified = Notified::start(|_config| {}).await;
    let app = &notified.app;
    let mut viewer = app.user(Role::Viewer).await;
    assert!(viewer.get("/events").await.texts(".problem").is_empty());
    notified.fail("first").await;
    let page = viewer.get("/events").await;
    assert!(page.text(".problem").contains("“Reopen” is failing."), "{}", page.text(".problem"));
    assert_eq!(
        page.attribute(".problem a", "href").unwrap(),
        format!("/webhooks/{}", notified.webhook)
    );
    let page = viewer.get(&format!("/webhooks/{}", notified.webhook)).await;
    assert!(page.text(".facts").contains("10 failed attempts since"));
    notified.wait_for_notifications(1).await;
    let list = viewer.get("/status/notifications").await;
    assert!(list.text(".notices").contains("“Reopen” is failing"));
    assert!(list.texts("form input#webhook_name").is_empty(), "a viewer cannot change it");
    notified.recover().await;
    assert!(viewer.get("/events").await.texts(".problem").is_empty());
    notified.app.finish().await;
}

#[tokio::test]
async fn nothing_is_sent_through_the_webhook_that_fails() {
    let notified = Notified::start(|_config| {}).await;
    let app = &notified.app;
    choose(app, "Reopen").await;
    notified.fail("first").await;
    notified.wait_for_notifications(1).await;
    assert_eq!(notified.count("notifications where delivery_id is null").await, 1);
    // The recovery is reported through it again.
    notified.recover().await;
    notified.wait_for_notifications(2).await;
    assert_eq!(notified.count("notifications where delivery_id is not null").await, 1);
    notified.app.finish_with_leftovers().await;
}

#[tokio::test]
async fn a_change_of_a_failing_webhook_is_no_recovery() {
    let notified = Notified::start(|_config| {}).await;
    let app = &notified.app;
    notified.fail("first").await;
    notified.wait_for_notifications(1).await;
    // The change closes the circuit breaker, and it takes long until the next attempt fails.
    notified.logpoint.always(Behaviour::Delay(Duration::from_mins(1)));
    let changed = WebhookBuilder::reopen(&notified.logpoint).with("timeout_in_sec", 30);
    app.change_webhook(&notified.webhook, &changed.file(), EMAIL).await;
    let (since, limit) = (std::time::Instant::now(), Duration::from_secs(7));
    app.wait_until("a check", async || since.elapsed() > limit).await;
    assert_eq!(notified.titles(), ["“Reopen” is failing"]);
    notified.app.finish_with_leftovers().await;
}

#[tokio::test]
async fn a_replay_leaves_notifications_out() {
    let notified = Notified::start(|_config| {}).await;
    let mut ann = notified.app.admin().await;
    ann.get("/status/notifications").await;
    ann.post("/status/notifications/test", &[]).await;
    notified.channel.wait_for_requests(1).await;
    let range = "from=2020-01-01T00%3A00&to=2099-01-01T00%3A00";
    let page = ann.get(&format!("/webhooks/{}/replay?{range}", notified.webhook)).await;
    assert!(page.text("[role=alert]").contains("No events were received in this range"));
    notified.app.finish().await;
}

#[tokio::test]
async fn two_servers_report_a_change_once() {
    let notified = Notified::start(|_config| {}).await;
    let clock = notified.app.clock.clone();
    let second = notified.app.beside(&clock).await;
    notified.fail("first").await;
    notified.wait_for_notifications(1).await;
    let since = std::time::Instant::now();
    app_quiet(&notified, since).await;
    assert_eq!(notified.titles(), ["“Reopen” is failing"]);
    second.leave().await;
    notified.app.finish_with_leftovers().await;
}

/// Waits for two more checks of both servers.
async fn app_quiet(notified: &Notified, since: std::time::Instant) {
    notified.app.wait_until("two checks", async || since.elapsed() > Duration::from_secs(11)).await;
    assert_eq!(notified.count("notifications").await, 1);
}

#[tokio::test]
async fn an_administrator_chooses_the_webhook_and_sends_a_test() {
    let notified = Notified::start(|_config| {}).await;
    let app = &notified.app;
    let mut ann = app.admin().await;
    assert_eq!(
        ann.get("/status/notifications").await.attribute("#webhook_name", "value").unwrap(),
        "Channel"
    );
    ann.post("/status/notifications/test", &[]).await;
    notified.channel.wait_for_requests(1).await;
    assert_eq!(notified.titles(), ["Test of notifications"]);
    let unknown = ann.post("/status/notifications", &[("webhook_name", "Nothing")]).await;
    assert_eq!(unknown.status, 422);
    assert!(unknown.text("#webhook_name-error").contains("No webhook has this name"));
    assert_eq!(unknown.attribute("#webhook_name", "value").unwrap(), "Nothing");
    assert_eq!(ann.post("/status/notifications", &[("webhook_name", "")]).await.status, 303);
    let nowhere = ann.post("/status/notifications/test", &[]).await;
    assert!(nowhere.text("#webhook_name-error").contains("GATEPOST_SMTP_URL"));
    assert_eq!(notified.count("notifications").await, 1, "a test without a recipient is not kept");
    notified.app.finish().await;
}

#[tokio::test]
async fn a_sender_cannot_forge_a_notification() {
    let app = TestApp::start().await;
    let token = app.token(Scope::Events).await;
    let mut forged = event("Granted", "1");
    forged["event_type"] = json!("GatepostNotification");
    let (status, body) = app.send(&token, &forged).await;
    assert_eq!(status, 422);
    assert!(body["detail"].as_str().unwrap().contains("only Gatepost itself"), "{body}");
    app.finish().await;
}

#[tokio::test]
async fn a_mail_that_is_not_accepted_is_retried_and_its_failure_is_shown() {
    // Nothing listens there.
    let notified = Notified::start(|config| config.smtp = Some(settings(1))).await;
    let app = &notified.app;
    let mut ann = app.admin().await;
    ann.post("/status/notifications/test", &[]).await;
    app.wait_until("the first attempt", async || {
        notified.count("notifications where mail_attempts = 1 and mail_error is not null").await
            == 1
    })
    .await;
    let page = ann.get("/status/notifications").await;
    assert!(page.text(".notices .error").contains("Mail is retried"), "{}", page.text(".notices"));
    app.wait_until("the last failure", async || {
        app.advance(Duration::from_mins(1)).await;
        notified.count("notifications where mail_due_at is null and mail_error is not null").await
            == 1
    })
    .await;
    assert_eq!(notified.count("notifications where mail_attempts = 6").await, 1);
    let viewed = app.user(Role::Viewer).await.get("/status/notifications").await;
    assert_eq!(viewed.text(".notices .error"), "Mail failed");
    let page = app.admin().await.get("/status/notifications").await;
    assert!(page.text(".notices .error").contains("Mail failed"), "{}", page.text(".notices"));
    notified.app.finish().await;
}
