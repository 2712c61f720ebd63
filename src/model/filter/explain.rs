//! Describes the triggers and filters of a webhook in a sentence.

use super::{Choices, Field, Rule};
use crate::model::Trigger;
use crate::model::text::join;

/// Returns a sentence such as "Sends when access is granted or access expires, but only if its integration is
/// prod-* and it was approved manually."
pub fn explain(triggers: &[Trigger], choices: &Choices) -> String {
    if triggers.is_empty() {
        return "Sends nothing, because no trigger is selected.".to_owned();
    }
    let whens: Vec<&str> = triggers.iter().filter_map(|trigger| when(*trigger)).collect();
    let is_manual = triggers.contains(&Trigger::Manual);
    if whens.is_empty() {
        return "Sends events that users send manually, regardless of the filters.".to_owned();
    }
    let mut conditions = Vec::new();
    for (field, choice) in choices {
        let values = choice.effective_values();
        if !values.is_empty() {
            conditions.push(condition(*field, choice.rule, &values));
        }
    }
    let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
    let only_if = if conditions.is_empty() {
        String::new()
    } else {
        format!(", but only if {}", join(&conditions, "and"))
    };
    let manual = if is_manual {
        " Also sends events that users send manually, regardless of the filters."
    } else {
        ""
    };
    format!("Sends when {}{only_if}.{manual}", join(&whens, "or"))
}

/// `None` for manual sends, to which filters do not apply.
fn when(trigger: Trigger) -> Option<&'static str> {
    Some(match trigger {
        Trigger::Created => "a request is created",
        Trigger::Approved => "a request is approved",
        Trigger::Rejected => "a request is rejected",
        Trigger::Granted => "access is granted",
        Trigger::Expired => "access expires",
        Trigger::Failed => "a request fails",
        Trigger::Audit => "an entry is added to the audit log",
        Trigger::Manual => return None,
    })
}

fn condition(field: Field, rule: Rule, values: &[&str]) -> String {
    if field == Field::Approval {
        return approval(rule, values).to_owned();
    }
    let any = join(values, "or");
    let is_custom = field == Field::CustomField;
    let name = field.label().to_lowercase();
    match (rule, values) {
        (Rule::AnyOf, _) if is_custom => format!("it has the {name} {any}"),
        (Rule::AnyOf, _) => format!("its {name} is {any}"),
        (Rule::NoneOf, _) if is_custom => format!("it does not have the {name} {any}"),
        (Rule::NoneOf, [one]) => format!("its {name} is not {one}"),
        (Rule::NoneOf, _) => format!("its {name} is none of {}", join(values, "and")),
    }
}

fn approval(rule: Rule, values: &[&str]) -> &'static str {
    match (rule, values) {
        (Rule::AnyOf, ["manual"]) | (Rule::NoneOf, ["automatic"]) => "it was approved manually",
        (Rule::AnyOf, ["automatic"]) | (Rule::NoneOf, ["manual"]) => {
            "it was approved automatically"
        }
        (Rule::AnyOf, _) => "it was approved manually or automatically",
        (Rule::NoneOf, _) => "it was approved neither manually nor automatically",
    }
}

#[cfg(test)]
mod tests {
    use super::super::Choice;
    use super::*;

    #[test]
    fn triggers_and_filters_become_a_sentence() {
        let choices = Choices::from([
            (Field::Integration, Choice::any_of(["prod-*", "db"])),
            (Field::Approval, Choice::any_of(["manual"])),
            (Field::ResourceType, Choice::any_of([""])),
            (Field::Requester, Choice::none_of(["*@bots.example"])),
            (Field::Permission, Choice::none_of(["read", "list"])),
        ]);
        assert_eq!(
            explain(&[Trigger::Granted, Trigger::Expired], &choices),
            "Sends when access is granted or access expires, but only if its integration is prod-* or db, \
             its permission is none of read and list, its requester is not *@bots.example and it was \
             approved manually."
        );
        assert_eq!(explain(&[], &Choices::new()), "Sends nothing, because no trigger is selected.");
        assert_eq!(
            explain(&[Trigger::Manual], &choices),
            "Sends events that users send manually, regardless of the filters."
        );
        let both = explain(&[Trigger::Granted, Trigger::Manual], &Choices::new());
        assert_eq!(
            both,
            "Sends when access is granted. Also sends events that users send manually, regardless of the filters."
        );
    }
}
