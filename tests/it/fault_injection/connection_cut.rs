//! Connections to PostgreSQL that break at any time.

use super::environment::Environment;
use super::load::{Load, Outcome};
use super::{assert_nothing_lost_or_renamed, random};
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::process::Server;
use crate::support::proxy::ChaosProxy;
use crate::support::user::TestUser;
use crate::support::{event, wait_until};

struct Cut {
    environment: Environment,
    proxy: ChaosProxy,
    server: Server,
    load: Load,
}

impl Cut {
    async fn new() -> Self {
        let environment = Environment::new().await;
        let proxy = ChaosProxy::before_database(environment.database.url()).await;
        let server = environment.start_at(&proxy.through(environment.database.url())).await;
        let load = Load::start(&server.base, &environment.token, 8, Outcome::default());
        Self { environment, proxy, server, load }
    }

    /// Waits for a random number of accepted events.
    async fn proceed(&self) {
        self.load.wait_for_accepted(self.load.accepted() + 5 + random(40)).await;
    }

    /// Heals the proxy, and waits until events are accepted again.
    async fn heal(&self) {
        self.proxy.heal();
        self.load.wait_for_accepted(self.load.accepted() + 1).await;
    }

    /// Asserts that every accepted event arrives. Returns the outcome of the load.
    async fn end(self, take_over: impl AsyncFnOnce(&Environment)) -> Outcome {
        let outcome = self.load.finish().await;
        assert!(outcome.unanswered.is_empty(), "{:?}", outcome.unanswered);
        // The server holds deliveries of commits whose confirmation was lost, without knowing it.
        take_over(&self.environment).await;
        self.environment.wait_until_done().await;
        assert_nothing_lost_or_renamed(&outcome.accepted, &self.environment.logpoint.requests());
        let events: i64 = sqlx::query_scalar("select count(*) from events")
            .fetch_one(&self.environment.pool)
            .await
            .unwrap();
        assert_eq!(usize::try_from(events).unwrap(), outcome.accepted.len(), "duplicate events");
        self.environment.end([self.server]).await;
        outcome
    }
}

#[tokio::test]
async fn reopens_cut_connections_without_loss_or_duplicates() {
    let cut = Cut::new().await;
    for _ in 0..25 {
        cut.proceed().await;
        cut.proxy.cut();
    }
    let unavailable = cut.load.unavailable();
    cut.proxy.refuse();
    cut.load.wait_for_unavailable(unavailable + 5).await;
    cut.heal().await;
    let outcome = cut.end(Environment::take_over).await;
    assert!(outcome.unavailable > 0, "the cuts hit nothing");
}

#[tokio::test]
async fn detects_duplicates_of_commits_whose_confirmation_was_lost() {
    let cut = Cut::new().await;
    for _ in 0..20 {
        cut.proceed().await;
        // In about half of the cases, that of a commit.
        cut.proxy.lose_a_result().await;
        cut.proxy.cut();
        cut.heal().await;
    }
    let outcome = cut.end(Environment::expire_leases).await;
    assert!(outcome.duplicates > 0 && outcome.unavailable > 0, "no result was lost: {outcome:?}");
}

#[tokio::test]
async fn survives_a_connection_that_stalls() {
    let cut = Cut::new().await;
    cut.proceed().await;
    cut.proxy.stall();
    // Senders get a response although the database does not.
    let unavailable = cut.load.unavailable();
    cut.load.wait_for_unavailable(unavailable + 1).await;
    cut.heal().await;
    cut.end(Environment::take_over).await;
}

#[tokio::test]
async fn replaces_connections_that_died_silently() {
    let cut = Cut::new().await;
    cut.proceed().await;
    cut.proxy.abandon();
    for _ in 0..5 {
        cut.proceed().await;
    }
    cut.end(Environment::take_over).await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_connections_that_died_silently() {
    let Cut { environment, proxy, server, load } = Cut::new().await;
    load.wait_for_accepted(10).await;
    proxy.stall();
    assert_eq!(server.interrupt().await, Some(0));
    proxy.heal();
    let accepted = load.end().await.accepted;
    let server = environment.start().await;
    environment.wait_until_done().await;
    assert_nothing_lost_or_renamed(&accepted, &environment.logpoint.requests());
    environment.end([server]).await;
}

/// Senders should get an early error and retry, while users prefer to wait for a page.
#[tokio::test]
async fn rejects_events_before_a_page_times_out() {
    let environment = Environment::new().await;
    let proxy = ChaosProxy::before_database(environment.database.url()).await;
    let server = environment.start_at(&proxy.through(environment.database.url())).await;
    let mut person = TestUser::new(server.base.clone());
    person.sign_in(EMAIL, PASSWORD).await;
    let unseen = environment.run(&["token", "create", "unseen"], "").await.trim().to_owned();
    assert_eq!(server.send(&environment.token, &event("Granted", "before")).await.0, 202);
    // Not cut, because statements on a cut connection fail at once.
    proxy.stall();
    let (one, another) = (event("Granted", "one"), event("Granted", "another"));
    let responses = async {
        // With a cached token, the insert waits for the database. Otherwise the lookup of the token does.
        tokio::join!(server.send(&environment.token, &one), server.send(&unseen, &another))
    };
    tokio::select! {
        page = person.get("/webhooks") => panic!("the page came first: {page:?}"),
        (known, unseen) = responses => assert_eq!((known.0, unseen.0), (503, 503)),
    }
    proxy.heal();
    wait_until("events to be taken again", async || server.send(&unseen, &another).await.0 == 202)
        .await;
    environment.wait_until_done().await;
    environment.end([server]).await;
}
