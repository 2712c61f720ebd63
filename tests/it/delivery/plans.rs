//! Statements of the hot path read only relevant rows, however many deliveries wait.

use std::str::FromStr;

use gatepost::app::system_sources;
use gatepost::model::Trigger;
use gatepost::model::event::Event;
use gatepost::store::deliveries::intake::{NewDelivery, NewEvent, store_events};
use gatepost::store::deliveries::leases;
use gatepost::store::{PgConnectOptions, PgPool, connect_dispatcher};

use crate::support::database::TestDatabase;

const LANES: i64 = 2000;

/// Returns the number of rows of the queue read so far by the only connection.
async fn read(db: &PgPool) -> i64 {
    sqlx::query("select pg_stat_force_next_flush()").execute(db).await.unwrap();
    sqlx::query_scalar(
        "select (seq_tup_read
             + (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'delivery_queue'))::bigint
         from pg_stat_user_tables where relname = 'delivery_queue'",
    )
    .fetch_one(db)
    .await
    .unwrap()
}

/// Creates a database without statistics, and the dispatcher's only connection to it. Each lane has one delivery that is
/// retried later, and one that waits for it.
async fn filled() -> (TestDatabase, PgPool) {
    let database = TestDatabase::create().await;
    let options = PgConnectOptions::from_str(database.url()).unwrap();
    let db = connect_dispatcher(options, 1).await.unwrap();
    sqlx::query(
        "insert into delivery_queue (id, event_id, webhook_id, lane, state, due_at, created_at)
         select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), n, state, now() + interval '1 hour', now()
         from generate_series(1, $1) n, unnest(array['due', 'waiting']) state",
    )
    .bind(LANES)
    .execute(&db)
    .await
    .unwrap();
    (database, db)
}

#[tokio::test]
async fn does_not_read_deliveries_of_other_lanes() {
    let (database, db) = filled().await;
    let sources = system_sources();
    let event = Event::sample(Trigger::Granted).unwrap();
    let (key, event_id) = ([7; 32], sources.uuid().into());
    let new = [NewEvent { id: event_id, event: &event, key: &key }];
    let lanes = [5, LANES + 1];
    let deliveries = lanes.map(|lane| NewDelivery {
        id: sources.uuid().into(),
        event_id,
        webhook_id: sources.uuid().into(),
        lane: Some(lane),
        leased: true,
        behind: false,
    });
    let before = read(&db).await;
    let mut connection = db.acquire().await.unwrap();
    let taken = store_events(&mut connection, &new, &deliveries, sources.uuid(), sources.now())
        .await
        .unwrap();
    drop(connection);
    assert_eq!((taken.waiting_lanes, taken.leased.len()), (vec![5], 1));
    assert_eq!(leases::promote(&db, sources.now(), &lanes).await.unwrap(), 0);
    let for_one = read(&db).await - before;
    assert!(for_one < 50, "{for_one}");
    // For comparison, a statement that reads all of them.
    assert_eq!(leases::list_headless_lanes(&db).await.unwrap(), Vec::<i64>::new());
    let for_all = read(&db).await - before - for_one;
    assert!(for_all >= LANES, "{for_all}");
    db.close().await;
    database.drop().await;
}

#[tokio::test]
async fn promotes_a_lane_without_a_head() {
    let (database, db) = filled().await;
    sqlx::query("delete from delivery_queue where state = 'due' and lane in (3, 9)")
        .execute(&db)
        .await
        .unwrap();
    let mut lanes = leases::list_headless_lanes(&db).await.unwrap();
    lanes.sort_unstable();
    assert_eq!(lanes, [3, 9]);
    assert_eq!(leases::promote(&db, system_sources().now(), &[3, 3, 9, 10]).await.unwrap(), 2);
    assert_eq!(leases::list_headless_lanes(&db).await.unwrap(), Vec::<i64>::new());
    db.close().await;
    database.drop().await;
}
