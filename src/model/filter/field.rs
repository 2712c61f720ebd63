//! The fields that filters can use, and their location in the payload.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::{EnumString, IntoStaticStr};

/// A field that a filter can use.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
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
    /// `manual` if the request had approvers, else `automatic`.
    Approval,
    /// A custom field, as `name=value`.
    CustomField,
}

impl Field {
    /// All fields, in the order of the page.
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
        self.into()
    }

    /// Finds a field by its name in files and forms.
    pub fn from_key(key: &str) -> Option<Self> {
        key.parse().ok()
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

    /// Whether the field belongs to access groups, of which an event may have several.
    pub(super) fn is_per_access_group(self) -> bool {
        matches!(
            self,
            Self::Integration
                | Self::IntegrationType
                | Self::ResourceType
                | Self::Resource
                | Self::Permission
        )
    }

    /// Path of the payload field that contains the values.
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

    /// Whether `test` accepts any of the field's values in `scope`, the payload or an access group.
    pub(super) fn any_value(self, scope: &Value, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match self {
            Self::Integration => any(scope.get("integration"), &["name", "id"], test),
            Self::IntegrationType => any(scope.get("integration"), &["type"], test),
            Self::ResourceType => {
                each(list(scope, "resource_types"), |kind| any(Some(kind), &["name", "id"], test))
            }
            Self::Resource => each(list(scope, "access_units"), |unit| {
                any(unit.get("resource"), &["name", "id", "path"], test)
            }),
            Self::Permission => each(list(scope, "access_units"), |unit| {
                any(unit.get("permission"), &["name", "id"], test)
            }),
            Self::AccessFlow => any(scope.pointer("/data/access_flow"), &["name", "id"], test),
            Self::Bundle => any(scope.pointer("/data/access_bundle"), &["name", "id"], test),
            Self::Requester => any(scope.pointer("/data/requester"), &["email", "id"], test),
            Self::Grantee => any(scope.pointer("/data/grantee"), &["source_id", "name"], test),
            Self::GranteeType => any(scope.pointer("/data/grantee"), &["type"], test),
            Self::Approval => {
                let approvals = scope.pointer("/data/approvals").and_then(Value::as_array);
                test(if approvals.is_some_and(|list| !list.is_empty()) {
                    "manual"
                } else {
                    "automatic"
                })
            }
            Self::CustomField => {
                let fields = scope.pointer("/data/custom_fields").and_then(Value::as_object);
                fields.into_iter().flatten().fold(false, |found, (name, value)| {
                    let written = value.to_string();
                    test(&format!("{name}={}", value.as_str().unwrap_or(&written))) || found
                })
            }
        }
    }

    /// Returns the values of this field in an event, as suggestions for the filter.
    pub fn values(self, payload: &Value) -> Vec<String> {
        let mut values = Vec::new();
        let mut keep = |value: &str| {
            values.push(value.to_owned());
            // Stops at the first of several identifiers: a name is suggested rather than an id.
            true
        };
        if self.is_per_access_group() {
            for group in list(payload.get("data").unwrap_or(&Value::Null), "access_groups") {
                self.any_value(group, &mut keep);
            }
        } else {
            self.any_value(payload, &mut keep);
        }
        values
    }
}

fn list<'a>(scope: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    scope.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Tests every item, even after a success, because the test may collect values.
fn each<'a>(
    items: impl Iterator<Item = &'a Value>,
    mut test: impl FnMut(&'a Value) -> bool,
) -> bool {
    let mut found = false;
    for item in items {
        found |= test(item);
    }
    found
}

/// Whether `test` accepts any of the texts of an object. Stops at the first success.
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
    fn values_are_the_names_in_every_entry() {
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
    fn values_are_found_below_the_field_path() {
        for trigger in Trigger::EVENTS {
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
