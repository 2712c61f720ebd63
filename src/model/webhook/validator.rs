//! Response validators: conditions that a response must meet to count as a success.

use serde_json::Value;

use super::draft::ValidatorDraft;
use super::json_path::{BoundedPath, BudgetExceeded};

/// A condition on a response.
#[derive(Debug, Clone)]
pub struct Validator {
    subject: Subject,
    expected: Vec<String>,
}

/// What is compared with the expected values.
#[derive(Debug, Clone)]
enum Subject {
    /// The value at a JSON path.
    JsonPath(BoundedPath),
    /// Parts of the body.
    Contains,
    /// The body without the spaces around it.
    Equals,
}

/// Why a response did not meet a validator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValidatorMismatch {
    /// The response must be JSON, and is not.
    NotJson,
    /// No expected value is at the JSON path.
    JsonPath {
        /// JSON path of the validator.
        path: String,
        /// The first value found there, if any.
        found: Option<String>,
    },
    /// The response has too many values for the JSON path.
    TooManyValues {
        /// JSON path of the validator.
        path: String,
    },
    /// The body does not contain an expected text.
    Contains,
    /// The body is not an expected text.
    Equals {
        /// The body.
        found: String,
    },
}

impl Validator {
    /// Parses a validator.
    ///
    /// # Errors
    /// The message for the form field.
    pub fn new(draft: &ValidatorDraft) -> Result<Self, String> {
        let subject = match draft.subject.as_str() {
            "" | "json" => Subject::JsonPath(BoundedPath::parse(&draft.json_path)?),
            "contains" => Subject::Contains,
            "equals" => Subject::Equals,
            other => {
                return Err(format!("Unknown kind \"{other}\": use json, contains or equals."));
            }
        };
        let expected: Vec<String> = draft
            .expected
            .iter()
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect();
        if expected.is_empty() {
            return Err(match subject {
                Subject::JsonPath(path) => {
                    format!("Enter the value expected at {}, such as true.", path.text())
                }
                Subject::Contains | Subject::Equals => {
                    "Enter the text expected in the response, such as OK.".to_owned()
                }
            });
        }
        Ok(Self { subject, expected })
    }

    /// The JSON path as entered; empty for a condition on the body as text.
    pub fn path(&self) -> &str {
        match &self.subject {
            Subject::JsonPath(path) => path.text(),
            Subject::Contains | Subject::Equals => "",
        }
    }

    /// Whether the response must be JSON.
    pub fn needs_json(&self) -> bool {
        matches!(self.subject, Subject::JsonPath(..))
    }

    /// The values of which one is expected.
    pub fn expected(&self) -> &[String] {
        &self.expected
    }

    /// Checks the body of a response. `json` is the parsed body, if it is JSON.
    ///
    /// # Errors
    /// Why it does not meet the condition.
    pub fn check(&self, body: &str, json: Option<&Value>) -> Result<(), ValidatorMismatch> {
        match &self.subject {
            Subject::JsonPath(path) => {
                let json = json.ok_or(ValidatorMismatch::NotJson)?;
                let text = path.text().to_owned();
                let found: Vec<String> = match path.select(json) {
                    Ok(found) => found.into_iter().map(text_of).collect(),
                    Err(BudgetExceeded) => {
                        return Err(ValidatorMismatch::TooManyValues { path: text });
                    }
                };
                if found.iter().any(|value| self.expected.contains(value)) {
                    return Ok(());
                }
                let found = found.into_iter().next();
                Err(ValidatorMismatch::JsonPath { path: text, found })
            }
            Subject::Contains if self.expected.iter().any(|text| body.contains(text)) => Ok(()),
            Subject::Contains => Err(ValidatorMismatch::Contains),
            Subject::Equals if self.expected.iter().any(|text| body.trim() == text) => Ok(()),
            Subject::Equals => Err(ValidatorMismatch::Equals { found: body.trim().to_owned() }),
        }
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

    fn validator(subject: &str, path: &str, expected: &[&str]) -> Result<Validator, String> {
        Validator::new(&ValidatorDraft {
            subject: subject.to_owned(),
            json_path: path.to_owned(),
            expected: expected.iter().map(|text| (*text).to_owned()).collect(),
        })
    }

    fn check(validator: &Validator, body: &Value) -> Result<(), ValidatorMismatch> {
        validator.check(&body.to_string(), Some(body))
    }

    #[test]
    fn a_rejection_with_status_200_is_detected() {
        let validator = validator("json", "$.success", &["true"]).unwrap();
        assert_eq!(check(&validator, &json!({"success": true})), Ok(()));
        assert_eq!(check(&validator, &json!({"success": "true"})), Ok(()));
        for (body, found) in [(json!({"success": false}), Some("false")), (json!({}), None)] {
            let (path, found) = ("$.success".to_owned(), found.map(str::to_owned));
            let mismatch = ValidatorMismatch::JsonPath { path, found };
            assert_eq!(check(&validator, &body), Err(mismatch));
        }
        assert_eq!(validator.check("OK", None), Err(ValidatorMismatch::NotJson));
    }

    #[test]
    fn one_of_several_values_is_enough() {
        let validator = validator("", "$.items[*].status", &["200", "accepted"]).unwrap();
        assert!(check(&validator, &json!({"items": [{"status": 1}, {"status": 200}]})).is_ok());
        assert!(check(&validator, &json!({"items": [{"status": "Accepted"}]})).is_err());
    }

    #[test]
    fn a_body_is_compared_as_text() {
        let contains = validator("contains", "", &["OK", "accepted"]).unwrap();
        assert_eq!(contains.check("status=OK\n", None), Ok(()));
        assert_eq!(contains.check("status=ok", None), Err(ValidatorMismatch::Contains));
        let equals = validator("equals", "$.ignored", &["OK"]).unwrap();
        assert_eq!(equals.check(" OK\r\n", None), Ok(()));
        let found = "NOT OK".to_owned();
        assert_eq!(equals.check("NOT OK", None), Err(ValidatorMismatch::Equals { found }));
    }

    #[test]
    fn invalid_validators_are_rejected() {
        let rejected =
            |subject, path, expected: &[&str]| validator(subject, path, expected).unwrap_err();
        assert!(rejected("json", "success", &["true"]).contains("$.success"));
        assert!(rejected("json", "$.[", &["true"]).contains("not a JSON path"));
        assert!(rejected("json", "$.success", &[" "]).contains("Enter the value"));
        assert!(rejected("contains", "", &[]).contains("Enter the text"));
        assert!(rejected("matches", "", &["x"]).contains("use json, contains or equals"));
    }
}
