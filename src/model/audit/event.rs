//! An entry as an event, for webhooks with the trigger `Audit`.

use serde_json::{Map, Value, json};

use super::{AuditAction, RecordedEntry};
use crate::model::AUDIT_EVENT_TYPE;
use crate::model::event::{Event, EventError, epoch};

impl RecordedEntry {
    /// Returns the entry as an event, in the same envelope as an access request.
    ///
    /// # Errors
    /// The event is invalid, which a test rules out.
    pub fn event(&self) -> Result<Event, Vec<EventError>> {
        // A later version may have added the action.
        let label = match AuditAction::from_name(&self.action) {
            Some(action) => action.label(),
            None => &self.action,
        };
        let detail: Value = serde_json::from_str(&self.detail).unwrap_or(Value::Object(Map::new()));
        let event = json!({
            "event_type": AUDIT_EVENT_TYPE,
            "event_time": epoch(self.at),
            "data": {
                "id": format!("audit-{}", self.seq),
                "friendly_id": label,
                "requester": { "name": self.actor_name },
                "audit": {
                    "seq": self.seq,
                    "action": self.action,
                    "actor_kind": self.actor_kind,
                    "actor": self.actor_name,
                    "address": self.address,
                    "request_id": self.request_id,
                    "object_kind": self.object.kind,
                    "object_id": self.object.id,
                    "object_name": self.object.name,
                    "detail": detail,
                },
            },
        });
        Event::parse(&event.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::audit::AuditObject;
    use crate::model::{Timestamp, Trigger};

    proptest! {
        #[test]
        fn every_entry_is_a_valid_event(
            seq in 1..i64::MAX,
            texts in proptest::collection::vec("\\PC{0,20}", 6),
            micros in 0..4_000_000_000_000_000_i64,
        ) {
            let [actor_kind, actor_name, address, action, name, value] =
                <[String; 6]>::try_from(texts).unwrap();
            let entry = RecordedEntry {
                seq,
                at: Timestamp::from_timestamp_micros(micros).unwrap(),
                actor_kind,
                actor_name: actor_name.clone(),
                address,
                request_id: String::new(),
                action,
                object: AuditObject { kind: "user".to_owned(), id: String::new(), name },
                detail: json!({ "role": value }).to_string(),
                previous_hash: Vec::new(),
                hash: Vec::new(),
            };
            let event = entry.event().unwrap();
            prop_assert_eq!(event.trigger, Trigger::Audit);
            prop_assert_eq!(&event.request_id, &format!("audit-{seq}"));
            let audit = &event.payload()["data"]["audit"];
            prop_assert_eq!(audit["actor"].as_str().unwrap(), actor_name);
            prop_assert_eq!(audit["detail"]["role"].as_str().unwrap(), value);
        }
    }
}
