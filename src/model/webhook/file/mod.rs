//! The file format of webhooks, YAML or JSON: the field names of Apono's JSON, plus Gatepost's own. The
//! database stores webhooks in the same format.

mod auth;
mod filters;
mod kept;
mod signing;
#[cfg(test)]
mod tests;
mod tls;
mod tree;
mod validator;
mod value;
mod yaml;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use serde_path_to_error::Path;

use super::draft::{AuthDraft, Draft};
use super::normalize::normalize;
use auth::AuthFile;
use signing::SigningFile;
use tls::TlsFile;
use tree::Tree;
use validator::ValidatorFile;
use value::{non_empty, number_text};

pub use value::FileError;
pub(super) use yaml::parse as parse_yaml;

/// A webhook in the file format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookFile {
    name: String,
    #[serde(default = "yes")]
    active: bool,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "yaml::as_block")]
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signing: Option<SigningFile>,
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
    #[serde(default, skip_serializing_if = "is_no")]
    traceparent: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_secrets: Vec<String>,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_no(value: &bool) -> bool {
    !*value
}

fn post() -> String {
    "POST".to_owned()
}

/// Reads a YAML or JSON file. JSON is recognized by its first character.
///
/// # Errors
/// The syntax error, the unexpected field, or the value that cannot be kept exactly, with its path.
pub fn read_file(text: &str) -> Result<Vec<Draft>, FileError> {
    let text = text.trim_start_matches('\u{feff}');
    let Tree(tree) = parse(text)?;
    let file: File = serde_path_to_error::deserialize(&tree)
        .map_err(|error| invalid("file", Some(error.path()), error.inner()))?;
    let entries = tree.get("webhooks").and_then(Value::as_array);
    let entries = entries.into_iter().flatten();
    file.webhooks
        .into_iter()
        .zip(entries)
        .map(|(webhook, entry)| {
            let name = webhook.name.clone();
            webhook
                .into_draft()
                .and_then(|draft| {
                    let kept = WebhookFile::from_draft(&normalize(draft.clone()));
                    let kept =
                        serde_json::to_value(kept).map_err(|error| FileError(error.to_string()))?;
                    kept::check(entry, &kept)?;
                    Ok(draft)
                })
                .map_err(|FileError(error)| FileError(format!("webhook \"{name}\": {error}")))
        })
        .collect()
}

/// Parses a file. An error has the path of the value.
fn parse(text: &str) -> Result<Tree, FileError> {
    if text.trim_start().starts_with('{') {
        let mut json = serde_json::Deserializer::from_str(text);
        let tree = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| invalid("JSON", Some(error.path()), error.inner()))?;
        json.end().map_err(|error| invalid("JSON", None, &error))?;
        return Ok(tree);
    }
    yaml::parse(text).map_err(|(path, error)| invalid("YAML", path.as_ref(), &error))
}

fn invalid(format: &str, path: Option<&Path>, error: &dyn std::fmt::Display) -> FileError {
    let path = path.map(Path::to_string).filter(|path| path != ".");
    FileError(match path {
        Some(path) => format!("invalid {format}: {path}: {error}"),
        None => format!("invalid {format}: {error}"),
    })
}

/// Writes webhooks as YAML.
///
/// # Errors
/// Serialization failed, which no draft causes.
pub fn write_yaml(drafts: &[Draft]) -> Result<String, FileError> {
    let file = File { webhooks: drafts.iter().map(WebhookFile::from_draft).collect() };
    yaml::write(&file).map_err(|error| FileError(error.to_string()))
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
            signing: SigningFile::from_draft(&draft.signing),
            tls: TlsFile::from_draft(&draft.tls),
            ordered: draft.ordered,
            max_in_flight: draft.max_in_flight.parse().ok(),
            rate_per_minute: draft.rate_per_minute.parse().ok(),
            retry_schedule: draft.retry_schedule.split_whitespace().map(str::to_owned).collect(),
            traceparent: draft.traceparent,
            not_secrets: draft.not_secrets.clone(),
        }
    }

    /// Converts to a draft.
    ///
    /// # Errors
    /// A value has the wrong type, or a filter is unknown.
    pub fn into_draft(self) -> Result<Draft, FileError> {
        let mut headers = Vec::new();
        for (name, value) in self.kind.http_request.headers {
            let Value::String(value) = value else {
                return Err(FileError(format!(
                    "headers.{name} must be a string: write it in quotes"
                )));
            };
            headers.push((name, value));
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
            authentication: match self.authentication_config {
                Some(authentication) => authentication.into_draft()?,
                None => AuthDraft::default(),
            },
            signing: self.signing.map(SigningFile::into_draft).unwrap_or_default(),
            tls: self.tls.into_draft(),
            ordered: self.ordered,
            max_in_flight: number_text(self.max_in_flight),
            rate_per_minute: number_text(self.rate_per_minute),
            retry_schedule: self.retry_schedule.join(" "),
            traceparent: self.traceparent,
            not_secrets: self.not_secrets,
        })
    }
}
