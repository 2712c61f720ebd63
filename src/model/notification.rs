//! A notification of changes of webhooks' health: its texts, and the event that is sent to the chosen webhook.

use serde_json::json;
use url::Url;

use super::alert::{AlertState, HealthChange};
use super::event::{Event, EventError, epoch};
use super::{NOTIFICATION_EVENT_TYPE, Timestamp, WebhookId};

/// Maximum number of webhooks that a text names.
const MAX_NAMED: usize = 20;
/// Maximum number of changes in a notification. Others are only counted.
const MAX_CHANGES: usize = 100;
/// All states, the worst first.
const STATES: [AlertState; 3] = [AlertState::Paused, AlertState::Failing, AlertState::Recovered];

/// A notification.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Identifies it.
    pub id: uuid::Uuid,
    /// When the changes were noticed.
    pub at: Timestamp,
    /// The changes. None in a test.
    pub changes: Vec<HealthChange>,
    /// How many further changes there are to each state.
    pub omitted: Vec<(AlertState, usize)>,
}

impl Notification {
    /// Creates a notification, and keeps as many changes as an event can hold.
    pub fn new(id: uuid::Uuid, at: Timestamp, mut changes: Vec<HealthChange>) -> Self {
        let rest = changes.split_off(changes.len().min(MAX_CHANGES));
        let count = |state| rest.iter().filter(|change| change.state == state).count();
        let omitted = STATES.map(|state| (state, count(state)));
        let omitted = omitted.into_iter().filter(|(_, count)| *count > 0).collect();
        Self { id, at, changes, omitted }
    }

    fn count(&self, state: AlertState) -> usize {
        let kept = self.changes.iter().filter(|change| change.state == state).count();
        let omitted = self.omitted.iter().filter(|(of, _)| *of == state);
        kept + omitted.map(|(_, count)| count).sum::<usize>()
    }

    /// The subject, such as `“Logpoint” is failing`.
    pub fn title(&self) -> String {
        match self.changes.as_slice() {
            [] => "Test of notifications".to_owned(),
            [one] => format!("“{}” {}", one.webhook, verb(one.state, 1)),
            _ => {
                let parts = STATES
                    .map(|state| (self.count(state), state))
                    .into_iter()
                    .filter(|(count, _)| *count > 0)
                    .map(|(count, state)| {
                        let noun = if count == 1 { "webhook" } else { "webhooks" };
                        format!("{count} {noun} {}", verb(state, count))
                    });
                parts.collect::<Vec<String>>().join(", ")
            }
        }
    }

    /// The text: what happened to each webhook, and what to do. Links need the address of the pages.
    pub fn text(&self, public_url: Option<&Url>) -> String {
        if self.changes.is_empty() {
            return "This is a test. Gatepost reports here when webhooks fail, are paused, or have recovered.".to_owned();
        }
        let mut lines = Vec::new();
        for change in self.changes.iter().take(MAX_NAMED) {
            lines.push(format!(
                "“{}” {}. {}",
                change.webhook,
                verb(change.state, 1),
                advice(change)
            ));
            lines.extend(link(public_url, change.webhook_id));
            lines.push(String::new());
        }
        let omitted: usize = self.omitted.iter().map(|(_, count)| count).sum();
        let more = self.changes.len().saturating_sub(MAX_NAMED) + omitted;
        if more > 0 {
            lines.push(format!("And {more} more: see the list of webhooks."));
        }
        lines.join("\n").trim_end().to_owned()
    }

    /// The event, in the same envelope as an access request, so that templates for those show the title and the text.
    ///
    /// # Errors
    /// The event is invalid, which a test rules out.
    pub fn event(&self, public_url: Option<&Url>) -> Result<Event, Vec<EventError>> {
        let webhooks: Vec<_> = self
            .changes
            .iter()
            .map(|change| {
                json!({
                    "id": change.webhook_id.to_string(),
                    "name": change.webhook,
                    "state": change.state.to_string(),
                    "reason": change.reason,
                    "url": link(public_url, change.webhook_id),
                })
            })
            .collect();
        let event = json!({
            "event_type": NOTIFICATION_EVENT_TYPE,
            "event_time": epoch(self.at),
            "data": {
                "id": format!("notification-{}", self.id),
                "friendly_id": self.title(),
                "justification": self.text(public_url),
                "requester": { "name": "Gatepost", "email": "gatepost" },
                "notification": { "title": self.title(), "webhooks": webhooks },
            },
        });
        Event::parse(&event.to_string())
    }
}

fn verb(state: AlertState, count: usize) -> &'static str {
    match (state, count) {
        (AlertState::Failing, 1) => "is failing",
        (AlertState::Failing, _) => "are failing",
        (AlertState::Paused, 1) => "is paused",
        (AlertState::Paused, _) => "are paused",
        (AlertState::Recovered, 1) => "has recovered",
        (AlertState::Recovered, _) => "have recovered",
    }
}

fn advice(change: &HealthChange) -> String {
    let reason = change.reason.trim_end_matches('.');
    match change.state {
        AlertState::Failing => format!(
            "{reason}. Its deliveries wait, and are sent once an attempt succeeds. Check the target, and see the newest \
             invocation."
        ),
        AlertState::Paused => format!(
            "{reason}. New deliveries wait, and nothing is sent until an editor resumes the webhook. Fix the cause first."
        ),
        AlertState::Recovered => "The deliveries that waited are being sent.".to_owned(),
    }
}

fn link(public_url: Option<&Url>, id: WebhookId) -> Option<String> {
    let mut url = public_url?.clone();
    url.set_path(&format!("/webhooks/{id}"));
    Some(url.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Trigger;

    fn change(name: &str, state: AlertState) -> HealthChange {
        let reason = "Connection refused.".to_owned();
        HealthChange {
            webhook_id: uuid::Uuid::nil().into(),
            webhook: name.to_owned(),
            state,
            reason,
        }
    }

    fn notification(changes: Vec<HealthChange>) -> Notification {
        Notification::new(uuid::Uuid::nil(), Timestamp::UNIX_EPOCH, changes)
    }

    #[test]
    fn the_title_names_one_webhook_and_counts_several() {
        use AlertState::{Failing, Paused, Recovered};
        assert_eq!(notification(vec![change("A", Failing)]).title(), "“A” is failing");
        let several = vec![
            change("A", Failing),
            change("B", Failing),
            change("C", Paused),
            change("D", Recovered),
        ];
        let title = "1 webhook is paused, 2 webhooks are failing, 1 webhook has recovered";
        assert_eq!(notification(several).title(), title);
    }

    #[test]
    fn the_text_says_what_to_do_and_links_to_the_page() {
        let one = notification(vec![change("A", AlertState::Failing)]);
        assert_eq!(
            one.text(Some(&Url::parse("https://gatepost.example.com").unwrap())),
            "“A” is failing. Connection refused. Its deliveries wait, and are sent once an attempt succeeds. Check the target, and \
             see the newest invocation.\nhttps://gatepost.example.com/webhooks/00000000-0000-0000-0000-000000000000"
        );
        let many = notification(vec![change("A", AlertState::Paused); 25]);
        assert!(many.text(None).ends_with("And 5 more: see the list of webhooks."));
        let all = notification(vec![change("A", AlertState::Failing); 10_000]);
        assert_eq!(all.title(), "10000 webhooks are failing");
        assert!(all.text(None).ends_with("And 9980 more: see the list of webhooks."));
        assert!(all.event(None).unwrap().raw.len() < 50_000);
    }

    proptest! {
        #[test]
        fn every_notification_is_a_valid_event(names in proptest::collection::vec("\\PC{0,30}", 0..30)) {
            let changes = names.iter().map(|name| change(name, AlertState::Failing)).collect();
            let event = notification(changes).event(None).unwrap();
            prop_assert_eq!(event.trigger, Trigger::Audit);
            let webhooks = &event.payload()["data"]["notification"]["webhooks"];
            prop_assert_eq!(webhooks.as_array().unwrap().len(), names.len());
        }
    }
}
