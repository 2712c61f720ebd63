//! Response validators in the file format: as in Apono's JSON, plus conditions on the body as text.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::{FileError, non_empty, scalar_text};
use crate::model::webhook::draft::ValidatorDraft;

/// One of `json_path` and `body` is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidatorFile {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    json_path: Option<String>,
    /// `contains` or `equals`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    expected_values: Vec<Value>,
}

impl ValidatorFile {
    pub(super) fn from_draft(draft: &ValidatorDraft) -> Self {
        let is_json = matches!(draft.subject.as_str(), "" | "json");
        Self {
            json_path: is_json.then(|| draft.json_path.clone()),
            body: non_empty(&draft.subject).filter(|_| !is_json),
            expected_values: draft.expected.iter().cloned().map(Value::from).collect(),
        }
    }

    pub(super) fn into_draft(self) -> Result<ValidatorDraft, FileError> {
        let error = |text: &str| FileError(format!("response_validators: {text}"));
        let expected: Option<Vec<String>> = self.expected_values.iter().map(scalar_text).collect();
        let expected = expected.ok_or_else(|| {
            error("expected_values must be a list of strings: write numbers in quotes")
        })?;
        let (subject, json_path) = match (self.json_path, self.body) {
            (Some(path), None) => (String::new(), path),
            (None, Some(body)) => (body, String::new()),
            (None, None) => {
                return Err(error("json_path is missing: add it, or body with contains or equals"));
            }
            (Some(_), Some(_)) => {
                return Err(error("there are both json_path and body: keep one of them"));
            }
        };
        Ok(ValidatorDraft { subject, json_path, expected })
    }
}
