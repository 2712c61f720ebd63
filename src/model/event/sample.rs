//! A made-up access request, in the shape that Apono documents.

use serde_json::{Value, json};

use crate::model::Trigger;

/// The sample event of a trigger: what **Test** sends and the preview shows.
pub fn sample(trigger: Trigger) -> Value {
    let approval = match trigger {
        Trigger::Created | Trigger::Manual => "Pending",
        Trigger::Rejected => "Rejected",
        Trigger::Approved | Trigger::Granted | Trigger::Expired | Trigger::Failed => "Approved",
    };
    let event_type = match trigger {
        // A webhook fired by hand sends an event that exists; the sample stands for a granted one.
        Trigger::Manual => Trigger::Granted.event_type(),
        Trigger::Created
        | Trigger::Approved
        | Trigger::Rejected
        | Trigger::Granted
        | Trigger::Expired
        | Trigger::Failed => trigger.event_type(),
    };
    let resource_type = json!({
        "id": "postgresql-database", "name": "Database", "display_path": "Postgresql/Database"
    });
    json!({
        "event_type": event_type,
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
                "resource_types": [resource_type],
                "access_units": [{
                    "resource": {
                        "id": "res-1", "name": "DB 1", "path": "prod db/res-1",
                        "type": resource_type
                    },
                    "permission": { "id": "ReadOnly", "name": "ReadOnly" }
                }]
            }],
            "approvals_logical_relation": "AllOf",
            "approvals": [{
                "name": "Approver group", "type": "user", "status": approval,
                "approver": { "id": "user-2", "name": "Approver", "email": "approver@example.com" }
            }],
            "custom_fields": { "ticket": "SEC-42" }
        }
    })
}

/// A number with its digits, which an `f64` would lose.
fn number(digits: &str) -> Value {
    serde_json::from_str(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Event;

    #[test]
    fn every_sample_is_an_event_with_its_digits() {
        for trigger in Trigger::ALL {
            let event = Event::sample(trigger).unwrap();
            assert_eq!(event.event_time, "1696263265.851898000");
            assert!(event.raw.contains("1696266865.852380000"));
        }
    }
}
