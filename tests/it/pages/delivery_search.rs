//! The filters of the list of deliveries.

use std::str::FromStr;

use gatepost::model::delivery::DeliveryState;
use gatepost::model::{DeliveryId, Trigger, WebhookId};
use gatepost::store::delivery_search::{self, DeliveryFilter, StatusFilter};
use gatepost::store::{PgConnectOptions, connect};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use crate::support::database::TestDatabase;
use crate::support::event;
use crate::support::logpoint::Behaviour;
use crate::support::scenario::Scenario;

const ROWS: usize = 600;

/// A stored delivery, as a search sees it.
#[derive(Debug, Clone)]
struct Row {
    id: Uuid,
    webhook: Uuid,
    state: DeliveryState,
    status: Option<i32>,
    /// `Manual` for an event with the trigger Granted that was sent by hand.
    trigger: Trigger,
    requester: &'static str,
    response: &'static str,
}

const RESPONSES: [&str; 4] = ["All good", "say \"no\"\\", "Nicht gefunden: äöü", "nul \0 inside"];

fn any_row(number: usize) -> impl Strategy<Value = Row> {
    let webhook = select(vec![1_u128, 2]);
    let state = prop_oneof![
        6 => Just(DeliveryState::Delivered),
        1 => select(DeliveryState::ALL.to_vec()).prop_filter("needs a lease", |state| *state != DeliveryState::Leased),
    ];
    let status = select(vec![None, Some(200), Some(404), Some(500), Some(503)]);
    let requester = select(vec!["ann@example.com", "BO@example.com"]);
    let trigger = select(vec![Trigger::Granted, Trigger::Created, Trigger::Manual]);
    (webhook, state, status, trigger, requester, select(RESPONSES.to_vec())).prop_map(
        move |(webhook, state, status, trigger, requester, response)| Row {
            id: Uuid::from_u128((1_000 + u128::try_from(number).unwrap()) << 80),
            webhook: Uuid::from_u128(webhook),
            state,
            status,
            trigger,
            requester,
            response,
        },
    )
}

async fn insert(database: &TestDatabase, row: &Row) {
    let record = serde_json::json!({
        "transcript": {
            "request": {"body": "All good in the request"},
            "response": {"status": 200, "headers": [["Server", "nginx"]], "body": row.response},
        }
    });
    let is_finished = row.state.is_finished();
    let columns = if is_finished { "finished_at" } else { "due_at" };
    let table = if is_finished { "delivery_history" } else { "delivery_queue" };
    let delivery = format!(
        "insert into {table} (id, event_id, webhook_id, state, attempts, created_at, {columns}, last_status)
         values ($1, $1, $2, $3, 1, now(), now(), $4)"
    );
    sqlx::query(sqlx::AssertSqlSafe(delivery))
        .bind(row.id)
        .bind(row.webhook)
        .bind(row.state.as_str())
        .bind(row.status)
        .execute(database.pool())
        .await
        .unwrap();
    sqlx::query(
        "with e as (insert into events
             (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
             values ($1, now(), case $5 when 'Manual' then 'Granted' else $5 end, 'RequestGranted', '1', 'AR-1', $2, '', '{}')),
         m as (insert into manual_deliveries (delivery_id, who) select $1, 'ann' where $5 = 'Manual')
         insert into invocations (id, delivery_id, record) values ($3, $1, $4)",
    )
    .bind(row.id)
    .bind(row.requester)
    .bind(Uuid::from_u128(row.id.as_u128() + (5 << 80) + 1))
    .bind(record.to_string())
    .bind(row.trigger.as_str())
    .execute(database.pool())
    .await
    .unwrap();
}

type AnyFilter = (
    Option<DeliveryState>,
    Option<u128>,
    Option<StatusFilter>,
    Option<Trigger>,
    Option<(u64, u64)>,
    (&'static str, bool),
);

fn any_filter() -> impl Strategy<Value = AnyFilter> {
    use proptest::option::of;
    let status = select(vec![
        StatusFilter::NoResponse,
        StatusFilter::Between(500, 599),
        StatusFilter::Between(404, 404),
    ]);
    let text = prop_oneof![
        2 => Just(("", false)),
        1 => select(vec![("bo@", false), ("ar-1", false), ("all GOOD", true), ("\"no\"\\", true), ("gefunden: ä", true), ("NGINX", true), ("status", true)]),
    ];
    let bound = 0..u64::try_from(ROWS).unwrap();
    (
        of(select(DeliveryState::ALL.to_vec())),
        of(select(vec![1, 2, 3])),
        of(status),
        of(select(vec![Trigger::Granted, Trigger::Manual, Trigger::Failed])),
        of((bound.clone(), bound)),
        text,
    )
}

fn matches(
    row: &Row,
    (state, webhook, status, trigger, range, (text, in_response)): &AnyFilter,
) -> bool {
    let is_granted = matches!(row.trigger, Trigger::Granted | Trigger::Manual);
    let contains = |value: &str| value.to_ascii_lowercase().contains(&text.to_ascii_lowercase());
    let at = u64::try_from(row.id.as_u128() >> 80).unwrap() - 1_000;
    state.is_none_or(|state| state == row.state)
        && webhook.is_none_or(|webhook| Uuid::from_u128(webhook) == row.webhook)
        && trigger.is_none_or(|trigger| {
            trigger == row.trigger || (trigger == Trigger::Granted && is_granted)
        })
        && range.is_none_or(|(from, until)| (from..until).contains(&at))
        && match status {
            None => true,
            Some(StatusFilter::NoResponse) => row.status.is_none(),
            Some(StatusFilter::Between(from, to)) => {
                row.status.is_some_and(|status| (*from..=*to).contains(&status))
            }
        }
        && match (text.is_empty(), in_response) {
            (true, _) => true,
            (false, false) => contains(row.requester) || contains("AR-1"),
            (false, true) => contains(row.response) || contains("nginx"),
        }
}

#[tokio::test]
async fn a_search_returns_what_matches() {
    let database = TestDatabase::create().await;
    let mut runner = TestRunner::default();
    let mut rows = Vec::new();
    for number in 0..ROWS {
        let row = any_row(number).new_tree(&mut runner).unwrap().current();
        insert(&database, &row).await;
        rows.insert(0, row);
    }
    let db = connect(PgConnectOptions::from_str(database.url()).unwrap(), 1).await.unwrap();
    for _ in 0..150 {
        let any = any_filter().new_tree(&mut runner).unwrap().current();
        let (state, webhook, status, trigger, range, (text, in_response)) = any;
        let at = |offset: u64| {
            chrono::DateTime::from_timestamp_millis(i64::try_from(1_000 + offset).unwrap()).unwrap()
        };
        let mut filter = DeliveryFilter {
            state,
            webhook: webhook.map(|id| WebhookId::from(Uuid::from_u128(id))),
            status,
            trigger,
            from: range.map(|(from, _)| at(from)),
            until: range.map(|(_, until)| at(until)),
            text,
            in_response,
            ..DeliveryFilter::default()
        };
        let expected: Vec<Uuid> =
            rows.iter().filter(|row| matches(row, &any)).map(|row| row.id).collect();
        let selected = delivery_search::select(&db, filter, ROWS + 1).await.unwrap();
        assert_eq!(selected.ids, expected, "{any:?}");
        // The pages together are the same, also where a search is continued.
        let mut found = Vec::new();
        loop {
            let page = delivery_search::list(&db, filter, 20).await.unwrap();
            assert!(page.deliveries.len() <= 20);
            found.extend(page.deliveries.iter().map(|delivery| delivery.id.uuid()));
            let Some(next) = page.next else { break };
            assert!(page.searched_to.is_some() || page.deliveries.len() == 20, "{any:?}");
            filter.after = Some(DeliveryId::from(next.uuid()));
        }
        assert_eq!(found, expected, "{any:?}");
    }
    db.close().await;
    database.drop().await;
}

#[tokio::test]
async fn deliveries_are_found_by_response_trigger_and_time() {
    let scenario =
        Scenario::with_webhook(|webhook| webhook.with("retry_schedule", serde_json::json!(["1s"])))
            .await;
    let Scenario { app, logpoint, token, .. } = scenario;
    let down = || Behaviour::Status(503, "down for <maintenance>".to_owned());
    logpoint.behave([down(), down()]);
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("failed", 1).await;
    app.send(&token, &event("Granted", "2")).await;
    app.wait_for("delivered", 1).await;
    let mut ann = app.admin().await;
    for (query, count) in [
        ("status=503", 1),
        ("status=5xx&state=failed", 1),
        ("status=5xx&state=delivered", 0),
        ("status=2xx", 1),
        ("status=no+response", 0),
        ("trigger=Granted", 2),
        ("trigger=Created", 0),
        ("trigger=Manual", 0),
        ("q=%3CMAINTENANCE&in=response", 1),
        ("q=maintenance", 0),
        ("q=maintenance&in=response&status=200", 0),
        ("from=2020-01-01T00:00", 2),
        ("to=2020-01-01T00:00", 0),
        ("from=2020-01-01T00:00&to=9999-01-01T00:00&status=503&trigger=Granted&state=failed", 1),
    ] {
        let found = ann.get_part(&format!("/deliveries?{query}")).await;
        assert_eq!(found.texts("tbody td.name").len(), count, "{query}");
    }
    let page = ann.get("/deliveries?status=5xx&in=response&q=down").await;
    assert_eq!(page.attribute("[name=status]", "value").unwrap(), "5xx");
    assert_eq!(page.attribute("[name=in] [selected]", "value").unwrap(), "response");
    // What cannot be searched for is reported at its field.
    let wrong = ann.get("/deliveries?status=five&from=yesterday").await;
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.texts("[role=alert] .error").len(), 2);
    assert_eq!(wrong.attribute("[name=status]", "aria-describedby").unwrap(), "status-error");
    assert_eq!(wrong.attribute("[name=status]", "value").unwrap(), "five");
    assert!(wrong.text("#status-error").contains("\"five\" is not a response status"));
    let back = ann.get("/deliveries/bulk/redeliver?status=five").await;
    assert_eq!(back.location(), "/deliveries?status=five");
    app.finish().await;
}

#[tokio::test]
async fn the_webhook_is_chosen_by_its_name_and_kept_by_its_id() {
    let Scenario { app, logpoint: _logpoint, webhook, token } = Scenario::start().await;
    app.send(&token, &event("Granted", "1")).await;
    app.wait_for("delivered", 1).await;
    let many =
        "insert into webhooks (id, name, folded_name, definition, active, created_at, updated_at)
         select gen_random_uuid(), 'Webhook ' || n, 'webhook ' || n, definition, false, now(), now()
         from webhooks, generate_series(1, 300) n";
    sqlx::query(many).execute(app.database.pool()).await.unwrap();
    let mut ann = app.admin().await;
    let page = ann.get("/deliveries").await;
    assert_eq!(page.texts("#webhook-names option").len(), 50, "not all of them");
    let typed = ann.get_part("/deliveries/webhooks?webhook_name=REOP").await;
    assert_eq!(typed.body.matches("<option").count(), 1, "{}", typed.body);
    // Without scripts, the form sends the name.
    let chosen = ann.get("/deliveries?q=&webhook_name=+reopen&webhook=&state=delivered").await;
    assert_eq!(chosen.location(), format!("/deliveries?state=delivered&webhook={webhook}"));
    let list = ann.get(chosen.location()).await;
    assert_eq!(list.texts("tbody td.name").len(), 1);
    assert_eq!(list.attribute("[name=webhook_name]", "value").unwrap(), "Reopen");
    // A renamed webhook is still found, and so is a deleted one.
    let rename =
        "update webhooks set name = 'Renamed', folded_name = 'renamed' where name = 'Reopen'";
    sqlx::query(rename).execute(app.database.pool()).await.unwrap();
    let list = ann.get(chosen.location()).await;
    assert_eq!(list.attribute("[name=webhook_name]", "value").unwrap(), "Renamed");
    let delete = "update webhooks set deleted_at = now() where name = 'Renamed'";
    sqlx::query(delete).execute(app.database.pool()).await.unwrap();
    let sent = format!("/deliveries?webhook_name=Renamed&webhook={webhook}");
    assert_eq!(ann.get(&sent).await.location(), format!("/deliveries?webhook={webhook}"));
    let cleared = ann.get(&format!("/deliveries?webhook_name=&webhook={webhook}")).await;
    assert_eq!(cleared.location(), "/deliveries?");
    // An unknown name is an error at the field.
    let wrong = ann.get("/deliveries?webhook_name=Nothing&state=failed").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text("#webhook_name-error").contains("\"Nothing\" is not the name of a webhook"));
    assert_eq!(wrong.attribute("[name=webhook_name]", "value").unwrap(), "Nothing");
    app.finish().await;
}
