//! The number of series is bounded, however many webhooks there are.

use std::collections::BTreeSet;

use gatepost::identity::Scope;
use gatepost::metrics::{MAX_LABELLED_WEBHOOKS, OTHER};
use serde_json::json;

use super::Scrape;
use crate::support::builders::WebhookBuilder;
use crate::support::{TestApp, event};

const WEBHOOKS: usize = 300;

#[tokio::test]
async fn of_many_webhooks_200_have_their_own_label() {
    let app = TestApp::start().await;
    let one = WebhookBuilder::new("Webhook 0", "https://127.0.0.1:1/")
        .with("retry_schedule", json!(["1s"]));
    app.webhooks(&one.file()).await;
    // Copies, because saving each one takes longer.
    sqlx::query(
        "insert into webhooks (id, name, active, definition, secret_names, created_at, updated_at, folded_name, method, url, triggers, unverified)
         select gen_random_uuid(), 'Webhook ' || n, active, replace(definition, 'Webhook 0', 'Webhook ' || n), secret_names,
                created_at, updated_at, 'webhook ' || n, method, url, triggers, unverified
         from webhooks, generate_series(1, $1) n",
    )
    .bind(i32::try_from(WEBHOOKS).unwrap() - 1)
    .execute(app.database.pool())
    .await
    .unwrap();
    let app = app.restart().await;
    let (token, read) = (app.token(Scope::Events).await, app.token(Scope::Read).await);
    let before = Scrape::of(&app, &read).await;
    assert_eq!(before.get("gatepost_webhooks", &[("state", "active")]), 300.0);
    assert_eq!(before.values_of("gatepost_webhook_info", "webhook"), [""; 0]);

    for request in ["1", "2"] {
        app.send(&token, &event("Granted", request)).await;
    }
    app.wait_for("failed", 600).await;
    let scrape = Scrape::of(&app, &read).await;
    let labels = |scrape: &Scrape, name: &str| -> BTreeSet<String> {
        scrape.values_of(name, "webhook").into_iter().collect()
    };
    let own = labels(&scrape, "gatepost_webhook_info");
    assert_eq!(own.len(), MAX_LABELLED_WEBHOOKS);
    let with_other: BTreeSet<String> = own.iter().cloned().chain([OTHER.to_owned()]).collect();
    for name in
        ["gatepost_deliveries_total", "gatepost_retries_total", "gatepost_circuit_breaker_open"]
    {
        assert_eq!(labels(&scrape, name), with_other, "{name}");
    }
    let other = [("webhook", OTHER), ("result", "failed")];
    assert_eq!(scrape.get("gatepost_deliveries_total", &other), 200.0);
    assert_eq!(scrape.sum("gatepost_deliveries_total"), 600.0);
    // They keep it.
    app.send(&token, &event("Granted", "3")).await;
    app.wait_for("failed", 900).await;
    let later = Scrape::of(&app, &read).await;
    assert_eq!(labels(&later, "gatepost_webhook_info"), own);
    assert_eq!(later.get("gatepost_deliveries_total", &other), 300.0);
    assert_eq!(later.sum("gatepost_deliveries_total"), 900.0);
    app.finish().await;
}

#[tokio::test]
async fn a_renamed_webhook_keeps_its_label_and_a_deleted_one_has_no_name() {
    let app = TestApp::start().await;
    let read = app.token(Scope::Read).await;
    let webhook = |name: &str| WebhookBuilder::new(name, "https://127.0.0.1:1/").file();
    let ids = app.webhooks(&webhook("Before")).await;
    let name = |scrape: &Scrape| scrape.values_of("gatepost_webhook_info", "name");
    let scrape = Scrape::of(&app, &read).await;
    assert_eq!(name(&scrape), ["Before"]);
    assert_eq!(
        scrape.get("gatepost_webhook_info", &[("webhook", &ids[0]), ("name", "Before")]),
        1.0
    );
    app.change_webhook(&ids[0], &webhook("Ärger (#1)"), "ann.ngo@example.com").await;
    let scrape = Scrape::of(&app, &read).await;
    assert_eq!(name(&scrape), ["Ärger (#1)"]);
    assert_eq!(scrape.values_of("gatepost_webhook_info", "webhook"), ids);
    let mut ann = app.admin().await;
    ann.get(&format!("/webhooks/{}/delete", ids[0])).await;
    let deleted = ann.post(&format!("/webhooks/{}/delete", ids[0]), &[]).await;
    assert_eq!(deleted.status, 303, "{}", deleted.body);
    let scrape = Scrape::of(&app, &read).await;
    assert_eq!(name(&scrape), [""; 0]);
    let series = [("webhook", ids[0].as_str()), ("result", "delivered")];
    assert_eq!(scrape.get("gatepost_deliveries_total", &series), 0.0, "counters stay");
    assert_eq!(scrape.get("gatepost_webhooks", &[("state", "active")]), 0.0);
    app.finish().await;
}
