//! The addresses of the pages: every list with every filter, and the pages of a webhook, an event and a delivery.

use crate::server::Server;

/// A group of pages with the same goal.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// Goal for p99 of the server's time, in milliseconds.
    pub(super) max_ms: f64,
    pub(super) paths: Vec<String>,
}

/// Filters of the list of webhooks.
const WEBHOOK_FILTERS: [&str; 12] = [
    "",
    "q=region+77",
    "q=nothing-like-it",
    "status=active",
    "status=failing",
    "trigger=Granted",
    "trigger=Failed",
    "sort=-name",
    "sort=url",
    "sort=status",
    "sort=last",
    "sort=rate",
];
/// Filters of the list of events.
const EVENT_FILTERS: [&str; 9] = [
    "",
    "q=user-4711",
    "q=nothing-like-it",
    "trigger=Created",
    "trigger=Failed",
    "result=delivered",
    "result=failed",
    "result=not_sent",
    "trigger=Expired&result=failed&q=prod",
];
/// Filters of the list of deliveries.
const DELIVERY_FILTERS: [&str; 15] = [
    "",
    "state=delivered",
    "state=failed",
    "state=cancelled",
    "state=due",
    "state=waiting",
    "trigger=Failed",
    "status=200",
    "status=500",
    "status=4xx",
    "status=no+response",
    "q=user-4711",
    "q=nothing-like-it",
    "q=success&in=response",
    "q=nothing-like-it&in=response",
];

/// Returns the pages to request.
pub(super) async fn groups(server: &Server) -> [Group; 4] {
    let text = async |sql: &str| server.text(sql).await;
    let webhook = text("select id::text from webhooks where name = 'Webhook 77'").await;
    let old = "order by id desc offset 1000000 limit 1";
    let event = text(&format!("select id::text from events {old}")).await;
    let request = text(&format!("select request from events {old}")).await;
    let delivery = text(&format!("select id::text from delivery_history {old}")).await;
    let day =
        text("select to_char(now() at time zone 'utc' - interval '3 days', 'YYYY-MM-DD')").await;
    let hour = format!("from={day}T08%3A00&to={day}T09%3A00");
    let of_events = [
        format!("q={request}"),
        hour.clone(),
        format!("{hour}&q=nothing-like-it"),
        format!("{hour}&result=not_sent"),
    ];
    let of_deliveries = [
        format!("webhook={webhook}"),
        format!("webhook={webhook}&state=failed"),
        format!("webhook={webhook}&q=nothing-like-it"),
        format!("webhook={webhook}&status=503"),
        hour.clone(),
        format!("{hour}&state=failed"),
        format!("{hour}&q=nothing-like-it&in=response"),
    ];
    let single = vec![
        format!("/events/{event}"),
        format!("/events/{event}?show=not_sent"),
        format!("/deliveries/{delivery}"),
        format!("/webhooks/{webhook}"),
    ];
    [
        list("/webhooks", 10.0, &WEBHOOK_FILTERS, &[]),
        list("/events", 15.0, &EVENT_FILTERS, &of_events),
        list("/deliveries", 15.0, &DELIVERY_FILTERS, &of_deliveries),
        Group { name: "an event, a delivery, a webhook", max_ms: 25.0, paths: single },
    ]
}

fn list(name: &'static str, max_ms: f64, filters: &[&str], more: &[String]) -> Group {
    let filters = filters.iter().copied().chain(more.iter().map(String::as_str));
    Group { name, max_ms, paths: filters.map(|filter| format!("{name}?{filter}")).collect() }
}
