//! Deliveries that users send again, retry now, or cancel.

use serde_json::Value;

use crate::support::logpoint::{Behaviour, FakeLogpoint, RecordedRequest};
use crate::support::process::{Server, gatepost, with_admin, with_database};
use crate::support::scenario::Scenario;
use crate::support::user::TestUser;
use crate::support::{TestApp, event};

/// Waits until all redeliveries have ended.
async fn redelivered(app: &TestApp) {
    app.wait_until("the redeliveries", async || {
        let open: i64 = sqlx::query_scalar(
            "select count(*) from redeliveries where state in ('queued', 'leased')",
        )
        .fetch_one(app.database.pool())
        .await
        .unwrap();
        open == 0
    })
    .await;
}

async fn delivery_ids(app: &TestApp) -> Vec<String> {
    sqlx::query_scalar("select id::text from deliveries order by id")
        .fetch_all(app.database.pool())
        .await
        .unwrap()
}

/// The requests after the two attempts of [`failed`].
fn requests(logpoint: &FakeLogpoint) -> Vec<RecordedRequest> {
    logpoint.requests().split_off(2)
}

/// A scenario with one delivery that failed for good.
async fn failed() -> (Scenario, String, TestUser) {
    let scenario =
        Scenario::with_webhook(|webhook| webhook.with("retry_schedule", serde_json::json!(["1s"])))
            .await;
    let Scenario { app, logpoint, token, .. } = &scenario;
    logpoint.behave([500, 500].map(|status| Behaviour::Status(status, "no".to_owned())));
    app.send(token, &event("Granted", "1")).await;
    app.wait_for("failed", 1).await;
    let id = delivery_ids(app).await.remove(0);
    let user = app.admin().await;
    (scenario, id, user)
}

#[tokio::test]
async fn a_failed_delivery_is_sent_again_with_the_current_webhook() {
    let (Scenario { app, logpoint, webhook, .. }, id, mut ann) = failed().await;
    // The webhook is inactive, which does not matter.
    ann.get("/webhooks").await;
    ann.post(&format!("/webhooks/{webhook}/active"), &[("active", "false")]).await;
    let page = ann.get(&format!("/deliveries/{id}")).await;
    assert_eq!(page.texts(".head .buttons button"), ["Redeliver"]);
    let done = ann.post(&format!("/deliveries/{id}/redeliver"), &[]).await;
    assert_eq!(done.location(), format!("/deliveries/{id}"));
    redelivered(&app).await;
    let requests = requests(&logpoint);
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].header("webhook-id"), Some(id.as_str()));
    assert_eq!(requests[0].json()["try"], 3, "the attempt is counted");
    let page = ann.get(&format!("/deliveries/{id}")).await;
    assert_eq!(page.text(".head .badge"), "Delivered");
    assert!(page.text("[aria-labelledby=redeliveries]").contains("by ann.ngo@example.com"));
    assert_eq!(page.texts("[aria-labelledby=attempts] tbody tr").len(), 3);
    let breakers: i64 =
        sqlx::query_scalar("select count(*) from webhook_breakers where probe_at is not null")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
    assert_eq!(breakers, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_redelivery_that_fails_changes_nothing_but_the_attempts() {
    let (Scenario { app, logpoint, .. }, id, mut ann) = failed().await;
    logpoint.behave([Behaviour::Accept]);
    ann.get(&format!("/deliveries/{id}")).await;
    ann.post(&format!("/deliveries/{id}/redeliver"), &[]).await;
    redelivered(&app).await;
    logpoint.behave([Behaviour::Status(503, String::new())]);
    ann.get(&format!("/deliveries/{id}")).await;
    ann.post(&format!("/deliveries/{id}/redeliver"), &[]).await;
    redelivered(&app).await;
    let page = ann.get(&format!("/deliveries/{id}")).await;
    assert_eq!(page.text(".head .badge"), "Delivered", "it was delivered before");
    assert_eq!(page.texts("[aria-labelledby=redeliveries] .badge"), ["HTTP 503", "Delivered"]);
    let failures: i64 =
        sqlx::query_scalar("select coalesce(sum(failures), 0)::bigint from webhook_breakers")
            .fetch_one(app.database.pool())
            .await
            .unwrap();
    assert!(failures <= 2, "only the first delivery counts: {failures}");
    app.finish().await;
}

#[tokio::test]
async fn a_double_click_sends_once() {
    let (Scenario { app, logpoint, .. }, id, mut ann) = failed().await;
    ann.get(&format!("/deliveries/{id}")).await;
    let path = format!("/deliveries/{id}/redeliver");
    let click = || ann.form(&path, &[]).header("cookie", ann.cookie_header()).send();
    let clicks = [click(), click(), click()];
    for response in futures_util::future::join_all(clicks).await {
        let location = response.unwrap().headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(location, format!("/deliveries/{id}"));
    }
    redelivered(&app).await;
    let sent = requests(&logpoint).len();
    assert!(sent == 1 || sent == 2, "{sent}: a click after the first redelivery is a new one");
    let rows: i64 = sqlx::query_scalar("select count(*) from redeliveries")
        .fetch_one(app.database.pool())
        .await
        .unwrap();
    assert_eq!(i64::try_from(sent).unwrap(), rows);
    app.finish().await;
}

#[tokio::test]
async fn a_retry_is_made_due_or_cancelled() {
    let Scenario { app, logpoint, token, .. } = Scenario::start().await;
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("due", 1).await;
    let id = delivery_ids(&app).await.remove(0);
    let mut ann = app.admin().await;
    let page = ann.get(&format!("/deliveries/{id}")).await;
    assert_eq!(page.texts(".head .buttons button"), ["Retry now", "Cancel delivery"]);
    let refused = ann.post(&format!("/deliveries/{id}/redeliver"), &[]).await;
    assert_eq!(refused.status, 409);
    assert!(refused.text("[role=alert]").contains("is not finished"), "{}", refused.body);
    ann.get(&format!("/deliveries/{id}")).await;
    ann.post(&format!("/deliveries/{id}/retry"), &[]).await;
    app.wait_for("delivered", 1).await;

    // The next one is cancelled, and the one behind it goes on.
    logpoint.behave([Behaviour::Status(500, "no".to_owned())]);
    app.send(&token, &event("Created", "2")).await;
    app.wait_for("due", 1).await;
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("waiting", 1).await;
    let second = delivery_ids(&app).await.remove(1);
    ann.get(&format!("/deliveries/{second}")).await;
    let done = ann.post(&format!("/deliveries/{second}/cancel"), &[]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    app.wait_for("delivered", 2).await;
    let page = ann.get(&format!("/deliveries/{second}")).await;
    assert_eq!(page.text(".head .badge"), "Cancelled");
    assert!(page.text(".facts").contains("Cancelled by ann.ngo@example.com"));
    // It can be sent again, but not cancelled or retried.
    let refused = ann.post(&format!("/deliveries/{second}/cancel"), &[]).await;
    assert_eq!(refused.status, 409);
    app.finish().await;
}

#[tokio::test]
async fn all_that_match_are_sent_again_and_can_be_stopped() {
    let scenario =
        Scenario::with_webhook(|webhook| webhook.with("retry_schedule", serde_json::json!(["1s"])))
            .await;
    let Scenario { app, logpoint, token, .. } = scenario;
    // Fewer than the ten failures in a row that would pause the webhook's deliveries.
    let failures = (0..8).map(|_| Behaviour::Status(500, "no".to_owned()));
    logpoint.behave(failures);
    for number in 0..4 {
        app.send(&token, &event("Granted", &number.to_string())).await;
    }
    app.wait_for("failed", 4).await;
    let mut ann = app.admin().await;
    let list = ann.get("/deliveries?state=failed").await;
    let href = list.attribute(".above-table a", "href").unwrap();
    let ask = ann.get(&href).await;
    assert_eq!(ask.text("h1"), "Redeliver 4 deliveries?");
    let started = ann.post(&href, &[]).await;
    let batch = started.location().to_owned();
    redelivered(&app).await;
    let page = ann.get(&batch).await;
    assert!(page.text("#batch").contains("Finished."), "{}", page.text("#batch"));
    assert!(page.text("#batch .facts").contains("Delivered4"), "{}", page.text("#batch .facts"));
    app.wait_for("delivered", 4).await;
    // Nothing matches any more.
    assert_eq!(ann.get(&href).await.text("h1"), "Nothing to redeliver");

    // A batch that is stopped sends nothing more.
    sqlx::query("insert into redeliveries (delivery_id, batch_id, state, requested_at, who)
                 select gen_random_uuid(), id, 'queued', now() + interval '1 hour', 'x' from redelivery_batches")
        .execute(app.database.pool())
        .await
        .unwrap();
    ann.get(&batch).await;
    let stopped = ann.post(&format!("{batch}/stop"), &[]).await;
    assert_eq!(stopped.location(), batch);
    redelivered(&app).await;
    app.finish().await;
}

#[tokio::test]
async fn the_api_redelivers() {
    let (Scenario { app, logpoint, .. }, id, _ann) = failed().await;
    let token = app.token(gatepost::identity::Scope::Manage).await;
    let post = async |path: &str, token: &str| {
        let response = crate::support::http().post(app.url(path)).bearer_auth(token).send().await;
        let response = response.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let path = format!("/api/v1/deliveries/{id}/redeliver");
    assert_eq!(post(&path, "gp_wrong").await.0, 401);
    let (status, body) = post(&path, &token).await;
    assert_eq!((status, body["delivery"].as_str().unwrap()), (202, id.as_str()));
    redelivered(&app).await;
    assert_eq!(requests(&logpoint).len(), 1);
    let unknown = "/api/v1/deliveries/019ac3f2-7e41-7c1b-9a20-5c1f8f7f4e11/redeliver";
    assert_eq!(post(unknown, &token).await.0, 404);
    app.finish().await;
}

/// A server that is killed while it sends a delivery again.
#[tokio::test]
async fn a_redelivery_survives_a_kill() {
    let (Scenario { app, logpoint, .. }, id, _ann) = failed().await;
    let database = app.database.clone();
    app.leave().await;
    logpoint.behave([Behaviour::HangBeforeResponse]);
    sqlx::query("insert into redeliveries (delivery_id, state, requested_at, who) values ($1::uuid, 'queued', now(), 'x')")
        .bind(&id)
        .execute(database.pool())
        .await
        .unwrap();
    let before = logpoint.requests().len();
    let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
    crate::support::process::wait_long("the request", async || logpoint.requests().len() > before)
        .await;
    server.kill().await;
    // Its lease expires.
    sqlx::query("update redeliveries set leased_until = now() - interval '1 second'")
        .execute(database.pool())
        .await
        .unwrap();
    let server = Server::start(with_admin(with_database(gatepost(), database.url()))).await;
    crate::support::process::wait_long("the redelivery", async || {
        let done: i64 =
            sqlx::query_scalar("select count(*) from redeliveries where state = 'succeeded'")
                .fetch_one(database.pool())
                .await
                .unwrap();
        done == 1
    })
    .await;
    assert_eq!(server.interrupt().await, Some(0));
    database.drop().await;
}
