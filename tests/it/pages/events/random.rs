//! The explanation compared with the deliveries that exist, for random webhooks and events.

use gatepost::identity::Scope;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::app::EMAIL;
use crate::support::builders::WebhookBuilder;
use crate::support::logpoint::{FakeLogpoint, Options};
use crate::support::{TestApp, event, http};

const WEBHOOKS: usize = 12;
const EVENTS: usize = 40;

/// Settings of a webhook: triggers, filters, and whether it is active.
type Settings = (Vec<&'static str>, Value, bool);

fn settings() -> impl Strategy<Value = Settings> {
    let triggers = subsequence(vec!["Created", "Granted", "Expired", "Manual"], 1..4);
    let choice = |values: Vec<&'static str>| {
        (subsequence(values, 1..3), any::<bool>()).prop_map(|(values, any)| {
            if any { json!(values) } else { json!({ "none_of": values }) }
        })
    };
    let filters = (
        proptest::option::of(choice(vec!["prod*", "staging", "*db"])),
        proptest::option::of(choice(vec!["Database", "Bucket"])),
        proptest::option::of(choice(vec!["ann@*", "bo@b.example"])),
        proptest::option::of(Just(json!(["automatic"]))),
    );
    let filters = filters.prop_map(|(integration, kind, requester, approval)| {
        let mut filters = json!({});
        for (name, value) in [
            ("integration", integration),
            ("resource_type", kind),
            ("requester", requester),
            ("approval", approval),
        ] {
            if let Some(value) = value {
                filters[name] = value;
            }
        }
        filters
    });
    (triggers, filters, prop::bool::weighted(0.8))
}

fn any_event() -> impl Strategy<Value = Value> {
    let group = (select(vec!["prod db", "staging", "x"]), select(vec!["Database", "Bucket"]));
    let groups = proptest::collection::vec(group, 0..3);
    let requester = select(vec!["ann@a.example", "bo@b.example", "cy@c.example"]);
    let trigger = select(vec!["Created", "Granted", "Expired"]);
    (trigger, groups, requester, any::<bool>(), 0..1_000_000_u32).prop_map(
        |(trigger, groups, requester, is_approved, time)| {
            let mut event = event(trigger, "7");
            let group = |(name, kind): &(&str, &str)| {
                json!({"integration": {"name": name}, "resource_types": [{"name": kind}]})
            };
            event["event_time"] = time.into();
            event["data"]["access_groups"] = groups.iter().map(group).collect();
            event["data"]["requester"]["email"] = requester.into();
            if !is_approved {
                event["data"]["approvals"] = json!([]);
            }
            event
        },
    )
}

fn next<T: std::fmt::Debug>(runner: &mut TestRunner, strategy: impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

async fn explain(app: &TestApp, token: &str, id: &str) -> Value {
    let url = app.url(&format!("/api/v1/events/{id}/explain"));
    let response = http().get(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn the_explanation_says_sent_exactly_if_there_is_a_delivery() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let mut runner = TestRunner::default();
    let build = |name: &str, (triggers, filters, active): Settings| {
        let webhook = WebhookBuilder::reopen(&logpoint).name(name).triggers(&triggers);
        webhook.with("filters", filters).with("active", active).with("ordered", false).file()
    };
    let mut webhooks: Vec<String> = Vec::new();
    for n in 0..WEBHOOKS / 2 {
        let file = build(&format!("W{n}"), next(&mut runner, settings()));
        webhooks.extend(app.webhooks(&file).await);
    }
    let (token, reader) = (app.token(Scope::Events).await, app.token(Scope::Read).await);
    let mut events = Vec::new();
    for n in 0..EVENTS {
        let one = next(&mut runner, any_event());
        let (_, response) = app.send(&token, &one).await;
        events.push((response["events"][0]["id"].as_str().unwrap().to_owned(), one));
        // In between, webhooks are added and changed.
        let file = build(&format!("W{}", webhooks.len()), next(&mut runner, settings()));
        if n % 7 == 6 && webhooks.len() < WEBHOOKS {
            webhooks.extend(app.webhooks(&file).await);
        } else if n % 5 == 4 {
            let at = n % webhooks.len();
            let file = build(&format!("W{at}"), next(&mut runner, settings()));
            app.change_webhook(&webhooks[at], &file, EMAIL).await;
        }
    }
    let mut sent = 0;
    for (id, one) in &events {
        let explained = explain(&app, &reader, id).await;
        let list = explained["webhooks"].as_array().unwrap();
        assert_eq!(list.len(), webhooks.len());
        for webhook in list {
            let sql = "select count(*) from deliveries where event_id = $1::uuid and webhook_id = $2::uuid";
            let count: i64 = sqlx::query_scalar(sql)
                .bind(id)
                .bind(webhook["id"].as_str().unwrap())
                .fetch_one(app.database.pool())
                .await
                .unwrap();
            assert_eq!(webhook["sent"], count == 1, "{webhook:#} {one:#}");
            let reason = webhook["reason"].as_str().unwrap_or("sent");
            // Never a guess: the settings explain each event that was not sent.
            let known = ["sent", "created_later", "inactive", "trigger", "filter", "access_groups"];
            assert!(known.contains(&reason), "{webhook:#} {one:#}");
            assert_eq!(reason == "sent", count == 1, "{webhook:#} {one:#}");
            sent += count;
        }
    }
    assert!(sent > 0, "nothing was sent");
    app.wait_until("all deliveries to end", async || {
        let open = "select count(*) from deliveries where state in ('due', 'leased', 'waiting')";
        let open: i64 = sqlx::query_scalar(open).fetch_one(app.database.pool()).await.unwrap();
        open == 0
    })
    .await;
    app.finish().await;
}
