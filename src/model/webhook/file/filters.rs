//! Filters in the file format: `integration: [prod db]` for any of the values,
//! `integration: {none_of: [prod db]}` for none of them; custom fields by name,
//! `custom_field: {ticket: ["SEC-*"]}`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::value::{FileError, scalar_text};
use crate::model::filter::{Choice, Choices, Field, Rule};

const NONE_OF: &str = "none_of";

pub(super) fn write(choices: &Choices) -> Map<String, Value> {
    let mut filters = Map::new();
    for (field, choice) in choices {
        let values = if *field == Field::CustomField {
            let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (name, value) in choice.values.iter().filter_map(|value| value.split_once('=')) {
                by_name.entry(name).or_default().push(value);
            }
            json!(by_name)
        } else {
            json!(choice.values)
        };
        let value = match choice.rule {
            Rule::AnyOf => values,
            Rule::NoneOf => json!({ NONE_OF: values }),
        };
        filters.insert(field.key().to_owned(), value);
    }
    filters
}

pub(super) fn read(filters: Map<String, Value>) -> Result<Choices, FileError> {
    let mut choices = Choices::new();
    for (key, value) in filters {
        let field = Field::from_key(&key).ok_or_else(|| {
            let known: Vec<&str> = Field::ALL.iter().map(|field| field.key()).collect();
            FileError(format!("unknown filter filters.{key}: use {}", known.join(", ")))
        })?;
        let choice = read_choice(field, &value).ok_or_else(|| {
            let form = if field == Field::CustomField {
                "{ticket: [\"SEC-*\"]} or {none_of: {ticket: [\"SEC-*\"]}}"
            } else {
                "[a, b] or {none_of: [a, b]}"
            };
            FileError(format!("filters.{key} is invalid: write {key}: {form}"))
        })?;
        choices.insert(field, choice);
    }
    Ok(choices)
}

fn read_choice(field: Field, value: &Value) -> Option<Choice> {
    let none_of = value.as_object().filter(|object| object.len() == 1);
    let none_of = none_of.and_then(|object| object.get(NONE_OF));
    // A custom field may itself be named none_of. Then its value is a list, not an object.
    match none_of.filter(|inner| field != Field::CustomField || inner.is_object()) {
        Some(inner) => Some(Choice::none_of(read_values(field, inner)?)),
        None => Some(Choice::any_of(read_values(field, value)?)),
    }
}

fn read_values(field: Field, value: &Value) -> Option<Vec<String>> {
    if let Some(list) = value.as_array() {
        return list.iter().map(scalar_text).collect();
    }
    let by_name = value.as_object().filter(|_| field == Field::CustomField)?;
    let mut values = Vec::new();
    for (name, list) in by_name {
        for item in list.as_array()? {
            values.push(format!("{name}={}", scalar_text(item)?));
        }
    }
    Some(values)
}
