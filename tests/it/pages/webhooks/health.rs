//! The rates and the bars of the list of webhooks, which come from stored hours and from the newest roll-ups.

use std::collections::HashMap;
use std::str::FromStr;

use chrono::TimeDelta;
use gatepost::model::{Timestamp, WebhookId};
use gatepost::store::webhook_health::{self, Health};
use gatepost::store::{PgConnectOptions, PgPool, connect, webhook_ranks};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use uuid::Uuid;

use crate::support::database::TestDatabase;

const WEBHOOKS: u128 = 3;

#[derive(Debug, Clone)]
enum Step {
    /// Attempts end: of this webhook, this many hours ago, delivered or failed.
    Attempts(u128, i64, bool),
    /// Time passes.
    Wait(TimeDelta),
    Refresh,
}

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let waits = [10, 50, 60, 300, 24 * 60, 60 * 60].map(TimeDelta::minutes);
    let step = prop_oneof![
        4 => (1..=WEBHOOKS, prop_oneof![6 => Just(0), 1 => 0_i64..3], any::<bool>())
            .prop_map(|(webhook, ago, is_delivered)| Step::Attempts(webhook, ago, is_delivered)),
        2 => proptest::sample::select(waits.to_vec()).prop_map(Step::Wait),
        1 => Just(Step::Refresh),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Records an attempt like the dispatcher.
async fn record(db: &PgPool, webhook: u128, at: Timestamp, is_delivered: bool) {
    sqlx::query(
        "insert into webhook_hours as h (webhook_id, hour, delivered, failed, retried, last_delivered_at)
         values ($1, date_trunc('hour', $2, 'UTC'), $3::int, (not $3)::int, 0, case when $3 then $2 end)
         on conflict (webhook_id, hour) do update
         set delivered = h.delivered + excluded.delivered, failed = h.failed + excluded.failed,
             last_delivered_at = greatest(excluded.last_delivered_at, h.last_delivered_at)",
    )
    .bind(Uuid::from_u128(webhook))
    .bind(at)
    .bind(is_delivered)
    .execute(db)
    .await
    .unwrap();
}

/// What the list must show, counted from all attempts: the newest delivery, and delivered and failed attempts by hour.
type Recount = (Option<Timestamp>, Vec<(i64, i64)>);

fn recount(attempts: &[(u128, Timestamp, bool)], webhook: u128, now: Timestamp) -> Recount {
    let of_webhook = attempts.iter().filter(|(of, ..)| *of == webhook);
    let last = of_webhook.clone().filter(|one| one.2).map(|one| one.1).max();
    let hour = |at: Timestamp| at.timestamp().div_euclid(3600);
    let mut hours = vec![(0, 0); 24];
    for (_, at, is_delivered) in of_webhook {
        let index = usize::try_from(23 - (hour(now) - hour(*at)));
        if let Some(entry) = index.ok().and_then(|index| hours.get_mut(index)) {
            if *is_delivered { entry.0 += 1 } else { entry.1 += 1 }
        }
    }
    (last, hours)
}

async fn shown(db: &PgPool, now: Timestamp) -> HashMap<WebhookId, Health> {
    let ids: Vec<WebhookId> = (1..=WEBHOOKS).map(|id| Uuid::from_u128(id).into()).collect();
    webhook_health::health(&mut db.acquire().await.unwrap(), now, &ids).await.unwrap()
}

#[tokio::test]
async fn the_list_shows_every_attempt_once() {
    let database = TestDatabase::create().await;
    let db = connect(PgConnectOptions::from_str(database.url()).unwrap(), 1).await.unwrap();
    let mut runner = TestRunner::default();
    for _ in 0..60 {
        let steps = any_steps().new_tree(&mut runner).unwrap().current();
        let mut now: Timestamp = "2026-11-27T10:59:30Z".parse().unwrap();
        sqlx::query("delete from webhooks").execute(&db).await.unwrap();
        for webhook in 1..=WEBHOOKS {
            sqlx::query(
                "insert into webhooks (id, name, active, definition, created_at, updated_at)
                 values ($1, $1::text, true, '{}', $2, $2)",
            )
            .bind(Uuid::from_u128(webhook))
            .bind(now - TimeDelta::hours(2))
            .execute(&db)
            .await
            .unwrap();
        }
        let mut attempts = Vec::new();
        for step in &steps {
            match step {
                Step::Wait(time) => now += *time,
                Step::Refresh => webhook_ranks::refresh(&db, now).await.unwrap(),
                Step::Attempts(webhook, ago, is_delivered) => {
                    let at = now - TimeDelta::hours(*ago);
                    record(&db, *webhook, at, *is_delivered).await;
                    attempts.push((*webhook, at, *is_delivered));
                    if *ago > 0 {
                        // The result of an hour that has ended was written late. The next refresh finds it.
                        webhook_ranks::refresh(&db, now).await.unwrap();
                    }
                }
            }
            let shown = shown(&db, now).await;
            for webhook in 1..=WEBHOOKS {
                let health = &shown[&WebhookId::from(Uuid::from_u128(webhook))];
                let hours: Vec<_> =
                    health.hours.iter().map(|hour| (hour.delivered, hour.failed)).collect();
                let expected = recount(&attempts, webhook, now);
                assert_eq!((health.last_delivered_at, hours), expected, "{steps:?}");
            }
        }
    }
    db.close().await;
    database.drop().await;
}
