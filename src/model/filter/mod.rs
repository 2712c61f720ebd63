//! Which events a webhook wants, beyond its triggers.
//!
//! Within one field any of the values will do (or none may be there), across fields all must hold. Conditions on access
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
pub type Choices = BTreeMap<Field, Choice>;

/// What was chosen or typed for one field.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice {
    /// What must hold of the values.
    pub rule: Rule,
    /// Values, with `*` for anything.
    pub values: Vec<String>,
}

/// What must hold of a field's values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// One of them is there.
    #[default]
    AnyOf,
    /// None of them is there. An event without the field passes.
    NoneOf,
}

/// The filters that say no to an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterMismatch {
    /// In the order of the page.
    pub fields: Vec<Field>,
    /// Whether each of them is met by some access group, and only no group meets all.
    pub no_single_group: bool,
}

impl Choice {
    /// Any of these values.
    pub fn any_of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self { rule: Rule::AnyOf, values: values.into_iter().map(Into::into).collect() }
    }

    /// None of these values.
    pub fn none_of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self { rule: Rule::NoneOf, ..Self::any_of(values) }
    }

    /// The values that say something.
    fn meant(&self) -> Vec<&str> {
        self.values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).collect()
    }
}

/// Checked filters, ready to match.
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
        for (&field, choice) in choices {
            let values = choice.meant();
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

    /// Whether every event passes.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// The ways to all that they look at, each by the names of the members on it.
    pub fn field_paths(&self) -> impl Iterator<Item = [&'static str; 2]> {
        self.conditions.iter().map(|condition| condition.field.field_path())
    }

    /// Whether an event's payload passes.
    pub fn matches(&self, payload: &Value) -> bool {
        let (grouped, single) = self.by_place();
        single.iter().all(|condition| condition.holds(payload)) && any_group(&grouped, payload)
    }

    /// Which filters say no to an event's payload; none where it passes.
    pub fn mismatch(&self, payload: &Value) -> FilterMismatch {
        let (grouped, mut refusing) = self.by_place();
        refusing.retain(|condition| !condition.holds(payload));
        let mut no_single_group = false;
        if !any_group(&grouped, payload) {
            let alone = |condition: &&&Condition| !any_group(&[**condition], payload);
            let unmet: Vec<&Condition> = grouped.iter().filter(alone).copied().collect();
            no_single_group = unmet.is_empty() && refusing.is_empty();
            refusing.extend(if unmet.is_empty() { grouped } else { unmet });
        }
        let mut fields: Vec<Field> = refusing.iter().map(|condition| condition.field).collect();
        fields.sort();
        FilterMismatch { fields, no_single_group }
    }

    /// Conditions on one access group, and those on the whole event.
    fn by_place(&self) -> (Vec<&Condition>, Vec<&Condition>) {
        self.conditions.iter().partition(|condition| condition.field.is_of_group())
    }
}

/// Whether one and the same access group meets all conditions. Without a group there is nothing that
/// could be one of the unwanted.
fn any_group(conditions: &[&Condition], payload: &Value) -> bool {
    let mut groups = groups(payload).peekable();
    if groups.peek().is_none() {
        return conditions.iter().all(|condition| condition.rule == Rule::NoneOf);
    }
    groups.any(|group| conditions.iter().all(|condition| condition.holds(group)))
}

impl Condition {
    /// `place` is the payload, or one access group for a field of the group.
    fn holds(&self, place: &Value) -> bool {
        let found = self.field.any_value(place, &mut |value| {
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
            .map(|(field, values)| (*field, Choice::any_of(values.iter().copied())))
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
    fn none_of_keeps_out_what_any_of_lets_in() {
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
    fn one_group_that_has_none_of_them_is_enough() {
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
    fn the_filters_that_say_no_are_named() {
        let payload = json!({"data": {
            "requester": {"email": "a@b.c"},
            "access_groups": [
                {"integration": {"name": "a"}, "resource_types": [{"name": "x"}]},
                {"integration": {"name": "b"}, "resource_types": [{"name": "y"}]},
            ],
        }});
        let no = |choices: &[(Field, &[&str])]| {
            let FilterMismatch { fields, no_single_group } = filters(choices).mismatch(&payload);
            (fields, no_single_group)
        };
        let (integration, kind) = (Field::Integration, Field::ResourceType);
        assert_eq!(no(&[(integration, &["a"]), (kind, &["x"])]), (vec![], false));
        assert_eq!(no(&[(integration, &["a"]), (kind, &["z"])]), (vec![kind], false));
        assert_eq!(no(&[(integration, &["a"]), (kind, &["y"])]), (vec![integration, kind], true));
        assert_eq!(
            no(&[(integration, &["c"]), (Field::Requester, &["z@*"])]),
            (vec![integration, Field::Requester], false)
        );
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
            let choices = Choices::from([(field, Choice::any_of([value]))]);
            assert_eq!(Filters::new(&choices).unwrap_err()[0].field, field);
        }
    }

    proptest! {
        #[test]
        fn an_event_passes_exactly_where_no_filter_says_no(
            names in proptest::collection::vec(("[ab]", "[xy]"), 0..3),
            wanted in ("[ab]", "[xy]", any::<bool>(), any::<bool>()),
        ) {
            let groups: Vec<Value> = names.iter().map(|(name, kind)| {
                json!({"integration": {"name": name}, "resource_types": [{"name": kind}]})
            }).collect();
            let payload = json!({"data": {"access_groups": groups}});
            let choice = |value: &str, any: bool| {
                if any { Choice::any_of([value]) } else { Choice::none_of([value]) }
            };
            let (name, kind, any_name, any_kind) = wanted;
            let filters = Filters::new(&Choices::from([
                (Field::Integration, choice(&name, any_name)),
                (Field::ResourceType, choice(&kind, any_kind)),
            ])).unwrap();
            prop_assert_eq!(filters.matches(&payload), filters.mismatch(&payload).fields.is_empty());
        }

        #[test]
        fn a_value_seen_in_an_event_matches_that_event(name in "[^*]{1,40}") {
            prop_assume!(!name.trim().is_empty());
            let payload = json!({"data": {"access_groups": [{"integration": {"name": name.trim()}}]}});
            prop_assert!(filters(&[(Field::Integration, &[&name])]).matches(&payload));
        }
    }
}
