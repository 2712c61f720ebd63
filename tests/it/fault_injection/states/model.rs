//! The model: a list of unfinished and one of finished deliveries. Time is in seconds.

use chrono::TimeDelta;
use gatepost::model::delivery::DeliveryState;
use gatepost::model::event::Event;
use gatepost::model::{Timestamp, Trigger};
use gatepost::store::PgPool;
use gatepost::store::deliveries::complete::{self, Completion};
use gatepost::store::deliveries::intake::{NewDelivery, NewEvent, store_events};
use gatepost::store::deliveries::leases::{self, LEASE_DURATION, LeaseTerm};
use gatepost::store::deliveries::{claim, hold};
use uuid::Uuid;

use super::Step;

/// An unfinished delivery, as in the model and in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    id: Uuid,
    webhook: Uuid,
    lane: Option<i64>,
    state: String,
    attempts: i32,
    due: i64,
    lease: Option<(Uuid, i64)>,
}

impl Row {
    fn is(&self, state: DeliveryState) -> bool {
        self.state == state.as_str()
    }

    fn becomes(&mut self, state: DeliveryState) {
        state.as_str().clone_into(&mut self.state);
        self.lease = None;
    }

    fn take(&mut self, lease: Uuid, now: i64) {
        self.becomes(DeliveryState::Leased);
        self.attempts += 1;
        self.lease = Some((lease, now + lease_seconds()));
    }
}

fn lease_seconds() -> i64 {
    i64::try_from(LEASE_DURATION.as_secs()).unwrap()
}

type Stored = (Uuid, Uuid, Option<i64>, String, i32, Timestamp, Option<Uuid>, Option<Timestamp>);

/// One run: the model, and the database that gets the same steps.
pub(super) struct Run<'a> {
    db: &'a PgPool,
    number: u128,
    now: i64,
    made: u128,
    queue: Vec<Row>,
    /// Id, state and attempts of finished deliveries.
    history: Vec<(Uuid, String, i32)>,
}

impl<'a> Run<'a> {
    pub(super) fn new(db: &'a PgPool, number: u128) -> Self {
        let (queue, history) = (Vec::new(), Vec::new());
        Self { db, number, now: 1_000_000, made: 0, queue, history }
    }

    /// Returns an id that is unique to this run.
    fn id(&self, below: u128) -> Uuid {
        Uuid::from_u128((self.number << 64) + below)
    }

    fn webhook(&self, number: usize) -> Uuid {
        self.id(1 + u128::try_from(number).unwrap())
    }

    fn lease(&self, server: usize) -> Uuid {
        self.id(11 + u128::try_from(server).unwrap())
    }

    fn time(&self) -> Timestamp {
        timestamp(self.now)
    }

    /// Makes the first waiting delivery of a lane due.
    fn promote_next(&mut self, lane: Option<i64>) {
        let now = self.now;
        let waiting = self.queue.iter_mut().filter(|row| row.is(DeliveryState::Waiting));
        let first =
            waiting.filter(|row| lane.is_some() && row.lane == lane).min_by_key(|row| row.id);
        if let Some(row) = first {
            row.becomes(DeliveryState::Due);
            row.due = now;
        }
    }

    fn is_busy(&self, lane: Option<i64>) -> bool {
        self.queue.iter().any(|row| row.lane == lane && !row.is(DeliveryState::Waiting))
    }

    async fn intake(
        &mut self,
        server: usize,
        webhook: usize,
        lanes: &[Option<u8>],
        leased: bool,
        behind_time: bool,
    ) {
        let event =
            Event::parse(&gatepost::model::event::sample(Trigger::Granted).to_string()).unwrap();
        let (mut new, mut deliveries, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        for lane in lanes {
            self.made += 1;
            // A server whose clock is behind generates smaller ids than earlier ones.
            let position = 1000 + self.made * 16 - if behind_time { 72 } else { 0 };
            let (id, webhook) = (self.id(position), self.webhook(webhook));
            let low = i64::try_from(self.number * 100).unwrap();
            let lane = lane.map(|lane| {
                low + i64::from(lane) + if webhook == self.webhook(0) { 0 } else { 50 }
            });
            let behind =
                lane.is_some() && deliveries.iter().any(|one: &NewDelivery| one.lane == lane);
            keys.push((id, id.as_bytes().to_vec()));
            deliveries.push(NewDelivery {
                id: id.into(),
                event_id: id.into(),
                webhook_id: webhook.into(),
                lane,
                leased,
                behind,
            });
            let in_line = lane.is_some() && self.queue.iter().any(|row| row.lane == lane);
            let mut row = Row {
                id,
                webhook,
                lane,
                state: String::new(),
                attempts: 0,
                due: self.now,
                lease: None,
            };
            if in_line {
                row.becomes(DeliveryState::Waiting);
            } else if leased {
                row.take(self.lease(server), self.now);
            } else {
                row.becomes(DeliveryState::Due);
            }
            self.queue.push(row);
        }
        for (id, key) in &keys {
            new.push(NewEvent { id: (*id).into(), event: &event, key });
        }
        let (lease, now) = (self.lease(server), self.time());
        let mut db = self.db.acquire().await.unwrap();
        let taken = store_events(&mut db, &new, &deliveries, lease, now).await.unwrap();
        assert_eq!(taken.events.len(), new.len());
        // The same events again are duplicates and change nothing.
        let again = store_events(&mut db, &new, &deliveries, lease, now).await.unwrap();
        assert!(again.events.is_empty() && again.leased.is_empty(), "{again:?}");
    }

    async fn claim(&mut self, server: usize, webhook: usize, room: usize) {
        let (lease, webhook, now) = (self.lease(server), self.webhook(webhook), self.now);
        let due = self
            .queue
            .iter_mut()
            .filter(|row| row.webhook == webhook && row.is(DeliveryState::Due) && row.due <= now);
        let mut due: Vec<&mut Row> = due.collect();
        due.sort_by_key(|row| (row.due, row.id));
        due.truncate(room);
        let mut expected: Vec<Uuid> = due.iter().map(|row| row.id).collect();
        for row in due {
            row.take(lease, now);
        }
        expected.sort();
        let room = i64::try_from(room).unwrap();
        let claimed = claim::claim(self.db, lease, self.time(), &[webhook], &[room]).await.unwrap();
        assert_eq!(claimed.iter().map(|one| one.id.uuid()).collect::<Vec<_>>(), expected);
    }

    async fn complete(&mut self, pick: usize, state: DeliveryState, counts: bool, outdated: bool) {
        let leased: Vec<usize> =
            (0..self.queue.len()).filter(|at| self.queue[*at].is(DeliveryState::Leased)).collect();
        if leased.is_empty() {
            return;
        }
        let at = leased[pick % leased.len()];
        let row = &self.queue[at];
        let attempt = if outdated { row.attempts - 1 } else { row.attempts };
        let due = (state == DeliveryState::Due && counts).then_some(self.now + 3);
        let completion = Completion {
            id: row.id.into(),
            webhook_id: row.webhook.into(),
            attempt,
            state,
            due_at: due.map(timestamp),
            status: None,
            error: None,
            counts,
            duration: None,
            invocation: None,
        };
        let (lease, _) = row.lease.unwrap();
        let mut db = self.db.acquire().await.unwrap();
        let done = complete::complete(&mut db, lease, self.time(), &[completion]).await.unwrap();
        assert_eq!(done.changed, usize::from(!outdated));
        if outdated {
            return;
        }
        let row = &mut self.queue[at];
        row.attempts -= i32::from(!counts);
        row.becomes(state);
        row.due = due.unwrap_or(row.due);
        if matches!(state, DeliveryState::Due | DeliveryState::Held) {
            return;
        }
        let row = self.queue.remove(at);
        self.history.push((row.id, row.state, row.attempts));
        self.promote_next(row.lane);
    }

    async fn renew(&mut self, pick: usize) {
        let now = self.now;
        let mut leased: Vec<&mut Row> =
            self.queue.iter_mut().filter(|row| row.lease.is_some()).collect();
        if leased.is_empty() {
            return;
        }
        let at = pick % leased.len();
        let (lease, until) = leased[at].lease.unwrap();
        let whole = lease_seconds();
        // Claimed or renewed a moment ago, by a clock that was not moved since.
        let is_fresh = (now + whole * 3 / 4..=now + whole).contains(&until);
        if !is_fresh {
            leased[at].lease = Some((lease, now + whole));
        }
        let held = [leased[at].id];
        let renewed = leases::renew(self.db, lease, self.time(), &held).await.unwrap();
        assert_eq!(renewed, u64::from(!is_fresh));
    }

    async fn give_back(&mut self, server: usize) {
        let lease = self.lease(server);
        for row in self.queue.iter_mut().filter(|row| row.lease.is_some_and(|(of, _)| of == lease))
        {
            row.attempts -= 1;
            row.becomes(DeliveryState::Due);
        }
        leases::give_back(self.db, lease).await.unwrap();
    }

    async fn reap(&mut self) {
        let now = self.now;
        for row in
            self.queue.iter_mut().filter(|row| row.lease.is_some_and(|(_, until)| until < now))
        {
            row.becomes(DeliveryState::Due);
            row.due = now;
        }
        let far = timestamp(now + 1_000_000);
        let suspects = leases::suspects(self.db, self.time(), far).await.unwrap();
        let own = |kept: &LeaseTerm| kept.lease == self.lease(0) || kept.lease == self.lease(1);
        let lost: Vec<LeaseTerm> = suspects.into_iter().filter(own).collect();
        leases::reap(self.db, self.time(), &lost).await.unwrap();
    }

    async fn hold(&mut self, webhook: usize) {
        let webhook = self.webhook(webhook);
        for row in self.queue.iter_mut().filter(|row| row.webhook == webhook) {
            if row.is(DeliveryState::Due) {
                row.becomes(DeliveryState::Held);
            }
        }
        let mut connection = self.db.acquire().await.unwrap();
        hold::hold(&mut connection, webhook.into()).await.unwrap();
    }

    async fn release(&mut self, webhook: usize) {
        let (webhook, now) = (self.webhook(webhook), self.now);
        for row in self.queue.iter_mut().filter(|row| row.webhook == webhook) {
            if row.is(DeliveryState::Held) {
                row.becomes(DeliveryState::Due);
                row.due = now;
            }
        }
        let mut connection = self.db.acquire().await.unwrap();
        hold::release(&mut connection, webhook.into(), self.time()).await.unwrap();
    }

    async fn cancel(&mut self, webhook: usize) {
        let webhook = self.webhook(webhook);
        let gone = |row: &mut Row| row.webhook == webhook && row.lease.is_none();
        for row in self.queue.extract_if(.., gone) {
            self.history.push((row.id, "cancelled".to_owned(), row.attempts));
        }
        let mut connection = self.db.acquire().await.unwrap();
        hold::cancel(&mut connection, webhook.into(), self.time()).await.unwrap();
    }

    async fn promote(&mut self) {
        let mut lanes: Vec<_> = self.queue.iter().map(|row| row.lane).collect();
        lanes.sort();
        lanes.dedup();
        for lane in lanes {
            if !self.is_busy(lane) {
                self.promote_next(lane);
            }
        }
        let lanes = leases::list_headless_lanes(self.db).await.unwrap();
        leases::promote(self.db, self.time(), &lanes).await.unwrap();
    }

    pub(super) async fn run(&mut self, step: &Step) {
        match step {
            Step::Intake { server, webhook, lanes, leased, behind_time } => {
                self.intake(*server, *webhook, lanes, *leased, *behind_time).await;
            }
            Step::Claim { server, webhook, room } => self.claim(*server, *webhook, *room).await,
            Step::Complete { pick, state, counts, outdated } => {
                self.complete(*pick, *state, *counts, *outdated).await;
            }
            Step::Renew { pick } => self.renew(*pick).await,
            Step::GiveBack { server } => self.give_back(*server).await,
            Step::Pass { seconds } => self.now += seconds,
            Step::Reap => self.reap().await,
            Step::Promote => self.promote().await,
            Step::Hold { webhook } => self.hold(*webhook).await,
            Step::Release { webhook } => self.release(*webhook).await,
            Step::Cancel { webhook } => self.cancel(*webhook).await,
        }
    }

    /// Compares the tables to the model, and checks invariants.
    pub(super) async fn check(&mut self) {
        self.queue.sort_by_key(|row| row.id);
        self.history.sort();
        let webhooks = [self.webhook(0), self.webhook(1)];
        let stored: Vec<Stored> = sqlx::query_as(
            "select id, webhook_id, lane, state, attempts, due_at, lease, leased_until from delivery_queue
             where webhook_id = any($1) order by id",
        )
        .bind(&webhooks[..])
        .fetch_all(self.db)
        .await
        .unwrap();
        let stored: Vec<Row> = stored
            .into_iter()
            .map(|(id, webhook, lane, state, attempts, due, lease, until)| {
                let lease = lease.zip(until.map(second));
                Row { id, webhook, lane, state, attempts, due: second(due), lease }
            })
            .collect();
        assert_eq!(stored, self.queue, "the queue and its model differ");
        let history: Vec<(Uuid, String, i32)> = sqlx::query_as(
            "select id, state, attempts from delivery_history where webhook_id = any($1) order by id, state",
        )
        .bind(&webhooks[..])
        .fetch_all(self.db)
        .await
        .unwrap();
        assert_eq!(history, self.history, "the history and its model differ");

        assert_eq!(
            u128::try_from(stored.len() + history.len()).unwrap(),
            self.made,
            "some are gone"
        );
        for row in &stored {
            assert_eq!(row.is(DeliveryState::Leased), row.lease.is_some(), "{row:?}");
            assert!(
                !history.iter().any(|(id, _, _)| *id == row.id),
                "both finished and unfinished: {row:?}"
            );
            let going = |other: &&Row| other.lane == row.lane && !other.is(DeliveryState::Waiting);
            let going = stored.iter().filter(going).count();
            assert!(row.lane.is_none() || going <= 1, "{going} of lane {:?} go at once", row.lane);
        }
    }
}

fn timestamp(second: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::seconds(second)
}

fn second(time: Timestamp) -> i64 {
    time.timestamp()
}
