//! Explains for every webhook whether an event was sent to it, and if not, why.

use std::collections::HashMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::actions::{Actions, check_manual_send};
use crate::model::delivery::DeliveryState;
use crate::model::event::Event;
use crate::model::webhook::{Conditions, NotSent, Rules, Webhook};
use crate::model::{EventId, WebhookId};
use crate::store::deliveries::by_event::{self, EventDelivery, EventResult};
use crate::store::events::{self, StoredEvent};
use crate::store::past_webhooks::{self, PastQuery, PastWebhook};
use crate::store::{self, sample_requests};

/// The webhooks to explain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExplainedPart {
    /// All webhooks. Those that have deliveries come first.
    #[default]
    All,
    /// Those that have deliveries.
    Sent,
    /// Those that have none.
    NotSent,
}

/// A page of an explanation.
#[derive(Debug, Clone, Copy)]
pub struct ExplainQuery<'a> {
    /// Which webhooks.
    pub part: ExplainedPart,
    /// Only webhooks whose name contains this text, ignoring case.
    pub text: &'a str,
    /// The last webhook of the previous page.
    pub after: Option<WebhookId>,
    /// Maximum number of webhooks.
    pub limit: usize,
}

/// What became of an event.
#[derive(Debug)]
pub struct EventExplanation {
    /// The event.
    pub event: StoredEvent,
    /// The event as received.
    pub payload: String,
    /// The sample access request of an event that was sent as a sample to all webhooks that match.
    pub sample: Option<Uuid>,
    /// The result of all its deliveries.
    pub result: EventResult,
    /// A page of webhooks.
    pub webhooks: Vec<ExplainedWebhook>,
    /// The webhook after which the next page begins. `None` on the last page.
    pub next: Option<WebhookId>,
}

/// The current status of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookStatus {
    /// Active.
    Active,
    /// Deactivated by a user.
    Inactive,
    /// Paused by Gatepost.
    Paused,
    /// Deleted.
    Deleted,
}

/// What became of an event at one webhook.
#[derive(Debug)]
pub struct ExplainedWebhook {
    /// The webhook's id.
    pub id: WebhookId,
    /// Its current name, or its last one.
    pub name: String,
    /// Its current status.
    pub status: WebhookStatus,
    /// The deliveries, oldest first.
    pub deliveries: Vec<EventDelivery>,
    /// Why the event was not sent when it was received. `None` if it was. It may have been sent manually later.
    pub not_sent: Option<NotSent>,
    /// Whether the event can be sent to it manually.
    pub can_send: bool,
}

impl Actions {
    /// Explains an event. `None` if there is none with this id, or retention has removed it.
    ///
    /// # Errors
    /// If the database failed.
    pub async fn explain_event(
        &self,
        id: EventId,
        query: &ExplainQuery<'_>,
    ) -> Result<Option<EventExplanation>, store::Error> {
        let db = &self.parts.db;
        let Some((event, payload)) = events::find(db, id).await? else { return Ok(None) };
        let deliveries = by_event::list(db, id).await?;
        let result = EventResult::count(&deliveries);
        let mut by_webhook: HashMap<WebhookId, Vec<EventDelivery>> = HashMap::new();
        for delivery in deliveries {
            by_webhook.entry(delivery.webhook_id).or_default().push(delivery);
        }
        let sent: Vec<Uuid> = by_webhook.keys().map(|id| id.uuid()).collect();
        let mut ids = self.list_page(query, &sent).await?;
        let has_more = ids.len() > query.limit;
        ids.truncate(query.limit);
        let next = ids.last().copied().filter(|_| has_more).map(WebhookId::from);
        let past = past_webhooks::list(db, &ids, event.received_at).await?;
        let parsed = Event::parse(&payload).map_err(|_faults| store::Error::Corrupt {
            table: "events",
            detail: format!("{id} is not a valid event"),
        })?;
        let sample = if event.is_sample() {
            sample_requests::find_sent_to_all(db, &parsed.request_id).await?
        } else {
            None
        };
        let stored = event.clone();
        // Webhooks are evaluated only for events that all of them could get.
        let is_for_one = event.is_sample() && sample.is_none();
        let mut webhooks = self
            .run_blocking(move || {
                let explain = |past: PastWebhook| {
                    let deliveries = by_webhook.remove(&past.id).unwrap_or_default();
                    ExplainedWebhook::new(past, deliveries, is_for_one, (&stored, &parsed))
                };
                past.into_iter().map(explain).collect::<Vec<_>>()
            })
            .await;
        let place: HashMap<Uuid, usize> =
            ids.into_iter().enumerate().map(|(at, id)| (id, at)).collect();
        webhooks.sort_by_key(|webhook| place.get(&webhook.id.uuid()).copied());
        Ok(Some(EventExplanation { event, payload, sample, result, webhooks, next }))
    }

    /// Returns the ids of a page, and of the webhook after it. `sent` are the webhooks that have deliveries.
    async fn list_page(
        &self,
        query: &ExplainQuery<'_>,
        sent: &[Uuid],
    ) -> Result<Vec<Uuid>, store::Error> {
        let db = &self.parts.db;
        let limit = i64::try_from(query.limit.saturating_add(1)).unwrap_or(i64::MAX);
        let mut page = PastQuery { text: query.text, after: query.after, limit };
        let is_past_sent = query.after.is_some_and(|after| !sent.contains(&after.uuid()));
        let mut ids = Vec::new();
        if query.part != ExplainedPart::NotSent && !is_past_sent {
            ids = past_webhooks::list_among(db, &page, sent).await?;
            page.after = None;
        }
        let missing = limit - i64::try_from(ids.len()).unwrap_or(limit);
        if query.part != ExplainedPart::Sent && missing > 0 {
            page.limit = missing;
            ids.extend(past_webhooks::list_except(db, &page, sent).await?);
        }
        Ok(ids)
    }
}

impl ExplainedWebhook {
    fn new(
        past: PastWebhook,
        deliveries: Vec<EventDelivery>,
        is_for_one: bool,
        (stored, event): (&StoredEvent, &Event),
    ) -> Self {
        let status = match (past.deleted_at, past.current.active) {
            (Some(_), _) => WebhookStatus::Deleted,
            (None, true) => WebhookStatus::Active,
            (None, false) if past.is_paused => WebhookStatus::Paused,
            (None, false) => WebhookStatus::Inactive,
        };
        let is_automatic = |delivery: &EventDelivery| delivery.sender.is_none();
        let is_explained =
            deliveries.iter().any(is_automatic) || (is_for_one && !deliveries.is_empty());
        Self {
            not_sent: match is_explained {
                true => None,
                false if is_for_one => Some(NotSent::Sample),
                false => Some(why_not_sent(&past, stored, event)),
            },
            id: past.id,
            can_send: status == WebhookStatus::Active && check_manual_send(&past.current).is_ok(),
            status,
            name: past.name,
            deliveries,
        }
    }

    /// Whether it was deleted.
    pub fn is_deleted(&self) -> bool {
        self.status == WebhookStatus::Deleted
    }

    /// Describes what became of the event, in one line.
    pub fn text(&self) -> String {
        let states = self.deliveries.iter().map(|delivery| self.describe(delivery));
        let reason = self.not_sent.as_ref().map(|reason| {
            let before = if self.deliveries.is_empty() { "" } else { "Not sent when received: " };
            format!("{before}{reason}")
        });
        states.chain(reason).collect::<Vec<_>>().join(". ")
    }

    /// Describes the state of a delivery.
    pub fn describe(&self, delivery: &EventDelivery) -> String {
        let attempts = match delivery.attempts {
            1 => "1 attempt".to_owned(),
            count => format!("{count} attempts"),
        };
        let state = match delivery.state {
            DeliveryState::Delivered => "Delivered".to_owned(),
            DeliveryState::Failed => format!("Failed after {attempts}"),
            DeliveryState::Cancelled => "Cancelled, because the webhook was deleted".to_owned(),
            // Intake does not hold deliveries: no instance sends those of an inactive webhook.
            DeliveryState::Held | DeliveryState::Due if self.status == WebhookStatus::Paused => {
                "Paused: kept until the webhook is activated".to_owned()
            }
            DeliveryState::Held | DeliveryState::Due if self.status == WebhookStatus::Inactive => {
                "Inactive: kept until the webhook is activated".to_owned()
            }
            DeliveryState::Held => "Released in a moment".to_owned(),
            DeliveryState::Waiting => {
                "Waits for an earlier delivery of the access request".to_owned()
            }
            DeliveryState::Due if delivery.attempts > 0 => format!("Retried after {attempts}"),
            DeliveryState::Due => "Due".to_owned(),
            DeliveryState::Leased => "Being sent".to_owned(),
        };
        match &delivery.sender {
            Some(sender) => format!("Sent manually by {sender}: {state}"),
            None => state,
        }
    }
}

/// Returns why an event was not sent to a webhook when it was received.
fn why_not_sent(past: &PastWebhook, stored: &StoredEvent, event: &Event) -> NotSent {
    if past.created_at > stored.received_at {
        return NotSent::CreatedLater;
    }
    if past.deleted_at.is_some_and(|deleted_at| deleted_at <= stored.received_at) {
        return NotSent::Deleted;
    }
    let Some(draft) = &past.in_force else { return NotSent::UnknownSettings };
    if !draft.active && !past.was_paused {
        return NotSent::Inactive;
    }
    match Conditions::new(draft).map(|conditions| conditions.skip_reason(event)) {
        Ok(Some(reason)) => NotSent::Skipped(reason),
        // The router does not load webhooks that are invalid in other fields.
        Ok(None) if Webhook::new(draft.clone(), &Rules::STORED).is_ok() => NotSent::JustChanged,
        Ok(None) | Err(_) => NotSent::Invalid,
    }
}

impl EventExplanation {
    /// The explanation as the API returns it.
    pub fn to_json(&self) -> Value {
        let webhooks: Vec<Value> = self.webhooks.iter().map(ExplainedWebhook::to_json).collect();
        json!({
            "event": {
                "id": self.event.id,
                "received_at": self.event.received_at,
                "trigger": self.event.status(),
                "event_type": self.event.event_type,
                "request": self.event.request,
                "requester": self.event.requester,
                "integrations": self.event.integrations,
                "sample": self.event.is_sample(),
            },
            "webhooks": webhooks,
            "next": self.next,
        })
    }
}

impl ExplainedWebhook {
    fn to_json(&self) -> Value {
        let delivery = |delivery: &EventDelivery| {
            json!({
                "id": delivery.id,
                "state": delivery.state.as_str(),
                "attempts": delivery.attempts,
                "sent_manually_by": delivery.sender,
            })
        };
        json!({
            "id": self.id,
            "name": self.name,
            "deleted": self.is_deleted(),
            "sent": !self.deliveries.is_empty(),
            "deliveries": self.deliveries.iter().map(delivery).collect::<Vec<_>>(),
            "reason": self.not_sent.as_ref().map(NotSent::code),
            "text": self.text(),
        })
    }
}
