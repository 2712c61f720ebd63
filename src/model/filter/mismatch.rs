//! Filters that an event does not match, with the values found and the values wanted.

use std::fmt;

use serde_json::Value;

use super::{Condition, Field, Filters, Rule, any_group, groups};
use crate::model::text::join;

/// Maximum number of values in a description. The number of the others is given.
const MAX_SHOWN_VALUES: usize = 5;
/// Maximum length of a value in a description, in characters.
const MAX_SHOWN_CHARS: usize = 60;

/// The filters that do not match an event. Empty if the event matches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterMismatch {
    /// The filters, in the order of the page.
    pub filters: Vec<UnmetFilter>,
    /// Whether each filter matches some access group, but no single group meets all of them.
    pub no_single_group: bool,
}

/// A filter that does not match an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnmetFilter {
    /// The field of the filter.
    pub field: Field,
    /// How the values are compared.
    pub rule: Rule,
    /// The values of the filter.
    pub wanted: Vec<String>,
    /// The values of the event; of a filter that excludes values, those that it excludes.
    pub found: Vec<String>,
}

impl Filters {
    /// Returns the filters that do not match an event's payload. It consists of the same tests as
    /// [`matches`](Self::matches).
    pub fn mismatch(&self, payload: &Value) -> FilterMismatch {
        let (on_group, mut failing) = self.by_scope();
        failing.retain(|condition| !condition.holds(payload));
        let mut no_single_group = false;
        if !any_group(&on_group, payload) {
            let alone = |condition: &&&Condition| !any_group(&[**condition], payload);
            let unmet: Vec<&Condition> = on_group.iter().filter(alone).copied().collect();
            no_single_group = unmet.is_empty() && failing.is_empty();
            failing.extend(if unmet.is_empty() { on_group } else { unmet });
        }
        let mut filters: Vec<UnmetFilter> =
            failing.iter().map(|condition| condition.unmet_by(payload)).collect();
        filters.sort();
        FilterMismatch { filters, no_single_group }
    }
}

impl Condition {
    fn unmet_by(&self, payload: &Value) -> UnmetFilter {
        let mut found = match self.rule {
            Rule::AnyOf => self.field.values(payload),
            Rule::NoneOf => self.excluded_values(payload),
        };
        found.sort();
        found.dedup();
        UnmetFilter {
            field: self.field,
            rule: self.rule,
            wanted: self.patterns.iter().map(|pattern| pattern.text().to_owned()).collect(),
            found,
        }
    }

    fn excluded_values(&self, payload: &Value) -> Vec<String> {
        let mut excluded = Vec::new();
        let mut keep = |value: &str| {
            let is_excluded = self.patterns.iter().any(|pattern| pattern.matches(value));
            if is_excluded {
                excluded.push(value.to_owned());
            }
            is_excluded
        };
        if self.field.is_per_access_group() {
            for group in groups(payload) {
                self.field.any_value(group, &mut keep);
            }
        } else {
            self.field.any_value(payload, &mut keep);
        }
        excluded
    }
}

impl UnmetFilter {
    /// The filter without its values, to count the events that it rejects.
    #[must_use]
    pub fn without_values(&self) -> Self {
        Self { field: self.field, rule: self.rule, wanted: Vec::new(), found: Vec::new() }
    }
}

impl fmt::Display for UnmetFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<String> =
            shown(&self.found).into_iter().map(|value| format!("\"{value}\"")).collect();
        let quoted = with_rest(quoted, self.found.len(), "and");
        let wanted = with_rest(shown(&self.wanted), self.wanted.len(), "or");
        write!(f, "Filter {}: ", self.field.label())?;
        let is_one = self.found.len() == 1;
        match self.rule {
            Rule::AnyOf if self.found.is_empty() => {
                write!(f, "the event has no value, and {wanted} is required")
            }
            Rule::AnyOf if is_one => write!(f, "{quoted} matches none of {wanted}"),
            Rule::AnyOf => write!(f, "{quoted} match none of {wanted}"),
            Rule::NoneOf if is_one => write!(f, "{quoted} matches {wanted}, which is excluded"),
            Rule::NoneOf => write!(f, "{quoted} match {wanted}, which is excluded"),
        }
    }
}

fn shown(values: &[String]) -> Vec<String> {
    values.iter().take(MAX_SHOWN_VALUES).map(|value| shorten(value)).collect()
}

fn shorten(value: &str) -> String {
    let mut short: String = value.chars().take(MAX_SHOWN_CHARS).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short
}

/// `a`, `a or b`, or `a, b, c or 4 more`.
fn with_rest(mut shown: Vec<String>, count: usize, word: &str) -> String {
    let rest = count - shown.len();
    if rest > 0 {
        shown.push(format!("{rest} more"));
    }
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    join(&shown, word)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Choice, Choices};
    use super::*;

    fn payload() -> Value {
        json!({"data": {
            "requester": {"email": "a@b.c"},
            "access_groups": [
                {"integration": {"name": "a"}, "resource_types": [{"name": "x"}]},
                {"integration": {"name": "b"}, "resource_types": [{"name": "y"}]},
            ],
        }})
    }

    fn mismatch(choices: impl IntoIterator<Item = (Field, Choice)>) -> FilterMismatch {
        Filters::new(&choices.into_iter().collect::<Choices>()).unwrap().mismatch(&payload())
    }

    #[test]
    fn failing_filters_are_reported() {
        let fields = |choices: &[(Field, &[&str])]| {
            let choices = choices
                .iter()
                .map(|(field, values)| (*field, Choice::any_of(values.iter().copied())));
            let found = mismatch(choices);
            let fields: Vec<Field> = found.filters.iter().map(|unmet| unmet.field).collect();
            (fields, found.no_single_group)
        };
        let (integration, kind) = (Field::Integration, Field::ResourceType);
        assert_eq!(fields(&[(integration, &["a"]), (kind, &["x"])]), (vec![], false));
        assert_eq!(fields(&[(integration, &["a"]), (kind, &["z"])]), (vec![kind], false));
        assert_eq!(
            fields(&[(integration, &["a"]), (kind, &["y"])]),
            (vec![integration, kind], true)
        );
        assert_eq!(
            fields(&[(integration, &["c"]), (Field::Requester, &["z@*"])]),
            (vec![integration, Field::Requester], false)
        );
    }

    #[test]
    fn the_description_has_the_values_found_and_wanted() {
        let texts = |field: Field, choice: Choice| -> Vec<String> {
            mismatch([(field, choice)]).filters.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            texts(Field::Integration, Choice::any_of(["prod-*"])),
            ["Filter Integration: \"a\" and \"b\" match none of prod-*"]
        );
        assert_eq!(
            texts(Field::Requester, Choice::any_of(["*@x.y", "Z"])),
            ["Filter Requester: \"a@b.c\" matches none of *@x.y or Z"]
        );
        assert_eq!(
            texts(Field::Bundle, Choice::any_of(["DBA"])),
            ["Filter Bundle: the event has no value, and DBA is required"]
        );
        assert_eq!(
            texts(Field::Requester, Choice::none_of(["*@b.c", "x"])),
            ["Filter Requester: \"a@b.c\" matches *@b.c or x, which is excluded"]
        );
        let many: Vec<String> = (0..7).map(|n| format!("{n}{}", "x".repeat(70))).collect();
        let text = texts(Field::AccessFlow, Choice::any_of(many)).remove(0);
        assert!(text.ends_with("… or 2 more is required"), "{text}");
        assert!(text.chars().count() < 420, "{text}");
    }
}
