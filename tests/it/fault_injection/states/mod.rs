//! Model-based test of the queue: after any sequence of steps, the tables equal the model.

mod model;

use std::cell::Cell;
use std::str::FromStr;

use gatepost::model::delivery::DeliveryState;
use gatepost::store::{PgConnectOptions, connect_dispatcher};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::database::TestDatabase;
use model::Run;

/// A step. Servers and webhooks are numbers. `pick` chooses one of the existing deliveries.
#[derive(Debug, Clone)]
enum Step {
    Intake {
        server: usize,
        webhook: usize,
        lanes: Vec<Option<u8>>,
        leased: bool,
        behind_time: bool,
    },
    Claim {
        server: usize,
        webhook: usize,
        room: usize,
    },
    Complete {
        pick: usize,
        state: DeliveryState,
        counts: bool,
        outdated: bool,
    },
    Renew {
        pick: usize,
    },
    GiveBack {
        server: usize,
    },
    Pass {
        seconds: i64,
    },
    Reap,
    Hold {
        webhook: usize,
    },
    Release {
        webhook: usize,
    },
    Cancel {
        webhook: usize,
    },
    Promote,
}

fn step() -> impl Strategy<Value = Step> {
    let (server, webhook) = (0..2_usize, 0..2_usize);
    let lane = prop_oneof![1 => Just(None), 4 => (0..2_u8).prop_map(Some)];
    let state = prop_oneof![
        4 => Just(DeliveryState::Delivered),
        1 => Just(DeliveryState::Failed),
        1 => Just(DeliveryState::Cancelled),
        3 => Just(DeliveryState::Due),
        1 => Just(DeliveryState::Held),
    ];
    let lanes = prop::collection::vec(lane, 1..4);
    let picked = any::<prop::sample::Index>().prop_map(|index| index.index(1000));
    prop_oneof![
        6 => (server.clone(), webhook.clone(), lanes, any::<bool>(), any::<bool>()).prop_map(
            |(server, webhook, lanes, leased, behind_time)| Step::Intake { server, webhook, lanes, leased, behind_time }
        ),
        4 => (server.clone(), webhook.clone(), 1..4_usize)
            .prop_map(|(server, webhook, room)| Step::Claim { server, webhook, room }),
        8 => (picked.clone(), state, any::<bool>(), prop::bool::weighted(0.1)).prop_map(
            |(pick, state, counts, outdated)| Step::Complete { pick, state, counts, outdated }
        ),
        1 => picked.prop_map(|pick| Step::Renew { pick }),
        1 => server.prop_map(|server| Step::GiveBack { server }),
        3 => (1..9_i64).prop_map(|seconds| Step::Pass { seconds }),
        1 => Just(Step::Reap),
        1 => webhook.clone().prop_map(|webhook| Step::Hold { webhook }),
        1 => webhook.clone().prop_map(|webhook| Step::Release { webhook }),
        1 => webhook.prop_map(|webhook| Step::Cancel { webhook }),
        1 => Just(Step::Promote),
    ]
}

#[test]
fn the_queue_equals_its_model_after_any_steps() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (database, db) = runtime.block_on(async {
        let database = TestDatabase::create().await;
        let options = PgConnectOptions::from_str(database.url()).unwrap();
        let db = connect_dispatcher(options, 2).await.unwrap();
        (database, db)
    });
    let number = Cell::new(0);
    let config = Config { cases: 100, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(&prop::collection::vec(step(), 1..50), |steps| {
        number.set(number.get() + 1);
        let mut run = Run::new(&db, number.get());
        runtime.block_on(async {
            for step in &steps {
                run.run(step).await;
                run.check().await;
            }
        });
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
    runtime.block_on(async {
        db.close().await;
        database.drop().await;
    });
}
