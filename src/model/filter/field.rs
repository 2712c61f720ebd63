//! The fields that can be filtered on, and where each lies in the payload.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One filter dropdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The integration's name or id.
    Integration,
    /// The integration's type.
    IntegrationType,
    /// The resource type's name or id.
    ResourceType,
    /// The resource's name, id or path.
    Resource,
    /// The permission's name.
    Permission,
    /// The access flow's name or id.
    AccessFlow,
    /// The bundle's name or id.
    Bundle,
    /// The requester's email or id.
    Requester,
    /// The grantee's source id or name.
    Grantee,
    /// The grantee's type.
    GranteeType,
    /// Manual where anybody was asked, else automatic.
    Approval,
    /// An own field, as `name=value`.
    CustomField,
}

impl Field {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 12] = [
        Self::Integration,
        Self::IntegrationType,
        Self::ResourceType,
        Self::Resource,
        Self::Permission,
        Self::AccessFlow,
        Self::Bundle,
        Self::Requester,
        Self::Grantee,
        Self::GranteeType,
        Self::Approval,
        Self::CustomField,
    ];

    /// The name in files and forms.
    pub fn key(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::IntegrationType => "integration_type",
            Self::ResourceType => "resource_type",
            Self::Resource => "resource",
            Self::Permission => "permission",
            Self::AccessFlow => "access_flow",
            Self::Bundle => "bundle",
            Self::Requester => "requester",
            Self::Grantee => "grantee",
            Self::GranteeType => "grantee_type",
            Self::Approval => "approval",
            Self::CustomField => "custom_field",
        }
    }

    /// From the name in files and forms.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }

    /// The label on the page.
    pub fn label(self) -> &'static str {
        match self {
            Self::Integration => "Integration",
            Self::IntegrationType => "Integration type",
            Self::ResourceType => "Resource type",
            Self::Resource => "Resource",
            Self::Permission => "Permission",
            Self::AccessFlow => "Access flow",
            Self::Bundle => "Bundle",
            Self::Requester => "Requester",
            Self::Grantee => "Grantee",
            Self::GranteeType => "Grantee type",
            Self::Approval => "Approval",
            Self::CustomField => "Custom field",
        }
    }

    /// Whether it belongs to an access group, of which an event may have several.
    pub(super) fn is_of_group(self) -> bool {
        matches!(
            self,
            Self::Integration
                | Self::IntegrationType
                | Self::ResourceType
                | Self::Resource
                | Self::Permission
        )
    }

    /// Where it lies in the payload: the names of the members on the way to what its values are part of.
    pub(super) fn field_path(self) -> [&'static str; 2] {
        let member = match self {
            Self::Integration
            | Self::IntegrationType
            | Self::ResourceType
            | Self::Resource
            | Self::Permission => "access_groups",
            Self::AccessFlow => "access_flow",
            Self::Bundle => "access_bundle",
            Self::Requester => "requester",
            Self::Grantee | Self::GranteeType => "grantee",
            Self::Approval => "approvals",
            Self::CustomField => "custom_fields",
        };
        ["data", member]
    }

    /// Whether any of the field's values in `place` (the payload, or an access group) passes `test`.
    pub(super) fn any_value(self, place: &Value, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match self {
            Self::Integration => any(place.get("integration"), &["name", "id"], test),
            Self::IntegrationType => any(place.get("integration"), &["type"], test),
            Self::ResourceType => {
                each(list(place, "resource_types"), |kind| any(Some(kind), &["name", "id"], test))
            }
            Self::Resource => each(list(place, "access_units"), |unit| {
                any(unit.get("resource"), &["name", "id", "path"], test)
            }),
            Self::Permission => each(list(place, "access_units"), |unit| {
                any(unit.get("permission"), &["name", "id"], test)
            }),
            Self::AccessFlow => any(place.pointer("/data/access_flow"), &["name", "id"], test),
            Self::Bundle => any(place.pointer("/data/access_bundle"), &["name", "id"], test),
            Self::Requester => any(place.pointer("/data/requester"), &["email", "id"], test),
            Self::Grantee => any(place.pointer("/data/grantee"), &["source_id", "name"], test),
            Self::GranteeType => any(place.pointer("/data/grantee"), &["type"], test),
            Self::Approval => {
                let asked = place.pointer("/data/approvals").and_then(Value::as_array);
                test(if asked.is_some_and(|list| !list.is_empty()) {
                    "manual"
                } else {
                    "automatic"
                })
            }
            Self::CustomField => {
                let own = place.pointer("/data/custom_fields").and_then(Value::as_object);
                own.into_iter().flatten().fold(false, |found, (name, value)| {
                    let written = value.to_string();
                    test(&format!("{name}={}", value.as_str().unwrap_or(&written))) || found
                })
            }
        }
    }

    /// The values of this field in an event, for the choices of its dropdown.
    pub fn values(self, payload: &Value) -> Vec<String> {
        let mut values = Vec::new();
        let mut keep = |value: &str| {
            values.push(value.to_owned());
            // The first of several names (a name before an id) is the one to offer.
            true
        };
        if self.is_of_group() {
            for group in list(payload.get("data").unwrap_or(&Value::Null), "access_groups") {
                self.any_value(group, &mut keep);
            }
        } else {
            self.any_value(payload, &mut keep);
        }
        values
    }
}

fn list<'a>(place: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    place.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Asks for every item, even when one has passed: the test may collect.
fn each<'a>(
    items: impl Iterator<Item = &'a Value>,
    mut ask: impl FnMut(&'a Value) -> bool,
) -> bool {
    let mut found = false;
    for item in items {
        found |= ask(item);
    }
    found
}

/// Whether any of an object's texts passes; the rest is not asked.
fn any(object: Option<&Value>, keys: &[&str], test: &mut dyn FnMut(&str) -> bool) -> bool {
    object.is_some_and(|object| {
        keys.iter().any(|key| object.get(key).and_then(Value::as_str).is_some_and(&mut *test))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Trigger;
    use crate::model::event::{Event, Projection, sample};
    use serde_json::json;

    #[test]
    fn the_choices_are_the_names_of_every_entry() {
        let payload = json!({"data": {
            "access_groups": [
                {"integration": {"name": "a", "id": "1"}, "resource_types": [{"name": "x"}, {"id": "y"}]},
                {"integration": {"id": "2"}},
            ],
            "custom_fields": {"ticket": "SEC-1", "team": "red"},
        }});
        assert_eq!(Field::Integration.values(&payload), ["a", "2"]);
        assert_eq!(Field::ResourceType.values(&payload), ["x", "y"]);
        assert_eq!(Field::CustomField.values(&payload), ["ticket=SEC-1", "team=red"]);
    }

    #[test]
    fn what_it_looks_at_lies_on_its_way() {
        for trigger in Trigger::ALL {
            let whole = sample(trigger);
            for field in Field::ALL {
                let mut projection = Projection::default();
                projection.add(&field.field_path());
                let event = Event::parse(&whole.to_string()).unwrap();
                let values = field.values(event.project(&Arc::new(projection)));
                assert_eq!(values, field.values(&whole), "{field:?}");
                assert!(!values.is_empty(), "{field:?}");
            }
        }
    }
}
