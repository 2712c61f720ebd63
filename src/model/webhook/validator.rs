//! Response validators: what an answer must hold to count as a success.

use serde_json::Value;
use serde_json_path::JsonPath;

/// A JSON path (RFC 9535) and the values of which one must be found there.
#[derive(Debug, Clone)]
pub struct Validator {
    path: JsonPath,
    text: String,
    expected: Vec<String>,
}

/// Why a validator said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorMismatch {
    /// The validator's path.
    pub path: String,
    /// What was found there, if anything was.
    pub found: Option<String>,
    /// What would have done.
    pub expected: Vec<String>,
}

impl Validator {
    /// Checks what was typed.
    ///
    /// # Errors
    /// A message for the field.
    pub fn new(path: &str, expected: &[String]) -> Result<Self, String> {
        let path = path.trim();
        if !path.starts_with("$.") && !path.starts_with("$[") {
            return Err(format!(
                "A JSON path begins with $. : write $.{}",
                path.trim_start_matches('$')
            ));
        }
        let parsed = JsonPath::parse(path)
            .map_err(|error| format!("\"{path}\" is not a JSON path: {error}"))?;
        let expected: Vec<String> = expected
            .iter()
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect();
        if expected.is_empty() {
            return Err(format!("Say which value {path} must have, such as true."));
        }
        Ok(Self { path: parsed, text: path.to_owned(), expected })
    }

    /// The path as typed.
    pub fn path(&self) -> &str {
        &self.text
    }

    /// The values of which one will do.
    pub fn expected(&self) -> &[String] {
        &self.expected
    }

    /// Looks at an answer.
    ///
    /// # Errors
    /// What was found instead. Nothing at the path is a refusal too.
    pub fn check(&self, answer: &Value) -> Result<(), ValidatorMismatch> {
        let found: Vec<String> = self.path.query(answer).iter().map(|node| text_of(node)).collect();
        if found.iter().any(|value| self.expected.contains(value)) {
            return Ok(());
        }
        Err(ValidatorMismatch {
            path: self.text.clone(),
            found: found.into_iter().next().map(|value| value.chars().take(200).collect()),
            expected: self.expected.clone(),
        })
    }
}

/// A string is its text, anything else its JSON: `true`, `200`, `null`.
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
    fn logpoints_refusal_in_a_200_is_one() {
        let validator = Validator::new("$.success", &["true".to_owned()]).unwrap();
        assert_eq!(validator.check(&json!({"success": true})), Ok(()));
        assert_eq!(validator.check(&json!({"success": "true"})), Ok(()));
        let refusal = validator.check(&json!({"success": false})).unwrap_err();
        assert_eq!(refusal.found.as_deref(), Some("false"));
        assert_eq!(validator.check(&json!({})).unwrap_err().found, None);
    }

    #[test]
    fn one_of_several_will_do() {
        let expected = ["200".to_owned(), "accepted".to_owned()];
        let validator = Validator::new("$.items[*].status", &expected).unwrap();
        assert!(validator.check(&json!({"items": [{"status": 1}, {"status": 200}]})).is_ok());
        assert!(validator.check(&json!({"items": [{"status": "Accepted"}]})).is_err());
    }

    #[test]
    fn mistakes_are_told() {
        assert!(Validator::new("success", &["true".to_owned()]).unwrap_err().contains("$.success"));
        assert!(
            Validator::new("$.[", &["true".to_owned()]).unwrap_err().contains("not a JSON path")
        );
        assert!(
            Validator::new("$.success", &[" ".to_owned()]).unwrap_err().contains("which value")
        );
    }
}
