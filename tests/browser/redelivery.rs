//! The pages about redelivery.

use gatepost::identity::Scope;
use serde_json::json;

use crate::appearance::{check_all, scene};
use crate::driver::Browser;
use crate::sample_data::{SampleData, fill};
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::{TestApp, event};

#[tokio::test]
async fn pages_about_redelivery() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let SampleData { failed, .. } = fill(&app, &logpoint).await;
    let mut ann = app.admin().await;
    let delivery = format!("/deliveries/{failed}");
    ann.get(&delivery).await;
    ann.post(&format!("{delivery}/redeliver"), &[]).await;
    let all = "/deliveries/bulk/redeliver?state=delivered";
    ann.get(all).await;
    let batch = ann.post(all, &[]).await.location().to_owned();
    old_deliveries(&app).await;
    let scenes = [
        scene("delivery-redelivered", delivery),
        scene("deliveries-filtered", "/deliveries?state=delivered"),
        scene("redeliver-all", "/deliveries/bulk/redeliver?state=delivered"),
        scene("redeliver-nothing", "/deliveries/bulk/redeliver?state=held"),
        scene("redelivery-batch", batch),
        scene("deliveries-search", "/deliveries?q=maintenance&in=response&status=5xx"),
        scene("deliveries-errors", "/deliveries?status=five&webhook_name=Nothing"),
        scene("bulk-retry", "/deliveries/bulk/retry?status=5xx"),
        scene("bulk-cancel", "/deliveries/bulk/cancel?from=2020-01-01T00:00"),
        scene("deliveries-continued", "/deliveries?q=AR-oldest"),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}

/// Adds deliveries of a deleted webhook, more than a search reads for one page. The oldest is of another request.
async fn old_deliveries(app: &TestApp) {
    let rows = "with n as (
             select n, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id from generate_series(1, 6000) n
         ),
         e as (
             insert into events
                 (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
             select id, now(), 'Granted', 'RequestGranted', n::text, case n when 1 then 'AR-oldest' else 'AR' end, '', '', '{}'
             from n
         )
         insert into delivery_history (id, event_id, webhook_id, state, attempts, created_at, finished_at)
         select id, id, gen_random_uuid(), 'delivered', 1, now(), now() from n";
    sqlx::query(rows).execute(app.database.pool()).await.unwrap();
}

/// Sets a field of the form and reports the change, as choosing a value does.
async fn choose(browser: &Browser, name: &str, value: &str) {
    let script = format!(
        "(() => {{ const field = document.querySelector('[name={name}]'); field.value = '{value}';
            field.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"
    );
    browser.eval(&script).await;
}

#[tokio::test]
async fn send_the_failures_of_last_night_again() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let webhook = WebhookBuilder::reopen(&logpoint).with("retry_schedule", json!(["1s"]));
    app.webhooks(&webhook.file()).await;
    let token = app.token(Scope::Events).await;
    logpoint.behave((0..6).map(|_| Behaviour::Status(503, "maintenance".to_owned())));
    for number in 0..3 {
        app.send(&token, &event("Granted", &number.to_string())).await;
    }
    app.wait_for("failed", 3).await;
    app.send(&token, &event("Granted", "7")).await;
    app.wait_for("delivered", 1).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/deliveries").await;
    choose(&ann, "state", "failed").await;
    ann.wait_for_path_prefix("/deliveries?").await;
    ann.wait_until("document.querySelectorAll('.deliveries tbody tr').length === 3").await;
    ann.fill("[name=status]", "5xx").await;
    choose(&ann, "from", "2020-01-01T00:00").await;
    ann.wait_until(
        "location.search.includes('status=5xx') && location.search.includes('from=2020')",
    )
    .await;
    ann.click_text(".above-table a", "Redeliver all that match…").await;
    ann.wait_for_text("h1", "Redeliver 3 deliveries?").await;
    ann.click_text("form.card button", "Redeliver").await;
    ann.wait_for_path_prefix("/deliveries/batches/").await;
    ann.wait_for_text("#batch", "Finished.").await;
    ann.reload().await;
    ann.wait_for_text("#batch", "Finished.").await;
    app.wait_for("delivered", 4).await;
    // The address keeps the id of a webhook that is chosen by its name.
    ann.open("/deliveries").await;
    ann.fill("[name=webhook_name]", "reo").await;
    ann.wait_until("document.querySelectorAll('#webhook-names option').length === 1").await;
    choose(&ann, "webhook_name", "Reopen").await;
    ann.wait_until("location.search.startsWith('?webhook=')").await;
    ann.assert_no_console_errors("deliveries").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn a_search_continues_by_itself_until_the_page_is_full() {
    let app = TestApp::start().await;
    old_deliveries(&app).await;
    let ann = Browser::signed_in(&app).await;
    ann.open("/deliveries?q=AR-oldest").await;
    ann.wait_for_text(".search-end", "Searching older deliveries…").await;
    ann.wait_for_text("td.name + td", "AR-oldest").await;
    ann.wait_for_text(".search-end", "No more matching deliveries.").await;
    ann.assert_no_console_errors("the search").await;
    ann.finish().await;
    app.finish_with_leftovers().await;
}
