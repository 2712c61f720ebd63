//! Response validators: conditions that a response must meet to count as a success.

use serde_json::Value;
use serde_json_path::JsonPath;

/// Longest found value in a mismatch, in characters.
const MAX_FOUND_CHARS: usize = 200;

/// A JSON path (RFC 9535) and the values of which one is expected there.
#[derive(Debug, Clone)]
pub struct Validator {
    path: JsonPath,
    text: String,
    expected: Vec<String>,
}

/// Why a response did not meet a validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorMismatch {
    /// JSON path of the validator.
    pub path: String,
    /// The first value found there, if any.
    pub found: Option<String>,
    /// The values of which one was expected.
    pub expected: Vec<String>,
}

impl Validator {
    /// Parses a validator.
    ///
    /// # Errors
    /// The message for the form field.
    pub fn new(path: &str, expected: &[String]) -> Result<Self, String> {
        let path = path.trim();
        if !path.starts_with("$.") && !path.starts_with("$[") {
            return Err(format!(
                "A JSON path starts with $: enter $.{}",
                path.trim_start_matches('$')
            ));
        }
        let parsed = JsonPath::parse(path)
            .map_err(|error| format!("\"{path}\" is not a JSON path: {error}."))?;
        let expected: Vec<String> = expected
            .iter()
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect();
        if expected.is_empty() {
            return Err(format!("Enter the value expected at {path}, such as true."));
        }
        Ok(Self { path: parsed, text: path.to_owned(), expected })
    }

    /// The path as entered.
    pub fn path(&self) -> &str {
        &self.text
    }

    /// The values of which one is expected.
    pub fn expected(&self) -> &[String] {
        &self.expected
    }

    /// Checks the body of a response.
    ///
    /// # Errors
    /// The value found instead, or none if the path selects nothing.
    pub fn check(&self, body: &Value) -> Result<(), ValidatorMismatch> {
        let found: Vec<String> = self.path.query(body).iter().map(|node| text_of(node)).collect();
        if found.iter().any(|value| self.expected.contains(value)) {
            return Ok(());
        }
        Err(ValidatorMismatch {
            path: self.text.clone(),
            found: found
                .into_iter()
                .next()
                .map(|value| value.chars().take(MAX_FOUND_CHARS).collect()),
            expected: self.expected.clone(),
        })
    }
}

/// A string without quotes, or the JSON of any other value.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rejection_with_status_200_is_detected() {
        let validator = Validator::new("$.success", &["true".to_owned()]).unwrap();
        assert_eq!(validator.check(&json!({"success": true})), Ok(()));
        assert_eq!(validator.check(&json!({"success": "true"})), Ok(()));
        let mismatch = validator.check(&json!({"success": false})).unwrap_err();
        assert_eq!(mismatch.found.as_deref(), Some("false"));
        assert_eq!(validator.check(&json!({})).unwrap_err().found, None);
    }

    #[test]
    fn one_of_several_values_is_enough() {
        let expected = ["200".to_owned(), "accepted".to_owned()];
        let validator = Validator::new("$.items[*].status", &expected).unwrap();
        assert!(validator.check(&json!({"items": [{"status": 1}, {"status": 200}]})).is_ok());
        assert!(validator.check(&json!({"items": [{"status": "Accepted"}]})).is_err());
    }

    #[test]
    fn invalid_validators_are_rejected() {
        assert!(Validator::new("success", &["true".to_owned()]).unwrap_err().contains("$.success"));
        assert!(
            Validator::new("$.[", &["true".to_owned()]).unwrap_err().contains("not a JSON path")
        );
        assert!(
            Validator::new("$.success", &[" ".to_owned()]).unwrap_err().contains("Enter the value")
        );
    }
}
