//! Which events a webhook wants, beyond its triggers.
//!
//! Within one field any of the values will do, across fields all must hold. Conditions on access
//! groups must hold for one and the same group: "integration A with resource type B" is not met by
//! A in one group and B in another.

mod explain;
mod field;
mod pattern;

use std::collections::BTreeMap;

use serde_json::Value;

pub use explain::explain;
pub use field::Field;
use pattern::Pattern;

/// What was chosen or typed, by field.
pub type Choices = BTreeMap<Field, Vec<String>>;

/// Checked filters, ready to match.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    field: Field,
    patterns: Vec<Pattern>,
}

/// A filter that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// Which filter.
    pub field: Field,
    /// What to mend.
    pub message: String,
}

impl Filters {
    /// Most values in one filter.
    pub const MAX_VALUES: usize = 100;
    /// Longest value, in characters.
    pub const MAX_LENGTH: usize = 300;

    /// Checks what was typed. Empty values and empty fields mean nothing and are passed over.
    ///
    /// # Errors
    /// Each filter that cannot be used.
    pub fn new(choices: &Choices) -> Result<Self, Vec<FilterError>> {
        let mut conditions = Vec::new();
        let mut errors = Vec::new();
        for (&field, values) in choices {
            let values: Vec<&str> =
                values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).collect();
            if values.is_empty() {
                continue;
            }
            match check(field, &values) {
                Ok(()) => conditions.push(Condition {
                    field,
                    patterns: values.into_iter().map(Pattern::new).collect(),
                }),
                Err(message) => errors.push(FilterError { field, message }),
            }
        }
        if errors.is_empty() { Ok(Self { conditions }) } else { Err(errors) }
    }

    /// Whether an event's payload passes.
    pub fn matches(&self, payload: &Value) -> bool {
        let (grouped, single): (Vec<&Condition>, Vec<&Condition>) =
            self.conditions.iter().partition(|condition| condition.field.is_of_group());
        single.iter().all(|condition| condition.holds(payload))
            && (grouped.is_empty()
                || groups(payload)
                    .any(|group| grouped.iter().all(|condition| condition.holds(group))))
    }
}

impl Condition {
    /// `place` is the payload, or one access group for a field of the group.
    fn holds(&self, place: &Value) -> bool {
        self.field.any_value(place, &mut |value| {
            self.patterns.iter().any(|pattern| pattern.matches(value))
        })
    }
}

fn groups(payload: &Value) -> impl Iterator<Item = &Value> {
    payload.pointer("/data/access_groups").and_then(Value::as_array).into_iter().flatten()
}

fn check(field: Field, values: &[&str]) -> Result<(), String> {
    if values.len() > Filters::MAX_VALUES {
        return Err(format!(
            "{} values are too many: at most {}; use a wildcard such as prod-*",
            values.len(),
            Filters::MAX_VALUES
        ));
    }
    for value in values {
        if value.chars().count() > Filters::MAX_LENGTH {
            return Err(format!("a value is longer than {} characters", Filters::MAX_LENGTH));
        }
        if field == Field::Approval && !matches!(*value, "manual" | "automatic") {
            return Err(format!("\"{value}\" is not an approval: use manual or automatic"));
        }
        if field == Field::CustomField && !value.contains('=') {
            return Err(format!(
                "\"{value}\" has no name: write it as name=value, such as ticket=SEC-*"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Trigger, event::sample};
    use proptest::prelude::*;
    use serde_json::json;

    fn filters(choices: &[(Field, &[&str])]) -> Filters {
        let choices = choices
            .iter()
            .map(|(field, values)| (*field, values.iter().map(|v| (*v).to_owned()).collect()))
            .collect();
        Filters::new(&choices).unwrap()
    }

    fn passes(choices: &[(Field, &[&str])]) -> bool {
        filters(choices).matches(&sample(Trigger::Granted))
    }

    #[test]
    fn no_filter_lets_everything_pass() {
        assert!(passes(&[]));
        assert!(passes(&[(Field::Integration, &["", " "])]));
    }

    #[test]
    fn every_field_finds_its_value_in_the_sample() {
        let hits: &[(Field, &str)] = &[
            (Field::Integration, "prod db"),
            (Field::Integration, "integration-1"),
            (Field::IntegrationType, "postgresql"),
            (Field::ResourceType, "Database"),
            (Field::ResourceType, "postgresql-database"),
            (Field::Resource, "DB 1"),
            (Field::Resource, "prod db/*"),
            (Field::Permission, "ReadOnly"),
            (Field::AccessFlow, "Flow 1"),
            (Field::Bundle, "bundle-1"),
            (Field::Requester, "user@example.com"),
            (Field::Grantee, "okta-1"),
            (Field::GranteeType, "user"),
            (Field::Approval, "manual"),
            (Field::CustomField, "ticket=SEC-*"),
        ];
        for (field, value) in hits {
            assert!(passes(&[(*field, &[value])]), "{field:?} {value}");
        }
        for field in Field::ALL {
            let miss: &[&str] = match field {
                Field::Approval => &["automatic"],
                Field::CustomField => &["ticket=OPS-*"],
                Field::Integration
                | Field::IntegrationType
                | Field::ResourceType
                | Field::Resource
                | Field::Permission
                | Field::AccessFlow
                | Field::Bundle
                | Field::Requester
                | Field::Grantee
                | Field::GranteeType => &["nothing like it"],
            };
            assert!(!passes(&[(field, miss)]), "{field:?}");
        }
    }

    #[test]
    fn any_of_within_one_field_and_all_of_across() {
        assert!(passes(&[(Field::Integration, &["staging", "prod*"])]));
        assert!(!passes(&[(Field::Integration, &["prod*"]), (Field::ResourceType, &["Bucket"])]));
    }

    #[test]
    fn conditions_on_groups_hold_for_one_and_the_same_group() {
        let payload = json!({"data": {"access_groups": [
            {"integration": {"name": "a"}, "resource_types": [{"name": "x"}]},
            {"integration": {"name": "b"}, "resource_types": [{"name": "y"}]},
        ]}});
        let both = |integration: &str, kind: &str| {
            filters(&[(Field::Integration, &[integration]), (Field::ResourceType, &[kind])])
                .matches(&payload)
        };
        assert!(both("a", "x") && both("b", "y"));
        assert!(!both("a", "y") && !both("b", "x"));
    }

    #[test]
    fn no_approvals_at_all_is_automatic() {
        for payload in [json!({"data": {}}), json!({"data": {"approvals": []}})] {
            assert!(filters(&[(Field::Approval, &["automatic"])]).matches(&payload));
            assert!(!filters(&[(Field::Approval, &["manual"])]).matches(&payload));
        }
    }

    #[test]
    fn a_filter_that_cannot_be_meant_is_refused() {
        for (field, value) in [(Field::Approval, "perhaps"), (Field::CustomField, "SEC-42")] {
            let choices = Choices::from([(field, vec![value.to_owned()])]);
            assert_eq!(Filters::new(&choices).unwrap_err()[0].field, field);
        }
    }

    proptest! {
        #[test]
        fn a_value_seen_in_an_event_matches_that_event(name in "[^*]{1,40}") {
            prop_assume!(!name.trim().is_empty());
            let payload = json!({"data": {"access_groups": [{"integration": {"name": name.trim()}}]}});
            prop_assert!(filters(&[(Field::Integration, &[&name])]).matches(&payload));
        }
    }
}
