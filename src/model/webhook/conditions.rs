//! The conditions of a webhook: its triggers and filters. The router and the explanation of an event evaluate the same
//! ones.

use std::sync::Arc;

use super::draft::Draft;
use super::errors::{Field, FieldErrors};
use crate::model::Trigger;
use crate::model::event::{Event, Projection};
use crate::model::filter::{self, Filters, UnmetFilter};
use crate::model::text::join;

/// Why an event does not meet the conditions of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkipReason {
    /// The webhook does not have this trigger.
    Trigger(Trigger),
    /// These filters do not match. There is at least one.
    Filters(Vec<UnmetFilter>),
    /// Each of these filters matches an access group, but no single access group meets all of them.
    NoSingleGroup(Vec<filter::Field>),
}

/// Triggers and filters.
#[derive(Debug, Clone)]
pub struct Conditions {
    triggers: Vec<Trigger>,
    filters: Filters,
}

impl Conditions {
    /// Reads the conditions of a draft.
    ///
    /// # Errors
    /// Every error in triggers and filters. Other fields are not checked.
    pub fn new(draft: &Draft) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let conditions = Self::check(draft, &mut errors);
        if errors.is_empty() { Ok(conditions) } else { Err(errors) }
    }

    pub(super) fn check(draft: &Draft, errors: &mut FieldErrors) -> Self {
        Self {
            triggers: check_triggers(&draft.triggers, errors),
            filters: check_filters(&draft.filters, errors),
        }
    }

    /// The triggers.
    pub fn triggers(&self) -> &[Trigger] {
        &self.triggers
    }

    /// Returns the paths of the payload fields that the filters read.
    pub fn field_paths(&self) -> impl Iterator<Item = [&'static str; 2]> {
        self.filters.field_paths()
    }

    /// Whether an event meets the conditions. `projection` must include [`field_paths`](Self::field_paths).
    pub fn matches(&self, event: &Event, projection: &Arc<Projection>) -> bool {
        self.triggers.contains(&event.trigger)
            && (self.filters.is_empty() || self.filters.matches(event.project(projection)))
    }

    /// Returns why an event does not meet the conditions. `None` exactly if it [`matches`](Self::matches).
    pub fn skip_reason(&self, event: &Event) -> Option<SkipReason> {
        if !self.triggers.contains(&event.trigger) {
            return Some(SkipReason::Trigger(event.trigger));
        }
        let mismatch = self.filters.mismatch(event.payload());
        if mismatch.no_single_group {
            let fields = mismatch.filters.iter().map(|unmet| unmet.field);
            return Some(SkipReason::NoSingleGroup(fields.collect()));
        }
        (!mismatch.filters.is_empty()).then_some(SkipReason::Filters(mismatch.filters))
    }
}

impl SkipReason {
    /// The reason without values and without all filters but the first, to count the events with the same reason.
    #[must_use]
    pub fn without_values(&self) -> Self {
        match self {
            Self::Filters(unmet) => {
                Self::Filters(unmet.iter().take(1).map(UnmetFilter::without_values).collect())
            }
            Self::Trigger(_) | Self::NoSingleGroup(_) => self.clone(),
        }
    }

    /// The name in the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trigger(_) => "trigger",
            Self::Filters(_) => "filter",
            Self::NoSingleGroup(_) => "access_groups",
        }
    }
}

impl std::fmt::Display for SkipReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trigger(trigger) => write!(f, "Trigger {trigger} is not selected"),
            Self::Filters(unmet) => {
                let texts: Vec<String> = unmet.iter().map(ToString::to_string).collect();
                f.write_str(&texts.join("; "))
            }
            Self::NoSingleGroup(fields) => {
                let labels: Vec<&str> = fields.iter().copied().map(filter::Field::label).collect();
                write!(f, "No single access group matches all of {}", join(&labels, "and"))
            }
        }
    }
}

fn check_triggers(words: &[String], errors: &mut FieldErrors) -> Vec<Trigger> {
    let mut triggers = Vec::new();
    for word in words {
        match Trigger::from_name(word) {
            Some(trigger) if !triggers.contains(&trigger) => triggers.push(trigger),
            Some(_) => {}
            None => {
                let message = format!(
                    "Unknown trigger \"{word}\": use Created, Approved, Rejected, Granted, Expired, \
                     Failed, Manual or Audit."
                );
                errors.add(Field::Triggers, message);
            }
        }
    }
    if words.is_empty() {
        errors.add(
            Field::Triggers,
            "Choose at least one trigger. A webhook without triggers never sends anything.",
        );
    }
    triggers
}

fn check_filters(choices: &filter::Choices, errors: &mut FieldErrors) -> Filters {
    Filters::new(choices).unwrap_or_else(|invalid| {
        for error in invalid {
            errors.add(Field::Filter(error.field), error.message);
        }
        Filters::default()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};
    use serde_json::{Value, json};

    use super::*;
    use crate::model::event::sample;
    use crate::model::filter::Choice;

    fn conditions(change: impl FnOnce(&mut Draft)) -> Conditions {
        let mut draft = Draft { triggers: vec!["Granted".to_owned()], ..Draft::default() };
        change(&mut draft);
        Conditions::new(&draft).unwrap()
    }

    fn granted(groups: Value) -> Event {
        let mut payload = sample(Trigger::Granted);
        payload["data"]["access_groups"] = groups;
        Event::parse(&payload.to_string()).unwrap()
    }

    #[test]
    fn the_trigger_is_checked_before_the_filters() {
        let conditions = conditions(|draft| {
            draft.filters.insert(filter::Field::Integration, Choice::any_of(["prod*"]));
            draft.filters.insert(filter::Field::ResourceType, Choice::any_of(["Bucket"]));
        });
        let created = Event::sample(Trigger::Created).unwrap();
        let reason = |event: &Event| conditions.skip_reason(event).unwrap().to_string();
        assert_eq!(reason(&created), "Trigger Created is not selected");
        let database =
            json!([{"integration": {"name": "prod db"}, "resource_types": [{"name": "Database"}]}]);
        assert_eq!(
            reason(&granted(database)),
            "Filter Resource type: \"Database\" matches none of Bucket"
        );
        let other = json!([{"integration": {"name": "staging db"}}]);
        assert_eq!(
            reason(&granted(other)),
            "Filter Integration: \"staging db\" matches none of prod*; \
             Filter Resource type: the event has no value, and Bucket is required"
        );
        let separate = json!([
            {"integration": {"name": "prod db"}},
            {"integration": {"name": "b"}, "resource_types": [{"name": "Bucket"}]},
        ]);
        assert_eq!(
            reason(&granted(separate)),
            "No single access group matches all of Integration and Resource type"
        );
    }

    #[test]
    fn reasons_with_other_values_are_counted_together() {
        let conditions = conditions(|draft| {
            draft.filters.insert(filter::Field::Integration, Choice::any_of(["prod*"]));
            draft.filters.insert(filter::Field::Bundle, Choice::any_of(["DBA"]));
        });
        let reason = |name: &str| {
            let event = granted(json!([{"integration": {"name": name}}]));
            conditions.skip_reason(&event).unwrap()
        };
        assert_ne!(reason("a"), reason("b"));
        assert_eq!(reason("a").without_values(), reason("b").without_values());
    }

    fn choice() -> impl Strategy<Value = Choice> {
        let values = subsequence(vec!["a*", "b", "*", "manual", "k=a", "k=*"], 0..3);
        (values, any::<bool>()).prop_map(|(values, any)| {
            if any { Choice::any_of(values) } else { Choice::none_of(values) }
        })
    }

    fn any_filters() -> impl Strategy<Value = filter::Choices> {
        let field = select(filter::Field::ALL.to_vec());
        proptest::collection::btree_map(field, choice(), 0..4).prop_map(|mut choices| {
            for (field, choice) in &mut choices {
                let is_custom = *field == filter::Field::CustomField;
                let is_approval = *field == filter::Field::Approval;
                choice.values.retain(|value| {
                    (!is_approval || value == "manual") && (!is_custom || value.contains('='))
                });
            }
            choices
        })
    }

    fn any_group() -> impl Strategy<Value = Value> {
        let name = || select(vec!["a", "ab", "b", "c"]);
        (name(), name(), name(), any::<bool>()).prop_map(|(integration, kind, unit, has_type)| {
            let mut group = json!({
                "integration": {"name": integration, "type": kind},
                "access_units": [{"resource": {"name": unit}, "permission": {"name": kind}}],
            });
            if has_type {
                group["resource_types"] = json!([{"name": unit}]);
            }
            group
        })
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let groups = proptest::collection::vec(any_group(), 0..3);
        let trigger = select(Trigger::EVENTS.to_vec());
        (trigger, groups, select(vec!["a", "b"]), any::<[bool; 3]>()).prop_map(
            |(trigger, groups, name, [has_groups, has_bundle, approved])| {
                let mut payload = sample(trigger);
                let data = payload["data"].as_object_mut().unwrap();
                data.insert("access_groups".to_owned(), groups.into());
                data.insert("requester".to_owned(), json!({"email": name}));
                data.insert("custom_fields".to_owned(), json!({"k": name}));
                if !has_groups {
                    data.remove("access_groups");
                }
                if !has_bundle {
                    data.remove("access_bundle");
                }
                if !approved {
                    data.insert("approvals".to_owned(), json!([]));
                }
                Event::parse(&payload.to_string()).unwrap()
            },
        )
    }

    proptest! {
        /// The router asks [`Conditions::matches`], and the explanation [`Conditions::skip_reason`].
        #[test]
        fn there_is_a_reason_exactly_if_the_event_does_not_match(
            filters in any_filters(),
            triggers in subsequence(Trigger::ALL.to_vec(), 1..5),
            event in any_event(),
        ) {
            let conditions = conditions(|draft| {
                draft.triggers = triggers.iter().map(|one| one.as_str().to_owned()).collect();
                draft.filters = filters;
            });
            let mut projection = Projection::default();
            for path in conditions.field_paths() {
                projection.add(&path);
            }
            let projection = Arc::new(projection);
            // The payload as a whole is read after the projection, like by another instance.
            let sent = conditions.matches(&event, &projection);
            prop_assert_eq!(conditions.skip_reason(&event).is_none(), sent);
            prop_assert_eq!(conditions.matches(&event, &projection), sent);
        }
    }
}
