//! Live updates of open pages, and their switch.

use std::time::Duration;

use serde_json::json;

use crate::appearance::{check_all, stepped};
use crate::driver::{Browser, TAB};
use crate::sample_data::fill;
use crate::support::logpoint::{Behaviour, FakeLogpoint, Options};
use crate::support::scenario::Scenario;
use crate::support::{TestApp, event};

/// Time within which a page must not change.
const QUIET_TIME: Duration = Duration::from_secs(4);
const ROWS: &str = "document.querySelectorAll('#deliveries-table tbody tr').length";

async fn deliver(scenario: &Scenario, request: &str, total: i64) {
    let (status, _) = scenario.app.send(&scenario.token, &event("Granted", request)).await;
    assert_eq!(status, 202);
    scenario.app.wait_for("delivered", total).await;
}

/// Opens a page, and marks it, so that a reload is noticed.
async fn open(browser: &Browser, path: &str) {
    browser.open(path).await;
    browser.wait_until("document.querySelector('[data-live]').dataset.state === 'live'").await;
    browser.eval("window.wasOpened = true").await;
}

/// Fails if an expression becomes true.
async fn assert_never(browser: &Browser, expression: &str) {
    let waiting = browser.wait_until(expression);
    let changed = tokio::time::timeout(QUIET_TIME, waiting).await;
    assert!(changed.is_err(), "{expression}");
}

#[tokio::test]
async fn pause_live_and_read() {
    let scenario = Scenario::start().await;
    deliver(&scenario, "1", 1).await;
    let ann = Browser::signed_in(&scenario.app).await;
    open(&ann, "/deliveries").await;
    deliver(&scenario, "2", 2).await;
    ann.wait_until(&format!("{ROWS} === 2")).await;
    ann.wait_for_text("#deliveries-table", "AR-2").await;

    ann.click("[data-live]").await;
    ann.wait_for_text("[data-live]", "Paused").await;
    assert_eq!(ann.eval("document.querySelector('[data-live]').ariaPressed").await, "false");
    deliver(&scenario, "3", 3).await;
    assert_never(&ann, &format!("{ROWS} === 3")).await;
    assert_eq!(ann.eval("window.wasOpened").await, true);
    // Also on other pages of the tab.
    ann.open("/events").await;
    ann.wait_for_text("[data-live]", "Paused").await;
    ann.open("/deliveries").await;
    ann.wait_until(&format!("{ROWS} === 3")).await;
    deliver(&scenario, "4", 4).await;
    ann.click("[data-live]").await;
    ann.wait_for_text("[data-live]", "Live").await;
    ann.wait_until(&format!("{ROWS} === 4")).await;
    assert!(ann.has_focus("[data-live]").await);
    ann.finish().await;
    scenario.app.finish().await;
}

#[tokio::test]
async fn nothing_is_replaced_while_it_is_used() {
    let scenario = Scenario::start().await;
    deliver(&scenario, "1", 1).await;
    let ann = Browser::signed_in(&scenario.app).await;
    open(&ann, "/deliveries").await;
    let link = "#deliveries-table td.name a";
    ann.eval(&format!("document.querySelector('{link}').focus()")).await;
    deliver(&scenario, "2", 2).await;
    assert_never(&ann, &format!("{ROWS} === 2")).await;
    assert!(ann.has_focus(link).await);
    ann.eval("document.activeElement.blur()").await;
    ann.wait_until(&format!("{ROWS} === 2")).await;

    ann.eval("getSelection().selectAllChildren(document.querySelector('#deliveries-table td'))")
        .await;
    deliver(&scenario, "3", 3).await;
    assert_never(&ann, &format!("{ROWS} === 3")).await;
    ann.eval("getSelection().removeAllRanges()").await;
    ann.wait_until(&format!("{ROWS} === 3")).await;

    // The menu of a webhook, and its focus.
    open(&ann, "/webhooks").await;
    ann.click(".webhooks summary").await;
    ann.eval("document.activeElement.blur()").await;
    let row = "document.querySelector('#webhooks-table tbody tr')";
    ann.eval(&format!("{row}.dataset.kept = 'true'")).await;
    scenario.logpoint.behave([Behaviour::Status(410, String::new())]);
    scenario.app.send(&scenario.token, &event("Granted", "4")).await;
    assert_never(&ann, &format!("{row}.dataset.kept !== 'true'")).await;
    ann.eval("document.querySelector('details[open]').open = false").await;
    ann.wait_for_text("#webhooks-table .last", "Paused").await;
    ann.finish().await;
    scenario.app.finish_with_leftovers().await;
}

#[tokio::test]
async fn the_filters_and_the_position_are_kept() {
    let scenario = Scenario::start().await;
    let many: Vec<_> = (0..45).map(|n| event("Granted", &format!("old-{n}"))).collect();
    scenario.app.send(&scenario.token, &many.into()).await;
    scenario.app.wait_for("delivered", 45).await;
    let ann = Browser::signed_in(&scenario.app).await;
    open(&ann, "/deliveries?q=old").await;
    ann.click("#q").await;
    deliver(&scenario, "new-1", 46).await;
    assert_never(&ann, &format!("{ROWS} !== 45")).await;
    assert!(ann.has_focus("#q").await);
    // A row in the middle of the window stays where it is when another is added above.
    let middle = "document.elementFromPoint(innerWidth / 2, innerHeight / 2)\
                  .closest('tr')?.querySelector('a').href";
    open(&ann, "/deliveries").await;
    ann.eval("window.scrollTo(0, 900)").await;
    let before = ann.wait_until(middle).await;
    deliver(&scenario, "new-2", 47).await;
    ann.wait_until(&format!("{ROWS} === 47")).await;
    assert_eq!(ann.eval(middle).await, before);
    // Pages of older rows are not live.
    ann.open("/deliveries?after=01a20c89-2f6c-7000-bdc2-16ebce841267").await;
    ann.wait_until("document.readyState === 'complete'").await;
    ann.wait_until_gone("[data-live]").await;
    ann.finish().await;
    scenario.app.finish().await;
}

#[tokio::test]
async fn pages_show_what_becomes_of_an_event() {
    let scenario = Scenario::start().await;
    scenario.logpoint.always(Behaviour::Status(500, "no".to_owned()));
    scenario.app.send(&scenario.token, &event("Granted", "1")).await;
    scenario.app.wait_for("due", 1).await;
    let one = async |sql: &'static str| -> String {
        sqlx::query_scalar(sql).fetch_one(scenario.app.database.pool()).await.unwrap()
    };
    let delivery = format!("/deliveries/{}", one("select id::text from deliveries").await);
    let event_page = format!("/events/{}", one("select id::text from events").await);
    let pages = [
        (delivery, "#delivery-state"),
        (event_page, "#event-result"),
        ("/events".to_owned(), "#events-table"),
        (format!("/webhooks/{}", scenario.webhook), "#recent-deliveries"),
        ("/webhooks".to_owned(), "#webhooks-table"),
    ];
    let windows = futures_util::future::join_all(pages.iter().map(async |(path, part)| {
        let ann = Browser::signed_in(&scenario.app).await;
        open(&ann, path).await;
        (ann, *part)
    }))
    .await;
    scenario.logpoint.always(Behaviour::Normal);
    scenario.app.advance(Duration::from_mins(5)).await;
    scenario.app.wait_for("delivered", 1).await;
    for (ann, part) in windows {
        ann.wait_until(&format!(
            "/delivered/i.test(document.querySelector('{part}').innerText) && window.wasOpened"
        ))
        .await;
        ann.finish().await;
    }
    scenario.app.finish().await;
}

#[tokio::test]
async fn a_lost_connection_is_shown_and_restored() {
    let scenario = Scenario::start().await;
    deliver(&scenario, "1", 1).await;
    let ann = Browser::signed_in(&scenario.app).await;
    open(&ann, "/deliveries").await;
    let network = |offline: bool| json!({"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1});
    ann.devtools("Network.enable", json!({})).await;
    ann.devtools("Network.emulateNetworkConditions", network(true)).await;
    // The stream itself is not affected: end it like a stop of the server does.
    sqlx::query("delete from sessions").execute(scenario.app.database.pool()).await.unwrap();
    deliver(&scenario, "2", 2).await;
    ann.wait_for_text("[data-live]", "Reconnecting…").await;
    ann.use_session_of(&scenario.app.admin().await).await;
    ann.devtools("Network.emulateNetworkConditions", network(false)).await;
    ann.wait_for_text("[data-live]", "Live").await;
    ann.wait_until(&format!("{ROWS} === 2 && window.wasOpened")).await;
    ann.finish().await;
    scenario.app.finish().await;
}

#[tokio::test]
async fn a_page_whose_session_has_ended_elsewhere_leads_to_the_sign_in() {
    let scenario = Scenario::start().await;
    deliver(&scenario, "1", 1).await;
    let ann = Browser::signed_in(&scenario.app).await;
    open(&ann, "/deliveries?state=delivered").await;
    sqlx::query("delete from sessions").execute(scenario.app.database.pool()).await.unwrap();
    // The server checks the session before it reports a change.
    deliver(&scenario, "2", 2).await;
    ann.wait_for_path("/login?next=%2Fdeliveries%3Fstate%3Ddelivered").await;
    assert_eq!(ann.texts("#deliveries-table").await, Vec::<String>::new());
    ann.finish().await;
    scenario.app.finish().await;
}

#[tokio::test]
async fn the_switch_is_used_with_the_keyboard_and_absent_without_scripts() {
    let app = TestApp::start().await;
    let ann = Browser::signed_in(&app).await;
    open(&ann, "/deliveries").await;
    ann.eval("document.querySelector('main').focus()").await;
    ann.press(TAB).await;
    assert!(ann.has_focus("[data-live]").await);
    ann.press(" ").await;
    ann.wait_for_text("[data-live]", "Paused").await;
    ann.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    ann.open("/deliveries").await;
    ann.wait_for_text("h1", "Deliveries").await;
    ann.wait_until_gone("[data-live]").await;
    ann.finish().await;
    app.finish().await;
}

#[tokio::test]
async fn appearance_of_the_switch() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let data = fill(&app, &logpoint).await;
    // The tab remembers the switch, so it is clicked on only once.
    let paused =
        [".live:not([data-state=paused]), #q", "[data-live][data-state=paused]"].as_slice();
    let live = ["[data-live][data-state=live]"].as_slice();
    let (delivery, webhook) =
        (format!("/deliveries/{}", data.retrying), format!("/webhooks/{}", data.webhook));
    let scenes = [
        stepped("live-webhooks", "/webhooks", live),
        stepped("live-events", "/events", live),
        stepped("live-delivery", &delivery, live),
        stepped("live-webhook", &webhook, live),
        stepped("live-deliveries", "/deliveries", live),
        stepped("live-paused", "/deliveries", paused),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}
