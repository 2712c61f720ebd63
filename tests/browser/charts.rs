//! The charts on the page of a webhook.

use crate::appearance::{check_all, scene};
use crate::driver::Browser;
use crate::support::TestApp;
use crate::support::builders::WebhookBuilder;

/// Adds a webhook without deliveries. Returns its id.
async fn webhook(app: &TestApp, name: &str) -> String {
    let file = WebhookBuilder::new(name, "https://logpoint.example.com/reopen_incident").file();
    app.webhooks(&file).await.remove(0)
}

/// Fills the roll-ups of the hours, counted back from the current one, that match an SQL condition on `h`. The counts and the
/// bucket of most latencies are SQL expressions on `h`.
async fn fill(app: &TestApp, id: &str, hours: &str, counts: [&str; 3], bucket: &str) {
    let [delivered, failed, retried] = counts;
    let hour = "date_trunc('hour', now(), 'UTC') - h * interval '1 hour'";
    let numbers = format!("from generate_series(0, 719) h where {hours}");
    let statements = [
        format!(
            "insert into webhook_hours (webhook_id, hour, delivered, failed, retried, last_delivered_at)
             select '{id}', {hour}, {delivered}, {failed}, {retried}, now() {numbers}"
        ),
        format!(
            "insert into latency_hours (webhook_id, hour, counts)
             select '{id}', {hour}, (select array_agg(case when b = {bucket} then {delivered} * 9 / 10 when b between {bucket} and {bucket} + 3
                                         then {delivered} / 20 else 0 end order by b) from generate_series(0, 35) b)
             {numbers}"
        ),
    ];
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(app.database.pool()).await.unwrap();
    }
}

const STEADY: [&str; 3] = ["400 + (h * 37) % 200", "h % 5 / 4 * 12", "(h * 7) % 30"];

#[tokio::test]
async fn charts_in_every_period() {
    let app = TestApp::start().await;
    let [none, one, gaps, steady, failing] = [
        webhook(&app, "Without deliveries").await,
        webhook(&app, "One hour").await,
        webhook(&app, "With gaps").await,
        webhook(&app, "Steady").await,
        webhook(&app, "Failing").await,
    ];
    fill(&app, &one, "h = 3", ["20", "0", "0"], "12").await;
    fill(&app, &gaps, "h % 7 in (1, 2, 5)", STEADY, "14 + h % 4").await;
    fill(&app, &steady, "true", STEADY, "13 + h % 3").await;
    fill(&app, &failing, "h between 7 and 700", STEADY, "13 + h % 3").await;
    fill(&app, &failing, "h < 7", ["h / 6 * 100", "120 - h * 10", "300"], "18").await;
    let page = |id: &str, period: &str| format!("/webhooks/{id}{period}");
    let scenes = [
        scene("charts-empty", page(&none, "")),
        scene("charts-one-point", page(&one, "")),
        scene("charts-gaps", page(&gaps, "")),
        scene("charts-week", page(&steady, "?period=7d")),
        scene("charts-month", page(&steady, "?period=30d")),
        scene("charts-failing", page(&failing, "")),
    ];
    check_all(&app, &scenes).await;
    app.finish().await;
}

#[tokio::test]
async fn values_are_read_with_the_pointer_and_the_keyboard() {
    let app = TestApp::start().await;
    let id = webhook(&app, "Steady").await;
    fill(&app, &id, "true", ["100 + h", "1", "0"], "13").await;
    let ann = Browser::signed_in(&app).await;
    ann.open(&format!("/webhooks/{id}")).await;
    let readout = "figure:first-child [data-chart-readout]";
    ann.wait_for_text(readout, "2,676 delivered, 24 failed").await;
    ann.wait_for("figure:first-child svg[role=slider]").await;
    ann.eval("document.querySelector('figure svg').focus()").await;
    ann.wait_for_text(readout, ": 100 delivered, 1 failed, 0 retried").await;
    ann.press("\u{e012}").await;
    ann.wait_for_text(readout, ": 101 delivered").await;
    ann.press("\u{e011}").await;
    ann.wait_for_text(readout, ": 123 delivered").await;
    let spoken = "document.querySelector('figure svg').getAttribute('aria-valuetext')";
    assert!(ann.eval(spoken).await.as_str().unwrap().contains(": 123 delivered"));
    ann.eval("document.querySelector('figure svg').blur()").await;
    ann.wait_for_text(readout, "2,676 delivered").await;
    // The pointer over the last bar but one.
    let moved = "(() => { const svg = document.querySelector('figure svg'); const box = svg.getBoundingClientRect(); \
                 svg.dispatchEvent(new PointerEvent('pointermove', { clientX: box.left + box.width * 22.5 / 24 })); })()";
    ann.eval(moved).await;
    ann.wait_for_text(readout, ": 101 delivered").await;
    ann.click_text(".periods a", "30 days").await;
    ann.wait_for_text("#charts-title", "Last 30 days").await;
    ann.click(".numbers summary").await;
    assert_eq!(ann.texts(".numbers tbody tr").await.len(), 30);
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn problems_and_notifications() {
    let app = TestApp::start().await;
    let failing = webhook(&app, "Logpoint reopen incidents of production").await;
    let statements = [
        "insert into webhook_breakers (webhook_id, failures, failing_since, last_error, probes, probe_at)
         select id, 12, now() - interval '20 minutes', 'Connection refused', 2, now() + interval '1 minute' from webhooks",
        "insert into notifications (id, created_at, changes, mailed_to)
         select gen_random_uuid(), now() - interval '20 minutes', json_build_array(json_build_object('webhook_id', id, 'webhook', name,
                'state', 'failing', 'reason', 'Connection refused'))::text, '{ann.ngo@example.com}' from webhooks",
        "insert into notifications (id, created_at, changes, mail_error)
         select gen_random_uuid(), now() - interval '2 days', json_build_array(json_build_object('webhook_id', id, 'webhook', name,
                'state', 'recovered', 'reason', ''))::text, 'the mail server did not accept the mail: connection refused' from webhooks",
        "insert into all_hours (hour, delivered, failed, retried, latencies)
         select date_trunc('hour', now(), 'UTC') - h * interval '1 hour', 900 + h * 13 % 300, h % 4, h % 9,
                array_fill(0, array[14]) || array[700, 150, 60, 20] from generate_series(0, 23) h",
    ];
    for statement in statements {
        sqlx::query(statement).execute(app.database.pool()).await.unwrap();
    }
    let scenes = [
        scene("notifications", "/status/notifications"),
        scene("banner", "/events"),
        scene("webhook-failing", format!("/webhooks/{failing}")),
        scene("status-charts", "/status"),
    ];
    check_all(&app, &scenes).await;
    sqlx::query("delete from notifications").execute(app.database.pool()).await.unwrap();
    check_all(&app, &[scene("notifications-none", "/status/notifications")]).await;
    app.finish().await;
}
