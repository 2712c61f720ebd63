//! Sample access requests: events with values that a user enters, from the creation of the request to its end.

use chrono::TimeDelta;
use serde_json::Value;

use super::sample::{epoch, sample};
use crate::model::{Timestamp, Trigger};

/// Maximum length of an entered value, in characters.
pub const MAX_SAMPLE_VALUE_CHARS: usize = 200;
/// The first part of the id of each sample access request.
pub const SAMPLE_ID_PREFIX: &str = "gatepost-sample-";
/// How long access is granted in a sample, in seconds. It is the value of the example.
const ACCESS_DURATION_SECS: i64 = 3600;

/// A value of a sample that a user can enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleField {
    /// Name in the form.
    pub name: &'static str,
    /// Label in the form.
    pub label: &'static str,
    /// JSON pointers (RFC 6901) to the places of the value.
    pointers: &'static [&'static str],
}

const fn field(
    name: &'static str,
    label: &'static str,
    pointers: &'static [&'static str],
) -> SampleField {
    SampleField { name, label, pointers }
}

/// The values that a user can enter: those that lists show and that filters compare.
pub const SAMPLE_FIELDS: [SampleField; 11] = [
    field("friendly_id", "Access request", &["/data/friendly_id"]),
    field("requester", "Requester’s email", &["/data/requester/email"]),
    field("grantee", "Grantee", &["/data/grantee/name", "/data/grantee/source_id"]),
    field("integration", "Integration", &["/data/access_groups/0/integration/name"]),
    field("integration_type", "Integration type", &["/data/access_groups/0/integration/type"]),
    field(
        "resource_type",
        "Resource type",
        &[
            "/data/access_groups/0/resource_types/0/name",
            "/data/access_groups/0/access_units/0/resource/type/name",
        ],
    ),
    field("resource", "Resource", &["/data/access_groups/0/access_units/0/resource/name"]),
    field("permission", "Permission", &["/data/access_groups/0/access_units/0/permission/name"]),
    field("access_flow", "Access flow", &["/data/access_flow/name"]),
    field("bundle", "Bundle", &["/data/access_bundle/name"]),
    field("justification", "Justification", &["/data/justification"]),
];

impl SampleField {
    /// The value of the sample events.
    pub fn example(&self) -> String {
        let sample = sample(Trigger::Created);
        let value = self.pointers.first().and_then(|pointer| sample.pointer(pointer));
        value.and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

/// The events of a sample access request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplePath {
    /// Access is granted and expires.
    Granted,
    /// The request is rejected.
    Rejected,
    /// Access cannot be granted.
    Failed,
    /// A single event.
    One(Trigger),
}

impl SamplePath {
    /// The triggers in their order.
    pub fn triggers(self) -> Vec<Trigger> {
        match self {
            Self::Granted => {
                vec![Trigger::Created, Trigger::Approved, Trigger::Granted, Trigger::Expired]
            }
            Self::Rejected => vec![Trigger::Created, Trigger::Rejected],
            Self::Failed => vec![Trigger::Created, Trigger::Approved, Trigger::Failed],
            Self::One(trigger) => vec![trigger],
        }
    }
}

/// A sample access request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRequest {
    /// The id of the access request.
    pub id: String,
    /// The values of [`SAMPLE_FIELDS`].
    pub values: Vec<String>,
    /// Whether access is granted without approvers.
    pub is_automatic: bool,
    /// When it is created.
    pub created_at: Timestamp,
}

impl SampleRequest {
    /// Returns the event of a trigger at a time.
    pub fn event(&self, trigger: Trigger, at: Timestamp) -> Value {
        let mut event = sample(trigger);
        let mut set = |pointer: &str, value: Value| {
            if let Some(place) = event.pointer_mut(pointer) {
                *place = value;
            }
        };
        for (field, value) in SAMPLE_FIELDS.iter().zip(&self.values) {
            for pointer in field.pointers {
                set(pointer, value.as_str().into());
            }
        }
        let ends_at = self.created_at + TimeDelta::seconds(ACCESS_DURATION_SECS);
        set("/data/id", self.id.as_str().into());
        set("/event_time", epoch(at));
        set("/data/creation_date", epoch(self.created_at));
        set("/data/revocation_date", epoch(ends_at));
        if self.is_automatic {
            set("/data/approvals", Value::Array(Vec::new()));
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::event::Event;
    use crate::model::filter::Field;

    fn request(values: Vec<String>, is_automatic: bool) -> SampleRequest {
        let created_at = Timestamp::UNIX_EPOCH + TimeDelta::nanoseconds(1_696_263_265_000_000_007);
        SampleRequest { id: format!("{SAMPLE_ID_PREFIX}1"), values, is_automatic, created_at }
    }

    #[test]
    fn the_examples_give_the_sample_event() {
        let values = SAMPLE_FIELDS.iter().map(SampleField::example).collect::<Vec<_>>();
        assert!(values.iter().all(|value| !value.is_empty()), "{values:?}");
        let event = request(values, false).event(Trigger::Granted, Timestamp::UNIX_EPOCH);
        let expected = sample(Trigger::Granted);
        assert_eq!(event["data"]["access_groups"], expected["data"]["access_groups"]);
        assert_eq!(event["data"]["creation_date"].to_string(), "1696263265.000000007");
        assert_eq!(event["event_time"].to_string(), "0.000000000");
    }

    #[test]
    fn an_automatic_request_has_no_approvers() {
        let values = |is_automatic| {
            let event = request(vec![], is_automatic).event(Trigger::Granted, <_>::default());
            Field::Approval.values(&event)
        };
        assert_eq!(values(true), ["automatic"]);
        assert_eq!(values(false), ["manual"]);
    }

    proptest! {
        /// Filters see the values that the user entered.
        #[test]
        fn entered_values_are_in_the_event(
            values in proptest::collection::vec("[a-zé][\\PC]{0,18}[A-Z0-9]", SAMPLE_FIELDS.len()),
            trigger in proptest::sample::select(&Trigger::EVENTS[..]),
        ) {
            let event = request(values.clone(), false).event(trigger, <_>::default());
            let parsed = Event::parse(&event.to_string()).unwrap();
            prop_assert_eq!(parsed.trigger, trigger);
            prop_assert_eq!(&parsed.request_id, "gatepost-sample-1");
            let filters = [
                (Field::Requester, "requester"), (Field::Grantee, "grantee"),
                (Field::Integration, "integration"), (Field::IntegrationType, "integration_type"),
                (Field::ResourceType, "resource_type"), (Field::Resource, "resource"),
                (Field::Permission, "permission"), (Field::AccessFlow, "access_flow"),
                (Field::Bundle, "bundle"),
            ];
            for (filter, name) in filters {
                let place = SAMPLE_FIELDS.iter().position(|field| field.name == name).unwrap();
                prop_assert!(filter.values(&event).contains(&values[place]), "{}", name);
            }
        }
    }
}
