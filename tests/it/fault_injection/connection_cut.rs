//! The connection to PostgreSQL breaks, in the middle of whatever was going on.

use std::time::{Duration, Instant};

use super::load::{Load, Outcome};
use super::place::Place;
use super::postgres_killed::SOON;
use super::{nothing_is_lost_or_renamed, random};
use crate::support::app::{EMAIL, PASSWORD};
use crate::support::people::Person;
use crate::support::process::Server;
use crate::support::proxy::ChaosProxy;
use crate::support::{event, wait_until};

struct Cut {
    place: Place,
    proxy: ChaosProxy,
    server: Server,
    load: Load,
}

impl Cut {
    async fn new() -> Self {
        let place = Place::new("").await;
        let proxy = ChaosProxy::before_database(place.database.url()).await;
        let server = place.start_at(&proxy.through(place.database.url())).await;
        let load = Load::start(&server.base, &place.token, 8, Outcome::default());
        Self { place, proxy, server, load }
    }

    /// Waits for a random number of events.
    async fn go_on(&self) {
        self.load.wait_for_accepted(self.load.accepted() + 5 + random(40)).await;
    }

    /// Puts it right, and checks that events are taken soon.
    async fn heal(&self) {
        let healed = Instant::now();
        self.proxy.heal();
        self.load.wait_for_accepted(self.load.accepted() + 1).await;
        assert!(healed.elapsed() < SOON, "events are taken only after {:?}", healed.elapsed());
    }

    /// Everything accepted arrives, whatever was asked twice; gives what became of the load.
    async fn end(self, take_over: impl AsyncFnOnce(&Place)) -> Outcome {
        let outcome = self.load.finish().await;
        assert_eq!(outcome.unanswered, 0);
        // The server has in hand without knowing it what was committed unheard.
        take_over(&self.place).await;
        self.place.wait_until_done().await;
        nothing_is_lost_or_renamed(&outcome.accepted, &self.place.logpoint.requests());
        let events: i64 = sqlx::query_scalar("select count(*) from events")
            .fetch_one(&self.place.pool)
            .await
            .unwrap();
        assert_eq!(usize::try_from(events).unwrap(), outcome.accepted.len(), "doubled events");
        self.place.end([self.server]).await;
        outcome
    }
}

#[tokio::test]
async fn connections_that_are_cut_are_made_anew_and_nothing_is_lost_or_doubled() {
    let cut = Cut::new().await;
    for _ in 0..25 {
        cut.go_on().await;
        cut.proxy.cut();
    }
    let refused = cut.load.refused();
    cut.proxy.refuse();
    cut.load.wait_for_refused(refused + 5).await;
    cut.heal().await;
    let outcome = cut.end(Place::take_over).await;
    assert!(outcome.refused > 0, "the cuts hit nothing");
}

#[tokio::test]
async fn commits_whose_answers_are_lost_are_known_when_they_are_sent_again() {
    let cut = Cut::new().await;
    for _ in 0..20 {
        cut.go_on().await;
        // Of a commit, as often as not.
        cut.proxy.lose_an_answer().await;
        cut.proxy.cut();
        cut.heal().await;
    }
    let outcome = cut.end(Place::end_leases).await;
    assert!(outcome.known > 0 && outcome.refused > 0, "no answer was lost: {outcome:?}");
}

#[tokio::test]
async fn a_connection_that_stalls_costs_patience_and_nothing_else() {
    let cut = Cut::new().await;
    cut.go_on().await;
    cut.proxy.stall();
    let stalled = Instant::now();
    let refused = cut.load.refused();
    cut.load.wait_for_refused(refused + 1).await;
    assert!(stalled.elapsed() < Duration::from_secs(8), "{:?}", stalled.elapsed());
    cut.heal().await;
    cut.end(Place::take_over).await;
}

#[tokio::test]
async fn connections_that_died_without_a_word_are_replaced() {
    let cut = Cut::new().await;
    cut.go_on().await;
    cut.proxy.abandon();
    for _ in 0..5 {
        cut.go_on().await;
    }
    cut.end(Place::take_over).await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_connections_that_died_without_a_word() {
    let Cut { place, proxy, server, load } = Cut::new().await;
    load.wait_for_accepted(10).await;
    proxy.stall();
    assert_eq!(server.interrupt().await, Some(0));
    proxy.heal();
    let accepted = load.end().await.accepted;
    let server = place.start().await;
    place.wait_until_done().await;
    nothing_is_lost_or_renamed(&accepted, &place.logpoint.requests());
    place.end([server]).await;
}

/// A sender that is told at once comes again in time; a person would rather wait for the page.
#[tokio::test]
async fn senders_are_told_to_come_again_before_a_page_gives_up() {
    let place = Place::new("").await;
    let proxy = ChaosProxy::before_database(place.database.url()).await;
    let server = place.start_at(&proxy.through(place.database.url())).await;
    let mut person = Person::new(server.base.clone());
    person.sign_in(EMAIL, PASSWORD).await;
    let unseen = place.run(&["token", "create", "unseen"], "").await.trim().to_owned();
    assert_eq!(server.send(&place.token, &event("Granted", "before")).await.0, 202);
    // Not cut: a connection that is seen to be cut fails at once, for whoever has it.
    proxy.stall();
    let (one, another) = (event("Granted", "one"), event("Granted", "another"));
    let told = async {
        // With a token that was just seen, the events wait for the database; with one that was not, the token.
        tokio::join!(server.send(&place.token, &one), server.send(&unseen, &another))
    };
    tokio::select! {
        page = person.get("/webhooks") => panic!("the page came first: {page:?}"),
        (known, unseen) = told => assert_eq!((known.0, unseen.0), (503, 503)),
    }
    proxy.heal();
    wait_until("events to be taken again", async || server.send(&unseen, &another).await.0 == 202)
        .await;
    place.wait_until_done().await;
    place.end([server]).await;
}
