//! A webhook's condition, read back in plain words.

use super::{Choices, Field, Rule};
use crate::model::Trigger;

/// One sentence, such as "Sends when a request is granted or expires, its integration is prod-*,
/// and a person was asked to approve it."
pub fn explain(triggers: &[Trigger], choices: &Choices) -> String {
    if triggers.is_empty() {
        return "Sends nothing: no trigger is chosen.".to_owned();
    }
    let whens: Vec<&str> = triggers.iter().filter_map(|trigger| when(*trigger)).collect();
    // What a person sends by hand asks no filter.
    let is_manual = triggers.contains(&Trigger::Manual);
    if whens.is_empty() {
        return "Sends what somebody sends by hand, whatever the filters say.".to_owned();
    }
    let mut clauses = vec![format!("Sends when {}", join(&whens, "or"))];
    for (field, choice) in choices {
        let values = choice.meant();
        if !values.is_empty() {
            clauses.push(condition(*field, choice.rule, &values));
        }
    }
    let clauses: Vec<&str> = clauses.iter().map(String::as_str).collect();
    let by_hand =
        if is_manual { " And what somebody sends by hand, whatever the filters say." } else { "" };
    format!("{}.{by_hand}", join(&clauses, "and"))
}

/// None for what a person does.
fn when(trigger: Trigger) -> Option<&'static str> {
    Some(match trigger {
        Trigger::Created => "a request is created",
        Trigger::Approved => "a request is approved",
        Trigger::Rejected => "a request is rejected",
        Trigger::Granted => "access is granted",
        Trigger::Expired => "access expires",
        Trigger::Failed => "a request fails",
        Trigger::Manual => return None,
    })
}

fn condition(field: Field, rule: Rule, values: &[&str]) -> String {
    if field == Field::Approval {
        return approval(rule, values).to_owned();
    }
    let any = join(values, "or");
    let own = field == Field::CustomField;
    let name = field.label().to_lowercase();
    match (rule, values) {
        (Rule::AnyOf, _) if own => format!("it has the {name} {any}"),
        (Rule::AnyOf, _) => format!("its {name} is {any}"),
        (Rule::NoneOf, _) if own => format!("it does not have the {name} {any}"),
        (Rule::NoneOf, [one]) => format!("its {name} is not {one}"),
        (Rule::NoneOf, _) => format!("its {name} is none of {}", join(values, "and")),
    }
}

fn approval(rule: Rule, values: &[&str]) -> &'static str {
    match (rule, values) {
        (Rule::AnyOf, ["manual"]) | (Rule::NoneOf, ["automatic"]) => {
            "a person was asked to approve it"
        }
        (Rule::AnyOf, ["automatic"]) | (Rule::NoneOf, ["manual"]) => {
            "it was approved automatically"
        }
        (Rule::AnyOf, _) => "it was approved by a person or automatically",
        (Rule::NoneOf, _) => "it was approved neither by a person nor automatically",
    }
}

/// `a`, `a or b`, `a, b or c`.
fn join(items: &[&str], word: &str) -> String {
    match items {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} {word} {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Choice;
    use super::*;

    #[test]
    fn the_whole_condition_in_one_sentence() {
        let choices = Choices::from([
            (Field::Integration, Choice::any_of(["prod-*", "db"])),
            (Field::Approval, Choice::any_of(["manual"])),
            (Field::ResourceType, Choice::any_of([""])),
            (Field::Requester, Choice::none_of(["*@bots.example"])),
            (Field::Permission, Choice::none_of(["read", "list"])),
        ]);
        assert_eq!(
            explain(&[Trigger::Granted, Trigger::Expired], &choices),
            "Sends when access is granted or access expires, its integration is prod-* or db, \
             its permission is none of read and list, its requester is not *@bots.example and a \
             person was asked to approve it."
        );
        assert_eq!(explain(&[], &Choices::new()), "Sends nothing: no trigger is chosen.");
        let by_hand = "ends what somebody sends by hand, whatever the filters say.";
        assert_eq!(explain(&[Trigger::Manual], &choices), format!("S{by_hand}"));
        let both = explain(&[Trigger::Granted, Trigger::Manual], &Choices::new());
        assert_eq!(
            both,
            "Sends when access is granted. And what somebody sends by hand, whatever the filters say."
        );
    }
}
