//! The file format of webhooks, YAML or JSON: the field names of Apono's JSON, plus Gatepost's own. The
//! database stores webhooks in the same format.

mod auth;
mod filters;
#[cfg(test)]
mod tests;
mod tls;
mod validator;
mod value;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::draft::Draft;
use auth::AuthFile;
use tls::TlsFile;
use validator::ValidatorFile;
use value::{non_empty, number_text, scalar_text};

pub use value::FileError;

/// A webhook in the file format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookFile {
    name: String,
    #[serde(default = "yes")]
    active: bool,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_template: Option<String>,
    #[serde(default)]
    triggers: Vec<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    filters: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    response_validators: Vec<ValidatorFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    custom_validation_error_message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_in_sec: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authentication_config: Option<AuthFile>,
    #[serde(default)]
    tls: TlsFile,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    ordered: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_in_flight: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_per_minute: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retry_schedule: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    http_request: HttpRequest,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpRequest {
    url: String,
    #[serde(default = "post")]
    method: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    headers: Map<String, Value>,
}

/// The file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    webhooks: Vec<WebhookFile>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

fn post() -> String {
    "POST".to_owned()
}

/// Reads a YAML or JSON file. JSON is recognized by its first character.
///
/// # Errors
/// The syntax error or the unexpected field.
pub fn read_file(text: &str) -> Result<Vec<Draft>, FileError> {
    let file: File = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| FileError(format!("invalid JSON: {error}")))?
    } else {
        serde_norway::from_str(text).map_err(|error| FileError(format!("invalid YAML: {error}")))?
    };
    file.webhooks
        .into_iter()
        .map(|webhook| {
            let name = webhook.name.clone();
            webhook
                .into_draft()
                .map_err(|FileError(error)| FileError(format!("webhook \"{name}\": {error}")))
        })
        .collect()
}

/// Writes webhooks as YAML.
///
/// # Errors
/// Serialization failed, which no draft causes.
pub fn write_yaml(drafts: &[Draft]) -> Result<String, FileError> {
    let file = File { webhooks: drafts.iter().map(WebhookFile::from_draft).collect() };
    serde_norway::to_string(&file).map_err(|error| FileError(error.to_string()))
}

impl WebhookFile {
    /// Converts a draft. Invalid numbers are omitted.
    pub fn from_draft(draft: &Draft) -> Self {
        let headers =
            draft.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.clone())));
        Self {
            name: draft.name.clone(),
            active: draft.active,
            kind: Kind {
                http_request: HttpRequest {
                    url: draft.url.clone(),
                    method: draft.method.clone(),
                    headers: headers.collect(),
                },
            },
            body_template: non_empty(&draft.body_template),
            triggers: draft.triggers.clone(),
            filters: filters::write(&draft.filters),
            response_validators: draft
                .response_validators
                .iter()
                .map(ValidatorFile::from_draft)
                .collect(),
            custom_validation_error_message: non_empty(&draft.custom_validation_error_message),
            timeout_in_sec: draft.timeout_in_sec.parse().ok(),
            authentication_config: AuthFile::from_draft(&draft.authentication),
            tls: TlsFile::from_draft(&draft.tls),
            ordered: draft.ordered,
            max_in_flight: draft.max_in_flight.parse().ok(),
            rate_per_minute: draft.rate_per_minute.parse().ok(),
            retry_schedule: draft.retry_schedule.split_whitespace().map(str::to_owned).collect(),
        }
    }

    /// Converts to a draft.
    ///
    /// # Errors
    /// A value has the wrong type, or a filter is unknown.
    pub fn into_draft(self) -> Result<Draft, FileError> {
        let mut headers = Vec::new();
        for (name, value) in self.kind.http_request.headers {
            headers.push((
                name,
                scalar_text(&value).ok_or_else(|| {
                    FileError("the value of a header must be a string".to_owned())
                })?,
            ));
        }
        let validators = self.response_validators.into_iter().map(ValidatorFile::into_draft);
        let validators = validators.collect::<Result<_, _>>()?;
        Ok(Draft {
            name: self.name,
            active: self.active,
            method: self.kind.http_request.method,
            url: self.kind.http_request.url,
            headers,
            body_template: self.body_template.unwrap_or_default(),
            triggers: self.triggers,
            filters: filters::read(self.filters)?,
            timeout_in_sec: number_text(self.timeout_in_sec),
            response_validators: validators,
            custom_validation_error_message: self
                .custom_validation_error_message
                .unwrap_or_default(),
            authentication: self.authentication_config.unwrap_or_default().into_draft()?,
            tls: self.tls.into_draft(),
            ordered: self.ordered,
            max_in_flight: number_text(self.max_in_flight),
            rate_per_minute: number_text(self.rate_per_minute),
            retry_schedule: self.retry_schedule.join(" "),
        })
    }
}
