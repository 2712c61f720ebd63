//! `gatepost events explain`.

use anyhow::bail;
use serde_json::Value;

use super::table::align;
use crate::actions::{Actions, EventExplanation, ExplainQuery, ExplainedPart, ExplainedWebhook};
use crate::config::Config;
use crate::model::{EventId, WebhookId};

/// Number of webhooks to explain at once.
const PAGE_ROWS: usize = 500;

/// Prints for every webhook whether an event was sent to it, and if not, why.
pub(super) async fn explain(config: &Config, id: EventId, as_json: bool) -> anyhow::Result<()> {
    let (database, actions) = super::open(config).await?;
    let pages = read_all(&actions, id).await;
    database.close().await;
    let pages = pages?;
    let Some(first) = pages.first() else {
        bail!("there is no event {id}; it may have been removed by the retention policy")
    };
    if as_json {
        return super::print(&format!("{:#}\n", join(&pages)));
    }
    let event = &first.event;
    let received = event.received_at.format("%Y-%m-%d %H:%M:%S UTC");
    let requester = if event.requester.is_empty() { "an unknown user" } else { &event.requester };
    let sample = if event.is_sample() { "Sample: " } else { "" };
    let head = format!(
        "{sample}{} of {} by {requester}, received {received}\n\n",
        event.event_type, event.request
    );
    let titles = ["WEBHOOK", "RESULT", "REASON"].map(str::to_owned);
    let webhooks = pages.iter().flat_map(|page| &page.webhooks);
    let rows: Vec<[String; 3]> = std::iter::once(titles).chain(webhooks.map(row)).collect();
    super::print(&format!("{head}{}", align(&rows)))
}

async fn read_all(actions: &Actions, id: EventId) -> anyhow::Result<Vec<EventExplanation>> {
    let mut pages = Vec::new();
    let mut after: Option<WebhookId> = None;
    loop {
        let query = ExplainQuery { part: ExplainedPart::All, text: "", after, limit: PAGE_ROWS };
        let Some(page) = actions.explain_event(id, &query).await? else { return Ok(pages) };
        after = page.next;
        pages.push(page);
        if after.is_none() {
            return Ok(pages);
        }
    }
}

/// Returns all pages as one response of the API.
fn join(pages: &[EventExplanation]) -> Value {
    let mut pages = pages.iter().map(EventExplanation::to_json);
    let mut all = pages.next().unwrap_or_default();
    for mut page in pages {
        let more = page.pointer_mut("/webhooks").and_then(Value::as_array_mut);
        let list = all.pointer_mut("/webhooks").and_then(Value::as_array_mut);
        if let (Some(list), Some(more)) = (list, more) {
            list.append(more);
        }
    }
    if let Some(all) = all.as_object_mut() {
        all.remove("next");
    }
    all
}

fn row(webhook: &ExplainedWebhook) -> [String; 3] {
    let name = if webhook.is_deleted() {
        format!("{} (deleted)", webhook.name)
    } else {
        webhook.name.clone()
    };
    let states: Vec<&str> =
        webhook.deliveries.iter().map(|delivery| delivery.state.as_str()).collect();
    let result = if states.is_empty() { "not sent".to_owned() } else { states.join(", ") };
    [name, result, webhook.text()]
}
