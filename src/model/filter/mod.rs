//! Filters: conditions on events in addition to a webhook's triggers.
//!
//! A filter matches if any of its values matches (or none of them, depending on its rule). All filters must
//! match. Filters on access groups must match the same group: "integration A with resource type B" does not
//! match A in one group and B in another.

mod explain;
mod field;
mod mismatch;
mod pattern;

use std::collections::BTreeMap;

use serde_json::Value;

use super::json;

pub use explain::explain;
pub use field::Field;
pub use mismatch::{FilterMismatch, UnmetFilter};
use pattern::Pattern;

/// Filter settings by field.
pub type Choices = BTreeMap<Field, Choice>;

/// Settings of one filter.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice {
    /// How the values are compared.
    pub rule: Rule,
    /// Values, in which `*` stands for any text.
    pub values: Vec<String>,
}

/// How the values of a filter are compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The event has at least one of the values.
    #[default]
    AnyOf,
    /// The event has none of the values. An event without the field matches.
    NoneOf,
}

impl Choice {
    /// A filter that matches any of these values.
    pub fn any_of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self { rule: Rule::AnyOf, values: values.into_iter().map(Into::into).collect() }
    }

    /// A filter that matches none of these values.
    pub fn none_of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self { rule: Rule::NoneOf, ..Self::any_of(values) }
    }

    /// The non-empty values.
    fn effective_values(&self) -> Vec<&str> {
        self.values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).collect()
    }
}

/// Validated filters.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    field: Field,
    rule: Rule,
    patterns: Vec<Pattern>,
}

/// A validation error of a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// The field of the filter.
    pub field: Field,
    /// The problem and the fix.
    pub message: String,
}

impl Filters {
    /// Maximum number of values in a filter.
    pub const MAX_VALUES: usize = 100;
    /// Longest value, in characters.
    pub const MAX_VALUE_CHARS: usize = 300;

    /// Validates filter settings. Empty values and empty filters are ignored.
    ///
    /// # Errors
    /// Every invalid filter.
    pub fn new(choices: &Choices) -> Result<Self, Vec<FilterError>> {
        let mut conditions = Vec::new();
        let mut errors = Vec::new();
        for (&field, choice) in choices {
            let values = choice.effective_values();
            if values.is_empty() {
                continue;
            }
            match check(field, &values) {
                Ok(()) => conditions.push(Condition {
                    field,
                    rule: choice.rule,
                    patterns: values.into_iter().map(Pattern::new).collect(),
                }),
                Err(message) => errors.push(FilterError { field, message }),
            }
        }
        if errors.is_empty() { Ok(Self { conditions }) } else { Err(errors) }
    }

    /// Whether there are no filters, so that every event matches.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Returns the paths of the payload fields that the filters read.
    pub fn field_paths(&self) -> impl Iterator<Item = [&'static str; 2]> {
        self.conditions.iter().map(|condition| condition.field.field_path())
    }

    /// Whether an event's payload matches all filters.
    pub fn matches(&self, payload: &Value) -> bool {
        let (on_group, on_event) = self.by_scope();
        on_event.iter().all(|condition| condition.holds(payload)) && any_group(&on_group, payload)
    }

    /// Separates conditions on access groups from conditions on the event.
    fn by_scope(&self) -> (Vec<&Condition>, Vec<&Condition>) {
        self.conditions.iter().partition(|condition| condition.field.is_per_access_group())
    }
}

/// Whether a single access group meets all conditions. Without groups, only conditions of the kind "none of"
/// are met.
fn any_group(conditions: &[&Condition], payload: &Value) -> bool {
    let mut groups = groups(payload).peekable();
    if groups.peek().is_none() {
        return conditions.iter().all(|condition| condition.rule == Rule::NoneOf);
    }
    groups.any(|group| conditions.iter().all(|condition| condition.holds(group)))
}

impl Condition {
    /// `scope` is the payload, or one access group for a field of the group.
    fn holds(&self, scope: &Value) -> bool {
        let found = self.field.any_value(scope, &mut |value| {
            self.patterns.iter().any(|pattern| pattern.matches(value))
        });
        found == (self.rule == Rule::AnyOf)
    }
}

fn groups(payload: &Value) -> impl Iterator<Item = &Value> {
    payload.pointer("/data/access_groups").and_then(Value::as_array).into_iter().flatten()
}

fn check(field: Field, values: &[&str]) -> Result<(), String> {
    if values.len() > Filters::MAX_VALUES {
        return Err(format!(
            "{} values are too many: use at most {}, or a wildcard such as prod-*.",
            values.len(),
            Filters::MAX_VALUES
        ));
    }
    for value in values {
        if value.chars().count() > Filters::MAX_VALUE_CHARS {
            return Err(format!(
                "A value is too long: use at most {} characters.",
                Filters::MAX_VALUE_CHARS
            ));
        }
        if field == Field::Approval && !matches!(*value, "manual" | "automatic") {
            return Err(format!("\"{value}\" is not an approval: use manual or automatic."));
        }
        if field == Field::CustomField && value.starts_with(json::PRIVATE_KEY) {
            return Err(format!("No custom field can be named {value}: remove this value."));
        }
        if field == Field::CustomField && !value.contains('=') {
            return Err(format!(
                "\"{value}\" has no name: enter name=value, such as ticket=SEC-*."
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
            .map(|(field, values)| (*field, Choice::any_of(values.iter().copied())))
            .collect();
        Filters::new(&choices).unwrap()
    }

    fn matches(choices: &[(Field, &[&str])]) -> bool {
        filters(choices).matches(&sample(Trigger::Granted))
    }

    #[test]
    fn without_filters_every_event_matches() {
        assert!(matches(&[]));
        assert!(matches(&[(Field::Integration, &["", " "])]));
    }

    #[test]
    fn every_field_is_found_in_the_sample() {
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
            assert!(matches(&[(*field, &[value])]), "{field:?} {value}");
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
            assert!(!matches(&[(field, miss)]), "{field:?}");
        }
    }

    #[test]
    fn any_value_of_a_field_and_all_fields_must_match() {
        assert!(matches(&[(Field::Integration, &["staging", "prod*"])]));
        assert!(!matches(&[(Field::Integration, &["prod*"]), (Field::ResourceType, &["Bucket"])]));
    }

    #[test]
    fn conditions_on_groups_must_match_the_same_group() {
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
    fn none_of_is_the_opposite_of_any_of() {
        for payload in [sample(Trigger::Granted), json!({"data": {}}), json!({})] {
            for (field, value) in [
                (Field::Integration, "prod *"),
                (Field::Permission, "ReadOnly"),
                (Field::Bundle, "bundle-1"),
                (Field::CustomField, "ticket=SEC-*"),
            ] {
                let one = |choice| Filters::new(&Choices::from([(field, choice)])).unwrap();
                let (any, none) = (one(Choice::any_of([value])), one(Choice::none_of([value])));
                assert_ne!(any.matches(&payload), none.matches(&payload), "{field:?} {payload}");
            }
        }
    }

    #[test]
    fn none_of_matches_if_one_group_has_none_of_the_values() {
        let payload = json!({"data": {"access_groups": [
            {"integration": {"name": "prod"}}, {"integration": {"name": "staging"}},
        ]}});
        let without = |names: &[&str]| {
            let choices =
                Choices::from([(Field::Integration, Choice::none_of(names.iter().copied()))]);
            Filters::new(&choices).unwrap().matches(&payload)
        };
        assert!(without(&["staging"]));
        assert!(!without(&["staging", "prod"]));
    }

    #[test]
    fn an_event_without_approvals_was_approved_automatically() {
        for payload in [json!({"data": {}}), json!({"data": {"approvals": []}})] {
            assert!(filters(&[(Field::Approval, &["automatic"])]).matches(&payload));
            assert!(!filters(&[(Field::Approval, &["manual"])]).matches(&payload));
        }
    }

    #[test]
    fn invalid_filters_are_rejected() {
        for (field, value) in [(Field::Approval, "perhaps"), (Field::CustomField, "SEC-42")] {
            let choices = Choices::from([(field, Choice::any_of([value]))]);
            assert_eq!(Filters::new(&choices).unwrap_err()[0].field, field);
        }
    }

    proptest! {
        #[test]
        fn an_event_matches_exactly_if_no_filter_fails(
            names in proptest::collection::vec(("[ab]", "[xy]"), 0..3),
            values in ("[ab]", "[xy]", any::<bool>(), any::<bool>()),
        ) {
            let groups: Vec<Value> = names.iter().map(|(name, kind)| {
                json!({"integration": {"name": name}, "resource_types": [{"name": kind}]})
            }).collect();
            let payload = json!({"data": {"access_groups": groups}});
            let choice = |value: &str, any: bool| {
                if any { Choice::any_of([value]) } else { Choice::none_of([value]) }
            };
            let (name, kind, any_name, any_kind) = values;
            let filters = Filters::new(&Choices::from([
                (Field::Integration, choice(&name, any_name)),
                (Field::ResourceType, choice(&kind, any_kind)),
            ])).unwrap();
            prop_assert_eq!(filters.matches(&payload), filters.mismatch(&payload).filters.is_empty());
        }

        #[test]
        fn a_value_from_an_event_matches_that_event(name in "[^*]{1,40}") {
            prop_assume!(!name.trim().is_empty());
            let payload = json!({"data": {"access_groups": [{"integration": {"name": name.trim()}}]}});
            prop_assert!(filters(&[(Field::Integration, &[&name])]).matches(&payload));
        }
    }
}
