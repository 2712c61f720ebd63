//! The statements behind the pages of events and deliveries find their rows by an index, and only in the partitions of the time range.

use std::str::FromStr;

use chrono::{TimeDelta, Utc};
use gatepost::app::system_sources;
use gatepost::model::delivery::DeliveryState;
use gatepost::model::{EventId, Timestamp, Trigger, WebhookId};
use gatepost::store::deliveries::by_event;
use gatepost::store::delivery_search::{self, DeliveryFilter, StatusFilter};
use gatepost::store::event_search::{self, EventQuery, ResultFilter};
use gatepost::store::{
    PgConnectOptions, PgPool, SLOW_TIMEOUT, connect, connect_dispatcher, status, webhook_ranks,
    within,
};

use crate::support::database::TestDatabase;

/// Number of events of each of two days.
const EVENTS: i64 = 10_000;

/// Fills yesterday and today with events and two deliveries of each.
async fn filled() -> (TestDatabase, PgPool, Timestamp) {
    let database = TestDatabase::create().await;
    let options = PgConnectOptions::from_str(database.url()).unwrap();
    let db = connect(options, 1).await.unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "the partitions are those of the database's clock"
    )]
    let midnight = Utc::now().date_naive().and_hms_opt(0, 0, 0).unwrap().and_utc();
    let id =
        "(lpad(to_hex((extract(epoch from $1::timestamptz) * 1000)::bigint + n * 1000), 12, '0')
               || '7000800000000000000' || $3)::uuid";
    for day in [midnight - TimeDelta::days(1), midnight] {
        let events = format!(
            "insert into events
                 (id, received_at, trigger, event_type, request_id, request, requester, integrations, payload)
             select {id}, $1::timestamptz + n * interval '1 second', 'Granted', 'RequestGranted', (n / 4)::text,
                    'AR-' || n / 4, 'ann@example.com', 'prod db', repeat('x', 500)
             from generate_series(1, $2) n"
        );
        let deliveries = format!(
            "insert into delivery_history (id, event_id, webhook_id, state, attempts, created_at, finished_at)
             select {id}, {}, lpad(to_hex(n % 50), 32, '0')::uuid,
                    case when n % 1000 = 7 then 'failed' else 'delivered' end, 1, now(), now()
             from generate_series(1, $2) n",
            id.replace("$3", "'0'")
        );
        let insert = async |sql: String, digit: &str| {
            let sql = sqlx::AssertSqlSafe(sql);
            let query = sqlx::query(sql).bind(day).bind(EVENTS).bind(digit.to_owned());
            query.execute(&db).await.unwrap();
        };
        insert(events, "0").await;
        insert(deliveries.clone(), "1").await;
        insert(deliveries, "2").await;
    }
    for table in ["events", "delivery_history"] {
        let vacuum = sqlx::AssertSqlSafe(format!("vacuum analyze {table}"));
        sqlx::raw_sql(vacuum).execute(&db).await.unwrap();
    }
    (database, db, midnight)
}

/// Returns the rows of large tables that were read in sequential scans, and the rows of one day's partitions that were
/// read by an index.
async fn read(db: &PgPool, day: Timestamp) -> (i64, i64) {
    sqlx::query("select pg_stat_force_next_flush()").execute(db).await.unwrap();
    let sql = "select coalesce(sum(seq_tup_read), 0)::bigint,
                      coalesce(sum(idx_tup_fetch) filter (where relname like '%' || $1), 0)::bigint
               from pg_stat_user_tables where relname ~ '^(events|delivery_history|delivery_queue|invocations)'";
    let suffix = day.format("_%Y%m%d").to_string();
    sqlx::query_as(sql).bind(suffix).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn pages_of_events_read_few_rows_by_an_index() {
    let (database, db, today) = filled().await;
    let yesterday = today - TimeDelta::days(1);
    let base = EventQuery { limit: 50, ..EventQuery::default() };
    let newest = event_search::list(&db, &base).await.unwrap();
    assert_eq!(newest.events.len(), 50);
    assert!(
        newest.events.iter().all(|(_, result)| result.delivered == 2),
        "{:?}",
        newest.events[0]
    );
    let id: EventId = newest.events[7].0.id;

    // Today only.
    let (from, until) = (Some(today), Some(today + TimeDelta::days(1)));
    let ranged = EventQuery { from, until, ..base };
    let (seq_before, before) = read(&db, yesterday).await;
    for query in [
        ranged,
        EventQuery { text: "AR-77", ..ranged },
        EventQuery { trigger: Some(Trigger::Failed), ..ranged },
        EventQuery { result: Some(ResultFilter::Failed), ..ranged },
        EventQuery { result: Some(ResultFilter::Delivered), ..ranged },
        EventQuery { after: Some(id), ..ranged },
    ] {
        event_search::list(&db, &query).await.unwrap();
    }
    let (_, after) = read(&db, yesterday).await;
    assert_eq!(after, before, "rows of yesterday");
    // A page without a search reads little more than its own rows.
    let (_, before) = read(&db, today).await;
    event_search::list(&db, &base).await.unwrap();
    let (_, after) = read(&db, today).await;
    assert!(after - before < 300, "{}", after - before);

    let (_, before) = read(&db, today).await;
    assert_eq!(by_event::list(&db, id).await.unwrap().len(), 2);
    assert_eq!(event_search::list_of_request(&db, id).await.unwrap().len(), 8);
    let (seq_after, after) = read(&db, today).await;
    assert!(after - before < 100, "{}", after - before);
    // A search may read as many events as it is limited to, in the order of an index.
    assert_eq!(seq_after, seq_before, "rows of sequential scans");
    db.close().await;
    database.drop().await;
}

#[tokio::test]
async fn pages_of_deliveries_read_few_rows_by_an_index() {
    const ROWS: usize = 50;
    let (database, db, today) = filled().await;
    let yesterday = today - TimeDelta::days(1);
    let webhook: WebhookId = "00000000-0000-0000-0000-000000000007".parse().unwrap();
    let busiest = "00000000-0000-0000-0000-000000000000".parse().unwrap();
    let (from, until) = (Some(today), Some(today + TimeDelta::days(1)));
    let base = DeliveryFilter { from, until, ..DeliveryFilter::default() };
    let failed = DeliveryFilter { state: Some(DeliveryState::Failed), ..base };
    let of_webhook = DeliveryFilter { webhook: Some(webhook), ..base };
    // Each with the rows that it may read of today: its own, those of a page, or those of a limited search.
    let filters = [
        (base, 1_000),
        (failed, 300),
        (DeliveryFilter { state: Some(DeliveryState::Cancelled), ..base }, 300),
        (DeliveryFilter { state: Some(DeliveryState::Due), ..base }, 300),
        (of_webhook, 1_500),
        (DeliveryFilter { webhook: Some(busiest), ..failed }, 300),
        (DeliveryFilter { text: "AR-77", ..of_webhook }, 3_000),
        (DeliveryFilter { trigger: Some(Trigger::Failed), ..base }, 12_000),
        (DeliveryFilter { status: Some(StatusFilter::Between(500, 599)), ..base }, 12_000),
        (DeliveryFilter { status: Some(StatusFilter::NoResponse), ..base }, 12_000),
        (DeliveryFilter { text: "nothing like it", ..base }, 12_000),
        (DeliveryFilter { text: "nothing", in_response: true, ..base }, 3_000),
    ];
    // The first statements of a connection are planned for their parameters, later ones for any.
    for _ in 0..8 {
        for (filter, _) in &filters {
            delivery_search::list(&db, *filter, ROWS).await.unwrap();
        }
    }
    let (seq_before, old_before) = read(&db, yesterday).await;
    for (filter, most) in &filters {
        let (_, before) = read(&db, today).await;
        delivery_search::list(&db, *filter, ROWS).await.unwrap();
        let (_, after) = read(&db, today).await;
        assert!(after - before <= *most, "{} rows for {filter:?}", after - before);
    }
    let (seq_after, old_after) = read(&db, yesterday).await;
    assert_eq!(seq_after, seq_before, "rows of sequential scans");
    assert_eq!(old_after, old_before, "rows of yesterday");
    db.close().await;
    database.drop().await;
}

#[tokio::test]
async fn the_status_reads_few_rows_of_large_tables() {
    let (database, db, _today) = filled().await;
    sqlx::raw_sql(
        "insert into webhooks (id, name, active, definition, sealed, created_at, updated_at)
         select lpad(to_hex(n), 32, '0')::uuid, 'w' || n, true, '{}', '', now(), now()
         from generate_series(0, 49) n;
         insert into webhook_hours (webhook_id, hour, delivered, failed, retried)
         select id, date_trunc('hour', now(), 'UTC') - n * interval '1 hour', 3, 2, 1
         from webhooks, generate_series(0, 199) n;
         insert into delivery_queue (id, event_id, webhook_id, state, due_at, created_at)
         select gen_random_uuid(), gen_random_uuid(), lpad(to_hex(n % 50), 32, '0')::uuid, 'due',
                now() - n * interval '1 second', now()
         from generate_series(1, 10000) n;
         analyze webhooks, webhook_hours, delivery_queue",
    )
    .execute(&db)
    .await
    .unwrap();
    let read = async |sql: &'static str| -> (i64, i64) {
        sqlx::query("select pg_stat_force_next_flush()").execute(&db).await.unwrap();
        sqlx::query_as(sql).fetch_one(&db).await.unwrap()
    };
    let hours = "select seq_tup_read, coalesce(idx_tup_fetch, 0) from pg_stat_user_tables
                 where relname = 'webhook_hours'";
    let queue = "select seq_tup_read, coalesce(idx_tup_fetch, 0) from pg_stat_user_tables
                 where relname = 'delivery_queue'";
    let (now, before) = (system_sources().now(), (read(hours).await, read(queue).await));
    let found = status::recent_hours(&db, now).await.unwrap();
    // The hour may have changed meanwhile.
    assert_eq!(found.previous.failed, 100);
    let oldest = status::queue(&db, now).await.unwrap().oldest_due.unwrap();
    assert!((9_999..10_100).contains(&(now - oldest).num_seconds()), "{oldest}");
    let after = (read(hours).await, read(queue).await);
    assert_eq!(after.0.0, before.0.0, "roll-ups were read in a sequential scan");
    // The planner reads a few more at the ends of the index.
    assert!(after.0.1 - before.0.1 <= 110, "{before:?} {after:?}");
    // They are counted once, and the oldest ones are found by an index.
    assert!(after.1.0 - before.1.0 <= 10_000, "{before:?} {after:?}");
    assert!(after.1.1 - before.1.1 <= 100, "{before:?} {after:?}");
    db.close().await;
    database.drop().await;
}

#[tokio::test]
async fn many_webhooks_are_ranked_before_the_dispatcher_gives_up() {
    let database = TestDatabase::create().await;
    let options = PgConnectOptions::from_str(database.url()).unwrap();
    let db = connect_dispatcher(options, 1).await.unwrap();
    // Joined one row after the other, they would take ten times as long as the dispatcher waits.
    sqlx::raw_sql(
        "insert into webhooks (id, name, active, definition, sealed, created_at, updated_at)
         select lpad(to_hex(n), 32, '0')::uuid, 'w' || n, true, '{}', '', now(), now()
         from generate_series(1, 30000) n;
         insert into webhook_hours (webhook_id, hour, delivered, failed, retried, last_delivered_at)
         select id, date_trunc('hour', now(), 'UTC') - n * interval '1 hour', 3, 1, 0, now()
         from webhooks, generate_series(0, 1) n",
    )
    .execute(&db)
    .await
    .unwrap();
    let refreshing = webhook_ranks::refresh(&db, system_sources().now());
    within(&db, SLOW_TIMEOUT, refreshing).await.unwrap();
    let ranked =
        "select count(*) from webhook_ranks where rate_key = '00751' and cardinality(hours) >= 1";
    let ranked: i64 = sqlx::query_scalar(ranked).fetch_one(&db).await.unwrap();
    assert_eq!(ranked, 30_000);
    db.close().await;
    database.drop().await;
}
