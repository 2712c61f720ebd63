//! Compares a file with what is kept of it.

use serde_json::Value;

use super::value::{FileError, scalar_text};
use crate::model::webhook::name;

/// Checks that everything in `input` is also in `kept`, which was written from the webhook that was read.
///
/// # Errors
/// The path of the first value that would be changed or lost.
pub(super) fn check(input: &Value, kept: &Value) -> Result<(), FileError> {
    compare(input, kept, &mut Vec::new())
}

fn compare(input: &Value, kept: &Value, path: &mut Vec<String>) -> Result<(), FileError> {
    match (input, kept) {
        (Value::Null, _) => Ok(()),
        (Value::Object(members), _) => {
            for (name, value) in members {
                path.push(name.clone());
                compare(value, kept.get(name).unwrap_or(&Value::Null), path)?;
                path.pop();
            }
            refuse_empty(members.is_empty(), path)
        }
        (Value::Array(entries), _) => {
            for (index, entry) in entries.iter().enumerate() {
                path.push(format!("[{index}]"));
                compare(entry, kept.get(index).unwrap_or(&Value::Null), path)?;
                path.pop();
            }
            refuse_empty(entries.is_empty(), path)
        }
        (scalar, Value::Null) if is_default(scalar, path) => Ok(()),
        (scalar, kept) if is_same(scalar, kept, path) => Ok(()),
        // The message leaves out the value, which may be a secret.
        _ => Err(FileError(format!(
            "{} would be changed or lost: correct the value or its key",
            text_of(path)
        ))),
    }
}

/// Refuses an empty list where it does not mean the same as no list: a filter without values would match nothing, and a
/// schedule without delays would mean no retries.
fn refuse_empty(is_empty: bool, path: &[String]) -> Result<(), FileError> {
    let is_meaningful = match path {
        [first, ..] if first == "filters" => path.len() > 1,
        [first] => first == "retry_schedule",
        _ => false,
    };
    if is_empty && is_meaningful {
        let path = text_of(path);
        return Err(FileError(format!("{path} is empty: add a value, or remove the key")));
    }
    Ok(())
}

/// Whether a key is not written because this is its default.
fn is_default(value: &Value, path: &[String]) -> bool {
    match path.last().map(String::as_str) {
        Some("ordered") => *value == Value::Bool(true),
        Some("traceparent") => *value == Value::Bool(false),
        Some("scheme") => value == "none",
        Some("client_authentication") => value == "automatic",
        Some(name) if name.starts_with('[') => false,
        _ => value == "",
    }
}

/// Whether two scalars are the same. Surrounding spaces, the type of a scalar, the case of the method and the Unicode form of
/// the name do not matter.
fn is_same(input: &Value, kept: &Value, path: &[String]) -> bool {
    if let (Value::Number(input), Value::Number(kept)) = (input, kept) {
        return input == kept;
    }
    let (Some(input), Some(kept)) = (scalar_text(input), scalar_text(kept)) else { return false };
    match path {
        [name] if name == "name" => name::normalize(&input) == kept,
        [.., name] if name == "method" => input.trim().eq_ignore_ascii_case(kept.trim()),
        _ => input.trim() == kept.trim(),
    }
}

/// Returns a path such as `headers.X-Team` or `scopes[1]`.
fn text_of(path: &[String]) -> String {
    path.join(".").replace(".[", "[")
}
