//! Sample events, built from the examples of the schema.

use serde_json::{Map, Value, json};

use super::field::{FIELDS, Field};
use crate::model::{AUDIT_EVENT_TYPE, Timestamp, Trigger};

/// Returns the sample event of a trigger, which **Test** sends and the preview shows.
pub fn sample(trigger: Trigger) -> Value {
    if trigger == Trigger::Audit {
        return audit_sample();
    }
    let approval = match trigger {
        Trigger::Created | Trigger::Manual => "Pending",
        Trigger::Rejected => "Rejected",
        Trigger::Approved
        | Trigger::Granted
        | Trigger::Expired
        | Trigger::Failed
        | Trigger::Audit => "Approved",
    };
    let event_type = match trigger {
        // A manual send uses a received event. The sample is a granted one.
        Trigger::Manual => Trigger::Granted.event_type(),
        Trigger::Created
        | Trigger::Approved
        | Trigger::Rejected
        | Trigger::Granted
        | Trigger::Expired
        | Trigger::Failed
        | Trigger::Audit => trigger.event_type(),
    };
    let mut event = Value::Null;
    for field in FIELDS.iter().filter(|field| is_leaf_of_event(field) && !is_audit(field)) {
        let example = match field.path {
            "event_type" => event_type.as_str(),
            "data.approvals[].status" => approval,
            _ => field.example,
        };
        insert(&mut event, field.path, value_of(field, example));
    }
    event
}

/// An entry of the audit log has some fields of an access request, and its own.
fn audit_sample() -> Value {
    let mut event = Value::Null;
    for field in FIELDS.iter().filter(|field| is_leaf_of_event(field)) {
        let example = match field.path {
            "event_type" => AUDIT_EVENT_TYPE,
            "data.id" => "audit-42",
            "data.friendly_id" => "Webhook changed",
            "data.requester.name" => "ann.ngo@example.com",
            "event_time" => field.example,
            _ if is_audit(field) => field.example,
            _ => continue,
        };
        insert(&mut event, field.path, value_of(field, example));
    }
    let change = json!({ "field": "Name", "before": "Logpoint", "after": "Logpoint comment" });
    insert(&mut event, "data.audit.detail.changes", json!([change]));
    event
}

fn value_of(field: &Field, example: &str) -> Value {
    if field.kind.starts_with("number") { number(example) } else { Value::from(example) }
}

/// Whether only entries of the audit log have the field.
fn is_audit(field: &Field) -> bool {
    field.path.starts_with("data.audit.")
}

/// Whether a field belongs to the event, not to what Gatepost adds, and is not a list or object, which are
/// built from their fields.
fn is_leaf_of_event(field: &Field) -> bool {
    let is_container = field.kind.starts_with("array") || field.kind.starts_with("object");
    !is_container && (field.path.starts_with("data.") || field.path.starts_with("event_"))
}

/// Inserts a value at its path. Lists get one entry.
fn insert(place: &mut Value, path: &str, value: Value) {
    let (first, rest) =
        path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (name, is_list) = first.strip_suffix("[]").map_or((first, false), |name| (name, true));
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    let Some(object) = place.as_object_mut() else { return };
    let mut inner = object.entry(name).or_insert(Value::Null);
    if is_list {
        if !inner.is_array() {
            *inner = Value::Array(vec![Value::Null]);
        }
        let Some(entry) = inner.as_array_mut().and_then(|list| list.first_mut()) else { return };
        inner = entry;
    }
    match rest {
        Some(rest) => insert(inner, rest, value),
        None => *inner = value,
    }
}

/// Seconds since 1970 with a fraction, as in Apono's events.
pub(in crate::model) fn epoch(at: Timestamp) -> Value {
    number(&format!("{}.{:09}", at.timestamp(), at.timestamp_subsec_nanos()))
}

/// Parses a number with all its digits, which an `f64` would lose.
pub(super) fn number(digits: &str) -> Value {
    serde_json::from_str(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Event;

    #[test]
    fn every_sample_is_a_valid_event() {
        for trigger in Trigger::ALL {
            let event = Event::sample(trigger).unwrap();
            assert_eq!(event.event_time, "1696263265.851898000");
            assert_eq!(event.raw.contains("1696266865.852380000"), trigger != Trigger::Audit);
        }
    }

    #[test]
    fn a_sample_has_the_documented_structure() {
        let expected = serde_json::json!({
            "event_type": "AccessRequestRejected",
            "event_time": number("1696263265.851898000"),
            "data": {
                "id": "123",
                "friendly_id": "AR-123",
                "requester": { "id": "user-1", "name": "User", "email": "user@example.com" },
                "grantee": { "id": "user-1", "source_id": "okta-1", "name": "User", "type": "user" },
                "justification": "I need access to this",
                "creation_date": number("1696263265.852378000"),
                "revocation_date": number("1696266865.852380000"),
                "access_flow": { "id": "flow-1", "name": "Flow 1" },
                "access_bundle": { "id": "bundle-1", "name": "Bundle 1" },
                "access_duration_in_seconds": 3600,
                "access_groups": [{
                    "integration": { "id": "integration-1", "type": "Postgresql", "name": "prod db" },
                    "resource_types": [
                        { "id": "postgresql-database", "name": "Database", "display_path": "Postgresql/Database" }
                    ],
                    "access_units": [{
                        "resource": {
                            "id": "res-1", "name": "DB 1", "path": "prod db/res-1",
                            "type": { "id": "postgresql-database", "name": "Database", "display_path": "Postgresql/Database" }
                        },
                        "permission": { "id": "ReadOnly", "name": "ReadOnly" }
                    }]
                }],
                "approvals_logical_relation": "AllOf",
                "approvals": [{
                    "name": "Approver group", "type": "user", "status": "Rejected",
                    "approver": { "id": "user-2", "name": "Approver", "email": "approver@example.com" }
                }],
                "custom_fields": { "ticket": "SEC-42" }
            }
        });
        assert_eq!(sample(Trigger::Rejected).to_string(), expected.to_string());
    }
}
