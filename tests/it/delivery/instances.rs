//! The table of running instances.

use gatepost::app::system_sources;
use gatepost::store::instances::{self, Instance, InstanceInfo};

use crate::support::TestApp;
use crate::support::clock::MovedClock;
use crate::support::database::TestDatabase;

/// Host name, version and address of each instance.
async fn listed(database: &TestDatabase) -> Vec<(String, String, String)> {
    sqlx::query_as("select host_name, version, address from instances order by started_at")
        .fetch_all(database.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_instance_is_listed_from_its_start_to_its_stop() {
    let first = TestApp::start().await;
    let second = first.beside(&MovedClock::default()).await;
    let database = first.database.clone();
    first.wait_until("both are listed", async || listed(&database).await.len() == 2).await;
    let (host, version, address) = listed(&database).await.remove(1);
    assert!(!host.is_empty());
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    assert_eq!(address, second.address.to_string());
    second.leave().await;
    let left = listed(&database).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].2, first.address.to_string());
    first.finish().await;
}

#[tokio::test]
async fn killed_instances_are_removed_after_a_day_or_by_their_successor() {
    let database = TestDatabase::create().await;
    let db = database.pool();
    sqlx::query(
        "insert into instances (id, host_name, version, address, started_at, seen_at)
         select gen_random_uuid(), host, version, address, now() - interval '2 days', now() - age
         from (values
             ('other', 'forgotten', '10.0.0.1:80', interval '25 hours'),
             ('other', 'killed', '10.0.0.1:80', interval '23 hours'),
             ('this', 'predecessor', '10.0.0.1:80', interval '1 minute'),
             ('this', 'killed, with another address', '10.0.0.1:81', interval '1 minute'),
             ('this', 'running', '10.0.0.1:80', interval '10 seconds'))
             as row (host, version, address, age)",
    )
    .execute(db)
    .await
    .unwrap();
    let info = InstanceInfo {
        host_name: "this".to_owned(),
        version: "new".to_owned(),
        address: "10.0.0.1:80".to_owned(),
    };
    let id = system_sources().uuid();
    for _ in 0..2 {
        instances::refresh(db, id, &info).await.unwrap();
    }
    let listed = instances::list(db).await.unwrap();
    let alive = |instance: &Instance| (instance.version.clone(), instance.is_alive());
    let expected = [
        ("running", true),
        ("new", true),
        ("killed", false),
        ("killed, with another address", false),
    ];
    let mut found: Vec<_> = listed.iter().map(alive).collect();
    found[2..].sort();
    assert_eq!(found, expected.map(|(version, alive)| (version.to_owned(), alive)));
    instances::delete(db, id).await.unwrap();
    assert_eq!(instances::list(db).await.unwrap().len(), 3);
    database.drop().await;
}
