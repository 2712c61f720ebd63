//! A webhook's condition, read back in plain words.

use super::{Choices, Field};
use crate::model::Trigger;

/// One sentence, such as "Sends when a request is granted or expires, its integration is prod-*,
/// and a person was asked to approve it."
pub fn explain(triggers: &[Trigger], choices: &Choices) -> String {
    if triggers.is_empty() {
        return "Sends nothing: no trigger is chosen.".to_owned();
    }
    let whens: Vec<&str> = triggers.iter().map(|trigger| when(*trigger)).collect();
    let mut clauses = vec![format!("Sends when {}", join(&whens, "or"))];
    for (field, values) in choices {
        let values: Vec<&str> =
            values.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).collect();
        if !values.is_empty() {
            clauses.push(condition(*field, &values));
        }
    }
    let clauses: Vec<&str> = clauses.iter().map(String::as_str).collect();
    format!("{}.", join(&clauses, "and"))
}

fn when(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Created => "a request is created",
        Trigger::Approved => "a request is approved",
        Trigger::Rejected => "a request is rejected",
        Trigger::Granted => "access is granted",
        Trigger::Expired => "access expires",
        Trigger::Failed => "a request fails",
        Trigger::Manual => "somebody sends it by hand",
    }
}

fn condition(field: Field, values: &[&str]) -> String {
    let any = join(values, "or");
    match field {
        Field::Approval => match values {
            ["manual"] => "a person was asked to approve it".to_owned(),
            ["automatic"] => "it was approved automatically".to_owned(),
            _ => "it was approved by a person or automatically".to_owned(),
        },
        Field::CustomField => format!("it has the custom field {any}"),
        Field::Integration
        | Field::IntegrationType
        | Field::ResourceType
        | Field::Resource
        | Field::Permission
        | Field::AccessFlow
        | Field::Bundle
        | Field::Requester
        | Field::Grantee
        | Field::GranteeType => format!("its {} is {any}", field.label().to_lowercase()),
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
    use super::*;

    #[test]
    fn the_whole_condition_in_one_sentence() {
        let choices = Choices::from([
            (Field::Integration, vec!["prod-*".to_owned(), "db".to_owned()]),
            (Field::Approval, vec!["manual".to_owned()]),
            (Field::ResourceType, vec![String::new()]),
        ]);
        assert_eq!(
            explain(&[Trigger::Granted, Trigger::Expired], &choices),
            "Sends when access is granted or access expires, its integration is prod-* or db and \
             a person was asked to approve it."
        );
        assert_eq!(explain(&[], &Choices::new()), "Sends nothing: no trigger is chosen.");
    }
}
